/** So many records since the last commit mean that the thread is catching up. */
const CROWD_RECORDS = 2_000;
/** While there is little to do, commits may take at most one part in so many of the time. */
const COMMIT_SHARE = 4;

interface Past {
  readonly endedAt: number;
  readonly tookMs: number;
}

/**
 * When the tasks of a thread commit. `commitIntervalMs` is the longest that processed records wait.
 *
 * Catching up, all tasks commit together once an interval: few, large transactions. With little to do, the tasks of
 * each sub-topology go by themselves, and sooner the quicker their last commit was: what one commits is then committed
 * by the next a few milliseconds later and not an interval later. All times as of `performance.now()`, which no one
 * sets back.
 */
export class CommitPace {
  readonly #intervalMs: number;
  readonly #past = new Map<number, Past>();
  #lastEndedAt = -Infinity;
  #records = 0;
  #demanded = false;

  constructor(commitIntervalMs: number) {
    this.#intervalMs = commitIntervalMs;
  }

  /** When what a task of this sub-topology has processed is to be committed at the latest. */
  dueAt(subTopology: number): number {
    if (this.#demanded) return -Infinity;
    if (this.#records >= CROWD_RECORDS) return this.#lastEndedAt + this.#intervalMs;
    const past = this.#past.get(subTopology);
    return past === undefined ? -Infinity : past.endedAt + Math.min(this.#intervalMs, past.tookMs * COMMIT_SHARE);
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
