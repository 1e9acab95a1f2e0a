import { CorruptRecordError, decompressionFailed } from './batch-errors.ts';
import { int64At, LAST_OFFSET_DELTA_AT, RECORDS_AT, recordsHeaderAt } from './batch-header.ts';
import { unpackInParts } from './compression.ts';
import { CutPart, CutRecord, KEPT_BYTES, tooLargeToRead } from './cut-record.ts';
import type { BatchSource, FetchedRecord } from './fetched-record.ts';
import { decodeRecords } from './record-batch.ts';
import { VarintCursor } from './varint-cursor.ts';

const NO_BYTES = Buffer.alloc(0);
/** How much of a streamed batch is read at once. */
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
 * @param batch whole, with a checksum that was compared.
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
  const where = { topic, partition, offset: int64At(batch, 0) };
  const { count, codec, isLogAppendTime, baseTimestampMs } = recordsHeaderAt(batch, 0);
  const sourceOf = (bytes: Buffer): BatchSource => ({ topic, partition, bytes, baseTimestampMs, codec });
  const parts = new PartReader(unpackInParts(codec, batch.subarray(RECORDS_AT)));
  let left = count;
  try {
    while (left > 0) {
      // All whole records that are there, each a view on the piece; what is left of the next one waits for more.
      await parts.atLeast(PIECE_BYTES);
      const cursor = new VarintCursor(parts.bytes, 0);
      let end = 0;
      let whole = 0;
      for (; whole < left; whole += 1) {
        if (whole > 0 && parts.bytes.length - end < MOST_VARINT_BYTES) break;
        cursor.at = end;
        const length = cursor.varint();
        if (length < 0) throw new CorruptRecordError(where, `a record of ${length} bytes`);
        // mutant: cut-in-pieces
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
        decodeRecords(
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
    throw decompressionFailed(error, where);
  } finally {
    await parts.close();
  }
}

/** Reads past a record of any size, keeping the beginning of its parts. */
async function readCut(
  parts: PartReader,
  source: BatchSource,
  baseOffset: number,
  isLogAppendTime: boolean,
  maxRecordBytes: number,
): Promise<CutRecord> {
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
    { key, value, headers: { kept: [], leftOut } },
    tooLargeToRead(length, maxRecordBytes),
  );
}

async function readCutPart(parts: PartReader, mostBytes: number): Promise<CutPart> {
  const length = await parts.varint();
  const part = new CutPart(length < 0 ? null : length, mostBytes);
  await parts.skip(Math.max(0, length), (bytes) => part.add(bytes));
  return part;
}

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
    const cursor = new VarintCursor(this.bytes, 0);
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
