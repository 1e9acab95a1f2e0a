import { Beats } from './beats.ts';

/** What changed, as far as subscribers care: each names the topics that its answer is made of. */
export type ChangeTopic = 'states' | 'minutes' | 'hours' | 'quality' | 'processor' | 'completeness';

/**
 * Tells subscribers that something changed, never what: they look for themselves when it is their turn. Changes that come
 * in one go of the event loop are told once, so a commit that touches several changelogs is one update.
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
      for (const [wake, topics] of this.#listeners) if (changed.some((one) => topics.has(one))) wake();
    });
  }

  close(): void {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    this.#listeners.clear();
    this.beats.close();
  }
}
