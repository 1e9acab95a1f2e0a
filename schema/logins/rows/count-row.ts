import { UNATTRIBUTED } from '../../../processor/logins/names.ts';
import { isStateCode, type StateCode } from '../../../processor/logins/states.ts';
import type { TableChange } from '@tributary/streams';
import { originOf, type WindowRow } from '@tributary/graphql';

/** Whose logins a row counts: a state's, or the logins without a state. */
export type RowKey = StateCode | typeof UNATTRIBUTED;

export interface Counts {
  ios: number;
  android: number;
  other: number;
}

/** The newest value of one changelog key. */
export interface CountRow extends Counts, WindowRow {}

/** A row as of `change`; a tombstone counts nothing. Throws on what the processor cannot have written. */
export function rowOf(change: TableChange, version: number): CountRow {
  const counts = change.value === null ? NOTHING : parseCounts(change.value);
  // The later of two clocks: this machine's own may be behind.
  if (counts.newestEventMs > Math.max(change.timestampMs, Date.now()) + MAX_AHEAD_MS)
    throw new TypeError('the newest login is dated more than two hours ahead');
  return { ...counts, ...originOf(change, version) };
}

export function isRowKey(text: string): text is RowKey {
  return text === UNATTRIBUTED || isStateCode(text);
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

const NOTHING: Readonly<Counts & { newestEventMs: number }> = Object.freeze({
  ios: 0,
  android: 0,
  other: 0,
  newestEventMs: 0,
});

/** Sums of so many logins of each device in each state are still exact in JSON and GraphQL. */
const MAX_COUNT = 50_000_000_000_000;
/** The last instant that a result can write. */
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');
/** The processor refuses logins dated more than an hour ahead of its own clock. */
const MAX_AHEAD_MS = 2 * 3_600_000;

/**
 * @throws TypeError for what the processor cannot have written: a time out of bounds would expire windows too early,
 * and a count too large would make every result with its sum an error.
 */
function parseCounts(bytes: Buffer): Counts & { newestEventMs: number } {
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  if (typeof value !== 'object' || value === null) throw new TypeError('counts must be a JSON object');
  const field = (name: string, most: number): number => {
    const number: unknown = (value as Readonly<Record<string, unknown>>)[name];
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0 || number > most) {
      throw new TypeError(`counts need a whole number "${name}" up to ${most}`);
    }
    return number;
  };
  const newestEventMs =
    (value as Readonly<Record<string, unknown>>)['lastLoginAtMs'] === null ? 0 : field('lastLoginAtMs', LATEST_MS);
  return {
    ios: field('ios', MAX_COUNT),
    android: field('android', MAX_COUNT),
    other: field('other', MAX_COUNT),
    newestEventMs,
  };
}
