import { expect, test } from '@jest/globals';
import { retryWaitMs } from './backoff.ts';

test('doubles from half a second to ten, and half of it is chance', () => {
  expect([1, 2, 3, 4, 5, 50].map((attempt) => retryWaitMs(attempt, 0))).toEqual([
    500, 1_000, 2_000, 4_000, 5_000, 5_000,
  ]);
  expect([1, 2, 3, 4, 5, 50].map((attempt) => retryWaitMs(attempt, 0.999_999))).toEqual([
    1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
  ]);
});
