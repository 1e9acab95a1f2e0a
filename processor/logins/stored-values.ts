/** A count as it is stored. @throws TypeError for everything else: half a number is added up in silence. */
export function storedCount(value: unknown, what = 'a count'): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new TypeError(`${what} is ${JSON.stringify(value) ?? 'undefined'}, no whole number from 0 on`);
}

/** Milliseconds that a date can have. */
export function isStoredTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= 8_640_000_000_000_000;
}
