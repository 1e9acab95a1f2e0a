/** Commits come at the pace of the application: a look at the offsets costs next to nothing. */
const LOOK_EVERY_MS = 10;

interface Wait {
  readonly isOver: () => boolean;
  readonly untilMs: number;
  readonly resolve: () => void;
}

/** Those who wait for a store to get somewhere, with one timer for all of them. */
export class PositionWaits {
  readonly #waits = new Set<Wait>();
  #timer: NodeJS.Timeout | undefined;

  /** Resolves when `isOver`, and after `waitMs` in any case. */
  until(isOver: () => boolean, waitMs: number): Promise<void> {
    if (waitMs <= 0 || isOver()) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waits.add({ isOver, untilMs: performance.now() + waitMs, resolve });
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS);
    return promise;
  }

  #look(): void {
    const now = performance.now();
    for (const wait of this.#waits) {
      if (now < wait.untilMs && !wait.isOver()) continue;
      this.#waits.delete(wait);
      wait.resolve();
    }
    if (this.#waits.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
