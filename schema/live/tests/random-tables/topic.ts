import type { TableChange } from '@tributary/streams';
import { PARTITIONS, type Written } from './records.ts';

/** A record of the topic, and what it means. */
export interface TopicRecord {
  readonly change: TableChange;
  readonly written: Written;
  /** When it was appended, epoch milliseconds. */
  readonly atMs: number;
}

/** A compacted topic: all that was ever written, and what the cleaner has left of it. */
export class Topic {
  readonly name: string;
  /** All that was written. */
  readonly all: TopicRecord[] = [];
  #left: TopicRecord[] = [];
  readonly #ends = new Map<number, number>();

  constructor(name: string) {
    this.name = name;
  }

  add(written: Written): void {
    const { partition, keyBytes: key, valueBytes: value, ageMs } = written;
    const offset = this.endOf(partition);
    const atMs = Date.now();
    const change = { topic: this.name, partition, offset, timestampMs: atMs - ageMs, key, value };
    const record = { change, written, atMs };
    this.#ends.set(partition, offset + 1);
    this.all.push(record);
    this.#left.push(record);
  }

  /**
   * Deletes the row of the nth of the records that are left, counted round and round: with a tombstone, but for a
   * version, where deleted is a value as well.
   */
  delete(nth: number): void {
    const record = this.#left[nth % Math.max(this.#left.length, 1)];
    if (record === undefined) return;
    const { row } = record.written;
    const valueBytes = (row?.versionMs ?? 0) > 0 ? Buffer.from([0]) : null;
    this.add({ ...record.written, valueBytes, ageMs: 0, row: row === null ? null : { ...row, value: null } });
  }

  endOf(partition: number): number {
    return this.#ends.get(partition) ?? 0;
  }

  /** What is left of a partition from `offset` on. */
  from(partition: number, offset: number): TopicRecord[] {
    return this.#left.filter(({ change }) => change.partition === partition && change.offset >= offset);
  }

  /**
   * Takes away records that others of the same key have followed, up to `until` of each partition, and tombstones that
   * were appended before `tombstonesBeforeMs`.
   */
  clean(until: (partition: number) => number, tombstonesBeforeMs: number): void {
    const cleaned = (record: TopicRecord): boolean => record.change.offset < until(record.change.partition);
    const newest = new Map<string, TopicRecord>();
    for (const record of this.#left)
      if (cleaned(record)) newest.set(`${record.change.partition} ${record.change.key.toString('latin1')}`, record);
    const kept = new Set(newest.values());
    this.#left = this.#left.filter(
      (record) =>
        !cleaned(record) || (kept.has(record) && !(record.change.value === null && record.atMs < tombstonesBeforeMs)),
    );
  }

  partitions(): readonly number[] {
    return Array.from({ length: PARTITIONS }, (_, partition) => partition);
  }
}
