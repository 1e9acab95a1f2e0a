import { describe, expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { Aggregate } from './aggregate.ts';
import type { KGroupedStream, KTable } from './dsl-types.ts';
import { int64Serde } from './primitive-serdes.ts';
import { jsonSerde, stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';
import type { Windowed } from './windowed-serdes.ts';
import { hopping, session, sliding, tumbling, unlimited, type Windows } from './windows.ts';

/** Joins texts in the order in which they come: what a window has seen, and how. */
const joined: Aggregate<string, string, string> = {
  empty: () => '',
  add: (acc, value) => acc + value,
  merge: (older, newer) => older + newer,
  combine: false,
  serde: stringSerde,
};

type Piped = readonly [key: string, value: string | null, timestampMs: number];

const ROADS: readonly (readonly [string, (builder: StreamsBuilder) => KGroupedStream<string, string | null>])[] = [
  ['of its own task', (builder) => builder.stream('in', { value: stringSerde, nulls: 'keep' }).groupByKey()],
  [
    'behind the shuffle',
    (builder) =>
      builder
        .stream('in', { value: stringSerde, nulls: 'keep' })
        .groupBy((_value, key) => key, { name: 'g', value: stringSerde }),
  ],
];

interface Told {
  readonly driver: TopologyTestDriver;
  /** Since the last call: `key start-end value time`. */
  readonly told: () => string[];
  readonly late: () => string[];
  readonly pipe: (...records: readonly Piped[]) => Promise<void>;
}

function driverOf(build: (builder: StreamsBuilder) => KTable<Windowed<string>, string>): Told {
  const builder = new StreamsBuilder();
  const table = build(builder);
  table
    .toStream((_value, { key, startMs, endMs }) => `${key} ${String(startMs)}-${String(endMs)}`)
    .to('out', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  const read = (topic: string): string[] =>
    driver
      .output(topic)
      .map(({ key, value, timestampMs }) => `${String(key)} ${value?.toString() ?? 'null'} @${String(timestampMs)}`);
  return {
    driver,
    told: () => read('out'),
    late: () => read('late'),
    pipe: async (...records) => {
      for (const [key, value, timestampMs] of records) await driver.pipe('in', { key, value, timestampMs });
    },
  };
}

/** Tells of each change of windows of texts. */
function telling(road: (typeof ROADS)[number][1], windows: Windows): Told {
  return driverOf(
    (builder) =>
      road(builder)
        .windowedBy(windows)
        .aggregate(joined as never, { store: 'texts' }) as KTable<Windowed<string>, string>,
  );
}

describe.each(ROADS)('windows %s', (_name, road) => {
  test('sessions: extended, merged with tombstones for old bounds, updated without', async () => {
    const { driver, told, pipe } = telling(road, session({ gapMs: 10, graceMs: 100 }));
    await pipe(['k', 'a', 0]);
    expect(told()).toEqual(['k 0-0 a @0']);
    await pipe(['k', 'b', 0]);
    expect(told()).toEqual(['k 0-0 ab @0']);
    await pipe(['k', 'c', 10]);
    expect(told()).toEqual(['k 0-0 null @0', 'k 0-10 abc @10']);
    await pipe(['k', 'd', 5]);
    expect(told()).toEqual(['k 0-10 abcd @10']);
    await pipe(['k', 'e', 30], ['other', 'x', 20]);
    expect(told()).toEqual(['k 30-30 e @30', 'other 20-20 x @20']);
    await pipe(['k', 'f', 20]);
    expect(told()).toEqual(['k 0-10 null @10', 'k 30-30 null @30', 'k 0-30 abcdef @30']);
    expect(driver.rows('texts')).toEqual([
      { key: 'k', startMs: 0, endMs: 30, value: 'abcdef' },
      { key: 'other', startMs: 20, endMs: 20, value: 'x' },
    ]);
  });

  test('sessions are late when they, and the gap and the grace behind them, have ended', async () => {
    const { driver, told, pipe } = telling(road, session({ gapMs: 10, graceMs: 5 }));
    await pipe(['k', 'a', 0], ['k', 'b', 30]);
    told();
    await pipe(['k', 'in time', 15]);
    expect(told()).toEqual(['k 15-15 in time @15']);
    await pipe(['l', 'late', 14]);
    expect(told()).toEqual([]);
    expect(driver.dropped()).toEqual({ late: 1 });
    // It is late for a session of its own, but not for the one at 15.
    await pipe(['k', 'joins', 14]);
    expect(told()).toEqual(['k 15-15 null @15', 'k 14-15 in timejoins @15']);
  });

  test('sliding windows, out of order', async () => {
    const { driver, pipe } = telling(road, sliding({ differenceMs: 10, graceMs: 100 }));
    await pipe(['A', '1', 10], ['A', '2', 15], ['A', '3', 20], ['A', '4', 22], ['A', '5', 12]);
    expect(driver.rows('texts')).toEqual(
      [
        [0, '1'],
        [2, '15'],
        [5, '125'],
        [10, '1235'],
        [11, '235'],
        [12, '2345'],
        [13, '234'],
        [16, '34'],
        [21, '4'],
      ].map(([startMs, value]) => ({ key: 'A', startMs, endMs: Number(startMs) + 10, value })),
    );
  });

  test('sliding windows: inclusive ends, late by the end of the window, no nulls', async () => {
    const { driver, told, pipe } = telling(road, sliding({ differenceMs: 10, graceMs: 5 }));
    await pipe(['k', 'a', 5], ['k', 'b', 30], ['k', null, 30]);
    told();
    await pipe(['k', 'c', 25]);
    expect(told().toSorted()).toEqual(['k 15-25 c @25', 'k 20-30 bc @30', 'k 26-36 b @30'].toSorted());
    await pipe(['k', 'd', 24]);
    expect(told().toSorted()).toEqual(['k 15-25 cd @25', 'k 20-30 bcd @30', 'k 25-35 bc @30'].toSorted());
    await pipe(['k', 'e', 14]);
    expect(told()).toEqual([]);
    expect(driver.dropped()).toMatchObject({ 'null-value': 1 });
  });

  test('hopping windows whose advance does not divide the size; grace apart from retention', async () => {
    const windows = hopping({ sizeMs: 10, advanceMs: 3, graceMs: 2, retentionMs: 50 });
    const { driver, told, pipe } = telling(road, windows);
    await pipe(['k', 'a', 11]);
    expect(told()).toEqual(['k 3-13 a @11', 'k 6-16 a @11', 'k 9-19 a @11']);
    await pipe(['k', 'b', 18]);
    told();
    await pipe(['k', 'c', 12]);
    expect(told()).toEqual(['k 9-19 abc @18', 'k 12-22 bc @18']);
    expect(driver.dropped()).toEqual({ late: 2 });
    expect(driver.rows('texts')).toHaveLength(6);
    await pipe(['k', 'd', 66]);
    expect(driver.rows('texts').map(({ startMs }) => startMs)).toEqual([9, 12, 15, 18, 57, 60, 63, 66]);
  });

  test('one window without end, from a start on', async () => {
    const { driver, told, pipe } = telling(road, unlimited({ startMs: 100 }));
    await pipe(['k', 'before', 99], ['k', 'a', 100], ['k', 'b', 1_000_000], ['k', 'c', 100]);
    expect(told()).toEqual(['k 100-Infinity a @100', 'k 100-Infinity ab @1000000', 'k 100-Infinity abc @1000000']);
    expect(driver.rows('texts')).toEqual([{ key: 'k', startMs: 100, endMs: Infinity, value: 'abc' }]);
    expect(driver.dropped()).toEqual({});
  });

  test.each([
    ['tumbling', tumbling({ sizeMs: 10, graceMs: 0 }), ['k 0-10 4 @5', 'k 50-60 1 @50']],
    ['unlimited', unlimited(), ['k 0-Infinity 5 @50']],
    ['session', session({ gapMs: 10, graceMs: 0 }), ['k 0-5 4 @5', 'k 50-50 1 @50']],
  ] as const)('a count of %s windows counts records without a value', async (_kind, windows, expected) => {
    const { told, pipe } = driverOf((builder) =>
      road(builder)
        .windowedBy(windows)
        .count({ store: 'counts' })
        .mapValues((count) => String(count)),
    );
    await pipe(['k', null, 0], ['k', 'a', 1], ['k', null, 2], ['k', 'b', 5], ['k', 'c', 50]);
    const newest = new Map(told().map((one) => [one.split(' ')[1], one]));
    expect([...newest.values()].filter((one) => !one.includes('null'))).toEqual(expected);
  });

  test.each([
    ['tumbling', tumbling({ sizeMs: 10, graceMs: 0 })],
    ['sliding', sliding({ differenceMs: 10, graceMs: 0 })],
    ['session', session({ gapMs: 10, graceMs: 0 })],
  ] as const)('late() of %s windows tells what was left out, once', async (_kind, windows) => {
    const builder = new StreamsBuilder();
    const table = road(builder).windowedBy(windows).count({ store: 'counts' });
    table.late().to('late', { value: jsonSerde<number>() });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { key: 'k', value: 'a', timestampMs: 100 });
    await driver.pipe('in', { key: 'k', value: 'b', timestampMs: 5 });
    expect(
      driver.output('late').map(({ key, value, timestampMs }) => [String(key), String(value), timestampMs]),
    ).toEqual([['k', '1', 5]]);
    expect(driver.dropped()).toEqual({ late: 1 });
  });
});

test('stream time of a step is that of the records that reach it', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { value: stringSerde })
    .filter((value) => value !== 'ahead')
    .groupByKey()
    .windowedBy(tumbling({ sizeMs: 10, graceMs: 0 }))
    .count({ store: 'counts' });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe(
    'in',
    { key: 'k', value: 'ahead', timestampMs: 1_000 },
    { key: null, value: 'x', timestampMs: 1_000 },
  );
  await driver.pipe('in', { key: 'k', value: 'a', timestampMs: 5 }, { key: 'k', value: 'b', timestampMs: 12 });
  expect(driver.rows('counts')).toEqual([{ key: 'k', startMs: 10, endMs: 20, value: 1 }]);
  await driver.pipe('in', { key: 'k', value: 'late', timestampMs: 9 });
  expect(driver.dropped()).toEqual({ 'null-key': 1, late: 1 });
});

test('rows that an operator keeps of a windowed table are kept as long as those that it reads', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { value: stringSerde })
    .filter((value) => value !== 'ahead')
    .groupByKey()
    .windowedBy(tumbling({ sizeMs: 10, graceMs: 5 }))
    .count({ store: 'counts' })
    .mapValues((count) => -count, { store: 'negated', value: jsonSerde<number>() });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'k', value: 'ahead', timestampMs: 1_000 });
  await driver.pipe('in', { key: 'k', value: 'a', timestampMs: 5 }, { key: 'k', value: 'b', timestampMs: 14 });
  expect(driver.rows('negated')).toEqual([
    { key: 'k', startMs: 0, endMs: 10, value: -1 },
    { key: 'k', startMs: 10, endMs: 20, value: -1 },
  ]);
  await driver.pipe('in', { key: 'k', value: 'c', timestampMs: 15 });
  expect(driver.rows('negated')).toEqual([{ key: 'k', startMs: 10, endMs: 20, value: -2 }]);
});

test('a count may say how its keys are written', async () => {
  const builder = new StreamsBuilder();
  const grouped = builder
    .stream('in', { value: stringSerde })
    .groupBy((value) => value.length, { name: 'g', key: jsonSerde<number>() });
  grouped.count({ store: 'as-json' });
  grouped.count({ store: 'as-java', key: int64Serde });
  grouped.windowedBy(session({ gapMs: 10, graceMs: 0 })).count({ store: 'sessions', key: int64Serde });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { value: 'abc', timestampMs: 5 }, { value: 'def', timestampMs: 6 });
  expect(driver.rows('as-json')).toEqual([{ key: 3, value: 2 }]);
  expect(driver.rows('as-java')).toEqual([{ key: 3, value: 2 }]);
  expect((await driver.entries('as-java')).map(([, key]) => key.toString('hex'))).toEqual(['0000000000000003']);
  expect(driver.rows('sessions')).toEqual([{ key: 3, startMs: 5, endMs: 6, value: 2 }]);
});
