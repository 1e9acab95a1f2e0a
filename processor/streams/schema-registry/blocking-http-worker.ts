import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import type { AskedQuestion, GivenAnswer, WorkerParts } from './blocking-http.ts';
import type { HttpAnswer } from './registry-transport.ts';

/* The thread that asks a schema registry while a stream thread waits. */

const FIRST_PAUSE_MS = 50;
const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
/** Answers of a registry, or of what stands before it, that may be others in a moment; so are all from 500 on. */
const PASSING_STATUS = [408, 425, 429];

const { port, answered } = workerData as WorkerParts;
const newest = new Int32Array(answered);

/** Asks one URL after the other until one answers. Text: why none has. */
async function answerTo(asked: AskedQuestion): Promise<HttpAnswer | string> {
  const { urls, timeoutMs } = asked;
  const endsAt = performance.now() + timeoutMs;
  let why = '';
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    for (const url of urls) {
      const leftMs = Math.ceil(endsAt - performance.now());
      if (leftMs <= 0) return why === '' ? `no answer in ${String(timeoutMs)} ms` : why;
      try {
        const answer = await askOnce(url, asked, leftMs);
        if (answer.status < 500 && !PASSING_STATUS.includes(answer.status)) return answer;
        why = `${url} answered HTTP ${String(answer.status)}: ${answer.body.slice(0, 200)}`;
      } catch (error) {
        why = reasonOf(error, timeoutMs);
      }
    }
    await sleep(Math.max(0, Math.min(pauseMs, endsAt - performance.now())));
  }
}

async function askOnce(url: string, { question, headers }: AskedQuestion, leftMs: number): Promise<HttpAnswer> {
  const { method, path, body } = question;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { accept: `${CONTENT_TYPE}, application/json`, 'content-type': CONTENT_TYPE, ...headers },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(leftMs),
  });
  return { status: response.status, body: await response.text() };
}

/** fetch says only that it failed; its cause says why. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer in ${String(timeoutMs)} ms`;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const { errors } = cause as { readonly errors?: readonly unknown[] };
  return errors?.length === undefined ? messageOf(cause) : errors.map(messageOf).join('; ');
}

function say(given: GivenAnswer): void {
  // The answer is there before the thread that waits for it is woken.
  port.postMessage(given);
  Atomics.store(newest, 0, given.number);
  Atomics.notify(newest, 0);
}

port.on('message', (asked: AskedQuestion) => {
  void answerTo(asked).then((answer) => say({ number: asked.number, answer }));
});
Atomics.store(newest, 0, 0);
Atomics.notify(newest, 0);
