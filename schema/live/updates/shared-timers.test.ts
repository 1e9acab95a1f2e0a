import { afterEach, expect, test } from '@jest/globals';

import { until, stays } from '../../../tests/support/until.ts';
import { BEAT_MS, Beats } from './shared-timers.ts';

let beats = new Beats();
afterEach(() => {
  beats.close();
  beats = new Beats();
});

test('whoever is due within one beat is woken in one turn, at the beat, and not before it is due', async () => {
  const base = (Math.ceil(performance.now() / BEAT_MS) + 30) * BEAT_MS;
  const woken: { readonly dueMs: number; readonly beatMs: number; readonly atMs: number; readonly turn: number }[] = [];
  let turn = 0;
  const turns = setInterval(() => (turn += 1), 1);
  for (const afterMs of [0.1, 3, BEAT_MS, 2 * BEAT_MS]) {
    const dueMs = base + afterMs;
    beats.at(dueMs, (beatMs) => woken.push({ dueMs, beatMs, atMs: performance.now(), turn }));
  }
  await until(() => woken.length === 4, 'all are woken');
  clearInterval(turns);
  expect(woken.map(({ beatMs }) => beatMs - base)).toEqual([BEAT_MS, BEAT_MS, BEAT_MS, 2 * BEAT_MS]);
  expect(new Set(woken.slice(0, 3).map((one) => one.turn)).size).toBe(1);
  // A timer may be early by less than its own resolution.
  expect(woken.filter(({ dueMs, atMs }) => atMs <= dueMs - 1)).toEqual([]);
});

test('who calls off is not woken, also by another of the same beat, and others are', async () => {
  const dueMs = performance.now() + 2 * BEAT_MS;
  const woken: string[] = [];
  beats.at(dueMs, () => {
    woken.push('first');
    second();
  });
  const second = beats.at(dueMs, () => woken.push('second'));
  const alone = beats.at(dueMs + 5 * BEAT_MS, () => woken.push('alone'));
  beats.at(dueMs, () => woken.push('third'));
  alone();
  await until(() => woken.includes('third'), 'the last is woken');
  await stays(() => woken.join() === 'first,third', 'nobody else is woken', 12 * BEAT_MS);
});

test('one that is due already is woken, and nobody after close()', async () => {
  let woken = 0;
  beats.at(performance.now() - 1_000, () => (woken += 1));
  await until(() => woken === 1, 'it is woken');
  beats.at(performance.now() + BEAT_MS, () => (woken += 1));
  beats.close();
  await stays(() => woken === 1, 'nobody is woken', 4 * BEAT_MS);
});
