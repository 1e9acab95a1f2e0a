import type { DeclaredTable, TableKey } from './declared-table.ts';
import type { RowIndex } from './row-index.ts';
import type { Row } from './row.ts';

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

/** Null: all keys. @throws Error as `keyTextOf`. */
export function keyTextRange({ key }: DeclaredTable, range: KeyRange | null | undefined): KeyTextRange | null {
  const { prefix, from, to } = range ?? {};
  if (prefix == null && from == null && to == null) return null;
  return {
    prefix: prefix == null ? '' : Buffer.from(prefix, 'utf8').toString('latin1'),
    from: from == null ? '' : keyTextOf(key, from),
    to: to == null ? null : keyTextOf(key, to),
  };
}

export function isInRange({ prefix, from, to }: KeyTextRange, { keyText }: Pick<Row, 'keyText'>): boolean {
  return keyText >= from && (to === null || keyText <= to) && keyText.startsWith(prefix);
}

/** The rows of one key, with all their windows. */
export function* rowsOfKey(byKey: RowIndex, keyText: string, fromMs = 0): IterableIterator<Row> {
  for (const row of byKey.rows({ keyText, startMs: fromMs, endMs: 0, sorts: [] })) {
    if (row.keyText !== keyText) return;
    yield row;
  }
}

/** The rows of a range, by key. */
export function* rowsOfRange(byKey: RowIndex, range: KeyTextRange | null): IterableIterator<Row> {
  if (range === null) return yield* byKey.rows();
  const { prefix, from, to } = range;
  const first = prefix > from ? prefix : from;
  for (const row of byKey.rows({ keyText: first, startMs: 0, endMs: 0, sorts: [] })) {
    const { keyText } = row;
    if (to !== null && keyText > to) return;
    if (!keyText.startsWith(prefix)) {
      // Keys with the prefix lie together: behind them there is none.
      if (keyText > prefix) return;
      continue;
    }
    yield row;
  }
}
