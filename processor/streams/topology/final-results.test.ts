import { describe, expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { Aggregate } from './aggregate.ts';
import type { KTable } from './dsl-types.ts';
import { jsonSerde, stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';
import { untilTimeLimit, untilWindowCloses } from './suppressed.ts';
import type { Windowed } from './windowed-serdes.ts';
import { hopping, session, sliding, tumbling, unlimited, type Windows } from './windows.ts';

type Piped = readonly [key: string, timestampMs: number];

type Final = (windows: Windows) => (builder: StreamsBuilder) => KTable<Windowed<string>, number>;

const WAYS: readonly (readonly [string, Final])[] = [
  [
    "emit: 'on-close'",
    (windows) => (builder) =>
      builder
        .stream('in', { value: stringSerde })
        .groupByKey()
        .windowedBy(windows, { emit: 'on-close' })
        .count({ store: 'counts' }),
  ],
  [
    'suppress(untilWindowCloses())',
    (windows) => (builder) =>
      builder
        .stream('in', { value: stringSerde })
        .groupByKey()
        .windowedBy(windows)
        .count({ store: 'counts' })
        .suppress(untilWindowCloses()),
  ],
  [
    'suppress(untilWindowCloses()) behind the shuffle and a mapValues',
    (windows) => (builder) =>
      builder
        .stream('in', { value: stringSerde })
        .groupBy((_value, key) => key, { name: 'g', value: stringSerde })
        .windowedBy(windows)
        .count({ store: 'counts' })
        .mapValues((count) => count)
        .suppress(untilWindowCloses()),
  ],
];

interface Told {
  readonly driver: TopologyTestDriver;
  readonly pipe: (...records: readonly Piped[]) => Promise<string[]>;
}

function telling(table: (builder: StreamsBuilder) => KTable<Windowed<string>, number>): Told {
  const builder = new StreamsBuilder();
  table(builder)
    .toStream((_count, { key, startMs, endMs }) => `${key} ${String(startMs)}-${String(endMs)}`)
    .to('out', { value: jsonSerde<number>() });
  const driver = new TopologyTestDriver(builder.build());
  return {
    driver,
    pipe: async (...records) => {
      await driver.pipe('in', ...records.map(([key, timestampMs]) => ({ key, value: 'v', timestampMs })));
      return driver
        .output('out')
        .map(({ key, value, timestampMs }) => `${String(key)} ${String(value)} @${String(timestampMs)}`);
    },
  };
}

describe.each(WAYS)('%s', (_way, finals) => {
  test('each window once, when it is late for everybody, by its end, then by key', async () => {
    const { driver, pipe } = telling(finals(tumbling({ sizeMs: 10, graceMs: 5 })));
    expect(await pipe(['b', 3], ['a', 4], ['b', 1])).toEqual([]);
    expect(await pipe(['a', 14], ['c', 9])).toEqual([]);
    expect(await pipe(['a', 15])).toEqual(['a 0-10 1 @4', 'b 0-10 2 @3', 'c 0-10 1 @9']);
    expect(await pipe(['a', 5], ['a', 15])).toEqual([]);
    expect(driver.dropped()).toEqual({ late: 1 });
    expect(await pipe(['z', 1_000_000])).toEqual(['a 10-20 3 @15']);
  });

  test('no window is lost when time jumps, within one commit too', async () => {
    const { pipe } = telling(finals(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 0 })));
    expect(await pipe(['k', 7], ['l', 1_000], ['k', 5_000])).toEqual([
      'k 0-10 1 @7',
      'k 5-15 1 @7',
      'l 995-1005 1 @1000',
      'l 1000-1010 1 @1000',
    ]);
  });

  test('sessions: those that were merged into others are never told', async () => {
    const { pipe } = telling(finals(session({ gapMs: 10, graceMs: 0 })));
    expect(await pipe(['k', 0])).toEqual([]);
    expect(await pipe(['k', 5])).toEqual([]);
    expect(await pipe(['other', 15])).toEqual([]);
    expect(await pipe(['other', 16])).toEqual(['k 0-5 2 @5']);
    expect(await pipe(['other', 100], ['k', 100])).toEqual(['other 15-16 2 @16']);
  });

  test('sliding windows close one after their inclusive end', async () => {
    const { pipe } = telling(finals(sliding({ differenceMs: 10, graceMs: 0 })));
    expect(await pipe(['k', 10])).toEqual([]);
    expect(await pipe(['k', 15])).toEqual(['k 0-10 1 @10']);
    expect(await pipe(['other', 15])).toEqual([]);
    expect(await pipe(['other', 22])).toEqual(['k 5-15 2 @15', 'other 5-15 1 @15', 'k 11-21 1 @15']);
  });
});

test.each([
  ['emit on-close', (b: StreamsBuilder) => WAYS[0]?.[1](unlimited())(b), /never closes/],
  ['until windows close', (b: StreamsBuilder) => WAYS[1]?.[1](unlimited())(b), /never does/],
  [
    'a table without windows',
    (b: StreamsBuilder) => b.table('in', { value: stringSerde }).suppress(untilWindowCloses()),
    /only a windowed aggregation has windows/,
  ],
])('refused: %s', (_what, build, message) => {
  const builder = new StreamsBuilder();
  build(builder);
  expect(() => builder.build()).toThrow(message);
});

test('what is held comes through an abort of its task, and is handed on once', async () => {
  const builder = new StreamsBuilder();
  let fails = false;
  const [, onClose] = WAYS[0] as (typeof WAYS)[number];
  onClose(tumbling({ sizeMs: 10, graceMs: 0 }))(builder)
    .toStream((_count, { key, startMs }) => `${key} ${String(startMs)}`)
    .peek(() => {
      if (fails) throw new Error('not now');
    })
    .to('out', { value: jsonSerde<number>() });
  const driver = new TopologyTestDriver(builder.build());
  const one = (timestampMs: number): { key: string; value: string; timestampMs: number } => ({
    key: 'k',
    value: 'v',
    timestampMs,
  });
  await driver.pipe('in', one(1));
  fails = true;
  await expect(driver.pipe('in', one(25))).rejects.toThrow('not now');
  fails = false;
  await driver.pipe('in', one(26));
  await driver.pipe('in', one(40));
  expect(driver.output('out').map(({ key, value }) => [String(key), String(value)])).toEqual([
    ['k 0', '1'],
    ['k 20', '2'],
  ]);
});

describe('suppress(untilTimeLimit())', () => {
  function limited(limitMs: number, options?: { maxRows: number }): Told {
    const builder = new StreamsBuilder();
    builder
      .table('in', { value: stringSerde, store: 'rows' })
      .suppress(untilTimeLimit(limitMs, options))
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build());
    return {
      driver,
      pipe: async (...records) => {
        for (const [text, timestampMs] of records) {
          const [key = '', value] = text.split('=');
          await driver.pipe('in', { key, value: value ?? null, timestampMs });
        }
        return driver
          .output('out')
          .map(({ key, value, timestampMs }) => `${String(key)}=${String(value)}@${String(timestampMs)}`);
      },
    };
  }

  test('a row comes so long after the first of its updates that are held, with the newest', async () => {
    const { pipe } = limited(10);
    expect(await pipe(['a=1', 0], ['b=1', 5], ['a=2', 9])).toEqual([]);
    expect(await pipe(['c=1', 10])).toEqual(['a=2@9']);
    expect(await pipe(['a=3', 14], ['b', 14])).toEqual([]);
    expect(await pipe(['d=1', 15])).toEqual(['b=null@14']);
    expect(await pipe(['d=2', 1_000])).toEqual(['c=1@10', 'a=3@14', 'd=2@1000']);
  });

  test('past maxRows the oldest goes early; Infinity is for ever', async () => {
    const { pipe } = limited(Infinity, { maxRows: 2 });
    expect(await pipe(['a=1', 10], ['b=1', 5], ['a=2', 1_000_000])).toEqual([]);
    expect(await pipe(['c=1', 7])).toEqual(['b=1@5']);
    expect(await pipe(['d=1', 7])).toEqual(['c=1@7']);
  });

  test('the first update counts, and the newest time, also of those of one commit', async () => {
    const { driver } = limited(10);
    const value = (text: string, timestampMs: number): { key: string; value: string; timestampMs: number } => ({
      key: text.slice(0, 1),
      value: text,
      timestampMs,
    });
    await driver.pipe('in', value('a1', 0), value('a2', 9), value('b1', 10));
    expect(driver.output('out').map(({ value: text }) => String(text))).toEqual(['a2']);
    await driver.pipe('in', value('c1', 20), value('c2', 12));
    expect(driver.output('out').map(({ value: text }) => String(text))).toEqual(['b1']);
  });

  test('a table behind it sees the rows as they were handed on', async () => {
    const builder = new StreamsBuilder();
    builder
      .table('in', { value: stringSerde, store: 'rows' })
      .suppress(untilTimeLimit(10))
      .filter((value) => value !== 'no')
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build());
    for (const [key, value, timestampMs] of [
      ['k', 'no', 0],
      ['x', 'no', 20],
      ['k', 'yes', 40],
      ['x', 'no', 60],
      ['k', 'no', 80],
      ['x', 'no', 100],
      ['k', 'no', 120],
      ['x', 'no', 140],
    ] as const)
      await driver.pipe('in', { key, value, timestampMs });
    expect(driver.output('out').map(({ value }) => String(value))).toEqual(['yes', 'null']);
  });

  test('of an aggregation behind the shuffle', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', { value: stringSerde })
      .groupBy((value) => value, { name: 'g' })
      .count({ store: 'counts' })
      .suppress(untilTimeLimit(10))
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build());
    const pipe = async (value: string, timestampMs: number): Promise<string[]> => {
      await driver.pipe('in', { key: null, value, timestampMs });
      return driver.output('out').map(({ key, value: count }) => `${String(key)} ${String(count)}`);
    };
    expect(await pipe('a', 0)).toEqual([]);
    expect(await pipe('a', 5)).toEqual([]);
    expect(await pipe('b', 10)).toEqual(['a 2']);
  });
});

const texts = (sign: string): Aggregate<string, string, string> => ({
  empty: () => '',
  add: (acc, value) => acc + sign + value,
  merge: (older, newer) => older + newer,
  combine: false,
  serde: stringSerde,
});

const sums: Aggregate<string, number, string> = {
  empty: () => 0,
  add: (acc, value) => acc + Number(value),
  merge: (a, b) => a + b,
  serde: jsonSerde<number>(),
};
const counts: Aggregate<string, number, string> = { ...sums, add: (acc) => acc + 100 };

describe('cogroup', () => {
  test.each([['in one task'], ['behind the shuffle']])(
    'each stream with its own aggregate, one row: %s',
    async (road) => {
      const builder = new StreamsBuilder();
      const grouped = (topic: string) => {
        const stream = builder.stream(topic, { value: stringSerde });
        return road === 'in one task'
          ? stream.groupByKey()
          : stream.groupBy((_value, key) => key, { name: 'g', value: stringSerde });
      };
      const [left, right] = [grouped('left'), grouped('right')];
      left.cogroup(texts('+')).cogroup(right, texts('-')).aggregate({ store: 'texts' }).toStream().to('out');
      left.cogroup(sums).cogroup(right, counts).cogroup(left, counts).aggregate({ store: 'sums' });
      left.aggregate(sums, { store: 'left-sums' });
      const driver = new TopologyTestDriver(builder.build());
      await driver.pipe('left', { key: 'k', value: '1', timestampMs: 10 });
      await driver.pipe('right', { key: 'k', value: '2', timestampMs: 5 }, { key: 'l', value: '3', timestampMs: 7 });
      await driver.pipe('left', { key: 'k', value: '4', timestampMs: 8 });
      expect(
        driver.output('out').map((one) => `${String(one.key)}=${String(one.value)}@${String(one.timestampMs)}`),
      ).toEqual(['k=+1@10', 'k=+1-2@10', 'l=-3@7', 'k=+1-2+4@10']);
      expect(driver.rows('sums')).toEqual([
        { key: 'k', value: 305 },
        { key: 'l', value: 100 },
      ]);
      expect(driver.rows('left-sums')).toEqual([{ key: 'k', value: 5 }]);
    },
  );

  test.each([
    ['tumbling', tumbling({ sizeMs: 10, graceMs: 100 }), ['k 0-10 +1-2', 'k 20-30 +3']],
    ['sliding', sliding({ differenceMs: 10, graceMs: 100 }), ['k 0-10 +1-2', 'k 5-15 -2', 'k 11-21 +3']],
    ['session', session({ gapMs: 10, graceMs: 100 }), ['k 4-5 +1-2', 'k 21-21 +3']],
    ['unlimited', unlimited(), ['k 0-Infinity +1-2+3']],
  ] as const)('in %s windows', async (_kind, windows, expected) => {
    const builder = new StreamsBuilder();
    const grouped = (topic: string) => builder.stream(topic, { value: stringSerde }).groupByKey();
    const table = grouped('left')
      .cogroup(texts('+'))
      .cogroup(grouped('right'), texts('-'))
      .windowedBy(windows)
      .aggregate({ store: 'texts' });
    table.late().to('late', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('left', { key: 'k', value: '1', timestampMs: 4 });
    await driver.pipe('right', { key: 'k', value: '2', timestampMs: 5 });
    await driver.pipe('left', { key: 'k', value: '3', timestampMs: 21 });
    expect(
      driver
        .rows<string>('texts')
        .map(({ key, startMs, endMs, value }) => `${key} ${String(startMs)}-${String(endMs)} ${value}`),
    ).toEqual(expected);
  });
});
