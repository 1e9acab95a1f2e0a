import { expect, test } from '@jest/globals';
import { clockStepMs, RANGE_NAMES, RANGES, windowsFor } from './ranges.ts';

test('a quiet chart slides by about a pixel, and at least every ten seconds', () => {
  expect(RANGE_NAMES.map((name) => clockStepMs(RANGES[name]) / 1_000)).toEqual([1, 2, 6, 10, 10, 10]);
});

test('no range asks for more windows than the API gives, and each has whole steps', () => {
  for (const name of RANGE_NAMES) {
    const range = RANGES[name];
    expect([name, windowsFor(range) <= 1_500, range.stepMs % range.windowMs, range.spanMs % range.stepMs]).toEqual([
      name,
      true,
      0,
      0,
    ]);
  }
});
