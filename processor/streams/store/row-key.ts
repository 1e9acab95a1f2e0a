import { numberAt } from './composite-ids.ts';
import { layoutOf } from './load-indexes.ts';
import { WINDOW_START_BYTES, windowStartOf } from './window-key.ts';
import { isStoredTime } from '../topology/stored-value.ts';
import type { StoreSpec } from './typed-store.ts';

/** What the key of a row on disk says. */
export interface RowKey {
  /** The key's own bytes. */
  readonly key: Buffer;
  /** Of windows, sessions and versions. */
  readonly startMs?: number;
  /** Of windows and sessions. */
  readonly endMs?: number;
}

/** What of a store says how the keys of its rows are put together. */
export type KeyLayout = Pick<StoreSpec, 'kind' | 'windowSizeMs' | 'retainDuplicates'>;

/** Takes the key of a row on disk, or in a changelog, apart; undefined: it is none of such a store. */
export function rowKeyOf(spec: KeyLayout, bytes: Buffer): RowKey | undefined {
  const layout = layoutOf(spec);
  if (layout === undefined) return { key: bytes };
  // The common case, at each row of a restore.
  if (spec.kind === 'window' && spec.retainDuplicates !== true) {
    const startMs = bytes.length < WINDOW_START_BYTES ? Number.NaN : windowStartOf(bytes);
    if (!isStoredTime(startMs)) return undefined;
    return { key: bytes.subarray(WINDOW_START_BYTES), startMs, endMs: startMs + (spec.windowSizeMs ?? 0) };
  }
  const { key: text, numbers } = layout.split(bytes.toString('latin1'));
  const key = Buffer.from(text, 'latin1');
  const [first, second] = [numberAt(numbers, 0), layout.numbers > 1 ? numberAt(numbers, 8) : 0];
  // What was split as something else does not come back as it was.
  if (!isStoredTime(first) || !isStoredTime(second) || layout.join(text, numbers) !== bytes.toString('latin1'))
    return undefined;
  if (spec.kind === 'session') return { key, startMs: second, endMs: first };
  if (spec.kind === 'versioned') return { key, startMs: first };
  return { key, startMs: first, endMs: first + (spec.windowSizeMs ?? 0) };
}
