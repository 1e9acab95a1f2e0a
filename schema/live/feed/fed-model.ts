import type { GlobalTableState, Logger, TableChange } from '@tributary/streams';
import type { LiveModel } from '../tables/live-model.ts';
import { HeldChanges } from './held-changes.ts';

const TICK_MS = 1_000;

/** A model as what feeds it sees it. It is not complete while records wait for a schema that is away. */
export class FedModel {
  readonly #model: Pick<LiveModel, 'setTableState' | 'reset' | 'hub'>;
  readonly #held: HeldChanges;
  readonly #ticking: NodeJS.Timeout;
  /** As it was said, whatever waits. */
  #state: GlobalTableState;

  constructor(
    model: Pick<LiveModel, 'applyUntil' | 'tableState' | 'setTableState' | 'reset' | 'tick' | 'hub'>,
    logger: Logger,
  ) {
    this.#model = model;
    this.#state = model.tableState;
    this.#held = new HeldChanges({ model, logger, onReason: () => this.#show() });
    this.#ticking = setInterval(() => model.tick(), TICK_MS).unref();
  }

  /** As `HeldChanges.apply`. */
  apply(changes: readonly TableChange[]): Promise<void> | undefined {
    return this.#held.apply(changes);
  }

  reset(topic: string, partition: number): void {
    this.#held.reset(topic, partition);
    this.#model.reset(topic, partition);
  }

  setState(state: GlobalTableState): void {
    this.#state = state;
    this.#show();
  }

  close(): void {
    clearInterval(this.#ticking);
    this.#model.hub.close();
    this.#held.close();
  }

  #show(): void {
    this.#model.setTableState(this.#held.shown(this.#state));
  }
}
