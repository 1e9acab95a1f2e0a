import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from '@jest/globals';
import { StreamsError } from '../errors.ts';
import type { ErrorHandlers } from '../task/error-decisions.ts';
import { answerQuestion, askingHandlers, errorLineMemory, type ErrorQuestion } from './error-line.ts';

const ASKING = `
import { parentPort, workerData } from 'node:worker_threads';
const { askingHandlers } = await import(workerData.errorLine);
const { StreamsError } = await import(workerData.errors);
const ask = (question) => parentPort.postMessage({ question });
const handlers = askingHandlers(['onProcessingError'], workerData.memory, ask);
const error = new StreamsError('USER_CODE_FAILED', 'it failed', { taskId: '0_0', cause: new RangeError('inner') });
const place = { topic: 't', partition: 0, offset: 3, timestampMs: 1 };
const record = { ...place, key: null, value: Buffer.from('v'), headers: { a: Buffer.from('b') } };
const answers = [];
for (let n = 0; n < 4; n += 1) {
  try { answers.push(handlers.onProcessingError(error, record)); } catch (thrown) { answers.push(thrown.message); }
}
parentPort.postMessage({ answers, others: Object.keys(handlers) });
`;

let worker: Worker | undefined;
afterEach(async () => void (await worker?.terminate()));

test('a thread asks, stands still, and gets what the handler in the main thread answers', async () => {
  const memory = errorLineMemory();
  worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(ASKING)}`), {
    workerData: {
      memory,
      errorLine: new URL('./error-line.ts', import.meta.url).href,
      errors: new URL('../errors.ts', import.meta.url).href,
    },
  });
  const seen: unknown[] = [];
  const answers = ['skip', 'dead-letter', 'perhaps', 'throw'];
  const handlers: ErrorHandlers = {
    onProcessingError: (error, record) => {
      seen.push([error instanceof StreamsError, error.code, error.taskId, (error.cause as Error).message, record]);
      const answer = answers.shift();
      if (answer === 'throw') throw new Error('broken');
      return answer as never;
    },
  };
  for (;;) {
    const [message] = (await once(worker, 'message')) as [{ question?: ErrorQuestion; answers?: unknown[] }];
    if (message.question !== undefined) answerQuestion(handlers, message.question, memory);
    else {
      expect(message).toEqual({
        answers: ['skip', 'dead-letter', 'answers "fail", "skip", "dead-letter", not "perhaps"', 'threw: broken'],
        others: ['onProcessingError'],
      });
      break;
    }
  }
  const record = {
    topic: 't',
    partition: 0,
    offset: 3,
    timestampMs: 1,
    key: null,
    value: Buffer.from('v'),
    headers: { a: Buffer.from('b') },
  };
  expect(seen).toEqual(Array(4).fill([true, 'USER_CODE_FAILED', '0_0', 'inner', record]));
});

test('a main thread that does not answer is not waited for without end', () => {
  const { onProcessingError } = askingHandlers(['onProcessingError'], errorLineMemory(), () => undefined, 1);
  expect(() => onProcessingError?.(new StreamsError('USER_CODE_FAILED', 'x'), undefined)).toThrow(/did not answer/);
});
