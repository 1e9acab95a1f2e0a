import { expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { KStream } from './dsl-types.ts';
import { stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';
import { tumbling } from './windows.ts';

const HOUR_MS = 3_600_000;
const PAST = Date.UTC(2023, 0, 1);
const TODAY = Date.UTC(2026, 0, 1);
const perHour = tumbling({ sizeMs: HOUR_MS, retentionMs: HOUR_MS });

interface Event {
  readonly what: string;
  readonly at: number;
}

const decode = ({ value }: { value: Buffer | null }): Event => JSON.parse(String(value)) as Event;
const json = (what: string, at: number): string => JSON.stringify({ what, at });

/** Counts the windows of a driver's store, and the records in them. */
async function told(driver: TopologyTestDriver, topic: string): Promise<{ windows: number; records: number }> {
  const newest = new Map<string, number>();
  for (const { key, value } of driver.output(topic)) newest.set(String(key), Number(String(value).split(' ')[1]));
  const rows = driver.output(topic);
  expect(rows).toEqual([]);
  return { windows: newest.size, records: [...newest.values()].reduce((sum, count) => sum + count, 0) };
}

function countPerHour(events: KStream<string | null, Event>): void {
  events
    .groupByKey({ name: 'by-key' })
    .windowedBy(perHour)
    .count({ store: 'per-hour' })
    .toStream()
    .map((value, { key, startMs }) => ({
      key: `${key}@${String(startMs)}`,
      value: `${String(startMs)} ${String(value)}`,
    }))
    .to('told', { value: stringSerde });
}

test('two topics of one task, years apart, are merged in the order of their times: no window is late', async () => {
  const builder = new StreamsBuilder();
  // One record that becomes both: customers of today are written first, orders of 2023 behind them.
  const both = builder.stream('in', { decode: () => null });
  const hours = Array.from({ length: 240 }, (_, hour) => hour);
  both.flatMap(() => [{ key: 'k', value: json('customer', TODAY) }]).to('customers', { value: stringSerde });
  both
    .flatMap(() => hours.map((hour) => ({ key: 'k', value: json('order', PAST + hour * HOUR_MS) })))
    .to('orders', { value: stringSerde });
  const options = { decode, timestampMs: ({ at }: Event): number => at };
  countPerHour(builder.stream('customers', options).merge(builder.stream('orders', options)));
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { value: '' });
  expect(await told(driver, 'told')).toEqual({ windows: 241, records: 241 });
  expect(driver.dropped()).toEqual({});
});

test('one topic read by two kinds of time does not run ahead by the newer one', async () => {
  const builder = new StreamsBuilder();
  builder.stream('events', { decode, timestampMs: () => TODAY }).peek(() => undefined);
  countPerHour(builder.stream('events', { decode, timestampMs: ({ at }) => at }));
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe(
    'events',
    ...Array.from({ length: 24 }, (_, hour) => ({ key: 'k', value: json('e', PAST + hour * HOUR_MS) })),
  );
  expect(await told(driver, 'told')).toEqual({ windows: 24, records: 24 });
});

test('a topic without records holds nothing back', async () => {
  const builder = new StreamsBuilder();
  const options = { decode, timestampMs: ({ at }: Event): number => at };
  const seen: number[] = [];
  builder
    .stream('full', options)
    .merge(builder.stream('empty', options))
    .process(() => {
      let time = (): number => -2;
      return {
        init: (context) => {
          time = () => context.streamTimeMs();
        },
        process: () => void seen.push(time()),
      };
    });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('full', { value: json('a', 5) }, { value: json('b', 9) });
  await driver.pipe('empty', { value: json('c', 7) });
  await driver.pipe('full', { value: json('d', 12) });
  expect(seen).toEqual([5, 9, 9, 12]);
});

test('an aggregate that is merged with the stream it is made of does not wait for itself', async () => {
  const builder = new StreamsBuilder();
  const events = builder.stream('events', { decode, timestampMs: ({ at }) => at });
  const totals = events
    .groupBy(({ what }) => what, { name: 'by-what' })
    .count({ store: 'totals' })
    .toStream()
    .mapValues((value): Event => ({ what: `total ${String(value)}`, at: 0 }));
  events
    .merge(totals)
    .to('told', { value: { serialize: ({ what }) => Buffer.from(what), deserialize: () => ({ what: '', at: 0 }) } });
  events
    .groupBy(({ what }) => what, { name: 'by-what-and-hour' })
    .windowedBy(perHour)
    .count({ store: 'per-hour' })
    .toStream()
    .map((value, { key }) => ({ key, value: String(value) }))
    .to('hours', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  for (let hour = 0; hour < 5; hour += 1)
    await driver.pipe('events', { key: 'k', value: json('e', PAST + hour * HOUR_MS) });
  expect(driver.output('told').map(({ value }) => String(value))).toEqual([
    'e',
    'total 1',
    'e',
    'total 2',
    'e',
    'total 3',
    'e',
    'total 4',
    'e',
    'total 5',
  ]);
  expect(driver.output('hours').length).toBe(5);
  // Windows behind it are let go of as time goes on: the task's word on its progress is not held back by the circle.
  expect((await driver.entries('per-hour')).length).toBeLessThan(5);
});
