import { StreamsError } from '../errors.ts';
import { textOf } from '../options.ts';

/** One header value per name; a name that came more than once keeps its last value, and null is an empty buffer. */
export type RecordHeaders = Readonly<Record<string, Buffer>>;

/** Headers as they are on the wire: in order, with repeated names and null values. */
export type HeaderList = readonly (readonly [name: string, value: Buffer | null])[];

const NO_BYTES = Buffer.alloc(0);

/** On an object without prototype: any name may be a header's. */
export function headersByName(list: HeaderList): RecordHeaders {
  const headers = Object.create(null) as Record<string, Buffer>;
  for (const [name, value] of list) headers[name] = value ?? NO_BYTES;
  return headers;
}

/** @throws StreamsError CONFIG_INVALID for what are no headers. */
export function checkHeaders(what: string, headers: unknown): asserts headers is RecordHeaders {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    throw new StreamsError('CONFIG_INVALID', `${what}: an object of a Buffer by each name, not ${textOf(headers)}`);
  for (const [name, header] of Object.entries(headers))
    if (!Buffer.isBuffer(header))
      throw new StreamsError('CONFIG_INVALID', `${what}: "${name}" is a Buffer, not ${textOf(header)}`);
}

/** Of the record that is being processed: the third argument of the callbacks of a topology. */
export interface RecordContext {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Event time, epoch ms. */
  readonly timestampMs: number;
  readonly headers: RecordHeaders;
}

/** The record that a task is processing: what of it travels on beside key, value and event time. */
export type CurrentRecord = Pick<ConsumerRecord, 'topic' | 'partition' | 'offset' | 'headers' | 'headerList'>;

/** A record as it was read from a topic. Offsets and times are JS numbers: exact to 2^53. */
export interface ConsumerRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The record's own Kafka timestamp, epoch milliseconds. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
  /** The same headers as they came. Absent where a record was not read from Kafka. */
  readonly headerList?: HeaderList;
  /** Number of the codec that its batch was packed with; absent where it was not read from Kafka. */
  readonly codec?: number;
  /** Why the runtime itself does not hand it to the decoder: it is dead-lettered instead. */
  readonly unreadable?: DeadLetter | undefined;
  /** Of a record that was not read whole: what it was. Key, value and headers hold its beginning only. */
  readonly cut?: WholeRecord | undefined;
}

/** What a record was before it was cut. */
export interface WholeRecord {
  /** Null where nothing was cut. */
  readonly key: WholePart | null;
  readonly value: WholePart | null;
  /** Headers that are left out. */
  readonly headersLeftOut: number;
}

/** Of a key or value before it was cut. */
export interface WholePart {
  readonly bytes: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

/**
 * What a decoder answers for a record it cannot read. The runtime sends the record, with its original key, bytes and
 * headers, to the stream's dead-letter topic in the transaction that commits its offset.
 */
export class DeadLetter {
  /** A stable code in capitals, e.g. `NOT_JSON`; becomes the header `__streams.errors.exception`. */
  readonly reason: string;
  /** One sentence for people; becomes the header `__streams.errors.message`. Never holds the record's content. */
  readonly message: string;

  constructor(reason: string, message: string) {
    this.reason = reason;
    this.message = message;
  }
}

/**
 * Turns a record into a value, or says why it cannot. Pure but for `nowMs`, the wall clock that the runtime passes in
 * (epoch milliseconds). It must not throw: an exception stops the task.
 */
export type Decoder<V> = (record: ConsumerRecord, nowMs: number) => V | DeadLetter;
