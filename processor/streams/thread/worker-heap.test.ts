import { expect, test } from '@jest/globals';
import { loadStreamThread } from './supervisor.ts';
import { workerFailure, workerHeap } from './worker-heap.ts';

/** Made by hand: a heap that is really full may end the process of the test. */
const FULL = Object.assign(new Error('Worker terminated due to reaching memory limit: JS heap out of memory'), {
  code: 'ERR_WORKER_OUT_OF_MEMORY',
});

test('a thread whose heap is full ends with the remedy', () => {
  expect(workerFailure(FULL)).toMatch(/memory limit.*takes \d+ MiB.*--max-old-space-size/s);
});

test('any other failure is told as it is', () => {
  expect(workerFailure(new Error('no such module'))).toBe('no such module');
  expect(workerFailure('gone')).toBe('gone');
});

test('a stream thread has the heap that it is said to have', async () => {
  const worker = loadStreamThread('heap', { module: 'data:text/javascript,', options: undefined });
  try {
    expect(workerHeap().maxOldGenerationSizeMb).toBeLessThanOrEqual(1_400);
    expect(worker.resourceLimits).toMatchObject(workerHeap());
  } finally {
    await worker.terminate();
  }
});
