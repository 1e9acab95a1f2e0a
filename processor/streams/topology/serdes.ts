import { asciiBytes, decodeText, kindOf } from '../store/key-text.ts';

/** Turns values into bytes and back. `deserialize(serialize(v))` equals `v`. */
export interface Serde<T> {
  serialize(value: T): Buffer;
  deserialize(bytes: Buffer): T;
  /**
   * What the bytes are, in a word: a store whose format is another one than before is refused. Without it nobody can
   * tell, and a changed serde reads what the old one wrote.
   */
  readonly format?: string;
}

/**
 * UTF-8 text. Throws for text with half of a surrogate pair, and for bytes that are not UTF-8: neither would come back
 * as it was.
 */
export const stringSerde: Serde<string> = {
  serialize: (value) => Buffer.from(wellFormed(value), 'utf8'),
  deserialize: (bytes) => {
    const text = decodeText(bytes);
    if (text === undefined) throw new TypeError('the bytes are not UTF-8 text');
    return text;
  },
  format: 'utf8',
};

function wellFormed(text: string): string {
  if (typeof text !== 'string')
    throw new TypeError(`stringSerde writes text, not ${kindOf(text)}: give the value a serde of its own`);
  if (!text.isWellFormed()) throw new TypeError('the text has half of a surrogate pair, which UTF-8 cannot hold');
  return text;
}

/** What is known of a serde of the runtime's own, beyond what any serde promises. */
interface Known {
  /** It gives these numbers back as they were, and all others not, or not always. */
  readonly isExact?: (value: number) => boolean;
  /** `serialize` answers bytes that nobody else has, at each call: they need no copy. */
  readonly hasNewBytes?: boolean;
  /** `deserialize` takes such bytes, as a look at them shows. False: it may, or may not. */
  readonly takes?: (bytes: Uint8Array, at: number, length: number) => boolean;
  /** `deserialize` neither changes the bytes nor keeps a view of them: they need no copy. */
  readonly leavesBytes?: boolean;
  /** What `deserialize` makes of bytes, made of their text. */
  readonly readText?: (text: string) => unknown;
  /** The well-formed text whose bytes, in UTF-8, are those that `serialize` answers. */
  readonly textOf?: (value: never) => string;
}

interface Methods {
  readonly serialize: unknown;
  readonly deserialize: unknown;
}

const known = new WeakMap<object, Known & Methods>();

/** Notes what is known of a serde. Answers it. */
export function knownSerde<S extends Methods>(serde: S, what: Known): S {
  known.set(serde, { ...what, serialize: serde.serialize, deserialize: serde.deserialize });
  return serde;
}

/** Nothing, of a serde that was given another method since: a user's own may do anything. */
export function knownOf(serde: Methods): Known {
  const found = known.get(serde);
  if (found === undefined) return {};
  return found.serialize === serde.serialize && found.deserialize === serde.deserialize ? found : {};
}

knownSerde(stringSerde, { hasNewBytes: true, leavesBytes: true, textOf: wellFormed });

const ZERO = 0x30;
const NINE = 0x39;
/** Of a number that no other is as near to. */
const MOST_DIGITS = 15;

/** The bytes are the text of a whole number from 0 on, as JSON has it. */
export function isWholeNumberText(bytes: Uint8Array, at: number, length: number): boolean {
  if (length < 1 || length > MOST_DIGITS || (length > 1 && bytes[at] === ZERO)) return false;
  for (let digit = at; digit < at + length; digit += 1) {
    const byte = bytes[digit] as number;
    if (byte < ZERO || byte > NINE) return false;
  }
  return true;
}

/** The number that such bytes are the text of, as JSON.parse reads it, in less time; -1: they are others. */
function wholeNumberIn(bytes: Uint8Array): number {
  if (!isWholeNumberText(bytes, 0, bytes.length)) return -1;
  let number = 0;
  for (const byte of bytes) number = 10 * number + byte - ZERO;
  return number;
}

/** JSON has no -0. */
function isJsonNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

/**
 * Any JSON value, as UTF-8 text. The caller vouches for the type of what was stored. Throws for what JSON writes as
 * something else and nobody would notice: NaN, infinities and invalid dates as null, a Map or Set as an empty object.
 */
export function jsonSerde<T>(): Serde<T> {
  const serde: Serde<T> = {
    serialize: (value) => {
      // As JSON writes it, -0 too.
      if (typeof value === 'number' && Number.isFinite(value)) return asciiBytes(String(value)) as Buffer;
      return Buffer.from(jsonOf(value), 'utf8');
    },
    deserialize: (bytes) => jsonIn(bytes) as T,
    format: 'json',
  };
  return knownSerde(serde, {
    isExact: isJsonNumber,
    hasNewBytes: true,
    takes: isWholeNumberText,
    leavesBytes: true,
    readText: JSON.parse,
    textOf: jsonOf,
  });
}

function jsonOf(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`JSON has no ${typeof value}`);
  // Only such a text can hide one: all others cost no look at their parts.
  if (text.includes('null') || text.includes('{}')) refuseLoss(value);
  return text;
}

/** @throws SyntaxError as JSON.parse. */
export function jsonIn(bytes: Buffer): unknown {
  const number = wholeNumberIn(bytes);
  return number < 0 ? JSON.parse(bytes.toString('utf8')) : number;
}

function refuseLoss(value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(`JSON has no ${String(value)}: it would be null`);
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Map || value instanceof Set)
    throw new TypeError(`JSON has no ${value.constructor.name}: it would be an empty object`);
  if (value instanceof Date && Number.isNaN(value.getTime()))
    throw new TypeError('JSON has no invalid date: it would be null');
  // What it says of itself is what is written.
  if ('toJSON' in value && typeof value.toJSON === 'function') return;
  for (const part of Object.values(value)) refuseLoss(part);
}
