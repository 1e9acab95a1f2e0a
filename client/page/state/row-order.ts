import { fieldsOf, valueOf } from '../api/model.ts';
import { isNumeric } from './values.ts';
import type { Row } from '../api/answers.ts';
import type { PageTable, PageType } from '../api/model.ts';

export interface RowOrder {
  readonly field: string;
  readonly descending: boolean;
}

/** By what a table is ordered unless a person chose: its key. */
export function defaultOrder({ key }: PageTable): RowOrder {
  return { field: key.name, descending: false };
}

/** Numbers and times begin with the largest; names with the first. */
export function nextOrder(current: RowOrder, field: string, type: PageType): RowOrder {
  if (current.field === field) return { field, descending: !current.descending };
  return { field, descending: type.kind === 'scalar' && type.name !== 'String' };
}

/** An order in words: `by cents, largest first`. */
export function orderWords(table: PageTable, { field, descending }: RowOrder): string {
  const type = fieldsOf(table).find(({ name }) => name === field)?.type ?? table.key.type;
  const isTime = type.kind === 'scalar' && (type.name === 'DateTime' || type.name === 'Date');
  const ends = isTime ? ['oldest', 'newest'] : isNumeric(type) ? ['smallest', 'largest'] : ['A', 'Z'];
  const [first = '', last = ''] = descending ? ends.toReversed() : ends;
  return first.length === 1 ? `by ${field}, ${first} to ${last}` : `by ${field}, ${first} first`;
}

type SortValue = string | number | bigint | boolean | null;

function sortValueOf(value: unknown, type: PageType): SortValue {
  if (value === undefined || value === null) return null;
  if (type.kind === 'scalar' && type.name === 'DateTime') return Date.parse(String(value));
  if (type.kind === 'scalar' && type.name === 'BigInt') return BigInt(String(value));
  return typeof value === 'object' ? null : (value as SortValue);
}

function compare(a: SortValue, b: SortValue): number {
  if (a === null || b === null) return 0;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Start of a row's window or session; 0 for a row without. */
export function startOf(row: Row): number {
  const { window } = row as { window?: { start: string } };
  return window === undefined ? 0 : Date.parse(window.start);
}

/**
 * Rows as the API orders them: those without a value come last in either direction, equal ones go by key and start,
 * ascending.
 */
export function inOrder(table: PageTable, rows: Iterable<Row>, { field, descending }: RowOrder): Row[] {
  const { key } = table;
  const type = fieldsOf(table).find(({ name }) => name === field)?.type ?? key.type;
  const sign = descending ? -1 : 1;
  const sorted = [...rows].map((row) => ({
    row,
    value: sortValueOf(valueOf(table, row, field), type),
    key: sortValueOf(row[key.field], key.type),
    start: startOf(row),
  }));
  sorted.sort((a, b) => {
    if ((a.value === null) !== (b.value === null)) return a.value === null ? 1 : -1;
    return sign * compare(a.value, b.value) || compare(a.key, b.key) || a.start - b.start;
  });
  return sorted.map(({ row }) => row);
}
