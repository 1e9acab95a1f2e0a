import type { TableChange } from '@tributary/streams';
import type { SourceLayout } from '../feed/feed-source.ts';

/** What a copy is told of the topic that it is read from. */
interface CopyOfTopic {
  /** How the keys and values of the table's topic are put together. What was read of another topic is forgotten. */
  follow(layout: SourceLayout): void;
  /**
   * All partitions have been read to these offsets, their ends: from now on each change is seen as it is made.
   * `tombstonesSinceMs`: tombstones that were written after it are all among what was read, epoch milliseconds.
   */
  copied(positions: ReadonlyMap<number, number>, tombstonesSinceMs: number): void;
}

/** This instance's copy of one topic, a record at a time. */
export interface LiveTable extends Partial<CopyOfTopic> {
  /** Throws on a value that cannot be read, and then keeps the row as it was. */
  apply(change: TableChange, version: number): void;
  /** Drops what was read from a partition: its topic was deleted or created again. */
  reset(partition: number, version: number): void;
  /** Of a windowed table: how many windows it has. */
  readonly windowCount?: number | undefined;
  /** What becomes of the row of a record that cannot be read, for a log line; else its key keeps its last value. */
  readonly unreadableRow?: string | undefined;
  /** Why the table cannot be served, in one line for /ready; null while it can. */
  readonly trouble?: string | null;
}

export type LiveTables = Readonly<Record<string, LiveTable>>;
