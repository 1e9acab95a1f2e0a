import { RESET_REMEDY, StreamsError } from '../errors.ts';
import type { ConsumerRecord, HeaderList } from './record.ts';
import { isStoredTime } from './stored-value.ts';
import { recordPlace } from '../kafka/topic-partition.ts';

/**
 * What travels through a repartition topic, keyed by the grouping key in UTF-8 (time reports: no key).
 *
 *   partial      u8 1 | u8 store length | store | f64 window start (-1: none) | f64 newest event time | aggregate bytes
 *   time report  u8 2 | JSON { source, streamTimeMs, caughtUp }
 */
export interface PartialAggregate {
  /** Any store that the combine node feeds: it goes into all stores of that node. */
  readonly store: string;
  /** Start of the combine node's grain, epoch ms; -1 when the aggregation has no windows. */
  readonly grainStartMs: number;
  readonly newestMs: number;
  readonly aggregate: Buffer;
}

/**
 * How many records a partial holds, u32: a header, so that releases that know nothing of it read the partial. Absent:
 * one, or not known.
 */
const RECORDS_HEADER = 'records';
const ONE_RECORD: HeaderList = [];

export function recordCountHeaders(records: number): HeaderList {
  if (records <= 1) return ONE_RECORD;
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(Math.min(records, 0xffff_ffff));
  return [[RECORDS_HEADER, bytes]];
}

function recordCountOf({ headers }: Pick<ConsumerRecord, 'headers'>): number {
  const bytes = headers[RECORDS_HEADER];
  return bytes?.length === 4 ? bytes.readUInt32BE() : 1;
}

/** A source task's report on its own progress: the watermark downstream is the minimum over these. */
export interface TimeReport {
  /** The reporting task's id. */
  readonly source: string;
  /** How far it has come in event time; -1 before the first record. Travels as `streamTimeMs`. */
  readonly watermarkMs: number;
  /** It has read its inputs to their end: it holds nothing back. */
  readonly caughtUp: boolean;
}

const PARTIAL = 1;
const TIME_REPORT = 2;

export function encodePartial({ store, grainStartMs, newestMs, aggregate }: PartialAggregate): Buffer {
  const storeBytes = Buffer.byteLength(store);
  const bytes = Buffer.allocUnsafe(2 + storeBytes + 16 + aggregate.length);
  bytes[0] = PARTIAL;
  bytes[1] = storeBytes;
  bytes.write(store, 2, 'utf8');
  bytes.writeDoubleBE(grainStartMs, 2 + storeBytes);
  bytes.writeDoubleBE(newestMs, 10 + storeBytes);
  aggregate.copy(bytes, 18 + storeBytes);
  return bytes;
}

export function encodeTimeReport({ source, watermarkMs, caughtUp }: TimeReport): Buffer {
  const report = { source, streamTimeMs: watermarkMs, caughtUp };
  return Buffer.concat([Buffer.from([TIME_REPORT]), Buffer.from(JSON.stringify(report))]);
}

/** Whether the value of a record of a repartition topic says that it is a time report. */
export function isTimeReport(value: Buffer | null): boolean {
  return value?.[0] === TIME_REPORT;
}

/** Where a record of a repartition topic lies. */
type RecordPlace = Pick<ConsumerRecord, 'topic' | 'partition' | 'offset'>;

/**
 *  @throws StreamsError INTERNAL_TOPIC_INVALID naming the record, when it is neither: something else writes to the
 *  topic.
 */
export function decodeRepartitionRecord(
  record: RecordPlace & Pick<ConsumerRecord, 'key' | 'value' | 'headers'>,
): { key: Buffer; partial: PartialAggregate; records: number } | { report: TimeReport } {
  const { key, value } = record;
  if (value?.[0] === PARTIAL) {
    const partial = decodePartial(value);
    if (partial !== undefined && key !== null) return { key, partial, records: recordCountOf(record) };
    throw notOurs(record, key === null ? 'a partial without a key' : 'a partial that is cut or has no times');
  }
  if (value?.[0] === TIME_REPORT) {
    const report = decodeReport(value);
    if (report !== undefined) return { report };
    throw notOurs(record, 'a time report that cannot be read');
  }
  throw notOurs(
    record,
    value === null
      ? 'a record without a value'
      : value.length === 0
        ? 'an empty value'
        : `a record of the unknown kind ${String(value[0])}`,
  );
}

/** A partial for a store that no aggregation of the grouping has: dropping it would lose what it counts. */
export function unknownStore(record: RecordPlace, store: string): StreamsError {
  return new StreamsError(
    'TOPOLOGY_CHANGED',
    `${recordPlace(record)} holds a partial for the store "${store}", which no aggregation behind this topic has: ` +
      `another topology wrote it under this application id. Run that one until it has read the topic to its end ` +
      `or, if starting over is meant, ${RESET_REMEDY}`,
    { ...placeOf(record), remedy: 'reset' },
  );
}

/** A partial whose key is no text. */
export function unreadableKey(record: RecordPlace): StreamsError {
  return notOurs(record, 'a partial whose key is not UTF-8 text');
}

/** A time report of a task that does not feed this topic: the watermark would wait for others than those that write. */
export function unknownReport(record: RecordPlace, source: string): StreamsError {
  return new StreamsError(
    'TOPOLOGY_CHANGED',
    `${recordPlace(record)} holds a time report of the task "${source}", which does not write to this topic: ` +
      `another topology wrote it under this application id. Run that one until it has read the topic to its end ` +
      `or, if starting over is meant, ${RESET_REMEDY}`,
    { ...placeOf(record), remedy: 'reset' },
  );
}

/** A partial whose aggregate its serde does not take. */
export function unreadablePartial(record: RecordPlace, why: string): StreamsError {
  return notOurs(record, `a partial that cannot be read (${why})`);
}

function notOurs(record: RecordPlace, what: string): StreamsError {
  return new StreamsError(
    'INTERNAL_TOPIC_INVALID',
    `${recordPlace(record)} holds ${what}: something other than this application writes to its internal topic. ` +
      `Stop it, and ${RESET_REMEDY}`,
    { ...placeOf(record), remedy: 'reset' },
  );
}

/** Not by a spread: the fields of a fetched record are getters. */
function placeOf({ topic, partition, offset }: RecordPlace): RecordPlace {
  return { topic, partition, offset };
}

function decodePartial(bytes: Buffer): PartialAggregate | undefined {
  const storeEnd = 2 + (bytes[1] ?? 0);
  if (bytes.length < storeEnd + 16) return undefined;
  const partial = {
    store: bytes.toString('utf8', 2, storeEnd),
    grainStartMs: bytes.readDoubleBE(storeEnd),
    newestMs: bytes.readDoubleBE(storeEnd + 8),
    aggregate: bytes.subarray(storeEnd + 16),
  };
  return isStoredTime(partial.grainStartMs) && isStoredTime(partial.newestMs) ? partial : undefined;
}

function decodeReport(bytes: Buffer): TimeReport | undefined {
  try {
    const report = JSON.parse(bytes.toString('utf8', 1)) as Readonly<Record<string, unknown>> | null;
    const { source, streamTimeMs, caughtUp } = report ?? {};
    return typeof source === 'string' && isStoredTime(streamTimeMs) && typeof caughtUp === 'boolean'
      ? { source, watermarkMs: streamTimeMs as number, caughtUp }
      : undefined;
  } catch {
    return undefined;
  }
}
