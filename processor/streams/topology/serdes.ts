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

/** UTF-8 text. */
export const stringSerde: Serde<string> = {
  serialize: (value) => Buffer.from(value, 'utf8'),
  deserialize: (bytes) => bytes.toString('utf8'),
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
