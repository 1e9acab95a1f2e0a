import {
  ATTRIBUTES_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  LENGTH_AT,
  LENGTH_OVERHEAD,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORD_COUNT_AT,
  RECORDS_AT,
  TRANSACTIONAL,
} from './batch-header.ts';
import { copyBytes } from '../copy-bytes.ts';
import { compress, CompressionCodec } from './compression.ts';
import type { HeaderList } from '../topology/record.ts';
import { crc32c } from './native-codecs.ts';

interface RecordToSend {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: HeaderList | undefined;
  /** Its own time, epoch milliseconds from 0 on; without one it has the batch's. */
  readonly timestampMs?: number | undefined;
  /**
   * The same in one piece: it is written from here, and `key`, `value` and `headers` are not asked. It has no other
   * headers than are said there.
   */
  readonly row?: RowBytes | undefined;
}

/** A key and its value, one behind the other. */
export interface RowBytes {
  readonly bytes: Buffer;
  /** Where the key begins. */
  readonly at: number;
  readonly keyBytes: number;
  /** -1: there is no value. */
  readonly valueBytes: number;
  /** The content of this header stands between the key and the value. */
  readonly header?: RowHeader | undefined;
}

/** The header of all such records of a kind. */
export interface RowHeader {
  readonly name: Buffer;
  /** Length of its content. */
  readonly contentBytes: number;
}

export interface BatchToSend {
  readonly records: readonly RecordToSend[];
  /** Of every record that has none of its own, epoch milliseconds. */
  readonly timestampMs: number;
  /** -1 for none. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly isTransactional: boolean;
  /** A number of `CompressionCodec`; the batch is packed if that makes it smaller. */
  readonly codec: number;
}

const NO_LEADER_EPOCH = -1;
const MAGIC = 2;
const NULL = -1;
/** Deltas beyond it do not fit into the numbers that bits are counted with. */
const LARGEST_INT_DELTA = 2 ** 30;

/**
 * One record batch as a broker takes it. Sizes are added up first, then everything is written once into its place:
 * kafkajs makes a dozen small buffers a record and checks bytes one by one, at twenty-five times the cost.
 */
export function encodeBatch({
  records,
  timestampMs,
  producerId,
  producerEpoch,
  firstSequence,
  isTransactional,
  codec,
}: BatchToSend): Buffer {
  const sizes = new Int32Array(records.length);
  // The reader adds deltas to the time of the first record, whichever is the newest.
  const baseMs = records[0]?.timestampMs ?? timestampMs;
  let maxMs = baseMs;
  let bodyBytes = 0;
  for (let delta = 0; delta < records.length; delta += 1) {
    const record = records[delta] as RecordToSend;
    const atMs = record.timestampMs ?? timestampMs;
    if (atMs > maxMs) maxMs = atMs;
    const bytes = recordBytes(record, delta, atMs - baseMs);
    sizes[delta] = bytes;
    bodyBytes += varintBytes(bytes) + bytes;
  }
  const plain = Buffer.allocUnsafe(RECORDS_AT + bodyBytes);
  let at = RECORDS_AT;
  for (let delta = 0; delta < records.length; delta += 1) {
    const record = records[delta] as RecordToSend;
    at = writeRecord(plain, at, record, delta, (record.timestampMs ?? timestampMs) - baseMs, sizes[delta] as number);
  }

  const packed = codec === CompressionCodec.none ? undefined : compress(codec, plain.subarray(RECORDS_AT));
  // Random bytes become more by packing.
  const isPacked = packed !== undefined && packed.length < bodyBytes;
  const batch = isPacked ? Buffer.concat([plain.subarray(0, RECORDS_AT), packed]) : plain;
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(batch.length - LENGTH_OVERHEAD, LENGTH_AT);
  batch.writeInt32BE(NO_LEADER_EPOCH, LEADER_EPOCH_AT);
  batch.writeInt8(MAGIC, MAGIC_AT);
  const attributes = (isPacked ? codec : CompressionCodec.none) | (isTransactional ? TRANSACTIONAL : 0);
  batch.writeInt16BE(attributes, ATTRIBUTES_AT);
  batch.writeInt32BE(records.length - 1, LAST_OFFSET_DELTA_AT);
  batch.writeBigInt64BE(BigInt(baseMs), BASE_TIMESTAMP_AT);
  batch.writeBigInt64BE(BigInt(maxMs), MAX_TIMESTAMP_AT);
  batch.writeBigInt64BE(producerId, PRODUCER_ID_AT);
  batch.writeInt16BE(producerEpoch, PRODUCER_EPOCH_AT);
  batch.writeInt32BE(firstSequence, BASE_SEQUENCE_AT);
  batch.writeInt32BE(records.length, RECORD_COUNT_AT);
  writeChecksum(batch);
  return batch;
}

/** Writes the checksum of what the batch now holds. */
export function writeChecksum(batch: Buffer): void {
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT);
}

/** Attributes, time delta and offset delta, then key, value and headers, each behind its length. */
function recordBytes(record: RecordToSend, delta: number, timeDeltaMs: number): number {
  const { row } = record;
  const ahead = 1 + varlongBytes(timeDeltaMs) + varintBytes(delta);
  if (row !== undefined) {
    const { keyBytes, valueBytes, header } = row;
    const plain = ahead + varintBytes(keyBytes) + keyBytes + varintBytes(valueBytes) + Math.max(0, valueBytes) + 1;
    return header === undefined ? plain : plain + headerBytes(header);
  }
  const { key, value, headers } = record;
  let bytes = ahead + partBytes(key) + partBytes(value);
  if (headers === undefined) return bytes + 1;
  bytes += varintBytes(headers.length);
  for (const [name, content] of headers) {
    const nameBytes = Buffer.byteLength(name);
    bytes += varintBytes(nameBytes) + nameBytes + partBytes(content);
  }
  return bytes;
}

function writeRecord(
  into: Buffer,
  from: number,
  record: RecordToSend,
  delta: number,
  timeDeltaMs: number,
  bytes: number,
): number {
  let at = writeVarint(into, from, bytes);
  into[at] = 0;
  at = writeVarlong(into, at + 1, timeDeltaMs);
  at = writeVarint(into, at, delta);
  if (record.row !== undefined) return writeRow(into, at, record.row);
  const { key, value, headers } = record;
  at = writePart(into, at, key);
  at = writePart(into, at, value);
  at = writeVarint(into, at, headers?.length ?? 0);
  for (const [name, content] of headers ?? []) {
    at = writeVarint(into, at, Buffer.byteLength(name));
    at += into.write(name, at, 'utf8');
    at = writePart(into, at, content);
  }
  return at;
}

function headerBytes({ name, contentBytes }: RowHeader): number {
  return partBytes(name) + varintBytes(contentBytes) + contentBytes;
}

function writeRow(into: Buffer, from: number, row: RowBytes): number {
  const { bytes, at: keyAt, keyBytes, valueBytes, header } = row;
  const aheadBytes = header === undefined ? 0 : header.contentBytes;
  let at = writeVarint(into, from, keyBytes);
  copyBytes(bytes, keyAt, keyBytes, into, at);
  at = writeVarint(into, at + keyBytes, valueBytes);
  if (valueBytes > 0) copyBytes(bytes, keyAt + keyBytes + aheadBytes, valueBytes, into, at);
  at += Math.max(0, valueBytes);
  if (header === undefined) return writeVarint(into, at, 0);
  at = writeVarint(into, at, 1);
  at = writePart(into, at, header.name);
  at = writeVarint(into, at, aheadBytes);
  copyBytes(bytes, keyAt + keyBytes, aheadBytes, into, at);
  return at + aheadBytes;
}

function partBytes(part: Buffer | null): number {
  return part === null ? 1 : varintBytes(part.length) + part.length;
}

function writePart(into: Buffer, at: number, part: Buffer | null): number {
  if (part === null) return writeVarint(into, at, NULL);
  const start = writeVarint(into, at, part.length);
  copyBytes(part, 0, part.length, into, start);
  return start + part.length;
}

/** Of the zigzag form of a number from -1 to 2^30. */
function varintBytes(value: number): number {
  const raw = (value << 1) ^ (value >> 31);
  return raw < 0x80 ? 1 : raw < 0x4000 ? 2 : raw < 0x20_0000 ? 3 : raw < 0x1000_0000 ? 4 : 5;
}

function writeVarint(into: Buffer, from: number, value: number): number {
  let raw = (value << 1) ^ (value >> 31);
  let at = from;
  while (raw >= 0x80) {
    into[at++] = (raw & 0x7f) | 0x80;
    raw >>>= 7;
  }
  into[at++] = raw;
  return at;
}

/** Of the zigzag form of a whole number of up to 2^53 either way. */
function varlongBytes(value: number): number {
  if (Math.abs(value) < LARGEST_INT_DELTA) return varintBytes(value);
  let bytes = 1;
  for (let raw = zigzag(value); raw >= 0x80n; raw >>= 7n) bytes += 1;
  return bytes;
}

function writeVarlong(into: Buffer, from: number, value: number): number {
  if (Math.abs(value) < LARGEST_INT_DELTA) return writeVarint(into, from, value);
  let raw = zigzag(value);
  let at = from;
  for (; raw >= 0x80n; raw >>= 7n) into[at++] = Number(raw & 0x7fn) | 0x80;
  into[at++] = Number(raw);
  return at;
}

function zigzag(value: number): bigint {
  const whole = BigInt(value);
  return whole < 0n ? -2n * whole - 1n : 2n * whole;
}
