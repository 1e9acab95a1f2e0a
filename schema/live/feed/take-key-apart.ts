import type { TableChange } from '@tributary/streams';
import { type KeyLayout, rowKeyOf, versionValue } from '@tributary/streams/operations';
import type { TableShape } from '../tables/declared-table.ts';
import type { SourceLayout } from './feed-source.ts';

/** What a record of a table's topic says: the row of this key, window or session has this value from now on. */
export interface TakenRecord {
  /** The key's own bytes. */
  readonly key: Buffer;
  /** Epoch milliseconds, of windows and sessions; a window's end is exclusive, a session's is inclusive. */
  readonly startMs?: number;
  readonly endMs?: number;
  /** Of versioned stores: from when on this version is valid, epoch milliseconds. */
  readonly versionMs?: number;
  /** The value's own bytes; null: there is no such row any more. */
  readonly value: Buffer | null;
}

/**
 * Takes the records of a table's topic apart. Null is answered for what no store of this layout has written. `shape`:
 * as the table is declared; versions are rows of a key-value table.
 */
export function takeKeyApart(
  layout: SourceLayout,
  shape: TableShape,
): (record: Pick<TableChange, 'key' | 'value'>) => TakenRecord | null {
  const keys: KeyLayout = shape.kind === 'window' ? { kind: layout, windowSizeMs: shape.sizeMs } : { kind: layout };
  if (layout === 'versioned') return ({ key, value }) => takeVersion(keys, key, value);
  return ({ key: bytes, value }) => {
    const row = rowKeyOf(keys, bytes);
    // A session that ends before it starts is none that a store has written.
    return row === undefined || (row.endMs ?? 0) < (row.startMs ?? 0) ? null : { ...row, value };
  };
}

function takeVersion(keys: KeyLayout, bytes: Buffer, value: Buffer | null): TakenRecord | null {
  const row = rowKeyOf(keys, bytes);
  if (row?.startMs === undefined) return null;
  try {
    return { key: row.key, versionMs: row.startMs, value: value === null ? null : versionValue(value) };
  } catch {
    return null;
  }
}
