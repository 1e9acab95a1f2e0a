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
): LiveKeyValueStore<K, V> {
  return new OpenKeyValueStore(spec, committed);
}

class OpenKeyValueStore<K, V> implements LiveKeyValueStore<K, V> {
  readonly name: string;
  readonly #keys: StoreKeys<K>;
  readonly #rows: RowBuffer<V>;

  constructor(spec: StoreSpec<V, K>, committed: StateStore) {
    this.name = spec.name;
    this.#keys = storeKeys(spec.key);
    this.#rows = new RowBuffer(spec, committed, this.#keys);
  }

  get dirtyEntries(): number {
    return this.#rows.size;
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
    const notIndexed = (): never => {
      throw new TypeError(`the store "${this.name}" has no index: its rows cannot be gone through`);
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
      range: notIndexed,
      reverseRange: notIndexed,
      prefix: notIndexed,
      reversePrefix: notIndexed,
      all: notIndexed,
      reverseAll: notIndexed,
      approximateSize: notIndexed,
    };
  }

  flush(): StoreChange[] {
    return this.#rows.flush();
  }

  clear(): void {
    this.#rows.clear();
  }
}
