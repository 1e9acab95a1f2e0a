import type { Serde } from './serdes.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import type { Aggregate } from './aggregate.ts';
import type { Processor } from './processor-context.ts';
import type { DeadLetter } from './record.ts';
import type { TimeWindows } from './windows.ts';

/*
 * What users hold while they declare a topology. Streams lead to groupings, groupings to tables, and tables back to
 * streams: so their types stand in one file, and their classes (kstream.ts, grouped-stream.ts, ktable.ts) do not know
 * each other.
 */

/** A stream of values of one type. Every method adds a node and returns the stream behind it; nothing runs yet. */
export interface KStream<V> {
  filter(predicate: (value: V, key: string | null) => boolean): KStream<V>;

  /** Only values of the narrower type pass. */
  filterType<W extends V>(predicate: (value: V) => value is W): KStream<W>;

  mapValues<W>(map: (value: V, key: string | null) => W): KStream<W>;

  /** May change key and value. */
  map<W>(map: (value: V, key: string | null) => { key: string | null; value: W }): KStream<W>;

  flatMap<W>(map: (value: V, key: string | null) => Iterable<{ key: string | null; value: W }>): KStream<W>;

  flatMapValues<W>(map: (value: V, key: string | null) => Iterable<W>): KStream<W>;

  /** For side effects that may happen more than once: a transaction that aborts is processed again. */
  peek(look: (value: V, key: string | null, timestampMs: number) => void): KStream<V>;

  /**
   * One stream per predicate; each value goes to the first that takes it, values nobody takes are dropped. Predicates
   * are asked in order, each at most once a record.
   */
  branch(...predicates: ((value: V, key: string | null) => boolean)[]): KStream<V>[];

  /** Both streams as one. They must be of one StreamsBuilder. */
  merge(other: KStream<V>): KStream<V>;

  /**
   * Groups by a new key, through the repartition topic `<applicationId>-<name>-repartition`. Groupings of one name
   * share it. A record for which the selector returns no key is dropped and counted.
   */
  groupBy(
    selector: (value: V, key: string | null) => string | null | undefined,
    options: { name: string },
  ): KGroupedStream<V>;

  /**
   * Groups by the key the records have. Repartitions only when an earlier step may have changed it. Records without a
   * key are dropped and counted.
   */
  groupByKey(options: { name: string }): KGroupedStream<V>;

  /** Attaches a custom processor; `stores` are its own (a spec) or another node's (a name). */
  process<R>(
    supplier: () => Processor<V, R>,
    options?: { stores?: readonly (StoreSpec<unknown> | string)[] },
  ): KStream<R>;

  /**
   * Writes to a topic, keyed as the stream is. The topic must exist. A value of null is a tombstone: the serde does not
   * see it.
   */
  to(topic: string, serde: Serde<Exclude<V, null>>): void;
}

/** A stream straight from a topic: it also knows what could not be read. */
export interface SourceStream<V> extends KStream<V> {
  /**
   * One DeadLetter for each record that was dead-lettered, in this sub-topology. Asked for again it is the same stream.
   */
  deadLetters(): KStream<DeadLetter>;
}

/** A stream grouped by key, waiting for an aggregation. */
export interface KGroupedStream<V> {
  aggregate<A>(aggregate: Aggregate<V, A>, options: { store: string }): KTable<A>;

  /** Counts records per key. */
  count(options: { store: string }): KTable<number>;

  /** Combines values of one type; `reducer` must be associative and commutative. */
  reduce(reducer: (a: V, b: V) => V, options: { store: string; serde: Serde<V> }): KTable<V>;

  windowedBy(windows: TimeWindows): WindowedKGroupedStream<V>;
}

/** A grouped stream cut into windows, waiting for an aggregation. */
export interface WindowedKGroupedStream<V> {
  aggregate<A>(aggregate: Aggregate<V, A>, options: { store: string }): KTable<A>;

  /** Counts records per key and window. */
  count(options: { store: string }): KTable<number>;
}

/**
 * A changed row of a table: the value as it is after the commit. `windowStartMs` is null for a table without windows.
 */
export interface TableUpdate<A> {
  readonly windowStartMs: number | null;
  readonly value: A;
}

/** The result of an aggregation: a store, its changelog, and a stream of its changes. */
export interface KTable<A> {
  /** Each changed row, once a commit, keyed by the row's key. */
  toStream(): KStream<TableUpdate<A>>;

  /** What came too late for all of its windows: the partial aggregate, once. Windowed tables only. */
  late(): KStream<A>;
}
