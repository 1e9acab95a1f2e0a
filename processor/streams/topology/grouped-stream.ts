import { checkFunctions, checkOptions, textOf } from '../options.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { countAggregate, isCombinable, type Aggregate } from './aggregate.ts';
import type { DslContext, Grouping } from './dsl-context.ts';
import type { KGroupedStream, KTable, ReduceOptions, WindowedKGroupedStream } from './dsl-types.ts';
import type { DeclaredNode, Edge, ValueFunction } from './graph.ts';
import type { Serde } from './serdes.ts';
import { timeWindowedSerde, type Windowed } from './windowed-serdes.ts';
import { checkedWindows, type TimeWindows } from './windows.ts';

const OWN_KEY = ((_value: unknown, key: unknown): unknown => key) as ValueFunction<unknown>;

/** Of values that nobody looks at behind the shuffle. */
export const NOTHING_SERDE: Serde<unknown> = {
  serialize: () => Buffer.alloc(0),
  deserialize: () => true,
  format: 'nothing',
};

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

  count(options: { store: string; key?: Serde<K> }): KTable<K, number> {
    checkOptions('count()', options, ['store', 'key']);
    return this.aggregateOver(countAggregate as Aggregate<V, number, K>, undefined, options.store);
  }

  reduce(reducer: (a: V, b: V) => V | null | undefined, options: ReduceOptions<V>): KTable<K, V> {
    return this.aggregateOver(this.reducing(reducer, options), undefined, options.store);
  }

  windowedBy(windows: TimeWindows): WindowedKGroupedStream<K, V> {
    return new WindowedKGroupedStreamImpl<K, V>(this, checkedWindows('windowedBy()', windows));
  }

  /** A reducer as an aggregate, in the way in which its options say. */
  reducing(reducer: (a: V, b: V) => V | null | undefined, options: ReduceOptions<V>): Aggregate<V, V, K> {
    const what = `reduce() into ${textOf(options?.store)} of ${this.#node.name}`;
    checkOptions(what, options, ['store', 'value', 'combine']);
    checkFunctions(what, { reducer }, ['reducer']);
    const serde = (options.value ?? this.#grouping.value) as Serde<V> | undefined;
    if (serde === undefined) this.#dsl.graph.refuse(`${what} needs a serde for the values, { value: … }`);
    return reduceAggregate(reducer, serde as Serde<V>, options.combine === true) as Aggregate<V, V, K>;
  }

  /** Used by both kinds of grouped stream. */
  aggregateOver<A, TK>(aggregate: Aggregate<V, A, K>, windows: TimeWindows | undefined, store: string): KTable<TK, A> {
    const { graph } = this.#dsl;
    const { key, name, selector } = this.#grouping;
    const serde = aggregate?.serde as Serde<unknown>;
    const layout: Omit<StoreSpec, 'name' | 'serde'> =
      windows === undefined
        ? { kind: 'key-value', key }
        : {
            kind: 'window',
            key,
            retentionMs: windows.retentionMs,
            windowSizeMs: windows.sizeMs,
            windowAdvanceMs: windows.advanceMs,
          };
    const aggregation = {
      aggregate: aggregate as Aggregate<unknown, unknown>,
      windows,
      store: { ...layout, name: store, serde },
    };
    const table = (node: DeclaredNode, late: DeclaredNode | undefined): KTable<TK, A> =>
      this.#dsl.table(node, {
        key: windows === undefined ? key : (timeWindowedSerde(key, windows.sizeMs) as Serde<unknown>),
        layout,
        value: serde,
        knowsBefore: true,
        late,
      });
    if (name !== undefined && isCombinable(aggregate ?? {})) {
      const source = graph.repartitionSource(name);
      const combine = this.#combineFor(name, aggregate as unknown as Aggregate<V, never, K>);
      const late = this.#addLate(windows);
      const inputs = [{ from: source.index, carries: 'partials', combine: combine.index }] as const;
      return table(graph.add({ kind: 'merge-partials', inputs, key, ...aggregation }), late);
    }
    const from =
      name === undefined
        ? this.#node
        : this.#repartitionedFor(name, aggregate as unknown as Aggregate<V, never, K>, store);
    const late = this.#addLate(windows);
    const inputs: Edge[] = [{ from: from.index, carries: 'records' }];
    const keyOf = name === undefined ? selector : OWN_KEY;
    return table(graph.add({ kind: 'aggregate', inputs, keyOf, ...aggregation }), late);
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
  #addLate(windows: TimeWindows | undefined): DeclaredNode | undefined {
    const { graph } = this.#dsl;
    if (windows === undefined) return undefined;
    return graph.add({ kind: 'late', inputs: [{ from: graph.size + 1, carries: 'late' }] });
  }
}

class WindowedKGroupedStreamImpl<K, V> implements WindowedKGroupedStream<K, V> {
  readonly #grouped: KGroupedStreamImpl<K, V>;
  readonly #windows: TimeWindows;

  constructor(grouped: KGroupedStreamImpl<K, V>, windows: TimeWindows) {
    this.#grouped = grouped;
    this.#windows = windows;
  }

  aggregate<A>(aggregate: Aggregate<V, A, K>, options: { store: string }): KTable<Windowed<K>, A> {
    checkOptions('aggregate()', options, ['store']);
    return this.#grouped.aggregateOver(aggregate, this.#windows, options.store);
  }

  count(options: { store: string; key?: Serde<K> }): KTable<Windowed<K>, number> {
    checkOptions('count()', options, ['store', 'key']);
    return this.#grouped.aggregateOver(countAggregate as Aggregate<V, number, K>, this.#windows, options.store);
  }

  reduce(reducer: (a: V, b: V) => V | null | undefined, options: ReduceOptions<V>): KTable<Windowed<K>, V> {
    return this.#grouped.aggregateOver(this.#grouped.reducing(reducer, options), this.#windows, options.store);
  }
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
