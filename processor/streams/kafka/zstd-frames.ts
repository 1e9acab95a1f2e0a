import { readFrames } from './frames.ts';

/*
 * Zstandard, RFC 8878 (frames.ts has the outer layout). A frame is a magic, a descriptor, perhaps a window, a
 * dictionary id and its size; then blocks, each behind a uint24 that says whether it is the last, its kind and its
 * length; perhaps a checksum.
 */
const FRAME_MAGIC = 0xfd2fb528;
const SINGLE_SEGMENT = 0x20;
const CHECKSUM = 0x04;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
/** A block of one byte, repeated. */
const REPEATED = 1;
const RESERVED = 3;

/**
 * The frames of a compressed batch, without the skippable ones: Node's zlib stops after the first frame and does not
 * report that there are more.
 * @throws RangeError for bytes that are no Zstandard frames.
 */
export function zstdFrames(packed: Buffer): Buffer[] {
  return readFrames(packed, 'zstd frame', FRAME_MAGIC, (start) => {
    const descriptor = packed.readUInt8(start + 4);
    const isSingleSegment = (descriptor & SINGLE_SEGMENT) !== 0;
    const sizeFlag = descriptor >> 6;
    const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] as number);
    let at = start + 5 + (isSingleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] as number) + sizeBytes;
    for (let isLast = false; !isLast;) {
      const header = packed.readUIntLE(at, 3);
      isLast = (header & 1) === 1;
      const kind = (header >> 1) & 3;
      if (kind === RESERVED) throw new RangeError('a zstd block of unknown kind');
      at += 3 + (kind === REPEATED ? 1 : header >> 3);
    }
    const end = at + ((descriptor & CHECKSUM) === 0 ? 0 : 4);
    return { frame: packed.subarray(start, end), end };
  });
}
