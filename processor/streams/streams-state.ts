import { StreamsError } from './errors.ts';
import { Listeners } from './listeners.ts';
import type { Logger } from './logger.ts';

/*
 *   CREATED ──> STARTING ──> REBALANCING <──> RUNNING
 *      │           │              │              │
 *      │           └──────┬───────┴──────┬───────┘
 *      │                  v              v
 *      └──────────> PENDING_SHUTDOWN   ERROR
 *                         │              │
 *                         v              v
 *                    NOT_RUNNING    NOT_RUNNING
 */
export type StreamsState =
  'CREATED' | 'STARTING' | 'REBALANCING' | 'RUNNING' | 'PENDING_SHUTDOWN' | 'ERROR' | 'NOT_RUNNING';

const LEGAL_MOVES: Readonly<Record<StreamsState, readonly StreamsState[]>> = {
  CREATED: ['STARTING', 'PENDING_SHUTDOWN'],
  STARTING: ['REBALANCING', 'PENDING_SHUTDOWN', 'ERROR'],
  REBALANCING: ['RUNNING', 'PENDING_SHUTDOWN', 'ERROR'],
  RUNNING: ['REBALANCING', 'PENDING_SHUTDOWN', 'ERROR'],
  PENDING_SHUTDOWN: ['NOT_RUNNING'],
  ERROR: ['NOT_RUNNING', 'PENDING_SHUTDOWN'],
  NOT_RUNNING: [],
};

/** Called after a change of state. */
export type StateListener = (next: StreamsState, previous: StreamsState) => void;

/** The state of an application; a move that is not in the table is a bug in the runtime and throws. */
export class StreamsLifecycle {
  readonly #logger: Logger;
  readonly #listeners: Listeners<StateListener>;
  #state: StreamsState = 'CREATED';

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#listeners = new Listeners('onState', logger);
  }

  get state(): StreamsState {
    return this.#state;
  }

  /** Returns how to stop listening. */
  onState(listener: StateListener): () => void {
    return this.#listeners.add(listener);
  }

  to(next: StreamsState): void {
    const previous = this.#state;
    if (!LEGAL_MOVES[previous].includes(next))
      throw new StreamsError('THREAD_FAILED', `the application cannot go from ${previous} to ${next}`);
    this.#state = next;
    this.#logger.info({ from: previous, to: next }, 'state changed');
    this.#listeners.tell((listener) => listener(next, previous));
  }
}
