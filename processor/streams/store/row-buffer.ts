import { storedBytes } from '../topology/user-code.ts';
import { storePrefix } from './data-key.ts';
import { packed, Packed } from './packed-value.ts';
import type { KeyIndex } from './key-index.ts';
import { RowIndex } from './row-index.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { readRow } from './stored-row.ts';
import { NO_TIME, timedBytes, timeOf, timeOrNone, untimed } from './timed-row.ts';
import type { StoreSpec, TableRow } from './typed-store.ts';

const DELETED = Symbol('deleted');

interface DirtyRow<V> {
  value: V | Packed | typeof DELETED;
  timestampMs: number;
  /** The committed bytes, null for none, undefined when they were not read. */
  readonly previous: Buffer | null | undefined;
}

/** What a row's id stands for. */
export interface RowIds {
  /** @throws TypeError or RangeError for an id that no row can have. */
  check(id: string): void;
  /** The row's key on disk. @throws as `check`. */
  bytesOf(id: string): Buffer;
  /** What stands for the row in the store's index. @throws as `check`. */
  textOf(id: string): string;
  /** The opposite of `textOf`. */
  idOfText(text: string): string;
}

/**
 * The rows of one store, each with an id: the committed ones, and over them what has been written since. There is no
 * cache of committed values: a read of LevelDB costs a few microseconds, and a shared object would let a caller change
 * state that it never put.
 */
export class RowBuffer<V> {
  readonly #name: string;
  readonly #serde: StoreSpec<V>['serde'];
  readonly #timed: boolean;
  readonly #committed: StateStore;
  readonly #ids: RowIds;
  readonly #index: RowIndex | undefined;
  /** Uncommitted writes; a Map keeps the order of first change. */
  readonly #dirty = new Map<string, DirtyRow<V>>();
  /** What the last read of a committed value found: nearly every write is of the row that was just read. */
  #lastReadId: string | undefined;
  #lastRead: Buffer | null = null;

  /** @throws TypeError when the name is not a legal store name. */
  constructor(
    { name, serde, timed = false }: Pick<StoreSpec<V>, 'name' | 'serde' | 'timed'>,
    committed: StateStore,
    ids: RowIds,
    keys?: KeyIndex,
  ) {
    storePrefix(name);
    this.#name = name;
    this.#serde = serde;
    this.#timed = timed;
    this.#committed = committed;
    this.#ids = ids;
    this.#index = keys === undefined ? undefined : new RowIndex(name, keys);
  }

  /** The index. @throws TypeError: the store has none. */
  get index(): RowIndex {
    if (this.#index === undefined)
      throw new TypeError(`the store "${this.#name}" has no index: its rows cannot be gone through`);
    return this.#index;
  }

  /** Ids of rows with uncommitted writes, in the order of first change. */
  dirtyIds(): IterableIterator<string> {
    return this.#dirty.keys();
  }

  isDirty(id: string): boolean {
    return this.#dirty.has(id);
  }

  /** An uncommitted write has deleted it. */
  isDeleted(id: string): boolean {
    return this.#dirty.get(id)?.value === DELETED;
  }

  get(id: string): V | undefined {
    const dirty = this.#dirty.get(id);
    if (dirty !== undefined) {
      if (dirty.value instanceof Packed) dirty.value = dirty.value.open(this.#serde);
      return dirty.value === DELETED ? undefined : dirty.value;
    }
    const bytes = this.#read(id);
    return bytes === null ? undefined : this.#valueOf(id, bytes);
  }

  /** A value of the caller's own. */
  getOwn(id: string): V | undefined {
    const dirty = this.#dirty.get(id);
    if (dirty === undefined) return this.get(id);
    if (dirty.value === DELETED) return undefined;
    const value = packed(this.#serde, dirty.value);
    return value instanceof Packed ? value.open(this.#serde) : value;
  }

  row(id: string): TableRow<V> | undefined {
    const dirty = this.#dirty.get(id);
    if (dirty !== undefined) {
      const value = this.get(id);
      return value === undefined ? undefined : { value, timestampMs: dirty.timestampMs };
    }
    return this.#rowOf(id, this.#read(id));
  }

  /** The row as of the last commit. */
  committedRow(id: string): TableRow<V> | undefined {
    const previous = this.#dirty.get(id)?.previous;
    return this.#rowOf(id, previous === undefined ? this.#read(id) : previous);
  }

  put(id: string, value: V, timestampMs: number = NO_TIME): void {
    this.#write(id, value, timestampMs);
  }

  /**
   * Puts the value as it is now: changes of the object do not reach the store. `timestampMs`: NaN where the caller
   * works on no record.
   */
  putOwn(id: string, value: V, timestampMs: number): void {
    this.#write(id, packed(this.#serde, value), timeOrNone(timestampMs));
  }

  delete(id: string): void {
    this.#write(id, DELETED, NO_TIME);
  }

  flush(): StoreChange[] {
    const changes: StoreChange[] = [];
    for (const [id, { value, timestampMs, previous }] of this.#dirty) {
      changes.push({
        store: this.#name,
        key: this.#ids.bytesOf(id),
        value: value === DELETED ? null : this.#bytesOf(value, timestampMs),
        ...(previous === undefined ? {} : { previous }),
      });
    }
    return changes;
  }

  /** True: an index has shown that the uncommitted writes are undone. */
  clear(): boolean {
    const isUndone = this.#index?.settle((text) => {
      const key = this.#ids.bytesOf(this.#ids.idOfText(text));
      return this.#committed.get(this.#name, key) !== undefined;
    });
    this.#dirty.clear();
    this.#lastReadId = undefined;
    this.#lastRead = null;
    return isUndone ?? false;
  }

  #write(id: string, value: V | Packed | typeof DELETED, timestampMs: number): void {
    this.#index?.wrote(this.#ids.textOf(id), value !== DELETED);
    const dirty = this.#dirty.get(id);
    if (dirty !== undefined) {
      dirty.value = value;
      dirty.timestampMs = timestampMs;
      return;
    }
    this.#ids.check(id);
    this.#dirty.set(id, { value, timestampMs, previous: id === this.#lastReadId ? this.#lastRead : undefined });
  }

  #read(id: string): Buffer | null {
    const bytes = this.#committed.get(this.#name, this.#ids.bytesOf(id));
    this.#lastReadId = id;
    // A copy: a serde may hand out the bytes themselves, and the value is the caller's to change.
    this.#lastRead = bytes === undefined ? null : Buffer.from(bytes);
    return bytes ?? null;
  }

  #rowOf(id: string, bytes: Buffer | null): TableRow<V> | undefined {
    if (bytes === null) return undefined;
    // A serde may hand out the bytes themselves, and those of `previous` are still needed.
    const value = this.#valueOf(id, Buffer.from(bytes));
    return { value, timestampMs: this.#timed ? timeOf(bytes) : NO_TIME };
  }

  #valueOf(id: string, bytes: Buffer): V {
    return readRow(this.#name, this.#serde, id, this.#timed ? untimed(bytes) : bytes);
  }

  #bytesOf(value: V | Packed, timestampMs: number): Buffer {
    const bytes = value instanceof Packed ? value.bytes : storedBytes(this.#name, this.#serde, value);
    return this.#timed ? timedBytes(timestampMs, bytes) : bytes;
  }
}
