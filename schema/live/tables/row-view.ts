import { forbidden } from '../graphql/api-error.ts';
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

/** @throws GraphQLError FORBIDDEN for a field that the viewer may not see. */
export function fieldOf({ row, rights, table }: RowView, name: string): unknown {
  if (rights.forbiddenFields.has(name)) throw forbidden(`${table.name}.${name}`);
  return row.value[name] ?? null;
}

export function idOf({ table, row }: RowView): string {
  return rowId(table, row);
}

/** Without the fields that the viewer may not see. */
export function plainRow({ table, row, rights }: RowView): PlainRow {
  const fields = Object.entries(row.value).filter(([name]) => !rights.forbiddenFields.has(name));
  const window = table.shape.kind === 'key-value' ? {} : { window: { start: row.startMs, end: row.endMs } };
  return { ...Object.fromEntries(fields), [table.key.name]: row.key, ...window };
}
