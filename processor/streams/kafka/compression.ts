import { Readable } from 'node:stream';
import {
  createGunzip,
  createZstdDecompress,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import kafkajs from '#kafkajs';
import { lz4Frames, mostBytesOf, unpackLz4Blocks, unpackLz4Frame } from './lz4-frames.ts';
import { lz4, packSnappyBlock, unpackSnappyBlock, UnsupportedCompressionError } from './native-codecs.ts';
import { zstdFrames } from './zstd-frames.ts';

/** The codec numbers of a record batch's attributes. */
export const CompressionCodec = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** More is not decompressed in one piece: the process would run out of memory where only a batch should fail. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;
/** Output is collected in pieces of this size; Node's 16 KiB make many small ones. */
const CHUNK_BYTES = 64 * 1024;

/** A batch that unpacks to more than the caller has room for; `unpackInParts` reads it all the same. */
export class UnpackedTooLargeError extends Error {
  override readonly name = 'UnpackedTooLargeError';
  readonly limitBytes: number;

  constructor(limitBytes: number) {
    super(`it unpacks to more than ${String(limitBytes)} bytes`);
    this.limitBytes = limitBytes;
  }
}

export { UnsupportedCompressionError };

function unknownCodec(codec: number): UnsupportedCompressionError {
  return new UnsupportedCompressionError(
    `Compression codec ${codec} is unknown; this client reads gzip (1), snappy (2), lz4 (3) and zstd (4)`,
  );
}

/**
 * Unpacks the records of one batch: what Kafka's Java client reads, and every frame or member there is.
 *
 * @throws UnsupportedCompressionError on an unknown codec; UnpackedTooLargeError, having unpacked no more than
 * `limitBytes`;
 *   whatever the codec throws on damaged bytes.
 */
export const decompress = (codec: number, packed: Buffer, limitBytes: number = MAX_UNPACKED_BYTES): Buffer => {
  switch (codec) {
    case CompressionCodec.none:
      return packed;
    case CompressionCodec.gzip:
      return unpackGzip(packed, limitBytes);
    case CompressionCodec.snappy:
      return inOnePiece(snappyBlocks(packed), limitBytes);
    case CompressionCodec.lz4:
      return inOnePiece(lz4Pieces(packed, limitBytes), limitBytes);
    case CompressionCodec.zstd:
      return inOnePiece(zstdPieces(packed, limitBytes), limitBytes);
    default:
      throw unknownCodec(codec);
  }
};

/**
 * Unpacks piece by piece: memory for one piece, whatever the batch unpacks to. Slower than `decompress`.
 * @throws as `decompress`, but never that it is too large.
 */
export async function* unpackInParts(codec: number, packed: Buffer): AsyncGenerator<Buffer> {
  switch (codec) {
    case CompressionCodec.none:
      yield packed;
      return;
    case CompressionCodec.gzip:
      yield* Readable.from([packed]).pipe(createGunzip({ chunkSize: CHUNK_BYTES })) as AsyncIterable<Buffer>;
      return;
    case CompressionCodec.snappy:
      yield* snappyBlocks(packed);
      return;
    case CompressionCodec.lz4:
      for (const frame of lz4Frames(packed)) yield* unpackLz4Blocks(frame);
      return;
    case CompressionCodec.zstd:
      for (const frame of zstdFrames(packed))
        yield* Readable.from([frame]).pipe(createZstdDecompress({ chunkSize: CHUNK_BYTES })) as AsyncIterable<Buffer>;
      return;
    default:
      throw unknownCodec(codec);
  }
}

/** Joins the pieces. @throws UnpackedTooLargeError */
const inOnePiece = (pieces: Iterable<Buffer>, limitBytes: number): Buffer => {
  const taken: Buffer[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    bytes += piece.length;
    if (bytes > limitBytes) throw new UnpackedTooLargeError(limitBytes);
    taken.push(piece);
  }
  const [first] = taken;
  return taken.length === 1 && first !== undefined ? first : Buffer.concat(taken, bytes);
};

/** Calls with the room that is left. @throws UnpackedTooLargeError in place of Node's own. */
const within = (limitBytes: number, roomBytes: number, unpack: (maxOutputLength: number) => Buffer): Buffer => {
  try {
    return unpack(Math.max(1, roomBytes));
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE')
      throw new UnpackedTooLargeError(limitBytes);
    throw error;
  }
};

function* zstdPieces(packed: Buffer, limitBytes: number): Generator<Buffer> {
  let room = limitBytes;
  for (const frame of zstdFrames(packed)) {
    const piece = within(limitBytes, room, (maxOutputLength) =>
      zstdDecompressSync(frame, { maxOutputLength, chunkSize: CHUNK_BYTES }),
    );
    room -= piece.length;
    yield piece;
  }
}

function* lz4Pieces(packed: Buffer, limitBytes: number): Generator<Buffer> {
  let room = limitBytes;
  for (const frame of lz4Frames(packed)) {
    // The library knows no limit: what might pass it is unpacked block by block.
    for (const piece of mostBytesOf(frame) <= room ? [unpackLz4Frame(frame)] : unpackLz4Blocks(frame)) {
      room -= piece.length;
      yield piece;
    }
  }
}

const unpackGzip = (packed: Buffer, limitBytes: number): Buffer => {
  try {
    return within(limitBytes, limitBytes, (maxOutputLength) =>
      gunzipSync(packed, { maxOutputLength, chunkSize: CHUNK_BYTES }),
    );
  } catch (error) {
    const members = error instanceof UnpackedTooLargeError ? packed.length : gzipMembersEnd(packed, limitBytes);
    if (members === 0 || members === packed.length || startsWith(packed.subarray(members), GZIP_PLAIN)) throw error;
    // Java ends at bytes behind a member that begin no other; Node refuses the whole.
    return within(limitBytes, limitBytes, (maxOutputLength) =>
      gunzipSync(packed.subarray(0, members), { maxOutputLength, chunkSize: CHUNK_BYTES }),
    );
  }
};

const GZIP_HEAD_BYTES = 10;
const GZIP_TAIL_BYTES = 8;
const GZIP_PLAIN = Buffer.from([0x1f, 0x8b, 8, 0]);

/** Where the last whole member ends that has no name, comment or extra field, as batches' have none; 0 for none. */
const gzipMembersEnd = (packed: Buffer, limitBytes: number): number => {
  let at = 0;
  try {
    while (startsWith(packed.subarray(at), GZIP_PLAIN)) {
      const { engine } = inflateRawSync(packed.subarray(at + GZIP_HEAD_BYTES), {
        info: true,
        maxOutputLength: limitBytes,
      }) as unknown as { engine: { bytesWritten: number } };
      const end = at + GZIP_HEAD_BYTES + engine.bytesWritten + GZIP_TAIL_BYTES;
      if (end > packed.length) break;
      at = end;
    }
  } catch {
    // What begins as a member and is none ends the members.
  }
  return at;
};

/** Packs the records of one batch in the form that Kafka's Java client reads. */
export const compress = (codec: number, plain: Buffer): Buffer => {
  switch (codec) {
    case CompressionCodec.none:
      return plain;
    case CompressionCodec.gzip:
      return gzipSync(plain);
    case CompressionCodec.snappy:
      return packSnappy(plain);
    case CompressionCodec.lz4:
      return lz4().compressFrameSync(plain);
    case CompressionCodec.zstd:
      return zstdCompressSync(plain);
    default:
      throw unknownCodec(codec);
  }
};

/*
 * The Java client does not write a bare snappy block but xerial's stream: a magic, two int32 versions, then blocks,
 * each behind its int32 length. Other clients write the bare block, so both are read.
 */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

function* snappyBlocks(packed: Buffer): Generator<Buffer> {
  if (!startsWith(packed, XERIAL_MAGIC)) {
    yield checkedSnappyBlock(packed);
    return;
  }
  for (let at = XERIAL_HEADER_BYTES; at < packed.length;) {
    // Streams may be concatenated, header and all, when a batch was flushed in parts.
    if (startsWith(packed.subarray(at), XERIAL_MAGIC)) {
      at += XERIAL_HEADER_BYTES;
      continue;
    }
    const length = packed.readInt32BE(at);
    at += 4;
    if (length <= 0 || at + length > packed.length)
      throw new RangeError(`a snappy block of ${length} bytes leaves its frame`);
    yield checkedSnappyBlock(packed.subarray(at, at + length));
    at += length;
  }
}

const packSnappy = (plain: Buffer): Buffer => {
  const block = packSnappyBlock(plain);
  const header = Buffer.alloc(XERIAL_HEADER_BYTES + 4);
  XERIAL_MAGIC.copy(header);
  header.writeInt32BE(1, 8);
  header.writeInt32BE(1, 12);
  header.writeInt32BE(block.length, XERIAL_HEADER_BYTES);
  return Buffer.concat([header, block]);
};

/** Three bytes of a block stand for 64 at most. */
const SNAPPY_MOST_RATIO = 64 / 3;

/** The block says its own unpacked size up front and the library allocates it unseen, so it is checked first. */
const checkedSnappyBlock = (block: Buffer): Buffer => {
  let size = 0;
  let scale = 1;
  for (let i = 0; i < 5; i++) {
    const byte = block[i] ?? 0;
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    scale *= 0x80;
  }
  if (size > block.length * SNAPPY_MOST_RATIO)
    throw new RangeError(`a snappy block of ${block.length} bytes claims ${size} bytes`);
  if (size > MAX_UNPACKED_BYTES)
    throw new RangeError(`a snappy block of ${size} bytes, and this client reads ${MAX_UNPACKED_BYTES}`);
  return unpackSnappyBlock(block);
};

const startsWith = (bytes: Buffer, prefix: Buffer): boolean =>
  bytes.length >= prefix.length && prefix.compare(bytes, 0, prefix.length) === 0;

/**
 * Teaches kafkajs' own consumers and producers snappy, lz4 and zstd; without it a consumer that meets one of them stops
 * for good. Once per process is enough, more often does no harm.
 */
export const registerKafkajsCodecs = (): void => {
  const codecs = kafkajs.CompressionCodecs as unknown as Record<number, () => KafkajsCodec>;
  for (const codec of [CompressionCodec.snappy, CompressionCodec.lz4, CompressionCodec.zstd]) {
    codecs[codec] = () => ({
      compress: async (encoder) => compress(codec, encoder.buffer),
      decompress: async (packed) => decompress(codec, packed),
    });
  }
};

/** What kafkajs calls; its own type declarations leave it out. */
interface KafkajsCodec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(packed: Buffer): Promise<Buffer>;
}
