import type { RowOrigin } from '../tables/live-table.ts';
import type { AppliedPositions } from '../tables/applied-positions.ts';
import { aheadOf, contradicts, type CursorContent } from './cursor.ts';

/** How long an update may wait for this instance to catch up with a cursor. */
const CATCH_UP_WAIT_MS = 5_000;

/** The next offset to read of a partition; null for one that is not there. */
export type ReadPositions = (partition: number) => number | null;

/** What a subscription that began with a cursor still has to find out before its first update. */
export class CursorResume {
  readonly #cursor: CursorContent | null;
  readonly #positions: AppliedPositions;
  readonly #reads: () => ReadPositions;
  /** When it is waited no longer. */
  readonly readyByMs = performance.now() + CATCH_UP_WAIT_MS;
  readonly #partitions: readonly number[];
  /** Partitions in which this instance was behind the cursor when it was last looked at. */
  #ahead: readonly number[];

  /** `cursor`: null when the subscriber gave none that can be used. `reads`: as of now. */
  constructor(cursor: CursorContent | null, positions: AppliedPositions, reads: () => ReadPositions) {
    this.#positions = positions;
    this.#reads = reads;
    const read = reads();
    const partitions = cursor === null ? [] : Object.keys(cursor.positions).map(Number);
    // One that names what is not there was made by nobody here: there is nothing to wait for.
    const isOurs = partitions.every((partition) => positions.has(partition) || read(partition) !== null);
    this.#cursor = isOurs ? cursor : null;
    this.#partitions = isOurs ? partitions : [];
    this.#ahead = this.#cursor === null ? [] : aheadOf(this.#cursor, partitions, positions, read);
  }

  /** False while this instance is behind the cursor and may yet catch up: answering now would step back. */
  ready(): boolean {
    if (this.#cursor === null || this.#ahead.length === 0 || performance.now() >= this.readyByMs) return true;
    this.#ahead = aheadOf(this.#cursor, this.#ahead, this.#positions, this.#reads());
    return this.#ahead.length === 0;
  }

  /** The cursor, if what changed since can be told from `rows`; null asks for a snapshot. */
  resumable(rows: Iterable<RowOrigin>): CursorContent | null {
    const cursor = this.#cursor;
    if (cursor === null || aheadOf(cursor, this.#partitions, this.#positions, this.#reads()).length > 0) return null;
    if (cursor.newestWrittenAtMs >= this.#positions.newestWrittenAtMs) return cursor;
    for (const row of rows) if (contradicts(cursor, row)) return null;
    return cursor;
  }
}
