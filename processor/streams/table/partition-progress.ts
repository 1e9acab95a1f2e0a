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
  /** By the clock that nobody sets. */
  heardAtMs: number;
  /** Wall clock, of when the copy last came from the partition's start to its end; null while it is on its way. */
  caughtUpAtMs: number | null = null;
  #atEnd: Moment | null = null;

  constructor(clock: Clock) {
    this.heardAtMs = clock.elapsedMs();
  }

  /** An answer: everything before `nextOffset` has been read, and the committed records end at `end`. */
  heard(nextOffset: number, end: number, clock: Clock): void {
    this.position = nextOffset;
    this.end = end;
    this.heardAtMs = clock.elapsedMs();
    if (nextOffset < end) return;
    this.#atEnd = { wallMs: clock.wallMs(), elapsedMs: this.heardAtMs };
    this.caughtUpAtMs ??= this.#atEnd.wallMs;
  }

  /** The partition is read from its start again. */
  leave(): void {
    this.end = undefined;
    this.caughtUpAtMs = null;
    this.#atEnd = null;
  }

  /** How long ago everything had been read; null while the copy is on its way from the start to the end. */
  awayMs(clock: Clock): number | null {
    if (this.#atEnd === null) return null;
    return Math.max(clock.wallMs() - this.#atEnd.wallMs, clock.elapsedMs() - this.#atEnd.elapsedMs);
  }
}
