import { didYouMean, textOf } from '@tributary/streams/operations';
import { badUserInput } from '../graphql/api-error.ts';
import { isPlainObject } from '../types/plain-object.ts';
import type { DeclaredTable } from './declared-table.ts';
import type { Maybe } from './request-arguments.ts';
import type { TablePageRequest, WatchRequest } from './table-reads.ts';

/*
 * What resolvers of an application ask of a table. No schema has checked it: what would be passed over, such as an
 * option that is written wrongly, would show other rows than those that were meant.
 */

const PAGE_OPTIONS: readonly (keyof TablePageRequest)[] = [
  ...(['key', 'from', 'to', 'first', 'after', 'keys', 'filter', 'orderBy', 'atLeast'] as const),
];
const WATCH_OPTIONS: readonly (keyof WatchRequest)[] = [
  ...(['key', 'keys', 'range', 'filter', 'orderBy', 'first', 'last', 'after', 'intervalMs'] as const),
];
const OF_WINDOWS = ['from', 'to', 'last'];

/** @throws TypeError for what is no option; GraphQLError BAD_USER_INPUT for what an option cannot be. */
export function pageRequest(declared: DeclaredTable, given: unknown): TablePageRequest {
  const request = knownOptions('page', declared, given, PAGE_OPTIONS);
  checkRange('keys', request['keys']);
  checkOrder(request['orderBy']);
  return { ...request, from: instantMs('from', request['from']), to: instantMs('to', request['to']) };
}

/** @throws as `pageRequest`. */
export function watchRequest(declared: DeclaredTable, given: unknown): WatchRequest {
  const request = knownOptions('watch', declared, given, WATCH_OPTIONS);
  if (request['keys'] != null && !Array.isArray(request['keys'])) throw badUserInput('keys', 'is no list of keys.');
  checkRange('range', request['range']);
  checkOrder(request['orderBy']);
  return request;
}

/** The key may be given under its own name, as clients do. */
function knownOptions(
  what: string,
  { name, key, shape }: DeclaredTable,
  given: unknown,
  known: readonly string[],
): Record<string, unknown> {
  const where = `${what}() of the table ${name}`;
  if (!isPlainObject(given)) throw new TypeError(`${where} takes an object with options, not ${textOf(given)}`);
  const request: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(given)) {
    if (!known.includes(option) && option !== key.name)
      throw new TypeError(`${where} has no option "${option}": ${didYouMean(option, [...known, key.name])}`);
    if (value != null && shape.kind === 'key-value' && OF_WINDOWS.includes(option))
      throw new TypeError(`${where} has no "${option}": its rows are of no windows`);
    request[known.includes(option) ? option : 'key'] ??= value;
  }
  return request;
}

function instantMs(argument: string, given: unknown): Maybe<number> {
  const ms = given instanceof Date ? given.getTime() : given;
  if (ms == null) return null;
  if (typeof ms !== 'number' || !Number.isFinite(ms))
    throw badUserInput(argument, `must be a Date or epoch milliseconds, and is ${textOf(given)}.`);
  return ms;
}

function checkRange(argument: string, range: unknown): void {
  if (range == null) return;
  const ends = ['prefix', 'from', 'to'];
  if (!isPlainObject(range) || Object.keys(range).some((end) => !ends.includes(end)))
    throw badUserInput(argument, 'must be an object with "prefix", "from" or "to".');
}

function checkOrder(order: unknown): void {
  if (order == null) return;
  const parts = ['field', 'direction'];
  if (!isPlainObject(order) || Object.keys(order).some((part) => !parts.includes(part)))
    throw badUserInput('orderBy', 'must be an object with "field" and "direction".');
  const { direction } = order;
  if (direction != null && direction !== 'ASC' && direction !== 'DESC')
    throw badUserInput('orderBy', `must have the direction "ASC" or "DESC", not ${textOf(direction)}.`);
}
