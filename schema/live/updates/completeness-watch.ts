import type { AnyLiveModel } from '../tables/live-model.ts';

/**
 * Whether `freshness.complete`, or whether `freshness.lag` is known, has changed for good since the last update of a
 * subscriber.
 */
export class CompletenessWatch {
  readonly #model: AnyLiveModel;
  #sent: string | null = null;

  constructor(model: AnyLiveModel) {
    this.#model = model;
  }

  changed(): boolean {
    const { announcedCompleteness, completeness } = this.#model;
    return this.#sent !== null && completeness !== this.#sent && completeness === announcedCompleteness;
  }

  /** To be called with each update that is sent. */
  updated(): void {
    this.#sent = this.#model.completeness;
  }
}
