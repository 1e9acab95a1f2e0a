import type { Serde } from '../topology/serdes.ts';
import type { Windowed } from '../topology/windowed-serdes.ts';
import type { StoreChange } from './state-store.ts';

/*
 * What user code sees of a store: typed reads and writes, uncommitted writes visible to itself at once. Writes stay in
 * memory, one entry a row, until the task commits.
 *
 * Reads answer a new object each time, which the caller may change; the store sees the change when it is put. A put
 * copies the value: changes of the object after it do not reach the store. A put of null deletes, as in Kafka Streams.
 *
 * Iterators are ordered by the bytes of the keys, then by time. They read as they go, so they are to be consumed before
 * the store is written to: a write while one is under way makes its next step throw.
 */

/** Kafka Streams' `KeyValueStore`. `range` is inclusive at both ends; without an end it goes on to the last key. */
export interface KeyValueStore<K, V> {
  readonly name: string;
  get(key: K): V | undefined;
  put(key: K, value: V | null): void;
  /** Puts where there is no row; answers the value that was there. */
  putIfAbsent(key: K, value: V | null): V | undefined;
  /** Answers the value that was there. */
  delete(key: K): V | undefined;
  range(from?: K | null, to?: K | null): IterableIterator<[K, V]>;
  reverseRange(from?: K | null, to?: K | null): IterableIterator<[K, V]>;
  /** All rows whose key's bytes begin with these, or with those of this text in UTF-8. Kafka Streams: `prefixScan`. */
  prefix(prefix: Uint8Array | string): IterableIterator<[K, V]>;
  reversePrefix(prefix: Uint8Array | string): IterableIterator<[K, V]>;
  all(): IterableIterator<[K, V]>;
  reverseAll(): IterableIterator<[K, V]>;
  /** Rows in the store. Kafka Streams: `approximateNumEntries`. */
  approximateSize(): number;
}

/** Kafka Streams' `WindowStore`. Times are window starts; ranges are inclusive at both ends. */
export interface WindowStore<K, V> {
  readonly name: string;
  /** Kafka Streams: `fetch(key, time)`. */
  get(key: K, windowStartMs: number): V | undefined;
  put(key: K, windowStartMs: number, value: V | null): void;
  /** Answers the value that was there. */
  delete(key: K, windowStartMs: number): V | undefined;
  fetch(key: K, fromMs: number, toMs: number): IterableIterator<[Windowed<K>, V]>;
  backwardFetch(key: K, fromMs: number, toMs: number): IterableIterator<[Windowed<K>, V]>;
  fetchAll(fromMs: number, toMs: number): IterableIterator<[Windowed<K>, V]>;
  backwardFetchAll(fromMs: number, toMs: number): IterableIterator<[Windowed<K>, V]>;
}

/** Kafka Streams' `SessionStore`. Both bounds of a session are inclusive. */
export interface SessionStore<K, V> {
  readonly name: string;
  /** Kafka Streams: `fetchSession`. */
  get(key: K, startMs: number, endMs: number): V | undefined;
  /** The sessions that end at `fromMs` or later and start at `toMs` or earlier. Kafka Streams: `findSessions`. */
  find(key: K, fromMs: number, toMs: number): IterableIterator<[Windowed<K>, V]>;
  /** The same, the latest first. Kafka Streams: `backwardFindSessions`. */
  backwardFind(key: K, fromMs: number, toMs: number): IterableIterator<[Windowed<K>, V]>;
  put(session: Windowed<K>, value: V | null): void;
  /** Answers the value that was there. */
  remove(session: Windowed<K>): V | undefined;
}

/**
 * Kafka Streams' `VersionedKeyValueStore`: a key has a value from the time of one put to that of the next. Null is the
 * version that says: deleted from here on. A put that is older than the history is dropped and counted.
 */
export interface VersionedStore<K, V> {
  readonly name: string;
  put(key: K, value: V | null, timestampMs: number): void;
  /**
   * The newest value or, with `asOfMs`, the one that was valid then. Before the history only a key's newest value is
   * known, as in Kafka Streams.
   */
  get(key: K, asOfMs?: number): V | undefined;
  /** The same with its times. Kafka Streams: `VersionedRecord`. */
  version(key: K, asOfMs?: number): Version<V> | undefined;
  /** Answers the value that was valid then. */
  delete(key: K, timestampMs: number): V | undefined;
}

/** A value of a versioned store, valid from `timestampMs` up to and without `validToMs`; null: to this day. */
export interface Version<V> {
  readonly value: V;
  readonly timestampMs: number;
  readonly validToMs: number | null;
}

/** A row as the runtime sees it. `timestampMs`: the event time that was put with it; -1 where there is none. */
export interface TableRow<V> {
  readonly value: V;
  readonly timestampMs: number;
}

/** A row of a window. Several may have one start where the store keeps duplicates. */
export interface WindowRow<V> extends TableRow<V> {
  readonly startMs: number;
}

export interface SessionRow<V> extends TableRow<V> {
  readonly startMs: number;
  readonly endMs: number;
}

/** The runtime's side of all kinds: uncommitted writes, one for each row, in the order of first change. */
export interface BufferedStore {
  readonly name: string;
  /**
   * The changes since the last commit, serialised, in an array of the caller's own. Does not clear them: `committed`
   * does, or `clear`.
   */
  flush(): StoreChange[];
  /** Forgets the uncommitted writes: all that `flush` gave out last is in the committed state. */
  committed(): void;
  /** Forgets them: they are undone, or nobody knows. */
  clear(): void;
  /** Nobody reads or writes it any more: lets go of what it keeps in memory for others to have. */
  close(): void;
}

/**
 * The runtime's own way to a store, without copies: `put` hands an object over, and until the commit `get` of that row
 * answers that same object. For aggregations, which put what they get; user code has the `ownView`.
 *
 * A row's time is what was put with it: the store does not compare it with the one before.
 */
interface LiveStore<K, View> extends BufferedStore {
  /** A text for each key, equal for equal bytes: text keys are their own. */
  idOf(key: K): string;
  /** As user code sees the store: each value it gets or puts is its own. `timeOf`: the time of rows that it puts. */
  ownView(timeOf?: () => number): View;
}

/**
 * Row functions of the runtime: `row` is now, with uncommitted writes; `committedRow` is as of the last commit;
 * `isChanged`: it has been written since, with whatever value.
 */
export interface LiveKeyValueStore<K, V> extends LiveStore<K, KeyValueStore<K, V>> {
  get(key: K): V | undefined;
  put(key: K, value: V, timestampMs?: number): void;
  delete(key: K): void;
  row(key: K): TableRow<V> | undefined;
  committedRow(key: K): TableRow<V> | undefined;
  isChanged(key: K): boolean;
  /** Of an indexed store: as `ownView` has them, but for the copies. */
  all(): IterableIterator<[K, V]>;
  prefix(prefix: Uint8Array): IterableIterator<[K, V]>;
}

export interface LiveWindowStore<K, V> extends LiveStore<K, WindowStore<K, V>>, ExpiringStore {
  get(key: K, windowStartMs: number): V | undefined;
  put(key: K, windowStartMs: number, value: V, timestampMs?: number): void;
  delete(key: K, windowStartMs: number): void;
  row(key: K, windowStartMs: number): TableRow<V> | undefined;
  committedRow(key: K, windowStartMs: number): TableRow<V> | undefined;
  isChanged(key: K, windowStartMs: number): boolean;
  /**
   * Of an indexed store: the rows whose windows start in this range, both ends inclusive, by start. Of one that retains
   * duplicates each value is the caller's own, and `put` keeps the value as it is then.
   */
  fetch(key: K, fromMs: number, toMs: number): WindowRow<V>[];
}

export interface LiveSessionStore<K, V> extends LiveStore<K, SessionStore<K, V>>, ExpiringStore {
  get(key: K, startMs: number, endMs: number): V | undefined;
  put(key: K, startMs: number, endMs: number, value: V, timestampMs?: number): void;
  delete(key: K, startMs: number, endMs: number): void;
  row(key: K, startMs: number, endMs: number): TableRow<V> | undefined;
  committedRow(key: K, startMs: number, endMs: number): TableRow<V> | undefined;
  isChanged(key: K, startMs: number, endMs: number): boolean;
  /** The sessions that end at `fromMs` or later and start at `toMs` or earlier, by end, then by start. */
  find(key: K, fromMs: number, toMs: number): SessionRow<V>[];
}

/** What became of a put: the newest version of its key, one before it, or nothing: older than the history. */
export type VersionPut = 'newest' | 'older' | 'dropped';

export interface LiveVersionedStore<K, V> extends LiveStore<K, VersionedStore<K, V>>, ExpiringStore {
  put(key: K, value: V | null, timestampMs: number): VersionPut;
  /** The newest version, or the one that was valid at `asOfMs`; undefined where that is none, or a deleted one. */
  row(key: K, asOfMs?: number): Version<V> | undefined;
  /** The newest version as of the last commit. */
  committedRow(key: K): TableRow<V> | undefined;
}

/** What the runtime calls, from time to time, on the stores of a task that forget. */
export interface ExpiringStore {
  readonly retentionMs: number;
  /**
   * Deletes rows, committed or not, whose end is at or before `horizonMs` (stream time less retention), oldest
   * first. Called after `flush`, it returns the tombstones of this commit: they come after the flushed changes, so that
   * a row that changed and expires in one commit is in the changelog before it is gone. At most `limit` a call, so
   * that less than `limit` means that none is left. Costs nothing while the oldest row is not due.
   */
  expireBefore(horizonMs: number, limit: number): Promise<StoreChange[]>;
}

/** A store as it is declared. User code makes one with `keyValueStore(…)` and its like. */
export interface StoreSpec<V = unknown, K = unknown> {
  readonly name: string;
  readonly kind: 'key-value' | 'window' | 'session' | 'versioned';
  /** Of the keys. Default: `stringSerde`. */
  readonly key?: Serde<K>;
  /** Of the values. */
  readonly serde: Serde<V>;
  /** Window and session stores: rows whose end is this far behind stream time are deleted, with a tombstone each. */
  readonly retentionMs?: number;
  /** Window stores only. */
  readonly windowSizeMs?: number;
  /** Window stores only; default: the size. */
  readonly windowAdvanceMs?: number;
  /** Window stores only: several rows of one key and start are kept, in the order in which they were put. */
  readonly retainDuplicates?: boolean;
  /** Versioned stores only: how far back behind stream time values can be asked for. */
  readonly historyMs?: number;
  /** Each row has an event time: 8 bytes before the value on disk, the header `time` in the changelog. */
  readonly timed?: boolean;
  /** Its keys are kept sorted in memory, so that its rows can be gone through. */
  readonly indexed?: boolean;
  /** Its rows are kept in memory instead of on disk, and restored from the changelog at each start. */
  readonly inMemory?: boolean;
  /** False: it has no changelog, and its rows are lost with the disk. */
  readonly changelog?: boolean;
}

/** Whether its changes are logged: without that nothing restores it. */
export function hasChangelog({ changelog = true }: StoreSpec): boolean {
  return changelog;
}

export const STORE_OPTIONS: readonly (keyof StoreSpec)[] = [
  'name',
  'kind',
  'key',
  'serde',
  'retentionMs',
  'windowSizeMs',
  'windowAdvanceMs',
  'retainDuplicates',
  'historyMs',
  'timed',
  'indexed',
  'inMemory',
  'changelog',
];
