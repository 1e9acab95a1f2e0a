import { z } from 'zod';

import { UNATTRIBUTED } from '../../../processor/logins/names.ts';
import { isStateCode, STATE_CODES, type StateCode } from '../../../processor/logins/states.ts';
import type { Row } from '@tributary/graphql';

/** Whose logins a row counts: a state's, or the logins without a state. */
export type RowKey = StateCode | typeof UNATTRIBUTED;

export const ROW_KEYS: readonly RowKey[] = Object.freeze([...STATE_CODES, UNATTRIBUTED]);

export interface Counts {
  ios: number;
  android: number;
  other: number;
}

/** What one row counts. */
export interface CountRow extends Counts {
  /** Epoch milliseconds; 0 when it counts nothing. */
  readonly newestEventMs: number;
}

/** Sums of so many logins of each device in each state are still exact in JSON and GraphQL. */
const MAX_COUNT = 50_000_000_000_000;
/** The last instant that a result can write. */
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');
/** The processor refuses logins dated more than an hour ahead of its own clock. */
const MAX_AHEAD_MS = 2 * 3_600_000;

const count = z.int().min(0).max(MAX_COUNT);

/**
 * What the processor writes. A time out of bounds would expire windows too early, and a count too large would make
 * every result with its sum an error.
 */
export const countsValue = z.object({
  ios: count,
  android: count,
  other: count,
  lastLoginAtMs: z.int().min(0).max(LATEST_MS).nullable(),
});

/** The row of a table of counts. */
export function countsOf({ value }: Row): CountRow {
  const { ios, android, other, lastLoginAtMs } = value as z.infer<typeof countsValue>;
  return { ios, android, other, newestEventMs: lastLoginAtMs ?? 0 };
}

/** @throws TypeError for a row that the processor cannot have written. */
export function checkNotAhead(row: Row): void {
  // The later of two clocks: this machine's own may be behind.
  if (countsOf(row).newestEventMs > Math.max(row.timestampMs, Date.now()) + MAX_AHEAD_MS)
    throw new TypeError('the newest login is dated more than two hours ahead');
}

export function isRowKey(text: unknown): text is RowKey {
  return text === UNATTRIBUTED || (typeof text === 'string' && isStateCode(text));
}

export function addCounts(into: Counts, counts: Readonly<Counts>): void {
  into.ios += counts.ios;
  into.android += counts.android;
  into.other += counts.other;
}

export function subtractCounts(from: Counts, counts: Readonly<Counts>): void {
  from.ios -= counts.ios;
  from.android -= counts.android;
  from.other -= counts.other;
}

export function totalOf(counts: Readonly<Counts>): number {
  return counts.ios + counts.android + counts.other;
}

export function noCounts(): Counts {
  return { ios: 0, android: 0, other: 0 };
}
