import type { RowBuffer } from './row-buffer.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { encodeWindowKey, windowStartOf } from './window-key.ts';

/** Above every time, below 2^53. */
const END_OF_TIME = encodeWindowKey(Number.MAX_SAFE_INTEGER, '');

/** Appended to a key it gives the next possible key. */
const ONE_ZERO = Buffer.alloc(1);

interface ExpiryOptions {
  readonly name: string;
  readonly committed: StateStore;
  readonly rows: RowBuffer<unknown>;
  readonly ids: { idOfBytes(bytes: Buffer): string };
  /** The time of a row: its first 8 bytes on disk. */
  readonly timeOf: (id: string) => number;
}

/** Deletes the rows of a store whose keys begin with their time, the oldest first. */
export class RowExpiry {
  readonly #options: ExpiryOptions;
  /** No row that is alive, committed or buffered, has an earlier time. */
  #oldestMs = 0;

  constructor(options: ExpiryOptions) {
    this.#options = options;
  }

  /** A row is put. */
  put(id: string): void {
    const timeMs = this.#options.timeOf(id);
    if (timeMs < this.#oldestMs) this.#oldestMs = timeMs;
  }

  /** To be called before uncommitted writes are undone: what they deleted is alive again. */
  clear(): void {
    const { rows, timeOf } = this.#options;
    for (const id of rows.dirtyIds()) if (rows.isDeleted(id)) this.#oldestMs = Math.min(this.#oldestMs, timeOf(id));
  }

  /**
   * Deletes rows whose time is below `endMs`, at most `limit`, and answers their tombstones.
   * Not to be called during a commit: it reads committed and buffered rows, and none may move between them.
   */
  async expire(endMs: number, limit: number): Promise<StoreChange[]> {
    if (this.#oldestMs >= endMs || limit <= 0) return [];
    const { rows, timeOf } = this.#options;
    const buffered = [...rows.dirtyIds()].filter((id) => !rows.isDeleted(id));
    const due = [...(await this.#committedAlive(endMs, limit)), ...buffered.filter((id) => timeOf(id) < endMs)];
    const expired = due.sort((a, b) => timeOf(a) - timeOf(b)).slice(0, limit);
    const tombstones = expired.map((id) => rows.expire(id));
    if (expired.length === limit) {
      this.#oldestMs = timeOf(expired.at(-1) as string);
    } else {
      const left = buffered.map(timeOf).filter((timeMs) => timeMs >= endMs);
      this.#oldestMs = left.reduce((oldest, timeMs) => Math.min(oldest, timeMs), await this.#oldestCommitted(endMs));
    }
    return tombstones;
  }

  /** The first `limit` committed rows below `endMs` that have no buffered write. */
  async #committedAlive(endMs: number, limit: number): Promise<string[]> {
    const { name, committed, rows, ids } = this.#options;
    const alive: string[] = [];
    const to = encodeWindowKey(endMs, '');
    for (let from = encodeWindowKey(this.#oldestMs, ''); ;) {
      const page = await committed.keysBelow(name, to, limit, from);
      for (const bytes of page) {
        const id = ids.idOfBytes(bytes);
        if (!rows.isDirty(id)) alive.push(id);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < limit || alive.length >= limit) return alive;
      from = Buffer.concat([last, ONE_ZERO]);
    }
  }

  async #oldestCommitted(fromMs: number): Promise<number> {
    const { name, committed } = this.#options;
    const [first] = await committed.keysBelow(name, END_OF_TIME, 1, encodeWindowKey(fromMs, ''));
    return first === undefined ? Infinity : windowStartOf(first);
  }
}
