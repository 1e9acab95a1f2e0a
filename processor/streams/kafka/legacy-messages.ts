import { crc32 } from 'node:zlib';
import { CompressionCodec, decompress } from './compression.ts';
import { lz4Frames, unpackLz4Blocks } from './lz4-frames.ts';

/*
 * A message of format 0 or 1 (Kafka before 0.11), as topics of that time still hold them, all integers big-endian:
 *
 *    0 offset  int64   12 CRC-32      uint32   18 (format 1 only) timestamp int64
 *    8 length  int32   16 format      int8        key and value, each behind its int32 length, -1 for null
 *                      17 attributes  int8
 *
 * A packed message's value is a set of messages. Its own offset is that of the last of them; theirs count from 0 in
 * format 1, and are their own in format 0.
 */
const LENGTH_OVERHEAD = 12;
const CRC_AT = 12;
const FORMAT_AT = 16;
const ATTRIBUTES_AT = 17;
const BODY_AT = 18;
const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
/** Kafka's value for a record without a timestamp. */
const NO_TIMESTAMP = -1;

export interface LegacyMessage {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly timestampMs: number;
  readonly codec: number;
  readonly keyAt: number;
  readonly keyLength: number;
  readonly valueAt: number;
  readonly valueLength: number;
}

/**
 * The message at a place, or those that are packed in it.
 * @throws RangeError when it is damaged; what `decompress` throws.
 */
export function legacyMessages(bytes: Buffer, at: number): LegacyMessage[] {
  const message = messageAt(bytes, at);
  const { codec, format, isLogAppendTime } = message;
  if (codec === CompressionCodec.none) return [message];
  if (message.valueLength < 0) throw new RangeError('a packed message without a value');
  const packed = bytes.subarray(message.valueAt, message.valueAt + message.valueLength);
  // Kafka 0.8 and 0.9 wrote another checksum into the head of an lz4 frame than the format has.
  const plain =
    codec === CompressionCodec.lz4 && format === 0
      ? Buffer.concat(lz4Frames(packed).flatMap((frame) => [...unpackLz4Blocks(frame)]))
      : decompress(codec, packed);
  const inner: LegacyMessage[] = [];
  for (let place = 0; place < plain.length; place += LENGTH_OVERHEAD + plain.readInt32BE(place + 8)) {
    const one = messageAt(plain, place);
    if (one.codec !== CompressionCodec.none) throw new RangeError('a packed message in a packed message');
    inner.push({ ...one, codec, timestampMs: isLogAppendTime ? message.timestampMs : one.timestampMs });
  }
  const last = inner.at(-1);
  if (last === undefined) throw new RangeError('a packed message that holds none');
  const base = format === 0 ? 0 : message.offset - last.offset;
  return inner.map((one) => ({ ...one, offset: base + one.offset }));
}

function messageAt(
  bytes: Buffer,
  at: number,
): LegacyMessage & { readonly format: number; readonly isLogAppendTime: boolean } {
  const end = at + LENGTH_OVERHEAD + bytes.readInt32BE(at + 8);
  if (end > bytes.length || end < at + BODY_AT) throw new RangeError('a message that leaves its set');
  const format = bytes.readInt8(at + FORMAT_AT);
  if (format !== 0 && format !== 1)
    throw new RangeError(`a message of format ${String(format)} in a set of older ones`);
  if (crc32(bytes.subarray(at + FORMAT_AT, end)) !== bytes.readUInt32BE(at + CRC_AT))
    throw new RangeError('the CRC-32 does not match');
  const attributes = bytes.readInt8(at + ATTRIBUTES_AT);
  const keyLengthAt = at + BODY_AT + (format === 1 ? 8 : 0);
  const keyLength = bytes.readInt32BE(keyLengthAt);
  const keyAt = keyLengthAt + 4;
  const valueLengthAt = keyAt + Math.max(0, keyLength);
  if (valueLengthAt + 4 > end) throw new RangeError('a key that leaves its message');
  const valueLength = bytes.readInt32BE(valueLengthAt);
  const valueAt = valueLengthAt + 4;
  if (valueAt + Math.max(0, valueLength) !== end) throw new RangeError('a value that does not end with its message');
  return {
    bytes,
    offset: Number(bytes.readBigInt64BE(at)),
    timestampMs: format === 1 ? Number(bytes.readBigInt64BE(at + BODY_AT)) : NO_TIMESTAMP,
    codec: attributes & CODEC_MASK,
    keyAt,
    keyLength,
    valueAt,
    valueLength,
    format,
    isLogAppendTime: format === 1 && (attributes & LOG_APPEND_TIME) !== 0,
  };
}
