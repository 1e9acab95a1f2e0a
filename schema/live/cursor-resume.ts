import type { AppliedPositions } from './applied-positions.ts';
import { contradicts, type CursorContent, isAhead } from './cursor.ts';

/** How long an update may wait for this instance to catch up with a cursor. */
const CATCH_UP_WAIT_MS = 5_000;

interface Placed {
  readonly partition: number;
  readonly offset: number;
  readonly writtenAtMs: number;
}

/** What a subscription that began with a cursor still has to find out before its first update. */
export class CursorResume {
  readonly #cursor: CursorContent | null;
  readonly #positions: AppliedPositions;
  readonly #read: (partition: number) => number;
  readonly #deadlineMs = performance.now() + CATCH_UP_WAIT_MS;

  /** `cursor`: null when the subscriber gave none that can be used. `read`: next offset to read, by partition. */
  constructor(cursor: CursorContent | null, positions: AppliedPositions, read: (partition: number) => number) {
    this.#cursor = cursor;
    this.#positions = positions;
    this.#read = read;
  }

  /** False while this instance is behind the cursor and may yet catch up: answering now would step back. */
  ready(): boolean {
    return this.#cursor === null || !isAhead(this.#cursor, this.#positions, this.#read) || performance.now() >= this.#deadlineMs;
  }

  /** The cursor, if what changed since can be told from `rows`; null asks for a snapshot. */
  resumable(rows: Iterable<Placed>): CursorContent | null {
    const cursor = this.#cursor;
    if (cursor === null || isAhead(cursor, this.#positions, this.#read)) return null;
    for (const row of rows) if (contradicts(cursor, row)) return null;
    return cursor;
  }
}
