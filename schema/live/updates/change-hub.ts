import { Beats } from './shared-timers.ts';

/** What changed, as far as subscribers care: each names the topics that its answer is made of. */
export type ChangeTopic = 'states' | 'minutes' | 'hours' | 'quality' | 'processor' | 'completeness' | 'progress';

/** How long listeners are woken before everything else has a turn. */
const SLICE_MS = 10;

/**
 * Tells subscribers that something changed, never what: they look for themselves when it is their turn. Changes that
 * come in one go of the event loop are told once, so a commit that touches several changelogs is one update.
 */
export class ChangeHub {
  readonly beats = new Beats();
  readonly #listeners = new Map<() => void, ReadonlySet<ChangeTopic>>();
  readonly #changed = new Set<ChangeTopic>();
  #scheduled: NodeJS.Immediate | null = null;

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Returns the function that ends it. `wake` must not throw. */
  listen(topics: readonly ChangeTopic[], wake: () => void): () => void {
    this.#listeners.set(wake, new Set(topics));
    return () => void this.#listeners.delete(wake);
  }

  notify(topic: ChangeTopic): void {
    this.#changed.add(topic);
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = null;
      const changed = [...this.#changed];
      this.#changed.clear();
      this.#wake(this.#listeners.entries(), changed);
    });
  }

  /** Whoever stops to listen meanwhile is no longer among `listeners`. */
  #wake(listeners: IterableIterator<[() => void, ReadonlySet<ChangeTopic>]>, changed: readonly ChangeTopic[]): void {
    const untilMs = performance.now() + SLICE_MS;
    for (let next = listeners.next(); next.done !== true; next = listeners.next()) {
      const [wake, topics] = next.value;
      if (!changed.some((one) => topics.has(one))) continue;
      wake();
      if (performance.now() > untilMs) return void setImmediate(() => this.#wake(listeners, changed));
    }
  }

  close(): void {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    this.#listeners.clear();
    this.beats.close();
  }
}
