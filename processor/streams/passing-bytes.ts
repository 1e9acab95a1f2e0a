import { copyBytes } from './copy-bytes.ts';

/** More are a view: its cost no longer counts. */
const MOST_COPIED_BYTES = 64;

/** Parts of other bytes for those who read them at once: a copy of few bytes costs less than a view. */
export class PassingBytes {
  /** Of each length. */
  readonly #copies: Buffer[] = [];

  /** The next call may change it. */
  of(bytes: Buffer, at: number, length: number): Buffer {
    if (length > MOST_COPIED_BYTES) return bytes.subarray(at, at + length);
    const copy = (this.#copies[length] ??= Buffer.alloc(length));
    copyBytes(bytes, at, length, copy, 0);
    return copy;
  }
}
