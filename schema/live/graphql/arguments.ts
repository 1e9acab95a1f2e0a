import { badUserInput } from './api-error.ts';

/**
 * A whole number from `min` to `max`; null and absent mean `fallback`. Throws BAD_USER_INPUT with the argument's name.
 */
export function integerArgument(
  name: string,
  value: number | null | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  const given = value ?? fallback;
  if (!Number.isInteger(given) || given < min || given > max) {
    throw badUserInput(name, `must be a whole number from ${min} to ${max}, and is ${given}.`);
  }
  return given;
}

const MIN_INTERVAL_MS = 50;
const MAX_INTERVAL_MS = 60_000;

/** How often a subscription wants updates at most, in milliseconds. */
export function intervalArgument(value: number | null | undefined, fallback: number): number {
  return integerArgument('intervalMs', value, fallback, MIN_INTERVAL_MS, MAX_INTERVAL_MS);
}
