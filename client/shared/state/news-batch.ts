/**
 * Collects changes and applies them together, at most once in `everyMs`. The first after a quiet spell is applied at
 * once; six subscriptions that each report on their own beat then make one drawing, not six.
 */
export class NewsBatch<T> {
  readonly #everyMs: number;
  readonly #apply: (change: (value: T) => T) => void;
  #waiting: ((value: T) => T)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(everyMs: number, apply: (change: (value: T) => T) => void) {
    this.#everyMs = everyMs;
    this.#apply = apply;
  }

  add(change: (value: T) => T): void {
    this.#waiting.push(change);
    // A hidden tab's timers may be a minute apart: what waits stays bounded.
    if (this.#timer === undefined || this.#waiting.length >= MOST_WAITING) this.flush();
  }

  /** Applies what waits, whatever the time. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const changes = this.#waiting;
    this.#waiting = [];
    this.#apply((value) => changes.reduce((changed, change) => change(changed), value));
    this.#timer = setTimeout(() => this.flush(), this.#everyMs);
  }
}

const MOST_WAITING = 64;
