import { createHash, type Hash } from 'node:crypto';
import { DeadLetter, type HeaderList, type WholePart, type WholeRecord } from '../topology/record.ts';
import { FetchedRecord, type BatchSource } from './fetched-record.ts';

const NO_BYTES = Buffer.alloc(0);

/** Of a key, of a value, and of all headers together. */
export const KEPT_BYTES = { key: 1_024, value: 16_384, headers: 16_384 } as const;

/** Why a record is not handed to its decoder. */
const TOO_LARGE_TO_READ = 'RECORD_TOO_LARGE_TO_READ';

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

/** A record of more bytes than are read: the beginning of its key and value, and what they were. */
export class CutRecord extends FetchedRecord {
  readonly #key: Buffer | null;
  readonly #value: Buffer | null;
  readonly #headers: HeaderList;
  readonly #cut: WholeRecord;
  readonly #unreadable: DeadLetter;

  constructor(
    source: BatchSource,
    offset: number,
    timestampDeltaMs: number,
    parts: { key: CutPart; value: CutPart; headers: { kept: HeaderList; leftOut: number } },
    unreadable: DeadLetter,
  ) {
    super(source, offset, timestampDeltaMs, 0, -1, 0, -1);
    this.#key = parts.key.kept;
    this.#value = parts.value.kept;
    this.#headers = parts.headers.kept;
    this.#cut = { key: parts.key.whole(), value: parts.value.whole(), headersLeftOut: parts.headers.leftOut };
    this.#unreadable = unreadable;
  }

  override get unreadable(): DeadLetter {
    return this.#unreadable;
  }

  override get cut(): WholeRecord {
    return this.#cut;
  }

  override get key(): Buffer | null {
    return this.#key;
  }

  override get value(): Buffer | null {
    return this.#value;
  }

  override get headerList(): HeaderList {
    return this.#headers;
  }

  override get hasNoHeaders(): boolean {
    return this.#headers.length === 0;
  }

  override get sizeBytes(): number {
    return (this.#key?.length ?? 0) + (this.#value?.length ?? 0);
  }

  override valueText(): string | null {
    return this.#value?.toString('utf8') ?? null;
  }

  override keyText(): string | null {
    return this.#key?.toString('utf8') ?? null;
  }
}

/** Of a record that is in memory: it must not stay there. */
export function cutRecord(
  { offset, key, value, headerList }: FetchedRecord,
  source: BatchSource,
  timestampDeltaMs: number,
  bytes: number,
  maxRecordBytes: number,
): CutRecord {
  const parts = { key: CutPart.of(key, KEPT_BYTES.key), value: CutPart.of(value), headers: cutHeaders(headerList) };
  return new CutRecord(
    { ...source, bytes: NO_BYTES },
    offset,
    timestampDeltaMs,
    parts,
    tooLargeToRead(bytes, maxRecordBytes),
  );
}
