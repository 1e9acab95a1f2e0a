import type { DeclaredTable } from '../tables/declared-table.ts';
import type { RowTable } from '../tables/row-table.ts';
import { newestShownMs } from '../tables/shown-windows.ts';
import { type CursorContent, decodeCursor, encodeCursor } from './cursor.ts';
import type { RowModel } from './row-model.ts';

export interface TableCursor extends CursorContent {
  /** Of a part of a snapshot: what a client has is no state of the table. */
  readonly isPart: boolean;
}

const PART = ' in parts';

/** What a cursor of a table is of. */
export function cursorSubject({ name }: DeclaredTable, isPart: boolean): string {
  return `${name}${isPart ? PART : ''}`;
}

/** The table's state as of now. Queries and updates of one state have the same text. */
export function tableCursor(model: Pick<RowModel, 'applicationId' | 'now'>, table: RowTable, isPart = false): string {
  const { positions, declared } = table;
  return encodeCursor({
    applicationId: model.applicationId,
    subject: cursorSubject(declared, isPart),
    positions: positions.vector(),
    newestWrittenAtMs: positions.newestWrittenAtMs,
    newestStartMs: newestShownMs(table, model.now()),
  });
}

/** Null for text that is no cursor of this application and table. */
export function decodeTableCursor(text: string, applicationId: string, declared: DeclaredTable): TableCursor | null {
  const whole = decodeCursor(text, applicationId, cursorSubject(declared, false));
  if (whole !== null) return { ...whole, isPart: false };
  const part = decodeCursor(text, applicationId, cursorSubject(declared, true));
  return part === null ? null : { ...part, isPart: true };
}
