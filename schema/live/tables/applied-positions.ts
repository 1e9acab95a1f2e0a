import type { TableChange } from '@tributary/streams';

/** Changelog partition to the offset after the last record applied from it. */
export type PositionVector = Readonly<Record<number, number>>;

/** How far one changelog topic has been applied, in offsets: they mean the same to all API instances. */
export class AppliedPositions {
  readonly #next = new Map<number, number>();
  #newestWrittenAtMs = 0;

  advance(change: TableChange): void {
    this.#next.set(change.partition, change.offset + 1);
    if (change.timestampMs > this.#newestWrittenAtMs) this.#newestWrittenAtMs = change.timestampMs;
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
