/** So many records since the last commit mean that the thread is catching up. */
const CATCHING_UP_RECORDS = 2_000;
/** With little to do, a task waits so many times as long as its last commit took. */
const WAIT_FACTOR = 4;

interface PastCommit {
  readonly endedAt: number;
  readonly tookMs: number;
}

/**
 * When the tasks of a thread commit. `commitIntervalMs` is the longest that processed records wait.
 *
 * While the thread catches up, all tasks commit together once an interval: few, large transactions. With little to do,
 * the tasks of each sub-topology commit by themselves, and the sooner the quicker their last commit was: what one of
 * them sends is then committed by the next a few milliseconds later, and not an interval later. All times are of
 * `performance.now()`, which is never set back.
 */
export class CommitPace {
  readonly #intervalMs: number;
  readonly #past = new Map<number, PastCommit>();
  #lastEndedAt = -Infinity;
  #records = 0;
  #demanded = false;

  constructor(commitIntervalMs: number) {
    this.#intervalMs = commitIntervalMs;
  }

  /** When what a task of this sub-topology has processed is to be committed at the latest. */
  dueAt(subTopology: number): number {
    if (this.#demanded) return -Infinity;
    if (this.#records >= CATCHING_UP_RECORDS) return this.#lastEndedAt + this.#intervalMs;
    const past = this.#past.get(subTopology);
    return past === undefined ? -Infinity : past.endedAt + Math.min(this.#intervalMs, past.tookMs * WAIT_FACTOR);
  }

  processed(records: number): void {
    this.#records += records;
  }

  /** A buffer is full: everything is due now. */
  demand(): void {
    this.#demanded = true;
  }

  committed(subTopologies: Iterable<number>, startedAt: number, endedAt: number): void {
    for (const subTopology of subTopologies) this.#past.set(subTopology, { endedAt, tookMs: endedAt - startedAt });
    this.#lastEndedAt = endedAt;
    this.#records = 0;
    this.#demanded = false;
  }
}
