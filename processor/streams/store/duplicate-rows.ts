/** In place of a row, of a key and of a block of values: none. */
export const NONE = -1;

/** What is so of a row, a bit each. */
export const COMMITTED = 1;
/** By a write that may not be committed yet. */
export const DELETED = 2;
/** It is among the rows in time. */
export const LISTED = 4;
/** The hash of its entry is known. */
export const HASHED = 8;
/** Deleted, and not to come back. */
export const GONE = 16;
/** Its committed value is known to its store, as a number. */
export const NUMBER = 32;

const LEAST_ROWS = 16;

/**
 * What a store of duplicates knows of its rows, in columns. A row is its place in them, until it is freed, and never an
 * object: of those there would be hundreds of thousands that live for minutes, which the garbage collector would go
 * through again and again.
 */
export class DuplicateRows {
  startMs = new Float64Array(LEAST_ROWS);
  /** Of the rows of one start, in the order of their puts. */
  number = new Float64Array(LEAST_ROWS);
  /** As RowsOfKeys has it. */
  key = new Int32Array(LEAST_ROWS);
  /** Where its value is in memory, or was; NONE: it has not been since the store was opened. */
  block = new Int32Array(LEAST_ROWS);
  at = new Int32Array(LEAST_ROWS);
  length = new Int32Array(LEAST_ROWS);
  /** The hash of its entry. */
  low = new Int32Array(LEAST_ROWS);
  high = new Int32Array(LEAST_ROWS);
  /** The one behind it, as RowsInTime has them, or among those that are free. */
  next = new Int32Array(LEAST_ROWS);
  #flags = new Uint8Array(LEAST_ROWS);
  /** The first of those that are free. */
  #free = NONE;
  /** So many have been in use. */
  #used = 0;

  add(startMs: number, number: number, key: number, flags: number): number {
    let row = this.#free;
    if (row === NONE) {
      row = this.#used;
      if (row === this.startMs.length) this.#grow();
      this.#used += 1;
    } else this.#free = this.next[row] as number;
    this.startMs[row] = startMs;
    this.number[row] = number;
    this.key[row] = key;
    this.block[row] = NONE;
    this.#flags[row] = flags;
    return row;
  }

  /** By a commit, or by the end of an attempt at one: it is committed then, and not deleted. False: it is gone. */
  settles(row: number, isCommitted: boolean): boolean {
    if (isCommitted ? this.is(row, DELETED) : !this.is(row, COMMITTED)) return false;
    this.set(row, COMMITTED);
    // mutant: undone-rows
    this.unset(row, DELETED);
    return true;
  }

  /** Nobody knows the row any more. */
  free(row: number): void {
    this.next[row] = this.#free;
    this.#free = row;
  }

  /** All of these are so. */
  is(row: number, flags: number): boolean {
    return ((this.#flags[row] as number) & flags) === flags;
  }

  set(row: number, flags: number): void {
    this.#flags[row] = (this.#flags[row] as number) | flags;
  }

  unset(row: number, flags: number): void {
    this.#flags[row] = (this.#flags[row] as number) & ~flags;
  }

  #grow(): void {
    const rows = 2 * this.startMs.length;
    this.startMs = copied(this.startMs, new Float64Array(rows));
    this.number = copied(this.number, new Float64Array(rows));
    this.key = copied(this.key, new Int32Array(rows));
    this.block = copied(this.block, new Int32Array(rows));
    this.at = copied(this.at, new Int32Array(rows));
    this.length = copied(this.length, new Int32Array(rows));
    this.low = copied(this.low, new Int32Array(rows));
    this.high = copied(this.high, new Int32Array(rows));
    this.next = copied(this.next, new Int32Array(rows));
    this.#flags = copied(this.#flags, new Uint8Array(rows));
  }
}

/** The larger one, which begins as the smaller one. */
export function copied<A extends Float64Array | Int32Array | Uint8Array>(smaller: A, larger: A): A {
  larger.set(smaller);
  return larger;
}
