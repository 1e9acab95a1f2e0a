import { stringSerde } from '@tributary/streams';
import type { DeclaredTable, TableKey } from './declared-table.ts';
import type { RowIndex } from './row-index.ts';
import { NO_VALUE, type Row } from './row.ts';

/** Which keys, as a client asks for them: by their bytes, both ends inclusive. */
export interface KeyRange {
  readonly prefix?: string | null | undefined;
  readonly from?: unknown;
  readonly to?: unknown;
}

/** The same in the bytes of keys as latin1, whose order is theirs. */
export interface KeyTextRange {
  readonly prefix: string;
  readonly from: string;
  /** Null: there is no end. */
  readonly to: string | null;
}

/** The bytes of a key as latin1. @throws Error for a value that the key's serde does not take. */
export function keyTextOf({ serde }: TableKey, key: unknown): string {
  return serde.serialize(key).toString('latin1');
}

/** The text of a UUID is written in small letters. */
function prefixText({ serde }: TableKey, prefix: string): string {
  return stringSerde.serialize(serde.format === 'uuid' ? prefix.toLowerCase() : prefix).toString('latin1');
}

/** Null: all keys. @throws Error as `keyTextOf`, and for a prefix that UTF-8 cannot hold. */
export function keyTextRange({ key }: DeclaredTable, range: KeyRange | null | undefined): KeyTextRange | null {
  const { prefix, from, to } = range ?? {};
  if (prefix == null && from == null && to == null) return null;
  return {
    prefix: prefix == null ? '' : prefixText(key, prefix),
    from: from == null ? '' : keyTextOf(key, from),
    to: to == null ? null : keyTextOf(key, to),
  };
}

export function isInRange({ prefix, from, to }: KeyTextRange, { keyText }: Pick<Row, 'keyText'>): boolean {
  return keyText >= from && (to === null || keyText <= to) && keyText.startsWith(prefix);
}

/** Visits the rows of one key, with all their windows, by start, until `visit` returns false. */
export function walkKey(byKey: RowIndex, keyText: string, visit: (row: Row) => boolean): void {
  byKey.walk({ keyText, startMs: 0, endMs: 0, value: NO_VALUE }, (row) => row.keyText === keyText && visit(row));
}

/** Visits the rows of a range, by key, until `visit` returns false. */
export function walkRange(byKey: RowIndex, range: KeyTextRange | null, visit: (row: Row) => boolean): void {
  if (range === null) return byKey.walk(undefined, visit);
  const { prefix, from, to } = range;
  const first = { keyText: prefix > from ? prefix : from, startMs: 0, endMs: 0, value: NO_VALUE };
  byKey.walk(first, (row) => {
    const { keyText } = row;
    if (to !== null && keyText > to) return false;
    // Keys with the prefix lie together: behind them there is none.
    return keyText.startsWith(prefix) ? visit(row) : keyText < prefix;
  });
}
