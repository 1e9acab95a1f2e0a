import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpAnswer } from './registry-transport.ts';

const PAUSE_MS = 1_000;

/** Asks once, without blocking. Text: why there is no answer. */
export type AskOnce = (signal: AbortSignal) => Promise<HttpAnswer | string>;

interface Asking {
  readonly answered: Promise<void>;
  readonly ending: AbortController;
  waiters: number;
}

/** A question to a registry that is away, asked again and again while somebody waits for the answer. */
export class AwaitedAnswer {
  #asking: Asking | undefined;
  #why = '';

  /** Why there is no answer yet, as last heard; undefined while nobody waits for one. */
  get why(): string | undefined {
    return this.#asking === undefined ? undefined : this.#why;
  }

  /** Settles when there is an answer, or when `signal` is aborted. All who wait at a time wait for one question. */
  async wait(ask: AskOnce, why: string, signal: AbortSignal): Promise<void> {
    if (this.#asking === undefined) this.#why = why;
    const asking = (this.#asking ??= this.#start(ask));
    asking.waiters += 1;
    const leave = new AbortController();
    const left = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true, signal: leave.signal });
    });
    await Promise.race([asking.answered, left]);
    leave.abort();
    asking.waiters -= 1;
    if (asking.waiters === 0) this.#end(asking);
  }

  #start(ask: AskOnce): Asking {
    const ending = new AbortController();
    return { answered: this.#askOn(ask, ending.signal), ending, waiters: 0 };
  }

  async #askOn(ask: AskOnce, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const answer = await ask(signal);
      if (typeof answer !== 'string') break;
      this.#why = answer;
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
    // Before anybody who waits calls again.
    if (!signal.aborted) this.#asking = undefined;
  }

  #end(asking: Asking): void {
    asking.ending.abort();
    if (this.#asking === asking) this.#asking = undefined;
  }
}
