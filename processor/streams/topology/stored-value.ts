import { messageOf, StreamsError } from '../errors.ts';
import type { Serde } from './serdes.ts';

/** Bytes of an internal topic or a store that the application cannot have written. */
export class UnreadableValueError extends Error {
  override readonly name = 'UnreadableValueError';
}

/**
 * What the application itself has written.
 * @throws UnreadableValueError when its serde does not take it; a StreamsError of the serde's as it is.
 */
export function readStored<T>(serde: Serde<T>, bytes: Buffer): T {
  try {
    return serde.deserialize(bytes);
  } catch (error) {
    if (error instanceof StreamsError) throw error;
    throw new UnreadableValueError(messageOf(error), { cause: error });
  }
}

/** A count as it is stored. @throws TypeError for everything else: half a number is added up in silence. */
export function storedCount(value: unknown, what = 'a count'): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new TypeError(`${what} is ${JSON.stringify(value) ?? 'undefined'}, no whole number from 0 on`);
}

/** Milliseconds that a date can have. */
export function isStoredTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= 8_640_000_000_000_000;
}
