import type { CursorContent } from '../updates/cursor.ts';

interface Copied {
  readonly until: number;
  readonly tombstonesSinceMs: number;
}

const NOT_COPIED: Copied = { until: Number.POSITIVE_INFINITY, tombstonesSinceMs: Number.POSITIVE_INFINITY };

/** Of each partition that has been read to its end: how far, when that was first so. */
export class CopiedPartitions {
  readonly #copied = new Map<number, Copied>();

  /** `tombstonesSinceMs`: tombstones that were written after it are all among what was read, epoch milliseconds. */
  add(partition: number, until: number, tombstonesSinceMs: number): void {
    this.#copied.set(partition, { until, tombstonesSinceMs });
  }

  has(partition: number): boolean {
    return this.#copied.has(partition);
  }

  /** The end that was read to first; undefined while it has not been. */
  untilOf(partition: number): number | undefined {
    return this.#copied.get(partition)?.until;
  }

  delete(partition: number): void {
    this.#copied.delete(partition);
  }

  clear(): void {
    this.#copied.clear();
  }

  /** Whether no tombstone after a cursor can have been compacted away before this copy was made. */
  haveTombstonesSince({
    positions,
    newestWrittenAtMs,
  }: Pick<CursorContent, 'positions' | 'newestWrittenAtMs'>): boolean {
    return Object.entries(positions).every(([partition, position]) => {
      const { until, tombstonesSinceMs } = this.#copied.get(Number(partition)) ?? NOT_COPIED;
      return position === 0 || position >= until || newestWrittenAtMs >= tombstonesSinceMs;
    });
  }
}
