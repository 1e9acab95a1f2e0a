import { dataKey, storeEnd, storePrefix } from './data-key.ts';
import type { StoreOffsets, StoreSnapshot } from './state-store.ts';

interface Closed {
  close(): Promise<void>;
}

/** What of LevelDB is read through a snapshot. */
interface ReadThroughSnapshot<Snapshot> {
  getMany(keys: Buffer[], options: { snapshot: Snapshot }): Promise<(Buffer | undefined)[]>;
  iterator(options: {
    gte: Buffer;
    lt: Buffer;
    reverse: boolean;
    snapshot: Snapshot;
    highWaterMarkBytes: number;
  }): Closed & { nextv(size: number): Promise<[Buffer, Buffer][]> };
}

/** Entries fetched at a time: a reader that wants a few is not to pay for many. */
const CHUNK = 100;
const CHUNK_BYTES = 1 << 18;

/** A snapshot of LevelDB's own: later batches are not seen through it. */
export class LevelDbSnapshot<Snapshot extends Closed> implements StoreSnapshot {
  readonly offsets: StoreOffsets;
  readonly #db: ReadThroughSnapshot<Snapshot>;
  readonly #snapshot: Snapshot;
  readonly #failed: (error: unknown) => Error;

  /** `failed`: what the store throws for an error of LevelDB. */
  constructor(
    db: ReadThroughSnapshot<Snapshot>,
    snapshot: Snapshot,
    offsets: StoreOffsets,
    failed: (error: unknown) => Error,
  ) {
    this.#db = db;
    this.#snapshot = snapshot;
    this.offsets = offsets;
    this.#failed = failed;
  }

  async getMany(store: string, keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]> {
    try {
      return await this.#db.getMany(
        keys.map((key) => dataKey(store, key)),
        { snapshot: this.#snapshot },
      );
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async *entries(store: string, from?: Buffer, to?: Buffer, reverse = false): AsyncIterable<[Buffer, Buffer]> {
    const prefixBytes = storePrefix(store).length;
    const iterator = this.#db.iterator({
      gte: from === undefined ? storePrefix(store) : dataKey(store, from),
      lt: to === undefined ? storeEnd(store) : dataKey(store, to),
      reverse,
      snapshot: this.#snapshot,
      highWaterMarkBytes: CHUNK_BYTES,
    });
    try {
      for (;;) {
        const chunk = await iterator.nextv(CHUNK);
        if (chunk.length === 0) return;
        for (const [key, value] of chunk) yield [key.subarray(prefixBytes), value];
      }
    } catch (error) {
      throw this.#failed(error);
    } finally {
      await iterator.close();
    }
  }

  close(): Promise<void> {
    return this.#snapshot.close();
  }
}
