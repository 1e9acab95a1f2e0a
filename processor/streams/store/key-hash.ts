import { randomBytes } from 'node:crypto';

/**
 * Other ones in each process: who chooses keys could choose thousands of one hash, each of which is looked through. The
 * state is turned before each byte, so that no difference of two keys passes the multiplication as it is: with FNV's
 * own step, or words of 32 bits, there are keys that have one hash whatever these are.
 */
const [START, MULTIPLIER] = [randomBytes(4).readInt32LE(), randomBytes(4).readInt32LE() | 1];

/** Of bytes, or of those from one place up to another. Never 0. */
export function hashOfBytes(bytes: Uint8Array, from = 0, end = bytes.length): number {
  let hash = START;
  for (let at = from; at < end; at += 1)
    hash = Math.imul((hash << 13) ^ (hash >>> 19) ^ (bytes[at] as number), MULTIPLIER);
  return spread(hash);
}

/** The same of the bytes of a text that has no character above this one, at most 0xff; 0: it has. */
export function hashOfText(text: string, mostCode: number): number {
  let hash = START;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > mostCode) return 0;
    hash = Math.imul((hash << 13) ^ (hash >>> 19) ^ code, MULTIPLIER);
  }
  return spread(hash);
}

/** Keys that differ at their end alone are far from each other. */
function spread(last: number): number {
  let hash = last;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash === 0 ? 1 : hash;
}
