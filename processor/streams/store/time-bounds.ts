import { textOf } from '../options.ts';
import { numberText } from './composite-ids.ts';

/** The first time at or after a bound of a range that a row can have, as it is in ids: nothing is before 1970. */
export function timeText(timeMs: number): string {
  return numberText(Math.min(Math.max(0, Math.ceil(timeMs)), Number.MAX_SAFE_INTEGER));
}

/** The first one after an inclusive bound. */
export function timeTextAfter(timeMs: number): string {
  return timeText(Math.floor(timeMs) + 1);
}

/** @throws TypeError for what is no time: of NaN one read would find nothing, another one everything. */
export function asTime(store: string, timeMs: number): number {
  if (typeof timeMs !== 'number' || Number.isNaN(timeMs))
    throw new TypeError(`the store "${store}" is asked for times in epoch milliseconds, not ${textOf(timeMs)}`);
  return timeMs;
}
