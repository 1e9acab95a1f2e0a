import type { TableChange } from '@tributary/streams';

/** This instance's copy of one topic, a record at a time. */
export interface LiveTable {
  /** Throws on a value that cannot be read, and then keeps the row as it was. */
  apply(change: TableChange, version: number): void;
  /** Drops what was read from a partition: its topic was deleted or created again. */
  reset(partition: number, version: number): void;
  /** Of a windowed table: empties windows past their retention. Called after each batch of changes. */
  expire?(version: number): void;
  /** Of a windowed table: how many windows it has. */
  readonly windowCount?: number | undefined;
  /** What becomes of the row of a record that cannot be read, for a log line; else its key keeps its last value. */
  readonly unreadableRow?: string;
  /** Why the table cannot be served, in one line for /ready; null while it can. */
  readonly trouble?: string | null;
}

export type LiveTables = Readonly<Record<string, LiveTable>>;

/**
 * Where a row was read from. `partition` and `offset` are what a cursor is compared with and mean the same on every
 * instance; `version` counts this instance's own batches and is what its running subscriptions compare with.
 */
export interface RowOrigin {
  readonly partition: number;
  readonly offset: number;
  /** The changelog record's Kafka timestamp. */
  readonly writtenAtMs: number;
  readonly version: number;
}

export function originOf(change: TableChange, version: number): RowOrigin {
  return { partition: change.partition, offset: change.offset, writtenAtMs: change.timestampMs, version };
}
