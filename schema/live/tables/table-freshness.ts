import { tableCursor } from '../updates/table-cursor.ts';
import type { RowModel } from '../updates/row-model.ts';
import { freshness, type Freshness } from './freshness.ts';
import type { RowTable } from './row-table.ts';

/** How current an answer over one table is. */
export interface TableFreshness extends Freshness {
  /** The state of the table that the answer is of. */
  readonly cursor: string;
  /** Partitions that did not answer; empty when the answer is whole. */
  readonly partial: readonly number[];
}

const WHOLE: readonly number[] = Object.freeze([]);

/** `asOf` is the newest record time that was copied. The same object for all answers of one state. */
export function tableFreshness(model: RowModel, table: RowTable): TableFreshness {
  return model.shared(`freshness of ${table.declared.name}`, () => ({
    ...freshness(model, table.positions.newestWrittenAtMs),
    cursor: tableCursor(model, table),
    partial: WHOLE,
  }));
}
