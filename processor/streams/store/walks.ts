/** Iterators of one store that are under way. */
export class Walks {
  readonly #store: string;
  /** Those that have begun and are neither at their end nor closed. */
  #walking = 0;
  /** Of the writes that are not committed: iterators of before do not go on. */
  #generation = 0;

  constructor(store: string) {
    this.#store = store;
  }

  /** A row is written or deleted. @throws TypeError while an iterator is under way. */
  wrote(): void {
    // mutant: written-while-walking
    if (this.#walking > 0)
      throw new TypeError(
        `the store "${this.#store}" is written to while it is gone through: first read the iterator to its end, or ` +
          `close it with return()`,
      );
  }

  *over<T>(items: Iterable<T>): Generator<T, void> {
    const generation = this.#generation;
    this.#walking += 1;
    try {
      for (const item of items) {
        yield item;
        if (generation !== this.#generation)
          throw new TypeError(
            `an iterator of the store "${this.#store}" is read on after a commit: it is no longer good`,
          );
      }
    } finally {
      if (generation === this.#generation) this.#walking -= 1;
    }
  }

  /** The uncommitted writes are committed or undone. */
  settled(): void {
    this.#generation += 1;
    this.#walking = 0;
  }
}
