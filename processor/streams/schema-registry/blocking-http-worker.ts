import { workerData } from 'node:worker_threads';
import type { AskedQuestion, GivenAnswer, WorkerParts } from './blocking-http.ts';
import { answerTo } from './registry-http.ts';

/* The thread that asks a schema registry while a stream thread waits. */

const { port, answered } = workerData as WorkerParts;
const newest = new Int32Array(answered);

function say(given: GivenAnswer): void {
  // The answer is there before the thread that waits for it is woken.
  port.postMessage(given);
  Atomics.store(newest, 0, given.number);
  Atomics.notify(newest, 0);
}

port.on('message', ({ number, question, ...options }: AskedQuestion) => {
  void answerTo(question, options).then((answer) => say({ number, answer }));
});
Atomics.store(newest, 0, 0);
Atomics.notify(newest, 0);
