import type { EntryHash, StoreDigest } from './state-store.ts';

const LANE = 0x1_0000_0000;

/** The last hash, low and high 32 bits: two numbers handed over without an allocation per entry. */
let hashLow = 0;
let hashHigh = 0;

/**
 * 64 bits over (key, value) of one entry, in two 32-bit lanes because BigInt arithmetic costs more than the hash. Every
 * step is a bijection of the lane for a given word, so a change within one word always shows. The function is part of
 * the format on disk: a change of it makes every unclean store look damaged (a test pins its values).
 */
function hashEntry(key: Uint8Array, keyBytes: number, value: Uint8Array, valueAt: number, valueBytes: number): void {
  let low = 0x9e3779b9 ^ keyBytes;
  let high = 0x85ebca6b ^ valueBytes;
  for (let part = 0; part < 2; part++) {
    const bytes = part === 0 ? key : value;
    let at = part === 0 ? 0 : valueAt;
    const end = part === 0 ? keyBytes : valueAt + valueBytes;
    const endOfWords = end - ((end - at) & 3);
    for (; at < endOfWords; at += 4) {
      const word =
        byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
      low = Math.imul(low ^ word, 0xcc9e2d51);
      low = (low << 13) | (low >>> 19);
      high = Math.imul(high + word, 0x1b873593);
      high = (high << 17) | (high >>> 15);
    }
    // The end of each part is marked, so that ("ab", "c") and ("a", "bc") differ.
    let tail = 0x80;
    for (; at < end; at++) tail = (tail << 8) | byte(bytes, at);
    low = Math.imul(low ^ tail, 0xcc9e2d51);
    low = (low << 13) | (low >>> 19);
    high = Math.imul(high + tail, 0x1b873593);
    high = (high << 17) | (high >>> 15);
  }
  low = (low + high) | 0;
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b);
  low = Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low ^= low >>> 16;
  high = (high + low) | 0;
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b);
  high = Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  high ^= high >>> 16;
  hashLow = low >>> 0;
  hashHigh = high >>> 0;
}

/** `at` is always within `bytes`. */
function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

/** Notes the hash of an entry. `key`: the whole data key. */
export function noteHash(key: Uint8Array, value: Uint8Array, into: EntryHash): void {
  hashEntry(key, key.length, value, 0, value.length);
  into.low = hashLow | 0;
  into.high = hashHigh | 0;
  into.isKnown = true;
}

/** A running StoreDigest: entries are added and removed one at a time, in any order. */
export class DigestSum {
  #entries: number;
  #low: number;
  #high: number;

  constructor(start: StoreDigest = { entries: 0, sum: 0n }) {
    this.#entries = start.entries;
    this.#low = Number(start.sum & 0xffff_ffffn);
    this.#high = Number(start.sum >> 32n);
  }

  /**
   * `key` is the whole data key (data-key.ts), so equal keys of two stores count apart. `into`: notes the hash, for
   * `removeHash`. `valueAt`, `valueBytes`: of a value that is a part of other bytes.
   */
  add(key: Uint8Array, value: Uint8Array, into?: EntryHash, valueAt = 0, valueBytes = value.length): void {
    hashEntry(key, key.length, value, valueAt, valueBytes);
    if (into !== undefined) {
      into.low = hashLow | 0;
      into.high = hashHigh | 0;
      into.isKnown = true;
    }
    this.#add();
  }

  /** The same of a key that begins `key`, and of a value that lies in `bytes`. */
  addPart(key: Uint8Array, keyBytes: number, bytes: Uint8Array, valueAt: number, valueBytes: number): void {
    hashEntry(key, keyBytes, bytes, valueAt, valueBytes);
    this.#add();
  }

  #add(): void {
    this.#entries += 1;
    this.#low += hashLow;
    this.#high += hashHigh;
    if (this.#low >= LANE) {
      this.#low -= LANE;
      this.#high += 1;
    }
    if (this.#high >= LANE) this.#high -= LANE;
  }

  remove(key: Uint8Array, value: Uint8Array): void {
    hashEntry(key, key.length, value, 0, value.length);
    this.#remove(hashLow, hashHigh);
  }

  removeHash({ low, high }: EntryHash): void {
    this.#remove(low >>> 0, high >>> 0);
  }

  #remove(low: number, high: number): void {
    this.#entries -= 1;
    this.#low -= low;
    this.#high -= high;
    if (this.#low < 0) {
      this.#low += LANE;
      this.#high -= 1;
    }
    if (this.#high < 0) this.#high += LANE;
  }

  get(): StoreDigest {
    return { entries: this.#entries, sum: (BigInt(this.#high) << 32n) | BigInt(this.#low) };
  }
}

export function digestsEqual(a: StoreDigest, b: StoreDigest): boolean {
  return a.entries === b.entries && a.sum === b.sum;
}

/** The hash of one piece of bytes as 16 hex digits: the checksum of the reserved records. */
export function checksum(bytes: Uint8Array): string {
  hashEntry(bytes, bytes.length, NOTHING, 0, 0);
  return hashHigh.toString(16).padStart(8, '0') + hashLow.toString(16).padStart(8, '0');
}

const NOTHING = new Uint8Array(0);
