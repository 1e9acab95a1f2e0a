import {
  headersByName,
  type ConsumerRecord,
  type DeadLetter,
  type HeaderList,
  type RecordHeaders,
  type WholeRecord,
} from '../topology/record.ts';
import { VarintCursor } from './varint-cursor.ts';

const NO_HEADERS: HeaderList = Object.freeze([]);

/** What all records of one batch share. */
export interface BatchSource {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  readonly baseTimestampMs: number;
  readonly codec: number;
}

/**
 * A record that still lies in the bytes it arrived in. `key`, `value` and `headers` are cut out when asked for, without
 * a copy: they are views on the whole fetched response and keep it in memory, so what outlives the batch (a store's
 * buffer, a cache) must copy them. A key or value of null is Kafka's null; an empty one is an empty buffer.
 */
export class FetchedRecord implements ConsumerRecord {
  readonly offset: number;
  private readonly source: BatchSource;
  private readonly timestampDeltaMs: number;
  /** Where key and value lie in `bytes`; a length of -1 is Kafka's null. */
  readonly keyAt: number;
  readonly keyLength: number;
  readonly valueAt: number;
  readonly valueLength: number;

  constructor(
    source: BatchSource,
    offset: number,
    timestampDeltaMs: number,
    keyAt: number,
    keyLength: number,
    valueAt: number,
    valueLength: number,
  ) {
    this.offset = offset;
    this.source = source;
    this.timestampDeltaMs = timestampDeltaMs;
    this.keyAt = keyAt;
    this.keyLength = keyLength;
    this.valueAt = valueAt;
    this.valueLength = valueLength;
  }

  get topic(): string {
    return this.source.topic;
  }

  get partition(): number {
    return this.source.partition;
  }

  /** Of its whole batch. */
  get bytes(): Buffer {
    return this.source.bytes;
  }

  /** Its key is there, and of bytes from 32 to 127. */
  get isKeyAscii(): boolean {
    const { bytes } = this.source;
    const end = this.keyAt + this.keyLength;
    for (let at = this.keyAt; at < end; at += 1) {
      const byte = bytes[at] as number;
      if (byte < 0x20 || byte > 0x7f) return false;
    }
    return this.keyLength >= 0;
  }

  get codec(): number {
    return this.source.codec;
  }

  get unreadable(): DeadLetter | undefined {
    return undefined;
  }

  get cut(): WholeRecord | undefined {
    return undefined;
  }

  get timestampMs(): number {
    return this.source.baseTimestampMs + this.timestampDeltaMs;
  }

  get key(): Buffer | null {
    return this.keyLength < 0 ? null : this.source.bytes.subarray(this.keyAt, this.keyAt + this.keyLength);
  }

  get value(): Buffer | null {
    return this.valueLength < 0 ? null : this.source.bytes.subarray(this.valueAt, this.valueAt + this.valueLength);
  }

  /** Names on an object without prototype. */
  get headers(): RecordHeaders {
    return headersByName(this.headerList);
  }

  get headerList(): HeaderList {
    const cursor = new VarintCursor(this.source.bytes, this.valueAt + Math.max(this.valueLength, 0));
    const count = cursor.varint();
    if (count === 0) return NO_HEADERS;
    const headers: (readonly [string, Buffer | null])[] = [];
    for (let i = 0; i < count; i++) {
      const nameLength = cursor.varint();
      const name = this.source.bytes.toString('utf8', cursor.at, cursor.at + nameLength);
      cursor.at += nameLength;
      const valueLength = cursor.varint();
      headers.push([name, valueLength < 0 ? null : this.source.bytes.subarray(cursor.at, cursor.at + valueLength)]);
      cursor.at += Math.max(valueLength, 0);
    }
    return headers;
  }

  get hasNoHeaders(): boolean {
    return this.source.bytes[this.valueAt + Math.max(this.valueLength, 0)] === 0;
  }

  /**
   * Where in `bytes` the content of its header lies, when it is the only one and its record has it as `head`: number of
   * headers, name and length of the content. -1: it is to be looked for in `headerList`.
   */
  soleHeaderAt(head: Buffer): number {
    const { bytes } = this.source;
    const from = this.valueAt + Math.max(this.valueLength, 0);
    for (let at = 0; at < head.length; at += 1) if (bytes[from + at] !== head[at]) return -1;
    return from + head.length;
  }

  /** Size of key and value in bytes. */
  get sizeBytes(): number {
    return Math.max(this.keyLength, 0) + Math.max(this.valueLength, 0);
  }

  /** The value as UTF-8 text without a buffer in between; null for a null value. */
  valueText(): string | null {
    return this.valueLength < 0
      ? null
      : this.source.bytes.toString('utf8', this.valueAt, this.valueAt + this.valueLength);
  }

  /** The key as UTF-8 text without a buffer in between; null for a null key. */
  keyText(): string | null {
    return this.keyLength < 0 ? null : this.source.bytes.toString('utf8', this.keyAt, this.keyAt + this.keyLength);
  }
}

/** Of a format that has no headers. */
export class LegacyRecord extends FetchedRecord {
  override get headerList(): HeaderList {
    return NO_HEADERS;
  }

  override get hasNoHeaders(): boolean {
    return true;
  }

  override soleHeaderAt(): number {
    return -1;
  }
}
