import type { EntryHash } from './state-store.ts';

/** What a row in the cache takes beside its key and its bytes: measured, with the maps and the list that hold it. */
const ROW_BYTES = 224;

/** What has rows in the cache. */
interface RowKeeper {
  forget(id: string, group: number): void;
}

/** A committed row, or that there is none, and the hash of its entry, where that is known. */
export class CachedRow implements EntryHash {
  /** The id of its key in the store. */
  readonly id: string;
  /** Of a window store its window's start, else 0. */
  readonly group: number;
  /**
   * As on disk, as latin1 text: of a buffer so small most would be what surrounds its bytes. Null: there is no row.
   * Undefined: its value and its time say all.
   */
  text: string | null | undefined = undefined;
  /** In place of the text: the bytes, as they were read, of a row that is not in the cache; or those of a block. */
  raw: Buffer | undefined = undefined;
  /** Undefined: not known, or nothing that all readers may share. */
  value: unknown = undefined;
  /** NaN: it is in the text. */
  timestampMs: number = NaN;
  low = 0;
  high = 0;
  isKnown = false;
  /** That keeps it; undefined: it is not in the cache, or not any more. */
  store: RowKeeper | undefined = undefined;
  sizeBytes = 0;
  isUsed = false;
  before: CachedRow = this;
  behind: CachedRow = this;

  constructor(id: string, group: number) {
    this.id = id;
    this.group = group;
  }

  /** The bytes as on disk, the caller's own; null: there is no row; undefined: they are not kept. */
  bytes(): Buffer | null | undefined {
    if (this.raw !== undefined) return Buffer.from(this.raw);
    return typeof this.text === 'string' ? Buffer.from(this.text, 'latin1') : this.text;
  }

  /** What a store is told of it when it changes. */
  previous(): Buffer | EntryHash | null | undefined {
    return this.isKnown ? this : (this.raw ?? this.bytes());
  }

  linkBehind(row: CachedRow): void {
    this.before = row;
    this.behind = row.behind;
    row.behind.before = this;
    row.behind = this;
  }

  unlink(): void {
    this.before.behind = this.behind;
    this.behind.before = this.before;
  }
}

/** In the place of any row that is not there, nor in the cache. */
export const NO_ROW: CachedRow = new CachedRow('', 0);
NO_ROW.text = null;

/** Texts of 2 bytes a character are counted as such: too much for most keys rather than too little for some. */
export function sizeOf({ id, text, raw, value }: CachedRow): number {
  const bytes = raw?.length ?? text?.length ?? 0;
  return ROW_BYTES + 2 * id.length + bytes + (typeof value === 'string' ? 2 * value.length : 0);
}

/** The same text by itself: one that was cut out of a longer text would keep that in memory. */
export function flat(id: string): string {
  return Buffer.from(id, 'utf8').toString('utf8');
}
