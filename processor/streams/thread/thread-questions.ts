import type { Worker } from 'node:worker_threads';
import type { StoreAnswer, StoreQuestion } from '../queries/store-question.ts';
import type { ToThread } from './thread-messages.ts';

interface OpenQuestion {
  readonly worker: Pick<Worker, 'postMessage'>;
  readonly resolve: (answer: StoreAnswer) => void;
}

/** Questions to stream threads that are not answered yet. A thread that ends leaves none open. */
export class ThreadQuestions {
  readonly #open = new Map<number, OpenQuestion>();
  #last = 0;

  ask(worker: OpenQuestion['worker'], question: StoreQuestion): Promise<StoreAnswer> {
    this.#last += 1;
    const id = this.#last;
    const { promise, resolve } = Promise.withResolvers<StoreAnswer>();
    this.#open.set(id, { worker, resolve });
    worker.postMessage({ kind: 'ask', id, question } satisfies ToThread);
    return promise;
  }

  answered(id: number, answer: StoreAnswer): void {
    this.#open.get(id)?.resolve(answer);
    this.#open.delete(id);
  }

  gone(worker: OpenQuestion['worker']): void {
    for (const [id, question] of this.#open)
      if (question.worker === worker) this.answered(id, { kind: 'absent', state: undefined });
  }
}
