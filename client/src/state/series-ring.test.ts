import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SeriesRing } from './series-ring.ts';

const WINDOW_MS = 60_000;
const CAPACITY = 8;

function point(index: number, ios: number): { start: number; ios: number; android: number; other: number } {
  return { start: index * WINDOW_MS, ios, android: ios * 2, other: 1 };
}

test('holds the newest windows exactly, whatever the order they came in', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(30), fc.nat(1000)), { maxLength: 60 }), (writes) => {
      const ring = new SeriesRing(WINDOW_MS, CAPACITY);
      const model = new Map<number, number>();
      let newest = -Infinity;
      for (const [index, ios] of writes) {
        ring.set(point(index, ios), false);
        if (index > newest - CAPACITY) model.set(index, ios);
        newest = Math.max(newest, index);
      }
      for (let index = Math.max(0, newest - CAPACITY + 1); index <= newest; index += 1) {
        const expected = model.get(index);
        expect(ring.get(index * WINDOW_MS)?.ios ?? null).toBe(expected ?? null);
      }
    }),
  );
});

test('a window too old for the ring is dropped and does not overwrite a newer one', () => {
  const ring = new SeriesRing(WINDOW_MS, CAPACITY);
  ring.set(point(20, 5), false);
  ring.set(point(20 - CAPACITY, 9), false);
  expect(ring.get(20 * WINDOW_MS)?.ios).toBe(5);
  expect(ring.get((20 - CAPACITY) * WINDOW_MS)).toBeNull();
});

test('a clone is not reached by later updates', () => {
  const ring = new SeriesRing(WINDOW_MS, CAPACITY);
  ring.set(point(3, 1), true);
  const clone = ring.clone();
  ring.set(point(3, 2), false);
  ring.set(point(4, 2), false);
  expect(clone.get(3 * WINDOW_MS)).toEqual({ ...point(3, 1), revised: true });
  expect(clone.get(4 * WINDOW_MS)).toBeNull();
  expect(clone.newest).toBe(3 * WINDOW_MS);
});

test('a window stays marked as revised until it leaves the ring', () => {
  const ring = new SeriesRing(WINDOW_MS, CAPACITY);
  ring.set(point(1, 1), true);
  ring.set(point(1, 2), false);
  expect(ring.get(WINDOW_MS)?.revised).toBe(true);
  ring.set(point(1 + CAPACITY, 2), false);
  expect(ring.get((1 + CAPACITY) * WINDOW_MS)?.revised).toBe(false);
});
