import { messageOf } from '../errors.ts';
import type { StoreAnswer } from '../queries/store-question.ts';
import type { FromThread, GivenAnswer } from './thread-messages.ts';

/** What a stream thread answers. The answers of one turn go out in one message, which wakes the main thread once. */
export class ThreadAnswers {
  readonly #send: (message: FromThread) => void;
  #unsent: GivenAnswer[] = [];

  /** `send`: throws for what cannot cross threads. */
  constructor(send: (message: FromThread) => void) {
    this.#send = send;
  }

  add(id: number, answer: StoreAnswer): void {
    this.#unsent.push({ id, answer });
    if (this.#unsent.length === 1) process.nextTick(() => this.#sendAll());
  }

  #sendAll(): void {
    const answers = this.#unsent;
    this.#unsent = [];
    try {
      this.#send({ kind: 'answers', answers });
    } catch {
      for (const given of answers) this.#sendAlone(given);
    }
  }

  #sendAlone({ id, answer }: GivenAnswer): void {
    try {
      this.#send({ kind: 'answers', answers: [{ id, answer }] });
    } catch (error) {
      // A value of a global table that cannot cross threads.
      const failed = { kind: 'failed', code: 'CONFIG_INVALID', message: messageOf(error) } as const;
      this.#send({ kind: 'answers', answers: [{ id, answer: failed }] });
    }
  }
}
