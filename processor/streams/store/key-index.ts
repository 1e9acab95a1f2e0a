/** Most keys of a block: large enough for few blocks, small enough for an insert to move little. */
const MOST = 1_024;

/** Texts in order, as those who go through a store's rows need them. */
export interface OrderedTexts {
  readonly size: number;
  /** False: it was there. */
  add(text: string): boolean;
  /** False: it was not there. */
  delete(text: string): boolean;
  /** From `from`, inclusive, up to `to`, exclusive, in order; nothing may be added or deleted meanwhile. */
  range(from: string | undefined, to: string | undefined): Iterable<string>;
  /** The same, the last one first. */
  reverseRange(from: string | undefined, to: string | undefined): Iterable<string>;
  /** The same as `range`, as of now. */
  list(from: string | undefined, to: string | undefined): string[];
}

/**
 * Keys in order, in memory: LevelDB has no iterator that a record loop could wait for. Each is the latin1 text of its
 * bytes, whose order is that of the bytes. They lie in blocks, so that a million of them needs little more than their
 * texts, and adding one moves at most a block.
 */
export class KeyIndex implements OrderedTexts {
  /** Each has a key; the keys of one are all below those of the next. */
  #blocks: string[][] = [];
  #size = 0;

  /** @param keys in any order, each once. */
  constructor(keys: string[] = []) {
    if (!keys.every((key, at) => at === 0 || (keys[at - 1] as string) < key)) keys.sort();
    for (let at = 0; at < keys.length; at += MOST / 2) this.#blocks.push(keys.slice(at, at + MOST / 2));
    this.#size = keys.length;
  }

  get size(): number {
    return this.#size;
  }

  has(key: string): boolean {
    const block = this.#blocks[this.#blockOf(key)];
    return block !== undefined && block[lowerBound(block, key)] === key;
  }

  /** False: it was there. */
  add(key: string): boolean {
    const blockAt = this.#blockOf(key);
    const block = this.#blocks[blockAt];
    if (block === undefined) {
      this.#blocks.push([key]);
    } else {
      const at = lowerBound(block, key);
      if (block[at] === key) return false;
      block.splice(at, 0, key);
      if (block.length > MOST) this.#blocks.splice(blockAt + 1, 0, block.splice(MOST / 2));
    }
    this.#size += 1;
    return true;
  }

  /** False: it was not there. */
  delete(key: string): boolean {
    const blockAt = this.#blockOf(key);
    const block = this.#blocks[blockAt];
    if (block === undefined) return false;
    const at = lowerBound(block, key);
    if (block[at] !== key) return false;
    block.splice(at, 1);
    if (block.length === 0) this.#blocks.splice(blockAt, 1);
    else this.#joinNext(blockAt);
    this.#size -= 1;
    return true;
  }

  /** From `from`, inclusive, up to `to`, exclusive, in order; nothing may be added or deleted meanwhile. */
  *range(from: string | undefined, to: string | undefined): Generator<string, void> {
    let blockAt = from === undefined ? 0 : this.#blockOf(from);
    let at = from === undefined ? 0 : lowerBound(this.#blocks[blockAt] ?? [], from);
    for (; blockAt < this.#blocks.length; blockAt += 1, at = 0) {
      const block = this.#blocks[blockAt] as string[];
      for (; at < block.length; at += 1) {
        const key = block[at] as string;
        if (to !== undefined && key >= to) return;
        yield key;
      }
    }
  }

  /** The same keys, the last one first. */
  *reverseRange(from: string | undefined, to: string | undefined): Generator<string, void> {
    let blockAt = to === undefined ? this.#blocks.length - 1 : this.#blockOf(to);
    let at = (to === undefined ? this.#blocks[blockAt]?.length : lowerBound(this.#blocks[blockAt] ?? [], to)) ?? 0;
    for (; blockAt >= 0; blockAt -= 1, at = this.#blocks[blockAt]?.length ?? 0) {
      const block = this.#blocks[blockAt] as string[] | undefined;
      for (at -= 1; at >= 0; at -= 1) {
        const key = block?.[at] as string;
        if (from !== undefined && key < from) return;
        yield key;
      }
    }
  }

  list(from: string | undefined, to: string | undefined): string[] {
    return [...this.range(from, to)];
  }

  /** All keys, in order; they are gone from the index when all are taken. */
  *takeAll(): Generator<string, void> {
    yield* this.range(undefined, undefined);
    this.#blocks = [];
    this.#size = 0;
  }

  /** The block that holds the key, or that it belongs into; 0 where there is none. */
  #blockOf(key: string): number {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (((this.#blocks[middle] as string[])[0] as string) <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Blocks that have become small are joined: else many deletions would leave as many blocks as keys. */
  #joinNext(blockAt: number): void {
    const block = this.#blocks[blockAt] as string[];
    const next = this.#blocks[blockAt + 1];
    if (next === undefined || block.length + next.length > MOST / 2) return;
    for (const key of next) block.push(key);
    this.#blocks.splice(blockAt + 1, 1);
  }
}

/** The index of the first key that is not below `bound`. */
function lowerBound(keys: readonly string[], bound: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first text above all that begin with this one; undefined: there is none, as of FF and of nothing. */
export function endOfPrefix(prefix: string): string | undefined {
  const end = prefix.replace(/\u00ff+$/, '');
  return end === '' ? undefined : end.slice(0, -1) + String.fromCharCode(end.charCodeAt(end.length - 1) + 1);
}
