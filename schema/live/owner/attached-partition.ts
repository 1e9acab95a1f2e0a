import type { FollowedRows } from './followed-rows.ts';
import type { PartitionTail, TailChange } from './changelog-tails.ts';

/**
 * One partition of a subscription between two states: its rows come from an owner, and its changes from the changelog.
 * What comes from the changelog meanwhile waits here.
 */
export class AttachedPartition {
  readonly tail: PartitionTail;
  /** From this offset on no change is missing in what has come; null while the changelog is not read. */
  #from: number | null;
  #waiting: TailChange[] | null = [];
  /** The newest position at which the owner has answered. */
  #position = 0;
  #answers = 0;

  constructor(tail: PartitionTail) {
    this.tail = tail;
    this.#from = tail.end;
  }

  /** What an answer must have seen, if anything, so that no change is missing. */
  get minPosition(): number | null {
    return this.#from ?? this.tail.startedAt;
  }

  /** All that is before it is in the rows. */
  get position(): number {
    return Math.max(this.#position, this.tail.end ?? 0);
  }

  /** False for an answer that is too old: changes between it and what has come are missing. */
  answered(position: number): boolean {
    this.tail.start(position);
    this.#from ??= this.tail.startedAt ?? position;
    if (position < this.#from) return false;
    this.#position = Math.max(this.#position, position);
    this.#answers += 1;
    return true;
  }

  /** Rows and changes become one state, from which on changes are applied as they come. */
  async settle(rows: FollowedRows): Promise<void> {
    // Several answers are of several positions: the changes up to the newest of them make one state of all.
    const isOne = this.#answers <= 1;
    if (!isOne) await this.tail.until(this.#position);
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const change of waiting)
      if (!isOne || change.offset >= this.#position) rows.set(change.keyText, change.row, change.partition);
  }

  /** It is followed no more: whoever still waits in `settle` has nothing left to give to rows that nobody clears. */
  drop(): void {
    this.#waiting = [];
  }

  changed(change: TailChange, rows: FollowedRows): void {
    if (this.#waiting !== null) this.#waiting.push(change);
    else if (change.offset >= this.#position) rows.set(change.keyText, change.row, change.partition);
  }
}
