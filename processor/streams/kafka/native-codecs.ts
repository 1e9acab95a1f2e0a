import { createRequire } from 'node:module';

/*
 * Native libraries are optional: an install without them, or a platform that they do not know, reads and writes all but
 * LZ4, and packs no Snappy. In their place stand a slower checksum and a slower Snappy reader.
 */

type Lz4 = typeof import('lz4-napi');
type Snappy = typeof import('snappy');

/** A batch packed with a codec that this build, or this install, cannot read. */
export class UnsupportedCompressionError extends Error {
  override readonly name = 'UnsupportedCompressionError';
  readonly code = 'UNSUPPORTED_COMPRESSION';
}

function missing(codec: string, library: string): UnsupportedCompressionError {
  return new UnsupportedCompressionError(
    `Compression codec ${codec} needs the package ${library}, which is not installed here or does not know ` +
      `this platform`,
  );
}

const require = createRequire(import.meta.url);

function optional<T>(library: string): T | undefined {
  try {
    return require(library) as T;
  } catch {
    return undefined;
  }
}

/** Loaded when it is needed first: each start of a thread would pay for it. */
function optionalLater<T>(library: string): () => T | undefined {
  let loaded: { readonly library: T | undefined } | undefined;
  return () => (loaded ??= { library: optional<T>(library) }).library;
}

const nativeLz4 = optionalLater<Lz4>('lz4-napi');
const nativeSnappy = optionalLater<Snappy>('snappy');
const nativeCrc = optional<{ crc32c(bytes: Buffer): number }>('@node-rs/crc32');

/** @throws UnsupportedCompressionError */
export function lz4(): Lz4 {
  const native = nativeLz4();
  if (native === undefined) throw missing('lz4', 'lz4-napi');
  return native;
}

/** One block. @throws UnsupportedCompressionError */
export function packSnappyBlock(plain: Buffer): Buffer {
  const native = nativeSnappy();
  if (native === undefined) throw missing('snappy', 'snappy');
  return native.compressSync(plain);
}

/** One block, whose claimed size the caller has looked at. @throws for damaged bytes. */
export function unpackSnappyBlock(block: Buffer): Buffer {
  const native = nativeSnappy();
  if (native === undefined) return unpackSnappyBlockSlowly(block);
  // Memory of the library's own, which is the default, costs the garbage collector several times the copy.
  const plain = native.uncompressSync(block, { asBuffer: true, copyOutputData: true });
  return typeof plain === 'string' ? Buffer.from(plain) : plain;
}

/** The checksum of record batches and of LevelDB's tables (Castagnoli). */
export const crc32c: (bytes: Buffer) => number = nativeCrc?.crc32c ?? crc32cSlowly;

const CASTAGNOLI = 0x82f63b78;
/** Four bytes at a time: [n][byte] is the remainder of the byte with n zero bytes behind it. */
let remainders: Int32Array[] | undefined;

function makeRemainders(): Int32Array[] {
  const tables = Array.from({ length: 4 }, () => new Int32Array(256));
  const [first] = tables as [Int32Array];
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : CASTAGNOLI);
    first[byte] = crc;
  }
  for (let n = 1; n < 4; n += 1) {
    const [before, table] = [tables[n - 1] as Int32Array, tables[n] as Int32Array];
    for (let byte = 0; byte < 256; byte += 1) {
      const crc = before[byte] as number;
      table[byte] = (crc >>> 8) ^ (first[crc & 0xff] as number);
    }
  }
  return tables;
}

/** As the native one, in JavaScript. */
export function crc32cSlowly(bytes: Buffer): number {
  remainders ??= makeRemainders();
  const [t0, t1, t2, t3] = remainders as [Int32Array, Int32Array, Int32Array, Int32Array];
  let crc = -1;
  let at = 0;
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    crc =
      (t3[crc & 0xff] as number) ^
      (t2[(crc >>> 8) & 0xff] as number) ^
      (t1[(crc >>> 16) & 0xff] as number) ^
      (t0[crc >>> 24] as number);
  }
  for (; at < bytes.length; at += 1) crc = (crc >>> 8) ^ (t0[(crc ^ (bytes[at] as number)) & 0xff] as number);
  return ~crc >>> 0;
}

/** As the native one, in JavaScript. @throws RangeError for bytes that are no Snappy block. */
export function unpackSnappyBlockSlowly(block: Buffer): Buffer {
  let at = 0;
  const byte = (): number => {
    const next = block[at];
    if (next === undefined) throw new RangeError('a snappy block ends in the middle');
    at += 1;
    return next;
  };
  const number = (bytes: number): number => {
    let value = 0;
    for (let n = 0; n < bytes; n += 1) value += byte() * 0x100 ** n;
    return value;
  };
  let size = 0;
  for (let scale = 1; ; scale *= 0x80) {
    const part = byte();
    size += (part & 0x7f) * scale;
    if (part < 0x80) break;
    if (scale === 0x80 ** 4) throw new RangeError('a snappy block claims a size of more than 32 bits');
  }
  const plain = Buffer.alloc(size);
  let written = 0;
  while (at < block.length) {
    const tag = byte();
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const length = short < 60 ? short + 1 : number(short - 59) + 1;
      if (at + length > block.length || written + length > size)
        throw new RangeError('a snappy literal leaves its block');
      block.copy(plain, written, at, at + length);
      at += length;
      written += length;
      continue;
    }
    const length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const offset = kind === 1 ? (tag >> 5) * 0x100 + byte() : number(kind === 2 ? 2 : 4);
    if (offset === 0 || offset > written || written + length > size)
      throw new RangeError('a snappy copy leaves its block');
    // Byte by byte: a copy may overlap what it writes.
    for (let n = 0; n < length; n += 1, written += 1) plain[written] = plain[written - offset] as number;
  }
  if (written !== size) throw new RangeError('a snappy block unpacks to another size than it claims');
  return plain;
}
