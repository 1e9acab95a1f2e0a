import { createHash, type Hash } from 'node:crypto';
import { DeadLetter, type HeaderList, type WholePart } from '../topology/record.ts';

/** Of a key, of a value, and of all headers together. */
export const KEPT_BYTES = { key: 1_024, value: 16_384, headers: 16_384 } as const;

/** Why a record is not handed to its decoder. */
export const TOO_LARGE_TO_READ = 'RECORD_TOO_LARGE_TO_READ';

/** @param bytes of the record, unpacked. */
export function tooLargeToRead(bytes: number, maxRecordBytes: number): DeadLetter {
  return new DeadLetter(
    TOO_LARGE_TO_READ,
    `the record has ${String(bytes)} bytes unpacked, and maxRecordBytes is ${String(maxRecordBytes)}`,
  );
}

/** The beginning of a key or value, and what the whole was. */
export class CutPart {
  #length = 0;
  #keptLength = 0;
  readonly #most: number;
  readonly #kept: Buffer | null;
  readonly #hash: Hash = createHash('sha256');

  /** @param length of the whole; null for Kafka's null. */
  constructor(length: number | null, mostBytes: number = KEPT_BYTES.value) {
    this.#most = mostBytes;
    this.#kept = length === null ? null : Buffer.alloc(Math.min(length, mostBytes));
  }

  static of(bytes: Buffer | null, mostBytes?: number): CutPart {
    const part = new CutPart(bytes?.length ?? null, mostBytes);
    if (bytes !== null) part.add(bytes);
    return part;
  }

  add(bytes: Buffer): void {
    this.#hash.update(bytes);
    if (this.#kept !== null && this.#keptLength < this.#most)
      this.#keptLength += bytes.copy(this.#kept, this.#keptLength);
    this.#length += bytes.length;
  }

  get kept(): Buffer | null {
    return this.#kept;
  }

  /** Null when nothing is cut. */
  whole(): WholePart | null {
    return this.#length <= this.#most ? null : { bytes: this.#length, sha256: this.#hash.copy().digest('hex') };
  }
}

/** All headers, or none where they are too many bytes. */
export function cutHeaders(
  headers: HeaderList,
  mostBytes: number = KEPT_BYTES.headers,
): { readonly kept: HeaderList; readonly leftOut: number } {
  const bytes = headers.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + (value?.length ?? 0), 0);
  if (bytes > mostBytes) return { kept: [], leftOut: headers.length };
  return { kept: headers.map(([name, value]) => [name, value === null ? null : Buffer.from(value)]), leftOut: 0 };
}
