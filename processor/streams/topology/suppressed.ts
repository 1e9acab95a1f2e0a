import { StreamsError } from '../errors.ts';
import { checkNothing, checkOptions, textOf } from '../options.ts';

/** How long a table holds its rows back. */
export type Suppressed =
  | { readonly until: 'window-closes' }
  | { readonly until: 'time-limit'; readonly limitMs: number; readonly maxRows: number };

/**
 * Hands on one row for each key and window of a windowed table: once the window is closed, so that it can no longer
 * change. Kafka Streams: `Suppressed.untilWindowCloses`.
 */
export function untilWindowCloses(...none: never[]): Suppressed {
  checkNothing('untilWindowCloses()', none);
  return { until: 'window-closes' };
}

/**
 * Hands on a row when stream time has moved on by so much since the first of its updates that are held; Infinity:
 * never. Past `maxRows` held rows the oldest goes early. Kafka Streams: `Suppressed.untilTimeLimit`.
 * @throws RangeError for what is no time, or no number of rows.
 */
export function untilTimeLimit(limitMs: number, options: { readonly maxRows?: number } = {}): Suppressed {
  const what = 'untilTimeLimit()';
  checkOptions(what, options, ['maxRows']);
  const { maxRows = Infinity } = options;
  checkLimits(what, limitMs, maxRows);
  return { until: 'time-limit', limitMs, maxRows };
}

/** What `what` was given, which may be an object of the caller's. @throws StreamsError CONFIG_INVALID; RangeError */
export function checkedSuppressed(what: string, suppressed: Suppressed): Suppressed {
  checkOptions(what, suppressed, ['until', 'limitMs', 'maxRows']);
  const { until } = suppressed;
  if (until !== 'window-closes' && until !== 'time-limit')
    throw new StreamsError(
      'CONFIG_INVALID',
      `${what} takes until: 'window-closes' or 'time-limit', not ${textOf(until)}`,
    );
  if (until === 'time-limit') checkLimits(what, suppressed.limitMs, suppressed.maxRows);
  return suppressed;
}

function checkLimits(what: string, limitMs: number, maxRows: number): void {
  if (limitMs !== Infinity && (!Number.isSafeInteger(limitMs) || limitMs < 0))
    throw new RangeError(`${what} takes whole milliseconds from 0 on, or Infinity, not ${textOf(limitMs)}`);
  if (maxRows !== Infinity && (!Number.isSafeInteger(maxRows) || maxRows < 1))
    throw new RangeError(`maxRows of ${what} must be a whole number, 1 or more, not ${textOf(maxRows)}`);
}
