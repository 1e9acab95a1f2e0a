import type { UpdateSource } from './conflating-iterator.ts';
import type { AnyLiveModel } from '../tables/live-model.ts';

/** Sends a whole result whenever it differs from the last one in what is compared. */
export class ResultUpdates<T> implements UpdateSource<T> {
  readonly #model: AnyLiveModel;
  readonly #subject: string;
  readonly #make: () => T;
  readonly #compared: (result: T) => unknown;
  #sent: string | null = null;

  /**
   * `make`: of the model alone, and the same for every subscriber to `subject`. `compared`: the part of a result whose
   * change is worth an update, as plain data.
   */
  constructor(model: AnyLiveModel, subject: string, make: () => T, compared: (result: T) => unknown) {
    this.#model = model;
    this.#subject = subject;
    this.#make = make;
    this.#compared = compared;
  }

  nextUpdate(): T | null {
    const { result, text } = this.#model.shared(this.#subject, () => {
      const made = this.#make();
      return { result: made, text: JSON.stringify(this.#compared(made)) };
    });
    if (text === this.#sent) return null;
    this.#sent = text;
    return result;
  }
}
