import type { RowTable } from './row-table.ts';
import type { StartRange } from './row.ts';

/** The most windows that one result may hold. */
export const MAX_WINDOWS = 1_500;

/**
 * Start of the newest window over all keys, or of the current one by the clock where that is earlier: one record with a
 * time in the future must not push all others out of sight. Null where the table has no window.
 */
export function newestShownMs(table: RowTable, nowMs: number): number | null {
  const { shape } = table.declared;
  const { newestStartMs } = table.indexes;
  if (shape.kind !== 'window' || newestStartMs === null) return null;
  return Math.min(newestStartMs, Math.floor(nowMs / shape.advanceMs) * shape.advanceMs);
}

/**
 * Which windows count: those that are not past the table's retention, of which `last` takes the newest ones. By the
 * newest window that is shown, so that the same positions of all partitions give the same windows everywhere.
 */
export function shownRange(table: RowTable, newestMs: number | null, last: number | null): StartRange {
  const { shape } = table.declared;
  if (shape.kind !== 'window') return ANY_START;
  if (newestMs === null) return last === null ? ANY_START : NO_START;
  const { sizeMs, advanceMs, retentionMs } = shape;
  const keptFromMs = newestMs - retentionMs - sizeMs + 1;
  return last === null
    ? { fromMs: keptFromMs, toMs: Number.POSITIVE_INFINITY }
    : { fromMs: Math.max(keptFromMs, newestMs - (last - 1) * advanceMs), toMs: newestMs + advanceMs };
}

const ANY_START: StartRange = Object.freeze({ fromMs: 0, toMs: Number.POSITIVE_INFINITY });
const NO_START: StartRange = Object.freeze({ fromMs: 0, toMs: 0 });
