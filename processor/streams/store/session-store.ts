import { StreamsError } from '../errors.ts';
import { PassingBytes } from '../passing-bytes.ts';
import { knownOf } from '../topology/serdes.ts';
import { storedBytes } from '../topology/user-code.ts';
import type { Windowed } from '../topology/windowed-serdes.ts';
import { CompositeIds, NUMBER_BYTES, type DiskLayout } from './composite-ids.ts';
import { COMMITTED, copied, DELETED, DuplicateRows, GONE, HASHED, LISTED, NONE, NUMBER } from './duplicate-rows.ts';
import { storePrefix } from './data-key.ts';
import type { KeyIndex } from './key-index.ts';
import { packed, Packed } from './packed-value.ts';
import { RowChange } from './row-change.ts';
import { RowsInTime } from './rows-in-time.ts';
import { RowsOfKeys } from './rows-of-keys.ts';
import type { EntryHash, StateStore, StoreChange } from './state-store.ts';
import { storeKeys, type StoreKeys } from './store-keys.ts';
import { readRow } from './stored-row.ts';
import { asTime } from './time-bounds.ts';
import { NO_TIME, timedBytes, timeOf, timeOrNone, untimed } from './timed-row.ts';
import type { LiveSessionStore, SessionRow, SessionStore, StoreSpec, TableRow } from './typed-store.ts';
import { Walks } from './walks.ts';
import { checkWindowStart, writeTime } from './window-key.ts';

/** So many rows that are gone are kept as they are, however few there are. */
const MOST_GONE = 1_024;

/** On disk 8 bytes of the end, 8 of the start, then the key: what ended first is at the front. */
export const SESSION_LAYOUT: DiskLayout = {
  numbers: 2,
  join: (key, numbers) => numbers + key,
  split: (bytes) => ({ numbers: bytes.slice(0, 16), key: bytes.slice(16) }),
};

/**
 * A session store over the committed state of its task.
 * @throws TypeError when the name is illegal or `retentionMs` is missing or below 0.
 */
export function createSessionStore<V, K = string>(
  spec: StoreSpec<V, K>,
  committed: StateStore,
  index: KeyIndex,
): LiveSessionStore<K, V> {
  storePrefix(spec.name);
  const { retentionMs } = spec;
  if (retentionMs === undefined || !(retentionMs >= 0))
    throw new TypeError(`session store "${spec.name}" needs a retentionMs of 0 or more`);
  return new OpenSessionStore({ ...spec, retentionMs }, committed, index);
}

/**
 * Which sessions there are is in memory, in columns of numbers: a record finds those of its key without a text of any,
 * and what ends first is found without a read of the disk. Values are read where they are committed, but for numbers:
 * those of rows that this process has written or read are in a column, too.
 */
class OpenSessionStore<K, V> implements LiveSessionStore<K, V> {
  readonly name: string;
  readonly retentionMs: number;
  readonly idOf: (key: K) => string;
  readonly #keys: StoreKeys<K>;
  readonly #serde: StoreSpec<V>['serde'];
  readonly #timed: boolean;
  readonly #areBytesNew: boolean;
  /** The serde gives these numbers back as they were. */
  readonly #isExact: ((value: number) => boolean) | undefined;
  readonly #committed: StateStore;
  /** `startMs` is the end of a session here, `number` its start, and `block` its place in `#changed`, if it has one. */
  readonly #rows = new DuplicateRows();
  /** Committed values of rows that are NUMBER. */
  #numbers = new Float64Array(0);
  /** Those with uncommitted writes, too. */
  readonly #ofKeys: RowsOfKeys;
  readonly #inTime: RowsInTime;
  /** So many that are in it are gone: a session that goes on is another row. */
  #goneInTime = 0;
  readonly #walks: Walks;
  /** Rows with uncommitted writes, in the order of the first one, and what was written. NONE: it is gone since. */
  #changed: number[] = [];
  #values: (V | Packed | undefined)[] = [];
  #times: number[] = [];
  /** Places in `#changed` whose rows are gone: who extends one session over and over takes the same again. */
  #freePlaces: number[] = [];
  /** Of the rows that have been flushed since the last commit, which each has its hash when it is committed. */
  #flushed: number[] = [];
  #hashes: EntryHash[] = [];
  /** What was looked for last, and what it is: a record looks for its key several times. */
  #lastId: string | undefined;
  #lastOfKey = NONE;
  /** Keys on disk that are asked for. */
  readonly #passing = new PassingBytes();

  constructor(spec: StoreSpec<V, K> & { readonly retentionMs: number }, committed: StateStore, index: KeyIndex) {
    const { name, retentionMs, serde, timed = false } = spec;
    this.#keys = storeKeys(spec.key);
    this.name = name;
    this.retentionMs = retentionMs;
    this.idOf = this.#keys.idOf;
    this.#serde = serde;
    this.#timed = timed;
    const { hasNewBytes, isExact } = knownOf(serde);
    this.#areBytesNew = hasNewBytes === true;
    // The time of a timed row is on disk alone.
    this.#isExact = timed ? undefined : isExact;
    this.#committed = committed;
    committed.leaveKeys?.(name);
    this.#ofKeys = new RowsOfKeys(this.#rows, this.#keys);
    this.#inTime = new RowsInTime(this.#rows, retentionMs);
    this.#walks = new Walks(name);
    const ids = new CompositeIds(this.#keys, SESSION_LAYOUT);
    for (const text of index.takeAll()) {
      const row = this.#add(ids.keyIdOf(text), ids.numberOf(text, 1), ids.numberOf(text, 0));
      this.#rows.set(row, COMMITTED);
      this.#inTime.add(row);
    }
  }

  get(key: K, startMs: number, endMs: number): V | undefined {
    return this.row(key, startMs, endMs)?.value;
  }

  row(key: K, startMs: number, endMs: number): TableRow<V> | undefined {
    const id = this.#keys.idOf(key);
    const row = this.#find(id, startMs, endMs);
    return row === NONE || this.#rows.is(row, DELETED) ? undefined : this.#rowOf(row, id);
  }

  committedRow(key: K, startMs: number, endMs: number): TableRow<V> | undefined {
    const id = this.#keys.idOf(key);
    const row = this.#find(id, startMs, endMs);
    return row === NONE || !this.#rows.is(row, COMMITTED) ? undefined : this.#committedRow(row, id);
  }

  /** One that came and went since the last commit is not: it is as it was. */
  isChanged(key: K, startMs: number, endMs: number): boolean {
    const row = this.#find(this.#keys.idOf(key), startMs, endMs);
    return row !== NONE && this.#rows.block[row] !== NONE;
  }

  put(key: K, startMs: number, endMs: number, value: V, timestampMs: number = NO_TIME): void {
    this.#put(this.#keys.idOf(key), startMs, endMs, value, timestampMs);
  }

  delete(key: K, startMs: number, endMs: number): void {
    const row = this.#find(this.#keys.idOf(key), startMs, endMs);
    this.#walks.wrote();
    if (row !== NONE) this.#delete(row);
  }

  find(key: K, fromMs: number, toMs: number): SessionRow<V>[] {
    const id = this.#keys.idOf(key);
    const found = this.#found(id, fromMs, toMs) as (number | SessionRow<V>)[];
    for (let at = 0; at < found.length; at += 1) {
      const row = found[at] as number;
      const { value, timestampMs } = this.#rowOf(row, id);
      found[at] = {
        value,
        timestampMs,
        startMs: this.#rows.number[row] as number,
        endMs: this.#rows.startMs[row] as number,
      };
    }
    return found as SessionRow<V>[];
  }

  ownView(timeOfPut: () => number = () => NO_TIME): SessionStore<K, V> {
    const get = (key: K, startMs: number, endMs: number): V | undefined => {
      const id = this.#keys.idOf(key);
      const row = this.#find(id, startMs, endMs);
      return row === NONE ? undefined : this.#ownOf(row, id);
    };
    const remove = ({ key, startMs, endMs }: Windowed<K>): V | undefined => {
      const before = get(key, startMs, endMs);
      this.delete(key, startMs, endMs);
      return before;
    };
    const time = (timeMs: number): number => asTime(this.name, timeMs);
    return {
      name: this.name,
      get,
      find: (key, fromMs, toMs) => this.#ownRows(key, time(fromMs), time(toMs), false),
      backwardFind: (key, fromMs, toMs) => this.#ownRows(key, time(fromMs), time(toMs), true),
      put: (session, value) => {
        if (value === null) {
          remove(session);
          return;
        }
        const { key, startMs, endMs } = session;
        const id = this.#keys.idOf(key);
        this.#put(id, startMs, endMs, packed(this.#serde, value), timeOrNone(timeOfPut()));
      },
      remove,
    };
  }

  flush(): StoreChange[] {
    const rows = this.#rows;
    const changes: StoreChange[] = [];
    this.#flushed = [];
    this.#hashes = [];
    for (let place = 0; place < this.#changed.length; place += 1) {
      const row = this.#changed[place] as number;
      if (row === NONE) continue;
      if (rows.is(row, DELETED)) {
        changes.push(this.#tombstone(row));
        continue;
      }
      const bytes = this.#bytesOf(place);
      const key = this.#passingBytesOf(row);
      const change = rows.is(row, COMMITTED)
        ? RowChange.of(this.name, key, bytes, this.#hashOf(row), { low: 0, high: 0, isKnown: false })
        : RowChange.ofNew(this.name, key, bytes, 0, bytes.length);
      this.#flushed.push(row);
      this.#hashes.push(change.hash as EntryHash);
      changes.push(change);
    }
    return changes;
  }

  committed(): void {
    for (let place = 0; place < this.#changed.length; place += 1) {
      const row = this.#changed[place] as number;
      if (row !== NONE) this.#noteNumber(row, this.#values[place]);
    }
    this.#settle(true);
  }

  /** The uncommitted writes are undone, or nobody knows: as a whole, so that one of them tells which. */
  clear(): void {
    const rows = this.#rows;
    for (const row of this.#flushed) rows.unset(row, HASHED);
    this.#flushed = [];
    this.#hashes = [];
    // Of a row that is there before and after it is not known which value it has, and it is read anew.
    // mutant: undone-numbers
    for (const row of this.#changed) if (row !== NONE) rows.unset(row, NUMBER);
    const told = this.#changed.find((row) => row !== NONE && rows.is(row, COMMITTED) === rows.is(row, DELETED));
    const isThere = told !== undefined && this.#committed.get(this.name, this.#passingBytesOf(told)) !== undefined;
    this.#settle(told !== undefined && isThere !== rows.is(told, COMMITTED));
  }

  close(): void {
    // It keeps nothing that others could have.
  }

  /** The end of a session is inclusive: one that ends at the horizon is kept. */
  async expireBefore(horizonMs: number, limit: number): Promise<StoreChange[]> {
    const rows = this.#rows;
    for (const row of this.#changed) if (row !== NONE && !rows.is(row, LISTED)) this.#inTime.add(row);
    const tombstones: StoreChange[] = [];
    while (tombstones.length < limit) {
      const row = this.#inTime.takeBefore(Math.ceil(horizonMs));
      if (row === NONE) break;
      if (rows.is(row, GONE)) {
        rows.free(row);
        this.#goneInTime -= 1;
      }
      if (rows.is(row, DELETED)) continue;
      this.#walks.wrote();
      // The change of a row that was flushed before has the place for the hash.
      const isFlushed = rows.block[row] !== NONE;
      rows.set(row, DELETED);
      this.#change(row, undefined, NO_TIME);
      tombstones.push(isFlushed ? RowChange.of(this.name, this.#passingBytesOf(row), null) : this.#tombstone(row));
    }
    return tombstones;
  }

  #tombstone(row: number): StoreChange {
    const rows = this.#rows;
    const key = this.#passingBytesOf(row);
    const isKnown = rows.is(row, HASHED);
    return RowChange.ofGone(this.name, key, isKnown, rows.low[row] as number, rows.high[row] as number);
  }

  #hashOf(row: number): EntryHash | undefined {
    const { low, high } = this.#rows;
    return this.#rows.is(row, HASHED)
      ? { low: low[row] as number, high: high[row] as number, isKnown: true }
      : undefined;
  }

  #put(id: string, startMs: number, endMs: number, value: V | Packed, timestampMs: number): void {
    let row = this.#find(id, startMs, endMs);
    this.#walks.wrote();
    if (row === NONE) row = this.#add(id, startMs, endMs);
    else this.#rows.unset(row, DELETED);
    this.#change(row, value, timestampMs);
  }

  /** It has an uncommitted write. */
  #change(row: number, value: V | Packed | undefined, timestampMs: number): void {
    let place = this.#rows.block[row] as number;
    if (place === NONE) {
      place = this.#freePlaces.pop() ?? this.#changed.length;
      this.#changed[place] = row;
      this.#rows.block[row] = place;
    }
    this.#values[place] = value;
    this.#times[place] = timestampMs;
  }

  #delete(row: number): void {
    const rows = this.#rows;
    if (rows.is(row, COMMITTED)) {
      rows.set(row, DELETED);
      this.#change(row, undefined, NO_TIME);
      return;
    }
    const place = rows.block[row] as number;
    this.#changed[place] = NONE;
    this.#values[place] = undefined;
    this.#freePlaces.push(place);
    this.#remove([row]);
  }

  /** They are gone for good. */
  #remove(gone: readonly number[]): void {
    const rows = this.#rows;
    for (const row of gone) {
      rows.set(row, DELETED | GONE);
      rows.block[row] = NONE;
    }
    this.#ofKeys.removeAll(gone);
    // A key without rows is gone. What is no key at all is not the one before it.
    this.#lastId = undefined;
    this.#lastOfKey = NONE;
    for (const row of gone) {
      // A row in time is freed when it is taken, or when they are more than those that are there.
      if (rows.is(row, LISTED)) this.#goneInTime += 1;
      else rows.free(row);
    }
    if (this.#goneInTime <= MOST_GONE + this.#inTime.size / 2) return;
    this.#inTime.sweep();
    this.#goneInTime = 0;
  }

  /** This is its committed value. */
  #noteNumber(row: number, value: unknown): void {
    const rows = this.#rows;
    if (typeof value !== 'number' || this.#isExact?.(value) !== true) {
      // mutant: no-number-any-more
      rows.unset(row, NUMBER);
      return;
    }
    if (row >= this.#numbers.length) this.#numbers = copied(this.#numbers, new Float64Array(rows.startMs.length));
    this.#numbers[row] = value;
    rows.set(row, NUMBER);
  }

  #settle(isCommitted: boolean): void {
    const rows = this.#rows;
    this.#walks.settled();
    this.#noteHashes();
    const gone: number[] = [];
    for (const row of this.#changed) {
      if (row === NONE) continue;
      if (!rows.settles(row, isCommitted)) {
        gone.push(row);
        continue;
      }
      rows.block[row] = NONE;
      if (!rows.is(row, LISTED)) this.#inTime.add(row);
    }
    this.#remove(gone);
    this.#changed = [];
    this.#values = [];
    this.#times = [];
    this.#freePlaces = [];
  }

  #noteHashes(): void {
    const rows = this.#rows;
    for (let index = 0; index < this.#flushed.length; index += 1) {
      const row = this.#flushed[index] as number;
      const { low, high, isKnown } = this.#hashes[index] as EntryHash;
      rows.low[row] = low;
      rows.high[row] = high;
      if (isKnown) rows.set(row, HASHED);
      else rows.unset(row, HASHED);
    }
    this.#flushed = [];
    this.#hashes = [];
  }

  #add(id: string, startMs: number, endMs: number): number {
    const ofKey = this.#ofKeys.findOrMake(id);
    this.#lastId = id;
    this.#lastOfKey = ofKey;
    const row = this.#rows.add(endMs, startMs, ofKey, 0);
    this.#ofKeys.add(row);
    return row;
  }

  #ofKeyOf(id: string): number {
    if (id !== this.#lastId) {
      this.#lastOfKey = this.#ofKeys.find(id);
      this.#lastId = id;
    }
    return this.#lastOfKey;
  }

  /** NONE: there is no such row, and none that an uncommitted write has deleted. @throws RangeError for no session. */
  #find(id: string, startMs: number, endMs: number): number {
    if (startMs > endMs)
      throw new RangeError(`a session that starts at ${String(startMs)} does not end at ${String(endMs)}`);
    checkWindowStart(endMs);
    checkWindowStart(startMs);
    const ofKey = this.#ofKeyOf(id);
    if (ofKey === NONE) {
      this.#keys.check(id);
      return NONE;
    }
    const end = this.#ofKeys.endOf(ofKey);
    for (let place = this.#ofKeys.firstFrom(ofKey, endMs); place < end; place += 1) {
      const row = this.#ofKeys.rowAt(place);
      if (this.#rows.startMs[row] !== endMs) break;
      if (this.#rows.number[row] === startMs) return row;
    }
    return NONE;
  }

  /** Those of a key that end at `fromMs` or later and start at `toMs` or earlier, by end, then by start. */
  #found(id: string, fromMs: number, toMs: number): number[] {
    const found: number[] = [];
    const ofKey = this.#ofKeyOf(id);
    if (ofKey === NONE) {
      this.#keys.check(id);
      return found;
    }
    const end = this.#ofKeys.endOf(ofKey);
    for (let place = this.#ofKeys.firstFrom(ofKey, fromMs); place < end; place += 1) {
      const row = this.#ofKeys.rowAt(place);
      if ((this.#rows.number[row] as number) <= toMs && !this.#rows.is(row, DELETED)) found.push(row);
    }
    return found;
  }

  *#ownRows(key: K, fromMs: number, toMs: number, reverse: boolean): Generator<[Windowed<K>, V], void> {
    const id = this.#keys.idOf(key);
    const found = this.#found(id, fromMs, toMs);
    for (const row of this.#walks.over(reverse ? found.reverse() : found)) {
      const [startMs, endMs] = [this.#rows.number[row] as number, this.#rows.startMs[row] as number];
      const own = this.#keys.keyOf(this.#keys.bytesOf(id));
      yield [{ key: own, startMs, endMs }, this.#ownOf(row, id) as V];
    }
  }

  /** `id`: of its key. */
  #rowOf(row: number, id: string): TableRow<V> {
    const place = this.#rows.block[row] as number;
    if (place === NONE) return this.#committedRow(row, id);
    const written = this.#values[place];
    const value = written instanceof Packed ? written.open(this.#serde) : (written as V);
    this.#values[place] = value;
    return { value, timestampMs: this.#timed ? (this.#times[place] as number) : NO_TIME };
  }

  /** A value of the caller's own. */
  #ownOf(row: number, id: string): V | undefined {
    if (this.#rows.is(row, DELETED)) return undefined;
    const place = this.#rows.block[row] as number;
    if (place === NONE) return this.#committedRow(row, id).value;
    const value = packed(this.#serde, this.#values[place] as V | Packed);
    return value instanceof Packed ? value.open(this.#serde) : value;
  }

  /** @throws StreamsError STORE_DAMAGED */
  #committedRow(row: number, id: string): TableRow<V> {
    if (this.#rows.is(row, NUMBER)) return { value: this.#numbers[row] as V, timestampMs: NO_TIME };
    const stored = this.#committed.get(this.name, this.#passingBytesOf(row));
    if (stored === undefined)
      throw new StreamsError('STORE_DAMAGED', `a session of the store "${this.name}" is not there any more`);
    const value = readRow(this.name, this.#serde, id, this.#timed ? untimed(stored) : stored);
    this.#noteNumber(row, value);
    return { value, timestampMs: this.#timed ? timeOf(stored) : NO_TIME };
  }

  /** As on disk. */
  #bytesOf(place: number): Buffer {
    const value = this.#values[place] as V | Packed;
    const bytes = value instanceof Packed ? value.bytes : storedBytes(this.name, this.#serde, value, this.#areBytesNew);
    return this.#timed ? timedBytes(this.#times[place] as number, bytes) : bytes;
  }

  /** Its key on disk, for one use at once: the next call changes its bytes. */
  #passingBytesOf(row: number): Buffer {
    const { keys } = this.#ofKeys;
    const key = this.#rows.key[row] as number;
    const keyBytes = keys.lengthOf(key);
    const length = 2 * NUMBER_BYTES + keyBytes;
    const bytes = this.#passing.room(length);
    writeTime(bytes, this.#rows.startMs[row] as number, 0);
    writeTime(bytes, this.#rows.number[row] as number, NUMBER_BYTES);
    keys.copy(key, bytes, 2 * NUMBER_BYTES);
    return bytes;
  }
}
