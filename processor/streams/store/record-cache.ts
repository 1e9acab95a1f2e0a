import { CachedRow, flat, NO_ROW, sizeOf } from './cached-row.ts';

/** Reads without success between two looks at whether it is worth what it costs. */
const LOOK_AFTER = 10_000;
/** With fewer hits it costs more than the reads that it saves. */
const LEAST_HITS_A_MISS = 0.25;
/** So many reads pass it by then; after them it is filled anew, and judged anew. */
const SUSPENDED_READS = 500_000;

/** Of all caches of a process, as its metrics tell it. */
export interface RecordCacheCounts {
  /** Reads of committed rows that needed no read of the store. */
  readonly hits: number;
  readonly misses: number;
  /** What is in the cache now. */
  readonly rows: number;
  readonly bytes: number;
}

export const NO_CACHE_COUNTS: RecordCacheCounts = { hits: 0, misses: 0, rows: 0, bytes: 0 };

export function addCounts(a: RecordCacheCounts, b: RecordCacheCounts): RecordCacheCounts {
  return { hits: a.hits + b.hits, misses: a.misses + b.misses, rows: a.rows + b.rows, bytes: a.bytes + b.bytes };
}

/**
 * Committed rows in memory, of all stores of the active tasks of one thread. What is uncommitted is never in it: an
 * abort leaves nothing behind. When it is full, the row goes that has not been read for longest, roughly: each has a
 * second chance (the clock of Corbató), so that a read costs no more than a mark.
 */
export class RecordCache {
  readonly maxBytes: number;
  /** The rows in a ring: behind it the newest, before it the next to go. */
  readonly #ring = new CachedRow('', 0);
  #bytes = 0;
  #rows = 0;
  #hits = 0;
  #misses = 0;
  /** As of the last look at how often it finds what is asked for. */
  #looked = { hits: 0, misses: 0 };
  /** It was full, and hardly anything came again: it is empty, and so many reads more pass it by. */
  #suspendedReads = 0;

  /** @param maxBytes 0: nothing is kept. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** The part of one store, as long as it is open. */
  open(): StoreCache {
    return new StoreCache(this);
  }

  counts(): RecordCacheCounts {
    return { hits: this.#hits, misses: this.#misses, rows: this.#rows, bytes: this.#bytes };
  }

  /** Called by a StoreCache, as all that follows. False: this read passes it by. */
  isAsked(): boolean {
    if (this.#suspendedReads === 0) return true;
    this.#suspendedReads -= 1;
    return false;
  }

  looked(row: CachedRow | undefined): void {
    if (row === undefined) {
      this.#misses += 1;
      if (this.#misses - this.#looked.misses >= LOOK_AFTER) this.#look();
      return;
    }
    this.#hits += 1;
    row.isUsed = true;
  }

  /** Whether a row that is not in it may be added. */
  get admits(): boolean {
    return this.#suspendedReads === 0;
  }

  /** False: it is larger than the whole cache. */
  add(row: CachedRow): boolean {
    row.sizeBytes = sizeOf(row);
    if (row.sizeBytes > this.maxBytes) return false;
    // Before it is in: else it could be the one that goes.
    this.#makeRoom(row.sizeBytes);
    this.#bytes += row.sizeBytes;
    this.#rows += 1;
    row.linkBehind(this.#ring);
    return true;
  }

  /** Its bytes or its value have changed. */
  resized(row: CachedRow): void {
    const sizeBytes = sizeOf(row);
    this.#bytes += sizeBytes - row.sizeBytes;
    row.sizeBytes = sizeBytes;
    if (sizeBytes > this.maxBytes) row.store?.forget(row.id, row.group);
    this.#makeRoom(0);
  }

  remove(row: CachedRow): void {
    row.unlink();
    this.#bytes -= row.sizeBytes;
    this.#rows -= 1;
  }

  #look(): void {
    const [hits, misses] = [this.#hits - this.#looked.hits, this.#misses - this.#looked.misses];
    this.#looked = { hits: this.#hits, misses: this.#misses };
    const isFull = this.#bytes > this.maxBytes / 2;
    if (!isFull || hits >= misses * LEAST_HITS_A_MISS) return;
    // Without rows there is nothing that a write would have to change.
    for (let row = this.#ring.before; row !== this.#ring; row = this.#ring.before) row.store?.forget(row.id, row.group);
    this.#suspendedReads = SUSPENDED_READS;
  }

  #makeRoom(bytes: number): void {
    while (this.#bytes + bytes > this.maxBytes) {
      const row = this.#ring.before;
      if (row.isUsed) {
        row.isUsed = false;
        row.unlink();
        row.linkBehind(this.#ring);
      } else row.store?.forget(row.id, row.group);
    }
  }
}

/** Of a store that nothing is kept of. */
export function noCache(): StoreCache {
  return new RecordCache(0).open();
}

/** What the cache has of one store. It is closed with the task's graph, and its rows are gone with that. */
export class StoreCache {
  readonly #cache: RecordCache;
  /** By group, then id: two lookups cost less than one of a joined text. */
  readonly #groups = new Map<number, Map<string, CachedRow>>();
  /** Blocks of rows that others look up. */
  readonly #held = new Set<CachedRow>();
  #isOpen: boolean;

  constructor(cache: RecordCache) {
    this.#cache = cache;
    this.#isOpen = cache.maxBytes > 0;
  }

  /** False: it keeps nothing now. */
  get keepsRows(): boolean {
    return this.#isOpen && this.#cache.admits;
  }

  /** A read of the store begins here. */
  get(id: string, group = 0): CachedRow | undefined {
    if (!this.#isOpen || !this.#cache.isAsked()) return undefined;
    const row = this.#groups.get(group)?.get(id);
    this.#cache.looked(row);
    return row;
  }

  /** As `get`, and it is no read: neither counted nor a reason to keep the row for longer. */
  peek(id: string, group = 0): CachedRow | undefined {
    return this.#groups.get(group)?.get(id);
  }

  /** A committed row as it has been read from the store, where `get` had none. It may not be in the cache. */
  found(id: string, bytes: Buffer | undefined, group = 0): CachedRow {
    const isAdded = this.keepsRows;
    if (bytes === undefined && !isAdded) return NO_ROW;
    const row = new CachedRow(isAdded ? flat(id) : id, group);
    if (bytes === undefined) row.text = null;
    else if (isAdded) row.text = bytes.toString('latin1');
    else row.raw = bytes;
    if (isAdded) this.#add(row);
    return row;
  }

  /**
   * The committed row as it has been written to the store. `before`: the row as `found`, `get` or `peek` gave it, where
   * one of them did. Undefined: it is not in the cache.
   */
  keep(id: string, text: string | null, group = 0, before: CachedRow | undefined = undefined): CachedRow | undefined {
    return this.#keep(before ?? this.peek(id, group), id, group, text, undefined, NaN);
  }

  /** The same, where its value is nothing that anybody can change, and what its bytes make again. */
  keepValue(
    id: string,
    value: number,
    timestampMs: number,
    group = 0,
    before: CachedRow | undefined = undefined,
  ): CachedRow | undefined {
    return this.#keep(before ?? this.peek(id, group), id, group, undefined, value, timestampMs);
  }

  #keep(
    before: CachedRow | undefined,
    id: string,
    group: number,
    text: string | null | undefined,
    value: unknown,
    timestampMs: number,
  ): CachedRow | undefined {
    const known = before?.store === undefined ? undefined : before;
    if (known === undefined && !this.keepsRows) return undefined;
    const row = known ?? new CachedRow(flat(id), group);
    row.text = text;
    row.value = value;
    row.timestampMs = timestampMs;
    row.isKnown = false;
    if (known === undefined) this.#add(row);
    else this.#cache.resized(row);
    return row.store === undefined ? undefined : row;
  }

  #add(row: CachedRow): void {
    // One of this id that has come in meanwhile.
    this.forget(row.id, row.group);
    if (!this.#cache.add(row)) return;
    row.store = this;
    const rows = this.#groups.get(row.group);
    if (rows === undefined) this.#groups.set(row.group, new Map([[row.id, row]]));
    else rows.set(row.id, row);
  }

  /** The value of a row, for all its readers. Only what nobody can change is kept. */
  share(row: CachedRow, value: unknown): void {
    if (!isShareable(value)) return;
    row.value = value;
    if (row.store !== undefined && typeof value === 'string') this.#cache.resized(row);
  }

  forget(id: string, group = 0): void {
    const rows = this.#groups.get(group);
    const row = rows?.get(id);
    if (rows === undefined || row === undefined) return;
    rows.delete(id);
    if (rows.size === 0) this.#groups.delete(group);
    row.store = undefined;
    this.#cache.remove(row);
  }

  /**
   * Bytes of many committed rows as one: they count, and go, as a whole. `forget` is told when they go. Undefined: they
   * are not in the cache.
   */
  hold(bytes: Buffer, forget: () => void): CachedRow | undefined {
    if (!this.keepsRows) return undefined;
    const block = new CachedRow('', 0);
    block.raw = bytes;
    if (!this.#cache.add(block)) return undefined;
    block.store = { forget: () => (this.release(block), forget()) };
    this.#held.add(block);
    return block;
  }

  /** What `hold` has answered goes, and nobody is told. */
  release(block: CachedRow): void {
    if (this.#held.delete(block)) this.#cache.remove(block);
    block.store = undefined;
    block.raw = undefined;
  }

  /** A read of a row whose bytes are in a block, or were. */
  looked(block: CachedRow | undefined): void {
    if (this.#isOpen && this.#cache.isAsked()) this.#cache.looked(block);
  }

  /** Forgets all, and keeps nothing from here on. */
  close(): void {
    this.#isOpen = false;
    for (const block of this.#held) block.store?.forget(block.id, block.group);
    for (const [group, rows] of this.#groups) for (const id of rows.keys()) this.forget(id, group);
  }
}

function isShareable(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
}
