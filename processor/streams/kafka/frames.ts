/*
 * LZ4 and Zstandard have the same outer layout: frames end to end, each behind a uint32 magic, little-endian. Frames
 * with one of sixteen other magics are skippable: an uint32 length, then bytes that mean nothing to a decoder.
 */
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const SKIPPABLE_HEADER_BYTES = 8;

/** A frame, and where the next one begins. */
interface FoundFrame<F> {
  readonly frame: F;
  readonly end: number;
}

/**
 * The frames of a compressed batch, without the skippable ones.
 *
 * @param kind as `lz4 frame`, for errors.
 * @param readFrame reads the frame at a place; its magic is already checked.
 * @throws RangeError for bytes that are no such frames.
 */
export function readFrames<F>(
  packed: Buffer,
  kind: string,
  magic: number,
  readFrame: (at: number) => FoundFrame<F>,
): F[] {
  const frames: F[] = [];
  for (let at = 0; at < packed.length;) {
    const found = packed.readUInt32LE(at);
    if ((found & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      at += SKIPPABLE_HEADER_BYTES + packed.readUInt32LE(at + 4);
      if (at > packed.length) throw new RangeError(`a skippable ${kind} leaves its batch`);
      continue;
    }
    if (found !== magic) throw new RangeError(`no ${kind} begins with ${found.toString(16)}`);
    const { frame, end } = readFrame(at);
    if (end > packed.length) throw new RangeError(`the last ${kind} is cut off`);
    frames.push(frame);
    at = end;
  }
  return frames;
}
