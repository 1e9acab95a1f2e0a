/**
 * What was made for one subscriber and is the same for others, for as long as others may ask for it: until the end of
 * this turn of the event loop, in which all are woken. Kept longer it would cost memory for nothing, since the next
 * turn has another state.
 */
export class SharedUpdates {
  readonly #made = new Map<string, unknown>();

  /** `key` must name everything that `make` depends on. The same object comes back for the same key. */
  of<T>(key: string, make: () => T): T {
    if (this.#made.has(key)) return this.#made.get(key) as T;
    const made = make();
    if (this.#made.size === 0) setImmediate(() => this.#made.clear());
    this.#made.set(key, made);
    return made;
  }
}
