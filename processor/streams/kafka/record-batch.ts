import { CorruptRecordError, decompressionFailed, type BatchPlace } from './batch-errors.ts';
import { RECORDS_AT, recordsHeaderAt } from './batch-header.ts';
import { decompress, UnpackedTooLargeError } from './compression.ts';
import { cutRecord } from './cut-record.ts';
import { FetchedRecord, type BatchSource } from './fetched-record.ts';
import { VarintCursor } from './varint-cursor.ts';

/** What a record costs beside its bytes. */
const RECORD_COST_BYTES = 100;

interface UnpackedBatch {
  readonly source: BatchSource;
  /** Where its records are in `source.bytes`. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly isLogAppendTime: boolean;
  readonly takenBytes: number;
}

/** Undefined when there is no room for it. */
export function unpackBatch(
  bytes: Buffer,
  batchAt: number,
  batchEnd: number,
  where: BatchPlace,
  roomBytes: number | undefined,
): UnpackedBatch | undefined {
  const { count, codec, isLogAppendTime, baseTimestampMs } = recordsHeaderAt(bytes, batchAt);
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
    throw decompressionFailed(error, where);
  }
}

export function decodeRecords(
  { source, from, to, count, isLogAppendTime }: UnpackedBatch,
  where: BatchPlace,
  fromOffset: number,
  maxRecordBytes: number,
  records: FetchedRecord[],
): void {
  const cursor = new VarintCursor(source.bytes, from);
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
        ? cutRecord(record, source, isLogAppendTime ? 0 : timestampDeltaMs, recordEnd - recordAt, maxRecordBytes)
        : record,
    );
  }
  if (cursor.at !== to) throw new CorruptRecordError(where, `${to - cursor.at} bytes after the last record`);
}
