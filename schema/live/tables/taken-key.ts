import type { TableChange } from '@tributary/streams';

/** A record of a table's topic, taken apart as the layout of its store has it. */
export interface TakenKey {
  /** The bytes of the row's key, without what stands beside it. */
  readonly key: Buffer;
  /** The bytes of the row's value; null: there is no such row any more. */
  readonly value: Buffer | null;
  /** Of windows and sessions, epoch milliseconds. */
  readonly startMs?: number;
  /** Of windows (exclusive) and sessions (inclusive). */
  readonly endMs?: number;
  /** Of versions: from when they are valid. */
  readonly validFromMs?: number;
}

/** Null for a record that is none of the table's rows. */
export type TakeKeyApart = (change: TableChange) => TakenKey | null;
