import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import kafkajs from 'kafkajs';
import lz4 from 'lz4-napi';
import snappy from 'snappy';

/** The codec numbers of a record batch's attributes. */
export const CompressionCodec = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/**
 * No broker takes a batch anywhere near this size uncompressed; more is a damaged length or a bomb, and unpacking it
 * would take the process down instead of the batch.
 */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;

/** A batch packed with a codec that this build cannot read. */
export class UnsupportedCompressionError extends Error {
  override readonly name = 'UnsupportedCompressionError';
  readonly code = 'UNSUPPORTED_COMPRESSION';

  constructor(codec: number) {
    super(`Compression codec ${codec} is unknown; this client reads gzip (1), snappy (2), lz4 (3) and zstd (4)`);
  }
}

/**
 * Unpacks the records of one batch.
 *
 * @throws UnsupportedCompressionError on an unknown codec; whatever the codec throws on damaged bytes.
 */
export const decompress = (codec: number, packed: Buffer): Buffer => {
  switch (codec) {
    case CompressionCodec.none:
      return packed;
    case CompressionCodec.gzip:
      return gunzipSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
    case CompressionCodec.snappy:
      return unpackSnappy(packed);
    case CompressionCodec.lz4:
      return lz4.decompressFrameSync(packed);
    case CompressionCodec.zstd:
      return zstdDecompressSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
    default:
      throw new UnsupportedCompressionError(codec);
  }
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
      return lz4.compressFrameSync(plain);
    case CompressionCodec.zstd:
      return zstdCompressSync(plain);
    default:
      throw new UnsupportedCompressionError(codec);
  }
};

/*
 * The Java client does not write a bare snappy block but xerial's stream: a magic, two int32 versions, then blocks, each
 * behind its int32 length. Other clients write the bare block, so both are read.
 */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

const unpackSnappy = (packed: Buffer): Buffer => {
  if (!startsWith(packed, XERIAL_MAGIC)) return unpackSnappyBlock(packed, MAX_UNPACKED_BYTES);
  const blocks: Buffer[] = [];
  let room = MAX_UNPACKED_BYTES;
  let at = XERIAL_HEADER_BYTES;
  while (at < packed.length) {
    // Streams may be concatenated, header and all, when a batch was flushed in parts.
    if (startsWith(packed.subarray(at), XERIAL_MAGIC)) {
      at += XERIAL_HEADER_BYTES;
      continue;
    }
    const length = packed.readInt32BE(at);
    at += 4;
    if (length <= 0 || at + length > packed.length) throw new RangeError(`a snappy block of ${length} bytes leaves its frame`);
    const block = unpackSnappyBlock(packed.subarray(at, at + length), room);
    room -= block.length;
    blocks.push(block);
    at += length;
  }
  const [first] = blocks;
  return blocks.length === 1 && first !== undefined ? first : Buffer.concat(blocks);
};

const packSnappy = (plain: Buffer): Buffer => {
  const block = snappy.compressSync(plain);
  const header = Buffer.alloc(XERIAL_HEADER_BYTES + 4);
  XERIAL_MAGIC.copy(header);
  header.writeInt32BE(1, 8);
  header.writeInt32BE(1, 12);
  header.writeInt32BE(block.length, XERIAL_HEADER_BYTES);
  return Buffer.concat([header, block]);
};

/** The block says its own unpacked size up front and the library allocates it unseen, so it is checked first. */
const unpackSnappyBlock = (block: Buffer, roomBytes: number): Buffer => {
  let size = 0;
  let scale = 1;
  for (let i = 0; i < 5; i++) {
    const byte = block[i] ?? 0;
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    scale *= 0x80;
  }
  if (size > roomBytes) throw new RangeError(`a snappy block claims ${size} bytes`);
  // Memory of the library's own, which is the default, costs the garbage collector several times the copy.
  const plain = snappy.uncompressSync(block, { asBuffer: true, copyOutputData: true });
  return typeof plain === 'string' ? Buffer.from(plain) : plain;
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
