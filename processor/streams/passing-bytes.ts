import { copyBytes } from './copy-bytes.ts';

/** More are a view: its cost no longer counts. */
const MOST_COPIED_BYTES = 64;

/** Bytes for those who read them at once: the next call may change them. */
export class PassingBytes {
  /** Of each length. */
  readonly #short: Buffer[] = [];
  /** Most are of the length of the one before. */
  #long = Buffer.alloc(0);

  /** A part of other bytes: a copy of few bytes costs less than a view. */
  of(bytes: Buffer, at: number, length: number): Buffer {
    if (length > MOST_COPIED_BYTES) return bytes.subarray(at, at + length);
    const copy = this.room(length);
    copyBytes(bytes, at, length, copy, 0);
    return copy;
  }

  /** To be written to. */
  room(length: number): Buffer {
    if (length <= MOST_COPIED_BYTES) return (this.#short[length] ??= Buffer.alloc(length));
    if (this.#long.length !== length) this.#long = Buffer.allocUnsafeSlow(length);
    return this.#long;
  }
}
