import { readRow } from './stored-row.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { storePrefix } from './data-key.ts';
import { checkKeyText, encodeKey } from './key-text.ts';
import { packed, Packed } from './packed-value.ts';
import { storedBytes } from '../topology/user-code.ts';
import type { BufferedStore, KeyValueStore, LiveStore, StoreSpec } from './typed-store.ts';

export type BufferedKeyValueStore<V> = KeyValueStore<V> & LiveStore<KeyValueStore<V>> & BufferedStore;

const DELETED = Symbol('deleted');

/**
 * A key-value store over the committed state of its task. There is no cache of committed values: a read of LevelDB
 * costs a few microseconds, and a shared object would let a caller change state that it never put.
 * @throws TypeError when the name is not a legal store name.
 */
export function createKeyValueStore<V>(spec: StoreSpec<V>, committed: StateStore): BufferedKeyValueStore<V> {
  storePrefix(spec.name);
  return new OpenKeyValueStore(spec, committed);
}

interface DirtyEntry<V> {
  value: V | Packed | typeof DELETED;
  /** The committed bytes, null for none, undefined when they were not read. */
  readonly previous: Buffer | null | undefined;
}

class OpenKeyValueStore<V> implements BufferedKeyValueStore<V> {
  readonly name: string;
  readonly #serde: StoreSpec<V>['serde'];
  readonly #committed: StateStore;
  /** Uncommitted writes; a Map keeps the order of first change. */
  readonly #dirty = new Map<string, DirtyEntry<V>>();
  /** What the last read of a committed value found: nearly every write is of the key that was just read. */
  #lastReadKey: string | undefined;
  #lastRead: Buffer | null = null;

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
    if (dirty !== undefined) {
      if (dirty.value instanceof Packed) dirty.value = dirty.value.open(this.#serde);
      return dirty.value === DELETED ? undefined : dirty.value;
    }
    const bytes = this.#committed.get(this.name, encodeKey(key));
    this.#lastReadKey = key;
    // A copy: a serde may hand out the bytes themselves, and the value is the caller's to change.
    this.#lastRead = bytes === undefined ? null : Buffer.from(bytes);
    return bytes === undefined ? undefined : readRow(this.name, this.#serde, key, bytes);
  }

  put(key: string, value: V): void {
    this.#write(key, value);
  }

  delete(key: string): void {
    this.#write(key, DELETED);
  }

  ownView(): KeyValueStore<V> {
    return {
      name: this.name,
      get: (key) => {
        const dirty = this.#dirty.get(key);
        if (dirty === undefined) return this.get(key);
        if (dirty.value === DELETED) return undefined;
        const value = packed(this.#serde, dirty.value);
        return value instanceof Packed ? value.open(this.#serde) : value;
      },
      put: (key, value) => this.#write(key, packed(this.#serde, value)),
      delete: (key) => this.delete(key),
    };
  }

  #write(key: string, value: V | Packed | typeof DELETED): void {
    const dirty = this.#dirty.get(key);
    if (dirty !== undefined) {
      dirty.value = value;
      return;
    }
    checkKeyText(key);
    this.#dirty.set(key, { value, previous: key === this.#lastReadKey ? this.#lastRead : undefined });
  }

  flush(): StoreChange[] {
    const changes: StoreChange[] = [];
    for (const [key, { value, previous }] of this.#dirty) {
      changes.push({
        store: this.name,
        key: encodeKey(key),
        value:
          value === DELETED ? null : value instanceof Packed ? value.bytes : storedBytes(this.name, this.#serde, value),
        ...(previous === undefined ? {} : { previous }),
      });
    }
    return changes;
  }

  clear(): void {
    this.#dirty.clear();
    this.#lastReadKey = undefined;
    this.#lastRead = null;
  }
}
