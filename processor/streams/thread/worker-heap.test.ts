import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { workerFailure } from './worker-heap.ts';

test('a thread whose heap is full ends with the remedy', async () => {
  const fill = 'const kept = []; for (;;) kept.push(new Array(1_000).fill(kept.length));';
  const worker = new Worker(fill, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16 } });
  const [error] = (await once(worker, 'error').catch((thrown: unknown) => [thrown])) as [unknown];
  expect(workerFailure(error)).toMatch(/memory.*takes \d+ MiB.*--max-old-space-size/s);
});

test('any other failure is told as it is', () => {
  expect(workerFailure(new Error('no such module'))).toBe('no such module');
  expect(workerFailure('gone')).toBe('gone');
});
