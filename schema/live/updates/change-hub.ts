import { SharedTimers } from './shared-timers.ts';

/** What changes in every model beside its tables. */
type ModelTopic = 'processor' | 'completeness' | 'progress';

/** What changed, as far as subscribers care: a table by its name, or a part of the model. */
export type ChangeTopic<TableName extends string = string> = TableName | ModelTopic;

/** After waking listeners for so long, the event loop is let go. */
const SLICE_MS = 10;

/**
 * Wakes subscribers when something changed, and never says what: each looks for itself when it is woken. Changes of one
 * turn of the event loop wake once, so a commit that touches several changelogs is one update.
 */
export class ChangeHub<TableName extends string = string> {
  readonly timers = new SharedTimers();
  readonly #listeners = new Map<() => void, ReadonlySet<ChangeTopic<TableName>>>();
  readonly #changed = new Set<ChangeTopic<TableName>>();
  #scheduled: NodeJS.Immediate | null = null;

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Calls `wake` when one of `topics` changed; it must not throw. Returns the function that ends it. */
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

  /** A listener that was removed meanwhile is no longer among `listeners`. */
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
    this.timers.close();
  }
}
