/** The middle value; of an even number of values the mean of the middle two. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Nearest-rank percentile; `share` from 0 to 1. NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

export interface Shortfall {
  readonly name: string;
  readonly stored: number;
  readonly now: number;
}

/** A ratio this much below the stored one fails the check. */
const TOLERANCE = 0.15;

/**
 * The contenders whose ratio is more than 15 % below the stored one. What was not measured, or not stored, is not
 * judged.
 */
export function shortfalls(
  stored: Readonly<Record<string, number>>,
  now: Readonly<Record<string, number>>,
): Shortfall[] {
  return Object.entries(stored).flatMap(([name, before]) => {
    const ratio = now[name];
    return ratio === undefined || ratio >= before * (1 - TOLERANCE) ? [] : [{ name, stored: before, now: ratio }];
  });
}
