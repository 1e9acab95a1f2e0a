import { checkOptions } from '../options.ts';

/** Fixed-size windows in event time, aligned to the epoch. Sizes in milliseconds. */
export interface TimeWindows {
  readonly sizeMs: number;
  /** Equal to `sizeMs` for tumbling windows, less for hopping ones. */
  readonly advanceMs: number;
  /** A record is late for a window whose end lies this far behind stream time. */
  readonly graceMs: number;
  /** A window is deleted when its end lies this far behind stream time: not before it is late. */
  readonly retentionMs: number;
}

/** How long windows take records, and how long they are kept. One of both is given, the other follows it. */
export type WindowTimes =
  | { readonly graceMs: number; readonly retentionMs?: number }
  | { readonly graceMs?: number; readonly retentionMs: number };

/** Back-to-back windows: each record lies in exactly one. Kafka Streams: `TimeWindows.ofSizeAndGrace`. */
export function tumbling(options: { sizeMs: number } & WindowTimes): TimeWindows {
  checkOptions('tumbling()', options, ['sizeMs', 'graceMs', 'retentionMs']);
  return checked('tumbling()', { ...options, advanceMs: options.sizeMs });
}

/** Overlapping windows, one every `advanceMs`, which need not divide the size. Kafka Streams: `advanceBy`. */
export function hopping(options: { sizeMs: number; advanceMs: number } & WindowTimes): TimeWindows {
  return checkedWindows('hopping()', options);
}

/** @throws StreamsError CONFIG_INVALID for what is no option; RangeError for sizes that cannot be. */
export function checkedWindows(
  what: string,
  windows: { sizeMs: number; advanceMs: number } & WindowTimes,
): TimeWindows {
  checkOptions(what, windows, ['sizeMs', 'advanceMs', 'graceMs', 'retentionMs']);
  return checked(what, windows);
}

function checked(what: string, windows: { sizeMs: number; advanceMs: number } & WindowTimes): TimeWindows {
  const { sizeMs, advanceMs } = windows;
  if (!Number.isSafeInteger(sizeMs) || sizeMs <= 0)
    throw new RangeError(`sizeMs must be a positive whole number, not ${String(sizeMs)}`);
  if (!Number.isSafeInteger(advanceMs) || advanceMs <= 0 || advanceMs > sizeMs)
    throw new RangeError(
      `advanceMs must be a positive whole number, at most sizeMs ${String(sizeMs)}, not ${String(advanceMs)}`,
    );
  return Object.freeze({ sizeMs, advanceMs, ...windowTimes(what, windows) });
}

/** @throws RangeError where neither is given, and for what is no time. */
export function windowTimes(
  what: string,
  { graceMs, retentionMs }: Partial<WindowTimes>,
): Pick<TimeWindows, 'graceMs' | 'retentionMs'> {
  const either = graceMs ?? retentionMs;
  if (either === undefined) throw new RangeError(`${what} needs graceMs or retentionMs`);
  const times = { graceMs: graceMs ?? either, retentionMs: retentionMs ?? either };
  for (const [name, ms] of Object.entries(times))
    if (!Number.isSafeInteger(ms) || ms < 0)
      throw new RangeError(`${name} must be a whole number, 0 or more, not ${String(ms)}`);
  return { graceMs: times.graceMs, retentionMs: Math.max(times.graceMs, times.retentionMs) };
}

/** The start of the step that holds a time: one rule for grains and windows. */
export function floorTo(timeMs: number, stepMs: number): number {
  return Math.floor(timeMs / stepMs) * stepMs;
}

/**
 * Starts of the windows that hold `[timeMs, timeMs + grainMs)`, oldest first; `grainMs` divides advance and size. As in
 * Kafka Streams none starts before 1970.
 */
export function windowStartsOf(
  { sizeMs, advanceMs }: Pick<TimeWindows, 'sizeMs' | 'advanceMs'>,
  timeMs: number,
): number[] {
  const newest = floorTo(timeMs, advanceMs);
  const starts: number[] = [];
  const oldest = newest - floorTo(sizeMs - 1 - (timeMs - newest), advanceMs);
  for (let start = Math.max(0, oldest); start <= newest; start += advanceMs) starts.push(start);
  return starts;
}

/** The coarsest grain that rolls up into all of these windows without splitting: what a combiner may sum over. */
export function commonGrainMs(windows: readonly TimeWindows[]): number | undefined {
  return windows
    .flatMap(({ sizeMs, advanceMs }) => [sizeMs, advanceMs])
    .reduce<number | undefined>((grain, step) => (grain === undefined ? step : gcd(grain, step)), undefined);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
