import { crc32c } from '../kafka/native-codecs.ts';
import { copyBytes } from '../copy-bytes.ts';
import {
  type BlockHandle,
  FOOTER_BYTES,
  MAGIC_HIGH,
  MAGIC_LOW,
  masked,
  PLAIN,
  TRAILER_BYTES,
  varintBytes,
  writeVarint,
} from './table-format.ts';

/*
 * The files of a LevelDB, written without it: the tables of a store that is loaded at once, and the manifest that names
 * them. A row costs a third of what it costs through LevelDB's log, its memory and its first compaction. The format is
 * LevelDB's own (table_format.md, log_format.md), without compression.
 */

/** Bytes of rows in a block. */
const BLOCK_BYTES = 4_096;
/** Every so many rows a block has a whole key. */
const RESTART_ROWS = 16;
/** Where a table ends, as where LevelDB ends its own. */
const TABLE_BYTES = 2 << 20;
/** Bits of a Bloom filter for each key, and how many of them a key sets. */
const FILTER_BITS = 10;
const FILTER_PROBES = 6;
/** Log to the base of 2 of the bytes of a table that one filter is of. */
const FILTER_RANGE = 11;
const FILTER_SEED = 0xbc9f1d34;
const FILTER_NAME = 'filter.leveldb.BuiltinBloomFilter2';
/** Behind each key: that it is a value, and the sequence number, in 7 bytes. All rows of a load have the same one. */
const SEQUENCE = 1;
const KEY_TRAILER = Buffer.from([1, SEQUENCE, 0, 0, 0, 0, 0, 0]);
const KEY_TRAILER_BYTES = KEY_TRAILER.length;

/** A table as it is in the manifest. */
export interface WrittenTable {
  readonly bytes: Buffer;
  /** What they lie in: another table may be made in it when they are written. */
  readonly room: Buffer;
  /** With their trailers, as LevelDB compares them. */
  readonly smallest: Buffer;
  readonly largest: Buffer;
}

/** Makes one table of rows that come in the order of their keys. */
export class TableWriter {
  #bytes: Buffer;
  #end = 0;
  #blockAt = 0;
  #restarts: number[] = [];
  #rowsInBlock = 0;
  #smallest: Buffer | undefined;
  #lastKey = Buffer.allocUnsafeSlow(256);
  #lastKeyBytes = 0;
  readonly #index: IndexEntry[] = [];
  #hashes = new Uint32Array(256);
  readonly #filters: Buffer[] = [];
  #filterBytes = 0;
  readonly #filterAt: number[] = [];

  /** `room`: of a table that is written. */
  constructor(room?: Buffer) {
    this.#bytes = room ?? Buffer.allocUnsafeSlow(TABLE_BYTES + (TABLE_BYTES >> 3));
  }

  get isEmpty(): boolean {
    return this.#smallest === undefined;
  }

  get isFull(): boolean {
    return this.#end >= TABLE_BYTES;
  }

  /** The key must be greater than the one before. */
  add(key: Uint8Array, keyBytes: number, value: Uint8Array, valueAt: number, valueBytes: number): void {
    this.#reserve(keyBytes + valueBytes);
    if (this.#smallest === undefined) this.#smallest = internalKey(key, keyBytes);
    let shared = 0;
    if (this.#rowsInBlock % RESTART_ROWS === 0) this.#restarts.push(this.#end - this.#blockAt);
    else {
      const last = this.#lastKey;
      const shorter = Math.min(keyBytes, this.#lastKeyBytes);
      while (shared < shorter && key[shared] === last[shared]) shared += 1;
    }
    const own = keyBytes - shared;
    this.#varint(shared);
    this.#varint(own + KEY_TRAILER_BYTES);
    this.#varint(valueBytes);
    copyBytes(key, shared, own, this.#bytes, this.#end);
    this.#end += own;
    copyBytes(KEY_TRAILER, 0, KEY_TRAILER_BYTES, this.#bytes, this.#end);
    this.#end += KEY_TRAILER_BYTES;
    copyBytes(value, valueAt, valueBytes, this.#bytes, this.#end);
    this.#end += valueBytes;
    if (keyBytes > this.#lastKey.length) {
      this.#lastKey = Buffer.allocUnsafeSlow(2 * keyBytes);
      // mutant: load-long-key
      shared = 0;
    }
    copyBytes(key, shared, keyBytes - shared, this.#lastKey, shared);
    this.#lastKeyBytes = keyBytes;
    if (this.#rowsInBlock === this.#hashes.length) this.#growHashes();
    this.#hashes[this.#rowsInBlock] = filterHash(key, keyBytes);
    this.#rowsInBlock += 1;
    if (this.#end - this.#blockAt >= BLOCK_BYTES) this.#endBlock();
  }

  /** Ends the table, which must have a row. */
  finish(): WrittenTable {
    if (this.#rowsInBlock > 0) this.#endBlock();
    const filters = this.#endFilters();
    const metaIndex = this.#appendIndex([{ key: Buffer.from(FILTER_NAME, 'latin1'), ...filters }]);
    const index = this.#appendIndex(this.#index);
    this.#reserve(FOOTER_BYTES);
    const footerAt = this.#end;
    this.#bytes.fill(0, footerAt, footerAt + FOOTER_BYTES);
    for (const { offset, size } of [metaIndex, index]) {
      this.#varint(offset);
      this.#varint(size);
    }
    this.#bytes.writeUInt32LE(MAGIC_LOW, footerAt + FOOTER_BYTES - 8);
    this.#bytes.writeUInt32LE(MAGIC_HIGH, footerAt + FOOTER_BYTES - 4);
    return {
      bytes: this.#bytes.subarray(0, footerAt + FOOTER_BYTES),
      room: this.#bytes,
      smallest: this.#smallest as Buffer,
      largest: internalKey(this.#lastKey, this.#lastKeyBytes),
    };
  }

  #endBlock(): void {
    const offset = this.#blockAt;
    this.#reserve(4 * this.#restarts.length + 4);
    for (const restart of this.#restarts) this.#end = this.#bytes.writeUInt32LE(restart, this.#end);
    this.#end = this.#bytes.writeUInt32LE(this.#restarts.length, this.#end);
    this.#index.push({
      key: internalKey(this.#lastKey, this.#lastKeyBytes),
      offset,
      size: this.#end - offset,
    });
    this.#seal(offset);
    this.#endFilter(offset);
    this.#blockAt = this.#end;
    this.#restarts = [];
    this.#rowsInBlock = 0;
  }

  /** Behind each block: that it is not compressed, and its checksum. */
  #seal(from: number): void {
    this.#reserve(TRAILER_BYTES);
    this.#bytes[this.#end] = PLAIN;
    this.#end = this.#bytes.writeUInt32LE(masked(crc32c(this.#bytes.subarray(from, this.#end + 1))), this.#end + 1);
  }

  /** The filter of the keys of a block belongs to the range of the file in which the block begins. */
  #endFilter(blockOffset: number): void {
    while (this.#filterAt.length <= blockOffset >>> FILTER_RANGE) this.#filterAt.push(this.#filterBytes);
    const bytes = Math.max(64, this.#rowsInBlock * FILTER_BITS + 7) >>> 3;
    const filter = Buffer.alloc(bytes + 1);
    const bits = bytes * 8;
    for (let row = 0; row < this.#rowsInBlock; row += 1) {
      let hash = this.#hashes[row] as number;
      const step = ((hash >>> 17) | (hash << 15)) >>> 0;
      for (let probe = 0; probe < FILTER_PROBES; probe += 1) {
        const bit = hash % bits;
        filter[bit >>> 3] = (filter[bit >>> 3] as number) | (1 << (bit & 7));
        hash = (hash + step) >>> 0;
      }
    }
    filter[bytes] = FILTER_PROBES;
    this.#filters.push(filter);
    this.#filterBytes += filter.length;
  }

  #endFilters(): BlockHandle {
    const offset = this.#end;
    const arrayAt = this.#filterBytes;
    this.#reserve(arrayAt + 4 * this.#filterAt.length + 5);
    for (const filter of this.#filters) {
      this.#bytes.set(filter, this.#end);
      this.#end += filter.length;
    }
    for (const at of this.#filterAt) this.#end = this.#bytes.writeUInt32LE(at, this.#end);
    this.#end = this.#bytes.writeUInt32LE(arrayAt, this.#end);
    this.#bytes[this.#end] = FILTER_RANGE;
    this.#end += 1;
    const size = this.#end - offset;
    this.#seal(offset);
    return { offset, size };
  }

  /** A block whose values say where blocks are; every key in it is whole. */
  #appendIndex(entries: readonly IndexEntry[]): BlockHandle {
    const from = this.#end;
    const restarts: number[] = [];
    for (const { key, offset, size } of entries) {
      this.#reserve(key.length);
      restarts.push(this.#end - from);
      this.#varint(0);
      this.#varint(key.length);
      this.#varint(varintBytes(offset) + varintBytes(size));
      this.#bytes.set(key, this.#end);
      this.#end += key.length;
      this.#varint(offset);
      this.#varint(size);
    }
    this.#reserve(4 * restarts.length + 4);
    for (const restart of restarts) this.#end = this.#bytes.writeUInt32LE(restart, this.#end);
    this.#end = this.#bytes.writeUInt32LE(restarts.length, this.#end);
    const size = this.#end - from;
    this.#seal(from);
    return { offset: from, size };
  }

  #varint(value: number): void {
    this.#end = writeVarint(this.#bytes, value, this.#end);
  }

  /** With room for the lengths that stand beside them. */
  #reserve(bytes: number): void {
    const wanted = this.#end + bytes + 64;
    if (wanted <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }

  #growHashes(): void {
    const larger = new Uint32Array(2 * this.#hashes.length);
    larger.set(this.#hashes);
    this.#hashes = larger;
  }
}

interface IndexEntry extends BlockHandle {
  readonly key: Buffer;
}

function internalKey(key: Uint8Array, keyBytes: number): Buffer {
  const whole = Buffer.allocUnsafe(keyBytes + KEY_TRAILER_BYTES);
  whole.set(key.subarray(0, keyBytes), 0);
  whole.set(KEY_TRAILER, keyBytes);
  return whole;
}

/** LevelDB's own, for its filters. */
function filterHash(key: Uint8Array, keyBytes: number): number {
  let hash = FILTER_SEED ^ Math.imul(keyBytes, 0xc6a4a793);
  let at = 0;
  for (; at + 4 <= keyBytes; at += 4) {
    const word =
      (key[at] as number) |
      ((key[at + 1] as number) << 8) |
      ((key[at + 2] as number) << 16) |
      ((key[at + 3] as number) << 24);
    hash = Math.imul((hash + word) | 0, 0xc6a4a793);
    hash ^= hash >>> 16;
  }
  const left = keyBytes - at;
  if (left > 2) hash = (hash + ((key[at + 2] as number) << 16)) | 0;
  if (left > 1) hash = (hash + ((key[at + 1] as number) << 8)) | 0;
  if (left > 0) {
    hash = Math.imul((hash + (key[at] as number)) | 0, 0xc6a4a793);
    hash ^= hash >>> 24;
  }
  return hash >>> 0;
}

export const LAST_SEQUENCE = SEQUENCE;
