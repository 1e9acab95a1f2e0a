/** So many records since the last commit mean that the thread is catching up. */
const CATCHING_UP_RECORDS = 2_000;
/** With little to do, a task waits so many times as long as its last commit took. */
const WAIT_FACTOR = 4;
/** What a commit has sent is waited for so many times as long as that commit took. */
const ARRIVAL_FACTOR = 2;

interface PastCommit {
  readonly endedAt: number;
  readonly tookMs: number;
}

/** What tasks of one sub-topology have sent to tasks of another one of the same thread. */
interface HandOver {
  readonly giveUpAt: number;
  /** Up to where it is still to be fetched, by `topic-partition`. */
  readonly missing: Map<string, number>;
}

/** That a commit of a task of `from` has sent records for a task of `to`, which end before this offset. */
export interface SentRecords {
  readonly from: number;
  readonly to: number;
  /** `topic-partition` */
  readonly name: string;
  readonly nextOffset: number;
}

/**
 * When the tasks of a thread commit. `commitIntervalMs` is the longest that processed records wait, but for what a
 * commit that took long itself has sent on: it is waited for up to an interval.
 *
 * While the thread catches up, all tasks commit together once an interval: few, large transactions. With little to do,
 * the tasks of each sub-topology commit by themselves, and the sooner the quicker their last commit was. What a commit
 * sends to later sub-topologies is committed there as soon as all of it has been fetched: by a clock of their own it
 * would wait for half of their pause, and a commit that begins before would leave the rest to the one after it. The
 * pause of the first then goes by the slowest of them, so that none commits more often than by itself; one that several
 * send to commits as often as they do together. All times are of `performance.now()`, which is never set back.
 */
export class CommitPace {
  readonly #intervalMs: number;
  readonly #past = new Map<number, PastCommit>();
  /** By sub-topology: what is, or was, sent to it since its last commit began. */
  readonly #handedOver = new Map<number, HandOver>();
  /** By sub-topology: those that its last commit has sent to; later ones, for a circle would commit without a pause. */
  readonly #followers = new Map<number, Set<number>>();
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
    const handedOver = this.#handedOver.get(subTopology);
    if (handedOver !== undefined) return handedOver.missing.size === 0 ? -Infinity : handedOver.giveUpAt;
    const past = this.#past.get(subTopology);
    return past === undefined
      ? -Infinity
      : past.endedAt + Math.min(this.#intervalMs, this.#slowestMs(subTopology) * WAIT_FACTOR);
  }

  processed(records: number): void {
    this.#records += records;
  }

  /** An input of a task has been fetched up to here. */
  fetched(subTopology: number, name: string, nextOffset: number): void {
    const missing = this.#handedOver.get(subTopology)?.missing;
    if (missing !== undefined && nextOffset >= (missing.get(name) ?? Infinity)) missing.delete(name);
  }

  /** A buffer is full: everything is due now. */
  demand(): void {
    this.#demanded = true;
  }

  committed(
    subTopologies: Iterable<number>,
    { startedAt, endedAt, sent = [] }: { startedAt: number; endedAt: number; sent?: readonly SentRecords[] },
  ): void {
    const tookMs = endedAt - startedAt;
    for (const subTopology of subTopologies) {
      this.#past.set(subTopology, { endedAt, tookMs });
      this.#handedOver.delete(subTopology);
      this.#followers.delete(subTopology);
    }
    for (const records of sent) this.#handOver(records, endedAt + Math.min(this.#intervalMs, tookMs * ARRIVAL_FACTOR));
    this.#lastEndedAt = endedAt;
    this.#records = 0;
    this.#demanded = false;
  }

  #handOver({ from, to, name, nextOffset }: SentRecords, giveUpAt: number): void {
    if (from >= to) return;
    const known = this.#handedOver.get(to);
    const missing = known?.missing ?? new Map<string, number>();
    // What is waited for already is not waited for longer: several that send in turn would put it off for ever.
    const wanted = known === undefined || missing.size === 0 ? giveUpAt : Math.min(known.giveUpAt, giveUpAt);
    missing.set(name, Math.max(nextOffset, missing.get(name) ?? 0));
    this.#handedOver.set(to, { giveUpAt: wanted, missing });
    const followers = this.#followers.get(from);
    if (followers === undefined) this.#followers.set(from, new Set([to]));
    else followers.add(to);
  }

  /** How long the last commit took of this one, or of one behind it that took longer. */
  #slowestMs(subTopology: number): number {
    let slowest = this.#past.get(subTopology)?.tookMs ?? 0;
    for (const follower of this.#followers.get(subTopology) ?? [])
      slowest = Math.max(slowest, this.#slowestMs(follower));
    return slowest;
  }
}
