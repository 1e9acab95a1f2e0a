import { copyBytes } from '../copy-bytes.ts';
import { storePrefix } from './data-key.ts';
import { UUID_BYTES, UUID_TEXT_BYTES, uuidBytes } from './uuid-key.ts';

/** Before a row: its size in words, spare bytes and marks; the hash of its key; its store and its key length. */
const HEAD_WORDS = 3;
const WORD_BYTES = 4;
const SIZE = 0;
const HASH = 1;
const STORE_AND_KEY = 2;
/** It has been read since it was last looked at; it is no row any more. */
const IS_USED = 1;
const IS_DEAD = 2;
const SPARE_AT = 2;
const SIZE_AT = 14;
const MOST_SPARE_BYTES = (1 << (SIZE_AT - SPARE_AT)) - 1;

/** In a slot: one more than where a row is, in words, and so many bits of its hash. */
const TAG_BITS = 10;
const TAG_MASK = (1 << TAG_BITS) - 1;
const MOST_WORDS = 2 ** (32 - TAG_BITS) - 2;
const STORE_BITS = 8;
const MOST_STORES = 1 << STORE_BITS;
const KEY_BITS = 16;
const MOST_KEY_BYTES = 1 << KEY_BITS;
const KEY_MASK = MOST_KEY_BYTES - 1;
/** The key is a UUID as text, of which its bytes are kept. */
const IS_UUID = 1 << (STORE_BITS + KEY_BITS);
/** A larger row would throw out too many others, and its size would not fit. */
const MOST_SHARE_OF_A_ROW = 1 / 16;

const FIRST_SLOTS = 1 << 9;
/** Of a hundred slots. */
const MOST_TAKEN = 70;
/** Of sixteen parts of the memory; the rest is for slots. */
const PARTS_OF_ROWS = 13;
const PARTS = 16;

/** A row that is looked for: a data key (data-key.ts), and what is known of it. */
interface WantedRow {
  hash: number;
  /** The key as it is kept, from one place on. */
  key: Uint8Array;
  keyAt: number;
  keyBytes: number;
  /** What tells it from other keys of the same bytes: the number that stands for the store, its length, what it is. */
  storeAndKey: number;
}

/**
 * Committed rows as bytes (RocksDB's `row_cache`): one piece of memory, written round and round, and a table of numbers
 * that finds them. A row takes about 20 bytes beside its own, a tenth of what an object takes, and nothing of the
 * heap; of a key that is a UUID it has the 16 bytes. When it is full the oldest goes, unless it was read since it was
 * last the oldest (the clock of Corbató).
 */
export class RowCache {
  readonly #mostWords: number;
  readonly #mostSlots: number;
  #bytes = Buffer.alloc(0);
  #words = new Int32Array(0);
  /** Each in the first free slot from its own on; 0: free. */
  #slots = new Int32Array(0);
  #count = 0;
  /** Where the next row goes, and where the oldest is, in words. */
  #head = 0;
  #tail = 0;
  readonly #stores = new Map<string, number>();
  readonly #wanted: WantedRow = { hash: 0, key: this.#bytes, keyAt: 0, keyBytes: 0, storeAndKey: 0 };
  readonly #uuid = new Uint8Array(UUID_BYTES);
  /** Of the row that was last wanted. */
  #storeName: string | undefined;
  #store = 0;
  #prefixBytes = 0;
  /** The newest rows lie before the oldest. */
  #isWrapped = false;

  /** @param maxBytes of all memory that it takes; it has no use for more than 19 MiB. */
  constructor(maxBytes: number) {
    this.#mostWords = Math.min(MOST_WORDS, Math.floor(((maxBytes / PARTS) * PARTS_OF_ROWS) / WORD_BYTES));
    this.#mostSlots = Math.floor(((maxBytes / PARTS) * (PARTS - PARTS_OF_ROWS)) / WORD_BYTES);
  }

  get count(): number {
    return this.#count;
  }

  /** Rows can be added that push out no other. */
  get hasRoom(): boolean {
    return !this.#isWrapped && (this.#count + 1) * 100 <= this.#mostSlots * MOST_TAKEN;
  }

  get sizeBytes(): number {
    return this.#bytes.length + this.#slots.length * WORD_BYTES;
  }

  /** The value, the caller's own. Undefined: it is not here. `hash`: of the whole data key (key-hash.ts). */
  get(store: string, whole: Uint8Array, hash: number): Buffer | undefined {
    if (this.#count === 0) return undefined;
    const slot = this.#slotOf(this.#want(store, whole, hash));
    if (slot < 0) return undefined;
    const words = this.#words;
    const at = placeIn(this.#slots[slot] as number);
    words[at + SIZE] = (words[at + SIZE] as number) | IS_USED;
    const valueAt = this.#valueAt(at);
    const length = this.#endOf(at) - valueAt;
    const value = Buffer.allocUnsafe(length);
    copyBytes(this.#bytes, valueAt, length, value, 0);
    return value;
  }

  /**
   * The row has this value now, which lies in `from`, as a whole or from one place on. `isWanted`: it is to be in the
   * cache also where it was not.
   */
  put(
    store: string,
    whole: Uint8Array,
    hash: number,
    from: Uint8Array,
    isWanted: boolean,
    at = 0,
    bytes = from.length,
  ): void {
    const row = this.#want(store, whole, hash);
    const slot = this.#count === 0 ? -1 : this.#slotOf(row);
    if (slot >= 0) {
      const place = placeIn(this.#slots[slot] as number);
      const valueAt = this.#valueAt(place);
      const marks = this.#words[place + SIZE] as number;
      const spareBytes = (place + sizeIn(marks)) * WORD_BYTES - valueAt - bytes;
      if (spareBytes >= 0 && spareBytes <= MOST_SPARE_BYTES) {
        this.#words[place + SIZE] = sizeWord(sizeIn(marks), spareBytes) | (marks & IS_USED);
        copyBytes(from, at, bytes, this.#bytes, valueAt);
        return;
      }
      this.#drop(place, slot);
    } else if (!isWanted) return;
    this.#add(row, from, at, bytes);
  }

  /** The row is gone. */
  remove(store: string, whole: Uint8Array, hash: number): void {
    const slot = this.#count === 0 ? -1 : this.#slotOf(this.#want(store, whole, hash));
    if (slot >= 0) this.#drop(placeIn(this.#slots[slot] as number), slot);
  }

  /** Forgets all rows, and lets go of their memory. */
  clear(): void {
    this.#bytes = Buffer.alloc(0);
    this.#words = new Int32Array(0);
    this.#slots = new Int32Array(0);
    this.#count = this.#head = this.#tail = 0;
    this.#isWrapped = false;
  }

  /** One object for all of them: each is asked for a million times. */
  #want(store: string, whole: Uint8Array, hash: number): WantedRow {
    const wanted = this.#wanted;
    if (store !== this.#storeName) {
      this.#storeName = store;
      this.#prefixBytes = storePrefix(store).length;
      let number = this.#stores.get(store);
      if (number === undefined) this.#stores.set(store, (number = this.#stores.size));
      this.#store = number;
    }
    const keyBytes = whole.length - this.#prefixBytes;
    const isUuid = keyBytes === UUID_TEXT_BYTES && uuidBytes(whole, this.#prefixBytes, this.#uuid);
    wanted.hash = hash;
    wanted.key = isUuid ? this.#uuid : whole;
    wanted.keyAt = isUuid ? 0 : this.#prefixBytes;
    wanted.keyBytes = isUuid ? UUID_BYTES : keyBytes;
    wanted.storeAndKey = (isUuid ? IS_UUID : 0) | (wanted.keyBytes << STORE_BITS) | this.#store;
    return wanted;
  }

  #add(row: WantedRow, from: Uint8Array, fromAt: number, valueBytes: number): void {
    const { hash, key, keyAt, keyBytes, storeAndKey } = row;
    const size = HEAD_WORDS + Math.ceil((keyBytes + valueBytes) / WORD_BYTES);
    if (size > this.#mostWords * MOST_SHARE_OF_A_ROW || !this.#canHave(row)) return;
    if (this.#words.length === 0) {
      // All of it at once: the system gives memory when it is written to, and a copy into a larger one would leave the
      // smaller to the garbage collector.
      this.#words = new Int32Array(this.#mostWords);
      this.#bytes = Buffer.from(this.#words.buffer);
    }
    if (!this.#hasSlot()) return;
    this.#makeRoom(size);
    const at = this.#head;
    const words = this.#words;
    words[at + SIZE] = sizeWord(size, (size - HEAD_WORDS) * WORD_BYTES - keyBytes - valueBytes);
    words[at + HASH] = hash;
    words[at + STORE_AND_KEY] = storeAndKey;
    const bytesAt = (at + HEAD_WORDS) * WORD_BYTES;
    copyBytes(key, keyAt, keyBytes, this.#bytes, bytesAt);
    copyBytes(from, fromAt, valueBytes, this.#bytes, bytesAt + keyBytes);
    this.#head = at + size;
    putSlot(this.#slots, slotFor(at, hash), hash);
    this.#count += 1;
  }

  /** The slot of a row that is there, or -1. */
  #slotOf(row: WantedRow): number {
    if (!this.#canHave(row)) return -1;
    const { hash, storeAndKey } = row;
    const slots = this.#slots;
    const words = this.#words;
    const tag = hash & TAG_MASK;
    for (let slot = ownSlot(slots, hash); ; slot = nextSlot(slots, slot)) {
      const taken = slots[slot] as number;
      if (taken === 0) return -1;
      if ((taken & TAG_MASK) !== tag) continue;
      const at = placeIn(taken);
      if (words[at + HASH] !== hash || words[at + STORE_AND_KEY] !== storeAndKey) continue;
      if (this.#isKey(at, row)) return slot;
    }
  }

  #isKey(at: number, { key, keyAt, keyBytes }: WantedRow): boolean {
    const bytesAt = (at + HEAD_WORDS) * WORD_BYTES;
    for (let byte = 0; byte < keyBytes; byte += 1) if (this.#bytes[bytesAt + byte] !== key[keyAt + byte]) return false;
    return true;
  }

  /** Its store has a number, and its length fits. */
  #canHave({ keyBytes }: WantedRow): boolean {
    return keyBytes < MOST_KEY_BYTES && this.#store < MOST_STORES;
  }

  /** Where the value of the row at this place begins, and where it ends, in bytes. */
  #valueAt(at: number): number {
    const keyBytes = ((this.#words[at + STORE_AND_KEY] as number) >>> STORE_BITS) & KEY_MASK;
    return (at + HEAD_WORDS) * WORD_BYTES + keyBytes;
  }

  #endOf(at: number): number {
    const marks = this.#words[at + SIZE] as number;
    return (at + sizeIn(marks)) * WORD_BYTES - ((marks >>> SPARE_AT) & MOST_SPARE_BYTES);
  }

  /** What becomes of its place is seen when it is the oldest. */
  #drop(at: number, slot: number): void {
    this.#words[at + SIZE] = (this.#words[at + SIZE] as number) | IS_DEAD;
    this.#free(slot);
    this.#count -= 1;
  }

  /** There is a slot for one row more. False: the cache is too small for any row. */
  #hasSlot(): boolean {
    while ((this.#count + 1) * 100 > this.#slots.length * MOST_TAKEN) {
      if (this.#slots.length < this.#mostSlots) this.#growSlots();
      else if (this.#count === 0) return false;
      else this.#letOldestGo();
    }
    return true;
  }

  /** There are so many words in one piece from `#head` on. */
  #makeRoom(size: number): void {
    for (;;) {
      const left = (this.#isWrapped ? this.#tail : this.#words.length) - this.#head;
      if (left >= size) return;
      if (this.#isWrapped) this.#letOldestGo();
      else this.#wrap();
    }
  }

  /** There is no room between the newest row and the end. */
  #wrap(): void {
    const left = this.#words.length - this.#head;
    if (left > 0) this.#words[this.#head + SIZE] = sizeWord(left, 0) | IS_DEAD;
    this.#head = 0;
    this.#isWrapped = true;
  }

  /** The oldest row goes, or, where it has been read, is the newest. */
  #letOldestGo(): void {
    const at = this.#tail;
    const marks = this.#words[at + SIZE] as number;
    const size = sizeIn(marks);
    if ((marks & IS_DEAD) === 0) {
      const slot = this.#slotAt(at);
      if ((marks & IS_USED) !== 0) {
        if (!this.#isWrapped && this.#words.length - this.#head < size) this.#wrap();
        // Behind the newest row there is room, or else the oldest itself, which moves there.
        const words = this.#words;
        words.copyWithin(this.#head, at, at + size);
        words[this.#head + SIZE] = marks & ~IS_USED;
        this.#slots[slot] = slotFor(this.#head, words[this.#head + HASH] as number);
        this.#head += size;
      } else {
        this.#free(slot);
        this.#count -= 1;
      }
    }
    this.#tail = at + size;
    if (this.#isWrapped ? this.#tail < this.#words.length : this.#tail < this.#head) return;
    // All behind it is gone. What is left begins at the start, or is nothing.
    if (!this.#isWrapped) this.#head = 0;
    this.#tail = 0;
    this.#isWrapped = false;
  }

  /** The slot of the row at this place. */
  #slotAt(at: number): number {
    const slots = this.#slots;
    const hash = this.#words[at + HASH] as number;
    const taken = slotFor(at, hash);
    let slot = ownSlot(slots, hash);
    while (slots[slot] !== taken) slot = nextSlot(slots, slot);
    return slot;
  }

  /** What stands behind the slot may have passed its own, and would not be found behind a free one. */
  #free(slot: number): void {
    const slots = this.#slots;
    let free = slot;
    for (let at = nextSlot(slots, free); slots[at] !== 0; at = nextSlot(slots, at)) {
      const own = ownSlot(slots, this.#words[placeIn(slots[at] as number) + HASH] as number);
      if (slotsBetween(slots, own, at) < slotsBetween(slots, free, at)) continue;
      slots[free] = slots[at] as number;
      free = at;
    }
    slots[free] = 0;
  }

  #growSlots(): void {
    const before = this.#slots;
    this.#slots = new Int32Array(Math.min(this.#mostSlots, Math.max(FIRST_SLOTS, 2 * before.length)));
    for (const taken of before)
      if (taken !== 0) putSlot(this.#slots, taken, this.#words[placeIn(taken) + HASH] as number);
  }
}

function putSlot(slots: Int32Array, taken: number, hash: number): void {
  let slot = ownSlot(slots, hash);
  while (slots[slot] !== 0) slot = nextSlot(slots, slot);
  slots[slot] = taken;
}

/** The high bits of the hash choose the slot, the low ones are in it. */
function ownSlot(slots: Int32Array, hash: number): number {
  return Math.floor((hash >>> 0) * (slots.length / 2 ** 32));
}

function nextSlot(slots: Int32Array, slot: number): number {
  return slot + 1 === slots.length ? 0 : slot + 1;
}

function slotsBetween(slots: Int32Array, from: number, to: number): number {
  return to < from ? to - from + slots.length : to - from;
}

function slotFor(at: number, hash: number): number {
  return ((at + 1) << TAG_BITS) | (hash & TAG_MASK);
}

function placeIn(taken: number): number {
  return (taken >>> TAG_BITS) - 1;
}

function sizeIn(marks: number): number {
  return marks >>> SIZE_AT;
}

function sizeWord(words: number, spareBytes: number): number {
  return (words << SIZE_AT) | (spareBytes << SPARE_AT);
}
