import { copyBytes } from '../copy-bytes.ts';
import type { RowBytes } from '../kafka/batch-encoder.ts';
import type { OutgoingRecord } from './streams-producer.ts';

/** Of the pieces that records are written into. */
const PIECE_BYTES = 1 << 16;
/** In UTF-8, of the characters that a text counts. */
const MOST_BYTES_A_CHARACTER = 3;
const NO_VALUE = -1;

/** What records are written into now, and where the next one goes. What is in it is never written to again. */
let piece: Buffer = Buffer.alloc(0);
let nextAt = 0;

/**
 * A record of a sink without headers, whose key and value lie one behind the other in a piece of bytes that many
 * records share: thousands wait for a commit together, and buffers of their own would be most of what they take.
 */
export class SentRow implements OutgoingRecord, RowBytes {
  readonly topic: string;
  readonly partition: number;
  readonly timestampMs: number;
  readonly bytes: Buffer;
  readonly at: number;
  readonly keyBytes: number;
  /** -1: its value is null. */
  readonly valueBytes: number;

  /** The bytes are copied; of a text they are UTF-8. */
  constructor(
    topic: string,
    partition: number,
    key: Uint8Array,
    value: Uint8Array | string | null,
    timestampMs: number,
  ) {
    const keyBytes = key.length;
    makeRoom(keyBytes + mostBytesOf(value));
    copyBytes(key, 0, keyBytes, piece, nextAt);
    this.topic = topic;
    this.partition = partition;
    this.timestampMs = timestampMs;
    this.bytes = piece;
    this.at = nextAt;
    this.keyBytes = keyBytes;
    nextAt += keyBytes;
    this.valueBytes = value === null ? NO_VALUE : written(value);
  }

  /** A view. */
  get key(): Buffer {
    return this.bytes.subarray(this.at, this.at + this.keyBytes);
  }

  /** A view. */
  get value(): Buffer | null {
    const from = this.at + this.keyBytes;
    return this.valueBytes < 0 ? null : this.bytes.subarray(from, from + this.valueBytes);
  }

  get row(): RowBytes {
    return this;
  }
}

function mostBytesOf(value: Uint8Array | string | null): number {
  if (typeof value !== 'string') return value?.length ?? 0;
  const most = value.length * MOST_BYTES_A_CHARACTER;
  return most > PIECE_BYTES / 2 ? Buffer.byteLength(value) : most;
}

function makeRoom(bytes: number): void {
  if (nextAt + bytes <= piece.length) return;
  piece = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, bytes));
  nextAt = 0;
}

/** There is room for it. Answers how many bytes it has. */
function written(value: Uint8Array | string): number {
  const bytes = typeof value === 'string' ? piece.write(value, nextAt, 'utf8') : value.length;
  if (typeof value !== 'string') copyBytes(value, 0, bytes, piece, nextAt);
  nextAt += bytes;
  return bytes;
}
