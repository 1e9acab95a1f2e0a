import { messageOf, StreamsError } from '../../errors.ts';
import type { FetchedRecord } from '../../kafka/fetched-record.ts';
import { isSurelyOfText } from '../../store/key-text.ts';
import { eventTimeOf } from '../event-time.ts';
import type { RepartitionSourceNode } from '../graph.ts';
import type { ConsumerRecord, HeaderList, RecordHeaders } from '../record.ts';
import {
  decodeRepartitionRecord,
  unknownReport,
  unknownStore,
  unreadableKey,
  unreadablePartial,
  type PartialAggregate,
  type RepartitionRecord,
  type RoutedChange,
} from '../repartition-record.ts';
import { stringSerde, type Serde } from '../serdes.ts';
import { readStored, UnreadableValueError } from '../stored-value.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { settled } from '../user-code.ts';
import type { MergePartial } from './aggregate.ts';
import { FetchedPartials, type PartialReader } from './fetched-partial.ts';
import type { CompiledSource, ReadRecord } from './source.ts';

/** What stands behind the repartition topic for one sender of records. */
export interface RoutedReader {
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  readonly emit: Emit;
}

/** What all aggregations do that share one combine node. */
export interface CombinedReader extends PartialReader {
  readonly key: Serde<unknown>;
  readonly merges: readonly MergePartial[];
}

/** A row of a grouped table: what is taken away from its key and what is added to it; undefined: nothing. */
export type UpdateRow = (key: unknown, added: unknown, subtracted: unknown, timestampMs: number) => void;

export interface ChangeReader {
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  readonly update: UpdateRow;
}

/**
 * All that a repartition topic leads to, by the names that its records may be known by: a record names any one store
 * that it reaches, so it arrives whichever of them was declared first when it was sent.
 */
export interface RepartitionReaders {
  readonly merges: ReadonlyMap<string, CombinedReader>;
  readonly routed: ReadonlyMap<string, RoutedReader>;
  readonly changes: ReadonlyMap<string, ChangeReader>;
}

const NO_HEADERS: RecordHeaders = Object.freeze({});
const NO_HEADER_LIST: HeaderList = Object.freeze([]);

export function compileRepartitionSource(
  { grouping }: RepartitionSourceNode,
  runtime: TaskRuntime,
  readers: RepartitionReaders,
): CompiledSource {
  const merge = (record: ConsumerRecord, decoded: Extract<RepartitionRecord, { partial: PartialAggregate }>): void => {
    const { partial, records, windowedOnly } = decoded;
    const found = readers.merges.get(partial.store);
    // mutant: unknown-store
    if (found === undefined) throw unknownStore(record, partial.store);
    mergeInto(record, keyOf(record, found.key, decoded.key), partial, records, windowedOnly, found);
  };
  const fetched = new FetchedPartials(readers.merges);
  const mergeFetched = (
    record: FetchedRecord,
    partial: PartialAggregate,
    records: number,
    found: CombinedReader,
  ): void => {
    const text = found.key === (stringSerde as unknown) ? record.keyText() : null;
    const key = text !== null && isSurelyOfText(text) ? text : keyOf(record, found.key, record.key as Buffer);
    mergeInto(record, key, partial, records, false, found);
  };
  const mergeInto = (
    record: ConsumerRecord,
    key: unknown,
    partial: PartialAggregate,
    records: number,
    windowedOnly: boolean,
    { merges }: CombinedReader,
  ): void => {
    // What a partial is made of has no headers: its own are the runtime's, and go no further.
    const { topic, partition, offset } = record;
    runtime.current = { topic, partition, offset, headers: NO_HEADERS, headerList: NO_HEADER_LIST };
    for (let index = 0; index < merges.length; index += 1) {
      // A serde may return the bytes themselves: each table has its own.
      const own = index === merges.length - 1 ? partial : { ...partial, aggregate: Buffer.from(partial.aggregate) };
      try {
        (merges[index] as MergePartial)(key, own, records, windowedOnly);
      } catch (error) {
        throw error instanceof UnreadableValueError ? unreadablePartial(record, error.message) : error;
      }
    }
  };
  const change = (record: ConsumerRecord, keyBytes: Buffer, routed: RoutedChange): void => {
    const reader = readers.changes.get(routed.route);
    if (reader === undefined) throw unknownStore(record, routed.route, 'the change of a row');
    const { added, subtracted } = routed;
    reader.update(
      keyOf(record, reader.key, keyBytes),
      added === null ? undefined : valueOf(record, reader.value, added),
      subtracted === null ? undefined : valueOf(record, reader.value, subtracted),
      routed.timestampMs,
    );
  };
  const read = (record: ConsumerRecord): ReadRecord => {
    const decoded = decodeRepartitionRecord(record);
    if ('report' in decoded)
      return {
        record,
        timestampMs: undefined,
        handOn: () => {
          if (!runtime.reportTime(grouping, decoded.report)) throw unknownReport(record, decoded.report.source);
        },
      };
    if ('partial' in decoded)
      return { record, timestampMs: decoded.partial.newestMs, handOn: () => merge(record, decoded) };
    if ('change' in decoded)
      return {
        record,
        timestampMs: decoded.change.timestampMs,
        handOn: () => change(record, decoded.key, decoded.change),
      };
    const { route, timestampMs, value } = decoded.routed;
    const reader = readers.routed.get(route);
    if (reader === undefined) throw unknownStore(record, route, 'a record');
    const key = record.key === null ? null : keyOf(record, reader.key, record.key);
    const at = eventTimeOf(timestampMs);
    return {
      record,
      timestampMs: at,
      handOn: () => reader.emit(key, value === null ? null : valueOf(record, reader.value, value), at),
    };
  };
  return {
    read,
    process: (record) => {
      if (!fetched.take(record, mergeFetched)) read(record).handOn();
    },
  };
}

function keyOf(record: ConsumerRecord, serde: Serde<unknown>, bytes: Buffer): unknown {
  try {
    return settled(serde.deserialize(bytes));
  } catch (error) {
    if (error instanceof StreamsError) throw error;
    throw unreadableKey(record, messageOf(error));
  }
}

function valueOf(record: ConsumerRecord, serde: Serde<unknown>, bytes: Buffer): unknown {
  try {
    return settled(readStored(serde, bytes));
  } catch (error) {
    throw error instanceof UnreadableValueError ? unreadablePartial(record, error.message, 'a value') : error;
  }
}
