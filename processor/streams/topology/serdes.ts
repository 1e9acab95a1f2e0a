import { decodeText } from '../store/key-text.ts';

/** Turns values into bytes and back. `deserialize(serialize(v))` equals `v`. */
export interface Serde<T> {
  serialize(value: T): Buffer;
  deserialize(bytes: Buffer): T;
  /**
   * What the bytes are, in a word: a store whose format is another one than before is refused. Without it nobody can tell,
   * and a changed serde reads what the old one wrote.
   */
  readonly format?: string;
}

/** UTF-8 text. Throws for text with half of a surrogate pair, and for bytes that are not UTF-8: neither would come back as it was. */
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

/** Any JSON value, as UTF-8 text. The caller vouches for the type of what was stored. */
export function jsonSerde<T>(): Serde<T> {
  return {
    serialize: (value) => Buffer.from(JSON.stringify(value), 'utf8'),
    deserialize: (bytes) => JSON.parse(bytes.toString('utf8')) as T,
    format: 'json',
  };
}
