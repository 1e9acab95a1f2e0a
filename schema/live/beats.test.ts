import { afterEach, expect, test } from '@jest/globals';

import { BEAT_MS, Beats } from './beats.ts';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let beats = new Beats();
afterEach(() => {
  beats.close();
  beats = new Beats();
});

test('whoever is due within one beat is woken in one turn, at the beat, and not before it is due', async () => {
  const base = (Math.ceil(performance.now() / BEAT_MS) + 5) * BEAT_MS;
  const woken: { readonly dueMs: number; readonly beatMs: number; readonly atMs: number; readonly turn: number }[] = [];
  let turn = 0;
  const turns = setInterval(() => (turn += 1), 1);
  for (const afterMs of [0.1, 3, BEAT_MS, 2 * BEAT_MS]) {
    const dueMs = base + afterMs;
    beats.at(dueMs, (beatMs) => woken.push({ dueMs, beatMs, atMs: performance.now(), turn }));
  }
  await sleep(10 * BEAT_MS);
  clearInterval(turns);
  expect(woken.map(({ beatMs }) => beatMs - base)).toEqual([BEAT_MS, BEAT_MS, BEAT_MS, 2 * BEAT_MS]);
  expect(new Set(woken.slice(0, 3).map((one) => one.turn)).size).toBe(1);
  // A timer may be early by less than its own resolution.
  for (const { dueMs, atMs } of woken) expect(atMs).toBeGreaterThan(dueMs - 1);
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
  await sleep(12 * BEAT_MS);
  expect(woken).toEqual(['first', 'third']);
});

test('one that is due already is woken, and nobody after close()', async () => {
  let woken = 0;
  beats.at(performance.now() - 1_000, () => (woken += 1));
  await sleep(3 * BEAT_MS);
  expect(woken).toBe(1);
  beats.at(performance.now() + BEAT_MS, () => (woken += 1));
  beats.close();
  await sleep(4 * BEAT_MS);
  expect(woken).toBe(1);
});
