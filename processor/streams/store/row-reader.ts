import { knownOf } from '../topology/serdes.ts';
import { storedBytes } from '../topology/user-code.ts';
import type { CachedRow } from './cached-row.ts';
import { passingDataKey, passingTextKey } from './data-key.ts';
import { Packed } from './packed-value.ts';
import type { StoreCache } from './record-cache.ts';
import type { EntryHash, StateStore, StoreChange } from './state-store.ts';
import { noteHash } from './store-digest.ts';
import { readRow } from './stored-row.ts';
import { RowChange } from './row-change.ts';
import { NO_TIME, timedBytes, timeOf, timeOfText, untimed } from './timed-row.ts';
import type { StoreSpec, TableRow } from './typed-store.ts';

interface RowReaderOptions<V> extends Pick<StoreSpec<V>, 'name' | 'serde' | 'timed'> {
  readonly committed: StateStore;
  readonly cache: StoreCache;
  /** The row's key on disk. */
  readonly keyOf: (id: string, group: number) => Buffer;
  /** Of an id of ASCII text that is the key. */
  readonly idsAreKeys?: boolean;
}

/** Stands for a row of which the value and the time are kept, and no bytes. */
const AS_VALUE = Symbol('as value');

/** An uncommitted write. Its hash is that of the row that it replaces until it is flushed, then that of its own. */
export interface WrittenRow<V> extends EntryHash {
  readonly value: V | Packed | symbol;
  readonly timestampMs: number;
  /** The committed row; undefined when it is not known, or not kept. */
  previous: CachedRow | undefined;
  /** What the cache is to have when it is committed; undefined: the row is not flushed, or written to since. */
  flushed: string | null | typeof AS_VALUE | undefined;
}

/**
 * The committed rows of one store: out of the cache, or else out of the committed state. They are kept as bytes, out of
 * which each read makes a value of its own, as a shared object would let a caller change state that it never put; a
 * value that nobody can change is made once.
 */
export class RowReader<V> {
  readonly #name: string;
  readonly #serde: StoreSpec<V>['serde'];
  readonly #timed: boolean;
  readonly #committed: StateStore;
  readonly #cache: StoreCache;
  readonly #keyOf: (id: string, group: number) => Buffer;
  readonly #idsAreKeys: boolean;
  readonly #areBytesNew: boolean;
  /** Reading a value neither keeps nor changes its bytes. */
  readonly #areBytesLeft: boolean;
  readonly #isExact: ((value: number) => boolean) | undefined;

  constructor({ name, serde, timed = false, committed, cache, keyOf, idsAreKeys = false }: RowReaderOptions<V>) {
    this.#name = name;
    this.#serde = serde;
    this.#timed = timed;
    this.#committed = committed;
    this.#cache = cache;
    this.#keyOf = keyOf;
    this.#idsAreKeys = idsAreKeys;
    const { hasNewBytes = false, isExact, leavesBytes = false } = knownOf(serde);
    this.#areBytesNew = hasNewBytes;
    this.#areBytesLeft = leavesBytes;
    this.#isExact = isExact;
  }

  /** `group`: as in CachedRow. */
  read(id: string, group = 0): CachedRow {
    const known = this.#cache.get(id, group);
    if (known !== undefined) return known;
    const ofText = this.#idsAreKeys ? this.#committed.getText?.(this.#name, id) : undefined;
    const bytes = ofText === undefined ? this.#committed.get(this.#name, this.#keyOf(id, group)) : ofText;
    return this.#cache.found(id, bytes ?? undefined, group);
  }

  /** Without a read of the committed state. */
  peek(id: string, group = 0): CachedRow | undefined {
    return this.#cache.peek(id, group);
  }

  /** Undefined: there is no row. */
  valueOf(row: CachedRow): V | undefined {
    if (row.value !== undefined) return row.value as V;
    const bytes = this.#areBytesLeft ? (row.raw ?? row.bytes()) : row.bytes();
    if (bytes === null || bytes === undefined) return undefined;
    const value = readRow(this.#name, this.#serde, row.id, this.#timed ? untimed(bytes) : bytes);
    this.#cache.share(row, value);
    return value;
  }

  rowOf(row: CachedRow): TableRow<V> | undefined {
    if (row.text === null) return undefined;
    if (Number.isNaN(row.timestampMs)) row.timestampMs = this.#timed ? timeIn(row) : NO_TIME;
    return { value: this.valueOf(row) as V, timestampMs: row.timestampMs };
  }

  /**
   * The change that a write makes. `isDeleted`: its value is none.
   * @throws NodeFailure naming the store, for what its serde throws.
   */
  flush(row: WrittenRow<V>, isDeleted: boolean, id: string, group = 0): StoreChange {
    const value = isDeleted ? null : this.#bytesOf(row.value as V | Packed, row.timestampMs);
    row.flushed = this.#flushed(row.value, value);
    // Its own hash stands for that of the row before it: the change takes that over.
    const previous = row.isKnown ? row : row.previous?.previous();
    const ofText = this.#idsAreKeys ? RowChange.ofText(this.#name, id, value, previous, row) : undefined;
    const change = ofText ?? RowChange.of(this.#name, this.#keyOf(id, group), value, previous, row);
    row.isKnown = false;
    return change;
  }

  /** A write is over. `isCommitted`: all that was flushed is; else it is undone, or nobody knows. */
  settle(written: WrittenRow<V>, isCommitted: boolean, id: string, group = 0): void {
    const { flushed, value, timestampMs, previous } = written;
    // mutant: cache-only-committed
    if (isCommitted && flushed !== undefined) {
      const row =
        flushed === AS_VALUE
          ? this.#cache.keepValue(id, value as number, this.#timed ? timestampMs : NO_TIME, group, previous)
          : this.#cache.keep(id, flushed, group, previous);
      if (row === undefined) return;
      row.low = written.low;
      row.high = written.high;
      row.isKnown = written.isKnown;
    } else this.#cache.forget(id, group);
  }

  /**
   * Notes the hash of a row that was read and is in no cache: all that a commit needs of it. Its bytes need not outlive
   * the read then, as thousands would until the commit. False: it is in the cache, or there is none.
   */
  noteHashOf({ store, raw, id, group }: CachedRow, into: EntryHash): boolean {
    if (store !== undefined || raw === undefined) return false;
    const whole = this.#idsAreKeys ? passingTextKey(this.#name, id) : undefined;
    noteHash(whole ?? passingDataKey(this.#name, this.#keyOf(id, group)), raw, into);
    return true;
  }

  close(): void {
    this.#cache.close();
  }

  /** A row as it is on disk. */
  #bytesOf(value: V | Packed, timestampMs: number): Buffer {
    const bytes =
      value instanceof Packed ? value.bytes : storedBytes(this.#name, this.#serde, value, this.#areBytesNew);
    return this.#timed ? timedBytes(timestampMs, bytes) : bytes;
  }

  /** As text, where bytes are kept: a serde may go on changing its own. */
  #flushed(value: unknown, bytes: Buffer | null): WrittenRow<V>['flushed'] {
    if (!this.#cache.keepsRows) return undefined;
    if (bytes === null) return null;
    return typeof value === 'number' && this.#isExact?.(value) === true ? AS_VALUE : bytes.toString('latin1');
  }
}

/** What a store is told of the row that a write replaces, where that is not flushed. It is told once. */
export function takePrevious(row: WrittenRow<unknown>): StoreChange['previous'] {
  if (!row.isKnown) return row.previous?.previous();
  row.isKnown = false;
  return { low: row.low, high: row.high, isKnown: true };
}

/** Of a timed row as it is on disk. */
function timeIn({ raw, text }: CachedRow): number {
  return raw === undefined ? timeOfText(text ?? '') : timeOf(raw);
}
