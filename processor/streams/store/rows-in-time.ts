import { GONE, LISTED, NONE, type DuplicateRows } from './duplicate-rows.ts';

/** Rows one behind the other, by `next`. */
interface Span {
  first: number;
  last: number;
  rows: number;
  isSorted: boolean;
}

/** In so many spans the time lies that rows are kept for. */
const SPANS = 32;

/**
 * Rows in spans of time, for taking the oldest ones out: a row goes to the end of its span, and a span is sorted when
 * its turn has come.
 */
export class RowsInTime {
  readonly #rows: DuplicateRows;
  readonly #spanMs: number;
  readonly #spans = new Map<number, Span>();
  #size = 0;
  /** The numbers of the spans, in order. */
  readonly #order: number[] = [];

  /** @param keptMs for how long rows are kept; Infinity: none is ever taken, and none is listed. */
  constructor(rows: DuplicateRows, keptMs: number) {
    this.#rows = rows;
    this.#spanMs = Math.max(1, Math.ceil(keptMs / SPANS));
  }

  get size(): number {
    return this.#size;
  }

  add(row: number): void {
    if (this.#spanMs === Infinity) return;
    this.#size += 1;
    const { startMs, next } = this.#rows;
    const at = Math.floor((startMs[row] as number) / this.#spanMs);
    this.#rows.set(row, LISTED);
    next[row] = NONE;
    const span = this.#spans.get(at);
    if (span === undefined) {
      this.#spans.set(at, { first: row, last: row, rows: 1, isSorted: true });
      this.#insert(at);
      return;
    }
    if (span.first === NONE) span.first = row;
    else {
      if (span.isSorted && (startMs[row] as number) < (startMs[span.last] as number)) span.isSorted = false;
      next[span.last] = row;
    }
    span.last = row;
    span.rows += 1;
  }

  /** Takes the oldest row out, if it is older than this; else NONE. */
  takeBefore(endMs: number): number {
    for (;;) {
      const at = this.#order[0];
      if (at === undefined || at * this.#spanMs >= endMs) return NONE;
      const span = this.#spans.get(at) as Span;
      if (!span.isSorted) this.#sort(span);
      const row = span.first;
      if (row === NONE) {
        this.#order.shift();
        this.#spans.delete(at);
        continue;
      }
      if ((this.#rows.startMs[row] as number) >= endMs) return NONE;
      span.first = this.#rows.next[row] as number;
      span.rows -= 1;
      this.#size -= 1;
      this.#rows.unset(row, LISTED);
      return row;
    }
  }

  /** Takes out, and frees, all rows that are gone. */
  sweep(): void {
    const { next } = this.#rows;
    for (const span of this.#spans.values()) {
      const { first } = span;
      span.first = span.last = NONE;
      this.#size -= span.rows;
      span.rows = 0;
      for (let row = first, after = NONE; row !== NONE; row = after) {
        after = next[row] as number;
        if (this.#rows.is(row, GONE)) {
          this.#rows.unset(row, LISTED);
          this.#rows.free(row);
          continue;
        }
        if (span.first === NONE) span.first = row;
        else next[span.last] = row;
        next[row] = NONE;
        span.last = row;
        span.rows += 1;
      }
      // There is nothing to sort in what is empty.
      if (span.first === NONE) span.isSorted = true;
      this.#size += span.rows;
    }
  }

  /** Those of one start stay as they came. */
  #sort(span: Span): void {
    const { startMs, next } = this.#rows;
    const rows = new Int32Array(span.rows);
    for (let at = 0, row = span.first; row !== NONE; at += 1, row = next[row] as number) rows[at] = row;
    rows.sort((a, b) => (startMs[a] as number) - (startMs[b] as number));
    for (let at = 1; at < rows.length; at += 1) next[rows[at - 1] as number] = rows[at] as number;
    span.first = rows[0] as number;
    span.last = rows[rows.length - 1] as number;
    next[span.last] = NONE;
    span.isSorted = true;
  }

  #insert(at: number): void {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    this.#order.splice(low, 0, at);
  }
}
