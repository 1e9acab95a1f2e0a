import { crc32c } from '@node-rs/crc32';
import { headersByName, type ConsumerRecord, type HeaderList, type RecordHeaders } from '../topology/record.ts';
import { decompress } from './compression.ts';

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
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const RECORD_COUNT_AT = 57;
const RECORDS_AT = 61;
const LENGTH_OVERHEAD = 12;

const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** The type in the key of a control record: int16 version, int16 type. */
const ABORT_MARKER = 0;

const TWO_TO_32 = 2 ** 32;
const NO_HEADERS: HeaderList = Object.freeze([]);

/**
 * Bytes of a record batch that cannot be what a producer sent: a wrong checksum, a length that leaves its frame, or
 * a compressed block that does not unpack. Reading on would skip or invent records, so the reader must stop.
 */
export class CorruptRecordError extends Error {
  override readonly name = 'CorruptRecordError';
  readonly code = 'CORRUPT_RECORD';
  readonly topic: string;
  readonly partition: number;
  /** Base offset of the damaged batch. */
  readonly offset: number;

  constructor(where: BatchPlace, what: string, options?: ErrorOptions) {
    super(`${where.topic}-${where.partition}, batch at offset ${where.offset}: ${what}`, options);
    this.topic = where.topic;
    this.partition = where.partition;
    this.offset = where.offset;
  }
}

/** A record set in the formats of Kafka before 0.11, which no broker from 4.0 on serves. */
export class UnsupportedRecordFormatError extends Error {
  override readonly name = 'UnsupportedRecordFormatError';
  readonly code = 'UNSUPPORTED_RECORD_FORMAT';

  constructor(where: BatchPlace, magic: number) {
    super(
      `${where.topic}-${where.partition}, offset ${where.offset}: record format ${magic} is older than Kafka 0.11 ` +
        'and cannot be read; copy the topic with a Kafka 3.x broker, which rewrites it in format 2',
    );
  }
}

interface BatchPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What all records of one batch share. */
interface BatchSource {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  readonly baseTimestampMs: number;
}

/**
 * A record that still lies in the bytes it arrived in. `key`, `value` and `headers` are cut out when asked for, without
 * a copy: they are views on the whole fetched response and keep it in memory, so what outlives the batch (a store's
 * buffer, a cache) must copy them. A key or value of null is Kafka's null; an empty one is an empty buffer.
 */
export class FetchedRecord implements ConsumerRecord {
  readonly offset: number;
  private readonly source: BatchSource;
  private readonly timestampDeltaMs: number;
  private readonly keyAt: number;
  private readonly keyLength: number;
  private readonly valueAt: number;
  private readonly valueLength: number;

  constructor(
    source: BatchSource,
    offset: number,
    timestampDeltaMs: number,
    keyAt: number,
    keyLength: number,
    valueAt: number,
    valueLength: number,
  ) {
    this.offset = offset;
    this.source = source;
    this.timestampDeltaMs = timestampDeltaMs;
    this.keyAt = keyAt;
    this.keyLength = keyLength;
    this.valueAt = valueAt;
    this.valueLength = valueLength;
  }

  get topic(): string {
    return this.source.topic;
  }

  get partition(): number {
    return this.source.partition;
  }

  get timestampMs(): number {
    return this.source.baseTimestampMs + this.timestampDeltaMs;
  }

  get key(): Buffer | null {
    return this.keyLength < 0 ? null : this.source.bytes.subarray(this.keyAt, this.keyAt + this.keyLength);
  }

  get value(): Buffer | null {
    return this.valueLength < 0 ? null : this.source.bytes.subarray(this.valueAt, this.valueAt + this.valueLength);
  }

  /** Names on an object without prototype. */
  get headers(): RecordHeaders {
    return headersByName(this.headerList);
  }

  get headerList(): HeaderList {
    const cursor = new Cursor(this.source.bytes, this.valueAt + Math.max(this.valueLength, 0));
    const count = cursor.varint();
    if (count === 0) return NO_HEADERS;
    const headers: (readonly [string, Buffer | null])[] = [];
    for (let i = 0; i < count; i++) {
      const nameLength = cursor.varint();
      const name = this.source.bytes.toString('utf8', cursor.at, cursor.at + nameLength);
      cursor.at += nameLength;
      const valueLength = cursor.varint();
      headers.push([name, valueLength < 0 ? null : this.source.bytes.subarray(cursor.at, cursor.at + valueLength)]);
      cursor.at += Math.max(valueLength, 0);
    }
    return headers;
  }

  /** Size of key and value in bytes. */
  get sizeBytes(): number {
    return Math.max(this.keyLength, 0) + Math.max(this.valueLength, 0);
  }

  /** The value as UTF-8 text without a buffer in between; null for a null value. */
  valueText(): string | null {
    return this.valueLength < 0
      ? null
      : this.source.bytes.toString('utf8', this.valueAt, this.valueAt + this.valueLength);
  }

  /** The key as UTF-8 text without a buffer in between; null for a null key. */
  keyText(): string | null {
    return this.keyLength < 0 ? null : this.source.bytes.toString('utf8', this.keyAt, this.keyAt + this.keyLength);
  }
}

/** Reads zigzag varints off a buffer. A read past the end gives 0 bits: the caller checks `at` against its frame. */
class Cursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** A 32-bit zigzag varint. */
  varint(): number {
    const first = this.bytes[this.at++] ?? 0;
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let raw = first & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.bytes[this.at++] ?? 0;
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** A 64-bit zigzag varint as a JS number, exact to 2^53. */
  varlong(): number {
    const first = this.bytes[this.at++] ?? 0;
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let raw = first & 0x7f;
    let scale = 0x80;
    for (let i = 1; i < 10; i++) {
      const byte = this.bytes[this.at++] ?? 0;
      raw += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 0x80;
    }
    // The sign is the lowest bit of the first byte: past 2^53 the sum itself has lost it.
    return (first & 1) === 0 ? raw / 2 : -(raw + 1) / 2;
  }
}

const int64 = (bytes: Buffer, at: number): number => bytes.readInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4);

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

export interface DecodeOptions {
  readonly topic: string;
  readonly partition: number;
  /** The offset that was asked for: the broker answers with whole batches, so earlier records are dropped here. */
  readonly fromOffset: number;
  /** The aborted transactions of the fetch response, in any order. */
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** Whether records of aborted transactions are left out. Control records are left out always. */
  readonly readCommitted: boolean;
  /** Default true. */
  readonly verifyCrc?: boolean;
}

export interface DecodedRecordSet {
  readonly records: FetchedRecord[];
  /**
   * Where to fetch on: past the last complete batch, so also past control records, aborted records and offsets that
   * compaction removed. `fromOffset` when there was no complete batch.
   */
  readonly nextOffset: number;
  /** Complete batches seen, including control batches and those left out. */
  readonly batches: number;
  /** True if bytes of a batch cut off by the fetch size were left at the end. */
  readonly partialTail: boolean;
}

/**
 * Decodes the record set of one partition of a Fetch response.
 *
 * @throws CorruptRecordError on a wrong checksum or broken framing; UnsupportedRecordFormatError on message sets of
 *   magic 0 or 1; UnsupportedCompressionError on a codec that is not known.
 */
export const decodeRecordSet = (bytes: Buffer, options: DecodeOptions): DecodedRecordSet => {
  const { topic, partition, fromOffset, readCommitted, verifyCrc = true } = options;
  const aborted = readCommitted ? new AbortedRanges(options.abortedTransactions) : null;
  const records: FetchedRecord[] = [];
  let nextOffset = fromOffset;
  let batches = 0;
  let at = 0;

  while (bytes.length - at >= LENGTH_OVERHEAD + 5) {
    const baseOffset = int64(bytes, at);
    const where = { topic, partition, offset: baseOffset };
    const magic = bytes.readInt8(at + MAGIC_AT);
    if (magic !== 2) throw new UnsupportedRecordFormatError(where, magic);
    const length = bytes.readInt32BE(at + LENGTH_AT);
    if (length < RECORDS_AT - LENGTH_OVERHEAD) throw new CorruptRecordError(where, `a length of ${length} bytes`);
    const end = at + LENGTH_OVERHEAD + length;
    if (end > bytes.length) break;

    const lastOffset = baseOffset + bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT);
    if (lastOffset >= fromOffset) {
      if (verifyCrc && crc32c(bytes.subarray(at + ATTRIBUTES_AT, end)) !== bytes.readUInt32BE(at + CRC_AT)) {
        throw new CorruptRecordError(where, 'the CRC-32C does not match');
      }
      const attributes = bytes.readInt16BE(at + ATTRIBUTES_AT);
      if ((attributes & CONTROL) !== 0) {
        aborted?.endAt(bytes, at, end, lastOffset);
      } else if ((attributes & TRANSACTIONAL) === 0 || aborted === null || !aborted.covers(bytes, at, lastOffset)) {
        decodeBatch(bytes, at, end, attributes, where, fromOffset, records);
      }
      nextOffset = lastOffset + 1;
    }
    batches++;
    at = end;
  }
  return { records, nextOffset, batches, partialTail: at < bytes.length };
};

const decodeBatch = (
  bytes: Buffer,
  batchAt: number,
  batchEnd: number,
  attributes: number,
  where: BatchPlace,
  fromOffset: number,
  records: FetchedRecord[],
): void => {
  const count = bytes.readInt32BE(batchAt + RECORD_COUNT_AT);
  const codec = attributes & COMPRESSION_MASK;
  let body = bytes;
  let at = batchAt + RECORDS_AT;
  let end = batchEnd;
  if (codec !== 0) {
    body = unpack(codec, bytes.subarray(at, end), where);
    at = 0;
    end = body.length;
  }
  // With LogAppendTime the broker's clock, kept as the batch's max timestamp, stands for every record of it.
  const isLogAppendTime = (attributes & LOG_APPEND_TIME) !== 0;
  const source: BatchSource = {
    topic: where.topic,
    partition: where.partition,
    bytes: body,
    baseTimestampMs: int64(bytes, batchAt + (isLogAppendTime ? MAX_TIMESTAMP_AT : BASE_TIMESTAMP_AT)),
  };

  const cursor = new Cursor(body, at);
  for (let i = 0; i < count; i++) {
    const length = cursor.varint();
    const recordEnd = cursor.at + length;
    if (length < 0 || recordEnd > end) throw new CorruptRecordError(where, `record ${i} of ${count} leaves its batch`);
    cursor.at++; // record attributes: unused in format 2
    const timestampDeltaMs = cursor.varlong();
    const offset = where.offset + cursor.varint();
    const keyLength = cursor.varint();
    const keyAt = cursor.at;
    if (keyLength > 0) cursor.at += keyLength;
    const valueLength = cursor.varint();
    const valueAt = cursor.at;
    if (valueAt + (valueLength > 0 ? valueLength : 0) >= recordEnd || keyLength < -1 || valueLength < -1) {
      throw new CorruptRecordError(where, `key or value of record ${i} of ${count} leaves the record`);
    }
    cursor.at = recordEnd;
    if (offset < fromOffset) continue;
    records.push(
      new FetchedRecord(source, offset, isLogAppendTime ? 0 : timestampDeltaMs, keyAt, keyLength, valueAt, valueLength),
    );
  }
  if (cursor.at !== end) throw new CorruptRecordError(where, `${end - cursor.at} bytes after the last record`);
};

const unpack = (codec: number, packed: Buffer, where: BatchPlace): Buffer => {
  try {
    return decompress(codec, packed);
  } catch (error) {
    if (error instanceof Error && error.name === 'UnsupportedCompressionError') throw error;
    throw new CorruptRecordError(where, 'the compressed records do not unpack', { cause: error });
  }
};

/**
 * Which producers are inside an aborted transaction while the batches of a response are walked in offset order. A
 * producer enters at the first offset the broker names and leaves at its own ABORT marker; the broker lists transactions
 * in the order they were aborted, so they are sorted first, and several may begin within one batch's offsets.
 */
class AbortedRanges {
  readonly #waiting: AbortedTransaction[];
  readonly #inside = new Set<bigint>();
  #next = 0;

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#waiting = transactions.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  covers(bytes: Buffer, batchAt: number, lastOffset: number): boolean {
    this.#enterUpTo(lastOffset);
    return this.#inside.size > 0 && this.#inside.has(bytes.readBigInt64BE(batchAt + PRODUCER_ID_AT));
  }

  endAt(bytes: Buffer, batchAt: number, batchEnd: number, lastOffset: number): void {
    this.#enterUpTo(lastOffset);
    if (this.#inside.size === 0) return;
    const cursor = new Cursor(bytes, batchAt + RECORDS_AT);
    cursor.varint();
    cursor.at++;
    cursor.varlong();
    cursor.varint();
    const keyLength = cursor.varint();
    if (keyLength < 4 || cursor.at + keyLength > batchEnd) return;
    if (bytes.readInt16BE(cursor.at + 2) !== ABORT_MARKER) return;
    this.#inside.delete(bytes.readBigInt64BE(batchAt + PRODUCER_ID_AT));
  }

  #enterUpTo(offset: number): void {
    for (let next = this.#waiting[this.#next]; next !== undefined; next = this.#waiting[this.#next]) {
      if (next.firstOffset > offset) return;
      this.#inside.add(next.producerId);
      this.#next++;
    }
  }
}
