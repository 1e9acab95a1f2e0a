import type { Freshness, Row, RowsUpdate } from '../api/answers.ts';

/** Rows that a subscription keeps current. Replaced with each update, never changed in place. */
export interface RowsModel {
  /** What was asked for: rows of another key are never shown for these. */
  readonly key: string;
  /** What is shown, by id. */
  readonly rows: ReadonlyMap<string, Row>;
  /** Parts of a snapshot whose last part has not come; null when none is under way. */
  readonly parts: ReadonlyMap<string, Row> | null;
  readonly cursor: string;
  readonly freshness: Freshness;
}

const NO_ROWS: ReadonlyMap<string, Row> = new Map();

/**
 * Merges an update. A snapshot replaces what was there, at once when it is whole; its parts are gathered unseen, so
 * that rows do not vanish and come back one by one.
 * @param first the first update of a (re)subscription: parts that came before it belong to a snapshot that was given up
 */
export function applyRowsUpdate(before: RowsModel | null, key: string, update: RowsUpdate, first: boolean): RowsModel {
  const known = before?.key === key ? before : null;
  const parts = first ? null : (known?.parts ?? null);
  const { cursor, freshness } = update;
  const base = update.kind === 'SNAPSHOT' ? (parts ?? NO_ROWS) : (parts ?? known?.rows ?? NO_ROWS);
  const merged = new Map(base);
  for (const row of update.rows) merged.set(row.id, row);
  for (const id of update.removed) merged.delete(id);
  return update.more
    ? { key, rows: known?.rows ?? NO_ROWS, parts: merged, cursor, freshness }
    : { key, rows: merged, parts: null, cursor, freshness };
}
