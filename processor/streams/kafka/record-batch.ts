import { crc32c } from '@node-rs/crc32';
import {
  headersByName,
  type ConsumerRecord,
  type DeadLetter,
  type HeaderList,
  type RecordHeaders,
  type WholeRecord,
} from '../topology/record.ts';
import { decompress, UnpackedTooLargeError, unpackInParts, UnsupportedCompressionError } from './compression.ts';
import { legacyMessages, type LegacyMessage } from './legacy-messages.ts';
import { cutHeaders, CutPart, KEPT_BYTES, tooLargeToRead } from './cut-record.ts';
import { topicPartition } from './topic-partition.ts';

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
    super(`${topicPartition(where.topic, where.partition)}, batch at offset ${where.offset}: ${what}`, options);
    this.topic = where.topic;
    this.partition = where.partition;
    this.offset = where.offset;
  }
}

/** A record set in a format that this release does not know. */
export class UnsupportedRecordFormatError extends Error {
  override readonly name = 'UnsupportedRecordFormatError';
  readonly code = 'UNSUPPORTED_RECORD_FORMAT';

  constructor(where: BatchPlace, magic: number) {
    super(
      `${topicPartition(where.topic, where.partition)}, offset ${where.offset}: record format ${magic} is unknown; ` +
        `this client reads 0, 1 and 2`,
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
  readonly codec: number;
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

  get codec(): number {
    return this.source.codec;
  }

  get unreadable(): DeadLetter | undefined {
    return undefined;
  }

  get cut(): WholeRecord | undefined {
    return undefined;
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

/** Of a format that has no headers. */
class LegacyRecord extends FetchedRecord {
  override get headerList(): HeaderList {
    return NO_HEADERS;
  }
}

/** A record of more bytes than are read: the beginning of its key and value, and what they were. */
class CutRecord extends FetchedRecord {
  readonly #key: Buffer | null;
  readonly #value: Buffer | null;
  readonly #headers: HeaderList;
  readonly #cut: WholeRecord;
  readonly #unreadable: DeadLetter;

  constructor(
    source: BatchSource,
    offset: number,
    timestampDeltaMs: number,
    parts: { key: CutPart; value: CutPart; headers: { kept: HeaderList; leftOut: number } },
    unreadable: DeadLetter,
  ) {
    super(source, offset, timestampDeltaMs, 0, -1, 0, -1);
    this.#key = parts.key.kept;
    this.#value = parts.value.kept;
    this.#headers = parts.headers.kept;
    this.#cut = { key: parts.key.whole(), value: parts.value.whole(), headersLeftOut: parts.headers.leftOut };
    this.#unreadable = unreadable;
  }

  override get unreadable(): DeadLetter {
    return this.#unreadable;
  }

  override get cut(): WholeRecord {
    return this.#cut;
  }

  override get key(): Buffer | null {
    return this.#key;
  }

  override get value(): Buffer | null {
    return this.#value;
  }

  override get headerList(): HeaderList {
    return this.#headers;
  }

  override get sizeBytes(): number {
    return (this.#key?.length ?? 0) + (this.#value?.length ?? 0);
  }

  override valueText(): string | null {
    return this.#value?.toString('utf8') ?? null;
  }

  override keyText(): string | null {
    return this.#key?.toString('utf8') ?? null;
  }
}

/** Reads zigzag varints off a buffer. A read past the end gives 0 bits: the caller checks `at` against its frame. */
class Cursor {
  bytes: Buffer;
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
  /** What packed batches may take in memory, all together; by default no more than a codec unpacks at once. */
  readonly roomBytes?: number;
  /** A larger record is cut: `ConsumerRecord.cut`. Default: none is. */
  readonly maxRecordBytes?: number;
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
  /** What unpacked batches take of the room. */
  readonly takenBytes: number;
  /**
   * A batch that has no room: neither it nor what follows is read, and `nextOffset` is before it. `streamBatch` reads
   * it.
   */
  readonly tooLarge?: Buffer;
}

/** What a record costs beside its bytes. */
const RECORD_COST_BYTES = 100;

/**
 * Decodes the record set of one partition of a Fetch response.
 *
 * @throws CorruptRecordError on a wrong checksum or broken framing; UnsupportedRecordFormatError on an unknown format;
 * UnsupportedCompressionError on a codec that is not known.
 */
export const decodeRecordSet = (bytes: Buffer, options: DecodeOptions): DecodedRecordSet => {
  const {
    topic,
    partition,
    fromOffset,
    readCommitted,
    verifyCrc = true,
    roomBytes,
    maxRecordBytes = Infinity,
  } = options;
  const aborted = readCommitted ? new AbortedRanges(options.abortedTransactions) : null;
  const records: FetchedRecord[] = [];
  let nextOffset = fromOffset;
  let batches = 0;
  let takenBytes = 0;
  let at = 0;

  while (bytes.length - at >= LENGTH_OVERHEAD + 5) {
    const baseOffset = int64(bytes, at);
    const where = { topic, partition, offset: baseOffset };
    const magic = bytes.readInt8(at + MAGIC_AT);
    const length = bytes.readInt32BE(at + LENGTH_AT);
    if (magic === 0 || magic === 1) {
      const end = at + LENGTH_OVERHEAD + length;
      if (end > bytes.length) break;
      // Of a packed one the offset is that of its last record.
      if (baseOffset >= fromOffset) {
        readLegacy(bytes, at, where, fromOffset, maxRecordBytes, records);
        nextOffset = baseOffset + 1;
      }
      batches++;
      at = end;
      continue;
    }
    if (magic !== 2) throw new UnsupportedRecordFormatError(where, magic);
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
        const unpacked = unpackBatch(
          bytes,
          at,
          end,
          where,
          roomBytes === undefined ? undefined : roomBytes - takenBytes,
        );
        if (unpacked === undefined)
          return { records, nextOffset, batches, partialTail: false, takenBytes, tooLarge: bytes.subarray(at, end) };
        decodeBatch(unpacked, where, fromOffset, maxRecordBytes, records);
        takenBytes += unpacked.takenBytes;
      }
      nextOffset = lastOffset + 1;
    }
    batches++;
    at = end;
  }
  return { records, nextOffset, batches, partialTail: at < bytes.length, takenBytes };
};

/** Records of the formats before 2: they have no headers, and were never in a transaction. */
const readLegacy = (
  bytes: Buffer,
  at: number,
  where: BatchPlace,
  fromOffset: number,
  maxRecordBytes: number,
  records: FetchedRecord[],
): void => {
  let messages: LegacyMessage[];
  try {
    messages = legacyMessages(bytes, at);
  } catch (error) {
    throw unpackFailure(error, where);
  }
  for (const { bytes: body, offset, timestampMs, codec, keyAt, keyLength, valueAt, valueLength } of messages) {
    if (offset < fromOffset) continue;
    const source: BatchSource = {
      topic: where.topic,
      partition: where.partition,
      bytes: body,
      baseTimestampMs: timestampMs,
      codec,
    };
    const record = new LegacyRecord(source, offset, 0, keyAt, keyLength, valueAt, valueLength);
    records.push(
      record.sizeBytes > maxRecordBytes ? cutWhole(record, source, 0, record.sizeBytes, maxRecordBytes) : record,
    );
  }
};

interface UnpackedBatch {
  readonly source: BatchSource;
  /** Where its records are in `source.bytes`. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly isLogAppendTime: boolean;
  readonly takenBytes: number;
}

const headOf = (
  bytes: Buffer,
  batchAt: number,
): { count: number; codec: number; isLogAppendTime: boolean; baseTimestampMs: number } => {
  const attributes = bytes.readInt16BE(batchAt + ATTRIBUTES_AT);
  // With LogAppendTime the broker's clock, kept as the batch's max timestamp, stands for every record of it.
  const isLogAppendTime = (attributes & LOG_APPEND_TIME) !== 0;
  return {
    count: bytes.readInt32BE(batchAt + RECORD_COUNT_AT),
    codec: attributes & COMPRESSION_MASK,
    isLogAppendTime,
    baseTimestampMs: int64(bytes, batchAt + (isLogAppendTime ? MAX_TIMESTAMP_AT : BASE_TIMESTAMP_AT)),
  };
};

/** Undefined when there is no room for it. */
const unpackBatch = (
  bytes: Buffer,
  batchAt: number,
  batchEnd: number,
  where: BatchPlace,
  roomBytes: number | undefined,
): UnpackedBatch | undefined => {
  const { count, codec, isLogAppendTime, baseTimestampMs } = headOf(bytes, batchAt);
  const of = { topic: where.topic, partition: where.partition, baseTimestampMs, codec };
  // Compaction leaves heads without records, and nothing to unpack.
  if (codec === 0 || count === 0)
    return {
      source: { ...of, bytes },
      from: batchAt + RECORDS_AT,
      to: batchEnd,
      count,
      isLogAppendTime,
      takenBytes: 0,
    };
  const costBytes = count * RECORD_COST_BYTES;
  if (roomBytes !== undefined && roomBytes <= costBytes) return undefined;
  try {
    const body = decompress(
      codec,
      bytes.subarray(batchAt + RECORDS_AT, batchEnd),
      roomBytes === undefined ? undefined : roomBytes - costBytes,
    );
    return {
      source: { ...of, bytes: body },
      from: 0,
      to: body.length,
      count,
      isLogAppendTime,
      takenBytes: body.length + costBytes,
    };
  } catch (error) {
    if (roomBytes !== undefined && error instanceof UnpackedTooLargeError) return undefined;
    throw unpackFailure(error, where);
  }
};

const unpackFailure = (error: unknown, where: BatchPlace): unknown => {
  if (error instanceof UnsupportedCompressionError || error instanceof CorruptRecordError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new CorruptRecordError(where, `the compressed records do not unpack: ${why}`, { cause: error });
};

const decodeBatch = (
  { source, from, to, count, isLogAppendTime }: UnpackedBatch,
  where: BatchPlace,
  fromOffset: number,
  maxRecordBytes: number,
  records: FetchedRecord[],
): void => {
  const cursor = new Cursor(source.bytes, from);
  for (let i = 0; i < count; i++) {
    const recordAt = cursor.at;
    const length = cursor.varint();
    const recordEnd = cursor.at + length;
    if (length < 0 || recordEnd > to) throw new CorruptRecordError(where, `record ${i} of ${count} leaves its batch`);
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
    const record = new FetchedRecord(
      source,
      offset,
      isLogAppendTime ? 0 : timestampDeltaMs,
      keyAt,
      keyLength,
      valueAt,
      valueLength,
    );
    records.push(
      recordEnd - recordAt > maxRecordBytes
        ? cutWhole(record, source, isLogAppendTime ? 0 : timestampDeltaMs, recordEnd - recordAt, maxRecordBytes)
        : record,
    );
  }
  if (cursor.at !== to) throw new CorruptRecordError(where, `${to - cursor.at} bytes after the last record`);
};

/** Of a record that is in memory: it must not stay there. */
const cutWhole = (
  { offset, key, value, headerList }: FetchedRecord,
  source: BatchSource,
  timestampDeltaMs: number,
  bytes: number,
  maxRecordBytes: number,
): CutRecord => {
  const parts = { key: CutPart.of(key, KEPT_BYTES.key), value: CutPart.of(value), headers: cutHeaders(headerList) };
  return new CutRecord(
    { ...source, bytes: NO_BYTES },
    offset,
    timestampDeltaMs,
    parts,
    tooLargeToRead(bytes, maxRecordBytes),
  );
};

const NO_BYTES = Buffer.alloc(0);
/** So much of a streamed batch is read at once. */
const PIECE_BYTES = 4 * 1024 * 1024;
const MOST_VARINT_BYTES = 10;
/** Attributes, and four numbers: time, offset, length of the key, length of the value. */
const MOST_RECORD_HEAD_BYTES = 1 + 3 * MOST_VARINT_BYTES;

/** Some of the records of a batch, and where to go on behind them. */
export interface RecordPiece {
  readonly records: FetchedRecord[];
  readonly nextOffset: number;
}

/**
 * Reads the records of one packed batch piece by piece, in memory for one piece and one record, whatever it unpacks to.
 *
 * @param batch whole, its checksum seen to.
 * @throws CorruptRecordError; UnsupportedCompressionError.
 */
export async function* streamBatch(
  batch: Buffer,
  {
    topic,
    partition,
    fromOffset,
    maxRecordBytes,
  }: {
    readonly topic: string;
    readonly partition: number;
    readonly fromOffset: number;
    readonly maxRecordBytes: number;
  },
): AsyncGenerator<RecordPiece> {
  const where = { topic, partition, offset: int64(batch, 0) };
  const { count, codec, isLogAppendTime, baseTimestampMs } = headOf(batch, 0);
  const sourceOf = (bytes: Buffer): BatchSource => ({ topic, partition, bytes, baseTimestampMs, codec });
  const parts = new PartReader(unpackInParts(codec, batch.subarray(RECORDS_AT)));
  let left = count;
  try {
    while (left > 0) {
      // All whole records that are there, each a view on the piece; what is left of the next one waits for more.
      await parts.atLeast(PIECE_BYTES);
      const cursor = new Cursor(parts.bytes, 0);
      let end = 0;
      let whole = 0;
      for (; whole < left; whole += 1) {
        if (whole > 0 && parts.bytes.length - end < MOST_VARINT_BYTES) break;
        cursor.at = end;
        const length = cursor.varint();
        if (length < 0) throw new CorruptRecordError(where, `a record of ${length} bytes`);
        if (cursor.at + length - end > maxRecordBytes) break;
        if (cursor.at + length > parts.bytes.length) {
          if (whole > 0) break;
          if (!(await parts.atLeast(cursor.at + length)))
            throw new CorruptRecordError(where, `record ${count - left} of ${count} leaves its batch`);
          cursor.bytes = parts.bytes;
        }
        end = cursor.at + length;
      }
      const records: FetchedRecord[] = [];
      if (whole > 0) {
        decodeBatch(
          { source: sourceOf(parts.take(end)), from: 0, to: end, count: whole, isLogAppendTime, takenBytes: 0 },
          where,
          fromOffset,
          maxRecordBytes,
          records,
        );
        left -= whole;
      } else {
        const record = await readCut(parts, sourceOf(NO_BYTES), where.offset, isLogAppendTime, maxRecordBytes);
        if (record.offset >= fromOffset) records.push(record);
        left -= 1;
      }
      const last = records.at(-1);
      if (last !== undefined && left > 0) yield { records, nextOffset: last.offset + 1 };
      else if (left === 0) yield { records, nextOffset: where.offset + batch.readInt32BE(LAST_OFFSET_DELTA_AT) + 1 };
    }
    if (await parts.atLeast(1)) throw new CorruptRecordError(where, 'bytes after the last record');
  } catch (error) {
    throw unpackFailure(error, where);
  } finally {
    await parts.close();
  }
}

/** Reads past a record of any size, keeping the beginning of its parts. */
const readCut = async (
  parts: PartReader,
  source: BatchSource,
  baseOffset: number,
  isLogAppendTime: boolean,
  maxRecordBytes: number,
): Promise<CutRecord> => {
  const length = await parts.varint();
  const before = parts.passed;
  await parts.atLeast(MOST_RECORD_HEAD_BYTES);
  parts.take(1);
  const timestampDeltaMs = await parts.varint();
  const offset = baseOffset + (await parts.varint());
  const key = await readCutPart(parts, KEPT_BYTES.key);
  const value = await readCutPart(parts, KEPT_BYTES.value);
  const headersBytes = length - (parts.passed - before);
  // Its headers may be what makes it so large: none of them is kept.
  const leftOut = headersBytes > 0 ? await parts.varint() : 0;
  await parts.skip(length - (parts.passed - before), () => undefined);
  return new CutRecord(
    source,
    offset,
    isLogAppendTime ? 0 : timestampDeltaMs,
    { key, value, headers: { kept: NO_HEADERS, leftOut } },
    tooLargeToRead(length, maxRecordBytes),
  );
};

const readCutPart = async (parts: PartReader, mostBytes: number): Promise<CutPart> => {
  const length = await parts.varint();
  const part = new CutPart(length < 0 ? null : length, mostBytes);
  await parts.skip(Math.max(0, length), (bytes) => part.add(bytes));
  return part;
};

/** Bytes that come in parts, as many at a time as are asked for. */
class PartReader {
  /** Those that are there and not taken yet. */
  bytes: Buffer = NO_BYTES;
  /** How many have been taken. */
  passed = 0;
  readonly #parts: AsyncIterator<Buffer>;

  constructor(parts: AsyncIterable<Buffer>) {
    this.#parts = parts[Symbol.asyncIterator]();
  }

  /** False when they end before. */
  async atLeast(count: number): Promise<boolean> {
    if (this.bytes.length >= count) return true;
    const gathered = [this.bytes];
    let length = this.bytes.length;
    while (length < count) {
      const { done, value } = await this.#parts.next();
      if (done === true) break;
      gathered.push(value);
      length += value.length;
    }
    this.bytes = Buffer.concat(gathered, length);
    return length >= count;
  }

  async close(): Promise<void> {
    await this.#parts.return?.(undefined);
  }

  take(count: number): Buffer {
    const taken = this.bytes.subarray(0, count);
    this.bytes = this.bytes.subarray(count);
    this.passed += taken.length;
    return taken;
  }

  async varint(): Promise<number> {
    await this.atLeast(MOST_VARINT_BYTES);
    const cursor = new Cursor(this.bytes, 0);
    const value = cursor.varlong();
    if (cursor.at > this.bytes.length) throw new RangeError('a number leaves the batch');
    this.take(cursor.at);
    return value;
  }

  async skip(count: number, look: (bytes: Buffer) => void): Promise<void> {
    for (let left = count; left > 0;) {
      if (this.bytes.length === 0 && !(await this.atLeast(1))) throw new RangeError('a record leaves the batch');
      const taken = this.take(Math.min(left, this.bytes.length));
      look(taken);
      left -= taken.length;
    }
  }
}

/**
 * Which producers are inside an aborted transaction while the batches of a response are walked in offset order. A
 * producer enters at the first offset the broker names and leaves at its own ABORT marker; the broker lists
 * transactions in the order they were aborted, so they are sorted first, and several may begin within one batch's
 * offsets.
 */
class AbortedRanges {
  readonly #waiting: AbortedTransaction[];
  readonly #inside = new Set<bigint>();
  #next = 0;

  constructor(transactions: readonly AbortedTransaction[]) {
    // mutant: aborted-in-order
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
      // mutant: each-aborted
      this.#next++;
    }
  }
}
