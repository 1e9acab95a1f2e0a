import { isInRange, type KeyTextRange, walkRange } from './key-range.ts';
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
  const index = table.index(order);
  const rows: Row[] = [];
  let hasNextPage = false;
  const inRange = range === null ? null : sortedRange(table, range, index);
  const visit = (row: Row): boolean => {
    if (after !== null && index.compare(row, after) <= 0) return true;
    if (range !== null && inRange === null && !isInRange(range, row)) return true;
    if (!test(row)) return true;
    hasNextPage = rows.length === first;
    if (!hasNextPage) rows.push(row);
    return !hasNextPage;
  };
  if (inRange === null) index.walk(after ?? undefined, visit);
  else inRange.every(visit);
  return { rows, hasNextPage };
}

/** The rows of a short range in the order of `index`; null for a long range. */
function sortedRange(table: RowTable, range: KeyTextRange, index: RowIndex): Row[] | null {
  const rows: Row[] = [];
  walkRange(table.byKey, range, (row) => rows.push(row) <= MOST_SORTED);
  return rows.length > MOST_SORTED ? null : rows.sort(index.compare);
}

/** How many rows of a range pass a test. */
export function countOf(table: RowTable, range: KeyTextRange | null, test: RowTest): number {
  let count = 0;
  const visit = (row: Row): boolean => {
    if (test(row)) count += 1;
    return true;
  };
  if (range !== null) walkRange(table.byKey, range, visit);
  else for (const row of table.all()) visit(row);
  return count;
}
