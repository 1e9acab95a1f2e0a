import { StreamsError, type ErrorCode, type ErrorDetails } from '../errors.ts';
import {
  decisionOf,
  ERROR_HANDLERS,
  NoDecision,
  type ErrorDecision,
  type ErrorHandlers,
  type FailedOutput,
  type FailedRecord,
} from '../task/error-decisions.ts';

/** What a stream thread asks the main thread: functions do not cross threads, so the failure goes where they are. */
export interface ErrorQuestion {
  readonly handler: keyof ErrorHandlers;
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
  /** What user code has thrown, where it can be copied. */
  readonly cause: unknown;
  readonly record: FailedRecord | FailedOutput | undefined;
}

/** In the shared cells: which question was answered last, and how. */
const ANSWERED = 0;
const ANSWER = 1;
const ANSWERS: readonly ErrorDecision[] = ['fail', 'skip', 'dead-letter'];
/** The answer is words: why the handler has none. */
const IN_WORDS = -1;
const WORDS_LENGTH = 2;
const WORDS_AT = 3 * Int32Array.BYTES_PER_ELEMENT;
const MOST_WORDS_BYTES = 4_096;
/** Longer than a busy main thread needs, shorter than the group waits for a heartbeat. */
const PATIENCE_MS = 5_000;

/** Memory through which a thread that waits is answered. */
export function errorLineMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS_AT + MOST_WORDS_BYTES);
}

/**
 * A stream thread's end: handlers that ask the main thread and stand still until it has answered, since processing is
 * synchronous. `send` posts a question.
 */
export function askingHandlers(
  present: readonly (keyof ErrorHandlers)[],
  memory: SharedArrayBuffer,
  send: (question: ErrorQuestion) => void,
  patienceMs: number = PATIENCE_MS,
): ErrorHandlers {
  const cells = new Int32Array(memory, 0, 3);
  const ask = (handler: keyof ErrorHandlers, error: StreamsError, record: ErrorQuestion['record']): ErrorDecision => {
    const before = Atomics.load(cells, ANSWERED);
    const { code, message, details, cause } = error;
    send({ handler, code, message, details, record, cause: copyable(cause) });
    if (Atomics.wait(cells, ANSWERED, before, patienceMs) === 'timed-out')
      throw new NoDecision(`did not answer within ${String(patienceMs)} ms: the main thread is busy`);
    const answer = Atomics.load(cells, ANSWER);
    if (answer !== IN_WORDS) return ANSWERS[answer] as ErrorDecision;
    throw new NoDecision(Buffer.from(memory, WORDS_AT, Atomics.load(cells, WORDS_LENGTH)).toString('utf8'));
  };
  return Object.fromEntries(
    present.map((name) => [
      name,
      (error: StreamsError, record: ErrorQuestion['record']): ErrorDecision => ask(name, error, record),
    ]),
  );
}

/** The main thread's end: asks the application's handler, and wakes the thread. */
export function answerQuestion(handlers: ErrorHandlers, question: ErrorQuestion, memory: SharedArrayBuffer): void {
  const cells = new Int32Array(memory, 0, 3);
  const { handler: name, code, message, details, cause, record } = question;
  const error = new StreamsError(code, message, { ...details, cause });
  try {
    const decision = decisionOf(name, error, () =>
      (handlers[name] as (error: StreamsError, record: unknown) => unknown)(error, withBuffers(record)),
    );
    Atomics.store(cells, ANSWER, ANSWERS.indexOf(decision));
  } catch (failure) {
    // The thread adds what it asked about.
    const words = String((failure as Error).message).slice(message.length + `; ${name} `.length);
    const bytes = Buffer.from(words, 'utf8').subarray(0, MOST_WORDS_BYTES);
    new Uint8Array(memory, WORDS_AT).set(bytes);
    Atomics.store(cells, WORDS_LENGTH, bytes.length);
    Atomics.store(cells, ANSWER, IN_WORDS);
  }
  Atomics.add(cells, ANSWERED, 1);
  Atomics.notify(cells, ANSWERED);
}

/** The names of the handlers that there are. */
export function presentHandlers(handlers: ErrorHandlers): (keyof ErrorHandlers)[] {
  return ERROR_HANDLERS.filter((name) => handlers[name] !== undefined);
}

function copyable(cause: unknown): unknown {
  try {
    return structuredClone(cause);
  } catch {
    return cause instanceof Error ? new Error(cause.message) : String(cause);
  }
}

/** What crossed threads has come as plain byte arrays. */
function withBuffers(record: ErrorQuestion['record']): unknown {
  if (record === undefined) return undefined;
  const headers = Object.assign(
    Object.create(null),
    Object.fromEntries(Object.entries(record.headers).map(([name, bytes]) => [name, Buffer.from(bytes)])),
  ) as FailedRecord['headers'];
  const plain = { ...record, headers, key: bufferOf(record.key), value: bufferOf(record.value) };
  return 'source' in record ? { ...plain, source: withBuffers(record.source) } : plain;
}

function bufferOf(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}
