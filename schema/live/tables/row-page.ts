import { isInRange, type KeyTextRange, rowsOfRange } from './key-range.ts';
import type { RowTest } from './row-filter.ts';
import type { RowIndex } from './row-index.ts';
import type { RowOrder, RowTable } from './row-table.ts';
import type { Row, RowPlace } from './row.ts';

export interface PageRequest {
  /** How many rows, at most. */
  readonly first: number;
  /** The place after which the page begins, in its own order. */
  readonly after: RowPlace | null;
  readonly range: KeyTextRange | null;
  /** Every row of a page passes it. */
  readonly test: RowTest;
  readonly order: RowOrder;
}

export interface RowPage {
  readonly rows: readonly Row[];
  readonly hasNextPage: boolean;
}

/** Up to so many rows of a range of keys are sorted for a page; of a longer range the order's own index is walked. */
const MOST_SORTED = 2_000;

/** A page of the rows as they are now. */
export function pageOf(table: RowTable, { first, after, range, test, order }: PageRequest): RowPage {
  const { index, isReversed } = table.index(order);
  const inRange = range === null ? null : sortedRange(table, range, index, isReversed);
  const rows: Row[] = [];
  const walked = inRange ?? (isReversed ? index.reversed(after ?? undefined) : index.rows(after ?? undefined));
  for (const row of walked) {
    if (after !== null && !isAfter(index, isReversed, after, row)) continue;
    if (range !== null && inRange === null && !isInRange(range, row)) continue;
    if (!test(row)) continue;
    if (rows.length === first) return { rows, hasNextPage: true };
    rows.push(row);
  }
  return { rows, hasNextPage: false };
}

/** The rows of a short range in the order of `index`; null for a long range. */
function sortedRange(table: RowTable, range: KeyTextRange, index: RowIndex, isReversed: boolean): Row[] | null {
  const rows: Row[] = [];
  for (const row of rowsOfRange(table.byKey, range)) {
    if (rows.length === MOST_SORTED) return null;
    rows.push(row);
  }
  const sign = isReversed ? -1 : 1;
  return rows.sort((a, b) => sign * index.compare(a, b));
}

function isAfter(index: RowIndex, isReversed: boolean, after: RowPlace, row: Row): boolean {
  const order = index.compare(row, after);
  return isReversed ? order < 0 : order > 0;
}

/** How many rows of a range pass a test. */
export function countOf(table: RowTable, range: KeyTextRange | null, test: RowTest): number {
  let count = 0;
  for (const row of rowsOfRange(table.byKey, range)) if (test(row)) count += 1;
  return count;
}
