import { storePrefix } from './data-key.ts';
import { packed, Packed } from './packed-value.ts';
import type { OrderedTexts } from './key-index.ts';
import { NO_ROW, type CachedRow } from './cached-row.ts';
import type { StoreCache } from './record-cache.ts';
import { RowChange } from './row-change.ts';
import { RowIndex } from './row-index.ts';
import { RowReader, takePrevious, type WrittenRow } from './row-reader.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { NO_TIME, timeOrNone } from './timed-row.ts';
import type { StoreSpec, TableRow } from './typed-store.ts';

const DELETED = Symbol('deleted');

interface DirtyRow<V> extends WrittenRow<V> {
  value: V | Packed | typeof DELETED;
  timestampMs: number;
}

/** What a row's id stands for. */
export interface RowIds {
  /** The bytes of an id that is ASCII are its row's key. */
  readonly asciiIsKey?: boolean;
  /** @throws TypeError or RangeError for an id that no row can have. */
  check(id: string): void;
  /** The row's key on disk. @throws as `check`. */
  bytesOf(id: string): Buffer;
  /** What stands for the row in the store's index. @throws as `check`. */
  textOf(id: string): string;
  /** The opposite of `textOf`. */
  idOfText(text: string): string;
}

/** The rows of one store, each with an id: the committed ones, and over them what has been written since. */
export class RowBuffer<V> {
  readonly #name: string;
  readonly #serde: StoreSpec<V>['serde'];
  readonly #timed: boolean;
  readonly #committed: StateStore;
  readonly #ids: RowIds;
  readonly #index: RowIndex | undefined;
  /** Uncommitted writes; a Map keeps the order of first change. */
  readonly #dirty = new Map<string, DirtyRow<V>>();
  readonly #reader: RowReader<V>;
  /**
   * What the last read of a committed row found, whether the cache keeps it or not: nearly every write is of the row
   * that was just read.
   */
  #lastRead: CachedRow | undefined;
  #lastReadId: string | undefined;
  /** What was last looked for among the uncommitted writes: nearly every write is of it. */
  #lastId: string | undefined;
  #lastDirty: DirtyRow<V> | undefined;
  /** Somebody asks for rows as of the last commit: those that were read before a write are kept until the next. */
  #areReplacedKept = false;

  /** @throws TypeError when the name is not a legal store name. */
  constructor(
    spec: Pick<StoreSpec<V>, 'name' | 'serde' | 'timed'>,
    committed: StateStore,
    ids: RowIds,
    index: OrderedTexts | undefined,
    cache: StoreCache,
  ) {
    const { name, serde, timed = false } = spec;
    storePrefix(name);
    this.#name = name;
    this.#serde = serde;
    this.#timed = timed;
    this.#committed = committed;
    this.#ids = ids;
    this.#index = index === undefined ? undefined : new RowIndex(name, index);
    const { asciiIsKey: idsAreKeys = false } = ids;
    this.#reader = new RowReader({ ...spec, committed, cache, keyOf: (id) => ids.bytesOf(id), idsAreKeys });
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
    const dirty = this.#dirtyRow(id);
    return dirty === undefined ? this.#reader.valueOf(this.#read(id)) : this.#valueOf(dirty);
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
    const dirty = this.#dirtyRow(id);
    if (dirty === undefined) return this.#reader.rowOf(this.#read(id));
    const value = this.#valueOf(dirty);
    return value === undefined ? undefined : { value, timestampMs: dirty.timestampMs };
  }

  /** The row as of the last commit. */
  committedRow(id: string): TableRow<V> | undefined {
    this.#areReplacedKept = true;
    return this.#reader.rowOf(this.#dirty.get(id)?.previous ?? this.#read(id));
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

  /** Deletes a row that has expired, after `flush`. Answers its tombstone. */
  expire(id: string): StoreChange {
    const isFlushed = this.#dirty.has(id);
    this.delete(id);
    const key = this.#ids.bytesOf(id);
    // The change that was flushed has the place for the hash of the row.
    if (isFlushed) return RowChange.of(this.#name, key, null);
    const hash = this.#dirty.get(id) as DirtyRow<V>;
    return RowChange.of(this.#name, key, null, takePrevious(hash), hash);
  }

  flush(): StoreChange[] {
    const changes: StoreChange[] = [];
    this.#dirty.forEach((row, id) => changes.push(this.#reader.flush(row, row.value === DELETED, id)));
    return changes;
  }

  /** What `flush` gave out last is in the store, as a whole. True as of `clear`. */
  committed(): boolean {
    return this.#forget(true);
  }

  /**
   * The uncommitted writes are undone, or nobody knows: what they were of is read again. True: an index has shown that
   * they are undone.
   */
  clear(): boolean {
    return this.#forget(false);
  }

  /** Lets go of all rows in memory. */
  close(): void {
    this.#reader.close();
  }

  #forget(isCommitted: boolean): boolean {
    const isUndone = this.#index?.settle((text) => {
      const key = this.#ids.bytesOf(this.#ids.idOfText(text));
      return this.#committed.get(this.#name, key) !== undefined;
    });
    this.#dirty.forEach((row, id) => {
      // Of a row that an index does not have nobody asks: that it is gone would take the place of one that is there.
      const isKept = isCommitted && !(row.value === DELETED && this.#index !== undefined);
      this.#reader.settle(row, isKept, id);
    });
    this.#dirty.clear();
    this.#lastRead = this.#lastReadId = this.#lastId = this.#lastDirty = undefined;
    return isUndone ?? false;
  }

  #write(id: string, value: V | Packed | typeof DELETED, timestampMs: number): void {
    const wasThere = this.#index?.wrote(this.#ids.textOf(id), value !== DELETED);
    const dirty = this.#lastId === id ? this.#lastDirty : this.#dirty.get(id);
    if (dirty !== undefined) {
      dirty.value = value;
      if (this.#timed) dirty.timestampMs = timestampMs;
      dirty.flushed = undefined;
      return;
    }
    this.#ids.check(id);
    const known = this.#lastReadId === id ? this.#lastRead : undefined;
    // A row that an index does not have is not there: the old value need not be read.
    const found = known ?? (wasThere === false ? NO_ROW : this.#reader.peek(id));
    const row: DirtyRow<V> = {
      value,
      timestampMs: this.#timed ? timestampMs : NO_TIME,
      previous: found,
      flushed: undefined,
      low: 0,
      high: 0,
      isKnown: false,
    };
    if (found !== undefined && !this.#areReplacedKept && this.#reader.noteHashOf(found, row)) row.previous = undefined;
    this.#dirty.set(id, row);
    this.#lastId = id;
    this.#lastDirty = row;
  }

  #valueOf(dirty: DirtyRow<V>): V | undefined {
    if (dirty.value instanceof Packed) dirty.value = dirty.value.open(this.#serde);
    return dirty.value === DELETED ? undefined : dirty.value;
  }

  /** An uncommitted write. */
  #dirtyRow(id: string): DirtyRow<V> | undefined {
    this.#lastId = id;
    this.#lastDirty = this.#dirty.get(id);
    return this.#lastDirty;
  }

  /** The committed row. */
  #read(id: string): CachedRow {
    const row = this.#reader.read(id);
    this.#lastRead = row;
    this.#lastReadId = id;
    return row;
  }
}
