import type { OrderedTexts } from './key-index.ts';
import { Walks } from './walks.ts';

/** So many are looked for among all that have moved, before all of them are put in order. */
const FEW_LOOKED_AT = 4;
/** Before more of them are kept it is seen which have come or gone in all. */
const FEW_MOVES = 4_096;

/**
 * Which rows a store has, in order, uncommitted writes included: what it goes through. The rows themselves are read
 * one by one. What the last commit did is not known here, so `settle` asks.
 */
export class RowIndex {
  readonly #keys: OrderedTexts;
  /** Rows that came or went since the last commit, one by one, and which of both each did. */
  #moved: string[] = [];
  #came: boolean[] = [];
  #mostMoves = FEW_MOVES;
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
    if (changed) {
      if (this.#moved.length >= this.#mostMoves) this.#fold();
      this.#moved.push(text);
      this.#came.push(isThere);
    }
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
    const told = this.#anyMoved();
    const isUndone = told !== undefined && isCommitted(told.text) === told.wasThere;
    // mutant: undone-keys
    if (isUndone) {
      for (let at = this.#moved.length - 1; at >= 0; at -= 1) {
        if (this.#came[at] === true) this.#keys.delete(this.#moved[at] as string);
        else this.#keys.add(this.#moved[at] as string);
      }
    }
    this.#moved = [];
    this.#came = [];
    this.#mostMoves = FEW_MOVES;
    return isUndone;
  }

  /** A row that has come or gone in all: one that came back has not. */
  #anyMoved(): { readonly text: string; readonly wasThere: boolean } | undefined {
    const moved = this.#moved;
    for (let at = 0; at < Math.min(moved.length, FEW_LOOKED_AT); at += 1) {
      const text = moved[at] as string;
      if (moved.indexOf(text) === at && moved.lastIndexOf(text) === at) return { text, wasThere: !this.#came[at] };
    }
    const [first] = this.#inAll();
    return first === undefined ? undefined : { text: first[0], wasThere: first[1] };
  }

  /** Rows that have come or gone in all, and whether each was there. */
  #inAll(): Map<string, boolean> {
    const inAll = new Map<string, boolean>();
    for (const [at, text] of this.#moved.entries()) if (!inAll.delete(text)) inAll.set(text, !this.#came[at]);
    return inAll;
  }

  /** Rows that come and go until the commit, over and over, take no more than each of them once. */
  #fold(): void {
    const inAll = this.#inAll();
    this.#moved = [...inAll.keys()];
    this.#came = [...inAll.values()].map((wasThere) => !wasThere);
    this.#mostMoves = Math.max(FEW_MOVES, 2 * inAll.size);
  }
}
