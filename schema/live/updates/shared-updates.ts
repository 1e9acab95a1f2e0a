/**
 * Updates that were made for one subscriber and are the same for others. They are kept until the end of this turn of
 * the event loop, in which all subscribers are woken; the next turn may have another state.
 */
export class SharedUpdates {
  readonly #made = new Map<string, unknown>();

  /** `key` must name everything that `make` depends on. The same key gives the same object. */
  of<T>(key: string, make: () => T): T {
    if (this.#made.has(key)) return this.#made.get(key) as T;
    const made = make();
    if (this.#made.size === 0) setImmediate(() => this.#made.clear());
    this.#made.set(key, made);
    return made;
  }
}
