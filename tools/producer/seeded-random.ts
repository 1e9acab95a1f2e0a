/** A seeded source of random numbers: the same seed gives the same sequence on every machine. Not for secrets. */
export interface SeededRandom {
  /** 32 random bits, as a number from 0 to 2^32 - 1. */
  uint32(): number;
  /** A whole number from 0 to `below` - 1. `below`: 1 to 2^32. */
  below(below: number): number;
  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean;
  /** One of these; `choices` is not empty. */
  pick<T>(choices: readonly T[]): T;
  /** A version 4 UUID. */
  uuid(): string;
}

const TWO_TO_32 = 0x1_0000_0000;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Chris Doty-Humphrey's sfc32. `seed`: any safe integer. */
export function seededRandom(seed: number): SeededRandom {
  let a = seed >>> 0;
  let b = Math.floor(seed / TWO_TO_32) >>> 0;
  let c = 0x9e3779b9;
  let counter = 1;

  function uint32(): number {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  }

  // The first numbers still resemble the seed.
  for (let i = 0; i < 16; i++) uint32();

  const below = (limit: number) => Math.floor((uint32() / TWO_TO_32) * limit);
  return {
    uint32,
    below,
    chance: (probability) => uint32() < probability * TWO_TO_32,
    pick: <T>(choices: readonly T[]): T => choices[below(choices.length)] as T,
    uuid: () => {
      const one = uint32();
      const two = (uint32() & 0xffff0fff) | 0x4000;
      const three = (uint32() & 0x3fffffff) | 0x80000000;
      const four = uint32();
      return (
        `${hexPair(one >>> 16)}${hexPair(one)}-${hexPair(two >>> 16)}-${hexPair(two)}-` +
        `${hexPair(three >>> 16)}-${hexPair(three)}${hexPair(four >>> 16)}${hexPair(four)}`
      );
    },
  };
}

function hexPair(twoBytes: number): string {
  return hex(twoBytes >>> 8) + hex(twoBytes);
}

function hex(byte: number): string {
  return HEX[byte & 0xff] as string;
}
