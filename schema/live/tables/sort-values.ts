import type { PlainField } from '../types/type-model.ts';
import type { DeclaredTable } from './declared-table.ts';
import type { SortValue } from './row.ts';

/**
 * A field's value as it is compared: an instant by its time, all else as it is. Null where there is none, and for text
 * that is no instant.
 */
export function sortValueOf({ type }: PlainField, value: unknown): SortValue {
  if (value === undefined || value === null) return null;
  if (type.kind === 'scalar' && type.name === 'DateTime' && typeof value === 'string') {
    const ms = Date.parse(value);
    return Number.isNaN(ms) ? null : ms;
  }
  return value as SortValue;
}

/** Names of the fields that rows can be ordered by, without the key. */
export function sortFields({ orderFields, key }: DeclaredTable): readonly string[] {
  return orderFields.flatMap(({ name }) => (name === key.name ? [] : [name]));
}

const NO_SORTS: readonly SortValue[] = Object.freeze([]);

/** One for each of `sortFields`. */
export function sortsOf({ orderFields, key }: DeclaredTable, value: Readonly<Record<string, unknown>>) {
  const sorts = orderFields.flatMap((field) =>
    field.name === key.name ? [] : [sortValueOf(field, value[field.name])],
  );
  return sorts.length === 0 ? NO_SORTS : sorts;
}

/** What `typeof` says of `sortValueOf`, of a value that is not null. */
export function sortTypeOf({ type }: PlainField): 'string' | 'number' | 'bigint' | 'boolean' {
  if (type.kind === 'enum') return 'string';
  switch (type.name) {
    case 'Int':
    case 'Count':
    case 'SafeInt':
    case 'Float':
    case 'DateTime':
      return 'number';
    case 'BigInt':
      return 'bigint';
    case 'Boolean':
      return 'boolean';
    default:
      return 'string';
  }
}
