import { FollowedBytes } from '../limits/followed-bytes.ts';
import type { RowTest } from '../tables/row-filter.ts';
import type { RowOrderFunction } from '../tables/row-index.ts';
import type { Row } from '../tables/row.ts';

export interface FollowedRowsOptions {
  /** What filter and rights say of a row. */
  readonly test: RowTest;
  readonly compare: RowOrderFunction;
  /** Only so many, in that order; null: all. */
  readonly first: number | null;
  /** Of all ranges that are followed; null: what is held here is bounded by its keys. */
  readonly held: FollowedBytes | null;
}

/** What is new since the rows were told the last time. */
export interface RowsDifference {
  readonly rows: readonly Row[];
  readonly removed: readonly Row[];
}

/** The rows that one subscriber has asked for, as they are now, and what he has been told of them. */
export class FollowedRows {
  readonly #options: FollowedRowsOptions;
  readonly #rows = new Map<string, Row>();
  /** Of each row that has changed since: what the subscriber has; null: nothing. */
  readonly #told = new Map<string, Row | null>();
  /** Of a bounded selection: the rows that the subscriber has. */
  #first: readonly Row[] = [];
  #bytes = 0;
  #isOver = false;

  constructor(options: FollowedRowsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** A row has come since they were empty for which there is no room among all that are followed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** `row`: null where there is none in this partition; one of another partition stays. */
  set(keyText: string, row: Row | null, partition: number): void {
    const wanted = row !== null && this.#options.test(row) ? row : null;
    const before = this.#rows.get(keyText) ?? null;
    if (wanted === null && (before === null || before.partition !== partition)) return;
    if (!this.#told.has(keyText)) this.#told.set(keyText, before);
    if (wanted === null) this.#rows.delete(keyText);
    else this.#rows.set(keyText, wanted);
    this.#count(wanted, before);
  }

  /** Nothing has been read yet, or all of it is read anew. */
  clear(): void {
    this.#rows.clear();
    this.#told.clear();
    this.#first = [];
    this.#options.held?.changed(-this.#bytes);
    this.#bytes = 0;
    this.#isOver = false;
  }

  #count(row: Row | null, before: Row | null): void {
    const { held } = this.#options;
    if (held === null) return;
    const more = (row === null ? 0 : FollowedBytes.ofRow(row)) - (before === null ? 0 : FollowedBytes.ofRow(before));
    this.#bytes += more;
    if (held.changed(more)) this.#isOver = true;
  }

  /** All rows, in order; the subscriber has them from now on. */
  whole(): readonly Row[] {
    const rows = this.#inOrder();
    this.#told.clear();
    this.#first = this.#options.first === null ? [] : rows;
    return rows;
  }

  /** Null where there is none; the subscriber knows it from now on. */
  difference(): RowsDifference | null {
    if (this.#told.size === 0) return null;
    const difference = this.#options.first === null ? this.#changed() : this.#replaced();
    this.#told.clear();
    return difference.rows.length + difference.removed.length === 0 ? null : difference;
  }

  #inOrder(): readonly Row[] {
    const { compare, first } = this.#options;
    const rows = [...this.#rows.values()].sort(compare);
    return first === null ? rows : rows.slice(0, first);
  }

  #changed(): RowsDifference {
    const rows: Row[] = [];
    const removed: Row[] = [];
    for (const [keyText, told] of this.#told) {
      const row = this.#rows.get(keyText);
      if (row === undefined) {
        if (told !== null) removed.push(told);
      } else if (row !== told) rows.push(row);
    }
    return { rows: rows.sort(this.#options.compare), removed };
  }

  #replaced(): RowsDifference {
    const before = new Map(this.#first.map((row) => [row.name, row]));
    const rows = this.#inOrder();
    const now = new Set(rows.map(({ name }) => name));
    const removed = this.#first.filter(({ name }) => !now.has(name));
    this.#first = rows;
    return { rows: rows.filter((row) => before.get(row.name) !== row), removed };
  }
}
