import { checkOptions } from '../options.ts';

/** Fixed-size windows in event time, aligned to the epoch. Sizes in milliseconds. */
export interface TimeWindows {
  readonly sizeMs: number;
  /** Equal to `sizeMs` for tumbling windows, a divisor of it for hopping ones. */
  readonly advanceMs: number;
  /** How far behind stream time a window's end may lie before it is deleted and logins for it are late. */
  readonly retentionMs: number;
}

/** Back-to-back windows: each record lies in exactly one. */
export function tumbling(options: { sizeMs: number; retentionMs: number }): TimeWindows {
  checkOptions('tumbling()', options, ['sizeMs', 'retentionMs']);
  return checked({ ...options, advanceMs: options.sizeMs });
}

/** Overlapping windows: each record lies in `sizeMs / advanceMs` of them. */
export function hopping(options: { sizeMs: number; advanceMs: number; retentionMs: number }): TimeWindows {
  return checkedWindows('hopping()', options);
}

/** @throws StreamsError CONFIG_INVALID for what is no option; RangeError for sizes that cannot be. */
export function checkedWindows(what: string, windows: TimeWindows): TimeWindows {
  checkOptions(what, windows, ['sizeMs', 'advanceMs', 'retentionMs']);
  return checked(windows);
}

function checked(windows: TimeWindows): TimeWindows {
  const { sizeMs, advanceMs, retentionMs } = windows;
  if (!Number.isSafeInteger(sizeMs) || sizeMs <= 0)
    throw new RangeError(`sizeMs must be a positive whole number, not ${String(sizeMs)}`);
  if (!Number.isSafeInteger(advanceMs) || advanceMs <= 0 || sizeMs % advanceMs !== 0)
    throw new RangeError(`advanceMs must divide sizeMs ${String(sizeMs)}, not ${String(advanceMs)}`);
  if (!Number.isSafeInteger(retentionMs) || retentionMs < 0)
    throw new RangeError(`retentionMs must be a whole number, 0 or more, not ${String(retentionMs)}`);
  return Object.freeze({ sizeMs, advanceMs, retentionMs });
}

/** The start of the step that holds a time: one rule for grains and windows. */
export function floorTo(timeMs: number, stepMs: number): number {
  return Math.floor(timeMs / stepMs) * stepMs;
}

/**
 * Starts of the windows that hold `[timeMs, timeMs + grainMs)`, oldest first; `grainMs` divides the advance. As in
 * Kafka Streams none starts before 1970.
 */
export function windowStartsOf(windows: TimeWindows, timeMs: number): number[] {
  const newest = floorTo(timeMs, windows.advanceMs);
  const starts: number[] = [];
  for (let start = newest - windows.sizeMs + windows.advanceMs; start <= newest; start += windows.advanceMs) {
    if (start >= 0) starts.push(start);
  }
  return starts;
}

/** The coarsest grain that rolls up into all of these windows without splitting: what a combiner may sum over. */
export function commonGrainMs(windows: readonly TimeWindows[]): number | undefined {
  return windows
    .map((w) => w.advanceMs)
    .reduce<number | undefined>((grain, advance) => (grain === undefined ? advance : gcd(grain, advance)), undefined);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
