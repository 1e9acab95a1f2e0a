/** Work of more than this cost is heavy: some milliseconds, and as much again to write its result. */
const HEAVY_COST = 1_000;
/** How long light work may go on within one turn of the event loop. */
const SLICE_MS = 5;

/**
 * Spreads work over turns of the event loop: light work together for a few milliseconds, heavy work one piece a turn,
 * each in the order in which it came. Everything else is served between two turns: a probe waits for one piece of work
 * and not for all that was asked for.
 */
export class WorkQueue {
  readonly #light: (() => void)[] = [];
  readonly #heavy: (() => void)[] = [];
  #spentMs = 0;
  #isNextTurnSet = false;

  /** Returns what `work` returns: at once where this turn has room for it, else as a promise. */
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
    this.#setNextTurn();
    try {
      return work();
    } finally {
      this.#spentMs += isHeavy ? SLICE_MS : performance.now() - startedAtMs;
    }
  }

  #turn(): void {
    this.#isNextTurnSet = false;
    this.#spentMs = 0;
    while (this.#spentMs < SLICE_MS && this.#light.length > 0) this.#light.shift()?.();
    this.#heavy.shift()?.();
    if (this.#light.length + this.#heavy.length > 0) this.#setNextTurn();
  }

  #setNextTurn(): void {
    if (this.#isNextTurnSet) return;
    this.#isNextTurnSet = true;
    setImmediate(() => this.#turn());
  }
}
