import type { Worker } from 'node:worker_threads';
import { OpenRequests } from '../queries/open-requests.ts';
import type { StoreAnswer, StoreQuestion } from '../queries/store-question.ts';
import type { AskedQuestion, ToThread } from './thread-messages.ts';

interface OpenQuestion {
  readonly worker: Pick<Worker, 'postMessage'>;
  readonly resolve: (answer: StoreAnswer) => void;
}

/**
 * Questions to stream threads that are not answered yet. A thread that ends leaves none open. Those of one turn go to
 * their thread in one message: each message wakes a thread that may have to wait for a core.
 */
export class ThreadQuestions {
  readonly #open = new OpenRequests<OpenQuestion>();
  readonly #unsent = new Map<OpenQuestion['worker'], AskedQuestion[]>();

  ask(worker: OpenQuestion['worker'], question: StoreQuestion): Promise<StoreAnswer> {
    const { promise, resolve } = Promise.withResolvers<StoreAnswer>();
    const id = this.#open.add({ worker, resolve });
    const unsent = this.#unsent.get(worker);
    if (unsent === undefined) this.#unsent.set(worker, [{ id, question }]);
    else unsent.push({ id, question });
    if (unsent === undefined && this.#unsent.size === 1) process.nextTick(() => this.#send());
    return promise;
  }

  answered(id: number, answer: StoreAnswer): void {
    this.#open.get(id)?.resolve(answer);
    this.#open.delete(id);
  }

  gone(worker: OpenQuestion['worker']): void {
    this.#unsent.delete(worker);
    for (const [id, question] of this.#open.entries())
      if (question.worker === worker) this.answered(id, { kind: 'absent', state: undefined });
  }

  #send(): void {
    const unsent = [...this.#unsent];
    this.#unsent.clear();
    for (const [worker, questions] of unsent) worker.postMessage({ kind: 'ask', questions } satisfies ToThread);
  }
}
