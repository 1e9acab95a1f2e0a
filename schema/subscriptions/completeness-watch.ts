import type { LiveModel } from '../live/live-model.ts';

/** Whether `freshness.complete` has changed for good since a subscriber was last told. */
export class CompletenessWatch {
  readonly #model: LiveModel;
  #told: boolean | null = null;

  constructor(model: LiveModel) {
    this.#model = model;
  }

  changed(): boolean {
    const { toldComplete, tableState } = this.#model;
    return this.#told !== null && tableState.complete !== this.#told && tableState.complete === toldComplete;
  }

  told(): void {
    this.#told = this.#model.tableState.complete;
  }
}
