import { endOfPrefix, type KeyIndex } from './key-index.ts';
import { noCache, type StoreCache } from './record-cache.ts';
import { RowBuffer } from './row-buffer.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { storeKeys, type StoreKeys } from './store-keys.ts';
import { NO_TIME } from './timed-row.ts';
import type { KeyValueStore, LiveKeyValueStore, StoreSpec, TableRow } from './typed-store.ts';

/**
 * A key-value store over the committed state of its task.
 * @throws TypeError when the name is not a legal store name.
 */
export function createKeyValueStore<V, K = string>(
  spec: StoreSpec<V, K>,
  committed: StateStore,
  index?: KeyIndex,
  cache: StoreCache = noCache(),
): LiveKeyValueStore<K, V> {
  return new OpenKeyValueStore(spec, committed, index, cache);
}

class OpenKeyValueStore<K, V> implements LiveKeyValueStore<K, V> {
  readonly name: string;
  readonly #keys: StoreKeys<K>;
  readonly #rows: RowBuffer<V>;

  constructor(spec: StoreSpec<V, K>, committed: StateStore, index: KeyIndex | undefined, cache: StoreCache) {
    this.name = spec.name;
    this.#keys = storeKeys(spec.key);
    this.#rows = new RowBuffer(spec, committed, this.#keys, index, cache);
  }

  idOf(key: K): string {
    return this.#keys.idOf(key);
  }

  get(key: K): V | undefined {
    return this.#rows.get(this.#keys.idOf(key));
  }

  row(key: K): TableRow<V> | undefined {
    return this.#rows.row(this.#keys.idOf(key));
  }

  committedRow(key: K): TableRow<V> | undefined {
    return this.#rows.committedRow(this.#keys.idOf(key));
  }

  isChanged(key: K): boolean {
    return this.#rows.isDirty(this.#keys.idOf(key));
  }

  put(key: K, value: V, timestampMs?: number): void {
    this.#rows.put(this.#keys.idOf(key), value, timestampMs);
  }

  delete(key: K): void {
    this.#rows.delete(this.#keys.idOf(key));
  }

  ownView(timeOf: () => number = () => NO_TIME): KeyValueStore<K, V> {
    const rows = this.#rows;
    const keys = this.#keys;
    const put = (id: string, value: V | null): void => {
      if (value === null) rows.delete(id);
      else rows.putOwn(id, value, timeOf());
    };
    const get = (id: string): V | undefined => rows.getOwn(id);
    const range = (from: K | null | undefined, to: K | null | undefined, reverse: boolean) =>
      this.#walk(this.#textOf(from), after(this.#textOf(to)), reverse, get);
    const prefixed = (prefix: Uint8Array | string, reverse: boolean) => {
      const text = Buffer.from(prefix as Uint8Array).toString('latin1');
      return this.#walk(text, endOfPrefix(text), reverse, get);
    };
    return {
      name: this.name,
      get: (key) => rows.getOwn(keys.idOf(key)),
      put: (key, value) => put(keys.idOf(key), value),
      putIfAbsent: (key, value) => {
        const id = keys.idOf(key);
        const before = rows.getOwn(id);
        if (before === undefined) put(id, value);
        return before;
      },
      delete: (key) => {
        const id = keys.idOf(key);
        const before = rows.getOwn(id);
        rows.delete(id);
        return before;
      },
      range: (from, to) => range(from, to, false),
      reverseRange: (from, to) => range(from, to, true),
      prefix: (prefix) => prefixed(prefix, false),
      reversePrefix: (prefix) => prefixed(prefix, true),
      all: () => this.#walk(undefined, undefined, false, get),
      reverseAll: () => this.#walk(undefined, undefined, true, get),
      approximateSize: () => rows.index.size,
    };
  }

  all(): IterableIterator<[K, V]> {
    return this.#walk(undefined, undefined, false, (id) => this.#rows.get(id));
  }

  prefix(prefix: Uint8Array): IterableIterator<[K, V]> {
    const text = Buffer.from(prefix).toString('latin1');
    return this.#walk(text, endOfPrefix(text), false, (id) => this.#rows.get(id));
  }

  /** A store without index is refused here, and not by the first step of the iterator. */
  #walk(
    from: string | undefined,
    to: string | undefined,
    reverse: boolean,
    get: (id: string) => V | undefined,
  ): IterableIterator<[K, V]> {
    return this.#rowsOf(this.#rows.index.walk(from, to, reverse), get);
  }

  *#rowsOf(texts: Iterable<string>, get: (id: string) => V | undefined): Generator<[K, V], void> {
    for (const text of texts) {
      const value = get(this.#keys.idOfText(text));
      if (value !== undefined) yield [this.#keys.keyOf(Buffer.from(text, 'latin1')), value];
    }
  }

  #textOf(key: K | null | undefined): string | undefined {
    return key === null || key === undefined ? undefined : this.#keys.textOf(this.#keys.idOf(key));
  }

  flush(): StoreChange[] {
    return this.#rows.flush();
  }

  committed(): void {
    this.#rows.committed();
  }

  clear(): void {
    this.#rows.clear();
  }

  close(): void {
    this.#rows.close();
  }
}

/** The first text after this one: an end that is exclusive includes it. */
function after(text: string | undefined): string | undefined {
  return text === undefined ? undefined : `${text}\0`;
}
