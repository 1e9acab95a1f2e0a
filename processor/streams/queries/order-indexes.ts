import type { StateStore } from '../store/state-store.ts';
import { OrderIndex, type OrderIndexOptions } from './order-index.ts';

/** One that nobody has asked for so long is given up: it costs memory, and a read for each changed row. */
const UNUSED_MS = 600_000;
const LOOK_EVERY_MS = 60_000;

interface Opened {
  readonly index: Promise<OrderIndex>;
  usedAtMs: number;
}

/** The orders in which the rows of one thread's tasks are asked for. */
export class OrderIndexes {
  /** By their names, of each store that is open. */
  readonly #byStore = new Map<StateStore, Map<string, Opened>>();
  #timer: NodeJS.Timeout | undefined;

  /** Resolves when all rows have been read. @throws what the store throws. */
  async of(state: StateStore, options: OrderIndexOptions): Promise<OrderIndex> {
    const { store, field, type, descending } = options;
    const name = JSON.stringify([store, field, type, descending]);
    const indexes = this.#byStore.get(state) ?? new Map<string, Opened>();
    this.#byStore.set(state, indexes);
    let opened = indexes.get(name);
    if (opened === undefined) {
      opened = { index: OrderIndex.open(state, options), usedAtMs: 0 };
      indexes.set(name, opened);
    }
    opened.usedAtMs = performance.now();
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
    try {
      const index = await opened.index;
      await index.settled();
      if (!index.isLost) return index;
    } catch (error) {
      if (indexes.get(name) === opened) indexes.delete(name);
      throw error;
    }
    if (indexes.get(name) === opened) indexes.delete(name);
    return this.of(state, options);
  }

  /** Of a store that is closed, and of what nobody asks for any more. */
  #look(): void {
    for (const [state, indexes] of this.#byStore) {
      for (const [name, { index, usedAtMs }] of indexes) {
        if (performance.now() - usedAtMs < UNUSED_MS) continue;
        indexes.delete(name);
        void index.then((unused) => unused.close()).catch(() => undefined);
      }
      if (indexes.size === 0) this.#byStore.delete(state);
    }
    if (this.#byStore.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
