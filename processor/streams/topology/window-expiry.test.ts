import { describe, expect, test } from '@jest/globals';
import {
  decodeWindowKey,
  hopping,
  jsonSerde,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  tumbling,
  type KGroupedStream,
  type KStream,
  type Processor,
  type TimeWindows,
  type Topology,
  type Windowed,
  type WindowStore,
} from '../index.ts';
import { timeWindowedSerde } from './windowed-serdes.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const T0 = Date.UTC(2026, 0, 1);

type Group = (events: KStream<string | null, number>) => KGroupedStream<string, number>;

const GROUPINGS: readonly (readonly [string, Group])[] = [
  ['groupBy', (events) => events.groupBy((_at, key) => key ?? 'k', { name: 'by-key' })],
  ['groupByKey', (events) => events.groupByKey({ name: 'by-key' })],
  ['groupByKey behind map', (events) => events.map((value, key) => ({ key, value })).groupByKey({ name: 'by-key' })],
];

function counting(group: Group, windows: TimeWindows): Topology {
  const builder = new StreamsBuilder();
  const events = builder.stream<number>('events', { decode: ({ value }) => Number(value), timestampMs: (at) => at });
  const counts = group(events).windowedBy(windows).count({ store: 'counts' });
  counts.toStream().to('changes');
  counts.late().to('late', { value: jsonSerde<number>() });
  return builder.build();
}

interface Told {
  readonly windowStartMs: number;
  readonly value: number | null;
}

/** The changes of the table, in order; null: the window's row is deleted. */
const told = (driver: TopologyTestDriver): Told[] =>
  driver
    .outputTopic('changes', { key: timeWindowedSerde(stringSerde, HOUR_MS), value: jsonSerde<number>() })
    .read()
    .map(({ key, value }) => ({ windowStartMs: (key as Windowed<string>).startMs, value }));

const jsonOf = <T>(driver: TopologyTestDriver, topic: string): T[] =>
  driver.output(topic).map(({ value }) => JSON.parse(String(value)) as T);

/** The newest count told of each window. */
function newest(changes: readonly Told[]): Map<number, number | null> {
  return new Map(changes.map(({ windowStartMs, value }) => [windowStartMs, value]));
}

describe.each(GROUPINGS)('%s', (_name, group) => {
  test('240 hours that wait at the start are told, each in its window, none late', async () => {
    const driver = new TopologyTestDriver(counting(group, tumbling({ sizeMs: HOUR_MS, retentionMs: 2 * HOUR_MS })));
    const records = Array.from({ length: 240 * 60 }, (_, minute) => ({
      key: 'k',
      value: String(T0 + minute * MINUTE_MS),
    }));
    await driver.pipe('events', ...records);
    const windows = newest(told(driver));
    expect(windows.size).toBe(240);
    expect([...windows.values()].every((count) => count === 60)).toBe(true);
    expect(jsonOf(driver, 'late')).toEqual([]);
  });

  test(
    'a window that changes and expires in one commit is in the changelog before its ' +
      'tombstone, and not in the store',
    async () => {
      const driver = new TopologyTestDriver(counting(group, tumbling({ sizeMs: HOUR_MS, retentionMs: HOUR_MS })));
      await driver.pipe('events', { key: 'k', value: String(T0) }, { key: 'k', value: String(T0 + 5 * HOUR_MS) });
      const changelog = driver
        .output('test-counts-changelog')
        .filter(({ key }) => key !== null && key.length > 8 && decodeWindowKey(key).key === 'k');
      expect(
        changelog.map(({ key, value }) => [
          (decodeWindowKey(key as Buffer).windowStartMs - T0) / HOUR_MS,
          value?.toString(),
        ]),
      ).toEqual([
        [0, '1'],
        [5, '1'],
        [0, undefined],
      ]);
      expect(
        (await driver.entries('counts')).map(([, key]) => (decodeWindowKey(key).windowStartMs - T0) / HOUR_MS),
      ).toEqual([5]);
    },
  );

  test('what comes too late is told by late(), each record once', async () => {
    const driver = new TopologyTestDriver(counting(group, tumbling({ sizeMs: HOUR_MS, retentionMs: HOUR_MS })));
    await driver.pipe('events', { key: 'k', value: String(T0 + 5 * HOUR_MS) });
    await driver.pipe(
      'events',
      { key: 'k', value: String(T0 + 2 * HOUR_MS) },
      { key: 'k', value: String(T0 + 4 * HOUR_MS) },
      { key: 'k', value: String(T0) },
    );
    expect(jsonOf<number>(driver, 'late').reduce((a, b) => a + b, 0)).toBe(2);
    expect(newest(told(driver))).toEqual(
      new Map([
        [T0 + 5 * HOUR_MS, 1],
        [T0 + 4 * HOUR_MS, 1],
      ]),
    );
  });

  test('hopping windows that end at once are told, the ones before the record included', async () => {
    const driver = new TopologyTestDriver(
      counting(group, hopping({ sizeMs: 2 * HOUR_MS, advanceMs: HOUR_MS, retentionMs: 0 })),
    );
    await driver.pipe('events', ...[0, 1, 2, 3, 10].map((hour) => ({ key: 'k', value: String(T0 + hour * HOUR_MS) })));
    expect([...newest(told(driver))].map(([start, count]) => [(start - T0) / HOUR_MS, count])).toEqual([
      [-1, 1],
      [0, 2],
      [1, 2],
      [2, 2],
      [3, 1],
      [9, 1],
      [10, 1],
    ]);
  });

  test('more windows than one commit expires are gone before the driver answers', async () => {
    const driver = new TopologyTestDriver(counting(group, tumbling({ sizeMs: 1_000, retentionMs: 0 })));
    await driver.pipe(
      'events',
      ...Array.from({ length: 12_000 }, (_, second) => ({ key: 'k', value: String(T0 + second * 1_000) })),
    );
    expect(newest(told(driver)).size).toBe(12_000);
    expect(await driver.entries('counts')).toHaveLength(1);
  });
});

test('a window whose row a processor deletes in the same commit is told as deleted', async () => {
  const builder = new StreamsBuilder();
  const events = builder.stream<number>('events', { decode: ({ value }) => Number(value), timestampMs: (at) => at });
  const counts = events
    .groupByKey({ name: 'by-key' })
    .windowedBy(tumbling({ sizeMs: HOUR_MS, retentionMs: HOUR_MS }))
    .count({ store: 'counts' });
  counts.toStream().to('changes');
  events.process(
    (): Processor<string | null, number> => {
      let rows: WindowStore<string, number> | undefined;
      return {
        init: (context) => {
          rows = context.windowStore<number>('counts');
        },
        process: (at, key) => rows?.delete(key as string, at),
      };
    },
    { stores: ['counts'] },
  );
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('events', { key: 'k', value: String(T0) });
  expect(told(driver)).toEqual([{ windowStartMs: T0, value: null }]);
  expect(await driver.entries('counts')).toEqual([]);
});
