import { readRow } from './stored-row.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { storePrefix } from './data-key.ts';
import { packed, Packed } from './packed-value.ts';
import { storedBytes } from '../topology/user-code.ts';
import type { BufferedStore, ExpiringStore, LiveStore, StoreSpec, WindowStore } from './typed-store.ts';
import { checkWindow, decodeWindowKey, encodeWindowKey, windowStartOf } from './window-key.ts';
import type { WindowKey } from './window-key.ts';

export type BufferedWindowStore<V> = WindowStore<V> & LiveStore<WindowStore<V>> & BufferedStore & ExpiringStore;

const DELETED = Symbol('deleted');

/** Above every window start, below 2^53. */
const END_OF_TIME = encodeWindowKey(Number.MAX_SAFE_INTEGER, '');

/** Appended to a key it gives the next possible key. */
const ONE_ZERO = Buffer.alloc(1);

/**
 * A window store over the committed state of its task: buffered like a key-value store, expired by the runtime.
 * @throws TypeError when the name is illegal, `windowSizeMs` is not above 0 or `retentionMs` is missing or below 0.
 */
export function createWindowStore<V>(spec: StoreSpec<V>, committed: StateStore): BufferedWindowStore<V> {
  storePrefix(spec.name);
  const { windowSizeMs, retentionMs } = spec;
  if (windowSizeMs === undefined || !(windowSizeMs > 0))
    throw new TypeError(`window store "${spec.name}" needs a windowSizeMs above 0`);
  if (retentionMs === undefined || !(retentionMs >= 0))
    throw new TypeError(`window store "${spec.name}" needs a retentionMs of 0 or more`);
  return new OpenWindowStore({ ...spec, windowSizeMs, retentionMs }, committed);
}

interface DirtyEntry<V> {
  readonly windowStartMs: number;
  readonly key: string;
  value: V | Packed | typeof DELETED;
}

class OpenWindowStore<V> implements BufferedWindowStore<V> {
  readonly name: string;
  readonly retentionMs: number;
  readonly #windowSizeMs: number;
  readonly #serde: StoreSpec<V>['serde'];
  readonly #committed: StateStore;
  /** Uncommitted writes by window start, then key: two lookups cost less than one joined text key. */
  readonly #dirty = new Map<number, Map<string, DirtyEntry<V>>>();
  /** The same entries in the order of first change. */
  #order: DirtyEntry<V>[] = [];
  /** No window that is alive, committed or buffered, starts before this. */
  #oldestStartMs = 0;

  constructor(
    spec: StoreSpec<V> & { readonly windowSizeMs: number; readonly retentionMs: number },
    committed: StateStore,
  ) {
    this.name = spec.name;
    this.retentionMs = spec.retentionMs;
    this.#windowSizeMs = spec.windowSizeMs;
    this.#serde = spec.serde;
    this.#committed = committed;
  }

  get dirtyEntries(): number {
    return this.#order.length;
  }

  get(key: string, windowStartMs: number): V | undefined {
    const dirty = this.#dirty.get(windowStartMs)?.get(key);
    if (dirty !== undefined) {
      if (dirty.value instanceof Packed) dirty.value = dirty.value.open(this.#serde);
      return dirty.value === DELETED ? undefined : dirty.value;
    }
    const bytes = this.#committed.get(this.name, encodeWindowKey(windowStartMs, key));
    return bytes === undefined ? undefined : readRow(this.name, this.#serde, key, bytes);
  }

  put(key: string, windowStartMs: number, value: V): void {
    this.#put(key, windowStartMs, value);
  }

  #put(key: string, windowStartMs: number, value: V | Packed): void {
    this.#write(key, windowStartMs, value);
    if (windowStartMs < this.#oldestStartMs) this.#oldestStartMs = windowStartMs;
  }

  ownView(): WindowStore<V> {
    return {
      name: this.name,
      get: (key, windowStartMs) => {
        const dirty = this.#dirty.get(windowStartMs)?.get(key);
        if (dirty === undefined) return this.get(key, windowStartMs);
        if (dirty.value === DELETED) return undefined;
        const value = packed(this.#serde, dirty.value);
        return value instanceof Packed ? value.open(this.#serde) : value;
      },
      put: (key, windowStartMs, value) => this.#put(key, windowStartMs, packed(this.#serde, value)),
      delete: (key, windowStartMs) => this.delete(key, windowStartMs),
    };
  }

  delete(key: string, windowStartMs: number): void {
    this.#write(key, windowStartMs, DELETED);
  }

  #write(key: string, windowStartMs: number, value: V | Packed | typeof DELETED): void {
    let window = this.#dirty.get(windowStartMs);
    if (window === undefined) {
      window = new Map();
      this.#dirty.set(windowStartMs, window);
    }
    const entry = window.get(key);
    if (entry !== undefined) {
      entry.value = value;
      return;
    }
    checkWindow(windowStartMs, key);
    const added: DirtyEntry<V> = { windowStartMs, key, value };
    window.set(key, added);
    this.#order.push(added);
  }

  flush(): StoreChange[] {
    return this.#order.map(({ windowStartMs, key, value }) => ({
      store: this.name,
      key: encodeWindowKey(windowStartMs, key),
      value:
        value === DELETED ? null : value instanceof Packed ? value.bytes : storedBytes(this.name, this.#serde, value),
    }));
  }

  clear(): void {
    // After an abort the deleted windows are alive again, and it is not known here whether it was one.
    for (const entry of this.#order) {
      if (entry.value === DELETED && entry.windowStartMs < this.#oldestStartMs)
        this.#oldestStartMs = entry.windowStartMs;
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
    for (const { key, windowStartMs } of expired) this.#write(key, windowStartMs, DELETED);
    if (expired.length === limit) {
      this.#oldestStartMs = expired.at(-1)?.windowStartMs ?? this.#oldestStartMs;
    } else {
      const oldestCommitted = await this.#oldestCommitted(endOfRangeMs);
      this.#oldestStartMs = this.#bufferedStarts().reduce((oldest, start) => Math.min(oldest, start), oldestCommitted);
    }
    return expired.map(({ key, windowStartMs }) => ({
      store: this.name,
      key: encodeWindowKey(windowStartMs, key),
      value: null,
    }));
  }

  /** The first `limit` committed windows that start before `endOfRangeMs` and have no buffered write. */
  async #committedAlive(endOfRangeMs: number, limit: number): Promise<WindowKey[]> {
    const alive: WindowKey[] = [];
    const to = encodeWindowKey(endOfRangeMs, '');
    let from = encodeWindowKey(this.#oldestStartMs, '');
    for (;;) {
      const page = await this.#committed.keysBelow(this.name, to, limit, from);
      for (const bytes of page) {
        const window = decodeWindowKey(bytes);
        if (!this.#dirty.get(window.windowStartMs)?.has(window.key)) alive.push(window);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < limit || alive.length >= limit) return alive;
      from = Buffer.concat([last, ONE_ZERO]);
    }
  }

  #bufferedAlive(endOfRangeMs: number): WindowKey[] {
    const alive: WindowKey[] = [];
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
