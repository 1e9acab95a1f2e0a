import { copyBytes } from '../copy-bytes.ts';
import { copied, NONE } from './duplicate-rows.ts';
import { hashOfBytes, hashOfText } from './key-hash.ts';
import type { StoreKeys } from './store-keys.ts';

const LEAST_SLOTS = 32;
/** Of a hundred slots. */
const MOST_TAKEN = 70;
const LEAST_KEYS = 16;
const LEAST_BYTES = 256;

/**
 * Numbers of keys, from 0 on, each until it is removed. The keys lie as bytes, all in one piece, and are found by a
 * table of numbers: a Map would keep a text for each, and look at three places of the memory for one that it finds.
 */
export class KeyTable {
  readonly #keys: Pick<StoreKeys<never>, 'isText' | 'bytesOf' | 'textOf'>;
  /** Characters up to this one are the bytes of a key as they stand. */
  readonly #mostCode: number;
  /** Two numbers a slot: the hash of a key, and the key's number and 1; 0: the slot is free. */
  #slots = new Int32Array(2 * LEAST_SLOTS);
  #count = 0;
  /** Of each key: where its bytes begin; of a number that is free: the next one. */
  #at = new Int32Array(LEAST_KEYS);
  /** NONE: the number is free. */
  #length = new Int32Array(LEAST_KEYS);
  #free = NONE;
  #usedNumbers = 0;
  #bytes = Buffer.allocUnsafeSlow(LEAST_BYTES);
  #usedBytes = 0;
  /** Of the keys that are there. */
  #liveBytes = 0;

  constructor(keys: Pick<StoreKeys<never>, 'isText' | 'bytesOf' | 'textOf'>) {
    this.#keys = keys;
    this.#mostCode = keys.isText ? 0x7f : 0xff;
  }

  /** By the id that the store's keys have for it. NONE: it is not there, or no key at all. */
  find(id: unknown): number {
    if (typeof id !== 'string') return NONE;
    const hash = hashOfText(id, this.#mostCode);
    if (hash !== 0) return this.#find(id, hash);
    // Half of a surrogate pair has the bytes of another key.
    if (!id.isWellFormed()) return NONE;
    const text = this.#keys.textOf(id);
    return this.#find(text, hashOfText(text, 0xff));
  }

  /** Of a key that is not there, checked as the store's keys check it. */
  add(id: string): number {
    const bytes = this.#keys.bytesOf(id);
    const key = this.#newNumber();
    if (this.#usedBytes + bytes.length > this.#bytes.length) this.#makeRoom(bytes.length);
    copyBytes(bytes, 0, bytes.length, this.#bytes, this.#usedBytes);
    this.#at[key] = this.#usedBytes;
    this.#length[key] = bytes.length;
    this.#usedBytes += bytes.length;
    this.#liveBytes += bytes.length;
    this.#count += 1;
    if (this.#count * 200 > this.#slots.length * MOST_TAKEN) this.#grow();
    put(this.#slots, this.#hashOf(key), key + 1);
    return key;
  }

  remove(key: number): void {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    let free = this.#hashOf(key) & mask;
    while (slots[2 * free + 1] !== key + 1) free = (free + 1) & mask;
    // What stands behind it may have passed its slot, and would not be found behind a free one.
    for (let at = (free + 1) & mask; slots[2 * at + 1] !== 0; at = (at + 1) & mask) {
      const own = (slots[2 * at] as number) & mask;
      if (((at - own) & mask) < ((at - free) & mask)) continue;
      slots[2 * free] = slots[2 * at] as number;
      slots[2 * free + 1] = slots[2 * at + 1] as number;
      free = at;
    }
    slots[2 * free + 1] = 0;
    this.#count -= 1;
    this.#liveBytes -= this.#length[key] as number;
    this.#length[key] = NONE;
    this.#at[key] = this.#free;
    this.#free = key;
  }

  lengthOf(key: number): number {
    return this.#length[key] as number;
  }

  copy(key: number, to: Buffer, at: number): void {
    copyBytes(this.#bytes, this.#at[key] as number, this.#length[key] as number, to, at);
  }

  /** All keys, in the order of their bytes. */
  inOrder(): number[] {
    const found: { readonly key: number; readonly text: string }[] = [];
    for (let key = 0; key < this.#usedNumbers; key += 1) {
      const [at, length] = [this.#at[key] as number, this.#length[key] as number];
      if (length !== NONE) found.push({ key, text: this.#bytes.toString('latin1', at, at + length) });
    }
    return found.sort((a, b) => (a.text < b.text ? -1 : 1)).map(({ key }) => key);
  }

  /** By the key's bytes as latin1 text. */
  #find(text: string, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const key = (slots[2 * slot + 1] as number) - 1;
      if (key === NONE || (slots[2 * slot] === hash && this.#is(key, text))) return key;
    }
  }

  #is(key: number, text: string): boolean {
    const [bytes, from] = [this.#bytes, this.#at[key] as number];
    if (this.#length[key] !== text.length) return false;
    for (let at = 0; at < text.length; at += 1) if (bytes[from + at] !== text.charCodeAt(at)) return false;
    return true;
  }

  #hashOf(key: number): number {
    const from = this.#at[key] as number;
    return hashOfBytes(this.#bytes, from, from + (this.#length[key] as number));
  }

  #newNumber(): number {
    const key = this.#free;
    if (key !== NONE) {
      this.#free = this.#at[key] as number;
      return key;
    }
    if (this.#usedNumbers === this.#at.length) {
      this.#at = copied(this.#at, new Int32Array(2 * this.#usedNumbers));
      this.#length = copied(this.#length, new Int32Array(2 * this.#usedNumbers));
    }
    this.#usedNumbers += 1;
    return this.#usedNumbers - 1;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Int32Array(2 * before.length);
    for (let at = 0; at < before.length; at += 2)
      if (before[at + 1] !== 0) put(this.#slots, before[at] as number, before[at + 1] as number);
  }

  /** There is room for so many bytes more: those of keys that are gone are, and the half at least is free. */
  #makeRoom(bytes: number): void {
    let size = this.#bytes.length;
    while (2 * (this.#liveBytes + bytes) > size) size *= 2;
    const moved = Buffer.allocUnsafeSlow(size);
    let to = 0;
    for (let key = 0; key < this.#usedNumbers; key += 1) {
      const length = this.#length[key] as number;
      if (length === NONE) continue;
      copyBytes(this.#bytes, this.#at[key] as number, length, moved, to);
      this.#at[key] = to;
      to += length;
    }
    this.#bytes = moved;
    this.#usedBytes = to;
  }
}

function put(slots: Int32Array, hash: number, name: number): void {
  const mask = slots.length / 2 - 1;
  let slot = hash & mask;
  while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
  slots[2 * slot] = hash;
  slots[2 * slot + 1] = name;
}
