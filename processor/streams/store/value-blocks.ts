import type { CachedRow } from './cached-row.ts';
import type { StoreCache } from './record-cache.ts';

/** The first one is as small as this, and each next one twice as large: most stores of a test have a few rows. */
const LEAST_BLOCK_BYTES = 1_024;
const MOST_BLOCK_BYTES = 65_536;

/** The values of rows that were put one after the other, in one piece. */
export class ValueBlock {
  /** Undefined: they are not in memory any more. */
  bytes: Buffer | undefined;
  /** In the cache, which counts its bytes; undefined: it is not in it. */
  cached: CachedRow | undefined = undefined;
  /** Rows that have their value in it. */
  rows = 0;

  constructor(sizeBytes: number) {
    // Of its own: what is in the cache counts for as much as it holds on to.
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
  }
}

/**
 * Values of rows that never change, as bytes: in blocks, as one object for each value costs more than its bytes. Those
 * of uncommitted rows stay until the commit. After it a full block belongs to the cache, which forgets it as a whole.
 */
export class ValueBlocks {
  readonly #cache: StoreCache;
  /** That the next value goes to. */
  #open: ValueBlock | undefined;
  #used = 0;
  #nextBytes = LEAST_BLOCK_BYTES;
  /** Where the value begins that was added last. */
  lastAt = 0;
  /** Full ones with rows that are not committed. */
  #full: ValueBlock[] = [];

  constructor(cache: StoreCache) {
    this.#cache = cache;
  }

  /** Copies a value; answers its block, in which it begins at `lastAt`. */
  add(value: Uint8Array): ValueBlock {
    let open = this.#open;
    if (open?.bytes === undefined || this.#used + value.length > open.bytes.length) {
      if (open !== undefined) this.#full.push(open);
      open = new ValueBlock(Math.max(this.#nextBytes, value.length));
      this.#nextBytes = Math.min(2 * this.#nextBytes, MOST_BLOCK_BYTES);
      this.#open = open;
      this.#used = 0;
    }
    (open.bytes as Buffer).set(value, this.#used);
    this.lastAt = this.#used;
    this.#used += value.length;
    open.rows += 1;
    return open;
  }

  /** A row is gone for good. */
  remove(block: ValueBlock): void {
    block.rows -= 1;
    if (block.rows > 0 || block === this.#open) return;
    block.bytes = undefined;
    if (block.cached !== undefined) this.#cache.release(block.cached);
    block.cached = undefined;
  }

  /** A committed row is read: the bytes of its block, where it has one and they are in memory. */
  read(block: ValueBlock | undefined): Buffer | undefined {
    if (block === undefined || block !== this.#open) this.#cache.looked(block?.cached);
    return block?.bytes;
  }

  /** Copies the value of a committed row that was not in memory; undefined: the cache does not take it. */
  keep(value: Uint8Array): ValueBlock | undefined {
    const block = new ValueBlock(value.length);
    const bytes = block.bytes as Buffer;
    bytes.set(value);
    block.rows = 1;
    block.cached = this.#cache.hold(bytes, () => forget(block));
    return block.cached === undefined ? undefined : block;
  }

  /** No row is uncommitted any more. `isCommitted`: those that were are committed. */
  settled(isCommitted: boolean): void {
    for (const block of this.#full) {
      const { bytes } = block;
      if (bytes === undefined) continue;
      block.cached = isCommitted && block.rows > 0 ? this.#cache.hold(bytes, () => forget(block)) : undefined;
      if (block.cached === undefined) block.bytes = undefined;
    }
    this.#full = [];
  }

  /** The store is closed: the cache lets go of its blocks. */
  close(): void {
    this.#cache.close();
    this.#open = undefined;
    this.#full = [];
  }
}

function forget(block: ValueBlock): void {
  block.bytes = undefined;
  block.cached = undefined;
}
