/** A broker answers every half second: one that is silent for so long may have records that are not seen here. */
export const SILENT_AFTER_MS = 3_000;

/** Both clocks: the wall clock may be set, the other one stands still while the machine sleeps. */
export interface Clock {
  /** Epoch milliseconds. */
  wallMs(): number;
  /** Milliseconds from any point. */
  elapsedMs(): number;
}

interface Moment {
  readonly wallMs: number;
  readonly elapsedMs: number;
}

/** How far one partition of a global table has been read. */
export class PartitionProgress {
  position = 0;
  /** End of the committed records, as last heard; undefined before the first answer. */
  end: number | undefined = undefined;
  /** Wall clock, of when the copy last came from the partition's start to its end; null while it is on its way. */
  caughtUpAtMs: number | null = null;
  /** How long it took to come there. */
  scanMs = 0;
  #startedAt: Moment;
  #heardAt: Moment;
  #wholeAt: Moment | null = null;

  constructor(clock: Clock) {
    this.#startedAt = momentOf(clock);
    this.#heardAt = this.#startedAt;
  }

  /** Of the last answer, by the clock that nobody sets. */
  get heardAtMs(): number {
    return this.#heardAt.elapsedMs;
  }

  /** An answer: everything before `nextOffset` has been read, and the committed records end at `end`. */
  heard(nextOffset: number, end: number, clock: Clock): void {
    const now = momentOf(clock);
    const askedAt = this.#heardAt;
    this.position = nextOffset;
    this.end = end;
    this.#heardAt = now;
    if (nextOffset < end) return;
    // It was asked for when the answer before it had been taken, and may have lain here since, in a process that stood.
    this.#wholeAt = askedAt;
    if (this.caughtUpAtMs !== null) return;
    this.caughtUpAtMs = now.wallMs;
    this.scanMs = between(this.#startedAt, now);
  }

  /** The partition is read from its start again. */
  startAnew(clock: Clock): void {
    this.end = undefined;
    this.caughtUpAtMs = null;
    this.#wholeAt = null;
    this.#startedAt = momentOf(clock);
  }

  /** How long ago everything had been read, at most; null while the copy is on its way from the start to the end. */
  awayMs(clock: Clock): number | null {
    return this.#wholeAt === null ? null : between(this.#wholeAt, momentOf(clock));
  }
}

function momentOf(clock: Clock): Moment {
  return { wallMs: clock.wallMs(), elapsedMs: clock.elapsedMs() };
}

function between(from: Moment, to: Moment): number {
  return Math.max(to.wallMs - from.wallMs, to.elapsedMs - from.elapsedMs);
}
