import { StreamsError, messageOf } from '../errors.ts';
import { checkFunctions, checkOptions } from '../options.ts';
import type { RecordHeaders } from '../topology/record.ts';
import { stringSerde, type Serde } from '../topology/serdes.ts';
import type { WrittenRecord } from './memory-topics.ts';

/** How the records of a topic are turned into bytes and back. */
export interface TestTopicSerdes<K, V> {
  /** Default: text. */
  readonly key?: Serde<K>;
  readonly value: Serde<V>;
}

/** A record for a typed input topic. */
export interface TestInput<K, V> {
  readonly key?: K | null;
  /** Null: a tombstone. */
  readonly value: V | null;
  /** Default: the driver's clock. */
  readonly timestampMs?: number;
  readonly partition?: number;
  readonly headers?: RecordHeaders;
}

/** A record read from a typed output topic. */
export interface TestOutput<K, V> {
  readonly key: K | null;
  readonly value: V | null;
  readonly timestampMs: number;
  readonly headers: RecordHeaders;
}

/** A source topic whose keys and values are written by serdes. */
export interface TestInputTopic<K, V> {
  /** Sends records and runs everything they cause. @throws as `TopologyTestDriver.pipe`. */
  pipe(...records: readonly TestInput<K, V>[]): Promise<void>;
}

/** A topic whose keys and values are read by serdes. */
export interface TestOutputTopic<K, V> {
  /** What has been written since it was read last, in order. @throws StreamsError for what the serdes do not take. */
  read(): TestOutput<K, V>[];
}

const INPUT_OPTIONS: readonly (keyof TestInput<unknown, unknown>)[] = [
  'key',
  'value',
  'timestampMs',
  'partition',
  'headers',
];

/** The serdes, checked. @throws StreamsError CONFIG_INVALID */
export function serdesOf<K, V>(what: string, serdes: TestTopicSerdes<K, V>): { key: Serde<K>; value: Serde<V> } {
  checkOptions(what, serdes, ['key', 'value']);
  // Without one, K is text: its default.
  const { key = stringSerde as unknown as Serde<K>, value } = serdes;
  checkOptions(`value of ${what}`, value, Object.keys(Object(value)));
  checkFunctions(`value of ${what}`, value, ['serialize', 'deserialize']);
  checkFunctions(`key of ${what}`, key, ['serialize', 'deserialize']);
  return { key, value };
}

/** A typed record in bytes. @throws StreamsError CONFIG_INVALID for what the serdes do not take. */
export function toBytes<K, V>(
  what: string,
  serdes: { key: Serde<K>; value: Serde<V> },
  record: TestInput<K, V>,
): TestInput<Buffer, Buffer> {
  checkOptions(what, record, INPUT_OPTIONS);
  const { key = null, value, ...rest } = record;
  const bytes = <T>(part: string, serde: Serde<T>, it: T | null): Buffer | null => {
    try {
      return it === null ? null : serde.serialize(it);
    } catch (error) {
      throw new StreamsError(
        'CONFIG_INVALID',
        `${what}: the serde of the ${part} does not take it: ${messageOf(error)}`,
      );
    }
  };
  return { ...rest, key: bytes('key', serdes.key, key), value: bytes('value', serdes.value, value) };
}

/** A written record as the serdes read it. @throws StreamsError CONFIG_INVALID for what they do not take. */
export function fromBytes<K, V>(
  what: string,
  serdes: { key: Serde<K>; value: Serde<V> },
  { key, value, timestampMs, headers }: WrittenRecord,
): TestOutput<K, V> {
  const read = <T>(part: string, serde: Serde<T>, bytes: Buffer | null): T | null => {
    try {
      return bytes === null ? null : serde.deserialize(bytes);
    } catch (error) {
      throw new StreamsError('CONFIG_INVALID', `${what}: the serde cannot read the ${part}: ${messageOf(error)}`);
    }
  };
  return { key: read('key', serdes.key, key), value: read('value', serdes.value, value), timestampMs, headers };
}
