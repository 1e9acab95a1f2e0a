import { copyBytes } from '../copy-bytes.ts';
import type { RowBytes } from '../kafka/batch-encoder.ts';
import { partitionOf } from './partitioner.ts';
import type { HeaderList } from './record.ts';

/** Of the pieces that partials are written into. */
const PIECE_BYTES = 1 << 16;
const TIME_BYTES = 8;

/** What partials are written into now, and where the next one goes. What is in it is never written to again. */
let piece: Buffer = Buffer.alloc(0);
let nextAt = 0;

/** What the value of a partial is made of, one behind the other. */
export interface PartialValue {
  /** As of `partialHead`. */
  readonly head: Uint8Array;
  readonly newestMs: number;
  readonly aggregate: Uint8Array;
}

/** A repartition topic. */
export interface RepartitionPlace {
  readonly topic: string;
  readonly partitions: number;
}

/**
 * A partial on its way out, whose key and value lie one behind the other in a piece of bytes that many share: with many
 * keys thousands wait for the acks of a commit, and buffers of their own would be most of what they take.
 */
export class OutgoingPartial implements RowBytes {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  readonly at: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly headers: HeaderList | undefined;

  private constructor(
    { topic, partitions }: RepartitionPlace,
    at: number,
    keyBytes: number,
    headers: HeaderList | undefined,
  ) {
    this.topic = topic;
    this.partition = partitionOf(piece, partitions, at, at + keyBytes);
    this.bytes = piece;
    this.at = at;
    this.keyBytes = keyBytes;
    this.valueBytes = nextAt - at - keyBytes;
    this.headers = headers;
  }

  /** Bytes are copied. */
  static of(
    place: RepartitionPlace,
    key: Uint8Array,
    { head, newestMs, aggregate }: PartialValue,
    headers: HeaderList | undefined,
  ): OutgoingPartial {
    makeRoom(key.length + head.length + TIME_BYTES + aggregate.length);
    const at = nextAt;
    copyBytes(key, 0, key.length, piece, at);
    writeValue(at + key.length, head, newestMs, aggregate);
    return new OutgoingPartial(place, at, key.length, headers);
  }

  /** The same of a key whose bytes are those of an ASCII text; undefined: it is another text. */
  static ofText(
    place: RepartitionPlace,
    key: string,
    { head, newestMs, aggregate }: PartialValue,
    headers: HeaderList | undefined,
  ): OutgoingPartial | undefined {
    makeRoom(key.length + head.length + TIME_BYTES + aggregate.length);
    const from = nextAt;
    for (let at = 0; at < key.length; at += 1) {
      const code = key.charCodeAt(at);
      if (code > 0x7f) return undefined;
      piece[from + at] = code;
    }
    writeValue(from + key.length, head, newestMs, aggregate);
    return new OutgoingPartial(place, from, key.length, headers);
  }

  /** A view. */
  get key(): Buffer {
    return this.bytes.subarray(this.at, this.at + this.keyBytes);
  }

  /** A view. */
  get value(): Buffer {
    const from = this.at + this.keyBytes;
    return this.bytes.subarray(from, from + this.valueBytes);
  }

  get row(): RowBytes | undefined {
    return this.headers === undefined ? this : undefined;
  }
}

function makeRoom(bytes: number): void {
  if (nextAt + bytes <= piece.length) return;
  piece = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, bytes));
  nextAt = 0;
}

function writeValue(at: number, head: Uint8Array, newestMs: number, aggregate: Uint8Array): void {
  copyBytes(head, 0, head.length, piece, at);
  const aggregateAt = piece.writeDoubleBE(newestMs, at + head.length);
  copyBytes(aggregate, 0, aggregate.length, piece, aggregateAt);
  nextAt = aggregateAt + aggregate.length;
}
