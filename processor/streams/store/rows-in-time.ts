/** What is kept in order of time. */
export interface TimedRow {
  readonly startMs: number;
  /** It is among the rows in time. */
  isListed: boolean;
}

interface Span<R> {
  readonly rows: R[];
  /** What is before it is taken. */
  from: number;
  isSorted: boolean;
}

/** In so many spans the time lies that rows are kept for. */
const SPANS = 32;

/**
 * Rows in spans of time, for taking the oldest ones out: a row goes to the end of its span, and a span is sorted when
 * its turn has come.
 */
export class RowsInTime<R extends TimedRow> {
  readonly #spanMs: number;
  readonly #spans = new Map<number, Span<R>>();
  /** The numbers of the spans, in order. */
  readonly #order: number[] = [];

  /** @param keptMs for how long rows are kept; Infinity: none is ever taken, and none is listed. */
  constructor(keptMs: number) {
    this.#spanMs = Math.max(1, Math.ceil(keptMs / SPANS));
  }

  add(row: R): void {
    if (this.#spanMs === Infinity) return;
    const at = Math.floor(row.startMs / this.#spanMs);
    row.isListed = true;
    const span = this.#spans.get(at);
    if (span === undefined) {
      this.#spans.set(at, { rows: [row], from: 0, isSorted: true });
      this.#insert(at);
      return;
    }
    if (span.isSorted && row.startMs < (span.rows.at(-1) as R).startMs) span.isSorted = false;
    span.rows.push(row);
  }

  /** Takes the oldest row out, if it is older than this. */
  takeBefore(endMs: number): R | undefined {
    for (;;) {
      const [at] = this.#order;
      if (at === undefined || at * this.#spanMs >= endMs) return undefined;
      const span = this.#spans.get(at) as Span<R>;
      if (!span.isSorted) {
        span.rows.splice(0, span.from);
        span.from = 0;
        span.rows.sort((a, b) => a.startMs - b.startMs);
        span.isSorted = true;
      }
      const row = span.rows[span.from];
      if (row === undefined) {
        this.#order.shift();
        this.#spans.delete(at);
        continue;
      }
      if (row.startMs >= endMs) return undefined;
      span.from += 1;
      row.isListed = false;
      return row;
    }
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
