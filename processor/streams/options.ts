import { StreamsError } from './errors.ts';
import type { Logger } from './logger.ts';

/*
 * Options are checked by name: one that is not known would be ignored, and the caller would believe that it works.
 */

/** The name that was probably meant: one that differs by a few letters. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (typeof name !== 'string') return undefined;
  const [nearest] = known
    .map((it) => ({ it, distance: distance(name.toLowerCase(), it.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return nearest !== undefined && nearest.distance <= Math.max(2, Math.floor(name.length / 3)) ? nearest.it : undefined;
}

/** `did you mean "x"?`, or all there is. */
export function didYouMean(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  if (nearest !== undefined) return `did you mean "${nearest}"?`;
  return known.length === 0 ? 'there is none' : `there is ${known.map((it) => `"${it}"`).join(', ')}`;
}

/** @throws StreamsError CONFIG_INVALID when `given` is no object, or has an option that is not in `known`. */
export function checkOptions(what: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new StreamsError(
      'CONFIG_INVALID',
      `${what} takes an object with options (${known.join(', ')}), not ${textOf(given)}`,
    );
  for (const name of Object.keys(given)) {
    // mutant: known-options
    if (!known.includes(name))
      throw new StreamsError('CONFIG_INVALID', `${what} has no option "${name}": ${didYouMean(name, known)}`);
  }
}

/** @throws StreamsError CONFIG_INVALID when a function that takes no options is given some. */
export function checkNothing(what: string, given: readonly unknown[]): void {
  if (given.length > 0)
    throw new StreamsError('CONFIG_INVALID', `${what} takes no options, and was given ${textOf(given[0])}`);
}

/** A part of an object of functions that nobody asks for. An instance of a class may have others than these. */
export function unknownPart(given: object, known: readonly string[]): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(given);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain ? Object.keys(given).find((name) => !known.includes(name)) : undefined;
}

/** @throws StreamsError CONFIG_INVALID when a function is missing. */
export function checkFunctions(what: string, given: object, names: readonly string[]): void {
  for (const name of names) {
    const value = (given as Record<string, unknown>)[name];
    if (typeof value !== 'function')
      throw new StreamsError('CONFIG_INVALID', `${what} needs ${name}, a function, not ${textOf(value)}`);
  }
}

/** @throws StreamsError CONFIG_INVALID */
export function checkLogger(what: string, logger: unknown): asserts logger is Logger {
  if (typeof logger !== 'object' || logger === null)
    throw new StreamsError(
      'CONFIG_INVALID',
      `${what} needs a logger, such as pino's, with debug, info, warn and error: not ${textOf(logger)}`,
    );
  checkFunctions(`the logger of ${what}`, logger, ['debug', 'info', 'warn', 'error']);
}

/** What was passed, short. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'function') return 'a function';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** Levenshtein's distance: letters to insert, remove or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1)
      next.push(
        Math.min(
          (next[j - 1] as number) + 1,
          (row[j] as number) + 1,
          (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] as number;
}
