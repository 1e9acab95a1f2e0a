import fc from 'fast-check';
import {
  DeadLetter,
  hopping,
  jsonSerde,
  StreamsBuilder,
  tumbling,
  type CombinableAggregate,
  type KeyValueStore,
  type KGroupedStream,
  type KStream,
  type KTable,
  type Processor,
  type ProcessorContext,
  type TimeWindows,
  type Topology,
} from '@tributary/streams';

/*
 * Random topologies as plain data: one plan is built with the runtime's own operators and, for comparison, counted by a
 * model that has neither tasks, partitions, commits nor stores (tests/support/topology-model.ts). Both use the
 * functions here.
 */

/** A record's value. `n` is what is added up. */
export interface Item {
  readonly id: number;
  n: number;
  readonly at: unknown;
}

export type StreamOp =
  | {
      readonly op: 'filter' | 'mapValues' | 'changeValues' | 'map' | 'flatMap' | 'flatMapValues' | 'peek';
      readonly from: number;
      readonly f: number;
    }
  | { readonly op: 'branch'; readonly from: number; readonly f: number }
  | { readonly op: 'merge'; readonly from: number; readonly other: number };

export interface WindowPlan {
  readonly sizeMs: number;
  /** It need not divide the size. */
  readonly advanceMs: number;
  /** null: nothing is ever late. */
  readonly graceMs: number | null;
  /** Windows are there for so long after they have closed. */
  readonly keptLongerMs: number;
}

export type End =
  | { readonly end: 'to'; readonly from: number }
  | { readonly end: 'process'; readonly from: number; readonly f: number }
  | {
      readonly end: 'tables';
      readonly from: number;
      readonly by: 'key' | 'selector';
      readonly f: number;
      readonly with: 'count' | 'aggregate' | 'reduce';
      /** Records are not combined before the shuffle: they travel one by one. */
      readonly oneByOne: boolean;
      readonly windows: readonly (WindowPlan | null)[];
    };

export interface Plan {
  readonly partitions: readonly [number, number];
  readonly deadLetters: boolean;
  readonly ops: readonly StreamOp[];
  readonly ends: readonly End[];
}

export interface Input {
  readonly topic: 'a' | 'b';
  readonly key: Buffer | null;
  /** JSON of an Item, or not. */
  readonly value: string;
}

/** Keys that something may take for its own, or for another key. */
const ODD_KEYS = [
  '',
  '!',
  '!bang',
  '!stream-time',
  '\0',
  '\0stream-time',
  'a\0b',
  'a',
  'b',
  '😀',
  '\uFFFD',
  '\uFEFFa',
  'é',
  'e\u0301',
  '__proto__',
  'constructor',
  'k'.repeat(300),
  '5:a',
  '-1:',
];
const NO_TEXT = [
  Buffer.from([200]),
  Buffer.from([0xc3, 0x28]),
  Buffer.from([0, 0, 0, 0, 0, 0, 0, 255]),
  Buffer.from([0xed, 0xa0, 0xbd]),
];
const TIMES: readonly unknown[] = [0, 1, 4.5, 9, 10, 11, 99, 100, 101, 1_000, 1_005, 60_000, 8e15, 8.64e15];
const NO_TIMES: readonly unknown[] = [null, -1, -0.5, -1e15, 8.64e15 + 2, 1e300, '5', {}, true];

export const FILTERS: readonly ((item: Item, key: string | null) => boolean)[] = [
  ({ id }) => id % 2 === 0,
  ({ n }) => n < 3,
  (_item, key) => key !== null && key.length < 2,
  () => true,
  () => false,
];
export const NEW_KEYS: readonly ((item: Item, key: string | null) => string | null)[] = [
  ({ id }) => ODD_KEYS[id % ODD_KEYS.length] as string,
  ({ id }) => (id % 3 === 0 ? null : `k${String(id % 4)}`),
  (_item, key) => (key === null ? '' : `${key}!`),
  () => 'one',
  (_item, key) => key,
];
export const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;
/** What flatMap makes of one: none, one or two. */
export const spread = ({ id, n, at: time }: Item, f: number): Item[] =>
  Array.from({ length: (id + f) % 3 }, (_, index) => ({ id: id + index, n, at: time }));

const windowPlan = fc
  .record({
    sizeMs: fc.constantFrom(1, 10, 12, 1_000),
    steps: fc.constantFrom(1, 1, 2, 3.5),
    graceMs: fc.constantFrom(null, null, 0, 5, 100),
    keptLongerMs: fc.constantFrom(0, 50),
  })
  .map(({ steps, ...plan }) => ({ ...plan, advanceMs: Math.ceil(plan.sizeMs / steps) }));
const from = fc.nat({ max: 20 });
const f = fc.nat({ max: 9 });
const op: fc.Arbitrary<StreamOp> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constantFrom('filter', 'mapValues', 'changeValues', 'map', 'flatMap', 'flatMapValues', 'peek'),
      from,
      f,
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('branch'), from, f }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('merge'), from, other: from }) },
);
const end: fc.Arbitrary<End> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ end: fc.constant('to'), from }) },
  { weight: 1, arbitrary: fc.record({ end: fc.constant('process'), from, f }) },
  {
    weight: 4,
    arbitrary: fc.record({
      end: fc.constant('tables'),
      from,
      by: fc.constantFrom('key', 'selector'),
      f,
      with: fc.constantFrom('count', 'aggregate', 'reduce'),
      oneByOne: fc.boolean(),
      windows: fc.array(fc.option(windowPlan), { minLength: 1, maxLength: 3 }),
    }),
  },
);

export const plans: fc.Arbitrary<Plan> = fc.record({
  partitions: fc.oneof(fc.constantFrom<[number, number][]>([1, 1], [3, 3], [4, 3])),
  deadLetters: fc.boolean(),
  ops: fc.array(op, { maxLength: 7 }),
  ends: fc.array(end, { minLength: 1, maxLength: 4 }),
});

const oneOf = (list: readonly unknown[]): fc.Arbitrary<unknown> => fc.constantFrom(...list);

/** Records in batches; without a dead-letter topic only such as can be read, whatever their times. */
export function inputsFor({ deadLetters }: Plan): fc.Arbitrary<Input[][]> {
  const text = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...ODD_KEYS).map((key) => Buffer.from(key)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }).map((key) => Buffer.from(key)) },
  );
  const readable: fc.Arbitrary<Buffer | null> = fc.option(text, { freq: 8 });
  const key = deadLetters
    ? fc.oneof({ weight: 9, arbitrary: readable }, { weight: 1, arbitrary: fc.constantFrom(...NO_TEXT) })
    : readable;
  const time = fc.oneof(
    { weight: 6, arbitrary: oneOf(TIMES) },
    { weight: 6, arbitrary: fc.nat({ max: 200 }) },
    { weight: 1, arbitrary: oneOf(NO_TIMES) },
  );
  const value = fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .record({ id: fc.nat({ max: 40 }), n: fc.integer({ min: 1, max: 5 }), at: time })
        .map((item) => JSON.stringify(item)),
    },
    ...(deadLetters ? [{ weight: 1, arbitrary: fc.constantFrom('', '{', 'null', '[]') }] : []),
  );
  return fc.array(
    fc.array(fc.record({ topic: fc.constantFrom('a' as const, 'b' as const), key, value }), {
      minLength: 1,
      maxLength: 10,
    }),
    { minLength: 1, maxLength: 4 },
  );
}

export function decodeItem(value: string): Item | undefined {
  try {
    const item = JSON.parse(value) as Item | null;
    return typeof item?.id === 'number' ? item : undefined;
  } catch {
    return undefined;
  }
}

export const windowsOf = ({ sizeMs, advanceMs, graceMs, keptLongerMs }: WindowPlan): TimeWindows => {
  const times =
    graceMs === null
      ? { sizeMs, graceMs: Number.MAX_SAFE_INTEGER }
      : { sizeMs, graceMs, retentionMs: graceMs + keptLongerMs };
  return advanceMs === sizeMs ? tumbling(times) : hopping({ ...times, advanceMs });
};

export interface Sum {
  count: number;
  sum: number;
}

/** Changes whatever it may. */
const sums = (combine: boolean): CombinableAggregate<Item, Sum> => {
  const nothing: Sum = { count: 0, sum: 0 };
  return {
    empty: () => nothing,
    add: (acc, { n }) => {
      acc.count += 1;
      acc.sum += n;
      return acc;
    },
    merge: (a, b) => {
      if (a.count === 0) return b;
      a.count += b.count;
      a.sum += b.sum;
      return a;
    },
    combine,
    serde: jsonSerde<Sum>(),
  };
};

const addTo = (a: Item, b: Item): Item => {
  a.n += b.n;
  return a;
};

/** Counts each key's records in a store of its own, and hands them on. */
class Counting implements Processor<string | null, Item, string | null, Item> {
  readonly #store: string;
  #rows: KeyValueStore<string, Sum> | undefined;
  #context: ProcessorContext<string | null, Item> | undefined;

  constructor(store: string) {
    this.#store = store;
  }

  init(context: ProcessorContext<string | null, Item>): void {
    this.#context = context;
    this.#rows = context.keyValueStore<Sum>(this.#store);
  }

  process(item: Item, key: string | null): void {
    const row = this.#rows?.get(key ?? 'none') ?? { count: 0, sum: 0 };
    row.count += 1;
    row.sum += item.n;
    this.#rows?.put(key ?? 'none', row);
    row.count = -1;
    this.#context?.forward(key, item);
  }
}

/** Stores are `<end>-<table>`; sinks `out-<end>`, `told-<store>`, `late-<store>`. */
export function buildPlan({ deadLetters, ops, ends }: Plan): Topology {
  const builder = new StreamsBuilder();
  const source = (topic: string): KStream<string | null, Item> =>
    builder
      .stream(topic, {
        decode: ({ value }) => decodeItem(String(value)) ?? new DeadLetter('NO_ITEM', 'no item'),
        timestampMs: (item) => item.at as number,
        ...(deadLetters ? { deadLetterTopic: 'dead' } : {}),
        // It looks at the key, so that a key that is no text is found at once, whatever comes behind.
      })
      .peek((_item, key) => void key);
  const streams: KStream<string | null, Item>[] = [source('a'), source('b')];
  for (const step of ops) {
    const stream = at(streams, step.from);
    switch (step.op) {
      case 'filter':
        streams.push(stream.filter(at(FILTERS, step.f)));
        break;
      case 'mapValues':
        streams.push(stream.mapValues((item) => ({ ...item, n: item.n + 1 })));
        break;
      case 'changeValues':
        streams.push(
          stream.mapValues((item) => {
            item.n += 1;
            return item;
          }),
        );
        break;
      case 'map':
        streams.push(stream.map((item, key) => ({ key: at(NEW_KEYS, step.f)(item, key), value: item })));
        break;
      case 'flatMap':
        streams.push(stream.flatMap((item, key) => spread(item, step.f).map((value) => ({ key, value }))));
        break;
      case 'flatMapValues':
        streams.push(stream.flatMapValues((item) => spread(item, step.f)));
        break;
      case 'peek':
        streams.push(stream.peek(() => undefined));
        break;
      case 'branch':
        streams.push(...stream.branch(at(FILTERS, step.f), at(FILTERS, step.f + 1)));
        break;
      case 'merge':
        streams.push(stream.merge(at(streams, step.other)));
        break;
    }
  }
  for (const [index, plan] of ends.entries()) addEnd(at(streams, plan.from), plan, String(index));
  return builder.build();
}

function addEnd(stream: KStream<string | null, Item>, plan: End, name: string): void {
  if (plan.end === 'to') {
    stream.to(`out-${name}`, { value: jsonSerde<Item>() });
    return;
  }
  if (plan.end === 'process') {
    stream
      .process(() => new Counting(name), { stores: [{ name, kind: 'key-value', serde: jsonSerde<unknown>() }] })
      .to(`out-${name}`, { value: jsonSerde<Item>() });
    return;
  }
  const options = { name: `by-${name}`, value: jsonSerde<Item>() };
  const grouped =
    plan.by === 'key'
      ? stream.groupByKey(options)
      : stream.groupBy((item, key) => at(NEW_KEYS, plan.f)(item, key) as string, options);
  const shared = sums(!plan.oneByOne);
  for (const [index, windows] of plan.windows.entries()) {
    const store = `${name}-${String(index)}`;
    const table = tableOf(grouped, plan, windows, store, shared);
    table.toStream().to(`told-${store}`, { value: jsonSerde() });
    if (windows !== null) table.late().to(`late-${store}`, { value: jsonSerde() });
  }
}

function tableOf(
  grouped: KGroupedStream<string, Item>,
  { with: kind, oneByOne }: End & { end: 'tables' },
  windows: WindowPlan | null,
  store: string,
  shared: CombinableAggregate<Item, Sum>,
): KTable<unknown, unknown> {
  if (windows === null) {
    if (kind === 'reduce')
      return grouped.reduce(addTo, { store, value: jsonSerde<Item>(), combine: !oneByOne }) as KTable<unknown, unknown>;
    return kind === 'count'
      ? (grouped.count({ store }) as KTable<unknown, unknown>)
      : (grouped.aggregate(shared, { store }) as KTable<unknown, unknown>);
  }
  const windowed = grouped.windowedBy(windowsOf(windows));
  return kind === 'count'
    ? (windowed.count({ store }) as KTable<unknown, unknown>)
    : (windowed.aggregate(shared, { store }) as KTable<unknown, unknown>);
}
