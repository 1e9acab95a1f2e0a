import { readFrames } from './frames.ts';
import { lz4 } from './native-codecs.ts';

/*
 * LZ4 frame format 1.6 (frames.ts has the outer layout). A frame is a magic, flags, the code of its largest block,
 * perhaps its size and a dictionary id, a checksum byte; then blocks, each behind its uint32 length (top bit: not
 * compressed), then a length of 0 and perhaps a checksum. All little-endian.
 */
const FRAME_MAGIC = 0x184d2204;
const LINKED_UNLESS = 0x20;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const DICTIONARY = 0x01;
const STORED = 0x80000000;
/** By the code in the header, 4 to 7. */
const BLOCK_BYTES = [65_536, 262_144, 1_048_576, 4_194_304] as const;
/** A linked block refers back to at most so many bytes before it. */
const HISTORY_BYTES = 65_536;

interface Block {
  readonly bytes: Buffer;
  readonly isStored: boolean;
}

interface Frame {
  readonly bytes: Buffer;
  readonly blocks: readonly Block[];
  readonly blockBytes: number;
  readonly isLinked: boolean;
}

/**
 * The frames of a compressed batch, without the skippable ones. @throws RangeError for bytes that are no LZ4 frames.
 */
export function lz4Frames(packed: Buffer): Frame[] {
  return readFrames(packed, 'lz4 frame', FRAME_MAGIC, (start) => {
    const flags = packed.readUInt8(start + 4);
    if (flags >> 6 !== 1) throw new RangeError(`an lz4 frame of version ${String(flags >> 6)}`);
    if ((flags & DICTIONARY) !== 0) throw new RangeError('an lz4 frame that needs a dictionary');
    const blockBytes = BLOCK_BYTES[((packed.readUInt8(start + 5) >> 4) & 7) - 4];
    if (blockBytes === undefined) throw new RangeError('an lz4 frame of unknown block size');
    const blocks: Block[] = [];
    let at = start + 7 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8);
    for (;;) {
      const word = packed.readUInt32LE(at);
      at += 4;
      if (word === 0) break;
      const length = (word & ~STORED) >>> 0;
      if (length > blockBytes || at + length > packed.length)
        throw new RangeError(`an lz4 block of ${String(length)} bytes leaves its frame`);
      blocks.push({ bytes: packed.subarray(at, at + length), isStored: (word & STORED) !== 0 });
      at += length + ((flags & BLOCK_CHECKSUM) === 0 ? 0 : 4);
    }
    const end = at + ((flags & CONTENT_CHECKSUM) === 0 ? 0 : 4);
    const bytes = packed.subarray(start, end);
    return { frame: { bytes, blocks, blockBytes, isLinked: (flags & LINKED_UNLESS) === 0 }, end };
  });
}

/** An upper bound of what the frame decompresses to. */
export function mostBytesOf({ blocks, blockBytes }: Frame): number {
  return blocks.reduce((sum, { bytes, isStored }) => sum + (isStored ? bytes.length : blockBytes), 0);
}

export function unpackLz4Frame({ bytes }: Frame): Buffer {
  return lz4().decompressFrameSync(bytes);
}

/** Block by block, so that no more than the largest block is in memory at once. */
export function* unpackLz4Blocks({ blocks, blockBytes, isLinked }: Frame): Generator<Buffer> {
  let history = Buffer.alloc(0);
  for (const { bytes, isStored } of blocks) {
    let plain = bytes;
    if (!isStored) {
      // The library wants the size of its output before the block.
      const sized = Buffer.allocUnsafe(4 + bytes.length);
      sized.writeUInt32LE(blockBytes);
      bytes.copy(sized, 4);
      plain = history.length === 0 ? lz4().uncompressSync(sized) : lz4().uncompressSync(sized, history);
    }
    yield plain;
    if (isLinked) history = Buffer.concat([history, plain]).subarray(-HISTORY_BYTES);
  }
}
