import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeWindowKey,
  hopping,
  jsonSerde,
  StreamsBuilder,
  TopologyTestDriver,
  tumbling,
  type Aggregate,
  type CombinableAggregate,
  type KeyValueStore,
  type KStream,
  type OrNull,
  type KTable,
  type Processor,
  type ProcessorContext,
  type Serde,
  type TimeWindows,
  type Windowed,
} from '../index.ts';
import { copyOf, emptyOf } from './own-values.ts';

/*
 * What user code may change: the first argument of add, merge and reduce, what a stream's function is given, what
 * toStream tells, what a store answers. Whatever it does to these, nobody else sees it.
 */

interface Item {
  readonly key: string;
  readonly id: string;
  n: number;
  readonly at: number;
}

/** Items of one key by their id, with the sum of their numbers. */
type Sums = Record<string, { n: number }>;
type Adder = Aggregate<Item, Sums>;

const serde = jsonSerde<Sums>();
const pure: Adder = {
  empty: () => ({}),
  add: (acc, { id, n }) => ({ ...acc, [id]: { n: (acc[id]?.n ?? 0) + n } }),
  merge: (a, b) =>
    Object.entries(b).reduce((sums, [id, { n }]) => ({ ...sums, [id]: { n: (sums[id]?.n ?? 0) + n } }), a),
  serde,
};

const addInPlace = (acc: Sums, { id, n }: Item): Sums => {
  (acc[id] ??= { n: 0 }).n += n;
  return acc;
};
const mergeInPlace = (a: Sums, b: Sums): Sums => {
  for (const [id, { n }] of Object.entries(b)) (a[id] ??= { n: 0 }).n += n;
  return a;
};

/** Each keeps the rules of docs/streams.md and shares what it can. */
const mutating: Readonly<Record<string, () => Adder>> = {
  'changes its first argument': () => ({ empty: () => ({}), add: addInPlace, merge: mergeInPlace, serde }),
  'answers the second argument': () => ({
    empty: () => ({}),
    add: addInPlace,
    merge: (a, b) => (Object.keys(a).length === 0 ? b : mergeInPlace(a, b)),
    serde,
  }),
  'keeps parts of the second argument': () => ({
    empty: () => ({}),
    add: (acc, item) => {
      const known = acc[item.id];
      if (known === undefined) acc[item.id] = item;
      else known.n += item.n;
      return acc;
    },
    merge: (a, b) => {
      for (const [id, sum] of Object.entries(b)) {
        const known = a[id];
        if (known === undefined) a[id] = sum;
        else known.n += sum.n;
      }
      return a;
    },
    serde: {
      ...serde,
      serialize: (sums) => serde.serialize(Object.fromEntries(Object.entries(sums).map(([id, { n }]) => [id, { n }]))),
    },
  }),
  'has one empty for all': () => {
    const nothing: Sums = {};
    return { empty: () => nothing, add: addInPlace, merge: mergeInPlace, serde };
  },
};

const items = fc.array(
  fc.record({
    key: fc.constantFrom('k', 'l'),
    id: fc.constantFrom('x', 'y'),
    n: fc.integer({ min: 1, max: 9 }),
    at: fc.integer({ min: 100, max: 130 }),
  }),
  { minLength: 1, maxLength: 12 },
);
const batches = fc.array(items, { minLength: 1, maxLength: 3 });
const kinds = fc.constantFrom(...Object.keys(mutating));
const WINDOWS: Readonly<Record<string, TimeWindows>> = {
  tumbling: tumbling({ sizeMs: 10, retentionMs: 1_000 }),
  hopping: hopping({ sizeMs: 10, advanceMs: 5, retentionMs: 1_000 }),
};

interface Plan {
  readonly local: boolean;
  readonly first: () => Adder;
  readonly second: () => Adder;
  /** What is downstream, and what else reads the stream, changes all that it is given. */
  readonly meddling: boolean;
}

async function rowsOf({ local, first, second, meddling }: Plan, input: readonly (readonly Item[])[]): Promise<unknown> {
  const builder = new StreamsBuilder();
  const stream = builder.stream('items', {
    decode: ({ value }) => JSON.parse(String(value)) as Item,
    timestampMs: ({ at }) => at,
  });
  const meddle = <K, V>(source: KStream<K, V>): KStream<K, OrNull<V>> =>
    source.mapValues((value) => {
      spoil(value);
      return value;
    });
  if (meddling) meddle(stream).to('spoiled', { value: jsonSerde<Item>() });
  const group = (name: string) => (local ? stream.groupByKey({ name }) : stream.groupBy(({ key }) => key, { name }));
  const grouped = group('one');
  const [one, two] = [first(), second()];
  const tables: (KTable<string, Sums> | KTable<Windowed<string>, Sums>)[] = [
    grouped.aggregate(one, { store: 'all' }),
    grouped.windowedBy(WINDOWS['tumbling'] as TimeWindows).aggregate(one, { store: 'tumbling' }),
    grouped.windowedBy(WINDOWS['hopping'] as TimeWindows).aggregate(one, { store: 'hopping' }),
    group('two').aggregate(two, { store: 'other' }),
    group('two')
      .windowedBy(WINDOWS['hopping'] as TimeWindows)
      .aggregate(two, { store: 'other-hopping' }),
  ];
  for (const table of tables) {
    const told = table.toStream();
    if (meddling) meddle(told as KStream<unknown, unknown>).to('spoiled', { value: jsonSerde() });
    told.to('told', { value: jsonSerde() });
  }
  if (meddling) meddle(stream.filter(() => true)).to('spoiled', { value: jsonSerde<Item>() });
  stream.to('copied', { value: jsonSerde<Item>() });
  const driver = new TopologyTestDriver(builder.build());
  for (const batch of input)
    await driver.pipe('items', ...batch.map((item) => ({ key: item.key, value: JSON.stringify(item) })));
  const stores: Record<string, unknown> = {};
  for (const store of ['all', 'other']) stores[store] = Object.fromEntries([...driver.store(store)].sort());
  for (const store of ['tumbling', 'hopping', 'other-hopping']) {
    stores[store] = (await driver.entries(store)).map(([, key, value]) => [
      decodeWindowKey(key),
      JSON.parse(String(value)),
    ]);
  }
  return {
    ...stores,
    told: driver.output('told').map(({ key, value }) => [String(key), JSON.parse(String(value))]),
    copied: driver.output('copied').map(({ value }) => JSON.parse(String(value))),
  };
}

/** Changes whatever can be changed. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const name of Object.keys(value)) {
    const part = (value as Record<string, unknown>)[name];
    if (typeof part === 'number') (value as Record<string, unknown>)[name] = -1_000_000;
    else spoil(part);
  }
  (value as Record<string, unknown>)['spoiled'] = true;
}

test.each([false, true])(
  'aggregates that change what they may answer what pure ones answer (groupByKey: %p)',
  async (local) => {
    await fc.assert(
      fc.asyncProperty(batches, kinds, kinds, fc.boolean(), async (input, first, second, meddling) => {
        const expected = await rowsOf(
          { local, first: () => ({ ...pure }), second: () => ({ ...pure }), meddling: false },
          input,
        );
        expect(
          await rowsOf(
            { local, first: mutating[first] as () => Adder, second: mutating[second] as () => Adder, meddling },
            input,
          ),
        ).toEqual(expected);
      }),
      {
        numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60),
        examples: [
          [
            [
              [
                { key: 'k', id: 'x', n: 1, at: 105 },
                { key: 'k', id: 'x', n: 1, at: 106 },
                { key: 'k', id: 'x', n: 1, at: 111 },
              ],
            ],
            'keeps parts of the second argument',
            'changes its first argument',
            true,
          ],
        ],
      },
    );
  },
);

describe('reduces', () => {
  const number = jsonSerde<{ n: number }>();
  const add = (a: { n: number }, b: { n: number }): { n: number } => {
    a.n += b.n;
    return a;
  };
  const newest = (a: { n: number }, b: { n: number }): { n: number } => {
    if (b.n > a.n) return b;
    a.n += 0.5;
    return a;
  };

  test.each([false, true])("of one stream do not see each other's sums (groupByKey: %p)", async (local) => {
    const builder = new StreamsBuilder();
    const stream = builder.stream('in', { decode: ({ value }) => ({ n: Number(value) }) });
    const group = (name: string) => (local ? stream.groupByKey({ name }) : stream.groupBy(() => 'k', { name }));
    group('a').reduce(add, { store: 'a', value: number, combine: true });
    group('b').reduce(add, { store: 'b', value: number, combine: true });
    group('c').reduce(newest, { store: 'c', value: number, combine: true });
    stream.to('copied', { value: number });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', ...[2, 3, 4].map((n) => ({ key: 'k', value: String(n) })));
    expect([driver.store('a'), driver.store('b'), driver.store('c')].map((rows) => rows.get('k'))).toEqual([
      { n: 9 },
      { n: 9 },
      { n: 4 },
    ]);
    expect(driver.output('copied').map(({ value }) => String(value))).toEqual(['{"n":2}', '{"n":3}', '{"n":4}']);
  });

  test('may change what a decoder answers for more than one record', async () => {
    const constant = { n: 1 };
    const builder = new StreamsBuilder();
    builder
      .stream('in', { decode: () => constant })
      .groupBy(() => 'k', { name: 'g' })
      .reduce(add, { store: 'a', value: number, combine: true });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { value: '' }, { value: '' }, { value: '' });
    expect(driver.store('a').get('k')).toEqual({ n: 3 });
    expect(constant).toEqual({ n: 1 });
  });
});

test('a serde that hands out the bytes themselves gives each table its own', async () => {
  const bytes: Serde<Buffer> = { serialize: (value) => value, deserialize: (value) => value };
  const last: CombinableAggregate<string, Buffer> = {
    empty: () => Buffer.alloc(1),
    add: (acc) => {
      acc[0] = (acc[0] ?? 0) + 1;
      return acc;
    },
    // What it is given is its own: it may write to both.
    merge: (a, b) => {
      a[0] = (a[0] ?? 0) + (b[0] ?? 0);
      b[0] = 120;
      return a;
    },
    serde: bytes,
  };
  const builder = new StreamsBuilder();
  const grouped = builder.stream('in', { decode: String }).groupBy(() => 'k', { name: 'g' });
  const second: CombinableAggregate<string, Buffer> = { ...last, merge: (a, b) => (a[0] === 0 ? b : last.merge(a, b)) };
  grouped.aggregate(second, { store: 'a' });
  grouped.aggregate(second, { store: 'b' });
  grouped.windowedBy(hopping({ sizeMs: 10, advanceMs: 5, retentionMs: 1_000 })).aggregate(second, { store: 'w' });
  const driver = new TopologyTestDriver(builder.build());
  for (const timestampMs of [105, 106, 111]) await driver.pipe('in', { value: 'x', timestampMs });
  expect([driver.store<Buffer>('a').get('k')?.[0], driver.store<Buffer>('b').get('k')?.[0]]).toEqual([3, 3]);
  expect((await driver.entries('w')).map(([, key, value]) => [decodeWindowKey(key).windowStartMs, value[0]])).toEqual([
    [100, 2],
    [105, 3],
    [110, 1],
  ]);
});

test(
  "what a store answers is the processor's own, and so is what was put: only put changes the store, before a " +
    'commit as after',
  async () => {
    class Meddling implements Processor<string | null, string, string, string> {
      #rows: KeyValueStore<string, { n: number }> | undefined;
      #context: ProcessorContext<string, string> | undefined;

      init(context: ProcessorContext<string, string>): void {
        this.#context = context;
        this.#rows = context.keyValueStore('rows');
      }

      process(value: string): void {
        const rows = this.#rows as KeyValueStore<string, { n: number }>;
        const put = { n: Number(value) };
        rows.put('k', put);
        put.n = -1;
        const got = rows.get('k') as { n: number };
        this.#context?.forward('k', String(got.n));
        got.n = -2;
        this.#context?.forward('k', String(rows.get('k')?.n));
      }
    }
    const builder = new StreamsBuilder();
    builder
      .stream('in', { decode: ({ value }) => String(value) })
      .process(() => new Meddling(), { stores: [{ name: 'rows', kind: 'key-value', serde: jsonSerde<unknown>() }] })
      .to('out', { value: jsonSerde<string>() });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { value: '7' });
    expect(driver.output('out').map(({ value }) => JSON.parse(String(value)))).toEqual(['7', '7']);
    expect(driver.store('rows').get('k')).toEqual({ n: 7 });
  },
);

describe('a copy', () => {
  test('of plain data is equal and shares nothing', () => {
    fc.assert(
      fc.property(
        fc.anything({ withDate: true, withMap: true, withSet: true, withTypedArray: true, withNullPrototype: true }),
        (value) => {
          // Jest holds no such date equal to another.
          fc.pre(!inspect(value, { depth: Infinity }).includes('Invalid Date'));
          const copy = copyOf(value);
          expect(copy).toEqual(value);
          if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value);
        },
      ),
    );
  });

  test('keeps cycles, and leaves instances of classes as they are', () => {
    const cycle: { self?: unknown; url: URL } = { url: new URL('http://a') };
    cycle.self = cycle;
    const copy = copyOf(cycle);
    expect(copy.self).toBe(copy);
    expect(copy.url).toBe(cycle.url);
  });
});

test('empty() may answer one constant, or parts of one', () => {
  const parts = { list: [] as number[] };
  const empty = emptyOf<{ list: number[]; n: number }>({
    empty: () => ({ ...parts, n: Infinity }),
    add: (acc) => acc,
    merge: (a) => a,
    serde: jsonSerde(),
  });
  empty().list.push(1);
  expect(empty()).toEqual({ list: [], n: Infinity });
  let calls = 0;
  const fresh = emptyOf<{ n: number }>({
    empty: () => ({ n: (calls += 1) }),
    add: (acc) => acc,
    merge: (a) => a,
    serde: jsonSerde(),
  });
  expect([fresh().n, fresh().n]).toEqual([3, 4]);
});
