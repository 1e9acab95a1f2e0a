import type { Windowed } from '../topology/windowed-serdes.ts';
import { CompositeIds, type DiskLayout } from './composite-ids.ts';
import type { KeyIndex } from './key-index.ts';
import type { StoreCache } from './record-cache.ts';
import { RowBuffer } from './row-buffer.ts';
import { RowExpiry } from './row-expiry.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { storeKeys } from './store-keys.ts';
import { asTime, timeText, timeTextAfter } from './time-bounds.ts';
import { NO_TIME } from './timed-row.ts';
import type { LiveWindowStore, StoreSpec, TableRow, WindowRow, WindowStore } from './typed-store.ts';

/** On disk 8 bytes of the window's start, then the key, as in any window store. */
export const WINDOW_LAYOUT: DiskLayout = {
  numbers: 1,
  join: (key, numbers) => numbers + key,
  split: (bytes) => ({ numbers: bytes.slice(0, 8), key: bytes.slice(8) }),
};

/** A window store whose rows can be gone through, by key and by start. */
export class IndexedWindowStore<K, V> implements LiveWindowStore<K, V> {
  readonly name: string;
  readonly retentionMs: number;
  readonly idOf: (key: K) => string;
  readonly #windowSizeMs: number;
  readonly #ids: CompositeIds<K>;
  readonly #rows: RowBuffer<V>;
  readonly #expiry: RowExpiry;

  constructor(
    spec: StoreSpec<V, K> & { readonly windowSizeMs: number; readonly retentionMs: number },
    committed: StateStore,
    index: KeyIndex,
    cache: StoreCache,
  ) {
    const { name } = spec;
    const keys = storeKeys(spec.key);
    this.name = name;
    this.retentionMs = spec.retentionMs;
    this.idOf = keys.idOf;
    this.#windowSizeMs = spec.windowSizeMs;
    const ids = new CompositeIds(keys, WINDOW_LAYOUT);
    this.#ids = ids;
    this.#rows = new RowBuffer(spec, committed, ids, index, cache);
    this.#expiry = new RowExpiry({ name, committed, rows: this.#rows, ids, timeOf: (id) => ids.numberOf(id, 0) });
  }

  get(key: K, windowStartMs: number): V | undefined {
    return this.#rows.get(this.#ids.idOf(key, windowStartMs));
  }

  row(key: K, windowStartMs: number): TableRow<V> | undefined {
    return this.#rows.row(this.#ids.idOf(key, windowStartMs));
  }

  committedRow(key: K, windowStartMs: number): TableRow<V> | undefined {
    return this.#rows.committedRow(this.#ids.idOf(key, windowStartMs));
  }

  isChanged(key: K, windowStartMs: number): boolean {
    return this.#rows.isDirty(this.#ids.idOf(key, windowStartMs));
  }

  put(key: K, windowStartMs: number, value: V, timestampMs?: number): void {
    const id = this.#ids.idOf(key, windowStartMs);
    this.#rows.put(id, value, timestampMs);
    this.#expiry.put(id);
  }

  delete(key: K, windowStartMs: number): void {
    this.#rows.delete(this.#ids.idOf(key, windowStartMs));
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
    const get = (key: K, windowStartMs: number): V | undefined => rows.getOwn(this.#ids.idOf(key, windowStartMs));
    const remove = (key: K, windowStartMs: number): V | undefined => {
      const before = get(key, windowStartMs);
      this.delete(key, windowStartMs);
      return before;
    };
    const time = (timeMs: number): number => asTime(this.name, timeMs);
    return {
      name: this.name,
      get,
      put: (key, windowStartMs, value) => {
        if (value === null) {
          remove(key, windowStartMs);
          return;
        }
        const id = this.#ids.idOf(key, windowStartMs);
        rows.putOwn(id, value, timeOf());
        this.#expiry.put(id);
      },
      delete: remove,
      fetch: (key, fromMs, toMs) => this.#ownRows(this.#found(key, time(fromMs), time(toMs), false)),
      backwardFetch: (key, fromMs, toMs) => this.#ownRows(this.#found(key, time(fromMs), time(toMs), true)),
      fetchAll: (fromMs, toMs) => this.#ownRows(this.#foundInAll(time(fromMs), time(toMs), false)),
      backwardFetchAll: (fromMs, toMs) => this.#ownRows(this.#foundInAll(time(fromMs), time(toMs), true)),
    };
  }

  flush(): StoreChange[] {
    return this.#rows.flush();
  }

  committed(): void {
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
