import type { UpdateSource } from './conflating-iterator.ts';
import type { AnyLiveModel } from '../tables/live-model.ts';

/** Sends a whole answer whenever what `essence` leaves of it is another one than last time. */
export class ResultUpdates<T> implements UpdateSource<T> {
  readonly #model: AnyLiveModel;
  readonly #subject: string;
  readonly #answer: () => T;
  readonly #essence: (answer: T) => unknown;
  #sent: string | null = null;

  /**
   * `answer`: of the model alone, and the same for every subscriber to `subject`. `essence`: what makes it worth
   * sending, as plain data.
   */
  constructor(model: AnyLiveModel, subject: string, answer: () => T, essence: (answer: T) => unknown) {
    this.#model = model;
    this.#subject = subject;
    this.#answer = answer;
    this.#essence = essence;
  }

  take(): T | null {
    const { answer, essence } = this.#model.shared(this.#subject, () => {
      const made = this.#answer();
      return { answer: made, essence: JSON.stringify(this.#essence(made)) };
    });
    if (essence === this.#sent) return null;
    this.#sent = essence;
    return answer;
  }
}
