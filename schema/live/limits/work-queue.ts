/** Work of more than this cost is heavy: some milliseconds, and as much again to write its result. */
const HEAVY_COST = 1_000;
/** How long light work goes on within one turn of the event loop. */
const SLICE_MS = 5;

/**
 * Work in turns of the event loop: what is light together for a few milliseconds, what is heavy alone, each in the
 * order in which it came. Between two turns everything else is served: a probe waits for one piece of work and not for
 * all that was asked for.
 */
export class Turns {
  readonly #light: (() => void)[] = [];
  readonly #heavy: (() => void)[] = [];
  #spentMs = 0;
  #isNextSet = false;

  /** Gives what `work` gives: at once where this turn has room for it, else as a promise. */
  run<T>(cost: number, work: () => T | Promise<T>): T | Promise<T> {
    const isHeavy = cost > HEAVY_COST;
    const waiting = isHeavy ? this.#heavy : this.#light;
    if (waiting.length === 0 && this.#spentMs < SLICE_MS) return this.#timed(isHeavy, work);
    return new Promise<T>((resolve, reject) => {
      waiting.push(() => {
        try {
          resolve(this.#timed(isHeavy, work));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  }

  #timed<T>(isHeavy: boolean, work: () => T): T {
    const startedAtMs = performance.now();
    this.#setNext();
    try {
      return work();
    } finally {
      this.#spentMs += isHeavy ? SLICE_MS : performance.now() - startedAtMs;
    }
  }

  #turn(): void {
    this.#isNextSet = false;
    this.#spentMs = 0;
    while (this.#spentMs < SLICE_MS && this.#light.length > 0) this.#light.shift()?.();
    this.#heavy.shift()?.();
    if (this.#light.length + this.#heavy.length > 0) this.#setNext();
  }

  #setNext(): void {
    if (this.#isNextSet) return;
    this.#isNextSet = true;
    setImmediate(() => this.#turn());
  }
}
