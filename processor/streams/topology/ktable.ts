import { checkFunctions, checkOptions } from '../options.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { ofAnotherBuilder } from './another-builder.ts';
import type { DslContext, TableShape } from './dsl-context.ts';
import type {
  ForeignKeyJoinOptions,
  KeyValue,
  KGroupedTable,
  KStream,
  KTable,
  Mapper,
  TableJoiner,
  TableStoreOptions,
} from './dsl-types.ts';
import type { DeclaredNode, Edge, Joiner, JoinKind, JoinSide, TableGroupNode } from './graph.ts';
import { declareForeignJoin, type GivenForeignOptions } from './foreign-key-join.ts';
import { KGroupedTableImpl } from './grouped-table.ts';
import { asAny, wrapped } from './kstream.ts';
import { newestOf } from './table-layout.ts';
import { stringSerde, type Serde } from './serdes.ts';
import { closingOf, joinedWindows, suppressNode } from './suppress-node.ts';
import { checkedSuppressed, type Suppressed } from './suppressed.ts';
import { isUnlimited } from './windows.ts';

export class KTableImpl<K, V> implements KTable<K, V> {
  protected readonly dsl: DslContext;
  protected readonly node: DeclaredNode;
  protected readonly shape: TableShape;

  constructor(dsl: DslContext, node: DeclaredNode, shape: TableShape) {
    this.dsl = dsl;
    this.node = node;
    this.shape = shape;
  }

  /** Of its node. */
  get name(): string {
    return this.node.name;
  }

  filter(predicate: Mapper<K, V, boolean>, options: TableStoreOptions<V> = {}): KTable<K, V> {
    const what = `filter() of ${this.node.name}`;
    checkFunctions(what, { predicate }, ['predicate']);
    const { value } = this.shape;
    const store = this.#storeOf(what, options, value);
    const node = this.dsl.graph.add({
      kind: 'table-filter',
      predicate: asAny(predicate),
      store,
      inputs: this.#changes(),
    });
    return this.#behind(node, store, value);
  }

  filterNot(predicate: Mapper<K, V, boolean>, options: TableStoreOptions<V> = {}): KTable<K, V> {
    checkFunctions(`filterNot() of ${this.node.name}`, { predicate }, ['predicate']);
    return this.filter(
      wrapped(predicate, (passes) => !passes),
      options,
    );
  }

  mapValues<W>(map: Mapper<K, V, W>, options: TableStoreOptions<W> = {}): KTable<K, W> {
    const what = `mapValues() of ${this.node.name}`;
    checkFunctions(what, { map }, ['map']);
    const store = this.#storeOf(what, options, undefined);
    const node = this.dsl.graph.add({ kind: 'table-map-values', map: asAny(map), store, inputs: this.#changes() });
    return this.#behind(node, store, options.value as Serde<unknown> | undefined);
  }

  groupBy<L, W>(
    selector: Mapper<K, V, KeyValue<L | null, W> | null | undefined>,
    options: { readonly name: string; readonly key?: Serde<L>; readonly value?: Serde<NonNullable<W>> },
  ): KGroupedTable<L, W> {
    const what = `groupBy() of ${this.node.name}`;
    checkOptions(what, options, ['name', 'key', 'value']);
    checkFunctions(what, { selector }, ['selector']);
    return new KGroupedTableImpl(this.dsl, this.node, {
      name: options.name,
      pairOf: asAny(selector) as TableGroupNode['pairOf'],
      key: (options.key ?? stringSerde) as Serde<unknown>,
      value: (options.value ?? this.shape.value) as Serde<unknown> | undefined,
    });
  }

  join<L, W, R>(
    other: KTable<L, W>,
    joiner: TableJoiner<K, V, W, R>,
    options?: TableStoreOptions<R> | ForeignKeyJoinOptions<K, V, L, W, R>,
  ): KTable<K, R> {
    return isForeign(options)
      ? this.#foreignJoined('inner', other, joiner, options)
      : this.#joined('inner', other, joiner, options);
  }

  leftJoin<L, W, R>(
    other: KTable<L, W>,
    joiner: TableJoiner<K, V, W | null, R>,
    options?: TableStoreOptions<R> | ForeignKeyJoinOptions<K, V, L, W, R>,
  ): KTable<K, R> {
    return isForeign(options)
      ? this.#foreignJoined('left', other, joiner, options)
      : this.#joined('left', other, joiner, options);
  }

  outerJoin<W, R>(
    other: KTable<K, W>,
    joiner: TableJoiner<K, V | null, W | null, R>,
    options?: TableStoreOptions<R>,
  ): KTable<K, R> {
    return this.#joined('outer', other, joiner, options);
  }

  toStream<L = K>(mapper?: Mapper<K, V | null, L>): KStream<L, V | null> {
    const node = this.dsl.graph.add({ kind: 'to-stream', inputs: [{ from: this.node.index, carries: 'changes' }] });
    const { key, value } = this.shape;
    const stream = this.dsl.stream<K, V | null>(node, { keyUnchanged: true, key, value });
    return mapper === undefined ? (stream as unknown as KStream<L, V | null>) : stream.selectKey(mapper);
  }

  suppress(until: Suppressed, options: TableStoreOptions<V> = {}): KTable<K, V> {
    const what = `suppress() of ${this.node.name}`;
    checkedSuppressed(what, until);
    checkOptions(what, options, ['store', 'value']);
    const { key, windowed, storeName } = this.shape;
    const value = (options.value ?? this.shape.value) as Serde<unknown> | undefined;
    const { graph } = this.dsl;
    if (until.until === 'window-closes' && windowed === undefined)
      graph.refuse(`${what} until windows close: only a windowed aggregation has windows`);
    if (until.until === 'window-closes' && windowed !== undefined && isUnlimited(windowed.windows))
      graph.refuse(`${what} until windows close: a window without end never does`);
    if (until.until === 'time-limit' && value === undefined)
      graph.refuse(`${what} keeps what rows were before and needs a serde for them, { value: … }`);
    const name = options.store ?? (storeName === undefined ? undefined : `${storeName}-suppress`);
    if (name === undefined) graph.refuse(`${what} needs a name for what it holds, { store: … }`);
    const node = graph.add(
      suppressNode(this.#changes(), {
        key,
        value,
        keepsNewest: true,
        held: name ?? '',
        until:
          until.until === 'time-limit'
            ? { kind: 'time-limit', limitMs: until.limitMs, maxRows: until.maxRows }
            : { kind: 'window-closes', ...closingOf(windowed) },
      }),
    );
    return this.dsl.table(node, { ...this.shape, value, late: this.shape.late });
  }

  late(): KStream<unknown, V> {
    const { late, value } = this.shape;
    if (late === undefined)
      this.dsl.graph.refuse(`late() of ${this.node.name}: only a windowed aggregation has late records`);
    return this.dsl.stream(late ?? this.node, { keyUnchanged: false, key: undefined, value });
  }

  #foreignJoined<L, W, A, R>(
    joins: 'inner' | 'left',
    other: KTable<L, W>,
    joiner: TableJoiner<K, V, A, R>,
    options: ForeignKeyJoinOptions<K, V, L, W, R>,
  ): KTable<K, R> {
    const what = `${joins === 'inner' ? 'join' : 'leftJoin'}() of ${this.node.name} by a foreign key`;
    checkFunctions(what, { joiner }, ['joiner']);
    if (!this.#isJoinable(what, other)) return this as unknown as KTable<K, R>;
    const node = declareForeignJoin(this.dsl, what, {
      joins,
      left: { node: this.node, shape: this.shape },
      right: { node: other.node, shape: other.shape },
      joiner: joiner as unknown as Joiner,
      options: options as unknown as GivenForeignOptions,
    });
    return this.dsl.table(node, {
      ...this.shape,
      layout: newestOf(this.shape.layout),
      value: options.value as Serde<unknown> | undefined,
      windowed: undefined,
      storeName: options.store ?? options.name,
      late: undefined,
    });
  }

  #joined<L, W, A, B, R>(
    joins: JoinKind,
    other: KTable<L, W>,
    joiner: TableJoiner<K, A, B, R>,
    options: TableStoreOptions<R> = {},
  ): KTable<K, R> {
    const { graph } = this.dsl;
    const what = `${joins === 'inner' ? 'join' : `${joins}Join`}() of ${this.node.name}`;
    checkFunctions(what, { joiner }, ['joiner']);
    if (!this.#isJoinable(what, other)) return this as unknown as KTable<K, R>;
    if (newestOf(other.shape.layout).kind !== newestOf(this.shape.layout).kind)
      graph.refuse(
        `${what} and ${other.node.name}: the keys of one are ${keysOf(this.shape)}, those of the other ` +
          `${keysOf(other.shape)}, so that no two are equal`,
      );
    const store = this.#storeOf(what, options, undefined);
    const inputs = [...this.#changes('left'), ...other.#changes('right')];
    const { key } = this.shape;
    const node = graph.add({ kind: 'table-join', joins, joiner: joiner as unknown as Joiner, key, store, inputs });
    return this.dsl.table(node, {
      ...this.shape,
      layout: newestOf(this.shape.layout),
      value: options.value as Serde<unknown> | undefined,
      windowed: joinedWindows(this.shape.windowed, other.shape.windowed),
      storeName: store?.name ?? `${this.shape.storeName ?? 'table'}-${other.shape.storeName ?? 'table'}`,
      late: undefined,
    });
  }

  #isJoinable(what: string, other: unknown): other is KTableImpl<unknown, unknown> {
    const { graph } = this.dsl;
    const isTable = other instanceof KTableImpl;
    if (!isTable) graph.refuse(`${what} takes another table`);
    else if (other.dsl.graph !== graph) graph.refuse(ofAnotherBuilder(what, other.node.name, 'tables'));
    return isTable && other.dsl.graph === graph;
  }

  /** An operator needs to see what changes, and to look at the rows. */
  #changes(side?: JoinSide): Edge[] {
    const { index: from } = this.node;
    const at = side === undefined ? {} : { side };
    return [
      { from, carries: 'changes', ...at },
      { from, carries: 'rows', ...at },
    ];
  }

  #behind<W>(node: DeclaredNode, store: StoreSpec | undefined, value: Serde<unknown> | undefined): KTable<K, W> {
    const layout = store === undefined ? this.shape.layout : newestOf(this.shape.layout);
    const storeName = store?.name ?? this.shape.storeName;
    return this.dsl.table(node, { ...this.shape, layout, value, storeName, late: undefined });
  }

  #storeOf<W>(
    what: string,
    options: TableStoreOptions<W>,
    inherited: Serde<unknown> | undefined,
  ): StoreSpec | undefined {
    checkOptions(what, options, ['store', 'value']);
    const { store: name, value = inherited } = options;
    if (name === undefined) return undefined;
    if (value === undefined)
      this.dsl.graph.refuse(`${what} keeps rows in "${name}" and needs a serde for them, { value: … }`);
    return { ...newestOf(this.shape.layout), name, serde: value as Serde<unknown>, timed: true };
  }
}

function isForeign<K, V, L, W, R>(
  options: TableStoreOptions<R> | ForeignKeyJoinOptions<K, V, L, W, R> | undefined,
): options is ForeignKeyJoinOptions<K, V, L, W, R> {
  return typeof options === 'object' && options !== null && 'foreignKey' in options;
}

function keysOf({ layout }: TableShape): string {
  return newestOf(layout).kind === 'key-value' ? 'without windows' : `${layout.kind}s`;
}
