/** The total by the second, newest last: what the rate and its small line are made from. Bounded. */
export class RateRing {
  readonly capacity: number;
  readonly #totals: Float64Array;
  readonly #times: Float64Array;
  #count = 0;

  /** @param capacity seconds to remember */
  constructor(capacity: number) {
    this.capacity = capacity;
    this.#totals = new Float64Array(capacity + 1);
    this.#times = new Float64Array(capacity + 1);
  }

  get length(): number {
    return Math.min(this.#count, this.#totals.length);
  }

  /** Forgets everything: the total jumped for another reason than logins coming in. */
  reset(): void {
    this.#count = 0;
  }

  /** Notes the total at a moment (epoch milliseconds). A total that shrank belongs to another count: starts over. */
  push(atMs: number, total: number): void {
    if (this.#count > 0 && total < this.#total(0)) this.reset();
    const slot = this.#count % this.#totals.length;
    this.#totals[slot] = total;
    this.#times[slot] = atMs;
    this.#count += 1;
  }

  #at(column: Float64Array, back: number): number {
    return column[(this.#count - 1 - back) % column.length] ?? 0;
  }

  #total(back: number): number {
    return this.#at(this.#totals, back);
  }

  /** Logins a second over the last `seconds` samples, or what there is of them; null below two samples. */
  rate(seconds: number): number | null {
    const back = Math.min(seconds, this.length - 1);
    if (back < 1) return null;
    const elapsedMs = this.#at(this.#times, 0) - this.#at(this.#times, back);
    return elapsedMs <= 0 ? null : ((this.#total(0) - this.#total(back)) * 1000) / elapsedMs;
  }

  /** Logins a second between neighbouring samples, oldest first. */
  steps(): number[] {
    const steps: number[] = [];
    for (let back = this.length - 2; back >= 0; back -= 1) {
      const elapsedMs = this.#at(this.#times, back) - this.#at(this.#times, back + 1);
      steps.push(elapsedMs <= 0 ? 0 : ((this.#total(back) - this.#total(back + 1)) * 1000) / elapsedMs);
    }
    return steps;
  }
}
