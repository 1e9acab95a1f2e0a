import { expect, test } from '@jest/globals';
import { measureOf, MEASURES, scaleOf, SHADES, shadeOf } from './shading.ts';

const gdp = { year: 2024, millionsUsd: 711_900, class: 'HIGH' } as const;
const devices = { ios: 3, android: 1, other: 0, total: 4 };
const none = { ios: 0, android: 0, other: 0, total: 0 };

test('measures are logins or shares, and nothing without logins; GDP is there without', () => {
  expect(MEASURES.map((measure) => measureOf({ devices, gdp }, measure))).toEqual([4, 0.75, 0.25, 711_900]);
  expect(MEASURES.map((measure) => measureOf({ devices: none, gdp }, measure))).toEqual([null, null, null, 711_900]);
});

test('equal steps from the least to the most; no logins is a shade of its own', () => {
  const scale = scaleOf([10, null, 60, 35]);
  expect(scale).toEqual({ low: 10, high: 60, someBelow: false, someAbove: false });
  expect([10, 19, 20, 35, 59, 60].map((value) => shadeOf(value, scale))).toEqual([1, 1, 2, 3, 5, SHADES]);
  expect(shadeOf(null, scale)).toBe(0);
});

test('states that are all alike get the middle shade; none at all get none', () => {
  expect(shadeOf(7, scaleOf([7, 7]))).toBe(3);
  expect(scaleOf([null, null])).toBeNull();
  expect(shadeOf(null, null)).toBe(0);
});

test('one odd state does not paint all others alike', () => {
  const values = [3, ...Array.from({ length: 48 }, (_, index) => 1_000 + index), 90_000, 90_000];
  const scale = scaleOf(values);
  expect(scale).toEqual({ low: 1_001, high: 1_047, someBelow: true, someAbove: true });
  expect([3, 1_000, 1_001, 1_024, 1_047, 90_000].map((value) => shadeOf(value, scale))).toEqual([1, 1, 1, 3, 5, 5]);
});
