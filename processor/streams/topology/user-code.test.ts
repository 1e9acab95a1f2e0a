import { describe, expect, test } from '@jest/globals';
import {
  int32Serde,
  jsonSerde,
  session,
  sliding,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  tumbling,
  type Aggregate,
  type SourceStream,
  type TableReducers,
} from '../index.ts';

/** Functions as a JavaScript user may write them. */
const wrong = (fn: (...args: never[]) => unknown): never => fn as never;

function boom(): never {
  throw new Error('boom');
}

const sum: Aggregate<string, number> = {
  empty: () => 0,
  add: (acc, value) => acc + value.length,
  merge: (a, b) => a + b,
  serde: { serialize: (n) => Buffer.from(String(n)), deserialize: (bytes) => Number(bytes.toString()) },
};

type Build = (source: SourceStream<string | null, string>) => void;

function driverOf(build: Build, decode: (value: string) => unknown = (value) => value): TopologyTestDriver {
  const builder = new StreamsBuilder();
  build(builder.stream('in', { decode: ({ value }) => decode(String(value)) as string }));
  return new TopologyTestDriver(builder.build(), { partitions: { in: 3 } });
}

const AT_RECORD: readonly (readonly [string, string, Build, RegExp])[] = [
  ['async filter', 'FILTER', (s) => void s.filter(wrong(async () => false)), /a promise/],
  ['async mapValues', 'MAPVALUES', (s) => void s.mapValues(wrong(async () => 'x')), /a promise/],
  ['async map', 'MAP', (s) => void s.map(wrong(async () => ({ key: 'k', value: 1 }))), /a promise/],
  ['map of nothing', 'MAP', (s) => void s.map(wrong(() => undefined)), /\{ key, value \}, not undefined/],
  ['map of text', 'MAP', (s) => void s.map(wrong((v) => v)), /\{ key, value \}, not a string/],
  [
    'map to a number as key',
    'SINK',
    (s) => s.map((value) => ({ key: 5, value })).to('out', { value: stringSerde }),
    /a key is text, not a number/,
  ],
  [
    'map to a promise as value',
    'MAP',
    (s) => void s.map(wrong(() => ({ key: 'k', value: Promise.reject(new Error('x')) }))),
    /a promise/,
  ],
  ['async flatMap', 'FLATMAP', (s) => void s.flatMap(wrong(async () => [])), /iterable/],
  ['flatMap of no pairs', 'FLATMAP', (s) => void s.flatMap(wrong(() => ['a'])), /\{ key, value \}, not a string/],
  ['flatMapValues of a number', 'FLATMAPVALUES', (s) => void s.flatMapValues(wrong(() => 5)), /iterable/],
  [
    'flatMapValues of promises',
    'FLATMAPVALUES',
    (s) => void s.flatMapValues(wrong(() => [Promise.resolve(1)])),
    /a promise/,
  ],
  ['async peek', 'PEEK', (s) => void s.peek(wrong(async () => undefined)), /a promise/],
  ['async branch', 'BRANCH', (s) => void s.branch(wrong(async () => true)), /a promise/],
  [
    'async selector',
    'COMBINE',
    (s) =>
      void s
        .groupBy(
          wrong(async () => 'k'),
          { name: 'g' },
        )
        .count({ store: 'c' }),
    /a promise/,
  ],
  [
    'selector of a number',
    'COMBINE',
    (s) =>
      void s
        .groupBy(
          wrong(() => 5),
          { name: 'g' },
        )
        .count({ store: 'c' }),
    /not a number/,
  ],
  [
    'selector of an object',
    'COMBINE',
    (s) =>
      void s
        .groupBy(
          wrong(() => ({ id: 1 })),
          { name: 'g' },
        )
        .count({ store: 'c' }),
    /not an object/,
  ],
  ['async process', 'PROCESSOR', (s) => void s.process(() => ({ process: wrong(async () => undefined) })), /a promise/],
  [
    'async add, repartitioned',
    'COMBINE',
    (s) => void s.groupBy(() => 'k', { name: 'g' }).aggregate({ ...sum, add: wrong(async () => 1) }, { store: 'c' }),
    /a promise/,
  ],
  [
    'async add, local',
    'AGGREGATE',
    (s) => void s.groupByKey({ name: 'g' }).aggregate({ ...sum, add: wrong(async () => 1) }, { store: 'c' }),
    /a promise/,
  ],
  [
    'sink serde of no buffer',
    'SINK',
    (s) => s.to('out', { value: { ...stringSerde, serialize: wrong(() => 'text') } }),
    /a Buffer, not a string/,
  ],
  [
    'async sink serde',
    'SINK',
    (s) => s.to('out', { value: { ...stringSerde, serialize: wrong(async () => Buffer.alloc(0)) } }),
    /a promise/,
  ],
  ['throwing sink serde', 'SINK', (s) => s.to('out', { value: { ...stringSerde, serialize: boom } }), /boom/],
  ['throwing filter', 'FILTER', (s) => void s.filter(boom), /boom/],
];

describe('at a record the error names task, node, topic, partition and offset', () => {
  test.each(AT_RECORD)('%s', async (_name, kind, build, what) => {
    const driver = driverOf(build);
    const failed: unknown = await driver
      .pipe('in', { key: 'k', value: 'v', partition: 2 })
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({
      code: 'USER_CODE_FAILED',
      taskId: '0_2',
      message: expect.stringMatching(new RegExp(`^task 0_2 failed at KSTREAM-${kind}-\\d+, in-2 offset 0: `)),
    });
    expect((failed as Error).message).toMatch(what);
  });

  const DECODERS: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['a promise', async () => 'v', /a promise/],
    ['nothing', () => undefined, /undefined/],
    ['an exception', boom, /boom/],
  ];
  test.each(DECODERS)('a decoder that answers %s', async (_name, decode, what) => {
    const failed: unknown = await driverOf((source) => void source.peek(() => undefined), decode)
      .pipe('in', { value: 'v', partition: 1 })
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({
      code: 'USER_CODE_FAILED',
      message: expect.stringMatching(/^task 0_1 failed at KSTREAM-SOURCE-0000000000, in-1 offset 0: /),
    });
    expect((failed as Error).message).toMatch(what);
  });
});

const AT_COMMIT: readonly (readonly [string, string, Build, RegExp])[] = [
  [
    'mapValues behind toStream',
    'KSTREAM-MAPVALUES-\\d+',
    (s) => void s.groupByKey({ name: 'g' }).count({ store: 'c' }).toStream().mapValues(boom),
    /boom/,
  ],
  [
    'processor behind toStream',
    'KSTREAM-PROCESSOR-\\d+',
    (s) =>
      void s
        .groupByKey({ name: 'g' })
        .count({ store: 'c' })
        .toStream()
        .process(() => ({ process: boom })),
    /boom/,
  ],
  [
    'sink serde behind toStream',
    'KSTREAM-SINK-\\d+',
    (s) =>
      s
        .groupByKey({ name: 'g' })
        .count({ store: 'c' })
        .toStream()
        .to('out', { value: { serialize: boom, deserialize: boom } }),
    /boom/,
  ],
  [
    'serde of a partial',
    'KSTREAM-COMBINE-\\d+',
    (s) =>
      void s
        .groupBy(() => 'k', { name: 'g' })
        .aggregate({ ...sum, serde: { ...sum.serde, serialize: boom } }, { store: 'c' }),
    /boom/,
  ],
  [
    'serde of a store',
    'the store "c"',
    (s) =>
      void s
        .groupByKey({ name: 'g' })
        .aggregate({ ...sum, serde: { ...sum.serde, serialize: wrong(() => null) } }, { store: 'c' }),
    /a Buffer, not null/,
  ],
  [
    'serde of a window store',
    'the store "c"',
    (s) =>
      void s
        .groupByKey({ name: 'g' })
        .windowedBy(tumbling({ sizeMs: 1, retentionMs: 1 }))
        .aggregate({ ...sum, serde: { ...sum.serde, serialize: wrong(async () => Buffer.alloc(1)) } }, { store: 'c' }),
    /a promise/,
  ],
];

test.each(AT_COMMIT)('at the commit the error names task and node: %s', async (_name, node, build, what) => {
  const failed: unknown = await driverOf(build)
    .pipe('in', { key: 'k', value: 'v', partition: 1 }, { key: 'k', value: 'v', partition: 1 })
    .catch((error: unknown) => error);
  expect(failed).toMatchObject({
    code: 'USER_CODE_FAILED',
    taskId: '0_1',
    message: expect.stringMatching(new RegExp(`^task 0_1 failed at ${node}, at the commit: `)),
  });
  expect((failed as Error).message).toMatch(what);
});

test.each([
  ['supplier', boom],
  ['init', () => ({ init: boom, process: () => undefined })],
  ['async init', () => ({ init: wrong(async () => boom()), process: () => undefined })],
] as const)('a processor that cannot be set up is named: %s', (_name, supplier) => {
  expect(() => driverOf((source) => void source.process(supplier))).toThrow(
    /^task 0_0 failed at KSTREAM-PROCESSOR-0000000001, when it was set up: .*(boom|a promise)/,
  );
});

test.each([null, undefined])(
  'a selector that answers %s drops the record, and it is counted; so is a record without a key',
  async (none) => {
    const driver = driverOf((source) => {
      source.groupBy((value) => (value === 'v' ? none : value), { name: 'g' }).count({ store: 'selected' });
      source.groupByKey({ name: 'k' }).count({ store: 'keyed' });
      source
        .map((value) => ({ key: none as null, value }))
        .groupByKey({ name: 'm' })
        .count({ store: 'mapped' });
    });
    await driver.pipe('in', { value: 'v' }, { key: 'k', value: 'w' });
    expect(driver.store('selected')).toEqual(new Map([['w', 1]]));
    expect(driver.store('keyed')).toEqual(new Map([['k', 1]]));
    expect(driver.store('mapped')).toEqual(new Map());
    expect(driver.dropped()).toEqual({ 'null-key': 4 });
  },
);

test('predicates may answer anything that JavaScript takes for true or false', async () => {
  const driver = driverOf((source) =>
    source.filter(wrong((value) => /v/.exec(value as string))).to('out', { value: stringSerde }),
  );
  await driver.pipe('in', { value: 'v' }, { value: 'w' });
  expect(driver.output('out').map(({ value }) => String(value))).toEqual(['v']);
});

/** Of a class of the user's, with a field of its own that each of its functions needs. */
class LetterSum implements Aggregate<string, number> {
  readonly factor = 2;
  readonly serde = jsonSerde<number>();
  #of(value: string): number {
    return this.factor * value.length;
  }
  empty(): number {
    return this.factor - 2;
  }
  add(sum: number, value: string): number {
    return sum + this.#of(value);
  }
  subtract(sum: number, value: string): number {
    return sum - this.#of(value);
  }
  merge(a: number, b: number): number {
    return this.factor > 0 ? a + b : NaN;
  }
}

test('aggregates and reducers may be objects whose functions use this', async () => {
  const builder = new StreamsBuilder();
  const texts = builder.stream('in', { value: stringSerde });
  const byKey = texts.groupByKey({ name: 'k' });
  byKey.aggregate(new LetterSum(), { store: 'combined' });
  byKey.windowedBy(tumbling({ sizeMs: 100, graceMs: 100 })).aggregate(new LetterSum(), { store: 'windows' });
  byKey.windowedBy(session({ gapMs: 10, graceMs: 100 })).aggregate(new LetterSum(), { store: 'sessions' });
  byKey.windowedBy(sliding({ differenceMs: 10, graceMs: 100 })).aggregate(new LetterSum(), { store: 'sliding' });
  texts
    .groupBy((value) => value.length, { name: 'shuffled', key: int32Serde })
    .aggregate(new LetterSum(), { store: 'behind' });
  const table = builder.table('rows', { value: stringSerde });
  table
    .groupBy((value, key) => ({ key: key.length, value }), { name: 't', key: int32Serde, value: stringSerde })
    .aggregate(new LetterSum(), { store: 'retracted' });
  class Longest {
    readonly least = 1;
    add(one: string, other: string): string {
      return one.length >= Math.max(this.least, other.length) ? one : other;
    }
    subtract(one: string, other: string): string | null {
      return one === other && this.least > 0 ? null : one;
    }
  }
  table
    .groupBy((value, key) => ({ key: key.length, value }), { name: 'r', key: int32Serde, value: stringSerde })
    .reduce(new Longest() as TableReducers<string>, { store: 'reduced', value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'k', value: 'abc', timestampMs: 5 }, { key: 'k', value: 'de', timestampMs: 6 });
  await driver.pipe('rows', { key: 'a', value: 'abc' }, { key: 'b', value: 'de' });
  await driver.pipe('rows', { key: 'b', value: null });
  const values = (store: string): unknown[] => driver.rows(store).map(({ value }) => value);
  expect(
    Object.fromEntries(
      ['combined', 'windows', 'sessions', 'behind', 'retracted', 'reduced'].map((store) => [store, values(store)]),
    ),
  ).toEqual({
    combined: [10],
    windows: [10],
    sessions: [10],
    behind: [4, 6],
    retracted: [6],
    reduced: ['abc'],
  });
  expect(values('sliding')).toContain(10);
});
