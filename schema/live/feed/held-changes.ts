import {
  type GlobalTableState,
  type Logger,
  type StreamsError,
  type TableChange,
  topicPartition,
} from '@tributary/streams';
import { messageOf, untilRegistryAnswers } from '@tributary/streams/operations';
import type { LiveModel, UnappliedChanges } from '../tables/live-model.ts';

export interface HeldChangesOptions {
  readonly model: Pick<LiveModel, 'applyUntil'>;
  readonly logger: Logger;
  /** Called when `reason` may be another one. */
  readonly onReason: () => void;
  /** Default: `untilRegistryAnswers`. */
  readonly untilAnswers?: typeof untilRegistryAnswers;
}

interface Held {
  error: StreamsError;
  readonly ending: AbortController;
}

/**
 * Applies records to a model. Where a serde needs a schema that its registry does not give, the records of that
 * partition wait for it, in their order: none is left out, and nothing ends.
 */
export class HeldChanges {
  readonly #options: Required<HeldChangesOptions>;
  /** By topic and partition. */
  readonly #held = new Map<string, Held>();

  constructor(options: HeldChangesOptions) {
    this.#options = { untilAnswers: untilRegistryAnswers, ...options };
  }

  /** Why some records wait, in one line; null when none does. */
  get reason(): string | null {
    const [first] = this.#held.values();
    if (first === undefined) return null;
    const places = [...this.#held.keys()];
    return `${first.error.code}: ${messageOf(first.error)}; what is read of ${places.join(', ')} waits for it`;
  }

  /** What the state of a copy is while something waits. */
  shown(state: GlobalTableState): GlobalTableState {
    const { reason } = this;
    return reason === null ? state : { ...state, complete: false, reason };
  }

  /**
   * Records of one partition. The promise settles when all of them are applied, or their partition was reset: until
   * then no others of it may come.
   */
  apply(changes: readonly TableChange[]): Promise<void> | undefined {
    const unapplied = this.#options.model.applyUntil(changes);
    return unapplied === null ? undefined : this.#hold(unapplied);
  }

  async #hold(unapplied: UnappliedChanges): Promise<void> {
    const { model, logger, onReason, untilAnswers } = this.#options;
    const { topic, partition } = unapplied.changes[0];
    const held: Held = { error: unapplied.error, ending: new AbortController() };
    const { signal } = held.ending;
    const place = topicPartition(topic, partition);
    this.#held.set(place, held);
    logger.error(
      { topic, partition, offset: unapplied.changes[0].offset, code: held.error.code, error: held.error.message },
      'the schema registry gives no schema that this record needs: it and those behind it wait, and this API is not ' +
        'ready meanwhile',
    );
    for (let rest: UnappliedChanges | null = unapplied; rest !== null; rest = model.applyUntil(rest.changes, rest)) {
      held.error = rest.error;
      onReason();
      await untilAnswers(rest.error, signal);
      if (signal.aborted) return;
    }
    this.#held.delete(place);
    logger.info({ topic, partition }, 'the schema registry answers: what waited for it is applied');
    onReason();
  }

  /** What waits of that partition is forgotten: it is read anew. */
  reset(topic: string, partition: number): void {
    this.#end(topicPartition(topic, partition));
  }

  close(): void {
    for (const place of [...this.#held.keys()]) this.#end(place);
  }

  #end(place: string): void {
    const held = this.#held.get(place);
    if (held === undefined) return;
    this.#held.delete(place);
    held.ending.abort();
    this.#options.onReason();
  }
}
