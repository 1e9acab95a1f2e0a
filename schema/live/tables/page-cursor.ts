import { SOCKET_LIMITS } from '../limits/socket-limits.ts';
import type { DeclaredTable } from './declared-table.ts';
import type { RowOrder } from './row-indexes.ts';
import { NO_VALUE, type RowPlace, type SortValue } from './row.ts';
import { sortTypeOf, sortValueOf } from './sort-values.ts';

/*
 * The place of a row in an order of its table, as text: base64url of a JSON list of the table's name, the order's
 * field (null: the key), its direction, the key's bytes as latin1, start, end, and the value that it is ordered by. A
 * bigint is `{ "n": "12" }`.
 */

/** The table whose rows are in an order. */
export type OrderedTable = Pick<DeclaredTable, 'name' | 'orderFields'>;

/** No operation is longer than what a WebSocket takes at once. */
const MAX_LENGTH = SOCKET_LIMITS.frameBytes;

export function encodePlace(table: OrderedTable, { field, direction }: RowOrder, place: RowPlace): string {
  const ordered = table.orderFields.find(({ name }) => name === field);
  const value = ordered === undefined ? null : sortValueOf(ordered, place.value[ordered.name]);
  const content = [table.name, field, direction, place.keyText, place.startMs, place.endMs, packed(value)];
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/** Null for text that is no place in this order of this table. */
export function decodePlace(table: OrderedTable, { field, direction }: RowOrder, text: string): RowPlace | null {
  if (text.length > MAX_LENGTH) return null;
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
  if (!Array.isArray(content) || content.length !== 7) return null;
  const [ofTable, ofField, ofDirection, keyText, startMs, endMs, value] = content as readonly unknown[];
  if (ofTable !== table.name) return null;
  if (ofField !== field || ofDirection !== direction || typeof keyText !== 'string') return null;
  if (!Number.isSafeInteger(startMs) || !Number.isSafeInteger(endMs)) return null;
  const sort = unpacked(value);
  const ordered = table.orderFields.find(({ name }) => name === field);
  if (sort === undefined || (sort !== null && ordered !== undefined && typeof sort !== sortTypeOf(ordered)))
    return null;
  const place = { keyText, startMs: startMs as number, endMs: endMs as number };
  return { ...place, value: field === null ? NO_VALUE : { [field]: sort } };
}

function packed(value: SortValue): unknown {
  return typeof value === 'bigint' ? { n: String(value) } : value;
}

/** Undefined for what `packed` has not made. */
function unpacked(value: unknown): SortValue | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  const digits = typeof value === 'object' && 'n' in value ? value.n : undefined;
  return typeof digits === 'string' && /^-?\d+$/.test(digits) ? BigInt(digits) : undefined;
}
