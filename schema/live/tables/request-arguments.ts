import type { TableRights } from '../access/rights.ts';
import { badUserInput, forbidden } from '../graphql/api-error.ts';
import { integerArgument } from '../graphql/arguments.ts';
import type { DeclaredTable } from './declared-table.ts';
import { type KeyRange, keyTextOf, keyTextRange, type KeyTextRange } from './key-range.ts';
import { compileFilter, fieldsOfFilter, type RowFilter, type RowTest } from './row-filter.ts';
import type { RowOrder } from './row-indexes.ts';

/*
 * Arguments of a table's roots, checked: each error is BAD_USER_INPUT with the argument's name, or FORBIDDEN.
 */

export type Maybe<T> = T | null | undefined;

/** An order as clients write it: `field` is the name of a field. */
export interface OrderRequest {
  readonly field: string;
  readonly direction?: Maybe<'ASC' | 'DESC'>;
}

const MOST_ROWS_OF_A_PAGE = 100;
const MOST_KEYS = 100;
const DEFAULT_FIRST = 50;
export const DEFAULT_INTERVAL_MS = 250;

export function firstArgument(first: Maybe<number>): number {
  return integerArgument('first', first, DEFAULT_FIRST, 1, MOST_ROWS_OF_A_PAGE);
}

/** The bytes of a key as latin1. */
export function keyArgument({ key: declaredKey }: DeclaredTable, key: unknown, argument: string): string {
  try {
    return keyTextOf(declaredKey, key);
  } catch {
    throw badUserInput(argument, 'holds what can be no key of this table.');
  }
}

export function checkKeyCount(keys: readonly unknown[]): void {
  if (keys.length > MOST_KEYS)
    throw badUserInput('keys', `has ${keys.length} keys, and at most ${MOST_KEYS} may be asked for at once.`);
}

/** The keys that are asked for, as latin1; null: any. `key`: the one of the argument that has the key's own name. */
export function keysArgument(
  declared: DeclaredTable,
  keys: Maybe<readonly unknown[]>,
  key: unknown,
): ReadonlySet<string> | null {
  if (keys != null) checkKeyCount(keys);
  const listed = keys == null ? null : new Set(keys.map((one) => keyArgument(declared, one, 'keys')));
  if (key == null) return listed;
  const text = keyArgument(declared, key, declared.key.name);
  return new Set(listed === null || listed.has(text) ? [text] : []);
}

/** Null: all keys. */
export function rangeArgument(declared: DeclaredTable, range: Maybe<KeyRange>, argument: string): KeyTextRange | null {
  try {
    return keyTextRange(declared, range);
  } catch {
    throw badUserInput(argument, 'holds what can be no key of this table.');
  }
}

/** The keys of a page. `key`: the one of the argument that has the key's own name. */
export function pageRangeArgument(declared: DeclaredTable, keys: Maybe<KeyRange>, key: unknown): KeyTextRange | null {
  const range = rangeArgument(declared, keys, 'keys');
  if (key == null) return range;
  const text = keyArgument(declared, key, declared.key.name);
  const { prefix = '', from = '', to = null } = range ?? {};
  return { prefix, from: from > text ? from : text, to: to !== null && to < text ? to : text };
}

/**
 * By key, ascending, unless another order is given.
 * @throws GraphQLError FORBIDDEN for a field that the viewer may not see: its values would follow from the order.
 */
export function orderArgument(
  declared: DeclaredTable,
  orderBy: Maybe<OrderRequest>,
  { forbiddenFields }: TableRights,
): RowOrder {
  if (orderBy == null) return { field: null, direction: 'ASC' };
  const { field, direction } = orderBy;
  if (forbiddenFields.has(field)) throw forbidden(`${declared.name}.${field}`);
  if (!declared.orderFields.some(({ name }) => name === field))
    throw badUserInput('orderBy', `names ${field}, and ${declared.name} has no order by it.`);
  return { field: field === declared.key.name ? null : field, direction: direction ?? 'DESC' };
}

/**
 * What a client's filter and the viewer's rights take.
 * @throws GraphQLError FORBIDDEN as `orderArgument`.
 */
export function filterArgument(
  declared: DeclaredTable,
  filter: Maybe<RowFilter>,
  { test, forbiddenFields }: TableRights,
): RowTest {
  const own = compileFilter(filter, {
    fields: declared.filterFields,
    keyName: declared.key.name,
    argument: 'filter',
  });
  for (const name of fieldsOfFilter(filter)) {
    if (forbiddenFields.has(name)) throw forbidden(`${declared.name}.${name}`);
  }
  return test === null ? own : (row) => test(row) && own(row);
}
