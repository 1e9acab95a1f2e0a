import { dataKey, storeEnd, storePrefix } from './data-key.ts';
import type { StoreOffsets, StoreSnapshot } from './state-store.ts';

interface Closed {
  close(): Promise<void>;
}

/** What of LevelDB is read through a snapshot. */
interface ReadThroughSnapshot<Snapshot> {
  getSync(key: Buffer, options: { snapshot: Snapshot }): Buffer | undefined;
  getMany(keys: Buffer[], options: { snapshot: Snapshot }): Promise<(Buffer | undefined)[]>;
  iterator(options: {
    gte: Buffer;
    lt: Buffer;
    reverse: boolean;
    snapshot: Snapshot;
    highWaterMarkBytes: number;
  }): Closed & { nextv(size: number): Promise<[Buffer, Buffer][]> };
}

/** Of a store without rows. */
export const EMPTY_SNAPSHOT_ROWS: Pick<StoreSnapshot, 'getMany' | 'entries' | 'close'> = {
  getMany: async (_store, keys) => keys.map(() => undefined),
  entries: async function* () {},
  close: async () => undefined,
};

/** Entries fetched at a time: a reader that wants a few is not to pay for many. */
const CHUNK = 100;
const CHUNK_BYTES = 1 << 18;

/** So few rows are read by the thread that asks: to hand them to another one and back takes longer. */
const MOST_READ_HERE = 16;
/** Rows that are not in memory take longer than this, each. */
const FROM_DISK_MS = 0.2;
/** A thread that has to wait for a core is slow as well, but not so often in a row. */
const SLOW_IN_A_ROW = 3;
const READ_ELSEWHERE_MS = 1_000;

/** Whether a store's rows are in memory at the moment: a thread that reads them is not to stand still for a disk. */
export class ReadPace {
  #slow = 0;
  #elsewhereUntilMs = -Infinity;

  /** Whether so many rows are to be read by the thread that asks for them. */
  isHere(rows: number): boolean {
    return rows <= MOST_READ_HERE && performance.now() >= this.#elsewhereUntilMs;
  }

  read(rows: number, tookMs: number): void {
    this.#slow = tookMs > Math.max(1, rows) * FROM_DISK_MS ? this.#slow + 1 : 0;
    if (this.#slow < SLOW_IN_A_ROW) return;
    this.#slow = 0;
    this.#elsewhereUntilMs = performance.now() + READ_ELSEWHERE_MS;
  }
}

/** A snapshot of LevelDB's own: later batches are not seen through it. */
export class LevelDbSnapshot<Snapshot extends Closed> implements StoreSnapshot {
  readonly offsets: StoreOffsets;
  readonly #db: ReadThroughSnapshot<Snapshot>;
  readonly #snapshot: Snapshot;
  readonly #failed: (error: unknown) => Error;
  readonly #pace: ReadPace;

  /** `failed`: what the store throws for an error of LevelDB. */
  constructor(
    db: ReadThroughSnapshot<Snapshot>,
    snapshot: Snapshot,
    offsets: StoreOffsets,
    failed: (error: unknown) => Error,
    pace: ReadPace,
  ) {
    this.#db = db;
    this.#snapshot = snapshot;
    this.offsets = offsets;
    this.#failed = failed;
    this.#pace = pace;
  }

  async getMany(store: string, keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]> {
    const options = { snapshot: this.#snapshot };
    const whole = keys.map((key) => dataKey(store, key));
    try {
      if (!this.#pace.isHere(whole.length)) return await this.#db.getMany(whole, options);
      const startedAt = performance.now();
      const rows = whole.map((key) => this.#db.getSync(key, options));
      this.#pace.read(whole.length, performance.now() - startedAt);
      return rows;
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
