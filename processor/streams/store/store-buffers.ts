/** The memory of one store. */
export interface StoreBuffers {
  /** LevelDB's cache of blocks: of tables that are not mapped into memory, which the first 1,000 of a process are. */
  readonly blockCacheBytes: number;
  /** Rows that are not in tables yet: LevelDB has up to two such buffers. */
  readonly writeBufferBytes: number;
  /** Of rows that were read or written lately (row-cache.ts). */
  readonly rowCacheBytes: number;
}

const MIB = 1 << 20;
const ALL_WRITE_BUFFERS_BYTES = 32 * MIB;
const ALL_BLOCK_CACHES_BYTES = 32 * MIB;
const ALL_ROW_CACHES_BYTES = 32 * MIB;
const WRITE_BUFFER_BYTES = 4 * MIB;
const BLOCK_CACHE_BYTES = 4 * MIB;
const ROW_CACHE_BYTES = 8 * MIB;
const LEAST_CACHE_BYTES = MIB / 2;
/** The smaller, the more often tables are merged: with 100,000 rows 6 % of LevelDB's CPU, with twice as much none. */
const LEAST_WRITE_BUFFER_BYTES = MIB / 4;

/**
 * One budget for the stores of all tasks of an application: one process may have all of them, since a store keeps the
 * buffers that it was opened with, whatever tasks come later. A store's own share was 16 MiB, a gigabyte with 64 tasks.
 */
export function storeBuffers(stores: number): StoreBuffers {
  const share = (all: number, least: number, most: number): number =>
    Math.max(least, Math.min(most, Math.floor(all / Math.max(1, stores))));
  return {
    blockCacheBytes: share(ALL_BLOCK_CACHES_BYTES, LEAST_CACHE_BYTES, BLOCK_CACHE_BYTES),
    writeBufferBytes: share(ALL_WRITE_BUFFERS_BYTES, LEAST_WRITE_BUFFER_BYTES, WRITE_BUFFER_BYTES),
    rowCacheBytes: share(ALL_ROW_CACHES_BYTES, LEAST_CACHE_BYTES, ROW_CACHE_BYTES),
  };
}
