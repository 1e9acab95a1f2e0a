/** `isCurrent`: whether what was asked is still wanted. */
type Ask = (isCurrent: () => boolean) => Promise<void>;

interface Poll {
  readonly key: string;
  readonly ask: Ask;
  /** Milliseconds between an answer and the next question; null: once it was answered, never again. */
  readonly everyMs: number | null;
  dueAt: number;
  isAsking: boolean;
}

/** Questions that are asked again and again, each one at a time. What fails is asked again in its turn. */
export class Polls {
  readonly #everyMs: number;
  readonly #polls = new Map<string, Poll>();

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Asks by name from the next `run` on; one of another key takes its place, null ends it. */
  set(name: string, key: string | null, ask: Ask, everyMs: number | null = this.#everyMs): void {
    if (key === null) this.#polls.delete(name);
    else if (this.#polls.get(name)?.key !== key)
      this.#polls.set(name, { key, ask, everyMs, dueAt: 0, isAsking: false });
  }

  /** Asks what is due. `now`: epoch milliseconds. */
  run(now: number): void {
    for (const [name, poll] of this.#polls)
      if (!poll.isAsking && now >= poll.dueAt) void this.#ask(poll, now, () => this.#polls.get(name) === poll);
  }

  async #ask(poll: Poll, now: number, isCurrent: () => boolean): Promise<void> {
    poll.isAsking = true;
    try {
      await poll.ask(isCurrent);
      poll.dueAt = poll.everyMs === null ? Number.POSITIVE_INFINITY : Math.max(now, Date.now()) + poll.everyMs;
    } catch {
      // Told to the panel by who asked.
      poll.dueAt = now + this.#everyMs;
    }
    poll.isAsking = false;
  }
}
