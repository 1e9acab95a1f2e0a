import { checkFunctions, checkOptions } from '../options.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import type { DslContext, TableShape } from './dsl-context.ts';
import type { KStream, KTable, Mapper, TableStoreOptions } from './dsl-types.ts';
import type { DeclaredNode, Edge } from './graph.ts';
import { asAny, wrapped } from './kstream.ts';
import type { Serde } from './serdes.ts';

export class KTableImpl<K, V> implements KTable<K, V> {
  protected readonly dsl: DslContext;
  protected readonly node: DeclaredNode;
  protected readonly shape: TableShape;

  constructor(dsl: DslContext, node: DeclaredNode, shape: TableShape) {
    this.dsl = dsl;
    this.node = node;
    this.shape = shape;
  }

  filter(predicate: Mapper<K, V, boolean>, options: TableStoreOptions<V> = {}): KTable<K, V> {
    const what = `filter() of ${this.node.name}`;
    checkFunctions(what, { predicate }, ['predicate']);
    const { knowsBefore, value } = this.shape;
    const store = this.#storeOf(what, options, value);
    const node = this.dsl.graph.add({
      kind: 'table-filter',
      predicate: asAny(predicate),
      knowsBefore,
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

  toStream<L = K>(mapper?: Mapper<K, V | null, L>): KStream<L, V | null> {
    const node = this.dsl.graph.add({ kind: 'to-stream', inputs: [{ from: this.node.index, carries: 'changes' }] });
    const { key, value } = this.shape;
    const stream = this.dsl.stream<K, V | null>(node, { keyUnchanged: true, key, value });
    return mapper === undefined ? (stream as unknown as KStream<L, V | null>) : stream.selectKey(mapper);
  }

  late(): KStream<unknown, V> {
    const { late, value } = this.shape;
    if (late === undefined)
      this.dsl.graph.refuse(`late() of ${this.node.name}: only a windowed aggregation has late records`);
    return this.dsl.stream(late ?? this.node, { keyUnchanged: false, key: undefined, value });
  }

  /** An operator needs to see what changes, and to look at the rows. */
  #changes(): Edge[] {
    const { index: from } = this.node;
    return [
      { from, carries: 'changes' },
      { from, carries: 'rows' },
    ];
  }

  #behind<W>(node: DeclaredNode, store: StoreSpec | undefined, value: Serde<unknown> | undefined): KTable<K, W> {
    const knowsBefore = this.shape.knowsBefore || store !== undefined;
    return this.dsl.table(node, { ...this.shape, value, knowsBefore, late: undefined });
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
    return { ...this.shape.layout, name, serde: value as Serde<unknown>, timed: true };
  }
}
