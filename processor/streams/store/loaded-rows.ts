import { copyBytes } from '../copy-bytes.ts';

/** Numbers kept of each row: where its key lies, how long it is, and how long its value is, which lies behind it. */
const FIELDS = 3;
const ROW_FIELDS_BYTES = FIELDS * Uint32Array.BYTES_PER_ELEMENT;
const KEY_AT = 0;
const KEY_BYTES = 1;
/** One more than the bytes of the value; 0: the row is deleted. */
const VALUE_BYTES = 2;
const FIRST_BYTES = 1 << 18;
const FIRST_ROWS = 1 << 12;
/** Ranges up to so many rows are sorted by comparing them one by one. */
const FEW = 12;
/** The place of a row in its range takes this many bits while it is sorted by its next bytes. */
const ROW_BITS = 28;
const ROW_MASK = (1 << ROW_BITS) - 1;
/** So many bytes of a key are looked at together, or more where few different ones stand. */
const WORD_BYTES = 4;
const WORD_BITS = 32;
/** Ranges of fewer rows are not looked through for the bytes that stand in their keys. */
const LEAST_PACKED = 512;
const MOST_PACKED_BYTES = 16;
/** The end of a key, then the bytes. */
const SYMBOLS = 257;
/** So many bytes of a key are looked at in one go: what comes from memory for one of them serves the others. */
const LOOKED_AT_ONCE = 8;
/** Of memory that comes at once. */
const LINE_BYTES = 64;
/** Of memory that is made for rows that are expected: their lengths are known of the first ones only. */
const SPARE = 1.03;
/** With so many rows, or bytes of them, those that later ones have replaced are let go. */
const LEAST_DROP = { rows: 1 << 19, bytes: 16 << 20 };
/** Ranges in ranges, so deep, are sorted by comparing: each takes a part of the stack. */
const MOST_LEVELS = 500;

/** What nobody had a use for V8 would not look at. */
const seen = { bytes: 0 };

/**
 * The rows of one store as a changelog has them, in memory: of each key what came last. They are kept as bytes in one
 * piece, because a million objects would cost several times as much, and given out in the order of their keys. What is
 * replaced is found by that order: a table of keys would cost more than all the rest, as each row looks at another
 * place of it.
 */
export class LoadedRows {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #end = 0;
  #count = 0;
  #rows = new Uint32Array(FIRST_ROWS * FIELDS);
  /** Of the memory that there is, how much had been written to when rows were last let go. */
  #writtenBytes = 0;
  #writtenRows = 0;
  /** Of the rows that are there; undefined after a `put`. */
  #order: Uint32Array | undefined;
  /** How many rows there will be, as far as anybody has said. */
  #expected = { rows: 0, mostBytes: 0 };
  /** The sort has met rows of one key. */
  #areReplaced = false;
  /** Replaced rows are let go when there are so many rows, or bytes of them. */
  readonly #leastDrop: { readonly rows: number; readonly bytes: number };
  #dropAtRows: number;
  #dropAtBytes: number;

  constructor(leastDrop = LEAST_DROP) {
    this.#leastDrop = leastDrop;
    this.#dropAtRows = leastDrop.rows;
    this.#dropAtBytes = leastDrop.bytes;
  }

  /** What they take in memory: the system gives it when it is written to, not when it is made for what is expected. */
  get sizeBytes(): number {
    return Math.max(this.#end, this.#writtenBytes) + ROW_FIELDS_BYTES * Math.max(this.#count, this.#writtenRows);
  }

  /** The bytes that keys and values lie in: others after the next `put`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /**
   * Says that about so many rows are to come: memory is made for them at once, and not by halves. `mostBytes`: more
   * than that is made only for rows that are there.
   */
  expect(rows: number, mostBytes: number): void {
    this.#expected = { rows: this.#count + rows, mostBytes };
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
    const most = keyBytes + headBytes + Math.max(0, valueBytes);
    if (this.#count >= this.#dropAtRows || this.#end + most > this.#dropAtBytes) this.dropReplaced(most);
    if (this.#end + most > this.#bytes.length) this.#growBytes(most);
    if ((this.#count + 1) * FIELDS > this.#rows.length) this.#growRows();
    this.#order = undefined;
    const row = this.#count * FIELDS;
    const rows = this.#rows;
    const bytes = this.#bytes;
    const at = this.#end;
    rows[row + KEY_AT] = at;
    rows[row + KEY_BYTES] = keyBytes;
    copyBytes(from, keyAt, keyBytes, bytes, at);
    this.#count += 1;
    this.#end = at + keyBytes;
    if (valueBytes < 0) {
      rows[row + VALUE_BYTES] = 0;
      return;
    }
    rows[row + VALUE_BYTES] = headBytes + valueBytes + 1;
    copyBytes(from, headAt, headBytes, bytes, this.#end);
    copyBytes(from, valueAt, valueBytes, bytes, this.#end + headBytes);
    this.#end += headBytes + valueBytes;
  }

  keyAt(row: number): number {
    return this.#rows[row * FIELDS + KEY_AT] as number;
  }

  keyBytes(row: number): number {
    return this.#rows[row * FIELDS + KEY_BYTES] as number;
  }

  valueAt(row: number): number {
    return this.keyAt(row) + this.keyBytes(row);
  }

  /** -1: the row is deleted. */
  valueBytes(row: number): number {
    return (this.#rows[row * FIELDS + VALUE_BYTES] as number) - 1;
  }

  /**
   * Looks at rows that are about to be read, from one place of the order up to another. They lie where they came: the
   * memory finds many of them in the time of one, when none is waited for before the next one is asked for.
   */
  touch(order: Uint32Array, from: number, to: number): void {
    const bytes = this.#bytes;
    let looked = 0;
    for (let index = from; index < to; index += 1) {
      const at = this.keyAt(order[index] as number);
      // A row may lie across the end of what comes with its beginning.
      looked ^= (bytes[at] as number) ^ (bytes[Math.min(at + LINE_BYTES, bytes.length - 1)] as number);
    }
    seen.bytes = looked;
  }

  /** The last row of each key, deleted ones among them, in the order of their keys. Good until the next `put`. */
  inOrder(): Uint32Array {
    if (this.#order !== undefined) return this.#order;
    const order = new Uint32Array(this.#count);
    for (let row = 0; row < order.length; row += 1) order[row] = row;
    this.#areReplaced = false;
    if (order.length > 1) this.#sort(order, new BigUint64Array(order.length), 0, order.length, 0);
    this.#order = this.#areReplaced ? this.#lastOf(order) : order;
    return this.#order;
  }

  /** Rows of one key stand together, in the order in which they came. */
  #lastOf(order: Uint32Array): Uint32Array {
    let count = 0;
    for (let index = 0; index < order.length; index += 1) {
      const row = order[index] as number;
      // mutant: load-last-row
      if (index + 1 < order.length && this.#haveOneKey(row, order[index + 1] as number)) continue;
      order[count] = row;
      count += 1;
    }
    return order.subarray(0, count);
  }

  #haveOneKey(a: number, b: number): boolean {
    const length = this.keyBytes(a);
    if (this.keyBytes(b) !== length) return false;
    const [aAt, bAt] = [this.keyAt(a), this.keyAt(b)];
    // Neighbours in the order begin alike.
    for (let byte = length - 1; byte >= 0; byte -= 1)
      if (this.#bytes[aAt + byte] !== this.#bytes[bAt + byte]) return false;
    return true;
  }

  /** Lets go of rows that later ones have replaced, and of their memory. `coming`: so many bytes are to come. */
  dropReplaced(coming = 0): void {
    // Of each key the one that came last, in the order in which they came.
    const last = this.inOrder().slice().sort();
    const [rows, bytes] = [this.#rows, this.#bytes];
    let end = 0;
    for (let to = 0; to < last.length; to += 1) {
      const row = last[to] as number;
      const [at, keyBytes, valueBytes] = [this.keyAt(row), this.keyBytes(row), this.valueBytes(row)];
      const length = keyBytes + Math.max(0, valueBytes);
      bytes.copyWithin(end, at, at + length);
      rows[to * FIELDS + KEY_AT] = end;
      rows[to * FIELDS + KEY_BYTES] = keyBytes;
      rows[to * FIELDS + VALUE_BYTES] = valueBytes + 1;
      end += length;
    }
    this.#writtenRows = Math.max(this.#writtenRows, this.#count);
    this.#writtenBytes = Math.max(this.#writtenBytes, this.#end);
    this.#count = last.length;
    this.#end = end;
    this.#order = undefined;
    this.#dropAtRows = Math.max(this.#leastDrop.rows, 2 * this.#count);
    this.#dropAtBytes = Math.max(this.#leastDrop.bytes, 2 * (end + coming));
    if (4 * (end + coming) < bytes.length) this.#moveBytes(2 * (end + coming));
    if (4 * this.#count * FIELDS < rows.length) this.#moveRows(2 * this.#count);
  }

  #growBytes(coming: number): void {
    // Where rows are let go, those that are expected never lie there together.
    const most = Math.min(this.#expected.mostBytes, this.#dropAtBytes);
    this.#moveBytes(Math.max(this.#grown(this.#end, 2 * this.#bytes.length, most), this.#end + coming));
  }

  #growRows(): void {
    const most = Math.min(this.#expected.mostBytes / ROW_FIELDS_BYTES, this.#dropAtRows);
    this.#moveRows(this.#grown(this.#count, 2 * this.#count, most));
  }

  /** How much there will be of what has been taken so far, with a little more; `otherwise` where nobody has said. */
  #grown(taken: number, otherwise: number, most: number): number {
    const times = this.#count === 0 ? 0 : this.#expected.rows / this.#count;
    return times > 1 ? Math.ceil(Math.min(SPARE * times * taken, Math.max(otherwise, most))) : otherwise;
  }

  #moveBytes(bytes: number): void {
    const moved = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, bytes));
    this.#bytes.copy(moved, 0, 0, this.#end);
    this.#bytes = moved;
    this.#writtenBytes = 0;
  }

  #moveRows(rows: number): void {
    const moved = new Uint32Array(FIELDS * Math.max(FIRST_ROWS, rows));
    moved.set(this.#rows.subarray(0, this.#count * FIELDS));
    this.#rows = moved;
    this.#writtenRows = 0;
  }

  /**
   * Sorts a range of rows whose keys have the first `depth` bytes in common: by the next four bytes at once, then the
   * ranges that have these in common. Rows of one key keep their order. `words` has room for all rows.
   */
  #sort(order: Uint32Array, words: BigUint64Array, from: number, to: number, depth: number, level = 0): void {
    if (to - from <= FEW) return this.#sortFew(order, from, to, depth);
    if (level > MOST_LEVELS) {
      order.subarray(from, to).sort((a, b) => this.#compareLong(a, b));
      this.#areReplaced = true;
      return;
    }
    const at = this.#commonBytes(order, from, to, depth);
    const halves = new Uint32Array(words.buffer, from * 8, 2 * (to - from));
    const wordBytes =
      to - from < LEAST_PACKED ? this.#words(order, halves, from, at) : this.#packedWords(order, halves, from, at);
    const before = order.slice(from, to);
    words.subarray(from, to).sort();
    let first = 0;
    for (let index = 0; index < to - from; index += 1) {
      order[from + index] = before[(halves[2 * index] as number) & ROW_MASK] as number;
      const isLast =
        index + 1 === to - from ||
        halves[2 * index + 1] !== halves[2 * index + 3] ||
        (halves[2 * index] as number) >>> ROW_BITS !== (halves[2 * index + 2] as number) >>> ROW_BITS;
      if (!isLast) continue;
      // Keys that end within the word, and have it in common, are one.
      const goesOn = index > first && this.keyBytes(order[from + index] as number) >= at + wordBytes;
      if (index > first && !goesOn) this.#areReplaced = true;
      else if (goesOn) this.#sort(order, words, from + first, from + index + 1, at + wordBytes, level + 1);
      first = index + 1;
    }
  }

  /** Writes the next bytes of the keys of a range, each with the place of its row. Answers how many bytes they are. */
  #words(order: Uint32Array, halves: Uint32Array, from: number, at: number): number {
    for (let index = 0; 2 * index < halves.length; index += 1) {
      const row = order[from + index] as number;
      const left = this.keyBytes(row) - at;
      const start = this.keyAt(row) + at;
      let next = 0;
      for (let byte = 0; byte < WORD_BYTES; byte += 1)
        next = (next << 8) | (byte < left ? (this.#bytes[start + byte] as number) : 0);
      // A key that ends here goes before one that goes on with zeros.
      halves[2 * index] = (Math.min(left, WORD_BYTES) << ROW_BITS) | index;
      halves[2 * index + 1] = next;
    }
    return WORD_BYTES;
  }

  /**
   * The same with as many bytes as there is room for, when those that stand at a place of the keys are numbered: of
   * digits there is room for eight.
   */
  #packedWords(order: Uint32Array, halves: Uint32Array, from: number, at: number): number {
    const count = halves.length / 2;
    /** The places of the keys where different bytes stand, and the numbers of these where they stand in the word. */
    const places: number[] = [];
    const ranks = new Uint32Array(MOST_PACKED_BYTES * SYMBOLS);
    let packed = 0;
    for (let room = WORD_BITS, isFull = false; !isFull && packed < MOST_PACKED_BYTES;) {
      const stands = this.#standing(order, from, count, at + packed);
      for (let place = 0; place < LOOKED_AT_ONCE; place += 1) {
        const here = stands.subarray(place * SYMBOLS, (place + 1) * SYMBOLS);
        const different = here.reduce((sum, one) => sum + one, 0);
        const needed = WORD_BITS - Math.clz32(different - 1);
        isFull = needed > room;
        if (isFull) break;
        room -= needed;
        if (needed > 0) {
          rank(here, ranks, places.length * SYMBOLS, room);
          places.push(packed);
        }
        packed += 1;
      }
    }
    const bytes = this.#bytes;
    for (let index = 0; index < count; index += 1) {
      const row = order[from + index] as number;
      const left = this.keyBytes(row) - at;
      const start = this.keyAt(row) + at;
      let next = 0;
      for (let nth = 0; nth < places.length; nth += 1) {
        const place = places[nth] as number;
        const symbol = place < left ? 1 + (bytes[start + place] as number) : 0;
        next |= ranks[nth * SYMBOLS + symbol] as number;
      }
      halves[2 * index] = index;
      halves[2 * index + 1] = next;
    }
    return packed;
  }

  /** What stands at some places of the keys of a range, from one on: 1 for each symbol that does. */
  #standing(order: Uint32Array, from: number, count: number, at: number): Uint8Array {
    const stands = new Uint8Array(LOOKED_AT_ONCE * SYMBOLS);
    const bytes = this.#bytes;
    for (let index = from; index < from + count; index += 1) {
      const row = order[index] as number;
      const left = this.keyBytes(row) - at;
      const start = this.keyAt(row) + at;
      for (let place = 0; place < LOOKED_AT_ONCE; place += 1)
        stands[place * SYMBOLS + (place < left ? 1 + (bytes[start + place] as number) : 0)] = 1;
    }
    return stands;
  }

  #sortFew(order: Uint32Array, from: number, to: number, depth: number): void {
    for (let index = from + 1; index < to; index += 1) {
      const row = order[index] as number;
      let place = index;
      let difference = 1;
      while (place > from) {
        difference = this.#compare(order[place - 1] as number, row, depth);
        if (difference <= 0) break;
        order[place] = order[place - 1] as number;
        place -= 1;
      }
      if (difference === 0) this.#areReplaced = true;
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

  #compareLong(a: number, b: number): number {
    const [aAt, bAt] = [this.keyAt(a), this.keyAt(b)];
    return this.#bytes.compare(this.#bytes, bAt, bAt + this.keyBytes(b), aAt, aAt + this.keyBytes(a));
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

/** Numbers the symbols that stand at a place, each shifted to where the place has its bits in a word. */
function rank(stands: Uint8Array, ranks: Uint32Array, ranksAt: number, shift: number): void {
  let next = 0;
  for (let symbol = 0; symbol < SYMBOLS; symbol += 1) {
    if (stands[symbol] === 0) continue;
    ranks[ranksAt + symbol] = next << shift;
    next += 1;
  }
}
