import type { KeyIndex } from './key-index.ts';

/**
 * Which rows a store has, in order, uncommitted writes included: what it goes through. The rows themselves are read
 * one by one. What the last commit did is not known here, so `settle` asks.
 */
export class RowIndex {
  readonly #store: string;
  readonly #keys: KeyIndex;
  /** Rows that came or went since the last commit, and whether they were there then. */
  readonly #moved = new Map<string, boolean>();
  /** Iterators that have begun and are neither at their end nor closed. */
  #walking = 0;
  /** Of the writes that are not committed: iterators of before do not go on. */
  #generation = 0;

  constructor(store: string, keys: KeyIndex) {
    this.#store = store;
    this.#keys = keys;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** A row is written or deleted. @throws TypeError while an iterator is under way. */
  wrote(text: string, isThere: boolean): void {
    // mutant: written-while-walking
    if (this.#walking > 0)
      throw new TypeError(
        `the store "${this.#store}" is written to while it is gone through: first read the iterator to its end, or ` +
          `close it with return()`,
      );
    const changed = isThere ? this.#keys.add(text) : this.#keys.delete(text);
    // One that came back has not moved.
    if (changed && !this.#moved.delete(text)) this.#moved.set(text, !isThere);
  }

  /** From `from`, inclusive, up to `to`, exclusive. */
  *walk(from: string | undefined, to: string | undefined, reverse: boolean): Generator<string, void> {
    const generation = this.#generation;
    this.#walking += 1;
    try {
      for (const text of reverse ? this.#keys.reverseRange(from, to) : this.#keys.range(from, to)) {
        yield text;
        if (generation !== this.#generation)
          throw new TypeError(
            `an iterator of the store "${this.#store}" is read on after a commit: it is no longer good`,
          );
      }
    } finally {
      if (generation === this.#generation) this.#walking -= 1;
    }
  }

  /**
   * The uncommitted writes are committed or undone: as a whole, so that one of them tells which. True: undone, and
   * rows have come or gone with that.
   */
  settle(isCommitted: (text: string) => boolean): boolean {
    this.#generation += 1;
    this.#walking = 0;
    const [first] = this.#moved;
    const isUndone = first !== undefined && isCommitted(first[0]) === first[1];
    // mutant: undone-keys
    if (isUndone) {
      for (const [text, wasThere] of this.#moved) {
        if (wasThere) this.#keys.add(text);
        else this.#keys.delete(text);
      }
    }
    this.#moved.clear();
    return isUndone;
  }
}
