import { messageOf, StreamsError } from '../errors.ts';
import { checkFunctions, checkNothing, checkOptions, textOf } from '../options.ts';
import { STORE_OPTIONS, type StoreSpec } from '../store/typed-store.ts';
import { noteBuilt } from './built-topologies.ts';
import type { DeclaredTable, DslContext, TableShape } from './dsl-context.ts';
import type { GlobalKTable, KTable, SourceStream } from './dsl-types.ts';
import { GlobalKTableImpl } from './global-table.ts';
import { GraphBuilder } from './graph-builder.ts';
import type { DeclaredNode, SourceNode, StartAt } from './graph.ts';
import { KGroupedStreamImpl } from './grouped-stream.ts';
import { KStreamImpl, SourceStreamImpl } from './kstream.ts';
import { KTableImpl } from './ktable.ts';
import { DeadLetter, type ConsumerRecord, type Decoder } from './record.ts';
import { valueTextOf } from './record-text.ts';
import { jsonSerde, stringSerde, knownOf, type Serde } from './serdes.ts';
import { findSerdeProblem } from './topology-checks.ts';
import type { Topology } from './topology.ts';

/** What all sources take. */
interface SourceOptions<K, V> {
  /** Of the keys. Default: `stringSerde`. What it does not take is a dead letter, DESERIALIZATION_FAILED. */
  readonly key?: Serde<K>;
  /** Event time of a value, epoch ms. Default: the record's own timestamp. */
  readonly timestampMs?: (value: V, record: ConsumerRecord) => number;
  /** Where records go that cannot be read. Without one, such a record stops the task. */
  readonly deadLetterTopic?: string;
  /** Where a group without offsets begins. Default: earliest. */
  readonly startAt?: StartAt;
}

/** A source whose values a function reads, or says why it cannot. */
export interface DecodedOptions<K, V> extends SourceOptions<K, V> {
  readonly decode: Decoder<V>;
  readonly value?: undefined;
}

/** A source whose values a serde reads. What it does not take is a dead letter, DESERIALIZATION_FAILED. */
export interface ValueOptions<K, V> extends SourceOptions<K, V> {
  readonly value: Serde<V>;
  readonly decode?: undefined;
}

export type StreamOptions<K, V> = DecodedOptions<K, V> | ValueOptions<K, V>;

/** Where rows of a table are kept. */
export type TableOptions<K, V> =
  | (StreamOptions<K, V> & {
      /** Default: `<topic>-store`. What a `decode` makes is kept as JSON. */
      readonly store?: string | StoreSpec<V, K>;
    })
  | (SourceOptions<K, V> & {
      /** Its serdes are those of the topic, too. With a `versionedStore` the table knows what was valid when. */
      readonly store: StoreSpec<V, K>;
      readonly value?: undefined;
      readonly decode?: undefined;
    });

/** A global table is read by a serde or by a function, as a source; its rows are in memory. */
export type GlobalTableSourceOptions<K, V> = Pick<StreamOptions<K, V>, 'key'> &
  (Pick<DecodedOptions<K, V>, 'decode' | 'value'> | Pick<ValueOptions<K, V>, 'decode' | 'value'>) & {
    /** The name that its rows are known by. Default: `<topic>-store`. */
    readonly store?: string;
  };

const SOURCE_OPTIONS = ['key', 'value', 'decode', 'timestampMs', 'deadLetterTopic', 'startAt'];

/** Where a topology starts. */
export class StreamsBuilder {
  readonly #tables = new WeakMap<object, DeclaredTable>();
  readonly #dsl: DslContext = {
    graph: new GraphBuilder(),
    stream: (node, shape) => new KStreamImpl(this.#dsl, node, shape),
    grouped: (node, grouping) => new KGroupedStreamImpl(this.#dsl, node, grouping),
    table: <K, V>(node: DeclaredNode, shape: TableShape) => {
      const table = new KTableImpl<K, V>(this.#dsl, node, shape);
      this.#tables.set(table, { node, shape });
      return table;
    },
    declared: (table) => (typeof table === 'object' && table !== null ? this.#tables.get(table) : undefined),
    nodeOf: (given) =>
      given instanceof KStreamImpl || given instanceof KTableImpl || given instanceof GlobalKTableImpl
        ? given.name
        : undefined,
  };

  /** @throws StreamsError CONFIG_INVALID for options: there are none. */
  constructor(...none: never[]) {
    checkNothing('StreamsBuilder()', none);
  }

  /**
   * A stream of the records of one topic or several. Records without a value are dropped and counted, unless `nulls` is
   * 'keep' or a `decode` makes something of them.
   */
  stream<V, K = string>(
    topics: string | readonly string[],
    options: ValueOptions<K, V> & { readonly nulls: 'keep' },
  ): SourceStream<K | null, V | null>;
  stream<V, K = string>(
    topics: string | readonly string[],
    options: DecodedOptions<K, V> & { readonly nulls: 'keep' },
  ): SourceStream<K | null, V>;
  stream<V, K = string>(
    topics: string | readonly string[],
    options: StreamOptions<K, V> & { readonly nulls?: 'drop' },
  ): SourceStream<K | null, V>;
  stream<V, K = string>(
    topics: string | readonly string[],
    options: StreamOptions<K, V> & { readonly nulls?: 'drop' | 'keep' },
  ): SourceStream<K | null, V> {
    const what = `stream(${textOf(topics)})`;
    checkOptions(what, options, [...SOURCE_OPTIONS, 'nulls']);
    const { graph } = this.#dsl;
    const list = typeof topics === 'string' ? [topics] : Array.isArray(topics) ? [...new Set(topics)] : topics;
    if (!Array.isArray(list) || list.length === 0)
      graph.refuse(`${what} takes the name of a topic, or a list of names`);
    const nulls = options.nulls ?? (options.decode === undefined ? 'drop' : 'keep');
    if (nulls !== 'drop' && nulls !== 'keep')
      graph.refuse(`nulls of ${what} is 'drop' or 'keep', not ${textOf(nulls)}`);
    const sources = list.map((topic) => this.#source(what, topic, { ...options, role: 'stream', nulls }));
    const inputs = sources.map(({ index }) => ({ from: index, carries: 'records' }) as const);
    const node = sources.length === 1 ? (sources[0] as DeclaredNode) : graph.add({ kind: 'merge', inputs });
    const shape = { keyUnchanged: true, key: keyOf(options), value: options.value as Serde<unknown> | undefined };
    return new SourceStreamImpl<K | null, V>(this.#dsl, node, shape, sources);
  }

  /** The newest row of each key of a topic. A null value deletes; records without a key are dropped and counted. */
  table<V, K = string>(topic: string, options: TableOptions<K, V>): KTable<K, V> {
    const what = `table(${textOf(topic)})`;
    checkOptions(what, options, [...SOURCE_OPTIONS, 'store']);
    const { store: named, ...given } = options as StreamOptions<K, V> & { readonly store?: string | StoreSpec<V, K> };
    const { graph } = this.#dsl;
    if (named !== undefined && typeof named !== 'string' && (typeof named !== 'object' || named === null))
      throw new StreamsError('CONFIG_INVALID', `the store of ${what} is a name or a spec, not ${textOf(named)}`);
    const spec = typeof named === 'object' ? named : undefined;
    if (spec !== undefined) {
      checkOptions(`the store of ${what}`, spec, STORE_OPTIONS);
      if (spec.kind !== 'key-value' && spec.kind !== 'versioned')
        graph.refuse(`the store of ${what} is a key-value or a versioned one, not of the kind ${textOf(spec.kind)}`);
    }
    const key = given.key ?? spec?.key ?? stringSerde;
    const bySpec = given.decode === undefined && given.value === undefined ? spec?.serde : undefined;
    const source = { ...given, key, ...(bySpec === undefined ? {} : { value: bySpec }) } as StreamOptions<K, V>;
    const { index } = this.#source(what, topic, { ...source, role: 'table', nulls: 'keep' });
    const value = (spec?.serde ?? source.value ?? jsonSerde()) as Serde<unknown>;
    const layout = (
      spec?.kind === 'versioned' ? { kind: 'versioned', key, historyMs: spec.historyMs } : { kind: 'key-value', key }
    ) as TableShape['layout'];
    const store = {
      ...(spec as StoreSpec | undefined),
      ...layout,
      name: spec?.name ?? (typeof named === 'string' ? named : `${topic}-store`),
      serde: value,
      ...(layout.kind === 'versioned' ? {} : { timed: true }),
    };
    const inputs = [{ from: index, carries: 'records' }] as const;
    const node = graph.add({ kind: 'to-table', store, isNamed: named !== undefined, inputs });
    return this.#dsl.table(node, {
      key: key as Serde<unknown>,
      layout,
      value,
      storeName: store.name,
      late: undefined,
    });
  }

  /** A store that several processors share: each names it, `process(…, { stores: [name] })`. */
  addStore(spec: StoreSpec): void {
    checkOptions('addStore()', spec, STORE_OPTIONS);
    this.#dsl.graph.addStore(spec);
  }

  /**
   * All rows of a topic in every instance. A null value deletes; records without a key are passed over. What cannot be
   * read stops the thread: a table with a hole must not be joined with.
   */
  globalTable<V, K = string>(topic: string, options: GlobalTableSourceOptions<K, V>): GlobalKTable<K, V> {
    const what = `globalTable(${textOf(topic)})`;
    checkOptions(what, options, ['key', 'value', 'decode', 'store']);
    const { value, decode, store = `${topic}-store` } = options;
    this.#checkDecoder(what, { value, decode });
    const node = this.#dsl.graph.add({
      kind: 'global-table',
      inputs: [],
      topic,
      key: keyOf(options),
      decode: decode ?? decodeBy(value as Serde<V>),
      table: store,
    });
    return new GlobalKTableImpl(this.#dsl, node, store);
  }

  /** @throws StreamsError TOPOLOGY_INVALID */
  build(): Topology {
    return noteBuilt(this.#dsl.graph.build());
  }

  #checkDecoder(what: string, options: { readonly value: unknown; readonly decode: unknown }): void {
    const { value, decode } = options;
    if ((value === undefined) === (decode === undefined))
      this.#dsl.graph.refuse(`${what} takes either a serde for the values, { value: … }, or a function, { decode: … }`);
    else if (value === undefined) checkFunctions(what, options, ['decode']);
    else {
      const problem = findSerdeProblem(`the source of ${what}`, { value });
      if (problem !== undefined) this.#dsl.graph.refuse(problem);
    }
  }

  #source<K, V>(
    what: string,
    topic: string,
    options: StreamOptions<K, V> & Pick<SourceNode, 'role' | 'nulls'>,
  ): DeclaredNode {
    const { graph } = this.#dsl;
    const { value, decode, timestampMs, deadLetterTopic, startAt = 'earliest', role, nulls } = options;
    if (timestampMs !== undefined) checkFunctions(what, options, ['timestampMs']);
    this.#checkDecoder(what, { value, decode });
    if (startAt !== 'earliest' && startAt !== 'latest')
      graph.refuse(`startAt of ${what} is 'earliest' or 'latest', not ${textOf(startAt)}`);
    return graph.add({
      kind: 'source',
      inputs: [],
      topic,
      role,
      key: keyOf(options),
      decode: decode ?? decodeBy(value as Serde<V>),
      nulls,
      timestampMs: timestampMs as SourceNode['timestampMs'],
      deadLetterTopic,
      startAt,
    });
  }
}

function keyOf<K>({ key }: { readonly key?: Serde<K> }): Serde<unknown> {
  return (key ?? stringSerde) as Serde<unknown>;
}

/**
 * A null value stays null: the serde does not see it. What it throws is said of the record, but for what is no fault of
 * the record: a schema registry that does not answer.
 */
function decodeBy<V>(serde: Serde<V>): Decoder<V | null> {
  const readText = knownOf(serde).readText as ((text: string) => V) | undefined;
  return (record) => {
    try {
      if (readText !== undefined) {
        const text = valueTextOf(record);
        return text === null ? null : readText(text);
      }
      const { value } = record;
      return value === null ? null : serde.deserialize(value);
    } catch (error) {
      if (error instanceof StreamsError) throw error;
      return new DeadLetter('DESERIALIZATION_FAILED', `The value cannot be read: ${messageOf(error)}`);
    }
  };
}
