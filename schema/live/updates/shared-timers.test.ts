import { afterEach, expect, test } from '@jest/globals';

import { until, stays } from '../../../tests/support/until.ts';
import { TIMER_STEP_MS, SharedTimers } from './shared-timers.ts';

let timers = new SharedTimers();
afterEach(() => {
  timers.close();
  timers = new SharedTimers();
});

test('whoever is due within one step is woken in one turn, at the step, and not before it is due', async () => {
  const base = (Math.ceil(performance.now() / TIMER_STEP_MS) + 30) * TIMER_STEP_MS;
  const woken: { readonly dueMs: number; readonly stepMs: number; readonly atMs: number; readonly turn: number }[] = [];
  let turn = 0;
  const turns = setInterval(() => (turn += 1), 1);
  for (const afterMs of [0.1, 3, TIMER_STEP_MS, 2 * TIMER_STEP_MS]) {
    const dueMs = base + afterMs;
    timers.at(dueMs, (stepMs) => woken.push({ dueMs, stepMs, atMs: performance.now(), turn }));
  }
  await until(() => woken.length === 4, 'all are woken');
  clearInterval(turns);
  expect(woken.map(({ stepMs }) => stepMs - base)).toEqual([
    TIMER_STEP_MS,
    TIMER_STEP_MS,
    TIMER_STEP_MS,
    2 * TIMER_STEP_MS,
  ]);
  expect(new Set(woken.slice(0, 3).map((one) => one.turn)).size).toBe(1);
  // A timer may be early by less than its own resolution.
  expect(woken.filter(({ dueMs, atMs }) => atMs <= dueMs - 1)).toEqual([]);
});

test('a cancelled one is not woken, also by another of the same step, and others are', async () => {
  const dueMs = performance.now() + 2 * TIMER_STEP_MS;
  const woken: string[] = [];
  timers.at(dueMs, () => {
    woken.push('first');
    second();
  });
  const second = timers.at(dueMs, () => woken.push('second'));
  const alone = timers.at(dueMs + 5 * TIMER_STEP_MS, () => woken.push('alone'));
  timers.at(dueMs, () => woken.push('third'));
  alone();
  await until(() => woken.includes('third'), 'the last is woken');
  await stays(() => woken.join() === 'first,third', 'nobody else is woken', 12 * TIMER_STEP_MS);
});

test('one that is due already is woken, and nobody after close()', async () => {
  let woken = 0;
  timers.at(performance.now() - 1_000, () => (woken += 1));
  await until(() => woken === 1, 'it is woken');
  timers.at(performance.now() + TIMER_STEP_MS, () => (woken += 1));
  timers.close();
  await stays(() => woken === 1, 'nobody is woken', 4 * TIMER_STEP_MS);
});
