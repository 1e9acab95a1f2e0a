import { checkOptions } from '../options.ts';

/** Windows of one size in event time, aligned to the epoch. Sizes in milliseconds. */
export interface TimeWindows {
  readonly sizeMs: number;
  /** Equal to `sizeMs` for tumbling windows, less for hopping ones. */
  readonly advanceMs: number;
  /** A record is late for a window whose end lies this far behind stream time. */
  readonly graceMs: number;
  /** A window is deleted when its end lies this far behind stream time: not before it is late. */
  readonly retentionMs: number;
}

/** One window that never ends: it takes all records from `startMs` on. */
export interface UnlimitedWindows {
  readonly startMs: number;
}

/** Records of a key that are no further apart than the gap. The end of a session is the time of its last record. */
export interface SessionWindows {
  readonly gapMs: number;
  /** A record is late when its session, and the gap behind it, has ended longer ago than this. */
  readonly graceMs: number;
  /** A session is deleted when it has ended longer ago than this, and it is late. */
  readonly retentionMs: number;
}

/** A window for each different set of records of a key that are no further apart than this. Both ends are inclusive. */
export interface SlidingWindows {
  readonly differenceMs: number;
  /** A record is late for a window that has ended longer ago than this. */
  readonly graceMs: number;
  /** A window is deleted when it has ended longer ago than this, and nothing asks for it any more. */
  readonly retentionMs: number;
}

/** Windows whose bounds are known before any record comes. */
export type FixedWindows = TimeWindows | UnlimitedWindows;

export type Windows = FixedWindows | SessionWindows | SlidingWindows;

/** How long windows take records, and how long they are kept. One of both is given, the other follows it. */
export type WindowTimes =
  | { readonly graceMs: number; readonly retentionMs?: number }
  | { readonly graceMs?: number; readonly retentionMs: number };

/** Back-to-back windows: each record lies in exactly one. Kafka Streams: `TimeWindows.ofSizeAndGrace`. */
export function tumbling(options: { sizeMs: number } & WindowTimes): TimeWindows {
  checkOptions('tumbling()', options, ['sizeMs', 'graceMs', 'retentionMs']);
  return timeWindows('tumbling()', { ...options, advanceMs: options.sizeMs });
}

/** Overlapping windows, one every `advanceMs`, which need not divide the size. Kafka Streams: `advanceBy`. */
export function hopping(options: { sizeMs: number; advanceMs: number } & WindowTimes): TimeWindows {
  return timeWindows('hopping()', options);
}

/** Kafka Streams: `UnlimitedWindows`. Records of before `startMs`, by default 1970, are in no window. */
export function unlimited(options: { startMs?: number } = {}): UnlimitedWindows {
  checkOptions('unlimited()', options, ['startMs']);
  const { startMs = 0 } = options;
  checkMs('startMs', startMs, 0);
  return Object.freeze({ startMs });
}

/**
 * A record within the gap of a session extends it; one between two makes them one. Kafka Streams:
 * `SessionWindows.ofInactivityGapAndGrace`.
 */
export function session(options: { gapMs: number } & WindowTimes): SessionWindows {
  const what = 'session()';
  checkOptions(what, options, ['gapMs', 'graceMs', 'retentionMs']);
  checkMs('gapMs', options.gapMs, 1);
  return Object.freeze({ gapMs: options.gapMs, ...windowTimes(what, options) });
}

/**
 * Each record has a window that ends with it, and one that begins after it where a later record lies in that. Kafka
 * Streams: `SlidingWindows.ofTimeDifferenceAndGrace`.
 */
export function sliding(options: { differenceMs: number } & WindowTimes): SlidingWindows {
  const what = 'sliding()';
  checkOptions(what, options, ['differenceMs', 'graceMs', 'retentionMs']);
  checkMs('differenceMs', options.differenceMs, 0);
  return Object.freeze({ differenceMs: options.differenceMs, ...windowTimes(what, options) });
}

/** @throws StreamsError CONFIG_INVALID for what is no option; RangeError for sizes that cannot be. */
export function checkedWindows(what: string, windows: Windows): Windows {
  if (typeof windows === 'object' && windows !== null) {
    if (isSession(windows)) return session(windows);
    if (isSliding(windows)) return sliding(windows);
    if (isUnlimited(windows)) return unlimited(windows);
  }
  return timeWindows(what, windows);
}

export function isSession(windows: Windows): windows is SessionWindows {
  return 'gapMs' in windows;
}

export function isSliding(windows: Windows): windows is SlidingWindows {
  return 'differenceMs' in windows;
}

export function isUnlimited(windows: Windows): windows is UnlimitedWindows {
  return 'startMs' in windows;
}

export function isFixed(windows: Windows): windows is FixedWindows {
  return !isSession(windows) && !isSliding(windows);
}

function timeWindows(what: string, windows: { sizeMs: number; advanceMs: number } & WindowTimes): TimeWindows {
  checkOptions(what, windows, ['sizeMs', 'advanceMs', 'graceMs', 'retentionMs']);
  const { sizeMs, advanceMs } = windows;
  if (!Number.isSafeInteger(sizeMs) || sizeMs <= 0)
    throw new RangeError(`sizeMs must be a positive whole number, not ${String(sizeMs)}`);
  if (!Number.isSafeInteger(advanceMs) || advanceMs <= 0 || advanceMs > sizeMs)
    throw new RangeError(
      `advanceMs must be a positive whole number, at most sizeMs ${String(sizeMs)}, not ${String(advanceMs)}`,
    );
  return Object.freeze({ sizeMs, advanceMs, ...windowTimes(what, windows) });
}

function checkMs(name: string, ms: number, least: number): void {
  if (!Number.isSafeInteger(ms) || ms < least)
    throw new RangeError(`${name} must be a whole number, ${String(least)} or more, not ${String(ms)}`);
}

/** @throws RangeError where neither is given, and for what is no time. */
function windowTimes(
  what: string,
  { graceMs, retentionMs }: Partial<WindowTimes>,
): Pick<TimeWindows, 'graceMs' | 'retentionMs'> {
  const either = graceMs ?? retentionMs;
  if (either === undefined) throw new RangeError(`${what} needs graceMs or retentionMs`);
  const times = { graceMs: graceMs ?? either, retentionMs: retentionMs ?? either };
  for (const [name, ms] of Object.entries(times)) checkMs(name, ms, 0);
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
export function windowStartsOf(windows: FixedWindows, timeMs: number): number[] {
  if (isUnlimited(windows)) return timeMs < windows.startMs ? [] : [windows.startMs];
  const { sizeMs, advanceMs } = windows;
  const newest = floorTo(timeMs, advanceMs);
  const starts: number[] = [];
  const oldest = newest - floorTo(sizeMs - 1 - (timeMs - newest), advanceMs);
  for (let start = Math.max(0, oldest); start <= newest; start += advanceMs) starts.push(start);
  return starts;
}

/** The end of the window that starts then: exclusive, but for that of sliding windows. */
export function windowEndOf(windows: FixedWindows | SlidingWindows, startMs: number): number {
  if (isUnlimited(windows)) return Infinity;
  return startMs + (isSliding(windows) ? windows.differenceMs : windows.sizeMs);
}

/** The stream time from which on a window is closed: what belongs to it is late, and it can no longer change. */
export function closesMs(windows: Windows, endMs: number): number {
  if (isUnlimited(windows)) return Infinity;
  if (isSession(windows)) return endMs + windows.gapMs + windows.graceMs + 1;
  // Their ends are inclusive.
  return isSliding(windows) ? endMs + windows.graceMs + 1 : endMs + windows.graceMs;
}

/** The coarsest grain that rolls up into all of these windows without splitting: what a combiner may sum over. */
export function commonGrainMs(windows: readonly FixedWindows[]): number | undefined {
  if (windows.length === 0) return undefined;
  const steps = windows.flatMap((one) => (isUnlimited(one) ? one.startMs : [one.sizeMs, one.advanceMs]));
  return steps.reduce(gcd, 0) || ALL_TIME_MS;
}

/** The grain of windows that have no bounds. */
const ALL_TIME_MS = Number.MAX_SAFE_INTEGER;

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
