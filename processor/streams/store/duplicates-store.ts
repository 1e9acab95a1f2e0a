import type { Windowed } from '../topology/windowed-serdes.ts';
import { StreamsError } from '../errors.ts';
import { PassingBytes } from '../passing-bytes.ts';
import { knownOf } from '../topology/serdes.ts';
import { refuseAnswer, settled } from '../topology/user-code.ts';
import { CompositeIds, NUMBER_BYTES, type DiskLayout } from './composite-ids.ts';
import { COMMITTED, DELETED, DuplicateRows, GONE, HASHED, LISTED, NONE } from './duplicate-rows.ts';
import type { KeyIndex } from './key-index.ts';
import type { StoreCache } from './record-cache.ts';
import { RowChange } from './row-change.ts';
import { RowsInTime } from './rows-in-time.ts';
import { RowsOfKeys } from './rows-of-keys.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { storeKeys, type StoreKeys } from './store-keys.ts';
import { readRow } from './stored-row.ts';
import { asTime } from './time-bounds.ts';
import { NO_TIME, timedBytes, timeOf, timeOrNone, untimed } from './timed-row.ts';
import type { LiveWindowStore, StoreSpec, TableRow, WindowRow, WindowStore } from './typed-store.ts';
import { ValueBlocks } from './value-blocks.ts';
import { Walks } from './walks.ts';
import { checkWindowStart, WINDOW_START_BYTES, writeTime } from './window-key.ts';

/**
 * On disk 8 bytes of the window's start, the key, and 8 bytes that number the rows of one start in the order in which
 * they were put.
 */
export const DUPLICATES_LAYOUT: DiskLayout = {
  numbers: 2,
  join: (key, numbers) => numbers.slice(0, 8) + key + numbers.slice(8),
  split: (bytes) => ({ numbers: bytes.slice(0, 8) + bytes.slice(-8), key: bytes.slice(8, -8) }),
};

/**
 * A window store that keeps several rows of one key and start. A row is appended, and later deleted, and never changes
 * in between. So all that is known of it but its value is in memory: no put and no expiry reads the committed state,
 * and what a key has is found without going through an index. Values are in memory as long as the cache keeps them.
 */
export class DuplicatesStore<K, V> implements LiveWindowStore<K, V> {
  readonly name: string;
  readonly retentionMs: number;
  readonly idOf: (key: K) => string;
  readonly #windowSizeMs: number;
  readonly #keys: StoreKeys<K>;
  readonly #serde: StoreSpec<V>['serde'];
  readonly #timed: boolean;
  readonly #readText: ((text: string) => V) | undefined;
  readonly #textOf: ((value: V) => string) | undefined;
  readonly #committed: StateStore;
  /** Each from its put until it is deleted for good. Its value never changes. */
  readonly #rows = new DuplicateRows();
  /** Those with uncommitted writes, too. */
  readonly #ofKeys: RowsOfKeys;
  readonly #inTime: RowsInTime;
  readonly #blocks: ValueBlocks;
  readonly #walks: Walks;
  /** Rows with uncommitted writes, in the order of the first one. */
  #changed: number[] = [];
  /** Of the rows that have been flushed since the last commit, which each has its hash when it is committed. */
  #flushed: number[] = [];
  #changes: RowChange[] = [];
  /** Of the next row: above those of all rows that are there. */
  #nextNumber = 0;
  /** Keys on disk that are asked for. */
  readonly #passing = new PassingBytes();

  constructor(
    spec: StoreSpec<V, K> & { readonly windowSizeMs: number; readonly retentionMs: number },
    committed: StateStore,
    index: KeyIndex,
    cache: StoreCache,
  ) {
    const { name, windowSizeMs, retentionMs, serde, timed = false } = spec;
    this.#keys = storeKeys(spec.key);
    this.name = name;
    this.retentionMs = retentionMs;
    this.idOf = this.#keys.idOf;
    this.#windowSizeMs = windowSizeMs;
    this.#serde = serde;
    this.#timed = timed;
    const { readText, textOf } = knownOf(serde);
    this.#readText = timed ? undefined : (readText as ((text: string) => V) | undefined);
    this.#textOf = timed ? undefined : (textOf as ((value: V) => string) | undefined);
    this.#committed = committed;
    this.#ofKeys = new RowsOfKeys(this.#rows, this.#keys);
    this.#inTime = new RowsInTime(this.#rows, windowSizeMs + retentionMs);
    this.#blocks = new ValueBlocks(cache);
    this.#walks = new Walks(name);
    const ids = new CompositeIds(this.#keys, DUPLICATES_LAYOUT);
    for (const text of index.takeAll()) {
      const number = ids.numberOf(text, 1);
      this.#nextNumber = Math.max(this.#nextNumber, number + 1);
      this.#add(ids.keyIdOf(text), ids.numberOf(text, 0), number, COMMITTED);
    }
  }

  /** The first one. */
  get(key: K, windowStartMs: number): V | undefined {
    return this.row(key, windowStartMs)?.value;
  }

  row(key: K, windowStartMs: number): TableRow<V> | undefined {
    return this.#firstOf(key, windowStartMs, false);
  }

  committedRow(key: K, windowStartMs: number): TableRow<V> | undefined {
    return this.#firstOf(key, windowStartMs, true);
  }

  /** Rows have no names of their own: any may be a new one. */
  isChanged(): boolean {
    return true;
  }

  put(key: K, windowStartMs: number, value: V, timestampMs: number = NO_TIME): void {
    const id = this.#keys.idOf(key);
    this.#keys.check(id);
    checkWindowStart(windowStartMs);
    this.#walks.wrote();
    const block = this.#blocks.add(this.#stored(settled(value), timestampMs));
    const row = this.#add(id, windowStartMs, this.#nextNumber, 0);
    this.#nextNumber += 1;
    this.#rows.block[row] = block;
    this.#rows.at[row] = this.#blocks.lastAt;
    this.#rows.length[row] = this.#blocks.lastBytes;
    this.#changed.push(row);
  }

  /** A row as on disk, or the text whose bytes it is. */
  #stored(value: V, timestampMs: number): Uint8Array | string {
    if (this.#textOf !== undefined) return this.#textOf(value);
    const bytes = valueBytes(this.#serde.serialize(value));
    return this.#timed ? timedBytes(timestampMs, bytes) : bytes;
  }

  /** All of them. */
  delete(key: K, windowStartMs: number): void {
    for (const row of this.#of(this.#keys.idOf(key), windowStartMs, windowStartMs)) this.#delete(row);
  }

  /** Each value is the caller's own. */
  fetch(key: K, fromMs: number, toMs: number): WindowRow<V>[] {
    const id = this.#keys.idOf(key);
    return this.#of(id, fromMs, toMs).map((row) => this.#rowOf(row, id));
  }

  ownView(timeOfPut: () => number = () => NO_TIME): WindowStore<K, V> {
    const checked = (...times: readonly number[]): void => {
      for (const timeMs of times) asTime(this.name, timeMs);
    };
    const ofKey = (key: K, fromMs: number, toMs: number, reverse: boolean) => {
      checked(fromMs, toMs);
      return this.#windowed(() => this.#of(this.#keys.idOf(key), fromMs, toMs), reverse);
    };
    const ofAll = (fromMs: number, toMs: number, reverse: boolean) => {
      checked(fromMs, toMs);
      return this.#windowed(() => this.#ofAll(fromMs, toMs), reverse);
    };
    return {
      name: this.name,
      get: (key, windowStartMs) => this.get(key, windowStartMs),
      put: (key, windowStartMs, value) => {
        // As in Kafka Streams null deletes nothing: which of them would it be?
        if (value !== null) this.put(key, windowStartMs, value, timeOrNone(timeOfPut()));
      },
      delete: (key, windowStartMs) => {
        const before = this.get(key, windowStartMs);
        this.delete(key, windowStartMs);
        return before;
      },
      fetch: (key, fromMs, toMs) => ofKey(key, fromMs, toMs, false),
      backwardFetch: (key, fromMs, toMs) => ofKey(key, fromMs, toMs, true),
      fetchAll: (fromMs, toMs) => ofAll(fromMs, toMs, false),
      backwardFetchAll: (fromMs, toMs) => ofAll(fromMs, toMs, true),
    };
  }

  flush(): StoreChange[] {
    const changes: StoreChange[] = [];
    this.#flushed = [];
    this.#changes = [];
    for (const row of this.#changed) {
      if (!this.#rows.is(row, DELETED)) {
        const at = this.#rows.at[row] as number;
        const bytes = this.#blocks.bytesOf(this.#rows.block[row] as number) as Buffer;
        const key = this.#passingBytesOf(row);
        // The number has never been another row's: there is nothing to be replaced.
        const change = RowChange.ofNew(this.name, key, bytes, at, this.#rows.length[row] as number);
        this.#flushed.push(row);
        this.#changes.push(change);
        changes.push(change);
      } else if (this.#rows.is(row, COMMITTED)) changes.push(this.#tombstone(row));
    }
    return changes;
  }

  committed(): void {
    this.#settle(true);
  }

  /** The uncommitted writes are undone, or nobody knows: as a whole, so that one of them tells which. */
  clear(): void {
    const rows = this.#rows;
    const told = this.#changed.find((row) => rows.is(row, COMMITTED) || !rows.is(row, DELETED));
    const isThere = told !== undefined && this.#committed.get(this.name, this.#bytesOf(told)) !== undefined;
    this.#settle(told !== undefined && isThere !== rows.is(told, COMMITTED));
  }

  close(): void {
    this.#blocks.close();
  }

  async expireBefore(horizonMs: number, limit: number): Promise<StoreChange[]> {
    const endMs = Math.floor(horizonMs) - this.#windowSizeMs + 1;
    const tombstones: StoreChange[] = [];
    while (tombstones.length < limit) {
      const row = this.#inTime.takeBefore(endMs);
      if (row === NONE) break;
      if (this.#rows.is(row, GONE)) this.#rows.free(row);
      if (this.#rows.is(row, DELETED)) continue;
      this.#delete(row);
      tombstones.push(this.#tombstone(row));
    }
    return tombstones;
  }

  /** Of a row that is uncommitted, the change before it in the commit has the place for the hash. */
  #tombstone(row: number): StoreChange {
    const rows = this.#rows;
    const key = this.#passingBytesOf(row);
    if (!rows.is(row, COMMITTED)) return RowChange.of(this.name, key, null);
    const isKnown = rows.is(row, HASHED);
    return RowChange.ofGone(this.name, key, isKnown, rows.low[row] as number, rows.high[row] as number);
  }

  #delete(row: number): void {
    this.#walks.wrote();
    this.#rows.set(row, DELETED);
    if (this.#rows.is(row, COMMITTED)) this.#changed.push(row);
  }

  #settle(isCommitted: boolean): void {
    const rows = this.#rows;
    this.#walks.settled();
    this.#noteHashes();
    const gone: number[] = [];
    for (const row of this.#changed) {
      if (!rows.settles(row, isCommitted)) {
        rows.set(row, DELETED | GONE);
        if (rows.block[row] !== NONE) this.#blocks.remove(rows.block[row] as number);
        gone.push(row);
        continue;
      }
      if (!rows.is(row, LISTED)) this.#inTime.add(row);
    }
    // Most of those that are committed are the first ones of their keys, oldest first; those undone came last.
    this.#ofKeys.removeAll(isCommitted ? gone : gone.reverse());
    // A row in time is freed when it is taken.
    for (const row of gone) if (!rows.is(row, LISTED)) rows.free(row);
    this.#changed = [];
    this.#blocks.settled(isCommitted);
  }

  #noteHashes(): void {
    const rows = this.#rows;
    for (let index = 0; index < this.#flushed.length; index += 1) {
      const { low, high, isKnown } = this.#changes[index] as RowChange;
      if (!isKnown) continue;
      const row = this.#flushed[index] as number;
      rows.low[row] = low;
      rows.high[row] = high;
      rows.set(row, HASHED);
    }
    this.#flushed = [];
    this.#changes = [];
  }

  #add(id: string, startMs: number, number: number, flags: number): number {
    const row = this.#rows.add(startMs, number, this.#ofKeys.findOrMake(id), flags);
    this.#inTime.add(row);
    this.#ofKeys.add(row);
    return row;
  }

  /** The first one of a key that starts then, as of now or as of the last commit. */
  #firstOf(key: K, startMs: number, asCommitted: boolean): TableRow<V> | undefined {
    const id = this.#keys.idOf(key);
    const ofKey = this.#ofKeys.find(id);
    if (ofKey === NONE) return undefined;
    const end = this.#ofKeys.endOf(ofKey);
    for (let place = this.#ofKeys.firstFrom(ofKey, startMs); place < end; place += 1) {
      const row = this.#ofKeys.rowAt(place);
      if (this.#rows.startMs[row] !== startMs) break;
      if (asCommitted ? this.#rows.is(row, COMMITTED) : !this.#rows.is(row, DELETED)) {
        const { value, timestampMs } = this.#rowOf(row, id);
        return { value, timestampMs };
      }
    }
    return undefined;
  }

  /** Those of a key that start in this range, both ends inclusive, by start, then as they were put. */
  #of(id: string, fromMs: number, toMs: number): number[] {
    const found: number[] = [];
    const ofKey = this.#ofKeys.find(id);
    if (ofKey !== NONE) this.#find(ofKey, fromMs, toMs, found);
    return found;
  }

  /** The same of all keys, in the order of their bytes. */
  #ofAll(fromMs: number, toMs: number): number[] {
    const found: number[] = [];
    for (const ofKey of this.#ofKeys.inOrder()) this.#find(ofKey, fromMs, toMs, found);
    return found;
  }

  #find(ofKey: number, fromMs: number, toMs: number, found: number[]): void {
    const rows = this.#rows;
    const end = this.#ofKeys.endOf(ofKey);
    for (let place = this.#ofKeys.firstFrom(ofKey, fromMs); place < end; place += 1) {
      const row = this.#ofKeys.rowAt(place);
      if ((rows.startMs[row] as number) > toMs) break;
      if (!rows.is(row, DELETED)) found.push(row);
    }
  }

  *#windowed(find: () => number[], reverse: boolean): Generator<[Windowed<K>, V], void> {
    const found = find();
    for (const row of this.#walks.over(reverse ? found.reverse() : found)) {
      const keyBytes = this.#keyBytesOf(row);
      const { value, startMs } = this.#rowOf(row, this.#keys.idOfBytes(keyBytes));
      yield [{ key: this.#keys.keyOf(keyBytes), startMs, endMs: startMs + this.#windowSizeMs }, value];
    }
  }

  /** `id`: of its key. */
  #rowOf(row: number, id: string): WindowRow<V> {
    const startMs = this.#rows.startMs[row] as number;
    const held = this.#heldOf(row);
    const read = held === undefined ? undefined : this.#readByText(row, held);
    if (read !== undefined) return { value: read.value, timestampMs: NO_TIME, startMs };
    const bytes = held === undefined ? this.#storedOf(row) : this.#ownOf(row, held);
    const value = readRow(this.name, this.#serde, id, this.#timed ? untimed(bytes) : bytes);
    return { value, timestampMs: this.#timed ? timeOf(bytes) : NO_TIME, startMs };
  }

  /** Without a buffer of its own. Undefined: it cannot be read so, and whoever reads its bytes says why. */
  #readByText(row: number, held: Buffer): { readonly value: V } | undefined {
    if (this.#readText === undefined) return undefined;
    const at = this.#rows.at[row] as number;
    try {
      return { value: this.#readText(held.toString('utf8', at, at + (this.#rows.length[row] as number))) };
    } catch {
      return undefined;
    }
  }

  /** The bytes in which its value lies; undefined: they are not in memory. */
  #heldOf(row: number): Buffer | undefined {
    const block = this.#rows.block[row] as number;
    return this.#rows.is(row, COMMITTED) ? this.#blocks.read(block) : this.#blocks.bytesOf(block);
  }

  /** As on disk, the caller's own. */
  #ownOf(row: number, held: Buffer): Buffer {
    const [at, length] = [this.#rows.at[row] as number, this.#rows.length[row] as number];
    const own = Buffer.allocUnsafe(length);
    held.copy(own, 0, at, at + length);
    return own;
  }

  /** The same of one that is not in memory. @throws StreamsError STORE_DAMAGED */
  #storedOf(row: number): Buffer {
    const stored = this.#committed.get(this.name, this.#bytesOf(row));
    if (stored === undefined)
      throw new StreamsError('STORE_DAMAGED', `a row of the store "${this.name}" is not there any more`);
    this.#keep(row, stored);
    return stored;
  }

  #keep(row: number, stored: Buffer): void {
    const rows = this.#rows;
    const kept = this.#blocks.keep(stored);
    if (kept === NONE) return;
    if (rows.block[row] !== NONE) this.#blocks.remove(rows.block[row] as number);
    rows.block[row] = kept;
    rows.at[row] = 0;
    rows.length[row] = stored.length;
  }

  #keyBytesOf(row: number): Buffer {
    const { keys } = this.#ofKeys;
    const key = this.#rows.key[row] as number;
    const bytes = Buffer.allocUnsafe(keys.lengthOf(key));
    keys.copy(key, bytes, 0);
    return bytes;
  }

  /** Its key on disk. */
  #bytesOf(row: number): Buffer {
    return Buffer.from(this.#passingBytesOf(row));
  }

  /** The same, for one use at once: the next call changes its bytes. */
  #passingBytesOf(row: number): Buffer {
    const { keys } = this.#ofKeys;
    const key = this.#rows.key[row] as number;
    const keyBytes = keys.lengthOf(key);
    const length = WINDOW_START_BYTES + keyBytes + NUMBER_BYTES;
    const bytes = this.#passing.room(length);
    writeTime(bytes, this.#rows.startMs[row] as number, 0);
    keys.copy(key, bytes, WINDOW_START_BYTES);
    writeTime(bytes, this.#rows.number[row] as number, WINDOW_START_BYTES + keyBytes);
    return bytes;
  }
}

/** Not copied: they are copied where they go to. @throws TypeError for what is no bytes. */
function valueBytes(bytes: unknown): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : refuseAnswer(bytes, 'a Buffer');
}
