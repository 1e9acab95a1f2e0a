import type { ScalarName } from './type-model.ts';

/*
 * The names that SDL is made with, beside those of an application. They are part of what clients build on: a name that
 * is taken here is kept for ever.
 */

/** The types of rows, and those that are made for them. */
export interface RowTypeNames {
  readonly row: string;
  readonly edge: string;
  readonly connection: string;
  readonly update: string;
  readonly filter: string;
  readonly orderField: string;
  readonly order: string;
}

export function rowTypeNames(typeName: string): RowTypeNames {
  return {
    row: typeName,
    edge: `${typeName}Edge`,
    connection: `${typeName}Connection`,
    update: `${typeName}Update`,
    filter: filterName(typeName),
    orderField: `${typeName}OrderField`,
    order: `${typeName}Order`,
  };
}

/** The input that filters by a scalar, an enum or a row. */
export function filterName(typeName: string): string {
  return `${typeName}Filter`;
}

/** The input for a range of keys that are no text. */
export function keyRangeName(typeName: string): string {
  return `${typeName}KeyRange`;
}

/** The roots of a table; one of windows is not asked for by keys alone. */
export function rootNames(tableName: string, kind: 'key-value' | 'window' | 'session'): readonly string[] {
  const byKeys = kind === 'key-value' ? [`${tableName}ByKeys`] : [];
  return [tableName, ...byKeys, `${tableName}Page`];
}

/** The field of a row that holds its key: `id` is the global id of every row, so such a key is its `key`. */
export function keyFieldName(keyName: string): string {
  return keyName === 'id' ? 'key' : keyName;
}

/** What clients name a field by in an order. */
export function orderFieldValue(fieldName: string): string {
  return fieldName.toUpperCase();
}

/** Fields that every row has, whatever its value. */
export const FIELDS_OF_ROWS: readonly string[] = ['id', 'window', 'freshness'];

/** Parts of a filter that are no fields. */
export const FILTER_WORDS: readonly string[] = ['and', 'or', 'not'];

/** Arguments beside the key's own. */
export const ARGUMENTS = {
  'key-value': ['atLeast'],
  windowed: ['from', 'to', 'first', 'last', 'after', 'keys', 'range', 'filter', 'orderBy', 'atLeast', 'intervalMs'],
} as const satisfies Record<string, readonly string[]>;

/** Roots that every API has. */
export const OWN_ROOTS: readonly string[] = ['node', 'tables', 'processor'];

const SCALARS = [
  ...['String', 'Int', 'Count', 'SafeInt', 'Float', 'BigInt', 'Boolean', 'DateTime', 'Date', 'JSON'],
] as readonly ScalarName[];

/** Types that every API may have, whether its tables need them today or not. */
export const OWN_TYPES: readonly string[] = [
  ...['Query', 'Mutation', 'Subscription', 'ID', 'Cursor', 'Node', 'Window', 'PageInfo', 'Freshness', 'KeyRange'],
  ...['UpdateKind', 'OrderDirection', 'TableStatus'],
  ...['Processor', 'Instance', 'Task', 'TaskRole', 'TaskState', 'RestoreProgress'],
  ...SCALARS.flatMap((name) => [name, filterName(name), keyRangeName(name)]),
];
