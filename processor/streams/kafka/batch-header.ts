/*
 * Record batch, magic 2 (Kafka 0.11 and newer), all integers big-endian:
 *
 *    0 base offset   int64     27 base timestamp int64
 *    8 length        int32     35 max timestamp  int64
 *   12 leader epoch  int32     43 producer id    int64
 *   16 magic         int8      51 producer epoch int16
 *   17 CRC-32C       uint32    53 base sequence  int32
 *   21 attributes    int16     57 record count   int32
 *   23 last offset delta int32 61 records (compressed as a whole when the attributes say so)
 *
 * The length counts what follows it; the CRC covers everything from the attributes on.
 */
export const LENGTH_AT = 8;
export const LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const BASE_SEQUENCE_AT = 53;
export const RECORD_COUNT_AT = 57;
export const RECORDS_AT = 61;
export const LENGTH_OVERHEAD = 12;

const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
export const TRANSACTIONAL = 0x10;
export const CONTROL = 0x20;

const TWO_TO_32 = 2 ** 32;

/** A 64-bit integer as a JS number, exact to 2^53. */
export function int64At(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4);
}

/** What the header of a batch says of all its records. */
interface RecordsHeader {
  readonly count: number;
  readonly codec: number;
  readonly isLogAppendTime: boolean;
  readonly baseTimestampMs: number;
}

/** Reads it from a batch that begins at `batchAt`. */
export function recordsHeaderAt(bytes: Buffer, batchAt: number): RecordsHeader {
  const attributes = bytes.readInt16BE(batchAt + ATTRIBUTES_AT);
  // With LogAppendTime every record has the broker's time, which the batch holds as its max timestamp.
  const isLogAppendTime = (attributes & LOG_APPEND_TIME) !== 0;
  return {
    count: bytes.readInt32BE(batchAt + RECORD_COUNT_AT),
    codec: attributes & COMPRESSION_MASK,
    isLogAppendTime,
    baseTimestampMs: int64At(bytes, batchAt + (isLogAppendTime ? MAX_TIMESTAMP_AT : BASE_TIMESTAMP_AT)),
  };
}
