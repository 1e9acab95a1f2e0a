import { RESET_REMEDY, StreamsError } from '../errors.ts';
import type { ConsumerRecord, HeaderList } from './record.ts';
import { isStoredTime } from './stored-value.ts';
import { recordPlace } from '../kafka/topic-partition.ts';

/**
 * What travels through a repartition topic, keyed by the grouping key in UTF-8 (time reports: no key).
 *
 *   partial      u8 1 | u8 store length | store | f64 window start (-1: none) | f64 newest event time | aggregate bytes
 *   time report  u8 2 | JSON { source, streamTimeMs, caughtUp }
 *   record       u8 3 | u8 route length | route | f64 event time | u8 0 (no value) or 1 | value bytes
 *   change       u8 4 | u8 route length | route | f64 event time | u8 parts (1: a new value, 2: an old one, 3: both) |
 *                u32 length of the new value, where there is one | new value | old value
 *
 * Records and changes are keyed by the bytes of their key, where they have one, and have the headers of the record that
 * they come from. A route is any store that they reach, '' of a `repartition()`.
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
const RECORDS_BYTES = 4;
/** How a record begins its headers that has this one alone. */
export const RECORDS_HEAD = Buffer.from([
  1 << 1,
  RECORDS_HEADER.length << 1,
  ...Buffer.from(RECORDS_HEADER),
  RECORDS_BYTES << 1,
]);
/** The partial is of records without a value: it goes into tables with windows only. */
const WINDOWED_ONLY_HEADER = 'windowed-only';

export function partialHeaders(records: number, windowedOnly: boolean): HeaderList | undefined {
  if (records <= 1 && !windowedOnly) return undefined;
  const bytes = Buffer.allocUnsafe(RECORDS_BYTES);
  bytes.writeUInt32BE(Math.min(records, 0xffff_ffff));
  return [[RECORDS_HEADER, bytes], ...(windowedOnly ? [[WINDOWED_ONLY_HEADER, null] as const] : [])];
}

function recordCountOf({ headers }: Pick<ConsumerRecord, 'headers'>): number {
  const bytes = headers[RECORDS_HEADER];
  return bytes?.length === RECORDS_BYTES ? bytes.readUInt32BE() : 1;
}

/** A record that is sent by itself. */
export interface RoutedValue {
  readonly route: string;
  readonly timestampMs: number;
  readonly value: Buffer | null;
}

/** A changed row of a table that is grouped anew: what it takes away under a key and what it adds. */
export interface RoutedChange {
  readonly route: string;
  readonly timestampMs: number;
  readonly added: Buffer | null;
  readonly subtracted: Buffer | null;
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
const RECORD = 3;
const CHANGE = 4;

const HAS_ADDED = 1;
const HAS_SUBTRACTED = 2;
/** What records and changes begin with. */
function encodeRoute(kind: number, route: string, timestampMs: number, flags: number, bytes: number): [Buffer, number] {
  const routeBytes = Buffer.byteLength(route);
  const head = 2 + routeBytes + 9;
  const whole = Buffer.allocUnsafe(head + bytes);
  whole[0] = kind;
  whole[1] = routeBytes;
  whole.write(route, 2, 'utf8');
  whole.writeDoubleBE(timestampMs, 2 + routeBytes);
  whole[head - 1] = flags;
  return [whole, head];
}

export function encodeRoutedValue({ route, timestampMs, value }: RoutedValue): Buffer {
  const [whole, head] = encodeRoute(RECORD, route, timestampMs, value === null ? 0 : 1, value?.length ?? 0);
  value?.copy(whole, head);
  return whole;
}

export function encodeRoutedChange({ route, timestampMs, added, subtracted }: RoutedChange): Buffer {
  const flags = (added === null ? 0 : HAS_ADDED) | (subtracted === null ? 0 : HAS_SUBTRACTED);
  const length = added === null ? 0 : 4 + added.length;
  const [whole, head] = encodeRoute(CHANGE, route, timestampMs, flags, length + (subtracted?.length ?? 0));
  if (added !== null) {
    whole.writeUInt32BE(added.length, head);
    added.copy(whole, head + 4);
  }
  subtracted?.copy(whole, head + length);
  return whole;
}

/** What all partials of a grain begin with: the newest event time and the aggregate come behind it. */
export function partialHead({ store, grainStartMs }: Pick<PartialAggregate, 'store' | 'grainStartMs'>): Buffer {
  const storeBytes = Buffer.byteLength(store);
  const bytes = Buffer.allocUnsafe(2 + storeBytes + 8);
  bytes[0] = PARTIAL;
  bytes[1] = storeBytes;
  bytes.write(store, 2, 'utf8');
  bytes.writeDoubleBE(grainStartMs, 2 + storeBytes);
  return bytes;
}

export function encodePartial({ store, grainStartMs, newestMs, aggregate }: PartialAggregate): Buffer {
  const head = partialHead({ store, grainStartMs });
  const time = Buffer.allocUnsafe(8);
  time.writeDoubleBE(newestMs);
  return Buffer.concat([head, time, aggregate]);
}

export function encodeTimeReport({ source, watermarkMs, caughtUp }: TimeReport): Buffer {
  const report = { source, streamTimeMs: watermarkMs, caughtUp };
  return Buffer.concat([Buffer.from([TIME_REPORT]), Buffer.from(JSON.stringify(report))]);
}

/** Whether the value that begins here says that it is a partial. */
export function isPartialAt(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === PARTIAL;
}

/** Whether the value of a record of a repartition topic says that it is a time report. */
export function isTimeReport(value: Buffer | null): boolean {
  return value?.[0] === TIME_REPORT;
}

/** What a record of a repartition topic can be. */
export type RepartitionRecord =
  | {
      readonly key: Buffer;
      readonly partial: PartialAggregate;
      readonly records: number;
      readonly windowedOnly: boolean;
    }
  | { readonly report: TimeReport }
  | { readonly routed: RoutedValue }
  | { readonly key: Buffer; readonly change: RoutedChange };

/** Where a record of a repartition topic lies. */
type RecordPlace = Pick<ConsumerRecord, 'topic' | 'partition' | 'offset'>;

/**
 *  @throws StreamsError INTERNAL_TOPIC_INVALID naming the record, when it is neither: something else writes to the
 *  topic.
 */
export function decodeRepartitionRecord(
  record: RecordPlace & Pick<ConsumerRecord, 'key' | 'value' | 'headers'>,
): RepartitionRecord {
  const { key, value } = record;
  if (value?.[0] === PARTIAL) {
    const partial = decodePartial(value);
    if (partial !== undefined && key !== null)
      return { key, partial, records: recordCountOf(record), windowedOnly: WINDOWED_ONLY_HEADER in record.headers };
    throw notOurs(record, key === null ? 'a partial without a key' : 'a partial that is cut or has no times');
  }
  if (value?.[0] === TIME_REPORT) {
    const report = decodeReport(value);
    if (report !== undefined) return { report };
    throw notOurs(record, 'a time report that cannot be read');
  }
  if (value?.[0] === RECORD) {
    const routed = decodeRouted(value);
    if (routed !== undefined) return { routed: { ...routed, value: routed.flags === 0 ? null : routed.rest } };
    throw notOurs(record, 'a repartitioned record that is cut');
  }
  if (value?.[0] === CHANGE) {
    const change = decodeChange(value);
    if (change !== undefined && key !== null) return { key, change };
    throw notOurs(record, 'the change of a row that is cut or has no key');
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

/** A record for a store that nothing behind this topic has: dropping it would lose what it counts. */
export function unknownStore(record: RecordPlace, store: string, what = 'a partial'): StreamsError {
  return new StreamsError(
    'TOPOLOGY_CHANGED',
    `${recordPlace(record)} holds ${what} for the store "${store}", which no aggregation behind this topic has: ` +
      `another topology wrote it under this application id. Run that one until it has read the topic to its end ` +
      `or, if starting over is meant, ${RESET_REMEDY}`,
    { ...placeOf(record), remedy: 'reset' },
  );
}

/** A record whose key its serde does not take. */
export function unreadableKey(record: RecordPlace, why: string): StreamsError {
  return notOurs(record, `a record whose key cannot be read (${why})`);
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

/** A partial, or a record, whose value its serde does not take. */
export function unreadablePartial(record: RecordPlace, why: string, what = 'a partial'): StreamsError {
  return notOurs(record, `${what} that cannot be read (${why})`);
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

function decodeRouted(bytes: Buffer): { route: string; timestampMs: number; flags: number; rest: Buffer } | undefined {
  const head = 2 + (bytes[1] ?? 0) + 9;
  if (bytes.length < head) return undefined;
  const timestampMs = bytes.readDoubleBE(head - 9);
  const flags = bytes[head - 1] as number;
  if (!isStoredTime(timestampMs) || flags > (HAS_ADDED | HAS_SUBTRACTED)) return undefined;
  return { route: bytes.toString('utf8', 2, head - 9), timestampMs, flags, rest: bytes.subarray(head) };
}

function decodeChange(bytes: Buffer): RoutedChange | undefined {
  const routed = decodeRouted(bytes);
  if (routed === undefined) return undefined;
  const { route, timestampMs, flags, rest } = routed;
  const hasAdded = (flags & HAS_ADDED) !== 0;
  if (hasAdded && rest.length < 4) return undefined;
  const end = hasAdded ? 4 + rest.readUInt32BE() : 0;
  if (rest.length < end) return undefined;
  return {
    route,
    timestampMs,
    added: hasAdded ? rest.subarray(4, end) : null,
    subtracted: (flags & HAS_SUBTRACTED) === 0 ? null : rest.subarray(end),
  };
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
