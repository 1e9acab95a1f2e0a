import { FetchedRecord } from '../../kafka/fetched-record.ts';
import { PassingBytes } from '../../passing-bytes.ts';
import type { ConsumerRecord } from '../record.ts';
import { isPartialAt, RECORDS_HEAD, type PartialAggregate } from '../repartition-record.ts';
import { isStoredTime } from '../stored-value.ts';

/** What all partials have between the name of the store and the aggregate. */
const TIMES_BYTES = 16;

/** What is behind the topic for the partials of a store. */
export interface PartialReader {
  /** Reading an aggregate neither keeps nor changes its bytes. */
  readonly leavesBytes: boolean;
}

/**
 * Partials that still lie in the bytes of their fetch, read without a view of each of their parts: with many keys
 * nearly every one is of one record, and the views would cost more than the merge.
 */
export class FetchedPartials<R extends PartialReader> {
  readonly #readers: ReadonlyMap<string, R>;
  /** Of the last partial: nearly every one is for the same store. */
  #store = '';
  #storeBytes: Uint8Array = new Uint8Array();
  #reader: R | undefined;
  readonly #aggregates = new PassingBytes();

  constructor(readers: ReadonlyMap<string, R>) {
    this.#readers = readers;
  }

  /** Calls `merge` with it. False: it is none, or one that is read part by part; nothing was called. */
  take(
    record: ConsumerRecord,
    merge: (record: FetchedRecord, partial: PartialAggregate, records: number, reader: R) => void,
  ): boolean {
    if (!(record instanceof FetchedRecord) || record.keyLength < 0) return false;
    const { bytes, valueAt, valueLength } = record;
    if (valueLength < 2 + TIMES_BYTES || !isPartialAt(bytes, valueAt)) return false;
    const records = recordsOf(record);
    const storeBytes = bytes[valueAt + 1] as number;
    const timesAt = valueAt + 2 + storeBytes;
    const aggregateAt = timesAt + TIMES_BYTES;
    const aggregateBytes = valueAt + valueLength - aggregateAt;
    if (records < 0 || aggregateBytes < 0) return false;
    const reader = this.#readerOf(bytes, valueAt + 2, storeBytes);
    if (reader === undefined) return false;
    const grainStartMs = bytes.readDoubleBE(timesAt);
    const newestMs = bytes.readDoubleBE(timesAt + 8);
    if (!isStoredTime(grainStartMs) || !isStoredTime(newestMs)) return false;
    const aggregate = reader.leavesBytes
      ? this.#aggregates.of(bytes, aggregateAt, aggregateBytes)
      : bytes.subarray(aggregateAt, aggregateAt + aggregateBytes);
    merge(record, { store: this.#store, grainStartMs, newestMs, aggregate }, records, reader);
    return true;
  }

  #readerOf(bytes: Buffer, at: number, length: number): R | undefined {
    const known = this.#storeBytes;
    let same = this.#reader !== undefined && known.length === length;
    for (let byte = 0; same && byte < length; byte += 1) same = known[byte] === bytes[at + byte];
    if (same) return this.#reader;
    this.#store = bytes.toString('utf8', at, at + length);
    this.#storeBytes = Uint8Array.prototype.slice.call(bytes, at, at + length);
    this.#reader = this.#readers.get(this.#store);
    return this.#reader;
  }
}

/** How many records it holds; -1: it has other headers than that. */
function recordsOf(record: FetchedRecord): number {
  if (record.hasNoHeaders) return 1;
  const at = record.soleHeaderAt(RECORDS_HEAD);
  return at < 0 ? -1 : record.bytes.readUInt32BE(at);
}
