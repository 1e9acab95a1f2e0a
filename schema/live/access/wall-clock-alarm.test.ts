import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

import { alarmAt } from './wall-clock-alarm.ts';

const NOW_MS = Date.UTC(2026, 0, 2);
const DAY_MS = 86_400_000;

beforeEach(() => {
  jest.useFakeTimers({ now: NOW_MS });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Is called at the times that it returns. */
function rung(atMs: number): number[] {
  const times: number[] = [];
  alarmAt(atMs, () => times.push(Date.now()));
  return times;
}

test.each([
  ['within a minute', NOW_MS + 1_234],
  ['in an hour', NOW_MS + 3_600_001],
  ['in sixty days, for which one timer is too short', NOW_MS + 60 * DAY_MS],
])('%s: then, and once', (_name, atMs) => {
  const times = rung(atMs);
  jest.setSystemTime(NOW_MS);
  jest.advanceTimersByTime(atMs - NOW_MS - 1);
  expect(times).toEqual([]);
  jest.advanceTimersByTime(61_000);
  expect(times).toEqual([atMs]);
});

test.each([NOW_MS, NOW_MS - 1, 0, -8.64e15])('of the past, %d: in the next turn', (atMs) => {
  const times = rung(atMs);
  expect(times).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(times).toHaveLength(1);
});

test('a clock that is set forward rings within a minute, one that is set back makes it wait', () => {
  const times = rung(NOW_MS + DAY_MS);
  jest.setSystemTime(NOW_MS + DAY_MS);
  jest.advanceTimersByTime(60_001);
  expect(times).toHaveLength(1);
  const later = rung(Date.now() + 1_000);
  jest.setSystemTime(NOW_MS);
  jest.advanceTimersByTime(1_000);
  expect(later).toEqual([]);
});

test('called off, it leaves no timer; at the end of time it rings never', () => {
  const callOff = alarmAt(8.64e15, () => expect('rung').toBe('silent'));
  expect(jest.getTimerCount()).toBe(1);
  jest.advanceTimersByTime(200_000);
  expect(jest.getTimerCount()).toBe(1);
  callOff();
  expect(jest.getTimerCount()).toBe(0);
});
