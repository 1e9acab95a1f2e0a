import { expect, test } from '@jest/globals';
import {
  formatAge,
  formatAgo,
  formatCompact,
  formatCount,
  formatRate,
  formatShare,
  plural,
  shareOf,
} from './format.ts';

test('counts are exact, short forms are short', () => {
  expect(formatCount(1_234_567)).toBe('1,234,567');
  expect([9_999, 12_345, 1_234_567].map(formatCompact)).toEqual(['9,999', '12.3K', '1.23M']);
});

test('rates keep a decimal while it says something', () => {
  expect([null, 0, 20.44, 1_250.4].map(formatRate)).toEqual(['–', '0.0', '20.4', '1,250']);
});

test('a share of nothing is a dash, not 0% and not NaN', () => {
  expect(formatShare(shareOf(1, 3))).toBe('33.3%');
  expect(formatShare(shareOf(0, 0))).toBe('–');
});

test('ages grow their unit and never run backwards', () => {
  expect([-5_000, 3_400, 59_400, 60_000, 7_199_000, 200_000_000].map(formatAge)).toEqual([
    '0 s',
    '3 s',
    '59 s',
    '1 min',
    '1 h',
    '2 days',
  ]);
  expect([400, 2_000].map(formatAgo)).toEqual(['just now', '2 s ago']);
  expect([plural(1, 'record'), plural(1_200, 'record')]).toEqual(['1 record', '1,200 records']);
});
