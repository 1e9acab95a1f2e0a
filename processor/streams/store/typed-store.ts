import type { Serde } from '../topology/serdes.ts';
import type { StoreChange } from './state-store.ts';

/**
 * What user code sees of a store: typed reads and writes, uncommitted writes visible to itself at once.
 * Writes stay in memory (deserialised, one entry a key) until the task commits.
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

/** The runtime's side of both: what changed since the last seal, once a key, in the order of first change. */
export interface BufferedStore {
  readonly name: string;
  /** The changes since the last commit, serialised. Does not clear them: `clear` does, after the commit. */
  seal(): StoreChange[];
  /** Forget all uncommitted writes: after a commit (they are on disk now) and after an abort (they never were). */
  clear(): void;
  readonly dirtyEntries: number;
}

export interface StoreSpec<V> {
  readonly name: string;
  readonly kind: 'key-value' | 'window';
  readonly serde: Serde<V>;
  /** Window stores only: windows whose end is this far behind stream time are deleted, with a tombstone each. */
  readonly retentionMs?: number;
  /** Window stores only. */
  readonly windowSizeMs?: number;
}
