import { copyBytes } from '../copy-bytes.ts';
import { hashOfBytes } from './key-hash.ts';

/** Numbers kept of each row: where its key lies, how long it is, where its value lies, how long it is, and may be. */
const FIELDS = 5;
const KEY_AT = 0;
const KEY_BYTES = 1;
const VALUE_AT = 2;
/** One more than the bytes of the value; 0: the row is deleted. */
const VALUE_BYTES = 3;
/** How long a value its place has room for. */
const VALUE_ROOM = 4;
const FIRST_BYTES = 1 << 18;
const FIRST_ROWS = 1 << 12;
/** Ranges up to so many rows are sorted by comparing them one by one. */
const FEW = 12;
/** The place of a row in its range takes this many bits while it is sorted by its next bytes. */
const ROW_BITS = 28;

/**
 * The rows of one store as a changelog has them, in memory: of each key what came last. They are kept as bytes in one
 * piece, because a million objects would cost several times as much, and given out in the order of their keys.
 */
export class LoadedRows {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #end = 0;
  #count = 0;
  #rows = new Uint32Array(FIRST_ROWS * FIELDS);
  /**
   * Rows by the hash of their keys: one more than the number of the row, or 0, then the hash, so that a row is looked
   * at only where that is the same. A power of two, at most half full.
   */
  #slots = new Int32Array(4 * FIRST_ROWS);

  /** Deleted ones among them. */
  get count(): number {
    return this.#count;
  }

  /** What they take in memory. */
  get sizeBytes(): number {
    return this.#bytes.length + this.#rows.byteLength + this.#slots.byteLength;
  }

  /** The bytes that keys and values lie in: others after the next `put`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /**
   * A row, whose key and value lie in `from`; the value behind a head of its own. `valueBytes` -1: the row is deleted.
   */
  put(
    from: Uint8Array,
    keyAt: number,
    keyBytes: number,
    headAt: number,
    headBytes: number,
    valueAt: number,
    valueBytes: number,
  ): void {
    const row = this.#rowOf(from, keyAt, keyBytes) * FIELDS;
    const rows = this.#rows;
    // mutant: load-last-row
    if (valueBytes < 0) {
      rows[row + VALUE_BYTES] = 0;
      return;
    }
    const bytes = headBytes + valueBytes;
    // In the place of the value before, where it fits: a key that comes again and again takes no more memory.
    if (bytes > (rows[row + VALUE_ROOM] as number)) {
      this.#reserve(bytes);
      rows[row + VALUE_AT] = this.#end;
      rows[row + VALUE_ROOM] = bytes;
      this.#end += bytes;
    }
    rows[row + VALUE_BYTES] = bytes + 1;
    const at = rows[row + VALUE_AT] as number;
    copyBytes(from, headAt, headBytes, this.#bytes, at);
    copyBytes(from, valueAt, valueBytes, this.#bytes, at + headBytes);
  }

  keyAt(row: number): number {
    return this.#rows[row * FIELDS + KEY_AT] as number;
  }

  keyBytes(row: number): number {
    return this.#rows[row * FIELDS + KEY_BYTES] as number;
  }

  valueAt(row: number): number {
    return this.#rows[row * FIELDS + VALUE_AT] as number;
  }

  /** -1: the row is deleted. */
  valueBytes(row: number): number {
    return (this.#rows[row * FIELDS + VALUE_BYTES] as number) - 1;
  }

  /** The rows, deleted ones among them, in the order of their keys. */
  inOrder(): Uint32Array {
    const order = new Uint32Array(this.#count);
    for (let row = 0; row < order.length; row += 1) order[row] = row;
    if (order.length > 1) this.#sort(order, new BigUint64Array(order.length), 0, order.length, 0);
    return order;
  }

  /** The row of a key, a new one where there is none. */
  #rowOf(from: Uint8Array, at: number, length: number): number {
    const slots = this.#slots;
    const mask = slots.length - 2;
    const hash = hashOfBytes(from, at, at + length);
    let slot = (hash << 1) & mask;
    for (;;) {
      const row = (slots[slot] as number) - 1;
      if (row < 0) break;
      if (
        slots[slot + 1] === hash &&
        this.keyBytes(row) === length &&
        areEqual(from, at, this.#bytes, this.keyAt(row), length)
      )
        return row;
      slot = (slot + 2) & mask;
    }
    const row = this.#count;
    this.#count += 1;
    slots[slot] = row + 1;
    slots[slot + 1] = hash;
    this.#reserve(length);
    if ((row + 1) * FIELDS > this.#rows.length) this.#growRows();
    this.#rows[row * FIELDS + KEY_AT] = this.#end;
    this.#rows[row * FIELDS + KEY_BYTES] = length;
    this.#rows[row * FIELDS + VALUE_BYTES] = 0;
    this.#rows[row * FIELDS + VALUE_ROOM] = 0;
    copyBytes(from, at, length, this.#bytes, this.#end);
    this.#end += length;
    if (4 * this.#count > slots.length) this.#growSlots();
    return row;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#end + bytes));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }

  #growRows(): void {
    const larger = new Uint32Array(2 * this.#rows.length);
    larger.set(this.#rows);
    this.#rows = larger;
  }

  #growSlots(): void {
    const before = this.#slots;
    const slots = new Int32Array(2 * before.length);
    const mask = slots.length - 2;
    for (let from = 0; from < before.length; from += 2) {
      if (before[from] === 0) continue;
      const hash = before[from + 1] as number;
      let slot = (hash << 1) & mask;
      while (slots[slot] !== 0) slot = (slot + 2) & mask;
      slots[slot] = before[from] as number;
      slots[slot + 1] = hash;
    }
    this.#slots = slots;
  }

  /**
   * Sorts a range of rows whose keys have the first `depth` bytes in common: by the next four bytes at once, then the
   * ranges that have these in common. `words` has room for all rows.
   */
  #sort(order: Uint32Array, words: BigUint64Array, from: number, to: number, depth: number): void {
    if (to - from <= FEW) {
      this.#sortFew(order, from, to, depth);
      return;
    }
    const at = this.#commonBytes(order, from, to, depth);
    const halves = new Uint32Array(words.buffer, from * 8, 2 * (to - from));
    for (let index = from; index < to; index += 1) {
      const row = order[index] as number;
      const left = this.keyBytes(row) - at;
      const start = this.keyAt(row) + at;
      let next = 0;
      for (let byte = 0; byte < 4; byte += 1)
        next = (next << 8) | (byte < left ? (this.#bytes[start + byte] as number) : 0);
      // A key that ends here goes before one that goes on with zeros.
      const half = 2 * (index - from);
      halves[half] = (Math.min(left, 4) << ROW_BITS) | (index - from);
      halves[half + 1] = next;
    }
    const before = order.slice(from, to);
    words.subarray(from, to).sort();
    let first = 0;
    for (let index = 0; index < to - from; index += 1) {
      order[from + index] = before[(halves[2 * index] as number) & (2 ** ROW_BITS - 1)] as number;
      const isLast =
        index + 1 === to - from ||
        halves[2 * index + 1] !== halves[2 * index + 3] ||
        (halves[2 * index] as number) >>> ROW_BITS !== (halves[2 * index + 2] as number) >>> ROW_BITS;
      if (!isLast) continue;
      if (index > first) this.#sort(order, words, from + first, from + index + 1, at + 4);
      first = index + 1;
    }
  }

  #sortFew(order: Uint32Array, from: number, to: number, depth: number): void {
    for (let index = from + 1; index < to; index += 1) {
      const row = order[index] as number;
      let place = index;
      while (place > from && this.#compare(order[place - 1] as number, row, depth) > 0) {
        order[place] = order[place - 1] as number;
        place -= 1;
      }
      order[place] = row;
    }
  }

  #compare(a: number, b: number, depth: number): number {
    const [aBytes, bBytes] = [this.keyBytes(a), this.keyBytes(b)];
    const [aAt, bAt] = [this.keyAt(a), this.keyAt(b)];
    const shorter = Math.min(aBytes, bBytes);
    const bytes = this.#bytes;
    for (let byte = depth; byte < shorter; byte += 1) {
      const difference = (bytes[aAt + byte] as number) - (bytes[bAt + byte] as number);
      if (difference !== 0) return difference;
    }
    return aBytes - bBytes;
  }

  /** How many bytes all keys of a range begin with alike; they do with `depth`. */
  #commonBytes(order: Uint32Array, from: number, to: number, depth: number): number {
    const first = order[from] as number;
    const firstAt = this.keyAt(first);
    let common = this.keyBytes(first);
    const bytes = this.#bytes;
    for (let index = from + 1; index < to && common > depth; index += 1) {
      const row = order[index] as number;
      const at = this.keyAt(row);
      common = Math.min(common, this.keyBytes(row));
      let byte = depth;
      while (byte < common && bytes[at + byte] === bytes[firstAt + byte]) byte += 1;
      common = byte;
    }
    return common;
  }
}

function areEqual(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, bytes: number): boolean {
  for (let byte = 0; byte < bytes; byte += 1) if (a[aAt + byte] !== b[bAt + byte]) return false;
  return true;
}
