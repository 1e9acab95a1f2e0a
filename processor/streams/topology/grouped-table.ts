import { checkFunctions, checkOptions, didYouMean, unknownPart } from '../options.ts';
import { countAggregate, type Aggregate } from './aggregate.ts';
import type { DslContext } from './dsl-context.ts';
import type {
  CountOptions,
  KGroupedTable,
  KTable,
  TableAggregate,
  TableReduceOptions,
  TableReducers,
} from './dsl-types.ts';
import type { DeclaredNode, Edge, TableGroupNode } from './graph.ts';
import { NOTHING_SERDE } from './grouped-stream.ts';
import type { Serde } from './serdes.ts';

/** How a table is grouped. */
export interface TableGrouping {
  readonly name: string;
  readonly pairOf: TableGroupNode['pairOf'];
  readonly key: Serde<unknown>;
  /** Undefined: something has made values of another type. */
  readonly value: Serde<unknown> | undefined;
}

export class KGroupedTableImpl<K, V> implements KGroupedTable<K, V> {
  readonly #dsl: DslContext;
  readonly #table: DeclaredNode;
  readonly #grouping: TableGrouping;
  /** The senders of the rows, by the serdes of their values and keys: aggregations of the same ones share one. */
  readonly #senders: { readonly key: Serde<unknown>; readonly value: Serde<unknown>; readonly node: DeclaredNode }[] =
    [];

  constructor(dsl: DslContext, table: DeclaredNode, grouping: TableGrouping) {
    this.#dsl = dsl;
    this.#table = table;
    this.#grouping = grouping;
  }

  aggregate<A>(aggregate: TableAggregate<V, A, K>, options: { readonly store: string }): KTable<K, A> {
    checkOptions('aggregate()', options, ['store']);
    return this.#aggregateInto(aggregate as unknown as Aggregate<unknown, unknown>, options.store, {
      value: this.#valueSerde(),
    });
  }

  count(options: CountOptions<K> & { readonly value?: Serde<number> } = {}): KTable<K, number> {
    checkOptions('count()', options, ['store', 'key', 'value']);
    const { store, key, value } = options;
    const aggregate = value === undefined ? countAggregate : { ...countAggregate, serde: value };
    return this.#aggregateInto(aggregate as unknown as Aggregate<unknown, unknown>, store, {
      key: key as Serde<unknown> | undefined,
      value: this.#grouping.value ?? NOTHING_SERDE,
    });
  }

  reduce(reducers: TableReducers<V>, options: TableReduceOptions<V>): KTable<K, V> {
    const what = `reduce() of the grouping "${this.#grouping.name}"`;
    checkOptions(what, options, ['store', 'value']);
    const parts = ['add', 'subtract'];
    checkFunctions(what, reducers ?? {}, parts);
    const unknown = unknownPart(reducers, parts);
    if (unknown !== undefined)
      this.#dsl.graph.refuse(`${what} has no part "${unknown}": ${didYouMean(unknown, parts)}`);
    const arriving = this.#valueSerde();
    const aggregate: Aggregate<V, V | undefined> = {
      empty: () => undefined,
      add: (reduced, value) => (reduced === undefined ? value : reducers.add(reduced, value)),
      subtract: (reduced, value) => reducers.subtract(reduced as V, value),
      serde: (options.value ?? arriving) as Serde<V | undefined>,
    };
    return this.#aggregateInto(aggregate as Aggregate<unknown, unknown>, options.store, { value: arriving });
  }

  #valueSerde(): Serde<unknown> {
    const { name, value } = this.#grouping;
    if (value === undefined)
      this.#dsl.graph.refuse(
        `the grouping "${name}" of ${this.#table.name} sends rows through its repartition topic and needs a serde ` +
          `for their values: { name: "${name}", value: … }`,
      );
    return value as Serde<unknown>;
  }

  #aggregateInto<A>(
    aggregate: Aggregate<unknown, unknown>,
    name: string | undefined,
    { key = this.#grouping.key, value }: { readonly key?: Serde<unknown> | undefined; readonly value: Serde<unknown> },
  ): KTable<K, A> {
    const { graph } = this.#dsl;
    const sender = this.#senderOf(key, value);
    const source = graph.repartitionSource(this.#grouping.name);
    const layout = { kind: 'key-value', key } as const;
    const node = graph.add({
      kind: 'table-aggregate',
      key,
      value,
      aggregate,
      // Without a name the build refuses it.
      store: { ...layout, name: name as string, serde: aggregate?.serde },
      inputs: [{ from: source.index, carries: 'routed', sender: sender.index }],
    });
    return this.#dsl.table(node, {
      key,
      layout,
      value: aggregate?.serde,
      storeName: name,
      late: undefined,
    });
  }

  #senderOf(key: Serde<unknown>, value: Serde<unknown>): DeclaredNode {
    const known = this.#senders.find((one) => one.key === key && one.value === value);
    if (known !== undefined) return known.node;
    const { name: grouping, pairOf } = this.#grouping;
    const { index: from } = this.#table;
    const inputs: Edge[] = [
      { from, carries: 'changes' },
      { from, carries: 'rows' },
    ];
    const node = this.#dsl.graph.add({ kind: 'table-group', grouping, pairOf, key, value, inputs });
    this.#senders.push({ key, value, node });
    return node;
  }
}
