import { describe, expect, test } from '@jest/globals';
import { meanCores, wasQuiet, type OtherLoad } from './other-load.ts';

const loads: readonly OtherLoad[] = [
  { fromMs: 0, toMs: 1_000, cores: 0.02 },
  { fromMs: 1_000, toMs: 2_000, cores: 1.5 },
  { fromMs: 2_000, toMs: 2_500, cores: 0.02 },
];

describe('what others take of the cores', () => {
  test('counts by how long it was so', () => {
    expect(meanCores(loads)).toBeCloseTo((0.02 + 1.5 + 0.01) / 2.5);
  });

  test('an answer was given in quiet only where it was so all the time', () => {
    const isQuiet = (fromMs: number, toMs: number): boolean => wasQuiet(loads, fromMs, toMs, 0.1);
    expect([isQuiet(10, 20), isQuiet(995, 1_001), isQuiet(1_999, 2_001), isQuiet(2_000, 2_400)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  test('where the machine does not say, nothing counts as quiet', () => {
    expect(wasQuiet([{ fromMs: 0, toMs: 1_000, cores: NaN }], 10, 20, 0.1)).toBe(false);
  });
});
