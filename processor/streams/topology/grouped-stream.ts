import { StreamsError } from '../errors.ts';
import { checkFunctions, checkOptions, textOf } from '../options.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { countAggregate, isCombinable, type Aggregate } from './aggregate.ts';
import { ofAnotherBuilder } from './another-builder.ts';
import type { DslContext, Grouping } from './dsl-context.ts';
import type {
  CogroupedKStream,
  CountOptions,
  EmitOptions,
  KGroupedStream,
  KTable,
  ReduceOptions,
  WindowedCogroupedKStream,
  WindowedKGroupedStream,
} from './dsl-types.ts';
import type { DeclaredNode, Edge, ValueFunction } from './graph.ts';
import type { Serde } from './serdes.ts';
import { closingOf, suppressNode } from './suppress-node.ts';
import { findFlagProblem } from './topology-checks.ts';
import { layoutOf, tableKeySerde } from './windowed-layout.ts';
import type { Windowed } from './windowed-serdes.ts';
import { checkedWindows, isFixed, isSession, isUnlimited, type Windows } from './windows.ts';

const OWN_KEY = ((_value: unknown, key: unknown): unknown => key) as ValueFunction<unknown>;

/** Of values that nobody looks at behind the shuffle. */
export const NOTHING_SERDE: Serde<unknown> = {
  serialize: () => Buffer.alloc(0),
  deserialize: () => true,
  format: 'nothing',
};

/** How a grouping is cut into windows, and when their rows are handed on. */
export interface Windowing {
  readonly windows: Windows;
  readonly emit: 'on-update' | 'on-close';
}

export class KGroupedStreamImpl<K, V> implements KGroupedStream<K, V> {
  readonly #dsl: DslContext;
  /** What is grouped. */
  readonly #node: DeclaredNode;
  readonly #grouping: Grouping;
  /** The combine node of each aggregate: all tables of one aggregate share it. */
  readonly #combines = new Map<Aggregate<V, never, K>, DeclaredNode>();
  /** What stands behind the repartition topic where records travel one by one, by the serde of their values. */
  readonly #repartitioned = new Map<Serde<unknown>, DeclaredNode>();

  constructor(dsl: DslContext, node: DeclaredNode, grouping: Grouping) {
    this.#dsl = dsl;
    this.#node = node;
    this.#grouping = grouping;
  }

  aggregate<A>(aggregate: Aggregate<V, A, K>, options: { store: string }): KTable<K, A> {
    checkOptions('aggregate()', options, ['store']);
    return this.aggregateOver(aggregate, undefined, options.store);
  }

  count(options: CountOptions<K> = {}): KTable<K, number> {
    checkOptions('count()', options, ['store', 'key']);
    const grouped = this.keyedBy(options.key);
    // Without a name the build refuses it.
    return grouped.aggregateOver(countAggregate as Aggregate<V, number, K>, undefined, options.store as string);
  }

  reduce(reducer: (a: V, b: V) => V | null | undefined, options: ReduceOptions<V>): KTable<K, V> {
    return this.aggregateOver(this.reducing(reducer, options), undefined, options.store);
  }

  windowedBy(windows: Windows, options: EmitOptions = {}): WindowedKGroupedStream<K, V> {
    return new WindowedKGroupedStreamImpl<K, V>(this, this.windowing(windows, options));
  }

  cogroup<A>(aggregate: Aggregate<V, A, K>): CogroupedKStream<K, A> {
    const part = { grouped: this, aggregate } as unknown as CogroupPart<K, A>;
    return new CogroupedKStreamImpl(part.grouped, [part]);
  }

  /** @throws StreamsError CONFIG_INVALID for what is no option. */
  windowing(windows: Windows, options: EmitOptions): Windowing {
    checkOptions('windowedBy()', options, ['emit']);
    const checked = checkedWindows('windowedBy()', windows);
    const { emit = 'on-update' } = options;
    if (emit !== 'on-update' && emit !== 'on-close')
      throw new StreamsError('CONFIG_INVALID', `windowedBy() emits 'on-update' or 'on-close', not ${textOf(emit)}`);
    if (emit === 'on-close' && isUnlimited(checked))
      this.#dsl.graph.refuse(`windowedBy() of ${this.#node.name} emits 'on-close': a window without end never closes`);
    return { windows: checked, emit };
  }

  /** The same with another serde for the keys. */
  keyedBy(key: Serde<K> | undefined): KGroupedStreamImpl<K, V> {
    return key === undefined || (key as unknown) === this.#grouping.key
      ? this
      : new KGroupedStreamImpl(this.#dsl, this.#node, { ...this.#grouping, key: key as Serde<unknown> });
  }

  /** Remembers what is wrong with a declaration. */
  refuse(problem: string): void {
    this.#dsl.graph.refuse(problem);
  }

  /** Whether both are of one builder: else the declaration is refused. */
  takes(what: string, other: KGroupedStreamImpl<K, never>): boolean {
    const isOfThisOne = other.#dsl.graph === this.#dsl.graph;
    if (!isOfThisOne) this.refuse(ofAnotherBuilder(`${what} of ${this.#node.name}`, other.#node.name, 'streams'));
    return isOfThisOne;
  }

  /** A reducer as an aggregate, in the way in which its options say. */
  reducing(reducer: (a: V, b: V) => V | null | undefined, options: ReduceOptions<V>): Aggregate<V, V, K> {
    const what = `reduce() into ${textOf(options?.store)} of ${this.#node.name}`;
    checkOptions(what, options, ['store', 'value', 'combine']);
    checkFunctions(what, { reducer }, ['reducer']);
    const serde = (options.value ?? this.#grouping.value) as Serde<V> | undefined;
    if (serde === undefined) this.#dsl.graph.refuse(`${what} needs a serde for the values, { value: … }`);
    const problem = findFlagProblem(`combine of ${what}`, options.combine);
    if (problem !== undefined) this.#dsl.graph.refuse(problem);
    return reduceAggregate(reducer, serde as Serde<V>, options.combine === true) as Aggregate<V, V, K>;
  }

  /** Used by both kinds of grouped stream. */
  aggregateOver<A, TK>(aggregate: Aggregate<V, A, K>, windowing: Windowing | undefined, store: string): KTable<TK, A> {
    const spec = this.storeOf(aggregate, windowing, store);
    const { node, late } = this.addAggregation(aggregate, windowing, { store: spec });
    return this.tableOf(node, { windowing, store: spec, late });
  }

  /** How the result is kept. */
  storeOf(aggregate: Aggregate<never, unknown, K>, windowing: Windowing | undefined, name: string): StoreSpec {
    return { ...layoutOf(windowing?.windows, this.#grouping.key), name, serde: aggregate?.serde as Serde<unknown> };
  }

  /** Adds the nodes of one aggregation; several parts may have one store. */
  addAggregation<A>(
    aggregate: Aggregate<V, A, K>,
    windowing: Windowing | undefined,
    { store, part, shared = aggregate }: { store: StoreSpec; part?: number; shared?: Aggregate<V, A, K> },
  ): { readonly node: DeclaredNode; readonly late: DeclaredNode | undefined } {
    const { graph } = this.#dsl;
    const { key, name, selector } = this.#grouping;
    const windows = windowing?.windows;
    const anyAggregate = aggregate as unknown as Aggregate<V, never, K>;
    const aggregation = { aggregate: shared as Aggregate<unknown, unknown>, windows, store, part };
    if (windows !== undefined && isSession(windows) && typeof aggregate?.merge !== 'function')
      graph.refuse(
        `the aggregate of the store "${store.name}" needs merge(older, newer): a record between two sessions makes ` +
          `them one`,
      );
    const isOneByOne = windows !== undefined && !isFixed(windows);
    if (name !== undefined && !isOneByOne && isCombinable(aggregate ?? {})) {
      const source = graph.repartitionSource(name);
      const combine = this.#combineFor(name, anyAggregate);
      const late = part === undefined ? this.#addLate(windows) : undefined;
      const inputs = [{ from: source.index, carries: 'partials', combine: combine.index }] as const;
      return { node: graph.add({ kind: 'merge-partials', inputs, key, ...aggregation }), late };
    }
    const from = name === undefined ? this.#node : this.#repartitionedFor(name, anyAggregate, store.name);
    const late = part === undefined ? this.#addLate(windows) : undefined;
    const inputs: Edge[] = [{ from: from.index, carries: 'records' }];
    const keyOf = name === undefined ? selector : OWN_KEY;
    return { node: graph.add({ kind: 'aggregate', inputs, keyOf, ...aggregation }), late };
  }

  /** The table of an aggregation, or of several into one store. */
  tableOf<TK, A>(
    node: DeclaredNode,
    { windowing, store, late }: { windowing: Windowing | undefined; store: StoreSpec; late: DeclaredNode | undefined },
  ): KTable<TK, A> {
    const { name, serde, ...layout } = store;
    const { index: from } = node;
    const key = tableKeySerde(windowing?.windows, this.#grouping.key);
    const windowed = windowing === undefined ? undefined : { windows: windowing.windows, stores: [name] };
    const handedOn =
      windowing?.emit !== 'on-close'
        ? node
        : this.#dsl.graph.add(
            suppressNode(
              [
                { from, carries: 'changes' },
                { from, carries: 'rows' },
              ],
              {
                key,
                value: undefined,
                keepsNewest: false,
                held: `${name}-on-close`,
                until: { kind: 'window-closes', ...closingOf(windowed) },
              },
            ),
          );
    return this.#dsl.table(handedOn, {
      key,
      layout,
      value: serde,
      windowed,
      storeName: name,
      late,
    });
  }

  /** What several groupings are aggregated into: the aggregations share one store. */
  addCogroup(
    parts: readonly DeclaredNode[],
    windowing: Windowing | undefined,
  ): { readonly node: DeclaredNode; readonly late: DeclaredNode | undefined } {
    const { graph } = this.#dsl;
    const late =
      windowing === undefined
        ? undefined
        : graph.add({ kind: 'late', inputs: parts.map(({ index: from }) => ({ from, carries: 'late' })) });
    const inputs = parts.flatMap(({ index: from }): Edge[] => [
      { from, carries: 'changes' },
      { from, carries: 'rows' },
    ]);
    return { node: graph.add({ kind: 'table-cogroup', inputs }), late };
  }

  #combineFor(grouping: string, aggregate: Aggregate<V, never, K>): DeclaredNode {
    const known = this.#combines.get(aggregate);
    if (known !== undefined) return known;
    const { selector: keyOf, key } = this.#grouping;
    const combine = this.#dsl.graph.add({
      kind: 'combine',
      inputs: [{ from: this.#node.index, carries: 'records' }],
      grouping,
      keyOf,
      key,
      aggregate: aggregate as unknown as Aggregate<unknown, unknown>,
    });
    this.#combines.set(aggregate, combine);
    return combine;
  }

  /** The records of the grouping, one by one, behind its repartition topic. */
  #repartitionedFor(grouping: string, aggregate: Aggregate<V, never, K>, store: string): DeclaredNode {
    const { graph } = this.#dsl;
    const { selector: keyOf, key } = this.#grouping;
    const isCount = (aggregate as unknown) === countAggregate;
    const value = isCount ? (this.#grouping.value ?? NOTHING_SERDE) : this.#grouping.value;
    if (value === undefined)
      graph.refuse(
        `the store "${store}" adds up records of the grouping "${grouping}" one by one, which travel through its ` +
          `repartition topic: the grouping needs a serde for the values, { name: "${grouping}", value: … }`,
      );
    const known = this.#repartitioned.get(value as Serde<unknown>);
    if (known !== undefined) return known;
    const sender = graph.add({
      kind: 'send',
      inputs: [{ from: this.#node.index, carries: 'records' }],
      grouping,
      keyOf,
      key,
      value: value as Serde<unknown>,
      nullKeys: 'drop',
      partitions: undefined,
    });
    const source = graph.repartitionSource(grouping);
    const node = graph.add({
      kind: 'repartitioned',
      key,
      value: value as Serde<unknown>,
      inputs: [{ from: source.index, carries: 'routed', sender: sender.index }],
    });
    this.#repartitioned.set(value as Serde<unknown>, node);
    return node;
  }

  /** Of a windowed aggregation. It has the number before that of the aggregation, which is the next node. */
  #addLate(windows: Windows | undefined): DeclaredNode | undefined {
    const { graph } = this.#dsl;
    if (windows === undefined) return undefined;
    return graph.add({ kind: 'late', inputs: [{ from: graph.size + 1, carries: 'late' }] });
  }
}

class WindowedKGroupedStreamImpl<K, V> implements WindowedKGroupedStream<K, V> {
  readonly #grouped: KGroupedStreamImpl<K, V>;
  readonly #windowing: Windowing;

  constructor(grouped: KGroupedStreamImpl<K, V>, windowing: Windowing) {
    this.#grouped = grouped;
    this.#windowing = windowing;
  }

  aggregate<A>(aggregate: Aggregate<V, A, K>, options: { store: string }): KTable<Windowed<K>, A> {
    checkOptions('aggregate()', options, ['store']);
    return this.#grouped.aggregateOver(aggregate, this.#windowing, options.store);
  }

  count(options: CountOptions<K> = {}): KTable<Windowed<K>, number> {
    checkOptions('count()', options, ['store', 'key']);
    const grouped = this.#grouped.keyedBy(options.key);
    return grouped.aggregateOver(countAggregate as Aggregate<V, number, K>, this.#windowing, options.store as string);
  }

  reduce(reducer: (a: V, b: V) => V | null | undefined, options: ReduceOptions<V>): KTable<Windowed<K>, V> {
    return this.#grouped.aggregateOver(this.#grouped.reducing(reducer, options), this.#windowing, options.store);
  }
}

/** One of the groupings that are aggregated into one store. */
interface CogroupPart<K, A> {
  readonly grouped: KGroupedStreamImpl<K, never>;
  readonly aggregate: Aggregate<never, A, K>;
}

class CogroupedKStreamImpl<K, A> implements CogroupedKStream<K, A> {
  readonly #first: KGroupedStreamImpl<K, never>;
  readonly #parts: readonly CogroupPart<K, A>[];

  constructor(first: KGroupedStreamImpl<K, never>, parts: readonly CogroupPart<K, A>[]) {
    this.#first = first;
    this.#parts = parts;
  }

  cogroup<V>(grouped: KGroupedStream<K, V>, aggregate: Aggregate<V, A, K>): CogroupedKStream<K, A> {
    const other = grouped as unknown as KGroupedStreamImpl<K, never>;
    if (!(other instanceof KGroupedStreamImpl)) {
      this.#first.refuse('cogroup() takes a grouped stream of the same StreamsBuilder, and an aggregate for it');
      return this;
    }
    if (!this.#first.takes('cogroup()', other)) return this;
    const part: CogroupPart<K, A> = { grouped: other, aggregate: aggregate as unknown as Aggregate<never, A, K> };
    return new CogroupedKStreamImpl(this.#first, [...this.#parts, part]);
  }

  windowedBy(windows: Windows, options: EmitOptions = {}): WindowedCogroupedKStream<K, A> {
    const windowing = this.#first.windowing(windows, options);
    return { aggregate: (given) => this.#aggregateOver(windowing, given) };
  }

  aggregate(options: { store: string }): KTable<K, A> {
    return this.#aggregateOver(undefined, options);
  }

  #aggregateOver<TK>(windowing: Windowing | undefined, options: { store: string }): KTable<TK, A> {
    checkOptions('aggregate()', options, ['store']);
    const first = this.#parts[0]?.aggregate as Aggregate<never, A, K>;
    const store = this.#first.storeOf(first, windowing, options.store);
    const nodes = this.#parts.map(({ grouped, aggregate }, part) => {
      const sent = withPartsOf(aggregate, first, ['serde']);
      const shared = withPartsOf(aggregate, first, ['serde', 'empty']);
      return grouped.addAggregation(sent, windowing, { store, part, shared }).node;
    });
    const { node, late } = this.#first.addCogroup(nodes, windowing);
    return this.#first.tableOf(node, { windowing, store, late });
  }
}

/** An aggregate with parts of another one; the very same where they are its own. */
function withPartsOf<A extends object>(aggregate: A, other: A, names: readonly (keyof A)[]): A {
  const others = names.filter((name) => aggregate?.[name] !== other?.[name]);
  if (others.length === 0) return aggregate;
  const parts = others.map((name) => [name, { value: other[name], enumerable: true }]);
  return Object.create(aggregate, Object.fromEntries(parts) as PropertyDescriptorMap) as A;
}

function reduceAggregate<V>(
  reducer: (a: V, b: V) => V | null | undefined,
  serde: Serde<V>,
  combine: boolean,
): Aggregate<V, V | undefined> {
  const merge = (a: V | undefined, b: V | undefined): V | null | undefined =>
    a === undefined ? b : b === undefined ? a : reducer(a, b);
  return {
    empty: () => undefined,
    add: (acc, value) => merge(acc, value),
    merge,
    combine,
    serde: serde as Serde<V | undefined>,
  };
}
