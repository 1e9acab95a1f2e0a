import { AbortedTransactions, type AbortedTransaction } from './aborted-transactions.ts';
import {
  CorruptRecordError,
  decompressionFailed,
  UnsupportedRecordFormatError,
  type BatchPlace,
} from './batch-errors.ts';
import {
  ATTRIBUTES_AT,
  CONTROL,
  CRC_AT,
  int64At,
  LAST_OFFSET_DELTA_AT,
  LENGTH_AT,
  LENGTH_OVERHEAD,
  MAGIC_AT,
  RECORDS_AT,
  TRANSACTIONAL,
} from './batch-header.ts';
import { cutRecord } from './cut-record.ts';
import { LegacyRecord, type BatchSource, type FetchedRecord } from './fetched-record.ts';
import { legacyMessages, type LegacyMessage } from './legacy-messages.ts';
import { decodeRecords, unpackBatch } from './record-batch.ts';
import { crc32c } from './native-codecs.ts';

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

/**
 * Decodes the record set of one partition of a Fetch response.
 *
 * @throws CorruptRecordError on a wrong checksum or broken framing; UnsupportedRecordFormatError on an unknown format;
 * UnsupportedCompressionError on a codec that is not known.
 */
export function decodeRecordSet(bytes: Buffer, options: DecodeOptions): DecodedRecordSet {
  const {
    topic,
    partition,
    fromOffset,
    readCommitted,
    verifyCrc = true,
    roomBytes,
    maxRecordBytes = Infinity,
  } = options;
  const aborted = readCommitted ? new AbortedTransactions(options.abortedTransactions) : null;
  const records: FetchedRecord[] = [];
  let nextOffset = fromOffset;
  let batches = 0;
  let takenBytes = 0;
  let at = 0;

  while (bytes.length - at >= LENGTH_OVERHEAD + 5) {
    const baseOffset = int64At(bytes, at);
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
        decodeRecords(unpacked, where, fromOffset, maxRecordBytes, records);
        // mutant: room-of-all
        takenBytes += unpacked.takenBytes;
      }
      nextOffset = lastOffset + 1;
    }
    batches++;
    at = end;
  }
  return { records, nextOffset, batches, partialTail: at < bytes.length, takenBytes };
}

/** Records of the formats before 2: they have no headers, and were never in a transaction. */
function readLegacy(
  bytes: Buffer,
  at: number,
  where: BatchPlace,
  fromOffset: number,
  maxRecordBytes: number,
  records: FetchedRecord[],
): void {
  let messages: LegacyMessage[];
  try {
    messages = legacyMessages(bytes, at);
  } catch (error) {
    throw decompressionFailed(error, where);
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
      record.sizeBytes > maxRecordBytes ? cutRecord(record, source, 0, record.sizeBytes, maxRecordBytes) : record,
    );
  }
}
