import { decodeText } from '../store/key-text.ts';

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
  serialize: (value) => {
    if (!value.isWellFormed()) throw new TypeError('the text has half of a surrogate pair, which UTF-8 cannot hold');
    return Buffer.from(value, 'utf8');
  },
  deserialize: (bytes) => {
    const text = decodeText(bytes);
    if (text === undefined) throw new TypeError('the bytes are not UTF-8 text');
    return text;
  },
  format: 'utf8',
};

/** Serdes of the runtime's own that give numbers back as they were, and which numbers. */
const exactNumbers = new WeakMap<object, (value: number) => boolean>();

/** Notes that a serde gives these numbers back as they were, and all others not, or not always. Answers it. */
export function givesBack<S extends object>(serde: S, isExact: (value: number) => boolean): S {
  exactNumbers.set(serde, isExact);
  return serde;
}

/** Which numbers a serde is known to give back as they were; undefined: of none that is known. */
export function exactNumbersOf(serde: object): ((value: number) => boolean) | undefined {
  return exactNumbers.get(serde);
}

/** Serdes of the runtime's own whose `serialize` answers bytes that nobody else has, at each call. */
const withNewBytes = new WeakSet<object>();

/** Notes that `serialize` answers other bytes at each call, which need no copy. Answers the serde. */
export function answersNewBytes<S extends object>(serde: S): S {
  withNewBytes.add(serde);
  return serde;
}

answersNewBytes(stringSerde);

/** `serialize` is known to answer bytes that nobody else has. */
export function hasNewBytes(serde: object): boolean {
  return withNewBytes.has(serde);
}

/** What a serde of the runtime's own makes of a text, for which `deserialize` turns its bytes into. */
const textReaders = new WeakMap<object, (text: string) => unknown>();

/** How to read a value of which the text is there; undefined: by its bytes alone. */
export function textReaderOf(serde: object): ((text: string) => unknown) | undefined {
  return textReaders.get(serde);
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
      if (typeof value === 'number' && Number.isFinite(value)) return Buffer.from(String(value), 'latin1');
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) throw new TypeError(`JSON has no ${typeof value}`);
      // Only such a text can hide one: all others cost no look at their parts.
      if (text.includes('null') || text.includes('{}')) refuseLoss(value);
      return Buffer.from(text, 'utf8');
    },
    deserialize: (bytes) => JSON.parse(bytes.toString('utf8')) as T,
    format: 'json',
  };
  textReaders.set(serde, JSON.parse);
  return givesBack(answersNewBytes(serde), isJsonNumber);
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
