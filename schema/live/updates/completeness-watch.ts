import type { AnyLiveModel } from '../tables/live-model.ts';

/**
 * Whether `freshness.complete`, or whether `freshness.lag` is known, has changed for good since a subscriber was last
 * told.
 */
export class CompletenessWatch {
  readonly #model: AnyLiveModel;
  #told: string | null = null;

  constructor(model: AnyLiveModel) {
    this.#model = model;
  }

  changed(): boolean {
    const { toldWholeness, wholeness } = this.#model;
    return this.#told !== null && wholeness !== this.#told && wholeness === toldWholeness;
  }

  told(): void {
    this.#told = this.#model.wholeness;
  }
}
