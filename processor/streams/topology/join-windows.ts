import { checkOptions } from '../options.ts';

/** How far apart in event time two records may be that join: `left - beforeMs <= right <= left + afterMs`. */
export interface JoinWindows {
  readonly beforeMs: number;
  readonly afterMs: number;
  /** A record without a partner comes when stream time is this far past the last moment at which it may have one. */
  readonly graceMs: number;
}

/** The same difference both ways, or one for each. One of both may be below 0, not their sum. */
export type JoinWindowsOptions = { readonly graceMs: number } & (
  | { readonly differenceMs: number; readonly beforeMs?: undefined; readonly afterMs?: undefined }
  | { readonly differenceMs?: undefined; readonly beforeMs: number; readonly afterMs: number }
);

/**
 * Which records of two streams join. Kafka Streams: `JoinWindows.ofTimeDifferenceAndGrace`, `before`, `after`.
 * @throws StreamsError CONFIG_INVALID for what is no option; RangeError for what is no time.
 */
export function joinWindows(options: JoinWindowsOptions): JoinWindows {
  checkOptions('joinWindows()', options, ['differenceMs', 'beforeMs', 'afterMs', 'graceMs']);
  const { differenceMs, graceMs } = options;
  if (differenceMs !== undefined && (options.beforeMs !== undefined || options.afterMs !== undefined))
    throw new RangeError('joinWindows() takes differenceMs, or beforeMs and afterMs, not both');
  const { beforeMs = differenceMs, afterMs = differenceMs } = options;
  checkMs('beforeMs', beforeMs, -Infinity);
  checkMs('afterMs', afterMs, -Infinity);
  checkMs('graceMs', graceMs, 0);
  if (beforeMs + afterMs < 0)
    throw new RangeError(
      `beforeMs ${String(beforeMs)} and afterMs ${String(afterMs)} leave nothing between them: their sum is below 0`,
    );
  if (differenceMs !== undefined) checkMs('differenceMs', differenceMs, 0);
  return Object.freeze({ beforeMs, afterMs, graceMs });
}

/**
 * How far the newest record of a side may be ahead of one that it still has, exclusive: both spans and the grace, as
 * Kafka Streams' stores have it. Records of one time meet, however short that is.
 */
export function keptFor({ beforeMs, afterMs, graceMs }: JoinWindows): number {
  return Math.max(1, beforeMs + afterMs + graceMs);
}

/** Windows as a join is given them. @throws as `joinWindows`. */
export function checkedJoinWindows(what: string, windows: JoinWindows): JoinWindows {
  checkOptions(what, windows, ['beforeMs', 'afterMs', 'graceMs']);
  return joinWindows(windows);
}

function checkMs(name: string, ms: number | undefined, least: number): asserts ms is number {
  if (!Number.isSafeInteger(ms) || (ms as number) < least)
    throw new RangeError(
      `${name} of joinWindows() must be a whole number${least === 0 ? ', 0 or more' : ''}, not ${String(ms)}`,
    );
}
