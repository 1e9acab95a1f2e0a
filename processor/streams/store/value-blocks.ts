import type { CachedRow } from './cached-row.ts';
import { NONE } from './duplicate-rows.ts';
import type { StoreCache } from './record-cache.ts';

/** The first one is as small as this, and each next one twice as large: most stores of a test have a few rows. */
const LEAST_BLOCK_BYTES = 1_024;
const MOST_BLOCK_BYTES = 65_536;
/** In UTF-8, of the characters that a text counts. */
const MOST_BYTES_A_CHARACTER = 3;

/** The values of rows that were put one after the other, in one piece. */
class ValueBlock {
  /** What the rows name it by; NONE: none has it yet. */
  number = NONE;
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
 * To the rows a block is a number, until the last of them is gone.
 */
export class ValueBlocks {
  readonly #cache: StoreCache;
  /** By their numbers; undefined: the number is free. */
  readonly #blocks: (ValueBlock | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  /** That the next value goes to. */
  #open: ValueBlock | undefined;
  #used = 0;
  #nextBytes = LEAST_BLOCK_BYTES;
  /** Where the value begins that was added last. */
  lastAt = 0;
  /** And its length. */
  lastBytes = 0;
  /** Full ones with rows that are not committed. */
  #full: ValueBlock[] = [];

  constructor(cache: StoreCache) {
    this.#cache = cache;
  }

  /** Copies a value; answers its block, in which it begins at `lastAt`. Of a text the bytes are UTF-8. */
  add(value: Uint8Array | string): number {
    const most = typeof value === 'string' ? value.length * MOST_BYTES_A_CHARACTER : value.length;
    let open = this.#open;
    if (open?.bytes === undefined || this.#used + most > open.bytes.length)
      open = this.#withRoom(typeof value === 'string' ? Buffer.byteLength(value) : most);
    const bytes = open.bytes as Buffer;
    this.lastAt = this.#used;
    if (typeof value === 'string') this.lastBytes = bytes.write(value, this.#used, 'utf8');
    else {
      bytes.set(value, this.#used);
      this.lastBytes = value.length;
    }
    this.#used += this.lastBytes;
    open.rows += 1;
    return open.number;
  }

  /** The block that values go to, which has room for so many bytes more. */
  #withRoom(sizeBytes: number): ValueBlock {
    const before = this.#open;
    if (before?.bytes !== undefined && this.#used + sizeBytes <= before.bytes.length) return before;
    if (before !== undefined) this.#full.push(before);
    const open = new ValueBlock(Math.max(this.#nextBytes, sizeBytes));
    this.#name(open);
    this.#nextBytes = Math.min(2 * this.#nextBytes, MOST_BLOCK_BYTES);
    this.#open = open;
    this.#used = 0;
    return open;
  }

  /** A row is gone for good. */
  remove(number: number): void {
    const block = this.#blocks[number] as ValueBlock;
    block.rows -= 1;
    if (block.rows > 0 || block === this.#open) return;
    block.bytes = undefined;
    if (block.cached !== undefined) this.#cache.release(block.cached);
    block.cached = undefined;
    this.#unname(block);
  }

  /** The bytes of a block, where there is one and they are in memory. */
  bytesOf(number: number): Buffer | undefined {
    return number === NONE ? undefined : this.#blocks[number]?.bytes;
  }

  /** The same for the value of a committed row, which is read. */
  read(number: number): Buffer | undefined {
    const block = number === NONE ? undefined : this.#blocks[number];
    if (block === undefined || block !== this.#open) this.#cache.looked(block?.cached);
    return block?.bytes;
  }

  /** Copies the value of a committed row that was not in memory; NONE: the cache does not take it. */
  keep(value: Uint8Array): number {
    const block = new ValueBlock(value.length);
    const bytes = block.bytes as Buffer;
    bytes.set(value);
    block.rows = 1;
    block.cached = this.#cache.hold(bytes, () => forget(block));
    return block.cached === undefined ? NONE : this.#name(block);
  }

  /** No row is uncommitted any more. `isCommitted`: those that were are committed. */
  settled(isCommitted: boolean): void {
    for (const block of this.#full) {
      const { bytes } = block;
      if (bytes === undefined) continue;
      block.cached = isCommitted && block.rows > 0 ? this.#cache.hold(bytes, () => forget(block)) : undefined;
      if (block.cached === undefined) block.bytes = undefined;
      // Its last row went while it was open.
      if (block.rows === 0) this.#unname(block);
    }
    this.#full = [];
  }

  /** The store is closed: the cache lets go of its blocks. */
  close(): void {
    this.#cache.close();
    this.#open = undefined;
    this.#full = [];
  }

  #name(block: ValueBlock): number {
    block.number = this.#freeNumbers.pop() ?? this.#blocks.length;
    this.#blocks[block.number] = block;
    return block.number;
  }

  #unname(block: ValueBlock): void {
    this.#blocks[block.number] = undefined;
    this.#freeNumbers.push(block.number);
  }
}

function forget(block: ValueBlock): void {
  block.bytes = undefined;
  block.cached = undefined;
}
