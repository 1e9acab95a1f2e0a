import type { AppliedPositions } from '../tables/applied-positions.ts';
import { aheadOf, type CursorContent } from './cursor.ts';

/** How long an update may wait for this instance to catch up with a cursor. */
const CATCH_UP_WAIT_MS = 5_000;

/** The next offset to read of a partition; null for one that is not there. */
export type ReadPositions = (partition: number) => number | null;

/** Decides for a subscription that began with a cursor when its first update can be made, and of what kind. */
export class CursorResume {
  readonly #cursor: CursorContent | null;
  readonly #positions: AppliedPositions;
  readonly #reads: () => ReadPositions;
  /** When the first update waits no longer. */
  readonly readyByMs = performance.now() + CATCH_UP_WAIT_MS;
  readonly #partitions: readonly number[];
  /** Partitions in which this instance was behind the cursor at the last check. */
  #ahead: readonly number[];

  /** `cursor`: null when the subscriber gave none that can be used. `reads`: as of now. */
  constructor(cursor: CursorContent | null, positions: AppliedPositions, reads: () => ReadPositions) {
    this.#positions = positions;
    this.#reads = reads;
    const read = reads();
    const partitions = cursor === null ? [] : Object.keys(cursor.positions).map(Number);
    // A cursor that names a partition which does not exist was not made by this API: there is nothing to wait for.
    const isOurs = partitions.every((partition) => positions.has(partition) || read(partition) !== null);
    this.#cursor = isOurs ? cursor : null;
    this.#partitions = isOurs ? partitions : [];
    this.#ahead = this.#cursor === null ? [] : aheadOf(this.#cursor, partitions, positions, read);
  }

  /** False while this instance is behind the cursor and may yet catch up: an update now would go back in time. */
  ready(): boolean {
    if (this.#cursor === null || this.#ahead.length === 0 || performance.now() >= this.readyByMs) return true;
    this.#ahead = aheadOf(this.#cursor, this.#ahead, this.#positions, this.#reads());
    return this.#ahead.length === 0;
  }

  /** The cursor, if this instance has read all that it has; null where the first update must be a snapshot. */
  reached(): CursorContent | null {
    const cursor = this.#cursor;
    if (cursor === null || aheadOf(cursor, this.#partitions, this.#positions, this.#reads()).length > 0) return null;
    return cursor;
  }
}
