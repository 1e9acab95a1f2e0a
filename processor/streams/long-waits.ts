import { messageOf } from './errors.ts';
import type { Logger } from './logger.ts';

/** A broker that is just starting, or a rebalance, answers within this; only a longer wait is worth a line. */
const LONG_MS = 10_000;
const LOG_INTERVAL_MS = 60_000;
const LOOK_INTERVAL_MS = 1_000;
const MOST_REASONS = 3;

/** Work of several steps, one after the other, of which each may wait for ever. */
export interface StepsThatWait {
  /** The next step, in words that follow “waits for”; one that is begun again is the same wait. */
  readonly step: (waitsFor: string) => void;
  /** What was answered in place of what is waited for, or that nothing was; undefined: that is over. */
  readonly unanswered: (error: unknown) => void;
  /** It waits no more. */
  readonly end: () => void;
}

/** Where nobody listens. */
export const UNHEARD: StepsThatWait = { step: () => undefined, unanswered: () => undefined, end: () => undefined };

interface Wait {
  readonly who: string;
  readonly waitsFor: string;
  readonly since: number;
  error: unknown;
}

/**
 * What a thread and its tasks wait for. A broker is waited for for ever, and so is a rebalance, but never in silence:
 * what takes long is logged, one line a minute for all of a thread, and told in /ready while the instance is not
 * RUNNING.
 */
export class LongWaits {
  readonly #logger: Logger;
  readonly #waits = new Set<Wait>();
  #timer: NodeJS.Timeout | undefined;
  #logDueAt = -Infinity;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `who`: begins a line, as “task 0_1”. */
  of(who: string): StepsThatWait {
    let wait: Wait | undefined;
    const end = (): void => {
      if (wait !== undefined) this.#waits.delete(wait);
      wait = undefined;
      if (this.#waits.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
    return {
      step: (waitsFor) => {
        if (wait?.waitsFor === waitsFor) return;
        if (wait !== undefined) this.#waits.delete(wait);
        wait = { who, waitsFor, since: performance.now(), error: undefined };
        this.#waits.add(wait);
        this.#timer ??= setInterval(() => this.#look(), LOOK_INTERVAL_MS).unref();
      },
      unanswered: (error) => {
        if (wait !== undefined) wait.error = error;
      },
      end,
    };
  }

  /** What is waited for so long that it is worth telling; null when there is no such thing. */
  get reason(): string | null {
    const now = performance.now();
    const long = [...this.#waits].filter(({ since }) => now - since >= LONG_MS);
    if (long.length === 0) return null;
    const byReason = Map.groupBy(
      long,
      ({ waitsFor, error }) => `${waitsFor}${error === undefined ? '' : ` (${messageOf(error)})`}`,
    );
    const reasons = [...byReason].map(([reason, waits]) => {
      const longestMs = now - Math.min(...waits.map(({ since }) => since));
      const who = waits.map((wait) => wait.who).join(', ');
      return `${who}: waiting for ${String(Math.floor(longestMs / 1_000))} s for ${reason}`;
    });
    const more = reasons.length - MOST_REASONS;
    return `${reasons.slice(0, MOST_REASONS).join('; ')}${more > 0 ? `; and ${String(more)} more` : ''}`;
  }

  #look(): void {
    const now = performance.now();
    const { reason } = this;
    if (reason === null || now < this.#logDueAt) return;
    this.#logDueAt = now + LOG_INTERVAL_MS;
    this.#logger.warn({ waiting: [...this.#waits].map(({ who }) => who) }, reason);
  }
}
