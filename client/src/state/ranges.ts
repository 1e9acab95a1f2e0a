import type { Resolution } from '../api/types.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export interface Range {
  readonly label: string;
  /** For people who hear it: "last 15 minutes". */
  readonly spoken: string;
  readonly spanMs: number;
  readonly resolution: Resolution;
  readonly windowMs: number;
  /** Windows drawn as one, so that a line has some hundred points at most; a multiple of windowMs. */
  readonly stepMs: number;
}

export const RANGES = {
  '5m': {
    label: '5 m',
    spoken: 'last 5 minutes',
    spanMs: 5 * MINUTE_MS,
    resolution: 'MINUTE',
    windowMs: MINUTE_MS,
    stepMs: MINUTE_MS,
  },
  '15m': {
    label: '15 m',
    spoken: 'last 15 minutes',
    spanMs: 15 * MINUTE_MS,
    resolution: 'MINUTE',
    windowMs: MINUTE_MS,
    stepMs: MINUTE_MS,
  },
  '1h': {
    label: '1 h',
    spoken: 'last hour',
    spanMs: HOUR_MS,
    resolution: 'MINUTE',
    windowMs: MINUTE_MS,
    stepMs: MINUTE_MS,
  },
  '6h': {
    label: '6 h',
    spoken: 'last 6 hours',
    spanMs: 6 * HOUR_MS,
    resolution: 'MINUTE',
    windowMs: MINUTE_MS,
    stepMs: 5 * MINUTE_MS,
  },
  '24h': {
    label: '24 h',
    spoken: 'last 24 hours',
    spanMs: 24 * HOUR_MS,
    resolution: 'MINUTE',
    windowMs: MINUTE_MS,
    stepMs: 15 * MINUTE_MS,
  },
  '30d': {
    label: '30 d',
    spoken: 'last 30 days',
    spanMs: 30 * 24 * HOUR_MS,
    resolution: 'HOUR',
    windowMs: HOUR_MS,
    stepMs: HOUR_MS,
  },
} as const satisfies Record<string, Range>;

export type RangeName = keyof typeof RANGES;
export const RANGE_NAMES: readonly RangeName[] = ['5m', '15m', '1h', '6h', '24h', '30d'];

/** Logins may be dated up to an hour ahead of the clock; the windows up to "now" must still be among the newest. */
const AHEAD_MS = HOUR_MS;

/** How many of the newest windows to ask the API for: the range, the window in progress, and the hour ahead. */
export function windowsFor(range: Range): number {
  return Math.min(1_500, Math.ceil((range.spanMs + AHEAD_MS) / range.windowMs));
}

const CLOCK_STEPS_PER_SPAN = 600;
const LONGEST_CLOCK_STEP_MS = 10_000;

/**
 * How far the clock goes before a chart in which nothing changed slides on: about a pixel. Whole seconds, as
 * milliseconds.
 */
export function clockStepMs({ spanMs }: Range): number {
  return Math.min(LONGEST_CLOCK_STEP_MS, Math.ceil(spanMs / CLOCK_STEPS_PER_SPAN / 1_000) * 1_000);
}

/** What one point of a range is: "minute", "5 minutes", "hour". */
export function stepName(range: Range): string {
  const minutes = range.stepMs / MINUTE_MS;
  if (minutes === 1) return 'minute';
  return minutes === 60 ? 'hour' : `${minutes} minutes`;
}
