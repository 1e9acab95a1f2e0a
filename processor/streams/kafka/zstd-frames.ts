/*
 * Zstandard (RFC 8878): frames and skippable frames end to end. A frame is a magic, a descriptor, perhaps a window, a
 * dictionary id and its size; then blocks, each behind a uint24 that says whether it is the last, its kind and its
 * length; perhaps a checksum.
 */
const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const SINGLE_SEGMENT = 0x20;
const CHECKSUM = 0x04;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
/** A block of one byte, repeated. */
const REPEATED = 1;
const RESERVED = 3;

/**
 * The frames of a packed batch, skippable ones left out: Node's zlib stops after the first frame and says nothing of
 * the rest.
 * @throws RangeError on what is no Zstandard frame.
 */
export function zstdFrames(packed: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < packed.length;) {
    const start = at;
    const magic = packed.readUInt32LE(at);
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + packed.readUInt32LE(at + 4);
      if (at > packed.length) throw new RangeError('a skippable zstd frame leaves its batch');
      continue;
    }
    if (magic !== FRAME_MAGIC) throw new RangeError(`no zstd frame begins with ${magic.toString(16)}`);
    const descriptor = packed.readUInt8(at + 4);
    const isSingleSegment = (descriptor & SINGLE_SEGMENT) !== 0;
    const sizeFlag = descriptor >> 6;
    const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] as number);
    at += 5 + (isSingleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] as number) + sizeBytes;
    for (let isLast = false; !isLast;) {
      const head = packed.readUIntLE(at, 3);
      isLast = (head & 1) === 1;
      const kind = (head >> 1) & 3;
      if (kind === RESERVED) throw new RangeError('a zstd block of unknown kind');
      at += 3 + (kind === REPEATED ? 1 : head >> 3);
    }
    at += (descriptor & CHECKSUM) === 0 ? 0 : 4;
    if (at > packed.length) throw new RangeError('a zstd frame is cut off');
    frames.push(packed.subarray(start, at));
  }
  return frames;
}
