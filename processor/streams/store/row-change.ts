import { copyBytes } from '../copy-bytes.ts';
import type { RowBytes } from '../kafka/batch-encoder.ts';
import type { EntryHash, StoreChange } from './state-store.ts';

/** Of the pieces that rows are written into. */
const PIECE_BYTES = 1 << 16;
const NO_VALUE = -1;

/** What rows are written into now, and where the next one goes. What is in it is never written to again. */
let piece: Buffer = Buffer.alloc(0);
let nextAt = 0;

/**
 * A change whose key and value lie one behind the other in a piece of bytes that many rows share, and which is its own
 * record for the changelog: thousands wait for a commit together, and buffers of their own would be most of what they
 * take, and of what the garbage collector goes through.
 */
export class RowChange implements StoreChange, RowBytes, EntryHash {
  readonly store: string;
  readonly bytes: Buffer;
  readonly at: number;
  readonly keyBytes: number;
  /** -1: it is deleted. */
  readonly valueBytes: number;
  readonly previous: StoreChange['previous'];
  readonly hash: StoreChange['hash'];
  /** Of the row that it replaces, where `previous` is the change itself; of its own entry, where `hash` is. */
  low = 0;
  high = 0;
  isKnown = false;
  /** Of its changelog, as of `logTo`. */
  topic = '';
  partition = 0;

  /**
   * The key and the value are behind each other in `piece`, up to `nextAt`. `hash`: 'own' is the change itself.
   */
  private constructor(
    store: string,
    keyBytes: number,
    valueBytes: number,
    previous: StoreChange['previous'] | 'own',
    hash: StoreChange['hash'] | 'own',
  ) {
    this.store = store;
    this.bytes = piece;
    this.at = nextAt - keyBytes - Math.max(0, valueBytes);
    this.keyBytes = keyBytes;
    this.valueBytes = valueBytes;
    this.hash = hash === 'own' ? this : hash;
    if (previous === 'own') this.previous = this;
    else if (hash === 'own' || hash === undefined || previous !== hash) this.previous = previous;
    else {
      this.previous = this;
      this.low = hash.low;
      this.high = hash.high;
      this.isKnown = true;
    }
  }

  /**
   * Bytes are copied. `value`: null deletes. `previous`, `hash`: as of a StoreChange; where both are one, it is noted
   * what that is now. `valueAt`, `valueBytes`: of a value that is a part of other bytes.
   */
  static of(
    store: string,
    key: Uint8Array,
    value: Uint8Array | null,
    previous?: StoreChange['previous'],
    hash?: StoreChange['hash'],
    valueAt = 0,
    valueBytes = value?.length ?? 0,
  ): RowChange {
    makeRoom(key.length + valueBytes);
    copyBytes(key, 0, key.length, piece, nextAt);
    nextAt += key.length;
    return RowChange.#withValue(store, key.length, value, previous, hash, valueAt, valueBytes);
  }

  /** A row that was never there, whose hash the change itself has when it is committed. */
  static ofNew(store: string, key: Uint8Array, value: Uint8Array, valueAt: number, valueBytes: number): RowChange {
    makeRoom(key.length + valueBytes);
    copyBytes(key, 0, key.length, piece, nextAt);
    nextAt += key.length;
    return RowChange.#withValue(store, key.length, value, null, 'own', valueAt, valueBytes);
  }

  /** A row goes whose hash was this, if it is known. */
  static ofGone(store: string, key: Uint8Array, isKnown: boolean, low: number, high: number): RowChange {
    makeRoom(key.length);
    copyBytes(key, 0, key.length, piece, nextAt);
    nextAt += key.length;
    const change = new RowChange(store, key.length, NO_VALUE, isKnown ? 'own' : undefined, 'own');
    change.low = low;
    change.high = high;
    change.isKnown = isKnown;
    return change;
  }

  static from(this: void, change: StoreChange): RowChange {
    if (change instanceof RowChange) return change;
    const { store, key, value, previous, hash } = change;
    return RowChange.of(store, key, value, previous, hash);
  }

  /** The same of a key whose bytes are those of an ASCII text; undefined: it is another text. */
  static ofText(
    store: string,
    key: string,
    value: Uint8Array | null,
    previous?: StoreChange['previous'],
    hash?: StoreChange['hash'],
  ): RowChange | undefined {
    makeRoom(key.length + (value?.length ?? 0));
    for (let at = 0; at < key.length; at += 1) {
      const code = key.charCodeAt(at);
      if (code > 0x7f) return undefined;
      piece[nextAt + at] = code;
    }
    nextAt += key.length;
    return RowChange.#withValue(store, key.length, value, previous, hash);
  }

  static #withValue(
    store: string,
    keyBytes: number,
    value: Uint8Array | null,
    previous: StoreChange['previous'],
    hash: StoreChange['hash'] | 'own',
    valueAt = 0,
    valueBytes = value?.length ?? 0,
  ): RowChange {
    if (value === null) return new RowChange(store, keyBytes, NO_VALUE, previous, hash);
    copyBytes(value, valueAt, valueBytes, piece, nextAt);
    nextAt += valueBytes;
    return new RowChange(store, keyBytes, valueBytes, previous, hash);
  }

  /** A view. */
  get key(): Buffer {
    return this.bytes.subarray(this.at, this.at + this.keyBytes);
  }

  get valueAt(): number {
    return this.at + this.keyBytes;
  }

  /** A view. */
  get value(): Buffer | null {
    return this.valueBytes < 0 ? null : this.bytes.subarray(this.valueAt, this.valueAt + this.valueBytes);
  }

  get row(): RowBytes {
    return this;
  }

  /** It is a record of this changelog. */
  logTo(topic: string, partition: number): this {
    this.topic = topic;
    this.partition = partition;
    return this;
  }
}

function makeRoom(bytes: number): void {
  if (nextAt + bytes <= piece.length) return;
  piece = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, bytes));
  nextAt = 0;
}
