import { storedBytes } from '../topology/user-code.ts';
import { Packed } from './packed-value.ts';
import type { CachedRow, StoreCache } from './record-cache.ts';
import type { StateStore } from './state-store.ts';
import { readRow } from './stored-row.ts';
import { NO_TIME, timedBytes, timeOfText, untimed } from './timed-row.ts';
import type { StoreSpec, TableRow } from './typed-store.ts';

interface RowReaderOptions<V> extends Pick<StoreSpec<V>, 'name' | 'serde' | 'timed'> {
  readonly committed: StateStore;
  readonly cache: StoreCache;
  /** The row's key on disk. */
  readonly keyOf: (id: string, group: number) => Buffer;
}

/** An uncommitted write, as far as the cache is concerned. */
interface WrittenRow {
  /** The row as `flushed` gave it; undefined when it has not, or has been written to since. */
  readonly flushed: string | null | undefined;
}

/**
 * The committed rows of one store: out of the cache, or else out of the committed state. They are kept as bytes, out of
 * which each read makes a value of its own, as a shared object would let a caller change state that it never put; a
 * value that nobody can change is made once.
 */
export class RowReader<V> {
  readonly #name: string;
  readonly #serde: StoreSpec<V>['serde'];
  readonly #timed: boolean;
  readonly #committed: StateStore;
  readonly #cache: StoreCache;
  readonly #keyOf: (id: string, group: number) => Buffer;

  constructor({ name, serde, timed = false, committed, cache, keyOf }: RowReaderOptions<V>) {
    this.#name = name;
    this.#serde = serde;
    this.#timed = timed;
    this.#committed = committed;
    this.#cache = cache;
    this.#keyOf = keyOf;
  }

  /** `group`: as in CachedRow. */
  read(id: string, group = 0): CachedRow {
    const known = this.#cache.get(id, group);
    if (known !== undefined) return known;
    const bytes = this.#committed.get(this.#name, this.#keyOf(id, group));
    return this.#cache.keep(id, bytes === undefined ? null : bytes.toString('latin1'), group);
  }

  /** Without a read of the committed state. */
  peek(id: string, group = 0): CachedRow | undefined {
    return this.#cache.peek(id, group);
  }

  /** Undefined: there is no row. */
  valueOf(row: CachedRow): V | undefined {
    if (row.value !== undefined) return row.value as V;
    const bytes = row.bytes();
    if (bytes === null) return undefined;
    const value = readRow(this.#name, this.#serde, row.id, this.#timed ? untimed(bytes) : bytes);
    this.#cache.share(row, value);
    return value;
  }

  rowOf(row: CachedRow): TableRow<V> | undefined {
    if (row.text === null) return undefined;
    return { value: this.valueOf(row) as V, timestampMs: this.#timed ? timeOfText(row.text) : NO_TIME };
  }

  /** A row as it is on disk. @throws NodeFailure naming the store, for what its serde throws. */
  bytesOf(value: V | Packed, timestampMs: number): Buffer {
    const bytes = value instanceof Packed ? value.bytes : storedBytes(this.#name, this.#serde, value);
    return this.#timed ? timedBytes(timestampMs, bytes) : bytes;
  }

  /** What a row that goes into a commit will be. As text: a serde may go on changing its bytes. */
  flushed(bytes: Buffer | null): string | null | undefined {
    if (!this.#cache.isOpen) return undefined;
    return bytes === null ? null : bytes.toString('latin1');
  }

  /** A write is over. `isCommitted`: all that was flushed is; else it is undone, or nobody knows. */
  settle({ flushed }: WrittenRow, isCommitted: boolean, id: string, group = 0): void {
    // mutant: cache-only-committed
    if (isCommitted && flushed !== undefined) this.#cache.keep(id, flushed, group);
    else this.#cache.forget(id, group);
  }

  close(): void {
    this.#cache.close();
  }
}
