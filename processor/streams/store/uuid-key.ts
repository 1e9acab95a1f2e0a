/** Of a UUID as text, and of its bytes. */
export const UUID_TEXT_BYTES = 36;
export const UUID_BYTES = 16;
const DASH = 0x2d;
const NO_DIGIT = 0xff;

/** By the character: its digit. Capitals are none: a text has one form, or it could not be told from its bytes. */
const digits = new Uint8Array(256).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit += 1) digits[digit.toString(16).charCodeAt(0)] = digit;

/** Writes the bytes of a UUID that is text from `at` on. False: it is none, and what was written means nothing. */
export function uuidBytes(text: Uint8Array, at: number, into: Uint8Array): boolean {
  if (text[at + 8] !== DASH || text[at + 13] !== DASH || text[at + 18] !== DASH || text[at + 23] !== DASH) return false;
  let from = at;
  for (let byte = 0; byte < UUID_BYTES; byte += 1) {
    if (byte === 4 || byte === 6 || byte === 8 || byte === 10) from += 1;
    const high = digits[text[from] as number] as number;
    const low = digits[text[from + 1] as number] as number;
    if ((high | low) === NO_DIGIT) return false;
    into[byte] = (high << 4) | low;
    from += 2;
  }
  return true;
}
