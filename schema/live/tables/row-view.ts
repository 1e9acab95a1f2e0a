import type { TableRights } from '../access/rights.ts';
import type { DeclaredTable } from './declared-table.ts';
import type { TableFreshness } from './table-freshness.ts';
import { rowId } from './row-id.ts';
import type { Row } from './row.ts';

/** A row as one viewer may see it: what the fields of its GraphQL type are read from. */
export interface RowView {
  readonly table: DeclaredTable;
  readonly row: Row;
  readonly rights: TableRights;
  readonly freshness: TableFreshness;
}

/** A row as plain data, for resolvers of an application. */
export type PlainRow = Readonly<Record<string, unknown>>;

/** A field that the viewer may see. */
export function fieldOf({ row }: RowView, name: string): unknown {
  return row.value[name] ?? null;
}

export function isForbiddenField({ rights }: RowView, name: string): boolean {
  return rights.forbiddenFields.has(name);
}

export function idOf({ table, row }: RowView): string {
  return rowId(table, row);
}

/** Which view a plain row was made of: an application may answer it for a type that has generated fields, too. */
const views = new WeakMap<object, RowView>();

/** The view of what an application's resolver has answered, or of what a generated one has. */
export function viewOf(source: unknown): RowView {
  return views.get(source as object) ?? (source as RowView);
}

/** What an application's resolver is given for a row; anything else is given as it is. */
export function plainSource(source: unknown): unknown {
  return isRowView(source) ? plainRow(source) : source;
}

function isRowView(source: unknown): source is RowView {
  return typeof source === 'object' && source !== null && 'table' in source && 'row' in source && 'rights' in source;
}

/** Without the fields that the viewer may not see. */
export function plainRow(view: RowView): PlainRow {
  const { table, row, rights } = view;
  const fields = Object.entries(row.value).filter(([name]) => !rights.forbiddenFields.has(name));
  const window = table.shape.kind === 'key-value' ? {} : { window: { start: row.startMs, end: row.endMs } };
  const plain = { ...Object.fromEntries(fields), [table.key.name]: row.key, ...window };
  views.set(plain, view);
  return plain;
}
