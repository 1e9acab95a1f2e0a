import { StreamsError } from '../errors.ts';
import { checkFunctions, checkOptions, textOf } from '../options.ts';
import { STORE_OPTIONS } from '../store/typed-store.ts';
import { ofAnotherBuilder } from './another-builder.ts';
import type { DeclaredTable, DslContext, StreamShape } from './dsl-context.ts';
import type {
  KeyValue,
  KGroupedStream,
  KStream,
  KTable,
  Mapper,
  OrNull,
  ProcessOptions,
  RepartitionOptions,
  Serdes,
  SourceStream,
  StreamGlobalJoinOptions,
  StreamJoiner,
  StreamJoinOptions,
  StreamTableJoinOptions,
  ToOptions,
} from './dsl-types.ts';
import {
  labelOf,
  type DeclaredNode,
  type Edge,
  type Joiner,
  type JoinKind,
  type NodeDeclaration,
  type ValueFunction,
} from './graph.ts';
import { GlobalKTableImpl } from './global-table.ts';
import { checkedJoinWindows } from './join-windows.ts';
import type { AnyProcessorSupplier, FixedKeyProcessorSupplier, ProcessorSupplier } from './processor-context.ts';
import type { DeadLetter } from './record.ts';
import { stringSerde, type Serde } from './serdes.ts';
import { findGraceProblem, heldStore, streamJoinNode } from './stream-joins.ts';
import { findSerdeProblem } from './topology-checks.ts';
import { takesRecord } from './user-code.ts';

/** Another function of the same arguments: the record is made only for a callback that may look at it. */
export function wrapped<K, V, R, S>(
  callback: Mapper<K, V, R>,
  wrap: (answer: R, value: V, key: K) => S,
): Mapper<K, V, S> {
  return takesRecord(callback)
    ? (value, key, record) => wrap(callback(value, key, record), value, key)
    : (value: V, key: K) => wrap((callback as (value: V, key: K) => R)(value, key), value, key);
}

const OWN_KEY = (_value: unknown, key: unknown): unknown => key;

export class KStreamImpl<K, V> implements KStream<K, V> {
  protected readonly dsl: DslContext;
  protected readonly node: DeclaredNode;
  protected readonly shape: StreamShape;

  constructor(dsl: DslContext, node: DeclaredNode, shape: StreamShape) {
    this.dsl = dsl;
    this.node = node;
    this.shape = shape;
  }

  filter(predicate: Mapper<K, V, boolean>): KStream<K, V> {
    return this.#step({ kind: 'filter', predicate: asAny(predicate), inputs: this.records() }, predicate, this.shape);
  }

  filterNot(predicate: Mapper<K, V, boolean>): KStream<K, V> {
    checkFunctions(`filterNot() of ${this.node.name}`, { predicate }, ['predicate']);
    return this.filter(wrapped(predicate, negated));
  }

  filterType<W extends V>(predicate: (value: V) => value is W): KStream<K, W> {
    return this.filter(predicate) as unknown as KStream<K, W>;
  }

  mapValues<W>(map: Mapper<K, V, W>): KStream<K, OrNull<W>> {
    return this.#step({ kind: 'map-values', map: asAny(map), inputs: this.records() }, map, this.#newValues());
  }

  map<L, W>(map: Mapper<K, V, KeyValue<L, W>>): KStream<L, OrNull<W>> {
    return this.#step({ kind: 'map', map: asAny(map), inputs: this.records() }, map, ALL_NEW);
  }

  flatMap<L, W>(map: Mapper<K, V, Iterable<KeyValue<L, W>>>): KStream<L, OrNull<W>> {
    return this.#step({ kind: 'flat-map', map: asAny(map), inputs: this.records() }, map, ALL_NEW);
  }

  flatMapValues<W>(map: Mapper<K, V, Iterable<W>>): KStream<K, OrNull<W>> {
    return this.#step({ kind: 'flat-map-values', map: asAny(map), inputs: this.records() }, map, this.#newValues());
  }

  selectKey<L>(select: Mapper<K, V, L>): KStream<L, V> {
    checkFunctions(`selectKey() of ${this.node.name}`, { select }, ['select']);
    const map = wrapped(select, (key, value) => ({ key, value }));
    return this.#step({ kind: 'map', map: asAny(map), inputs: this.records() }, select, {
      ...ALL_NEW,
      value: this.shape.value,
    });
  }

  peek(look: Mapper<K, V, void>): KStream<K, V> {
    return this.#step({ kind: 'peek', look: asAny(look), inputs: this.records() }, look, this.shape);
  }

  forEach(look: Mapper<K, V, void>): void {
    this.peek(look);
  }

  branch(...predicates: Mapper<K, V, boolean>[]): KStream<K, V>[] {
    checkFunctions('branch()', predicates, Object.keys(predicates));
    return this.#branches(predicates);
  }

  split<Names extends string, Rest extends string = never>(
    predicates: Readonly<Record<Names, Mapper<K, V, boolean>>>,
    rest?: Rest,
  ): Record<Names | Rest, KStream<K, V>> {
    const what = `split() of ${this.node.name}`;
    const names = Object.keys(predicates ?? {}) as Names[];
    if (names.length === 0) this.dsl.graph.refuse(`${what} needs a predicate, { name: predicate, … }`);
    checkFunctions(what, predicates, names);
    if (rest !== undefined && (names as string[]).includes(rest))
      this.dsl.graph.refuse(`${what}: the rest has the name of a branch, "${rest}"`);
    const everything = rest === undefined ? [] : [(): boolean => true];
    const streams = this.#branches([...names.map((name) => predicates[name]), ...everything]);
    const all = rest === undefined ? names : [...names, rest];
    return Object.fromEntries(all.map((name, index) => [name, streams[index]])) as Record<Names | Rest, KStream<K, V>>;
  }

  merge<L>(other: KStream<L, V>): KStream<K | L, V> {
    const { graph } = this.dsl;
    // mutant: one-builder
    if (!(other instanceof KStreamImpl) || other.dsl.graph !== graph) {
      graph.refuse(
        !(other instanceof KStreamImpl)
          ? `merge() of ${this.node.name} takes another stream`
          : ofAnotherBuilder(`merge() of ${this.node.name}`, other.node.name, 'streams'),
      );
      return this as unknown as KStream<K | L, V>;
    }
    const node = graph.add({ kind: 'merge', inputs: [...this.records(), ...other.records()] });
    const { shape: one } = this;
    const two = (other as KStreamImpl<L, V>).shape;
    return this.dsl.stream(node, {
      keyUnchanged: one.keyUnchanged && two.keyUnchanged,
      key: one.key === two.key ? one.key : undefined,
      value: one.value === two.value ? one.value : undefined,
    });
  }

  repartition(options: RepartitionOptions<K, V>): KStream<NonNullable<K>, V> {
    checkOptions(`repartition() of ${this.node.name}`, options, ['name', 'key', 'value', 'partitions']);
    return this.sent(options, 'drop');
  }

  toTable(options: { store: string } & Serdes<K, V>): KTable<NonNullable<K>, NonNullable<V>> {
    const what = `toTable() of ${this.node.name}`;
    checkOptions(what, options, ['store', 'key', 'value']);
    const { store: name } = options;
    const key = this.keySerde(options);
    const value = this.valueSerde(what, options);
    const stream = this.shape.keyUnchanged
      ? this
      : (this.sent({ ...options, name }, 'drop') as unknown as KStreamImpl<K, V>);
    const layout = { kind: 'key-value', key } as const;
    const store = { ...layout, name, serde: value, timed: true };
    const node = this.dsl.graph.add({ kind: 'to-table', store, isNamed: true, inputs: stream.records() });
    return this.dsl.table(node, { key, layout, value, storeName: name, late: undefined });
  }

  groupBy<L>(
    selector: Mapper<K, V, L | null | undefined>,
    options: { readonly name: string; readonly key?: Serde<L>; readonly value?: Serde<NonNullable<V>> },
  ): KGroupedStream<L, V> {
    checkOptions('groupBy()', options, ['name', 'key', 'value']);
    checkFunctions('groupBy()', { selector }, ['selector']);
    if (typeof options.name !== 'string')
      this.dsl.graph.refuse(
        `a grouping of ${this.node.name} needs a name, { name: … }, which becomes part of the name of a topic`,
      );
    return this.dsl.grouped(this.node, {
      selector: asAny(selector),
      name: options.name,
      key: (options.key ?? stringSerde) as Serde<unknown>,
      value: (options.value ?? this.shape.value) as Serde<unknown> | undefined,
    });
  }

  groupByKey(options: { readonly name?: string } & Serdes<K, V> = {}): KGroupedStream<NonNullable<K>, V> {
    checkOptions('groupByKey()', options, ['name', 'key', 'value']);
    const { name } = options;
    if (!this.shape.keyUnchanged && name === undefined)
      this.dsl.graph.refuse(
        `groupByKey() of ${this.node.name} needs a name, since a step in front of it may have changed the key: it ` +
          `becomes part of the name of the repartition topic`,
      );
    return this.dsl.grouped(this.node, {
      selector: OWN_KEY as ValueFunction<unknown>,
      name: this.shape.keyUnchanged ? undefined : (name ?? 'unnamed'),
      key: this.keySerde(options),
      value: (options.value ?? this.shape.value) as Serde<unknown> | undefined,
    });
  }

  process<L, W>(supplier: ProcessorSupplier<K, V, L, W>, options: ProcessOptions = {}): KStream<L, W> {
    return this.dsl.stream(this.#process('process()', supplier, options, false), ALL_NEW);
  }

  processValues<W>(supplier: FixedKeyProcessorSupplier<K, V, W>, options: ProcessOptions = {}): KStream<K, W> {
    return this.dsl.stream(this.#process('processValues()', supplier, options, true), this.#newValues());
  }

  join<L, R>(
    other: unknown,
    joiner: StreamJoiner<never, never, never, R>,
    options: object = {},
  ): KStream<L, OrNull<R>> {
    return this.#joined('inner', other, joiner, options);
  }

  leftJoin<L, R>(
    other: unknown,
    joiner: StreamJoiner<never, never, never, R>,
    options: object = {},
  ): KStream<L, OrNull<R>> {
    return this.#joined('left', other, joiner, options);
  }

  outerJoin<L, R>(
    other: unknown,
    joiner: StreamJoiner<never, never, never, R>,
    options: object = {},
  ): KStream<L, OrNull<R>> {
    return this.#joined('outer', other, joiner, options);
  }

  to(topic: string | Mapper<K, V, string>, options: ToOptions<K, V> = {}): void {
    const what = `to(${typeof topic === 'function' ? 'a function' : textOf(topic)}) of ${this.node.name}`;
    checkOptions(what, options, ['key', 'value', 'partitioner']);
    if (options.partitioner !== undefined) checkFunctions(what, options, ['partitioner']);
    this.dsl.graph.add({
      kind: 'sink',
      topic: typeof topic === 'function' ? asAny<string>(topic) : topic,
      key: this.keySerde(options),
      value: this.valueSerde(what, options),
      partitioner: options.partitioner as never,
      inputs: this.records(),
    });
  }

  /** Of its node. */
  get name(): string {
    return this.node.name;
  }

  protected records(): Edge[] {
    return [{ from: this.node.index, carries: 'records' }];
  }

  /** The stream behind a repartition topic that its records are sent through one by one. */
  protected sent(
    { name, key, value, partitions }: RepartitionOptions<K, V>,
    nullKeys: 'drop' | 'keep',
  ): KStream<NonNullable<K>, V> {
    const { graph } = this.dsl;
    const serdes = { ...(key === undefined ? {} : { key }), ...(value === undefined ? {} : { value }) };
    const keys = this.keySerde(serdes);
    const values = this.valueSerde(`the repartition "${name}" of ${this.node.name}`, serdes);
    const sender = graph.add({
      kind: 'send',
      grouping: name,
      keyOf: OWN_KEY as ValueFunction<unknown>,
      key: keys,
      value: values,
      nullKeys,
      partitions,
      inputs: this.records(),
    });
    const source = graph.repartitionSource(name);
    const node = graph.add({
      kind: 'repartitioned',
      key: keys,
      value: values,
      inputs: [{ from: source.index, carries: 'routed', sender: sender.index }],
    });
    return this.dsl.stream(node, { keyUnchanged: true, key: keys, value: values });
  }

  /** Keys whose type something has changed are text, unless a serde is given. */
  protected keySerde({ key }: { readonly key?: unknown }): Serde<unknown> {
    return (key ?? this.shape.key ?? stringSerde) as Serde<unknown>;
  }

  protected valueSerde(what: string, { value }: { readonly value?: unknown }, option = 'value'): Serde<unknown> {
    const serde = value ?? this.shape.value;
    if (serde === undefined)
      this.dsl.graph.refuse(
        `${what} needs a serde for the ${option === 'value' ? '' : `${option} `}values, { ${option}: … }: a step ` +
          `before it made new ones`,
      );
    return serde as Serde<unknown>;
  }

  #joined<L, R>(joins: JoinKind, other: unknown, joiner: Joiner, options: object): KStream<L, R> {
    const what = `${joins === 'inner' ? 'join' : `${joins}Join`}() of ${this.node.name}`;
    checkFunctions(what, { joiner }, ['joiner']);
    if (other instanceof KStreamImpl && other.dsl.graph === this.dsl.graph)
      return this.#joinedStream(what, other as KStreamImpl<unknown, unknown>, { joins, joiner }, options as never);
    if (joins !== 'outer' && other instanceof GlobalKTableImpl && other.dsl.graph === this.dsl.graph)
      return this.#joinedGlobal(what, other, { joins, joiner }, options as never);
    const table = this.dsl.declared(other);
    if (joins !== 'outer' && table !== undefined)
      return this.#joinedTable(what, table, { joins, joiner }, options as StreamTableJoinOptions<V>);
    const node = this.dsl.nodeOf(other);
    const isTable = !(other instanceof KStreamImpl);
    this.dsl.graph.refuse(
      node === undefined || (isTable && joins === 'outer')
        ? `${what} takes a stream${joins === 'outer' ? '' : ' or a table'} of the same StreamsBuilder`
        : ofAnotherBuilder(what, node, isTable ? 'sides' : 'streams'),
    );
    return this as unknown as KStream<L, R>;
  }

  #joinedTable<L, R>(
    what: string,
    { node: table, shape }: DeclaredTable,
    join: { readonly joins: 'inner' | 'left'; readonly joiner: Joiner },
    options: StreamTableJoinOptions<V>,
  ): KStream<L, R> {
    checkOptions(what, options, ['name', 'graceMs', 'value']);
    const { name, graceMs, value } = options;
    const where = `${what} with ${table.name}`;
    const stream = this.#byKey(where, join.joins === 'inner' ? 'drop' : 'keep', { name, value, key: shape.key });
    const inputs: Edge[] = [...stream.records(), { from: table.index, carries: 'rows' }];
    const wrong = findSerdeProblem(where, { value });
    if (wrong !== undefined) this.dsl.graph.refuse(wrong);
    const values = graceMs === undefined ? undefined : this.valueSerde(`graceMs of ${where}`, { value });
    const problem = graceMs === undefined ? undefined : findGraceProblem(where, { name, graceMs }, shape.layout);
    if (problem !== undefined) this.dsl.graph.refuse(problem);
    const held =
      values === undefined || problem !== undefined
        ? undefined
        : { store: heldStore(String(name), values), graceMs: Number(graceMs), key: shape.key };
    const node = this.dsl.graph.add({ kind: 'stream-table-join', ...join, held, inputs });
    return this.dsl.stream(node, { ...stream.shape, key: stream.shape.key ?? shape.key, value: undefined });
  }

  #joinedGlobal<L, R>(
    what: string,
    table: GlobalKTableImpl<unknown, unknown>,
    join: { readonly joins: 'inner' | 'left'; readonly joiner: Joiner },
    options: StreamGlobalJoinOptions<never, never, unknown>,
  ): KStream<L, R> {
    const where = `${what} with ${table.name}`;
    checkOptions(where, options, ['key']);
    checkFunctions(where, options, ['key']);
    const inputs = [...this.records(), table.rows];
    const keyOf = asAny(options.key);
    const node = this.dsl.graph.add({ kind: 'stream-global-join', ...join, keyOf, table: table.store, inputs });
    return this.dsl.stream(node, this.#newValues());
  }

  #joinedStream<L, R>(
    where: string,
    other: KStreamImpl<unknown, unknown>,
    join: { readonly joins: JoinKind; readonly joiner: Joiner },
    options: StreamJoinOptions<unknown, unknown, unknown>,
  ): KStream<L, R> {
    const what = `${where} with ${other.node.name}`;
    const { graph } = this.dsl;
    checkOptions(what, options, ['windows', 'name', 'left', 'right', 'key']);
    const { name } = options;
    if (typeof name !== 'string' || name === '')
      graph.refuse(`${what} needs a name, { name: … }, which becomes part of the names of its stores and topics`);
    const key = (options.key ?? this.shape.key ?? other.shape.key ?? stringSerde) as Serde<unknown>;
    const serdes = {
      left: this.valueSerde(what, { value: options.left }, 'left'),
      right: other.valueSerde(what, { value: options.right }, 'right'),
    };
    const left = this.#byKey(what, join.joins === 'inner' ? 'drop' : 'keep', {
      name: `${name}-left`,
      key,
      value: serdes.left,
    });
    const right = other.#byKey(what, join.joins === 'outer' ? 'keep' : 'drop', {
      name: `${name}-right`,
      key,
      value: serdes.right,
    });
    const windows = checkedJoinWindows(`windows of ${what}`, options.windows);
    const inputs: Edge[] = [
      { from: left.node.index, carries: 'records', side: 'left' },
      { from: right.node.index, carries: 'records', side: 'right' },
    ];
    const node = graph.add(streamJoinNode({ ...join, name, windows, key, serdes, inputs }));
    return this.dsl.stream(node, { keyUnchanged: true, key, value: undefined });
  }

  /** The stream, through a repartition topic where a step in front of it may have changed the key. */
  #byKey(
    what: string,
    nullKeys: 'drop' | 'keep',
    { name, key, value }: { readonly name: string | undefined; readonly key: unknown; readonly value: unknown },
  ): KStreamImpl<K, V> {
    if (this.shape.keyUnchanged) return this;
    if (name === undefined)
      this.dsl.graph.refuse(
        `${what} needs a name, since a step in front of it may have changed the key: it becomes part of the name of ` +
          `the repartition topic`,
      );
    const serdes = { key, ...(value === undefined ? {} : { value }) } as Serdes<K, V>;
    return this.sent({ ...serdes, name: name ?? 'unnamed' }, nullKeys) as unknown as KStreamImpl<K, V>;
  }

  #newValues(): StreamShape {
    return { ...this.shape, value: undefined };
  }

  #process(what: string, supplier: unknown, options: ProcessOptions, keepsKey: boolean): DeclaredNode {
    checkOptions(what, options, ['stores', 'name']);
    checkFunctions(what, { supplier }, ['supplier']);
    const { stores: uses = [], name: givenName } = options;
    if (!Array.isArray(uses))
      throw new StreamsError('CONFIG_INVALID', `stores of ${what} is a list of names and specs, not ${textOf(uses)}`);
    for (const store of uses) if (typeof store !== 'string') checkOptions(`a store of ${what}`, store, STORE_OPTIONS);
    if (givenName !== undefined && (typeof givenName !== 'string' || givenName === ''))
      this.dsl.graph.refuse(`${what} of ${this.node.name} takes a name of at least one character`);
    return this.dsl.graph.add({
      kind: 'process',
      supplier: supplier as AnyProcessorSupplier,
      keepsKey,
      givenName,
      uses,
      inputs: this.records(),
    });
  }

  #branches(predicates: readonly Mapper<K, V, boolean>[]): KStream<K, V>[] {
    const { graph } = this.dsl;
    const { index } = graph.add({ kind: 'branch', predicates: predicates.map(asAny), inputs: this.records() });
    return predicates.map((_, predicate) => {
      const child = graph.add({ kind: 'branch-child', inputs: [{ from: index, carries: 'branch', predicate }] });
      return this.dsl.stream(child, this.shape);
    });
  }

  #step<L, W>(step: NodeDeclaration, callback: unknown, shape: StreamShape): KStream<L, W> {
    checkFunctions(`the ${labelOf(step.kind)} behind ${this.node.name}`, { callback }, ['callback']);
    return this.dsl.stream(this.dsl.graph.add(step), shape);
  }
}

/** Behind a step that may make keys and values of any type. */
const ALL_NEW: StreamShape = { keyUnchanged: false, key: undefined, value: undefined };

function negated(passes: boolean): boolean {
  return !passes;
}

/** Values and keys of any type pass the graph. */
export function asAny<R>(callback: (value: never, key: never, ...rest: never[]) => R): ValueFunction<R> {
  return callback as unknown as ValueFunction<R>;
}

export class SourceStreamImpl<K, V> extends KStreamImpl<K, V> implements SourceStream<K, V> {
  /** One node for each topic. */
  readonly #sources: readonly DeclaredNode[];

  constructor(dsl: DslContext, node: DeclaredNode, shape: StreamShape, sources: readonly DeclaredNode[]) {
    super(dsl, node, shape);
    this.#sources = sources;
  }

  deadLetters(): KStream<null, DeadLetter> {
    const { graph } = this.dsl;
    const edges = this.#sources.map(({ index }) => ({ from: index, carries: 'dead-letters' }) as const);
    const node =
      graph.find(({ inputs }) =>
        inputs.some(({ from, carries }) => from === edges[0]?.from && carries === 'dead-letters'),
      ) ?? graph.add({ kind: 'dead-letters', inputs: edges });
    return this.dsl.stream(node, ALL_NEW);
  }
}
