import { expect, jest, test } from '@jest/globals';
import { ReadPace } from './leveldb-snapshot.ts';

test('few rows are read here, until several reads in a row wait for a disk, and again after a second', () => {
  jest.useFakeTimers();
  try {
    const pace = new ReadPace();
    expect([pace.isHere(1), pace.isHere(16), pace.isHere(17)]).toEqual([true, true, false]);
    pace.read(2, 3);
    pace.read(2, 3);
    pace.read(2, 0.01);
    pace.read(2, 3);
    pace.read(2, 3);
    expect(pace.isHere(1)).toBe(true);
    pace.read(2, 3);
    expect(pace.isHere(1)).toBe(false);
    jest.advanceTimersByTime(1_000);
    expect(pace.isHere(1)).toBe(true);
  } finally {
    jest.useRealTimers();
  }
});
