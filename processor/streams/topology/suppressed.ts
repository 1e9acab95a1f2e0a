import { checkOptions } from '../options.ts';

/** How long a table holds its rows back. */
export type Suppressed =
  | { readonly until: 'window-closes' }
  | { readonly until: 'time-limit'; readonly limitMs: number; readonly maxRows: number };

/**
 * Hands on one row for each key and window of a windowed table: once the window is closed, so that it can no longer
 * change. Kafka Streams: `Suppressed.untilWindowCloses`.
 */
export function untilWindowCloses(): Suppressed {
  return { until: 'window-closes' };
}

/**
 * Hands on a row when stream time has moved on by so much since the first of its updates that are held; Infinity:
 * never. Past `maxRows` held rows the oldest goes early. Kafka Streams: `Suppressed.untilTimeLimit`.
 * @throws RangeError for what is no time, or no number of rows.
 */
export function untilTimeLimit(limitMs: number, options: { readonly maxRows?: number } = {}): Suppressed {
  checkOptions('untilTimeLimit()', options, ['maxRows']);
  const { maxRows = Infinity } = options;
  if (limitMs !== Infinity && (!Number.isSafeInteger(limitMs) || limitMs < 0))
    throw new RangeError(`untilTimeLimit() takes whole milliseconds from 0 on, or Infinity, not ${String(limitMs)}`);
  if (maxRows !== Infinity && (!Number.isSafeInteger(maxRows) || maxRows < 1))
    throw new RangeError(`maxRows must be a whole number, 1 or more, not ${String(maxRows)}`);
  return { until: 'time-limit', limitMs, maxRows };
}
