import type { StateCode } from '../../../processor/logins/states.ts';
import type { Resolution, TimeSeries, TimeSeriesPoint } from '../generated/resolver-types.ts';
import { addCounts, type Counts, noCounts, ROW_KEYS, type RowKey } from '../rows/count-row.ts';
import type { CountWindow, CountWindows } from '../rows/count-windows.ts';
import type { LoginModel } from '../rows/login-model.ts';
import { badUserInput, freshness, MAX_WINDOWS } from '@tributary/graphql';
import { deviceCounts } from './states-result.ts';

export const DEFAULT_WINDOWS = 60;

/** The states whose logins a series counts; null: all logins, unattributed ones too. */
export type StateFilter = readonly StateCode[] | null;

export interface TimeSeriesArguments {
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
  readonly resolution?: Resolution | null | undefined;
  readonly states?: readonly StateCode[] | null | undefined;
}

export function windowsOf(model: LoginModel, resolution: Resolution): CountWindows {
  return resolution === 'HOUR' ? model.tables.hours : model.tables.minutes;
}

/** Sorted and without duplicates, so that equal filters give equal subjects. */
export function stateFilter(states: readonly StateCode[] | null | undefined): StateFilter {
  return states == null ? null : [...new Set(states)].sort();
}

/**
 * Start of the newest window with a login, or of the current window by the clock where that is earlier: one login with
 * a time in the future must not push all others out of the range. Null before the first login.
 */
export function newestShownMs(model: LoginModel, rows: CountWindows): number | null {
  return rows.newestStartMs === null ? null : Math.min(rows.newestStartMs, currentStartMs(model, rows));
}

/** End of the newest window shown; before the first login, of the current window by the clock. */
export function defaultEndMs(model: LoginModel, rows: CountWindows): number {
  return (newestShownMs(model, rows) ?? currentStartMs(model, rows)) + rows.sizeMs;
}

function currentStartMs(model: LoginModel, rows: CountWindows): number {
  const { sizeMs } = rows;
  return Math.floor(model.now() / sizeMs) * sizeMs;
}

interface SeriesRange {
  readonly fromMs: number;
  readonly toMs: number;
  /** Below 1 for a range that holds no window. */
  readonly windows: number;
}

/** The windows that a series is asked for, with the defaults as of now. */
export function seriesRange(model: LoginModel, { from, to, resolution }: TimeSeriesArguments): SeriesRange {
  const rows = windowsOf(model, resolution ?? 'MINUTE');
  const { sizeMs } = rows;
  const toMs = to == null ? defaultEndMs(model, rows) : Math.ceil(to / sizeMs) * sizeMs;
  const fromMs = from == null ? toMs - DEFAULT_WINDOWS * sizeMs : Math.floor(from / sizeMs) * sizeMs;
  return { fromMs, toMs, windows: (toMs - fromMs) / sizeMs };
}

export function timeSeriesResult(model: LoginModel, args: TimeSeriesArguments): TimeSeries {
  const { from, to, resolution, states } = args;
  const rows = windowsOf(model, resolution ?? 'MINUTE');
  const { sizeMs } = rows;
  const { fromMs, toMs, windows } = seriesRange(model, args);
  const argument = from == null ? 'to' : 'from';
  if (windows < 1 || (from != null && to != null && from > to)) {
    throw badUserInput(
      argument,
      `leaves no window: the series would run from ${instant(fromMs)} to ${instant(toMs)}. "from" must be before "to".`,
    );
  }
  if (windows > MAX_WINDOWS) {
    throw badUserInput(
      argument,
      `asks for ${windows} windows of ${sizeMs / 60_000} min, and at most ${MAX_WINDOWS} are given. Narrow the ` +
        `range, or use resolution HOUR.`,
    );
  }
  if (fromMs < EARLIEST_MS || toMs > LATEST_MS) throw badUserInput(argument, 'leads out of the years 0 to 9999.');
  const filter = stateFilter(states);
  return {
    resolution: resolution ?? 'MINUTE',
    from: fromMs,
    to: toMs,
    points: seriesPoints(rows, fromMs, toMs, filter),
    freshness: freshness(model, newestBetween(rows, fromMs, toMs, filter)),
  };
}

/** The instants that RFC 3339 can write. */
const EARLIEST_MS = Date.parse('0000-01-01T00:00:00Z');
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** A point for every window from `fromMs` to before `toMs`, both on window bounds. */
export function seriesPoints(rows: CountWindows, fromMs: number, toMs: number, filter: StateFilter): TimeSeriesPoint[] {
  const points: TimeSeriesPoint[] = [];
  for (let startMs = fromMs; startMs < toMs; startMs += rows.sizeMs)
    points.push(pointOf(startMs, rows.get(startMs), filter));
  return points;
}

/** Newest event time of the filtered logins in the windows from `fromMs` to before `toMs`; 0 when there are none. */
export function newestBetween(rows: CountWindows, fromMs: number, toMs: number, filter: StateFilter): number {
  let newestMs = 0;
  for (const key of filter ?? ROW_KEYS) newestMs = Math.max(newestMs, rows.newestOf(key));
  if (newestMs < fromMs) return 0;
  // The newest of all is in the range, as in every series that ends now: no window has to be read.
  if (newestMs < toMs) return newestMs;
  newestMs = 0;
  for (let startMs = fromMs; startMs < toMs; startMs += rows.sizeMs)
    newestMs = Math.max(newestMs, newestIn(rows.get(startMs), filter));
  return newestMs;
}

export function pointOf(startMs: number, window: CountWindow | undefined, filter: StateFilter): TimeSeriesPoint {
  return { start: startMs, devices: deviceCounts(window === undefined ? undefined : countsIn(window, filter)) };
}

function countsIn(window: CountWindow, filter: StateFilter): Readonly<Counts> {
  if (filter === null) return window.sum;
  const counts = noCounts();
  for (const code of filter) {
    const row = window.rows.get(code);
    if (row !== undefined) addCounts(counts, row);
  }
  return counts;
}

function newestIn(window: CountWindow | undefined, filter: StateFilter): number {
  if (window === undefined) return 0;
  if (filter === null) return window.newestEventMs;
  return filter.reduce(
    (newest: number, code: RowKey) => Math.max(newest, window.rows.get(code)?.newestEventMs ?? 0),
    0,
  );
}

function instant(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
