import { messageOf } from './errors.ts';
import type { Logger } from './logger.ts';

/** Functions of the user's that are told of something. What one of them throws is logged, and ends nothing else. */
export class Listeners<L> {
  readonly #what: string;
  readonly #logger: Logger;
  readonly #listeners = new Set<L>();

  /** `what`: the name by which they were given, for the log. */
  constructor(what: string, logger: Logger) {
    this.#what = what;
    this.#logger = logger;
  }

  /** Returns how to stop listening. */
  add(listener: L): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `call` calls a listener; one that answers a promise is not waited for. */
  tell(call: (listener: L) => unknown): void {
    const failed = (error: unknown): void => {
      this.#logger.warn({ error: messageOf(error) }, `a listener of ${this.#what} failed`);
    };
    for (const listener of this.#listeners) {
      try {
        Promise.resolve(call(listener)).catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}
