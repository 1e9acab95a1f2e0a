import type { Serde } from '../topology/serdes.ts';
import type { StoreChange } from './state-store.ts';

/**
 * What user code sees of a store: typed reads and writes, uncommitted writes visible to itself at once. Writes stay in
 * memory, one entry a key, until the task commits.
 *
 * `get` returns a new object each time, which the caller may change; the store sees the change when it is `put`. `put`
 * copies the value: changes of the object after it do not reach the store.
 */
export interface KeyValueStore<V> {
  readonly name: string;
  get(key: string): V | undefined;
  put(key: string, value: V): void;
  delete(key: string): void;
}

export interface WindowStore<V> {
  readonly name: string;
  get(key: string, windowStartMs: number): V | undefined;
  put(key: string, windowStartMs: number, value: V): void;
  delete(key: string, windowStartMs: number): void;
}

/**
 * The runtime's own way to a store, without copies: `put` hands an object over, and until the commit `get` of that key
 * returns that same object. For aggregations, which put what they get; user code has the `ownView`.
 */
export interface LiveStore<S> {
  /** As user code sees the store: each value it gets or puts is its own. */
  ownView(): S;
}

/** The runtime's side of both: uncommitted writes, one for each key, in the order of first change. */
export interface BufferedStore {
  readonly name: string;
  /** The changes since the last commit, serialised. Does not clear them: `clear` does, after the commit. */
  flush(): StoreChange[];
  /** Forget all uncommitted writes: after a commit (they are on disk now) and after an abort (they never were). */
  clear(): void;
  readonly dirtyEntries: number;
}

/** What the runtime calls, from time to time, on the window stores of a task. */
export interface ExpiringStore {
  readonly retentionMs: number;
  /**
   * Deletes windows, committed or not, whose end is at or before `horizonMs` (stream time less retention), oldest
   * first. Called after `flush`, it returns the tombstones of this commit: they come after the flushed changes, so that
   * a window that changed and expires in one commit is in the changelog before it is gone. At most `limit` a call, so
   * that less than `limit` means that none is left. Costs nothing while the oldest window is not due.
   */
  expireBefore(horizonMs: number, limit: number): Promise<StoreChange[]>;
}

export interface StoreSpec<V> {
  readonly name: string;
  readonly kind: 'key-value' | 'window';
  readonly serde: Serde<V>;
  /** Window stores only: windows whose end is this far behind stream time are deleted, with a tombstone each. */
  readonly retentionMs?: number;
  /** Window stores only. */
  readonly windowSizeMs?: number;
  /** Window stores only; default: the size. */
  readonly windowAdvanceMs?: number;
}

export const STORE_OPTIONS: readonly (keyof StoreSpec<unknown>)[] = [
  'name',
  'kind',
  'serde',
  'retentionMs',
  'windowSizeMs',
  'windowAdvanceMs',
];
