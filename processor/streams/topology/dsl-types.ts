import type { Aggregate } from './aggregate.ts';
import type { JoinWindows } from './join-windows.ts';
import type { FixedKeyProcessorSupplier, ProcessorStore, ProcessorSupplier } from './processor-context.ts';
import type { DeadLetter, RecordContext } from './record.ts';
import type { Serde } from './serdes.ts';
import type { Windowed } from './windowed-serdes.ts';
import type { Suppressed } from './suppressed.ts';
import type { Windows } from './windows.ts';

/*
 * What users hold while they declare a topology. Streams lead to groupings, groupings to tables, and tables back to
 * streams: so their types stand in one file, and their classes (kstream.ts, grouped-stream.ts, ktable.ts) do not know
 * each other.
 */

/** A callback: of a record's value, its key, and where it comes from. */
export type Mapper<K, V, R> = (value: V, key: K, record: RecordContext) => R;

export interface KeyValue<K, V> {
  readonly key: K;
  readonly value: V;
}

/** Serdes of what is written. Default: those of the stream's source, grouping or table, while the type is the same. */
export interface Serdes<K, V> {
  readonly key?: Serde<NonNullable<K>>;
  readonly value?: Serde<NonNullable<V>>;
}

export interface ToOptions<K, V> extends Serdes<K, V> {
  /** The partition of a record. Default: by the bytes of its key, as Kafka's own producers do. */
  readonly partitioner?: (key: K, value: V, partitions: number) => number;
}

/** A repartition topic, `<applicationId>-<name>-repartition`. */
export interface RepartitionOptions<K, V> extends Serdes<K, V> {
  readonly name: string;
  /** Default: as many as the largest topic that is read in front of it. */
  readonly partitions?: number;
}

export interface GroupingOptions<K, V> extends Serdes<K, V> {
  readonly name: string;
}

export interface ProcessOptions {
  /** Its own stores by their declaration, those of other nodes by name. */
  readonly stores?: readonly ProcessorStore[];
  /** By which the processor in front of it may forward to it alone. */
  readonly name?: string;
}

/** The values that a function makes: undefined as an answer is null. */
export type OrNull<W> = W extends undefined | void ? null : W;

/** A stream of keys and values of one type. Every method adds a node and returns the stream behind it. */
export interface KStream<K, V> {
  filter(predicate: Mapper<K, V, boolean>): KStream<K, V>;

  filterNot(predicate: Mapper<K, V, boolean>): KStream<K, V>;

  /** Only values of the narrower type pass. */
  filterType<W extends V>(predicate: (value: V) => value is W): KStream<K, W>;

  /** What a function answers as undefined is null: here, and in all that makes values. */
  mapValues<W>(map: Mapper<K, V, W>): KStream<K, OrNull<W>>;

  /** May change key and value. */
  map<L, W>(map: Mapper<K, V, KeyValue<L, W>>): KStream<L, OrNull<W>>;

  flatMap<L, W>(map: Mapper<K, V, Iterable<KeyValue<L, W>>>): KStream<L, OrNull<W>>;

  flatMapValues<W>(map: Mapper<K, V, Iterable<W>>): KStream<K, OrNull<W>>;

  selectKey<L>(select: Mapper<K, V, L>): KStream<L, V>;

  /** For side effects that may happen more than once: a transaction that aborts is processed again. */
  peek(look: Mapper<K, V, void>): KStream<K, V>;

  /** The end of a stream: as `peek`, with nothing behind it. */
  forEach(look: Mapper<K, V, void>): void;

  /**
   * One stream per predicate; each value goes to the first that takes it, values nobody takes are dropped. Predicates
   * are asked in order, each at most once a record.
   */
  branch(...predicates: Mapper<K, V, boolean>[]): KStream<K, V>[];

  /** The same with names. What no predicate takes goes to the stream of the last name, or is dropped without one. */
  split<Names extends string, Rest extends string = never>(
    predicates: Readonly<Record<Names, Mapper<K, V, boolean>>>,
    rest?: Rest,
  ): Record<Names | Rest, KStream<K, V>>;

  /** Both streams as one. They must be of one StreamsBuilder. */
  merge<L>(other: KStream<L, V>): KStream<K | L, V>;

  /** Through a repartition topic, so that records of one key are in one task. Records without a key are dropped. */
  repartition(options: RepartitionOptions<K, V>): KStream<NonNullable<K>, V>;

  /** The newest value of each key. Null deletes; records without a key are dropped and counted. */
  toTable(options: { store: string } & Serdes<K, V>): KTable<NonNullable<K>, NonNullable<V>>;

  /**
   * Groups by a new key, through the repartition topic `<applicationId>-<name>-repartition`. Groupings of one name
   * share it. A record for which the selector returns no key is dropped and counted.
   */
  groupBy<L>(
    selector: Mapper<K, V, L | null | undefined>,
    options: { readonly name: string; readonly key: Serde<L>; readonly value?: Serde<NonNullable<V>> },
  ): KGroupedStream<L, V>;
  groupBy(
    selector: Mapper<K, V, string | null | undefined>,
    options: { readonly name: string; readonly value?: Serde<NonNullable<V>> },
  ): KGroupedStream<string, V>;

  /**
   * Groups by the key the records have. Repartitions only when an earlier step may have changed it: then it needs a
   * name. Records without a key are dropped and counted.
   */
  groupByKey(options?: { readonly name?: string } & Serdes<K, V>): KGroupedStream<NonNullable<K>, V>;

  /** Attaches a custom processor; `stores` are its own (a spec) or another node's (a name). */
  process<L, W>(supplier: ProcessorSupplier<K, V, L, W>, options?: ProcessOptions): KStream<L, W>;

  /** The same with a processor that keeps the key: nothing behind it needs to be repartitioned. */
  processValues<W>(supplier: FixedKeyProcessorSupplier<K, V, W>, options?: ProcessOptions): KStream<K, W>;

  /**
   * Records of two streams that have one key and lie close enough to each other in event time, as `joinWindows` says;
   * the time of a result is the larger of both. Streams whose key a step in front of the join may have changed go
   * through `<applicationId>-<name>-left-repartition` and `-right-`; what either side has had is in the stores
   * `<name>-left` and `<name>-right`. The topics of both have as many partitions. Records without a key or a value are
   * dropped.
   */
  join<L extends NonNullable<K> | null, W, R>(
    other: KStream<L, W>,
    joiner: StreamJoiner<NonNullable<K>, NonNullable<V>, NonNullable<W>, R>,
    options: StreamJoinOptions<K, V, W>,
  ): KStream<NonNullable<K>, OrNull<R>>;

  /**
   * Joins each record with the row that a table has of its key when the record is processed: only the stream triggers,
   * and the result has the record's time. Records without a row, a key or a value are dropped. Where a step in front of
   * it may have changed the key, the stream goes through the topic `<applicationId>-<name>-repartition`. The topics of
   * both must have as many partitions.
   */
  join<W, R>(
    table: KTable<NonNullable<K>, W>,
    joiner: StreamJoiner<NonNullable<K>, NonNullable<V>, W, R>,
    options?: StreamTableJoinOptions<V>,
  ): KStream<NonNullable<K>, OrNull<R>>;

  /**
   * Joins each record with the row that a global table has of the key which `key` makes of it, as the table stands when
   * the record is processed. The record's own key and time stay. Partition counts do not matter.
   */
  join<L, W, R>(
    table: GlobalKTable<L, W>,
    joiner: StreamJoiner<K, NonNullable<V>, W, R>,
    options: StreamGlobalJoinOptions<K, V, L>,
  ): KStream<K, OrNull<R>>;

  /**
   * The same, and each record of this stream that no record of the other one joins, once, with null: when its window
   * and the grace have closed, on the next record of either side. One without a key comes at once.
   */
  leftJoin<L extends NonNullable<K> | null, W, R>(
    other: KStream<L, W>,
    joiner: StreamJoiner<K, NonNullable<V>, NonNullable<W> | null, R>,
    options: StreamJoinOptions<K, V, W>,
  ): KStream<K, OrNull<R>>;

  /** The same with null for a row that is not there, and for records without a key. */
  leftJoin<W, R>(
    table: KTable<NonNullable<K>, W>,
    joiner: StreamJoiner<K, NonNullable<V>, W | null, R>,
    options?: StreamTableJoinOptions<V>,
  ): KStream<K, OrNull<R>>;

  /** With a global table: null for a row that is not there, and for records of which `key` makes none. */
  leftJoin<L, W, R>(
    table: GlobalKTable<L, W>,
    joiner: StreamJoiner<K, NonNullable<V>, W | null, R>,
    options: StreamGlobalJoinOptions<K, V, L>,
  ): KStream<K, OrNull<R>>;

  /** As `leftJoin`, of both sides: null for the one that is missing. */
  outerJoin<L extends NonNullable<K> | null, W, R>(
    other: KStream<L, W>,
    joiner: StreamJoiner<K | L, NonNullable<V> | null, NonNullable<W> | null, R>,
    options: StreamJoinOptions<K, V, W>,
  ): KStream<K | L, OrNull<R>>;

  /**
   * Writes to a topic, with the event time as Kafka timestamp and the record's headers. The topic must exist. A value
   * of null is a tombstone: the serde does not see it.
   */
  to(topic: string | Mapper<K, V, string>, options?: ToOptions<K, V>): void;
}

/** Makes the value of a joined record; null stands for a side that is missing. */
export type StreamJoiner<K, V, W, R> = (left: V, right: W, key: K) => R;

export interface StreamJoinOptions<K, V, W> {
  readonly windows: JoinWindows;
  /** Part of the names of its stores, and of its repartition topics where it needs them. */
  readonly name: string;
  /** Of the values of this stream. Default: its own serde, while the type is the same. */
  readonly left?: Serde<NonNullable<V>>;
  /** Of the values of the other one. */
  readonly right?: Serde<NonNullable<W>>;
  /** Of the keys of both. */
  readonly key?: Serde<NonNullable<K>>;
}

export interface StreamTableJoinOptions<V> {
  /**
   * Part of the name of the repartition topic, needed where a step in front of the join may have changed the key, and
   * of the store of records that wait.
   */
  readonly name?: string;
  /**
   * Records wait, in the store `<name>-buffer`, until stream time has passed them by so much, and are joined in order
   * of time then; one that comes later is joined at once. Of versioned tables only, whose history is at least as long.
   */
  readonly graceMs?: number;
  /** Of the stream's values, where they are sent through a topic or wait. Default: the stream's own serde. */
  readonly value?: Serde<NonNullable<V>>;
}

export interface StreamGlobalJoinOptions<K, V, L> {
  /** The key of the global table that a record refers to; null: none. */
  readonly key: (value: NonNullable<V>, key: K) => L | null | undefined;
}

/** A stream straight from a topic: it also knows what could not be read. */
export interface SourceStream<K, V> extends KStream<K, V> {
  /**
   * One DeadLetter for each record that was dead-lettered, in this sub-topology. Asked for again it is the same stream.
   */
  deadLetters(): KStream<null, DeadLetter>;
}

/** Where counts are kept. */
export interface CountOptions<K> {
  /** A store without a name is refused: its changelog is named after it. */
  readonly store?: string;
  /** Default: the key serde of the grouping. */
  readonly key?: Serde<K>;
}

/** Where the result of a reduce is kept. */
export interface ReduceOptions<V> {
  readonly store: string;
  /** Default: the value serde of the grouping. */
  readonly value?: Serde<V>;
  /** The reducer is associative and commutative: records are combined before the shuffle. */
  readonly combine?: boolean;
}

/** A stream grouped by key, waiting for an aggregation. */
export interface KGroupedStream<K, V> {
  aggregate<A>(aggregate: Aggregate<V, A, K>, options: { readonly store: string }): KTable<K, A>;

  /** Counts records per key. */
  count(options: CountOptions<K>): KTable<K, number>;

  /** Makes one value of two, one by one in order. */
  reduce(reducer: (a: V, b: V) => V | null | undefined, options: ReduceOptions<V>): KTable<K, V>;

  /** Cut into windows: `tumbling`, `hopping`, `sliding`, `session` or `unlimited`. */
  windowedBy(windows: Windows, options?: EmitOptions): WindowedKGroupedStream<K, V>;

  /** Starts an aggregation of several groupings into one table, each with an aggregate of its own. */
  cogroup<A>(aggregate: Aggregate<V, A, K>): CogroupedKStream<K, A>;
}

/** When a windowed aggregation hands on its rows: each changed one, or each once its window is closed. */
export interface EmitOptions {
  readonly emit?: 'on-update' | 'on-close';
}

/** Several groupings of one key, waiting for others, and for an aggregation into one store. */
export interface CogroupedKStream<K, A> {
  /** The aggregates make one type of value; it is kept with the serde of the first. */
  cogroup<V>(grouped: KGroupedStream<K, V>, aggregate: Aggregate<V, A, K>): CogroupedKStream<K, A>;

  windowedBy(windows: Windows, options?: EmitOptions): WindowedCogroupedKStream<K, A>;

  aggregate(options: { readonly store: string }): KTable<K, A>;
}

/** Several groupings of one key cut into windows, waiting for an aggregation into one store. */
export interface WindowedCogroupedKStream<K, A> {
  aggregate(options: { readonly store: string }): KTable<Windowed<K>, A>;
}

/** A grouped stream cut into windows, waiting for an aggregation. */
export interface WindowedKGroupedStream<K, V> {
  aggregate<A>(aggregate: Aggregate<V, A, K>, options: { readonly store: string }): KTable<Windowed<K>, A>;

  /** Counts records per key and window. */
  count(options: CountOptions<K>): KTable<Windowed<K>, number>;

  reduce(reducer: (a: V, b: V) => V | null | undefined, options: ReduceOptions<V>): KTable<Windowed<K>, V>;
}

/** A table: the newest row of each key, in a store or made of another table's rows when it is asked. */
export interface KTable<K, V> {
  /** Rows that pass. Without a store they are made when they are asked for. */
  filter(predicate: Mapper<K, V, boolean>, options?: TableStoreOptions<V>): KTable<K, V>;

  filterNot(predicate: Mapper<K, V, boolean>, options?: TableStoreOptions<V>): KTable<K, V>;

  mapValues<W>(map: Mapper<K, V, W>, options?: TableStoreOptions<W>): KTable<K, W>;

  /**
   * Groups rows anew, through the repartition topic `<applicationId>-<name>-repartition`: what a row was before is
   * taken away under its old key, what it is now is added under its new one, in one transaction. A row for which the
   * selector answers null, or no key, is in no group.
   */
  groupBy<L, W>(
    selector: Mapper<K, V, KeyValue<L | null, W> | null | undefined>,
    options: { readonly name: string; readonly key: Serde<L>; readonly value: Serde<NonNullable<W>> },
  ): KGroupedTable<L, W>;
  groupBy<W>(
    selector: Mapper<K, V, KeyValue<string | null, W> | null | undefined>,
    options: { readonly name: string; readonly value: Serde<NonNullable<W>> },
  ): KGroupedTable<string, W>;
  groupBy<L>(
    selector: Mapper<K, V, KeyValue<L | null, V> | null | undefined>,
    options: { readonly name: string; readonly key: Serde<L> },
  ): KGroupedTable<L, V>;
  groupBy(
    selector: Mapper<K, V, KeyValue<string | null, V> | null | undefined>,
    options: { readonly name: string },
  ): KGroupedTable<string, V>;

  /**
   * Joined by another key: each row of this table with the row of the other one that it refers to. A change
   * of either side updates all rows that it concerns. The partition counts of both may differ: rows and answers travel
   * through `<applicationId>-<name>-subscription-repartition` and `<applicationId>-<name>-response-repartition`. A row
   * that refers to nothing is not among the results.
   */
  join<FK, W, R>(
    other: KTable<FK, W>,
    joiner: TableJoiner<K, V, W, R>,
    options: ForeignKeyJoinOptions<K, V, FK, W, R>,
  ): KTable<K, R>;

  /**
   * The rows of keys that both tables have. A change of either side makes a new row, with the larger of both times; a
   * row that goes is handed on as deleted if there was one. The topics of both must have as many partitions.
   */
  join<W, R>(other: KTable<K, W>, joiner: TableJoiner<K, V, W, R>, options?: TableStoreOptions<R>): KTable<K, R>;

  /** By another key, as `join`: a row for each one of this table, null for the other side where it has none. */
  leftJoin<FK, W, R>(
    other: KTable<FK, W>,
    joiner: TableJoiner<K, V, W | null, R>,
    options: ForeignKeyJoinOptions<K, V, FK, W, R>,
  ): KTable<K, R>;

  /** A row for each one of this table; null for the other side where it has none. */
  leftJoin<W, R>(
    other: KTable<K, W>,
    joiner: TableJoiner<K, V, W | null, R>,
    options?: TableStoreOptions<R>,
  ): KTable<K, R>;

  /** A row for each key that one of the tables has; null for the side that has none. */
  outerJoin<W, R>(
    other: KTable<K, W>,
    joiner: TableJoiner<K, V | null, W | null, R>,
    options?: TableStoreOptions<R>,
  ): KTable<K, R>;

  /** Each changed row, once a commit, with its newest value; a deleted one as null. */
  toStream(): KStream<K, V | null>;
  toStream<L>(mapper: Mapper<K, V | null, L>): KStream<L, V | null>;

  /**
   * Holds rows back: until their windows are closed, one row for each key and window (`untilWindowCloses`), or for some
   * stream time (`untilTimeLimit`). What is held is in a store, `<store>-suppress` unless `store` names it.
   */
  suppress(until: Suppressed, options?: TableStoreOptions<V>): KTable<K, V>;

  /** What came too late for all of its windows, once: the partial aggregate. Windowed tables only. */
  late(): KStream<unknown, V>;
}

export interface ForeignKeyJoinOptions<K, V, FK, W, R> extends TableStoreOptions<R> {
  /** The key of the other table that a row refers to; null: none. */
  readonly foreignKey: (value: V, key: K) => FK | null | undefined;
  /** Part of the names of its two repartition topics and of the store of its subscriptions. */
  readonly name: string;
  /** Of the foreign key. Default: that of the other table's keys. */
  readonly key?: Serde<FK>;
  /** Of this table's values. Default: its own serde, while the type is the same. */
  readonly left?: Serde<V>;
  /** Of the other table's values. Default: its own serde, while the type is the same. */
  readonly right?: Serde<W>;
}

/** Makes the value of a joined row. */
export type TableJoiner<K, V, W, R> = (left: V, right: W, key: K) => R;

/** Where the rows of a grouped table that are reduced are kept. */
export interface TableReduceOptions<V> {
  readonly store: string;
  /** Default: the value serde of the grouping. */
  readonly value?: Serde<V>;
}

/**
 * A table grouped by new keys, waiting for an aggregation. When a row of the table changes, its old value is subtracted
 * under its old key, then the new one is added under its new key.
 */
export interface KGroupedTable<K, V> {
  aggregate<A>(aggregate: TableAggregate<V, A, K>, options: { readonly store: string }): KTable<K, A>;

  /** Counts rows per key. A key that has had rows and has none is a row of 0. `key`: default, that of the grouping. */
  count(options: CountOptions<K> & { readonly value?: Serde<number> }): KTable<K, number>;

  /** Makes one value of all rows of a key: `add` puts one in, `subtract` takes one out again. */
  reduce(reducers: TableReducers<V>, options: TableReduceOptions<V>): KTable<K, V>;
}

/** An aggregate that can take a value out again. */
export type TableAggregate<V, A, K = unknown> = Aggregate<V, A, K> & Required<Pick<Aggregate<V, A, K>, 'subtract'>>;

export interface TableReducers<V> {
  readonly add: (reduced: V, value: V) => V | null | undefined;
  readonly subtract: (reduced: V, value: V) => V | null | undefined;
}

/**
 * All rows of a topic, of all its partitions, in every instance: streams join with it by any key, and partition counts
 * do not matter. It is read to its end before anything is processed; what changes in it later triggers nothing.
 */
export interface GlobalKTable<K, V> {
  /** The name that its rows are known by. */
  readonly store: string;
  /** Never there: it carries the types. */
  readonly row?: { readonly key: K; readonly value: V };
}

/** Keeps the rows of a table in a store of this name. */
export interface TableStoreOptions<V> {
  readonly store?: string;
  /** Default: the value serde of the table that it is made of. */
  readonly value?: Serde<V>;
}
