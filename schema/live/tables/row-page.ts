import { isInRange, type KeyTextRange, walkRange } from './key-range.ts';
import type { RowTest } from './row-filter.ts';
import type { RowIndex } from './row-index.ts';
import type { RowOrder } from './row-indexes.ts';
import type { RowTable } from './row-table.ts';
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

/** Up to so many rows of a range of keys are sorted for a page. */
const MOST_SORTED = 2_000;
/**
 * So many rows of an order are visited before all rows are, in no order: what a filter takes few of would be looked for
 * all over the memory, which costs five times as much.
 */
const MOST_VISITED = 2_000;

/** A page of the rows as they are now. */
export function pageOf(table: RowTable, { first, after, range, test, order }: PageRequest): RowPage {
  const index = table.indexes.in(order);
  const { compare } = index;
  const takes = (row: Row): boolean =>
    (after === null || compare(row, after) > 0) && (range === null || isInRange(range, row)) && test(row);
  const inRange = range === null ? null : shortRange(table, range);
  const rows =
    inRange === null ? firstRows(table, index, first + 1, takes, after) : inRange.filter(takes).sort(compare);
  return { rows: rows.slice(0, first), hasNextPage: rows.length > first };
}

/** The first `most` rows, in the order of `index`, that pass. `after`: rows that are not behind it do not pass. */
export function firstRows(
  table: RowTable,
  index: RowIndex,
  most: number,
  takes: RowTest,
  after: RowPlace | null = null,
): Row[] {
  const rows: Row[] = [];
  let left = MOST_VISITED;
  index.walk(after ?? undefined, (row) => {
    if (takes(row)) rows.push(row);
    left -= 1;
    return rows.length < most && left > 0;
  });
  return left > 0 || rows.length === most ? rows : firstOfAll(table, index, most, takes);
}

function firstOfAll(table: RowTable, { compare }: RowIndex, most: number, takes: RowTest): Row[] {
  let first: Row[] = [];
  let last: Row | undefined;
  const cut = (): void => {
    first = first.sort(compare).slice(0, most);
    last = first[most - 1];
  };
  for (const row of table.all()) {
    if (!takes(row) || (last !== undefined && compare(row, last) > 0)) continue;
    first.push(row);
    if (first.length >= 2 * most + MOST_SORTED) cut();
  }
  cut();
  return first;
}

/** The rows of a short range; null for a long one. */
function shortRange(table: RowTable, range: KeyTextRange): Row[] | null {
  const rows: Row[] = [];
  walkRange(table.indexes.byKey, range, (row) => rows.push(row) <= MOST_SORTED);
  return rows.length > MOST_SORTED ? null : rows;
}

/** How many rows of a range pass a test. */
export function countOf(table: RowTable, range: KeyTextRange | null, test: RowTest): number {
  let count = 0;
  const visit = (row: Row): boolean => {
    if (test(row)) count += 1;
    return true;
  };
  if (range !== null) walkRange(table.indexes.byKey, range, visit);
  else for (const row of table.all()) visit(row);
  return count;
}
