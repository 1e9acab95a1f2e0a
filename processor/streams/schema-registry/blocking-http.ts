import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import type { StreamsError } from '../errors.ts';
import { AwaitedAnswer } from './awaited-answer.ts';
import { registryAway } from './registry-away.ts';
import { answerTo, type RegistryHttpOptions } from './registry-http.ts';
import type { HttpAnswer, HttpQuestion, RegistryTransport } from './registry-transport.ts';

/*
 * Serdes answer at once, and the schema of an id is learned from a value that has it: the thread that reads it has to
 * wait, as Java's stream threads do. A worker asks, since a thread that waits receives nothing itself.
 */

const WORKER = import.meta.url.endsWith('.ts')
  ? new URL('./blocking-http-worker.ts', import.meta.url)
  : new URL('./blocking-http-worker.js', import.meta.url);
/** To start the worker, on a machine that has much to do; one that takes longer is waited for again. */
const START_TIMEOUT_MS = 3_000;
/** The worker says itself that it has got no answer in time; more is a worker that hangs. */
const GRACE_MS = 500;
/** A worker is some megabytes: one that is asked nothing is ended. */
const IDLE_MS = 60_000;

/** To the worker. */
export interface AskedQuestion extends RegistryHttpOptions {
  readonly number: number;
  readonly question: HttpQuestion;
}

/** From the worker. Number 0: it has started. */
export interface GivenAnswer {
  readonly number: number;
  /** Text: why there is no answer. */
  readonly answer: HttpAnswer | string;
}

/** What a worker is given when it is made. */
export interface WorkerParts {
  readonly port: MessagePort;
  /** One number: that of the question which was answered last; -1: it has not started. */
  readonly answered: SharedArrayBuffer;
}

interface RunningWorker {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly answered: Int32Array;
}

/** HTTP that the calling thread waits for, never longer than `timeoutMs` and the start of a worker. */
export class BlockingHttp implements RegistryTransport {
  readonly #options: RegistryHttpOptions;
  readonly #awaited = new AwaitedAnswer();
  #running: RunningWorker | undefined;
  #asked = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: RegistryHttpOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.urls.join(', ');
  }

  /**
   * @throws StreamsError SCHEMA_REGISTRY_AWAY where nobody answers in time; at once while somebody waits for an answer
   * without blocking (`untilRegistryAnswers`).
   */
  ask(question: HttpQuestion): HttpAnswer {
    if (this.#awaited.why !== undefined) throw this.#away(question, this.#awaited.why);
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
    const running = (this.#running ??= this.#start());
    const { port, answered } = running;
    if (!waitWhile(answered, (number) => number === -1, START_TIMEOUT_MS))
      throw this.#away(question, 'the thread that asks it has not started yet');
    this.#asked += 1;
    const number = this.#asked;
    port.postMessage({ ...this.#options, number, question } satisfies AskedQuestion);
    if (!waitWhile(answered, (newest) => newest < number, this.#options.timeoutMs + GRACE_MS))
      throw this.#away(question, 'the thread that asks it hangs', running);
    for (;;) {
      const { message } = (receiveMessageOnPort(port) ?? { message: undefined }) as { readonly message?: GivenAnswer };
      if (message === undefined) throw this.#away(question, 'the thread that asks it has lost the answer', running);
      if (message.number !== number) continue;
      if (typeof message.answer === 'string') throw this.#away(question, message.answer);
      return message.answer;
    }
  }

  /** Ends the worker; the next question starts another one. */
  close(): void {
    clearTimeout(this.#idle);
    const running = this.#running;
    this.#running = undefined;
    running?.port.close();
    void running?.worker.terminate();
  }

  #start(): RunningWorker {
    const running = startWorker();
    running.worker.on('exit', () => {
      if (this.#running === running) this.close();
    });
    return running;
  }

  #away(question: HttpQuestion, why: string, broken?: RunningWorker): StreamsError {
    if (broken !== undefined) this.close();
    const ask = (signal: AbortSignal): Promise<HttpAnswer | string> => answerTo(question, this.#options, signal);
    return registryAway(`the schema registry at ${this.name} does not answer: ${why}`, (signal) =>
      this.#awaited.wait(ask, why, signal),
    );
  }
}

function startWorker(): RunningWorker {
  const { port1, port2 } = new MessageChannel();
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const answered = new Int32Array(shared).fill(-1);
  const worker = new Worker(WORKER, {
    workerData: { port: port2, answered: shared } satisfies WorkerParts,
    transferList: [port2],
    name: 'schema-registry',
    execArgv: [],
  });
  // It exits after that: the question that it does not answer says so.
  worker.on('error', () => undefined);
  worker.unref();
  port1.unref();
  return { worker, port: port1, answered };
}

/** Whether it has become something else within the time. */
function waitWhile(cell: Int32Array, isOld: (value: number) => boolean, timeoutMs: number): boolean {
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    const value = Atomics.load(cell, 0);
    if (!isOld(value)) return true;
    const leftMs = endsAt - performance.now();
    if (leftMs <= 0) return false;
    Atomics.wait(cell, 0, value, leftMs);
  }
}
