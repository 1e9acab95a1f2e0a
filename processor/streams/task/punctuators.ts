/** How often a punctuator is called, and by which clock. */
export interface Schedule {
  readonly everyMs: number;
  readonly clock: 'stream-time' | 'wall-clock';
}

/** Ends a schedule. */
export interface Cancellable {
  cancel(): void;
}

interface Punctuator {
  readonly everyMs: number;
  readonly call: (timestampMs: number) => void;
  dueMs: number;
  cancelled: boolean;
  /** The round in which a call scheduled it, due at once. */
  readonly round: Round | undefined;
}

/** All calls of one advance. */
interface Round {
  readonly clock: Schedule['clock'];
  readonly timeMs: number;
  /** What is being called. */
  caller: Punctuator | undefined;
  /** A call has scheduled something that is due at once. */
  hasNew: boolean;
  /** So many have been scheduled by what was itself scheduled in the round. */
  chained: number;
}

/** Kafka Streams would never come to an end. */
const MOST_CHAINED = 10_000;

/**
 * The punctuators of one task, as Kafka Streams' PunctuationQueue.
 *
 *   stream-time | aligned to 0, so that the first record makes it due; called once for a jump, with the time reached
 *   wall-clock  | from the moment of scheduling; at most once an advance
 *
 * What was missed is not made up for: the next call is due at the first step behind the time reached. A round goes on
 * until nothing is due, so that what a call schedules by stream time is called in the same round.
 */
export class Punctuators {
  readonly #byClock: Readonly<Record<Schedule['clock'], Punctuator[]>> = { 'stream-time': [], 'wall-clock': [] };
  /** Something was called since the last commit: it may have changed stores. */
  #called = false;
  #round: Round | undefined;

  /** `nowMs`: the wall clock. @throws RangeError, TypeError for what is no schedule. */
  schedule({ everyMs, clock }: Schedule, nowMs: number, call: (timestampMs: number) => void): Cancellable {
    if (!Number.isSafeInteger(everyMs) || everyMs <= 0)
      throw new RangeError(`schedule takes everyMs, a whole number of milliseconds above 0, not ${String(everyMs)}`);
    const queue = (this.#byClock as Partial<Record<string, Punctuator[]>>)[clock];
    if (queue === undefined)
      throw new TypeError(`schedule takes the clock 'stream-time' or 'wall-clock', not ${String(clock)}`);
    const dueMs = clock === 'stream-time' ? 0 : nowMs + everyMs;
    const punctuator = { everyMs, call, dueMs, cancelled: false, round: this.#roundOf(clock, dueMs) };
    queue.push(punctuator);
    return {
      cancel: () => {
        punctuator.cancelled = true;
        const index = queue.indexOf(punctuator);
        if (index >= 0) queue.splice(index, 1);
      },
    };
  }

  /** Some are called by stream time: it is looked at after each record. */
  get byStreamTime(): boolean {
    return this.#byClock['stream-time'].length > 0;
  }

  /** What was called is not committed yet. */
  get hasUncommitted(): boolean {
    return this.#called;
  }

  /** Calls what is due by a clock, the longest due first, until nothing is. */
  advance(clock: Schedule['clock'], timeMs: number): void {
    const round: Round = { clock, timeMs, caller: undefined, hasNew: true, chained: 0 };
    this.#round = round;
    try {
      while (round.hasNew) {
        round.hasNew = false;
        this.#callDue(round);
      }
    } finally {
      this.#round = undefined;
    }
  }

  /** Until nothing is due, or a call has scheduled what may be due for longer. */
  #callDue(round: Round): void {
    const { clock, timeMs } = round;
    const inOrder = this.#byClock[clock].filter(({ dueMs }) => dueMs <= timeMs).sort((a, b) => a.dueMs - b.dueMs);
    for (const punctuator of inOrder) {
      if (punctuator.cancelled) continue;
      const { everyMs, dueMs } = punctuator;
      // mutant: due-once
      punctuator.dueMs = dueMs + (Math.floor((timeMs - dueMs) / everyMs) + 1) * everyMs;
      this.#called = true;
      round.caller = punctuator;
      punctuator.call(timeMs);
      if (round.hasNew) return;
    }
  }

  /** @throws RangeError where the round would not come to an end. */
  #roundOf(clock: Schedule['clock'], dueMs: number): Round | undefined {
    const round = this.#round;
    if (round === undefined || round.clock !== clock || dueMs > round.timeMs) return undefined;
    if (round.caller?.round === round && ++round.chained > MOST_CHAINED)
      throw new RangeError('schedule: punctuators schedule each other without end, each one due at once');
    // mutant: one-round
    round.hasNew = true;
    return round;
  }

  /** When the next one is due by the wall clock; Infinity: none. */
  get dueMs(): number {
    return Math.min(Infinity, ...this.#byClock['wall-clock'].map(({ dueMs }) => dueMs));
  }

  committed(): void {
    this.#called = false;
  }
}
