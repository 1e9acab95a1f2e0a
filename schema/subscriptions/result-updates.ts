import type { UpdateSource } from '../live/conflating-iterator.ts';

/** Sends a whole answer whenever what `essence` leaves of it is another one than last time. */
export class ResultUpdates<T> implements UpdateSource<T> {
  readonly #answer: () => T;
  readonly #essence: (answer: T) => unknown;
  #sent: string | null = null;

  /** `essence`: the part that makes an answer worth sending, as plain data. */
  constructor(answer: () => T, essence: (answer: T) => unknown) {
    this.#answer = answer;
    this.#essence = essence;
  }

  take(): T | null {
    const answer = this.#answer();
    const essence = JSON.stringify(this.#essence(answer));
    if (essence === this.#sent) return null;
    this.#sent = essence;
    return answer;
  }
}
