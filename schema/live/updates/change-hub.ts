import { Beats } from './shared-timers.ts';

/** What changes in every model beside its tables. */
export type ModelTopic = 'processor' | 'completeness' | 'progress';

/** What changed, as far as subscribers care: a table by its name, or a part of the model. */
export type ChangeTopic<TableName extends string = string> = TableName | ModelTopic;

/** How long listeners are woken before everything else has a turn. */
const SLICE_MS = 10;

/**
 * Tells subscribers that something changed, never what: they look for themselves when it is their turn. Changes that
 * come in one go of the event loop are told once, so a commit that touches several changelogs is one update.
 */
export class ChangeHub<TableName extends string = string> {
  readonly beats = new Beats();
  readonly #listeners = new Map<() => void, ReadonlySet<ChangeTopic<TableName>>>();
  readonly #changed = new Set<ChangeTopic<TableName>>();
  #scheduled: NodeJS.Immediate | null = null;

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Returns the function that ends it. `wake` must not throw. */
  listen(topics: readonly ChangeTopic<TableName>[], wake: () => void): () => void {
    this.#listeners.set(wake, new Set(topics));
    return () => void this.#listeners.delete(wake);
  }

  notify(topic: ChangeTopic<TableName>): void {
    this.#changed.add(topic);
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = null;
      const changed = [...this.#changed];
      this.#changed.clear();
      this.#wake(this.#listeners.entries(), changed);
    });
  }

  /** Whoever stops to listen meanwhile is no longer among `listeners`. */
  #wake(
    listeners: IterableIterator<[() => void, ReadonlySet<ChangeTopic<TableName>>]>,
    changed: readonly ChangeTopic<TableName>[],
  ): void {
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
