import fc from 'fast-check';
import {
  hopping,
  jsonSerde,
  joinWindows,
  session,
  sliding,
  StreamsBuilder,
  stringSerde,
  tumbling,
  type KStream,
  type KTable,
  type Topology,
  type Windowed,
} from '@tributary/streams';

/*
 * Random programs of joins, windows, groupings and tables, as plain data. Each is built with the runtime's own
 * operators, and evaluated by a model that has neither tasks, stores, partitions nor commits (program-model.ts).
 *
 * All that a program ends in is the same whatever the commits and the partitions: streams are compared as bags of
 * records, tables by their last rows. So nothing in it is ever late (JOIN_GRACE_MS, GRACE_MS), and a stream is made
 * of a table's changes at the very end only. What depends on the order is in processor/streams/tests/vectors.
 */

type JoinKind = 'join' | 'leftJoin' | 'outerJoin';

export type StreamPlan =
  | { readonly s: 'source'; readonly topic: 'left' | 'right' }
  | { readonly s: 'filter' | 'mapValues' | 'flatMapValues' | 'rekey'; readonly of: StreamPlan; readonly f: number }
  | { readonly s: 'merge'; readonly a: StreamPlan; readonly b: StreamPlan }
  | {
      readonly s: 'join';
      readonly kind: JoinKind;
      readonly a: StreamPlan;
      readonly b: StreamPlan;
      readonly beforeMs: number;
      readonly afterMs: number;
    }
  | { readonly s: 'lookup'; readonly kind: 'join' | 'leftJoin'; readonly of: SourcePlan; readonly table: LookedUpPlan };

/** A stream whose keys and order are still those of its topic. */
type SourcePlan =
  | { readonly s: 'source'; readonly topic: 'left' | 'right' }
  | { readonly s: 'filter' | 'mapValues'; readonly of: SourcePlan; readonly f: number };

/** A table that is in its place before the records that need it. */
type LookedUpPlan =
  | { readonly t: 'source'; readonly topic: 'table' | 'other' }
  | { readonly t: 'filter' | 'mapValues'; readonly of: LookedUpPlan; readonly f: number };

export type TablePlan =
  | LookedUpPlan
  | { readonly t: 'count' | 'sum' | 'texts'; readonly of: StreamPlan }
  | { readonly t: 'filter' | 'mapValues'; readonly of: TablePlan; readonly f: number; readonly kept?: boolean }
  | { readonly t: 'join'; readonly kind: JoinKind; readonly a: TablePlan; readonly b: TablePlan }
  | { readonly t: 'foreign'; readonly kind: 'join' | 'leftJoin'; readonly a: TablePlan; readonly b: TablePlan }
  | { readonly t: 'regroup'; readonly of: TablePlan; readonly f: number };

export type WindowsPlan =
  | { readonly w: 'tumbling'; readonly sizeMs: number }
  | { readonly w: 'hopping'; readonly sizeMs: number; readonly advanceMs: number }
  | { readonly w: 'sliding'; readonly differenceMs: number }
  | { readonly w: 'session'; readonly gapMs: number };

export type EndPlan =
  | { readonly e: 'stream'; readonly of: StreamPlan }
  | { readonly e: 'table'; readonly of: TablePlan }
  | { readonly e: 'windows'; readonly of: StreamPlan; readonly windows: WindowsPlan; readonly with: 'count' | 'sum' };

export const TOPICS = ['left', 'right', 'table', 'other'] as const;
type InputTopic = (typeof TOPICS)[number];

export interface InputRecord {
  readonly topic: InputTopic;
  readonly key: string | null;
  /** Null deletes a row of a table; streams have none. */
  readonly value: number | null;
  readonly timestampMs: number;
}

/** Longer than all the time of the inputs: nothing is late for a join, and no window of it closes before the end. */
const JOIN_GRACE_MS = 1_000_000;
/** Of the records that end all windows of joins. */
const END_MS = 10_000_000;
/** What a join hands on at the end is not late for the windows behind it. */
const GRACE_MS = 100_000_000;
const END_KEYS = Array.from({ length: 8 }, (_, index) => `the-end-${String(index)}`);
const SPAN_MS = 1_000;

const MODULUS = 100_003;

export const FILTERS: readonly ((value: number) => boolean)[] = [
  (value) => value % 2 === 0,
  (value) => value % 3 !== 0,
  (value) => value > 20,
];
export const MAPS: readonly ((value: number) => number)[] = [
  (value) => value + 1,
  (value) => (value * 7) % MODULUS,
  (value) => MODULUS - value,
];
export const keyOfValue = (value: number, f: number): string => `k${String(value % (3 + f))}`;
export const joined = (a: number | null, b: number | null): number => ((a ?? 5) * 31 + (b ?? 3) * 17) % MODULUS;
/** A looked-up or joined row that refers to another one by its value. */
export const foreignKeyOf = (value: number): string | null => (value % 7 === 0 ? null : `k${String(value % 5)}`);
/** Sums of 0 are no rows: whether a group that has lost its last one was ever there depends on the commits. */
export const isRow = (sum: number): boolean => sum !== 0;
export const spread = (value: number, f: number): number[] =>
  Array.from({ length: value % (f + 2) }, (_, i) => value + i);

export const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;

const f = fc.nat({ max: 2 });
const topic = fc.constantFrom('left' as const, 'right' as const);
const difference = fc.nat({ max: 60 });

const { stream, table } = fc.letrec<{
  source: SourcePlan;
  lookedUp: LookedUpPlan;
  /** Has no join that hands on records at the end, when all windows of other joins have closed. */
  prompt: StreamPlan;
  stream: StreamPlan;
  table: TablePlan;
}>((tie) => ({
  source: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ s: fc.constant('source' as const), topic }),
    fc.record({ s: fc.constantFrom('filter' as const, 'mapValues' as const), of: tie('source'), f }),
  ),
  lookedUp: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ t: fc.constant('source' as const), topic: fc.constantFrom('table' as const, 'other' as const) }),
    fc.record({ t: fc.constantFrom('filter' as const, 'mapValues' as const), of: tie('lookedUp'), f }),
  ),
  prompt: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('source'),
    fc.record({
      s: fc.constantFrom('filter' as const, 'mapValues' as const, 'flatMapValues' as const, 'rekey' as const),
      of: tie('prompt'),
      f,
    }),
    fc.record({ s: fc.constant('merge' as const), a: tie('prompt'), b: tie('prompt') }),
    fc.record({
      s: fc.constant('join' as const),
      kind: fc.constant<JoinKind>('join'),
      a: tie('prompt'),
      b: tie('prompt'),
      beforeMs: difference,
      afterMs: difference,
    }),
  ),
  stream: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('source'),
    fc.record({
      s: fc.constantFrom('filter' as const, 'mapValues' as const, 'flatMapValues' as const, 'rekey' as const),
      of: tie('stream'),
      f,
    }),
    fc.record({ s: fc.constant('merge' as const), a: tie('stream'), b: tie('stream') }),
    fc.record({
      s: fc.constant('join' as const),
      kind: fc.constantFrom<JoinKind>('join', 'leftJoin', 'outerJoin'),
      a: tie('prompt'),
      b: tie('prompt'),
      beforeMs: difference,
      afterMs: difference,
    }),
    fc.record({
      s: fc.constant('lookup' as const),
      kind: fc.constantFrom('join' as const, 'leftJoin' as const),
      of: tie('source'),
      table: tie('lookedUp'),
    }),
  ),
  table: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('lookedUp'),
    fc.record({ t: fc.constantFrom('count' as const, 'sum' as const, 'texts' as const), of: tie('stream') }),
    fc.record({
      t: fc.constantFrom('filter' as const, 'mapValues' as const),
      of: tie('table'),
      f,
      kept: fc.boolean(),
    }),
    fc.record({
      t: fc.constant('join' as const),
      kind: fc.constantFrom<JoinKind>('join', 'leftJoin', 'outerJoin'),
      a: tie('table'),
      b: tie('table'),
    }),
    fc.record({
      t: fc.constant('foreign' as const),
      kind: fc.constantFrom('join' as const, 'leftJoin' as const),
      a: tie('table'),
      b: tie('lookedUp'),
    }),
    fc.record({ t: fc.constant('regroup' as const), of: tie('table'), f }),
  ),
}));

const windows: fc.Arbitrary<WindowsPlan> = fc.oneof(
  fc.record({ w: fc.constant('tumbling' as const), sizeMs: fc.integer({ min: 1, max: 200 }) }),
  fc
    .record({ w: fc.constant('hopping' as const), sizeMs: fc.integer({ min: 2, max: 200 }), part: fc.nat({ max: 5 }) })
    .map(({ w, sizeMs, part }) => ({ w, sizeMs, advanceMs: Math.max(1, Math.floor(sizeMs / (part + 1.5))) })),
  fc.record({ w: fc.constant('sliding' as const), differenceMs: fc.integer({ min: 1, max: 100 }) }),
  fc.record({ w: fc.constant('session' as const), gapMs: fc.integer({ min: 1, max: 100 }) }),
);

export const programs: fc.Arbitrary<EndPlan> = fc.oneof(
  fc.record({ e: fc.constant('stream' as const), of: stream }),
  fc.record({ e: fc.constant('table' as const), of: table }),
  fc.record({
    e: fc.constant('windows' as const),
    of: stream,
    windows,
    with: fc.constantFrom('count' as const, 'sum' as const),
  }),
);

/** Records of all topics in the order of their times, each time once; then what ends all windows of joins. */
export const inputs: fc.Arbitrary<InputRecord[]> = fc
  .uniqueArray(
    fc.record({
      topic: fc.constantFrom(...TOPICS),
      key: fc.oneof(
        { weight: 20, arbitrary: fc.nat({ max: 4 }).map((n) => `k${String(n)}`) },
        { weight: 1, arbitrary: fc.constant(null) },
      ),
      value: fc.oneof({ weight: 6, arbitrary: fc.nat({ max: 99 }) }, { weight: 1, arbitrary: fc.constant(null) }),
      timestampMs: fc.nat({ max: SPAN_MS }),
    }),
    { selector: ({ timestampMs }) => timestampMs, minLength: 1, maxLength: 60 },
  )
  .map((records) =>
    records
      .map((record) =>
        record.value === null && (record.topic === 'left' || record.topic === 'right')
          ? { ...record, value: 0 }
          : record,
      )
      .sort((a, b) => a.timestampMs - b.timestampMs),
  );

/** For each partition of both streams: they go through all steps, and end the windows of all joins. */
export const END_RECORDS: readonly InputRecord[] = (['left', 'right'] as const).flatMap((side) =>
  END_KEYS.map((key) => ({ topic: side, key, value: 1, timestampMs: END_MS })),
);

export const isEnd = (key: string | null): boolean => key?.startsWith('the-end') ?? false;

const numbers = jsonSerde<number>();

/** A key of a windowed table as text. */
export const windowText = ({ key, startMs, endMs }: Windowed<unknown>): string =>
  `${String(key)}@${String(startMs)}-${String(endMs)}`;

/** One topology of several programs over the same inputs. Program n writes to `out-<n>`. */
export function buildPrograms(plans: readonly EndPlan[], topicOf: (name: string) => string = (name) => name): Topology {
  const builder = new StreamsBuilder();
  const streams = {
    left: builder.stream(topicOf('left'), { value: numbers }),
    right: builder.stream(topicOf('right'), { value: numbers }),
  };
  const tables = {
    table: builder.table(topicOf('table'), { value: numbers, store: 'table' }),
    other: builder.table(topicOf('other'), { value: numbers, store: 'other' }),
  };
  for (const [index, plan] of plans.entries()) {
    let count = 0;
    const name = (what: string): string => `p${String(index)}-${what}-${String((count += 1))}`;
    buildEnd(plan, { name, streams, tables, out: topicOf(`out-${String(index)}`) });
  }
  return builder.build();
}

interface Parts {
  readonly name: (what: string) => string;
  readonly streams: Readonly<Record<'left' | 'right', KStream<string | null, number>>>;
  readonly tables: Readonly<Record<'table' | 'other', KTable<string, number>>>;
  readonly out: string;
}

function buildEnd(plan: EndPlan, parts: Parts): void {
  if (plan.e === 'stream') return buildStream(plan.of, parts).to(parts.out, { value: numbers });
  if (plan.e === 'table') return buildTable(plan.of, parts).toStream().to(parts.out, { value: numbers });
  const grouped = buildStream(plan.of, parts).groupByKey({ name: parts.name('windows'), value: numbers });
  const windowed = grouped.windowedBy(windowsOf(plan.windows) as never);
  const store = parts.name('windowed');
  const counted =
    plan.with === 'count'
      ? windowed.count({ store })
      : windowed.aggregate(
          { empty: () => 0, add: (sum, value) => sum + value, merge: (a, b) => a + b, serde: numbers },
          { store },
        );
  counted
    .toStream((_value, windowedKey) => windowText(windowedKey))
    .to(parts.out, { key: stringSerde, value: numbers });
}

function windowsOf(plan: WindowsPlan): unknown {
  const graceMs = GRACE_MS;
  switch (plan.w) {
    case 'tumbling':
      return tumbling({ sizeMs: plan.sizeMs, graceMs });
    case 'hopping':
      return hopping({ sizeMs: plan.sizeMs, advanceMs: plan.advanceMs, graceMs });
    case 'sliding':
      return sliding({ differenceMs: plan.differenceMs, graceMs });
    case 'session':
      return session({ gapMs: plan.gapMs, graceMs });
  }
}

/** The joins of a stream or table, all of one form: which one it is, is known when the program is built. */
function joins<S>(of: S): Readonly<Record<JoinKind, (other: unknown, joiner: typeof joined, options?: object) => S>> {
  return of as never;
}

function buildStream(plan: StreamPlan, parts: Parts): KStream<string | null, number> {
  switch (plan.s) {
    case 'source':
      return parts.streams[plan.topic];
    case 'filter':
      return buildStream(plan.of, parts).filter((value, key) => isEnd(key) || at(FILTERS, plan.f)(value));
    case 'mapValues':
      return buildStream(plan.of, parts).mapValues(at(MAPS, plan.f));
    case 'flatMapValues':
      return buildStream(plan.of, parts).flatMapValues((value, key) => (isEnd(key) ? [value] : spread(value, plan.f)));
    case 'rekey':
      return buildStream(plan.of, parts).selectKey((value, key) => (isEnd(key) ? key : keyOfValue(value, plan.f)));
    case 'merge':
      return buildStream(plan.a, parts).merge(buildStream(plan.b, parts));
    case 'join': {
      const { beforeMs, afterMs } = plan;
      const options = {
        windows: joinWindows({ beforeMs, afterMs, graceMs: JOIN_GRACE_MS }),
        name: parts.name('join'),
        left: numbers,
        right: numbers,
      };
      return joins(buildStream(plan.a, parts))[plan.kind](buildStream(plan.b, parts), joined, options);
    }
    case 'lookup':
      return joins(buildStream(plan.of, parts))[plan.kind](buildTable(plan.table, parts), joined);
  }
}

function buildTable(plan: TablePlan, parts: Parts): KTable<string, number> {
  switch (plan.t) {
    case 'source':
      return parts.tables[plan.topic];
    case 'count':
    case 'sum':
    case 'texts': {
      const grouped = buildStream(plan.of, parts).groupByKey({ name: parts.name('group'), value: numbers });
      const store = parts.name(plan.t);
      if (plan.t === 'count') return grouped.count({ store });
      if (plan.t === 'sum') return grouped.reduce((a, b) => a + b, { store, value: numbers, combine: true });
      // One by one: without `merge` nothing is combined.
      return grouped.aggregate({ empty: () => 0, add: (sum, value) => sum + 2 * value, serde: numbers }, { store });
    }
    case 'filter':
    case 'mapValues': {
      const options = 'kept' in plan && plan.kept === true ? { store: parts.name('kept'), value: numbers } : {};
      const of = buildTable(plan.of, parts);
      return plan.t === 'filter' ? of.filter(at(FILTERS, plan.f), options) : of.mapValues(at(MAPS, plan.f), options);
    }
    case 'join':
      return joins(buildTable(plan.a, parts))[plan.kind](buildTable(plan.b, parts), joined);
    case 'foreign':
      return joins(buildTable(plan.a, parts))[plan.kind](buildTable(plan.b, parts), joined, {
        foreignKey: foreignKeyOf,
        name: parts.name('foreign'),
        left: numbers,
        right: numbers,
        value: numbers,
        store: parts.name('foreign-rows'),
      });
    case 'regroup':
      return buildTable(plan.of, parts)
        .groupBy((value) => ({ key: keyOfValue(value, plan.f), value }), {
          name: parts.name('regroup'),
          value: numbers,
        })
        .aggregate(
          { empty: () => 0, add: (sum, value) => sum + value, subtract: (sum, value) => sum - value, serde: numbers },
          { store: parts.name('regrouped') },
        )
        .filter(isRow);
  }
}
