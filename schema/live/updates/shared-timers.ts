/** Short beside any pace that can be asked for (50 ms and more), long beside what it takes to serve everybody once. */
export const BEAT_MS = 10;

/** How long subscribers are woken before everything else has a turn: so many have as many different updates. */
const SLICE_MS = 10;

interface Beat {
  readonly timer: NodeJS.Timeout;
  readonly wakes: Set<(beatMs: number) => void>;
}

/**
 * Wakes subscribers whose time has come, together. Whoever is woken by one beat sees one state, so that an update can
 * be made, executed and written as text once for all of them; timers of their own would spread a thousand subscribers
 * over as many states.
 */
export class Beats {
  readonly #beats = new Map<number, Beat>();
  #closed = false;

  /**
   * Calls `wake` with the first beat that is not before `dueMs` (of `performance.now()`), which is when it should have
   * been called. `wake` must not throw. Returns the function that calls it off.
   */
  at(dueMs: number, wake: (beatMs: number) => void): () => void {
    const beatMs = Math.ceil(dueMs / BEAT_MS) * BEAT_MS;
    const known = this.#beats.get(beatMs);
    const beat = known ?? {
      timer: setTimeout(() => this.#strike(beatMs), Math.max(0, Math.ceil(beatMs - performance.now()))),
      wakes: new Set(),
    };
    if (known === undefined) this.#beats.set(beatMs, beat);
    beat.wakes.add(wake);
    return () => {
      beat.wakes.delete(wake);
      if (beat.wakes.size > 0 || this.#beats.get(beatMs) !== beat) return;
      clearTimeout(beat.timer);
      this.#beats.delete(beatMs);
    };
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#beats.values()) clearTimeout(timer);
    this.#beats.clear();
  }

  #strike(beatMs: number): void {
    const beat = this.#beats.get(beatMs);
    this.#beats.delete(beatMs);
    if (beat !== undefined) this.#wake(beat.wakes.values(), beatMs);
  }

  /** Whoever calls off meanwhile is no longer among `wakes`. */
  #wake(wakes: IterableIterator<(beatMs: number) => void>, beatMs: number): void {
    const untilMs = performance.now() + SLICE_MS;
    for (let next = wakes.next(); next.done !== true && !this.#closed; next = wakes.next()) {
      next.value(beatMs);
      if (performance.now() > untilMs) return void setImmediate(() => this.#wake(wakes, beatMs));
    }
  }
}
