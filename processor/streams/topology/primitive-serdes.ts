import { kindOf } from '../store/key-text.ts';
import type { Serde } from './serdes.ts';

/*
 * Serdes of single values, in the bytes of Java's serializers of the same types: topics are shared with Java clients.
 */

/** Any bytes, as they are. Answers copies, which stay as they are when the record is gone. */
export const bytesSerde: Serde<Buffer> = {
  serialize: (value) => {
    if (!((value as unknown) instanceof Uint8Array)) throw wrongType('bytes', value);
    return Buffer.from(value);
  },
  deserialize: (bytes) => Buffer.from(bytes),
  format: 'bytes',
};

/** One byte, 0 or 1: Java's `BooleanSerializer`. */
export const booleanSerde: Serde<boolean> = {
  serialize: (value) => {
    if (typeof value !== 'boolean') throw wrongType('true or false', value);
    return Buffer.from([value ? 1 : 0]);
  },
  deserialize: (bytes) => {
    checkLength('a boolean', bytes, 1);
    if (bytes[0] !== 0 && bytes[0] !== 1) throw new TypeError('the byte of a boolean is 0 or 1');
    return bytes[0] === 1;
  },
  format: 'boolean',
};

const MOST_INT32 = 2 ** 31 - 1;

/** A whole number in 4 bytes, big-endian: Java's `IntegerSerializer`. */
export const int32Serde: Serde<number> = {
  serialize: (value) => {
    if (!Number.isInteger(value) || value > MOST_INT32 || value < -MOST_INT32 - 1)
      throw wrongType('a whole number of 32 bits', value);
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeInt32BE(value, 0);
    return bytes;
  },
  deserialize: (bytes) => {
    checkLength('an int32', bytes, 4);
    return bytes.readInt32BE(0);
  },
  format: 'int32',
};

const LANE = 2 ** 32;

/**
 * A whole number in 8 bytes, big-endian: Java's `LongSerializer`. Numbers beyond 2^53 - 1 either way, which a JS number
 * does not hold exactly, are an error: `bigint64Serde` has them all.
 */
export const int64Serde: Serde<number> = {
  serialize: (value) => {
    if (!Number.isSafeInteger(value)) throw wrongType('a whole number below 2^53', value);
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeInt32BE(Math.floor(value / LANE), 0);
    // Of a negative number: the rest above the next lower multiple.
    bytes.writeUInt32BE(value - Math.floor(value / LANE) * LANE, 4);
    return bytes;
  },
  deserialize: (bytes) => {
    checkLength('an int64', bytes, 8);
    const value = bytes.readInt32BE(0) * LANE + bytes.readUInt32BE(4);
    if (!Number.isSafeInteger(value))
      throw new RangeError(
        'the int64 is beyond 2^53, which a number does not hold exactly: read it with bigint64Serde',
      );
    return value;
  },
  format: 'int64',
};

const MOST_INT64 = 2n ** 63n - 1n;

/** The same bytes as `int64Serde`, as a bigint: the whole range of 64 bits. */
export const bigint64Serde: Serde<bigint> = {
  serialize: (value) => {
    if (typeof value !== 'bigint' || value > MOST_INT64 || value < -MOST_INT64 - 1n)
      throw wrongType('a bigint of 64 bits', value);
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64BE(value, 0);
    return bytes;
  },
  deserialize: (bytes) => {
    checkLength('an int64', bytes, 8);
    return bytes.readBigInt64BE(0);
  },
  format: 'int64',
};

/** Any number, NaN and infinities included, in 8 bytes, IEEE 754, big-endian: Java's `DoubleSerializer`. */
export const float64Serde: Serde<number> = {
  serialize: (value) => {
    if (typeof value !== 'number') throw wrongType('a number', value);
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeDoubleBE(value, 0);
    return bytes;
  },
  deserialize: (bytes) => {
    checkLength('a float64', bytes, 8);
    return bytes.readDoubleBE(0);
  },
  format: 'float64',
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A UUID as text, such as `randomUUID()` makes, in lower case as Java's `UUIDSerializer` writes it. */
export const uuidSerde: Serde<string> = {
  serialize: (value) => {
    if (typeof value !== 'string' || !UUID.test(value)) throw wrongType('a UUID as text', value);
    return Buffer.from(value.toLowerCase(), 'latin1');
  },
  deserialize: (bytes) => {
    const text = bytes.toString('latin1');
    if (!UUID.test(text)) throw new TypeError(`the ${String(bytes.length)} bytes are not the text of a UUID`);
    return text.toLowerCase();
  },
  format: 'uuid',
};

function checkLength(what: string, bytes: Buffer, length: number): void {
  if (bytes.length !== length)
    throw new TypeError(`${what} has ${String(length)} byte${length === 1 ? '' : 's'}, not ${String(bytes.length)}`);
}

/** Numbers are named: of all else the type says enough, and the content is the user's. */
function wrongType(expected: string, value: unknown): TypeError {
  return new TypeError(`the serde takes ${expected}, not ${typeof value === 'number' ? String(value) : kindOf(value)}`);
}
