import { formerStreamTimeKey, isRuntimeRow, mayBeRuntimeRow } from '../store/runtime-rows.ts';
import { NO_TIME, TIME_BYTES, timedBytes, timeOf, untimed } from '../store/timed-row.ts';
import { decodeWatermark } from '../task/watermark.ts';
import { RowChange } from '../store/row-change.ts';
import type { LoadedStore, StoreChange } from '../store/state-store.ts';
import type { FetchedRecord } from '../kafka/fetched-record.ts';
import type { RowBytes, RowHeader } from '../kafka/batch-encoder.ts';
import type { TopicPartition } from '../kafka/topic-partition.ts';
import type { HeaderList } from '../topology/record.ts';
import type { OutgoingRecord } from '../writing/streams-producer.ts';

/*
 * What a changelog says of a row, and what the store has of it on disk. They differ in timed stores: the changelog has
 * the plain value, as others may read it, and the row's time in a header.
 */

/** 8 bytes (f64, big-endian) of event time. A record of before the store was timed has none. */
const TIME_HEADER = 'time';

const FORMER_KEYS = [formerStreamTimeKey('key-value'), formerStreamTimeKey('window')];

/** A row of a timed store as its changelog has it. `stored`: as it is on disk; null: it is deleted. */
export function loggedRow(key: Buffer, stored: Buffer | null): { value: Buffer | null; headers?: HeaderList } {
  if (stored === null || isRuntimeRow(key)) return { value: stored };
  return { value: untimed(stored), headers: [[TIME_HEADER, stored.subarray(0, TIME_BYTES)]] };
}

const ROW_HEADER: RowHeader = { name: Buffer.from(TIME_HEADER), contentBytes: TIME_BYTES };

/**
 * The same as a record on its way out: a commit has one for each changed row, and views of the parts of each would cost
 * more than to write them.
 */
class LoggedRow implements OutgoingRecord, RowBytes {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  readonly at: number;
  readonly keyBytes: number;
  readonly valueBytes: number;

  /** `row`: as it is on disk, its time before its value. */
  constructor({ topic, partition }: TopicPartition, { bytes, at, keyBytes, valueBytes }: RowBytes) {
    this.topic = topic;
    this.partition = partition;
    this.bytes = bytes;
    this.at = at;
    this.keyBytes = keyBytes;
    this.valueBytes = valueBytes - TIME_BYTES;
  }

  get row(): RowBytes {
    return this;
  }

  get header(): RowHeader {
    return ROW_HEADER;
  }

  /** A view. */
  get key(): Buffer {
    return this.bytes.subarray(this.at, this.at + this.keyBytes);
  }

  /** A view. */
  get value(): Buffer {
    const from = this.at + this.keyBytes + TIME_BYTES;
    return this.bytes.subarray(from, from + this.valueBytes);
  }

  get headers(): HeaderList {
    const from = this.at + this.keyBytes;
    return [[TIME_HEADER, this.bytes.subarray(from, from + TIME_BYTES)]];
  }
}

/** What the changelog of a store gets of a changed row. */
export function loggedRecord(place: TopicPartition, timed: boolean, change: StoreChange): OutgoingRecord {
  const row = RowChange.from(change);
  const { bytes, at, valueBytes } = row;
  return timed && valueBytes >= 0 && !(mayBeRuntimeRow(bytes, at) && isRuntimeRow(row.key))
    ? new LoggedRow(place, row)
    : row.logTo(place.topic, place.partition);
}

/** The opposite: what a timed store has on disk of a record of its changelog. */
export function storedRow(key: Buffer, value: Buffer | null, headers: HeaderList | undefined): Buffer | null {
  if (value === null || isRuntimeRow(key)) return value;
  const time = headers?.findLast(([name]) => name === TIME_HEADER)?.[1] ?? null;
  // mutant: times-restored
  if (time?.length === TIME_BYTES) return timedBytes(timeOf(time), value);
  // Of a release that knew no times: the row of stream time had another key then.
  const isFormer = FORMER_KEYS.some((former) => former.equals(key)) && decodeWatermark(value) !== undefined;
  return isFormer ? value : timedBytes(NO_TIME, value);
}

/** One header of the name `time` with so many bytes of content, as it stands in a record. */
const SOLE_TIME_HEADER = Buffer.from([1 << 1, TIME_HEADER.length << 1, ...Buffer.from(TIME_HEADER), TIME_BYTES << 1]);

/** Puts a record with a key into the load of its store, as the store has it on disk. */
export function loadRow(into: LoadedStore, record: FetchedRecord, timed: boolean): void {
  const { bytes, keyAt, keyLength, valueAt, valueLength } = record;
  if (!timed || valueLength < 0) return into.put(bytes, keyAt, keyLength, 0, 0, valueAt, valueLength);
  const timeAt = record.soleHeaderAt(SOLE_TIME_HEADER);
  if (timeAt >= 0 && !mayBeRuntimeRow(bytes, keyAt))
    return into.put(bytes, keyAt, keyLength, timeAt, TIME_BYTES, valueAt, valueLength);
  const key = record.key as Buffer;
  const stored = storedRow(key, record.value, record.headerList) as Buffer;
  into.put(Buffer.concat([key, stored]), 0, keyLength, 0, 0, keyLength, stored.length);
}
