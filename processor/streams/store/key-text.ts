import { isUtf8 } from 'node:buffer';

/**
 * Keys are text, and UTF-8 in every store and topic: two keys are the same exactly when their bytes are.
 * @throws TypeError for text with half of a surrogate pair: all of those would be the same bytes.
 */
export function encodeKey(key: string): Buffer {
  checkKeyText(key);
  return asciiBytes(key) ?? Buffer.from(key, 'utf8');
}

/** Longer ones are made faster by Node. */
const MOST_BY_HAND = 48;

/** Undefined: the text is not ASCII, or long. */
export function asciiBytes(text: string): Buffer | undefined {
  const { length } = text;
  if (length > MOST_BY_HAND) return undefined;
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return undefined;
    bytes[at] = code;
  }
  return bytes;
}

/** @throws TypeError as `encodeKey`, and for what is no text at all. */
export function checkKeyText(key: string): void {
  if (typeof key !== 'string') throw new TypeError(`a key is text, not ${kindOf(key)}`);
  // mutant: well-formed
  if (!key.isWellFormed())
    throw new TypeError(
      'the key has half of a surrogate pair: it is no text that UTF-8 can hold, and would be taken for another key',
    );
}

const REPLACEMENT = '\uFFFD';

/** The text of bytes; undefined when they are not UTF-8. */
export function decodeText(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  // mutant: text-only
  return isSurelyOfText(text) || isUtf8(bytes) ? text : undefined;
}

/**
 * The bytes that this was made of are UTF-8. Whatever is wrong with bytes becomes one character, which text hardly ever
 * has: looking for it costs less than a check.
 */
export function isSurelyOfText(text: string): boolean {
  return !text.includes(REPLACEMENT);
}

/** What something is, in words that hold nothing of its content. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (isThenable(value)) return 'a promise: functions of a topology are synchronous';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

export function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
