import { checkFunctions, checkOptions } from '../options.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { countAggregate, type Aggregate } from './aggregate.ts';
import type { DslContext, Grouping } from './dsl-context.ts';
import type { KGroupedStream, KTable, WindowedKGroupedStream } from './dsl-types.ts';
import type { DeclaredNode } from './graph.ts';
import type { Serde } from './serdes.ts';
import { aggregated } from './user-code.ts';
import { checkedWindows, type TimeWindows } from './windows.ts';

export class KGroupedStreamImpl<V> implements KGroupedStream<V> {
  readonly #dsl: DslContext;
  /** What is grouped. */
  readonly #node: DeclaredNode;
  readonly #grouping: Grouping<V>;
  /** The combine node of each aggregate: all tables of one aggregate share it. */
  readonly #combines = new Map<Aggregate<V, never>, DeclaredNode>();

  constructor(dsl: DslContext, node: DeclaredNode, grouping: Grouping<V>) {
    this.#dsl = dsl;
    this.#node = node;
    this.#grouping = grouping;
  }

  aggregate<A>(aggregate: Aggregate<V, A>, options: { store: string }): KTable<A> {
    checkOptions('aggregate()', options, ['store']);
    return this.aggregateOver(aggregate, undefined, options.store);
  }

  count(options: { store: string }): KTable<number> {
    checkOptions('count()', options, ['store']);
    return this.aggregate(countAggregate as Aggregate<V, number>, options);
  }

  reduce(reducer: (a: V, b: V) => V, options: { store: string; serde: Serde<V> }): KTable<V> {
    checkOptions('reduce()', options, ['store', 'serde']);
    checkFunctions('reduce()', { reducer }, ['reducer']);
    return this.aggregateOver(reduceAggregate(reducer, options.serde) as Aggregate<V, V>, undefined, options.store);
  }

  windowedBy(windows: TimeWindows): WindowedKGroupedStream<V> {
    return new WindowedKGroupedStreamImpl<V>(this, checkedWindows('windowedBy()', windows));
  }

  /** Used by both kinds of grouped stream. */
  aggregateOver<A>(aggregate: Aggregate<V, A>, windows: TimeWindows | undefined, store: string): KTable<A> {
    const { graph } = this.#dsl;
    const spec: StoreSpec<unknown> = {
      name: store,
      kind: windows === undefined ? 'key-value' : 'window',
      serde: aggregate?.serde as Serde<unknown>,
      ...(windows === undefined
        ? {}
        : { retentionMs: windows.retentionMs, windowSizeMs: windows.sizeMs, windowAdvanceMs: windows.advanceMs }),
    };
    const aggregation = { aggregate: aggregate as Aggregate<unknown, unknown>, windows, store: spec };
    const { name, selector, local } = this.#grouping;
    if (local) {
      const late = this.#addLate(windows);
      const inputs = [{ from: this.#node.index, carries: 'records' }] as const;
      return this.#dsl.table(graph.add({ kind: 'aggregate', inputs, keyOf: selector, ...aggregation }), late);
    }
    const source = graph.repartitionSource(name);
    const combine = this.#combineFor(aggregate as Aggregate<V, never>);
    const late = this.#addLate(windows);
    const inputs = [{ from: source.index, carries: 'partials', combine: combine.index }] as const;
    return this.#dsl.table(graph.add({ kind: 'merge-partials', inputs, ...aggregation }), late);
  }
  #combineFor(aggregate: Aggregate<V, never>): DeclaredNode {
    const known = this.#combines.get(aggregate);
    if (known !== undefined) return known;
    const { name: grouping, selector: keyOf } = this.#grouping;
    const combine = this.#dsl.graph.add({
      kind: 'combine',
      inputs: [{ from: this.#node.index, carries: 'records' }],
      grouping,
      keyOf,
      aggregate: aggregate as Aggregate<unknown, unknown>,
    });
    this.#combines.set(aggregate, combine);
    return combine;
  }

  /** Of a windowed aggregation. It has the number before that of the aggregation, which is the next node. */
  #addLate(windows: TimeWindows | undefined): DeclaredNode | undefined {
    const { graph } = this.#dsl;
    if (windows === undefined) return undefined;
    return graph.add({ kind: 'late', inputs: [{ from: graph.size + 1, carries: 'late' }] });
  }
}

class WindowedKGroupedStreamImpl<V> implements WindowedKGroupedStream<V> {
  readonly #grouped: KGroupedStreamImpl<V>;
  readonly #windows: TimeWindows;

  constructor(grouped: KGroupedStreamImpl<V>, windows: TimeWindows) {
    this.#grouped = grouped;
    this.#windows = windows;
  }

  aggregate<A>(aggregate: Aggregate<V, A>, options: { store: string }): KTable<A> {
    checkOptions('aggregate()', options, ['store']);
    return this.#grouped.aggregateOver(aggregate, this.#windows, options.store);
  }

  count(options: { store: string }): KTable<number> {
    checkOptions('count()', options, ['store']);
    return this.aggregate(countAggregate as Aggregate<V, number>, options);
  }
}

function reduceAggregate<V>(reducer: (a: V, b: V) => V, serde: Serde<V>): Aggregate<V, V | undefined> {
  const merge = (a: V | undefined, b: V | undefined): V | undefined =>
    a === undefined ? b : b === undefined ? a : aggregated(reducer(a, b));
  return {
    empty: () => undefined,
    add: (acc, value) => merge(acc, value),
    merge,
    serde: serde as Serde<V | undefined>,
  };
}
