import type { PlainField } from '../types/type-model.ts';
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

/** Whether a field can be compared with this value: another one would be unequal to all rows, and nobody told. */
export function isSortValueOf(field: PlainField, value: unknown): boolean {
  const sort = sortValueOf(field, value);
  if (typeof sort !== sortTypeOf(field) || (typeof sort === 'number' && !Number.isFinite(sort))) return false;
  return field.type.kind !== 'enum' || field.type.values.includes(String(sort));
}
