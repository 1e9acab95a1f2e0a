import type { TableChange } from '@tributary/streams';

/** Changelog partition to the offset after the last record applied from it. */
export type PositionVector = Readonly<Record<number, number>>;

/** The last millisecond that a date can have. */
const LATEST_MS = 8_640_000_000_000_000;

/** When a record was written, as its timestamp says; one that no date can have, as of nanoseconds, is cut. */
export function writtenAtMsOf({ timestampMs }: Pick<TableChange, 'timestampMs'>): number {
  return Math.min(timestampMs, LATEST_MS);
}

/** How far one changelog topic has been applied, in offsets: they mean the same to all API instances. */
export class AppliedPositions {
  readonly #next = new Map<number, number>();
  #newestWrittenAtMs = 0;

  advance(change: TableChange): void {
    this.#next.set(change.partition, change.offset + 1);
    const writtenAtMs = writtenAtMsOf(change);
    if (writtenAtMs > this.#newestWrittenAtMs) this.#newestWrittenAtMs = writtenAtMs;
  }

  /** All before `offset` has been read, also what compaction had taken away. */
  reach(partition: number, offset: number): void {
    if (offset > this.of(partition)) this.#next.set(partition, offset);
  }

  clear(): void {
    this.#next.clear();
    this.#newestWrittenAtMs = 0;
  }

  remove(partition: number): void {
    this.#next.delete(partition);
  }

  /** The offset after the last record applied from `partition`; 0 when there was none. */
  of(partition: number): number {
    return this.#next.get(partition) ?? 0;
  }

  has(partition: number): boolean {
    return this.#next.has(partition);
  }

  vector(): PositionVector {
    return Object.fromEntries(this.#next);
  }

  /** The newest Kafka timestamp of the applied records: none of them was written after it. */
  get newestWrittenAtMs(): number {
    return this.#newestWrittenAtMs;
  }
}
