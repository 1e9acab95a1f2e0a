import { DuplicatesStore } from './duplicates-store.ts';
import { IndexedWindowStore } from './indexed-window-store.ts';
import type { KeyIndex } from './key-index.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { storePrefix } from './data-key.ts';
import { packed, Packed } from './packed-value.ts';
import { noCache, type StoreCache } from './record-cache.ts';
import { RowReader, takePrevious, type WrittenRow } from './row-reader.ts';
import { storeKeys, type StoreKeys } from './store-keys.ts';
import { NO_TIME, timeOrNone } from './timed-row.ts';
import type { LiveWindowStore, StoreSpec, TableRow, WindowRow, WindowStore } from './typed-store.ts';
import { checkWindowStart, encodeWindowKey, WINDOW_START_BYTES, windowStartOf } from './window-key.ts';

const DELETED = Symbol('deleted');

/** Above every window start, below 2^53. */
const END_OF_TIME = encodeWindowKey(Number.MAX_SAFE_INTEGER, '');

/** Appended to a key it gives the next possible key. */
const ONE_ZERO = Buffer.alloc(1);

/**
 * A window store over the committed state of its task: buffered like a key-value store, expired by the runtime.
 * @throws TypeError when the name is illegal, `windowSizeMs` is below 0 or `retentionMs` is missing or below 0.
 */
export function createWindowStore<V, K = string>(
  spec: StoreSpec<V, K>,
  committed: StateStore,
  index?: KeyIndex,
  cache: StoreCache = noCache(),
): LiveWindowStore<K, V> {
  storePrefix(spec.name);
  const { windowSizeMs, retentionMs } = spec;
  if (windowSizeMs === undefined || !(windowSizeMs >= 0))
    throw new TypeError(`window store "${spec.name}" needs a windowSizeMs of 0 or more`);
  if (retentionMs === undefined || !(retentionMs >= 0))
    throw new TypeError(`window store "${spec.name}" needs a retentionMs of 0 or more`);
  const checked = { ...spec, windowSizeMs, retentionMs };
  if (index !== undefined)
    return spec.retainDuplicates === true
      ? new DuplicatesStore(checked, committed, index, cache)
      : new IndexedWindowStore(checked, committed, index, cache);
  if (spec.retainDuplicates === true)
    throw new TypeError(`window store "${spec.name}" retains duplicates, which only an index tells apart`);
  return new OpenWindowStore(checked, committed, cache);
}

/** The id of a key (store-keys.ts) and the window it belongs to. */
interface WindowRowId {
  readonly windowStartMs: number;
  readonly id: string;
}

interface DirtyEntry<V> extends WindowRowId, WrittenRow<V> {
  value: V | Packed | typeof DELETED;
  timestampMs: number;
}

class OpenWindowStore<K, V> implements LiveWindowStore<K, V> {
  readonly name: string;
  readonly retentionMs: number;
  readonly #windowSizeMs: number;
  readonly #keys: StoreKeys<K>;
  readonly #serde: StoreSpec<V>['serde'];
  readonly #timed: boolean;
  readonly #committed: StateStore;
  readonly #reader: RowReader<V>;
  /** Uncommitted writes by window start, then id of the key: two lookups cost less than one joined text key. */
  readonly #dirty = new Map<number, Map<string, DirtyEntry<V>>>();
  /** The same entries in the order of first change. */
  #order: DirtyEntry<V>[] = [];
  /** No window that is alive, committed or buffered, starts before this. */
  #oldestStartMs = 0;

  constructor(
    spec: StoreSpec<V, K> & { readonly windowSizeMs: number; readonly retentionMs: number },
    committed: StateStore,
    cache: StoreCache,
  ) {
    this.name = spec.name;
    this.retentionMs = spec.retentionMs;
    this.#windowSizeMs = spec.windowSizeMs;
    this.#keys = storeKeys(spec.key);
    this.#serde = spec.serde;
    this.#timed = spec.timed === true;
    this.#committed = committed;
    this.#reader = new RowReader({ ...spec, committed, cache, keyOf: (id, start) => this.#bytesOf(id, start) });
  }

  idOf(key: K): string {
    return this.#keys.idOf(key);
  }

  get(key: K, windowStartMs: number): V | undefined {
    return this.#get(this.#keys.idOf(key), windowStartMs);
  }

  #get(id: string, windowStartMs: number): V | undefined {
    const dirty = this.#dirty.get(windowStartMs)?.get(id);
    if (dirty !== undefined) {
      if (dirty.value instanceof Packed) dirty.value = dirty.value.open(this.#serde);
      return dirty.value === DELETED ? undefined : dirty.value;
    }
    return this.#reader.valueOf(this.#reader.read(id, windowStartMs));
  }

  /** A value of the caller's own. */
  #getOwn(id: string, windowStartMs: number): V | undefined {
    const dirty = this.#dirty.get(windowStartMs)?.get(id);
    if (dirty === undefined) return this.#get(id, windowStartMs);
    if (dirty.value === DELETED) return undefined;
    const value = packed(this.#serde, dirty.value);
    return value instanceof Packed ? value.open(this.#serde) : value;
  }

  row(key: K, windowStartMs: number): TableRow<V> | undefined {
    const id = this.#keys.idOf(key);
    const dirty = this.#dirty.get(windowStartMs)?.get(id);
    if (dirty === undefined) return this.committedRow(key, windowStartMs);
    const value = this.#get(id, windowStartMs);
    return value === undefined ? undefined : { value, timestampMs: dirty.timestampMs };
  }

  committedRow(key: K, windowStartMs: number): TableRow<V> | undefined {
    return this.#reader.rowOf(this.#reader.read(this.#keys.idOf(key), windowStartMs));
  }

  isChanged(key: K, windowStartMs: number): boolean {
    return this.#dirty.get(windowStartMs)?.has(this.#keys.idOf(key)) ?? false;
  }

  put(key: K, windowStartMs: number, value: V, timestampMs: number = NO_TIME): void {
    this.#put(this.#keys.idOf(key), windowStartMs, value, timestampMs);
  }

  #put(id: string, windowStartMs: number, value: V | Packed, timestampMs: number): void {
    this.#write(id, windowStartMs, value, timestampMs);
    if (windowStartMs < this.#oldestStartMs) this.#oldestStartMs = windowStartMs;
  }

  fetch(): WindowRow<V>[] {
    return this.#notIndexed();
  }

  ownView(timeOf: () => number = () => NO_TIME): WindowStore<K, V> {
    const keys = this.#keys;
    const notIndexed = (): never => this.#notIndexed();
    return {
      name: this.name,
      get: (key, windowStartMs) => this.#getOwn(keys.idOf(key), windowStartMs),
      put: (key, windowStartMs, value) => {
        if (value === null) this.delete(key, windowStartMs);
        else this.#put(keys.idOf(key), windowStartMs, packed(this.#serde, value), timeOrNone(timeOf()));
      },
      delete: (key, windowStartMs) => {
        const before = this.#getOwn(keys.idOf(key), windowStartMs);
        this.delete(key, windowStartMs);
        return before;
      },
      fetch: notIndexed,
      backwardFetch: notIndexed,
      fetchAll: notIndexed,
      backwardFetchAll: notIndexed,
    };
  }

  delete(key: K, windowStartMs: number): void {
    this.#write(this.#keys.idOf(key), windowStartMs, DELETED, NO_TIME);
  }

  #notIndexed(): never {
    throw new TypeError(`the store "${this.name}" has no index: its rows cannot be gone through`);
  }

  #bytesOf(id: string, windowStartMs: number): Buffer {
    return encodeWindowKey(windowStartMs, this.#keys.isText ? id : this.#keys.bytesOf(id));
  }

  #write(id: string, windowStartMs: number, value: V | Packed | typeof DELETED, timestampMs: number): void {
    let window = this.#dirty.get(windowStartMs);
    if (window === undefined) {
      checkWindowStart(windowStartMs);
      window = new Map();
      this.#dirty.set(windowStartMs, window);
    }
    const entry = window.get(id);
    if (entry !== undefined) {
      entry.value = value;
      if (this.#timed) entry.timestampMs = timestampMs;
      entry.flushed = undefined;
      return;
    }
    this.#keys.check(id);
    const previous = this.#reader.peek(id, windowStartMs);
    const added: DirtyEntry<V> = {
      windowStartMs,
      id,
      value,
      timestampMs: this.#timed ? timestampMs : NO_TIME,
      previous,
      flushed: undefined,
      low: 0,
      high: 0,
      isKnown: false,
    };
    window.set(id, added);
    this.#order.push(added);
  }

  flush(): StoreChange[] {
    return this.#order.map((entry) =>
      this.#reader.flush(entry, entry.value === DELETED, entry.id, entry.windowStartMs),
    );
  }

  committed(): void {
    this.#forget(true);
  }

  clear(): void {
    this.#forget(false);
  }

  close(): void {
    this.#reader.close();
  }

  #forget(isCommitted: boolean): void {
    for (const entry of this.#order) {
      const { id, windowStartMs } = entry;
      this.#reader.settle(entry, isCommitted, id, windowStartMs);
      // After an abort the deleted windows are alive again.
      if (entry.value === DELETED && windowStartMs < this.#oldestStartMs) this.#oldestStartMs = windowStartMs;
    }
    this.#dirty.clear();
    this.#order = [];
  }

  /** Not to be called during a commit: it reads committed and buffered windows, and none may move between them. */
  async expireBefore(horizonMs: number, limit: number): Promise<StoreChange[]> {
    const endOfRangeMs = Math.floor(horizonMs) - this.#windowSizeMs + 1;
    if (this.#oldestStartMs >= endOfRangeMs || limit <= 0) return [];
    const committed = await this.#committedAlive(endOfRangeMs, limit);
    const due = [...committed, ...this.#bufferedAlive(endOfRangeMs)].sort((a, b) => a.windowStartMs - b.windowStartMs);
    const expired = due.slice(0, limit);
    const tombstones = expired.map(({ id, windowStartMs }) => this.#expire(id, windowStartMs));
    if (expired.length === limit) {
      this.#oldestStartMs = expired.at(-1)?.windowStartMs ?? this.#oldestStartMs;
    } else {
      const oldestCommitted = await this.#oldestCommitted(endOfRangeMs);
      this.#oldestStartMs = this.#bufferedStarts().reduce((oldest, start) => Math.min(oldest, start), oldestCommitted);
    }
    return tombstones;
  }

  /** As `RowBuffer.expire`. */
  #expire(id: string, windowStartMs: number): StoreChange {
    const isFlushed = this.#dirty.get(windowStartMs)?.has(id) === true;
    this.#write(id, windowStartMs, DELETED, NO_TIME);
    const tombstone = { store: this.name, key: this.#bytesOf(id, windowStartMs), value: null };
    if (isFlushed) return tombstone;
    const hash = this.#order.at(-1) as DirtyEntry<V>;
    const previous = takePrevious(hash);
    return previous === undefined ? { ...tombstone, hash } : { ...tombstone, hash, previous };
  }

  /** The first `limit` committed windows that start before `endOfRangeMs` and have no buffered write. */
  async #committedAlive(endOfRangeMs: number, limit: number): Promise<WindowRowId[]> {
    const alive: WindowRowId[] = [];
    const to = encodeWindowKey(endOfRangeMs, '');
    let from = encodeWindowKey(this.#oldestStartMs, '');
    for (;;) {
      const page = await this.#committed.keysBelow(this.name, to, limit, from);
      for (const bytes of page) {
        const windowStartMs = windowStartOf(bytes);
        const id = this.#keys.idOfBytes(bytes.subarray(WINDOW_START_BYTES));
        if (!this.#dirty.get(windowStartMs)?.has(id)) alive.push({ windowStartMs, id });
      }
      const last = page.at(-1);
      if (last === undefined || page.length < limit || alive.length >= limit) return alive;
      from = Buffer.concat([last, ONE_ZERO]);
    }
  }

  #bufferedAlive(endOfRangeMs: number): WindowRowId[] {
    const alive: WindowRowId[] = [];
    for (const [windowStartMs, window] of this.#dirty) {
      if (windowStartMs >= endOfRangeMs) continue;
      for (const entry of window.values()) if (entry.value !== DELETED) alive.push(entry);
    }
    return alive;
  }

  #bufferedStarts(): number[] {
    const starts: number[] = [];
    for (const [windowStartMs, window] of this.#dirty) {
      for (const entry of window.values()) {
        if (entry.value === DELETED) continue;
        starts.push(windowStartMs);
        break;
      }
    }
    return starts;
  }

  async #oldestCommitted(fromMs: number): Promise<number> {
    const [first] = await this.#committed.keysBelow(this.name, END_OF_TIME, 1, encodeWindowKey(fromMs, ''));
    return first === undefined ? Infinity : windowStartOf(first);
  }
}
