import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Decides when a thread may fence. A member that knows of a rebalance does not know any more which tasks are its own:
 * if it fenced one late, it would throw out the new owner. So the gate closes before the member joins again, waits for
 * fences under way, and opens when the new assignment is known.
 */
export class FenceGate {
  #open = true;
  readonly #underWay = new Set<Promise<unknown>>();
  #waiting: (() => void)[] = [];

  /** Runs `fence` once the gate is open. @throws what `signal` or `fence` throw. */
  async pass<T>(signal: AbortSignal, fence: () => Promise<T>): Promise<T> {
    // mutant: gate
    while (!this.#open) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      signal.throwIfAborted();
    }
    signal.throwIfAborted();
    const run = fence();
    this.#underWay.add(run);
    try {
      return await run;
    } finally {
      this.#underWay.delete(run);
    }
  }

  /** No fence starts from here on; resolves when none is under way, or after `timeoutMs`: the broker may be away. */
  async close(timeoutMs: number): Promise<void> {
    this.#open = false;
    await Promise.race([Promise.allSettled(this.#underWay), sleep(timeoutMs, undefined, { ref: false })]);
  }

  open(): void {
    this.#open = true;
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
