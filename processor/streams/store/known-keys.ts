const FIRST_SLOTS = 1_024;
/** 8 MiB, for 1.4 million keys. */
const MOST_SLOTS = 1 << 21;
/** Of a hundred slots. */
const MOST_TAKEN = 70;

/**
 * Which keys a store has, by a hash of 32 bits each (key-hash.ts): that it has none is sure, that it has one is not. So
 * the first write of a key needs no read. It takes 6 to 12 bytes a key; of more keys than it is made for it says
 * nothing.
 */
export class KnownKeys {
  /** Hashes, each in the first free slot from its own on; 0: free. */
  #slots: Int32Array | undefined;
  #count = 0;

  /** `expected`: so many keys are about to come. */
  constructor(expected = 0) {
    let slots = FIRST_SLOTS;
    while (slots < MOST_SLOTS && expected * 100 > slots * MOST_TAKEN) slots *= 2;
    this.#slots = new Int32Array(slots);
  }

  /** A data key (data-key.ts) of this hash has come, which was not there. */
  add(hash: number): void {
    if (this.#slots === undefined) return;
    if ((this.#count + 1) * 100 > this.#slots.length * MOST_TAKEN && !this.#grow()) return;
    put(this.#slots, hash);
    this.#count += 1;
  }

  /** The same of the first `count` hashes: a loop of its own has the memory look for several slots at a time. */
  addAll(hashes: Int32Array, count: number): void {
    for (let index = 0; index < count; index += 1) this.add(hashes[index] as number);
  }

  /** A data key of this hash that was there is gone. */
  remove(hash: number): void {
    const slots = this.#slots;
    if (slots === undefined) return;
    const mask = slots.length - 1;
    let free = hash & mask;
    while (slots[free] !== hash) {
      if (slots[free] === 0) return;
      free = (free + 1) & mask;
    }
    // What stands behind it may have passed its slot, and would not be found behind a free one.
    for (let at = (free + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const own = (slots[at] as number) & mask;
      if (((at - own) & mask) < ((at - free) & mask)) continue;
      slots[free] = slots[at] as number;
      free = at;
    }
    slots[free] = 0;
    this.#count -= 1;
  }

  /** It is sure that there is no data key of this hash. */
  lacks(hash: number): boolean {
    return this.#slots !== undefined && !has(this.#slots, hash);
  }

  /** False: there would be too many, and it says nothing from here on. */
  #grow(): boolean {
    const before = this.#slots as Int32Array;
    if (before.length >= MOST_SLOTS) {
      this.#slots = undefined;
      return false;
    }
    const slots = new Int32Array(2 * before.length);
    for (let at = 0; at < before.length; at += 1) if (before[at] !== 0) put(slots, before[at] as number);
    this.#slots = slots;
    return true;
  }
}

function put(slots: Int32Array, hash: number): void {
  const mask = slots.length - 1;
  let at = hash & mask;
  while (slots[at] !== 0) at = (at + 1) & mask;
  slots[at] = hash;
}

function has(slots: Int32Array, hash: number): boolean {
  const mask = slots.length - 1;
  for (let at = hash & mask; slots[at] !== 0; at = (at + 1) & mask) if (slots[at] === hash) return true;
  return false;
}
