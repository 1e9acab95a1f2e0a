import type { StateStore, StoreChange } from './state-store.ts';
import { storePrefix } from './data-key.ts';
import type { BufferedStore, KeyValueStore, StoreSpec } from './typed-store.ts';

export type BufferedKeyValueStore<V> = KeyValueStore<V> & BufferedStore;

const DELETED = Symbol('deleted');

/**
 * A key-value store over the committed state of its task. There is no cache of committed values: a read of LevelDB costs
 * a few microseconds, and a shared object would let a caller change state that it never put.
 * @throws TypeError when the name is not a legal store name.
 */
export function createKeyValueStore<V>(spec: StoreSpec<V>, committed: StateStore): BufferedKeyValueStore<V> {
  storePrefix(spec.name);
  return new OpenKeyValueStore(spec, committed);
}

class OpenKeyValueStore<V> implements KeyValueStore<V>, BufferedStore {
  readonly name: string;
  readonly #serde: StoreSpec<V>['serde'];
  readonly #committed: StateStore;
  /** Uncommitted writes; a Map keeps the order of first change. */
  readonly #dirty = new Map<string, V | typeof DELETED>();

  constructor(spec: StoreSpec<V>, committed: StateStore) {
    this.name = spec.name;
    this.#serde = spec.serde;
    this.#committed = committed;
  }

  get dirtyEntries(): number {
    return this.#dirty.size;
  }

  get(key: string): V | undefined {
    const dirty = this.#dirty.get(key);
    if (dirty !== undefined) return dirty === DELETED ? undefined : dirty;
    const bytes = this.#committed.get(this.name, Buffer.from(key));
    return bytes === undefined ? undefined : this.#serde.deserialize(bytes);
  }

  put(key: string, value: V): void {
    this.#dirty.set(key, value);
  }

  delete(key: string): void {
    this.#dirty.set(key, DELETED);
  }

  seal(): StoreChange[] {
    const changes: StoreChange[] = [];
    for (const [key, value] of this.#dirty) {
      changes.push({ store: this.name, key: Buffer.from(key), value: value === DELETED ? null : this.#serde.serialize(value) });
    }
    return changes;
  }

  clear(): void {
    this.#dirty.clear();
  }
}
