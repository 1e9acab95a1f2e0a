import { expect, test } from '@jest/globals';
import { RateRing } from './rate-ring.ts';

test('no rate below two samples; then logins a second over those there are', () => {
  const ring = new RateRing(60);
  ring.push(0, 100);
  expect(ring.rate(10)).toBeNull();
  ring.push(1_000, 120);
  ring.push(2_000, 160);
  expect(ring.rate(10)).toBe(30);
  expect(ring.rate(1)).toBe(40);
  expect(ring.steps()).toEqual([20, 40]);
});

test('sinks to zero by the clock when nothing comes in', () => {
  const ring = new RateRing(60);
  for (let second = 0; second <= 20; second += 1) ring.push(second * 1_000, second < 5 ? second * 10 : 50);
  expect(ring.rate(10)).toBe(0);
});

test('keeps to its capacity and forgets the oldest', () => {
  const ring = new RateRing(5);
  for (let second = 0; second < 1_000; second += 1) ring.push(second * 1_000, second);
  expect(ring.length).toBe(6);
  expect(ring.steps()).toEqual([1, 1, 1, 1, 1]);
});

test('a total that shrank, or a reset, starts over', () => {
  const ring = new RateRing(5);
  ring.push(0, 100);
  ring.push(1_000, 3);
  expect(ring.rate(10)).toBeNull();
  ring.push(2_000, 4);
  ring.reset();
  expect(ring.length).toBe(0);
});
