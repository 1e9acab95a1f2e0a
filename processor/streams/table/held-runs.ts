/** Runs of records that were handed over and are not applied yet: one of a partition, which is not read meanwhile. */
export class HeldRuns {
  readonly #held = new Map<string, PromiseLike<unknown>>();

  get size(): number {
    return this.#held.size;
  }

  has(name: string): boolean {
    return this.#held.has(name);
  }

  /** `onApplied` is called when the promise is fulfilled, unless the run was dropped; a rejection is nobody's. */
  add(name: string, applied: PromiseLike<unknown>, onApplied: () => void): void {
    this.#held.set(name, applied);
    void applied.then(() => {
      if (this.#held.get(name) !== applied) return;
      this.#held.delete(name);
      onApplied();
    });
  }

  /** Returns whether there was one. */
  drop(name: string): boolean {
    return this.#held.delete(name);
  }

  clear(): void {
    this.#held.clear();
  }
}
