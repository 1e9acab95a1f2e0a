/** A backlog older than this is not caught up with: after a stall logins go on at their rate, without a burst. */
const MOST_BEHIND_MS = 1_000;

/** Says how many events of a steady rate are due. Knows no clock: times are what the caller passes, in milliseconds. */
export class Pace {
  readonly #intervalMs: number;
  #nextMs: number;

  constructor(ratePerSecond: number, startMs: number) {
    this.#intervalMs = 1000 / ratePerSecond;
    this.#nextMs = startMs;
  }

  /** Takes what is due, at most `limit`. */
  take(nowMs: number, limit: number): number {
    if (nowMs < this.#nextMs) return 0;
    if (nowMs - this.#nextMs > Math.max(MOST_BEHIND_MS, this.#intervalMs)) this.#nextMs = nowMs;
    const due = Math.min(limit, Math.floor((nowMs - this.#nextMs) / this.#intervalMs) + 1);
    this.#nextMs += due * this.#intervalMs;
    return due;
  }

  /** How long until the next is due; 0 when one is due now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#nextMs - nowMs);
  }
}
