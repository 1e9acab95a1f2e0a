import type { Windowed } from '../topology/windowed-serdes.ts';
import { CompositeIds, type DiskLayout } from './composite-ids.ts';
import type { KeyIndex } from './key-index.ts';
import type { StoreCache } from './record-cache.ts';
import { RowBuffer } from './row-buffer.ts';
import { RowExpiry } from './row-expiry.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { storeKeys } from './store-keys.ts';
import { timeText, timeTextAfter } from './time-bounds.ts';
import { NO_TIME } from './timed-row.ts';
import type { LiveWindowStore, StoreSpec, TableRow, WindowRow, WindowStore } from './typed-store.ts';

/** On disk 8 bytes of the window's start, then the key, as in any window store. */
export const WINDOW_LAYOUT: DiskLayout = {
  numbers: 1,
  join: (key, numbers) => numbers + key,
  split: (bytes) => ({ numbers: bytes.slice(0, 8), key: bytes.slice(8) }),
};

/** The same, and 8 bytes behind the key that number the rows of one start in the order in which they were put. */
export const DUPLICATES_LAYOUT: DiskLayout = {
  numbers: 2,
  join: (key, numbers) => numbers.slice(0, 8) + key + numbers.slice(8),
  split: (bytes) => ({ numbers: bytes.slice(0, 8) + bytes.slice(-8), key: bytes.slice(8, -8) }),
};

/** A window store whose rows can be gone through, by key and by start. */
export class IndexedWindowStore<K, V> implements LiveWindowStore<K, V> {
  readonly name: string;
  readonly retentionMs: number;
  readonly idOf: (key: K) => string;
  readonly #windowSizeMs: number;
  readonly #keepsDuplicates: boolean;
  readonly #ids: CompositeIds<K>;
  readonly #rows: RowBuffer<V>;
  readonly #expiry: RowExpiry;
  /** Of the next duplicate: above those of all rows that are there. */
  #nextNumber = 0;

  constructor(
    spec: StoreSpec<V, K> & { readonly windowSizeMs: number; readonly retentionMs: number },
    committed: StateStore,
    index: KeyIndex,
    cache: StoreCache,
  ) {
    const { name, retainDuplicates = false } = spec;
    const keys = storeKeys(spec.key);
    this.name = name;
    this.retentionMs = spec.retentionMs;
    this.idOf = keys.idOf;
    this.#windowSizeMs = spec.windowSizeMs;
    this.#keepsDuplicates = retainDuplicates;
    const ids = new CompositeIds(keys, retainDuplicates ? DUPLICATES_LAYOUT : WINDOW_LAYOUT);
    this.#ids = ids;
    this.#rows = new RowBuffer(spec, committed, ids, index, cache);
    this.#expiry = new RowExpiry({ name, committed, rows: this.#rows, ids, timeOf: (id) => ids.numberOf(id, 0) });
    if (retainDuplicates)
      for (const id of index.range(undefined, undefined))
        this.#nextNumber = Math.max(this.#nextNumber, ids.numberOf(id, 1) + 1);
  }

  /** Of duplicates: the first one. */
  get(key: K, windowStartMs: number): V | undefined {
    const id = this.#firstOf(key, windowStartMs);
    return id === undefined ? undefined : this.#rows.get(id);
  }

  row(key: K, windowStartMs: number): TableRow<V> | undefined {
    const id = this.#firstOf(key, windowStartMs);
    return id === undefined ? undefined : this.#rows.row(id);
  }

  committedRow(key: K, windowStartMs: number): TableRow<V> | undefined {
    const id = this.#firstOf(key, windowStartMs);
    return id === undefined ? undefined : this.#rows.committedRow(id);
  }

  /** Rows of duplicates have no names of their own: any may be a new one. */
  isChanged(key: K, windowStartMs: number): boolean {
    return this.#keepsDuplicates || this.#rows.isDirty(this.#ids.idOf(key, windowStartMs));
  }

  put(key: K, windowStartMs: number, value: V, timestampMs?: number): void {
    const id = this.#newId(key, windowStartMs);
    this.#rows.put(id, value, timestampMs);
    this.#expiry.put(id);
  }

  /** Of duplicates: all. */
  delete(key: K, windowStartMs: number): void {
    if (!this.#keepsDuplicates) this.#rows.delete(this.#ids.idOf(key, windowStartMs));
    else for (const id of [...this.#found(key, windowStartMs, windowStartMs, false)]) this.#rows.delete(id);
  }

  fetch(key: K, fromMs: number, toMs: number): WindowRow<V>[] {
    const found: WindowRow<V>[] = [];
    for (const id of this.#found(key, fromMs, toMs, false)) {
      const row = this.#rows.row(id);
      if (row !== undefined) found.push({ ...row, startMs: this.#ids.numberOf(id, 0) });
    }
    return found;
  }

  ownView(timeOf: () => number = () => NO_TIME): WindowStore<K, V> {
    const rows = this.#rows;
    const get = (key: K, windowStartMs: number): V | undefined => {
      const id = this.#firstOf(key, windowStartMs);
      return id === undefined ? undefined : rows.getOwn(id);
    };
    const remove = (key: K, windowStartMs: number): V | undefined => {
      const before = get(key, windowStartMs);
      this.delete(key, windowStartMs);
      return before;
    };
    return {
      name: this.name,
      get,
      put: (key, windowStartMs, value) => {
        if (value === null) {
          // As in Kafka Streams: which of the duplicates would it be?
          if (!this.#keepsDuplicates) remove(key, windowStartMs);
          return;
        }
        const id = this.#newId(key, windowStartMs);
        rows.putOwn(id, value, timeOf());
        this.#expiry.put(id);
      },
      delete: remove,
      fetch: (key, fromMs, toMs) => this.#ownRows(this.#found(key, fromMs, toMs, false)),
      backwardFetch: (key, fromMs, toMs) => this.#ownRows(this.#found(key, fromMs, toMs, true)),
      fetchAll: (fromMs, toMs) => this.#ownRows(this.#foundInAll(fromMs, toMs, false)),
      backwardFetchAll: (fromMs, toMs) => this.#ownRows(this.#foundInAll(fromMs, toMs, true)),
    };
  }

  flush(): StoreChange[] {
    return this.#rows.flush();
  }

  committed(): void {
    this.#expiry.clear();
    this.#rows.committed();
  }

  clear(): void {
    this.#expiry.clear();
    this.#rows.clear();
  }

  close(): void {
    this.#rows.close();
  }

  expireBefore(horizonMs: number, limit: number): Promise<StoreChange[]> {
    return this.#expiry.expire(Math.floor(horizonMs) - this.#windowSizeMs + 1, limit);
  }

  #newId(key: K, windowStartMs: number): string {
    return this.#keepsDuplicates
      ? this.#ids.idOf(key, windowStartMs, this.#nextNumber++)
      : this.#ids.idOf(key, windowStartMs);
  }

  #firstOf(key: K, windowStartMs: number): string | undefined {
    if (!this.#keepsDuplicates) return this.#ids.idOf(key, windowStartMs);
    for (const id of this.#found(key, windowStartMs, windowStartMs, false)) return id;
    return undefined;
  }

  #found(key: K, fromMs: number, toMs: number, reverse: boolean): Iterable<string> {
    const start = this.#ids.startOf(key);
    return this.#rows.index.walk(start + timeText(fromMs), start + timeTextAfter(toMs), reverse);
  }

  *#foundInAll(fromMs: number, toMs: number, reverse: boolean): Generator<string, void> {
    for (const id of this.#rows.index.walk(undefined, undefined, reverse)) {
      const startMs = this.#ids.numberOf(id, 0);
      if (startMs >= fromMs && startMs <= toMs) yield id;
    }
  }

  *#ownRows(ids: Iterable<string>): Generator<[Windowed<K>, V], void> {
    for (const id of ids) {
      const value = this.#rows.getOwn(id);
      if (value === undefined) continue;
      const startMs = this.#ids.numberOf(id, 0);
      yield [{ key: this.#ids.keyOf(id), startMs, endMs: startMs + this.#windowSizeMs }, value];
    }
  }
}
