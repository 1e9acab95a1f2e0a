import type { OrderedTexts } from './key-index.ts';
import { Walks } from './walks.ts';

/**
 * Which rows a store has, in order, uncommitted writes included: what it goes through. The rows themselves are read
 * one by one. What the last commit did is not known here, so `settle` asks.
 */
export class RowIndex {
  readonly #keys: OrderedTexts;
  /** Rows that came or went since the last commit, and whether they were there then. */
  readonly #moved = new Map<string, boolean>();
  readonly #walks: Walks;

  constructor(store: string, keys: OrderedTexts) {
    this.#walks = new Walks(store);
    this.#keys = keys;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** A row is written or deleted: answers whether it was there. @throws TypeError while an iterator is under way. */
  wrote(text: string, isThere: boolean): boolean {
    this.#walks.wrote();
    const changed = isThere ? this.#keys.add(text) : this.#keys.delete(text);
    // One that came back has not moved.
    if (changed && !this.#moved.delete(text)) this.#moved.set(text, !isThere);
    return changed ? !isThere : isThere;
  }

  /** As `walk`, as of now, for those who write while they go through it. */
  list(from: string | undefined, to: string | undefined): string[] {
    return this.#keys.list(from, to);
  }

  /** From `from`, inclusive, up to `to`, exclusive. */
  walk(from: string | undefined, to: string | undefined, reverse: boolean): Generator<string, void> {
    return this.#walks.over(reverse ? this.#keys.reverseRange(from, to) : this.#keys.range(from, to));
  }

  /**
   * The uncommitted writes are committed or undone: as a whole, so that one of them tells which. True: undone, and
   * rows have come or gone with that.
   */
  settle(isCommitted: (text: string) => boolean): boolean {
    this.#walks.settled();
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
