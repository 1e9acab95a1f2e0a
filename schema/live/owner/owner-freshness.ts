import type { PositionVector } from '../tables/applied-positions.ts';
import type { Row } from '../tables/row.ts';
import type { TableFreshness } from '../tables/table-freshness.ts';
import { ownerCursor } from './owner-cursor.ts';
import type { OwnerTable } from './owner-table.ts';

export interface AnsweredState {
  readonly rows: readonly (Row | null)[];
  readonly positions: PositionVector;
  readonly partial?: readonly number[];
  /** A standby has answered, or a task that is being restored. */
  readonly stale: boolean;
}

const WHOLE: readonly number[] = Object.freeze([]);

/** How current what owners have answered is. `asOf` is the newest time of its rows. */
export function ownerFreshness(table: OwnerTable, answered: AnsweredState): TableFreshness {
  const { rows, positions, partial = WHOLE, stale } = answered;
  const newestMs = rows.reduce((newest, row) => Math.max(newest, row?.timestampMs ?? 0), 0);
  return {
    asOf: newestMs === 0 ? null : newestMs,
    complete: !stale && partial.length === 0,
    lag: table.model.lag(),
    cursor: ownerCursor(table.model.applicationId, table.declared, positions),
    partial,
  };
}
