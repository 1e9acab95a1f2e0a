import { expect, test } from '@jest/globals';
import { SeriesRing } from './series-ring.ts';
import { columnsOf, seriesView, sumOf } from './series-window.ts';
import type { SeriesView } from './series-window.ts';

const MINUTE_MS = 60_000;

function ringOf(...points: readonly (readonly [minute: number, ios: number, android: number])[]): SeriesRing {
  const ring = new SeriesRing(MINUTE_MS, 100);
  for (const [minute, ios, android] of points) ring.set({ start: minute * MINUTE_MS, ios, android, other: 0 }, false);
  return ring;
}

function view(
  ring: SeriesRing,
  toMinute: number,
  options: Partial<{ spanMinutes: number; stepMs: number; knownUntil: number; settledUntil: number }> = {},
): SeriesView {
  const to = toMinute * MINUTE_MS;
  return seriesView({
    ring,
    spanMs: (options.spanMinutes ?? 4) * MINUTE_MS,
    stepMs: options.stepMs ?? MINUTE_MS,
    to,
    knownUntil: options.knownUntil ?? to,
    settledUntil: options.settledUntil ?? to,
  });
}

test('the window slides by the clock: with nothing coming in, old logins leave it and zeros take their place', () => {
  const ring = ringOf([10, 5, 6]);
  expect(view(ring, 11).windows.map((window) => window.counts?.ios)).toEqual([0, 0, 0, 5]);
  expect(view(ring, 13).windows.map((window) => window.counts?.ios)).toEqual([0, 5, 0, 0]);
  expect(view(ring, 20).windows.map((window) => window.counts?.ios)).toEqual([0, 0, 0, 0]);
});

test('what the page cannot know is a gap, not a zero', () => {
  const cut = view(ringOf([10, 5, 6]), 14, { knownUntil: 12 * MINUTE_MS });
  expect(cut.windows.map((window) => window.counts?.ios ?? null)).toEqual([5, 0, null, null]);
  expect(cut.windows.map((window) => window.state)).toEqual(['whole', 'whole', 'unknown', 'unknown']);
});

test('the window in progress stands apart from the line of whole ones, at the right edge', () => {
  const open = view(ringOf([10, 5, 6], [11, 7, 8], [12, 1, 1]), 12.5, { spanMinutes: 2 });
  expect(open.windows.map((window) => window.state)).toEqual(['whole', 'whole', 'in-progress']);
  const [xs, solidIos, solidAndroid, , tailIos, tailAndroid] = columnsOf(open, 'counts');
  expect(xs).toEqual([660, 720, 750]);
  expect(solidIos).toEqual([5, 7, null]);
  expect(solidAndroid).toEqual([6, 8, null]);
  expect(tailIos).toEqual([null, null, 1]);
  expect(tailAndroid).toEqual([null, null, 1]);
});

test('with a backlog, windows after the newest login are still to come', () => {
  const behind = view(ringOf([10, 5, 6]), 13, { settledUntil: 10.5 * MINUTE_MS, spanMinutes: 3 });
  expect(behind.windows.map((window) => window.state)).toEqual(['in-progress', 'in-progress', 'in-progress']);
});

test('shares are of the window, and a window without logins has none', () => {
  const [, ios, android] = columnsOf(view(ringOf([10, 1, 3]), 12, { spanMinutes: 2 }), 'share');
  expect(ios).toEqual([0.25, null]);
  expect(android).toEqual([0.75, null]);
});

test('windows drawn together add up, and nothing is lost at their edges', () => {
  const ring = ringOf([10, 1, 0], [11, 2, 0], [12, 4, 0], [13, 8, 0], [14, 16, 0], [15, 32, 0]);
  const grouped = view(ring, 15.5, { spanMinutes: 5, stepMs: 5 * MINUTE_MS });
  expect(
    grouped.windows.map(({ start, end, counts, state }) => [start / MINUTE_MS, end / MINUTE_MS, counts?.ios, state]),
  ).toEqual([
    [10, 15, 31, 'whole'],
    [15, 20, 32, 'in-progress'],
  ]);
  expect(sumOf(grouped).ios).toBe(63);
});
