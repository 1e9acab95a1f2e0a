import { expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { KStream } from './kstream.ts';
import { StreamsBuilder } from './streams-builder.ts';
import { hopping, tumbling, type TimeWindows } from './windows.ts';

const tens = tumbling({ sizeMs: 10, retentionMs: 10 });

function driverOf(build: (events: KStream<string>) => void, partitions = 1): TopologyTestDriver {
  const builder = new StreamsBuilder();
  build(builder.stream('events', { decode: ({ value }) => String(value) }));
  return new TopologyTestDriver(builder.build(), { partitions: { events: partitions } });
}

const at = (...times: readonly number[]): { key: string; value: string; timestampMs: number }[] => times.map((timestampMs) => ({ key: 'k', value: 'v', timestampMs }));

const GROUPINGS: readonly [string, (events: KStream<string>, windows: TimeWindows, store: string) => void][] = [
  ['of the task itself', (events, windows, store) => void events.groupByKey({ name: 'by-key' }).windowedBy(windows).count({ store })],
  ['behind the shuffle', (events, windows, store) => void events.groupBy((value) => value, { name: 'by-value' }).windowedBy(windows).count({ store })],
];

test.each(GROUPINGS)('each record that is too late for a window table %s is counted, whether or not anybody asks for late()', async (_, count) => {
  const driver = driverOf((events) => count(events, tens, 'counts'));
  await driver.pipe('events', ...at(5, 100));
  expect(driver.dropped()).toEqual({});
  // Seven records of two windows that are gone, in one commit: two partials behind the shuffle.
  await driver.pipe('events', ...at(1, 2, 3, 11, 12, 13, 14, 101));
  expect(driver.dropped()).toEqual({ late: 7 });
});

test.each(GROUPINGS)('of overlapping windows %s each one counts that a record is too late for', async (_, count) => {
  const driver = driverOf((events) => count(events, hopping({ sizeMs: 20, advanceMs: 10, retentionMs: 10 }), 'counts'));
  await driver.pipe('events', ...at(100));
  // Windows are gone that ended at 90 or before: of 85 one of two, of 75 both.
  await driver.pipe('events', ...at(85));
  expect(driver.dropped()).toEqual({ late: 1 });
  await driver.pipe('events', ...at(75, 75));
  expect(driver.dropped()).toEqual({ late: 5 });
});

test('each table counts for itself', async () => {
  const driver = driverOf((events) => {
    const grouped = events.groupBy((value) => value, { name: 'by-value' });
    grouped.windowedBy(tens).count({ store: 'tens' });
    grouped.windowedBy(tumbling({ sizeMs: 10, retentionMs: 1_000 })).count({ store: 'kept' });
    grouped.windowedBy(tumbling({ sizeMs: 20, retentionMs: 10 })).count({ store: 'twenties' });
    grouped.count({ store: 'all' });
  });
  await driver.pipe('events', ...at(100));
  await driver.pipe('events', ...at(1, 2, 3));
  expect(driver.dropped()).toEqual({ late: 6 });
  expect(driver.store('all')).toEqual(new Map([['v', 4]]));
});
