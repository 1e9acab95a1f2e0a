import type { StreamsError } from '../errors.ts';

/** One applied record of a compacted topic; a null value is a tombstone. */
export interface TableChange {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer;
  readonly value: Buffer | null;
}

export interface GlobalTableState {
  /** Every partition of every topic has been read to the end that was seen at start: there is a copy to serve. */
  readonly caughtUpOnce: boolean;
  /** Caught up right now, by the newest end offsets heard, with no broker failure since. */
  readonly complete: boolean;
  /** Why it is not complete, in one line for /ready; null when it is. */
  readonly reason: string | null;
}

/** A full, read-only, live copy of compacted topics, read without a consumer group (read_committed). */
export interface GlobalTable {
  start(): void;
  state(): GlobalTableState;
  /** `topic-partition` to the next offset to read: everything before it has been handed to `onChanges`, and applied. */
  positions(): ReadonlyMap<string, number>;
  /**
   * Wall clock, epoch milliseconds, of when the copy of a topic last came from its start to its end; null while one of
   * its partitions is on its way there, for the first time or anew.
   */
  caughtUpAtMs(topic: string): number | null;
  close(): Promise<void>;
}

export interface GlobalTableOptions {
  readonly topics: readonly string[];
  /**
   * How long a topic keeps tombstones, its `delete.retention.ms`. A copy that was away from the end of a partition for
   * longer may have missed some: it is told `onReset`, and reads the partition anew. Undefined: that is not looked at.
   */
  readonly deleteRetentionMs?: (topic: string) => number | undefined;
  /**
   * Called with each fetched run of records of a partition, in offset order. It applies them before it returns; where
   * it cannot, it returns a promise, and the partition is read on when that is fulfilled. Until then the table is not
   * complete, and other partitions are read. What it throws, or rejects with, ends the process.
   */
  onChanges(changes: readonly TableChange[]): unknown;
  /**
   * Forget everything read from that partition: its topic was deleted or recreated, or tombstones may have been missed.
   */
  onReset(topic: string, partition: number): void;
  /** Called whenever `state()` may have changed. */
  onState(state: GlobalTableState): void;
  /** At start: credentials or TLS that no waiting mends. The table gives up; so should the process. */
  onFatal(error: StreamsError): void;
}
