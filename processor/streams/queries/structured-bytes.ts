import { serialize } from 'node:v8';

/*
 * Plain data in the form of `v8.serialize`, to be read with `v8.deserialize`. V8's own serializer keeps what it writes
 * alive until a collection of garbage has found the serializer itself: what a process asks and answers would grow old,
 * and V8 collect its whole heap for it every few seconds. An object that is there twice is written twice, but for what
 * is large: one read of many partitions would grow past the bound of a frame.
 */

const HEADER = serialize(null).subarray(0, 2);
const TAGS = {
  null: 0x30,
  undefined: 0x5f,
  true: 0x54,
  false: 0x46,
  integer: 0x49,
  number: 0x4e,
  text: 0x22,
  object: 0x6f,
  objectEnd: 0x7b,
  array: 0x41,
  arrayEnd: 0x24,
  bytes: 0x5c,
} as const;
/** By which numbers Node tells views of bytes apart. */
const UINT8_ARRAY = 1;
const BUFFER = 10;
const LONGEST_NUMBER = 10;
const DEEPEST = 16;
const FIRST_BYTES = 1 << 12;
/** More is left to V8, and the buffer for it is not kept. */
const MOST_BYTES = 1 << 18;

let bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
let at = 0;

/** What is no plain data is written by V8 itself. @throws what V8 does for what it cannot write. */
export function structuredBytes(value: unknown): Buffer {
  at = HEADER.copy(bytes);
  const isWritten = write(value, 0);
  const written = isWritten && at <= MOST_BYTES ? Buffer.from(bytes.subarray(0, at)) : serialize(value);
  if (bytes.length > MOST_BYTES) bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  return written;
}

/** False: it is no such data, and not written to its end. */
function write(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'undefined':
      return writeTag(TAGS.undefined);
    case 'boolean':
      return writeTag(value ? TAGS.true : TAGS.false);
    case 'number':
      return writeNumber(value);
    case 'string':
      return writeText(value);
    case 'object':
      if (value === null) return writeTag(TAGS.null);
      if (depth >= DEEPEST) return false;
      if (Array.isArray(value)) return writeArray(value, depth);
      return value instanceof Uint8Array ? writeBytes(value) : writeObject(value, depth);
    default:
      return false;
  }
}

function ensure(count: number): void {
  if (at + count <= bytes.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, at + count));
  bytes.copy(larger, 0, 0, at);
  bytes = larger;
}

function writeTag(tag: number): true {
  ensure(1);
  bytes[at] = tag;
  at += 1;
  return true;
}

/** Of 32 bits, seven of them a byte, the lowest first. */
function writeCount(count: number): void {
  ensure(LONGEST_NUMBER);
  let rest = count >>> 0;
  while (rest > 0x7f) {
    bytes[at] = (rest & 0x7f) | 0x80;
    at += 1;
    rest >>>= 7;
  }
  bytes[at] = rest;
  at += 1;
}

function writeNumber(value: number): true {
  if ((value | 0) === value && !Object.is(value, -0)) {
    writeTag(TAGS.integer);
    writeCount((value << 1) ^ (value >> 31));
    return true;
  }
  writeTag(TAGS.number);
  ensure(LONGEST_NUMBER);
  at = bytes.writeDoubleLE(value, at);
  return true;
}

function writeText(value: string): boolean {
  // Other texts have two bytes a character, at an even place.
  // eslint-disable-next-line no-control-regex
  if (!/^[\0-\xff]*$/.test(value)) return false;
  writeTag(TAGS.text);
  writeCount(value.length);
  ensure(value.length);
  at += bytes.write(value, at, 'latin1');
  return true;
}

function writeBytes(value: Uint8Array): boolean {
  const { constructor } = value;
  if (constructor !== Uint8Array && constructor !== Buffer) return false;
  writeTag(TAGS.bytes);
  writeCount(constructor === Buffer ? BUFFER : UINT8_ARRAY);
  writeCount(value.length);
  ensure(value.length);
  bytes.set(value, at);
  at += value.length;
  return true;
}

function writeArray(values: readonly unknown[], depth: number): boolean {
  writeTag(TAGS.array);
  writeCount(values.length);
  for (let nth = 0; nth < values.length; nth += 1) if (!(nth in values) || !write(values[nth], depth + 1)) return false;
  writeTag(TAGS.arrayEnd);
  writeCount(0);
  writeCount(values.length);
  return true;
}

function writeObject(value: object, depth: number): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  writeTag(TAGS.object);
  const entries = Object.entries(value);
  for (const [name, one] of entries) {
    // A name that is a number is written as one.
    if (/^\d/.test(name) || !writeText(name) || !write(one, depth + 1)) return false;
  }
  writeTag(TAGS.objectEnd);
  writeCount(entries.length);
  return true;
}
