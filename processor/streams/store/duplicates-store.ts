import type { Windowed } from '../topology/windowed-serdes.ts';
import { StreamsError } from '../errors.ts';
import { refuseAnswer, settled } from '../topology/user-code.ts';
import { CompositeIds, NUMBER_BYTES, type DiskLayout } from './composite-ids.ts';
import { flat } from './cached-row.ts';
import type { KeyIndex } from './key-index.ts';
import type { StoreCache } from './record-cache.ts';
import { RowsInTime, type TimedRow } from './rows-in-time.ts';
import type { EntryHash, StateStore, StoreChange } from './state-store.ts';
import { storeKeys, type StoreKeys } from './store-keys.ts';
import { readRow } from './stored-row.ts';
import { NO_TIME, timedBytes, timeOf, timeOrNone, untimed } from './timed-row.ts';
import type { LiveWindowStore, StoreSpec, TableRow, WindowRow, WindowStore } from './typed-store.ts';
import { ValueBlocks, type ValueBlock } from './value-blocks.ts';
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

/** So many rows of a key are copied when one more comes: an array that grows has room for sixteen more. */
const FEW = 8;

/** A row, from its put until it is deleted for good. Its value never changes. */
class Duplicate implements EntryHash, TimedRow {
  /** The id of its key. */
  readonly id: string;
  readonly startMs: number;
  readonly number: number;
  /** Where its value is in memory, or was; undefined: it has not been since the store was opened. */
  block: ValueBlock | undefined;
  at = 0;
  length = 0;
  isCommitted: boolean;
  /** By a write that is not committed. */
  isDeleted = false;
  isListed = false;
  low = 0;
  high = 0;
  isKnown = false;

  constructor(id: string, startMs: number, number: number, isCommitted: boolean) {
    this.id = id;
    this.startMs = startMs;
    this.number = number;
    this.isCommitted = isCommitted;
  }
}

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
  readonly #committed: StateStore;
  /** The rows of each key by start, then by number: those with uncommitted writes, too. */
  readonly #rows = new Map<string, Duplicate[]>();
  readonly #inTime: RowsInTime<Duplicate>;
  readonly #blocks: ValueBlocks;
  readonly #walks: Walks;
  /** Rows with uncommitted writes, in the order of the first one. */
  #changed: Duplicate[] = [];
  /** The ids in the order of the keys' bytes; undefined: to be sorted. */
  #sortedIds: readonly string[] | undefined;
  /** Of the next row: above those of all rows that are there. */
  #nextNumber = 0;

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
    this.#committed = committed;
    this.#inTime = new RowsInTime(windowSizeMs + retentionMs);
    this.#blocks = new ValueBlocks(cache);
    this.#walks = new Walks(name);
    const ids = new CompositeIds(this.#keys, DUPLICATES_LAYOUT);
    for (const text of index.takeAll()) {
      const row = new Duplicate(ids.keyIdOf(text), ids.numberOf(text, 0), ids.numberOf(text, 1), true);
      this.#nextNumber = Math.max(this.#nextNumber, row.number + 1);
      this.#add(row);
    }
  }

  /** The first one. */
  get(key: K, windowStartMs: number): V | undefined {
    const row = this.#firstOf(key, windowStartMs);
    return row === undefined ? undefined : this.#valueOf(row);
  }

  row(key: K, windowStartMs: number): TableRow<V> | undefined {
    const row = this.#firstOf(key, windowStartMs);
    return row === undefined ? undefined : this.#rowOf(row);
  }

  committedRow(key: K, windowStartMs: number): TableRow<V> | undefined {
    const row = this.#of(key, windowStartMs, windowStartMs, ({ isCommitted }) => isCommitted)[0];
    return row === undefined ? undefined : this.#rowOf(row);
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
    const bytes = valueBytes(this.#serde.serialize(settled(value)));
    const row = new Duplicate(id, windowStartMs, this.#nextNumber, false);
    this.#nextNumber += 1;
    const stored = this.#timed ? timedBytes(timestampMs, bytes) : bytes;
    row.block = this.#blocks.add(stored);
    row.at = this.#blocks.lastAt;
    row.length = stored.length;
    this.#add(row);
    this.#changed.push(row);
  }

  /** All of them. */
  delete(key: K, windowStartMs: number): void {
    for (const row of this.#of(key, windowStartMs, windowStartMs, isAlive)) this.#delete(row);
  }

  /** Each value is the caller's own. */
  fetch(key: K, fromMs: number, toMs: number): WindowRow<V>[] {
    return this.#of(key, fromMs, toMs, isAlive).map((row) => ({ ...this.#rowOf(row), startMs: row.startMs }));
  }

  ownView(timeOfPut: () => number = () => NO_TIME): WindowStore<K, V> {
    const ofKey = (key: K, fromMs: number, toMs: number, reverse: boolean) =>
      this.#windowed(() => this.#of(key, fromMs, toMs, isAlive), reverse);
    const ofAll = (fromMs: number, toMs: number, reverse: boolean) =>
      this.#windowed(() => this.#ofAll(fromMs, toMs), reverse);
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
    for (const row of this.#changed) {
      if (!row.isDeleted) {
        const { bytes } = row.block as ValueBlock;
        const value = (bytes as Buffer).subarray(row.at, row.at + row.length);
        // The number has never been another row's: there is nothing to be replaced.
        changes.push({ store: this.name, key: this.#bytesOf(row), value, previous: null, hash: row });
      } else if (row.isCommitted) changes.push(this.#tombstone(row));
    }
    return changes;
  }

  committed(): void {
    this.#settle(true);
  }

  /** The uncommitted writes are undone, or nobody knows: as a whole, so that one of them tells which. */
  clear(): void {
    const told = this.#changed.find(({ isCommitted, isDeleted }) => isCommitted || !isDeleted);
    const isThere = told !== undefined && this.#committed.get(this.name, this.#bytesOf(told)) !== undefined;
    this.#settle(told !== undefined && isThere !== told.isCommitted);
  }

  close(): void {
    this.#blocks.close();
  }

  async expireBefore(horizonMs: number, limit: number): Promise<StoreChange[]> {
    const endMs = Math.floor(horizonMs) - this.#windowSizeMs + 1;
    const tombstones: StoreChange[] = [];
    while (tombstones.length < limit) {
      const row = this.#inTime.takeBefore(endMs);
      if (row === undefined) break;
      if (row.isDeleted) continue;
      this.#delete(row);
      tombstones.push(this.#tombstone(row));
    }
    return tombstones;
  }

  /** Of a row that is uncommitted, the change before it in the commit has the place for the hash. */
  #tombstone(row: Duplicate): StoreChange {
    const change = { store: this.name, key: this.#bytesOf(row), value: null };
    if (!row.isCommitted) return change;
    return row.isKnown ? { ...change, previous: row, hash: row } : { ...change, hash: row };
  }

  #delete(row: Duplicate): void {
    this.#walks.wrote();
    row.isDeleted = true;
    if (row.isCommitted) this.#changed.push(row);
  }

  #settle(isCommitted: boolean): void {
    this.#walks.settled();
    const gone = new Set<string>();
    for (const row of this.#changed) {
      if (isCommitted ? row.isDeleted : !row.isCommitted) {
        row.isDeleted = true;
        if (row.block !== undefined) this.#blocks.remove(row.block);
        gone.add(row.id);
        continue;
      }
      row.isCommitted = true;
      // mutant: undone-duplicates
      row.isDeleted = false;
      if (!row.isListed) this.#inTime.add(row);
    }
    for (const id of gone) this.#leave(id);
    this.#changed = [];
    this.#blocks.settled(isCommitted);
  }

  #leave(id: string): void {
    const rows = (this.#rows.get(id) ?? []).filter(isAlive);
    if (rows.length > 0) this.#rows.set(id, rows);
    else if (this.#rows.delete(id)) this.#sortedIds = undefined;
  }

  #add(row: Duplicate): void {
    this.#inTime.add(row);
    const rows = this.#rows.get(row.id);
    if (rows === undefined) {
      this.#rows.set(flat(row.id), [row]);
      this.#sortedIds = undefined;
      return;
    }
    const last = rows.at(-1) as Duplicate;
    if (last.startMs > row.startMs) rows.splice(firstFrom(rows, row.startMs + 1), 0, row);
    else if (rows.length < FEW) this.#rows.set(last.id, [...rows, row]);
    else rows.push(row);
  }

  #firstOf(key: K, windowStartMs: number): Duplicate | undefined {
    return this.#of(key, windowStartMs, windowStartMs, isAlive)[0];
  }

  /** Those of a key that start in this range, both ends inclusive, by start, then as they were put. */
  #of(key: K, fromMs: number, toMs: number, isWanted: (row: Duplicate) => boolean): Duplicate[] {
    return inRange(this.#rows.get(this.#keys.idOf(key)), fromMs, toMs, isWanted);
  }

  /** The same of all keys, in the order of their bytes. */
  #ofAll(fromMs: number, toMs: number): Duplicate[] {
    this.#sortedIds ??= [...this.#rows.keys()]
      .map((id) => ({ id, text: this.#keys.textOf(id) }))
      .sort((a, b) => (a.text < b.text ? -1 : 1))
      .map(({ id }) => id);
    return this.#sortedIds.flatMap((id) => inRange(this.#rows.get(id), fromMs, toMs, isAlive));
  }

  *#windowed(find: () => Duplicate[], reverse: boolean): Generator<[Windowed<K>, V], void> {
    const found = find();
    for (const row of this.#walks.over(reverse ? found.reverse() : found)) {
      const { id, startMs } = row;
      const key = this.#keys.keyOf(Buffer.from(this.#keys.bytesOf(id)));
      yield [{ key, startMs, endMs: startMs + this.#windowSizeMs }, this.#valueOf(row)];
    }
  }

  #valueOf(row: Duplicate): V {
    const bytes = this.#storedOf(row);
    return readRow(this.name, this.#serde, row.id, this.#timed ? untimed(bytes) : bytes);
  }

  #rowOf(row: Duplicate): TableRow<V> {
    const bytes = this.#storedOf(row);
    const value = readRow(this.name, this.#serde, row.id, this.#timed ? untimed(bytes) : bytes);
    return { value, timestampMs: this.#timed ? timeOf(bytes) : NO_TIME };
  }

  /** As on disk, the caller's own. @throws StreamsError STORE_DAMAGED */
  #storedOf(row: Duplicate): Buffer {
    const { block, at, length, isCommitted } = row;
    const bytes = isCommitted ? this.#blocks.read(block) : block?.bytes;
    if (bytes !== undefined) {
      const own = Buffer.allocUnsafe(length);
      bytes.copy(own, 0, at, at + length);
      return own;
    }
    const stored = this.#committed.get(this.name, this.#bytesOf(row));
    if (stored === undefined)
      throw new StreamsError('STORE_DAMAGED', `a row of the store "${this.name}" is not there any more`);
    this.#keep(row, stored);
    return stored;
  }

  #keep(row: Duplicate, stored: Buffer): void {
    const kept = this.#blocks.keep(stored);
    if (kept === undefined) return;
    if (row.block !== undefined) this.#blocks.remove(row.block);
    [row.block, row.at, row.length] = [kept, 0, stored.length];
  }

  /** Its key on disk. */
  #bytesOf({ id, startMs, number }: Duplicate): Buffer {
    const { isText } = this.#keys;
    const keyBytes = isText ? Buffer.byteLength(id) : id.length;
    const bytes = Buffer.allocUnsafe(WINDOW_START_BYTES + keyBytes + NUMBER_BYTES);
    writeTime(bytes, startMs, 0);
    bytes.write(id, WINDOW_START_BYTES, isText ? 'utf8' : 'latin1');
    writeTime(bytes, number, WINDOW_START_BYTES + keyBytes);
    return bytes;
  }
}

function isAlive({ isDeleted }: Duplicate): boolean {
  return !isDeleted;
}

function inRange(
  rows: readonly Duplicate[] | undefined,
  fromMs: number,
  toMs: number,
  isWanted: (row: Duplicate) => boolean,
): Duplicate[] {
  const found: Duplicate[] = [];
  if (rows === undefined) return found;
  for (let at = firstFrom(rows, fromMs); at < rows.length; at += 1) {
    const row = rows[at] as Duplicate;
    if (row.startMs > toMs) break;
    if (isWanted(row)) found.push(row);
  }
  return found;
}

/** The index of the first row that starts at this time or later. */
function firstFrom(rows: readonly Duplicate[], startMs: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle] as Duplicate).startMs < startMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Not copied: they are copied where they go to. @throws TypeError for what is no bytes. */
function valueBytes(bytes: unknown): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : refuseAnswer(bytes, 'a Buffer');
}
