import { isThenable, kindOf } from '../store/key-text.ts';

/** The last moment that a JavaScript date can hold. Arithmetic with window sizes stays exact below it. */
const LATEST_MS = 8.64e15;

/**
 * An event time as the runtime counts with it: whole milliseconds since 1970, fractions cut off. NaN: it is no such
 * time.
 * @throws TypeError for a promise.
 */
export function eventTimeOf(timeMs: unknown): number {
  if (isThenable(timeMs)) throw new TypeError(`an event time is a number of milliseconds, not ${kindOf(timeMs)}`);
  // mutant: event-time
  return typeof timeMs === 'number' && timeMs >= 0 && timeMs <= LATEST_MS ? Math.floor(timeMs) : NaN;
}

/** Whether a time is one as it stands. */
export function isEventTime(timeMs: number): boolean {
  return Number.isInteger(timeMs) && timeMs >= 0 && timeMs <= LATEST_MS;
}

/** Why it is not. */
export function whyNoEventTime(timeMs: unknown): string {
  return (
    `the event time is ${typeof timeMs === 'number' ? String(timeMs) : kindOf(timeMs)}: it must be a number of ` +
    `milliseconds since 1970`
  );
}
