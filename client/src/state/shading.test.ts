import { expect, test } from '@jest/globals';
import { measureOf, scaleOf, SHADES, shadeOf } from './shading.ts';

const devices = { ios: 3, android: 1, other: 0, total: 4 };

test('measures are logins or shares, and nothing without logins', () => {
  expect([measureOf(devices, 'total'), measureOf(devices, 'ios'), measureOf(devices, 'android')]).toEqual([4, 0.75, 0.25]);
  expect(measureOf({ ios: 0, android: 0, other: 0, total: 0 }, 'ios')).toBeNull();
});

test('equal steps from the least to the most; no logins is a shade of its own', () => {
  const scale = scaleOf([10, null, 60, 35]);
  expect(scale).toEqual({ min: 10, max: 60 });
  expect([10, 19, 20, 35, 59, 60].map((value) => shadeOf(value, scale))).toEqual([1, 1, 2, 3, 5, SHADES]);
  expect(shadeOf(null, scale)).toBe(0);
});

test('states that are all alike get the middle shade; none at all get none', () => {
  expect(shadeOf(7, scaleOf([7, 7]))).toBe(3);
  expect(scaleOf([null, null])).toBeNull();
  expect(shadeOf(null, null)).toBe(0);
});
