/**
 * Short beside any interval that can be asked for (50 ms and more), long beside what it takes to serve everybody once.
 */
export const TIMER_STEP_MS = 10;

/** After waking subscribers for so long, the event loop is let go: each may have another update to make. */
const SLICE_MS = 10;

interface Timer {
  readonly timeout: NodeJS.Timeout;
  readonly wakes: Set<(dueMs: number) => void>;
}

/**
 * Timers whose times are rounded up to a common step, so that subscribers wake together. All that one step wakes see
 * one state: an update is made, executed and written as text once for all of them. With a timer each, a thousand
 * subscribers would be spread over as many states.
 */
export class SharedTimers {
  readonly #timers = new Map<number, Timer>();
  #closed = false;

  /**
   * Calls `wake` at the first step that is not before `dueMs` (of `performance.now()`), with the time of that step.
   * `wake` must not throw. Returns the function that cancels it.
   */
  at(dueMs: number, wake: (stepMs: number) => void): () => void {
    const stepMs = Math.ceil(dueMs / TIMER_STEP_MS) * TIMER_STEP_MS;
    const known = this.#timers.get(stepMs);
    const timer = known ?? {
      timeout: setTimeout(() => this.#fire(stepMs), Math.max(0, Math.ceil(stepMs - performance.now()))),
      wakes: new Set(),
    };
    if (known === undefined) this.#timers.set(stepMs, timer);
    timer.wakes.add(wake);
    return () => {
      timer.wakes.delete(wake);
      if (timer.wakes.size > 0 || this.#timers.get(stepMs) !== timer) return;
      clearTimeout(timer.timeout);
      this.#timers.delete(stepMs);
    };
  }

  close(): void {
    this.#closed = true;
    for (const { timeout } of this.#timers.values()) clearTimeout(timeout);
    this.#timers.clear();
  }

  #fire(stepMs: number): void {
    const timer = this.#timers.get(stepMs);
    this.#timers.delete(stepMs);
    if (timer !== undefined) this.#wake(timer.wakes.values(), stepMs);
  }

  /** A subscriber that cancels meanwhile is no longer among `wakes`. */
  #wake(wakes: IterableIterator<(stepMs: number) => void>, stepMs: number): void {
    const untilMs = performance.now() + SLICE_MS;
    for (let next = wakes.next(); next.done !== true && !this.#closed; next = wakes.next()) {
      next.value(stepMs);
      if (performance.now() > untilMs) return void setImmediate(() => this.#wake(wakes, stepMs));
    }
  }
}
