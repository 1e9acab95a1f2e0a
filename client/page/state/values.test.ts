import { expect, test } from '@jest/globals';
import { scalar } from './test-tables.ts';
import { formatBytes, formatNumber, formatPlain, memberOf, partsOf, summaryOf, valueAt } from './values.ts';

test('numbers are grouped and exact, also those that no JavaScript number holds', () => {
  expect([1_234_567, 0.1, -5].map(formatNumber)).toEqual(['1,234,567', '0.1', '-5']);
  expect(['123456789012345678901', '-1234', '12'].map(formatNumber)).toEqual([
    '123,456,789,012,345,678,901',
    '-1,234',
    '12',
  ]);
  expect(formatPlain('123456', scalar('BigInt'), 0)).toBe('123,456');
});

test('plain values by their type', () => {
  expect(formatPlain('123456', scalar('String'), 0)).toBe('123456');
  expect(formatPlain(true, scalar('Boolean'), 0)).toBe('true');
  expect(formatPlain(null, scalar('Int'), 0)).toBe('–');
  expect(formatPlain({ a: [1] }, scalar('JSON'), 0)).toBe('{"a":[1]}');
  const at = '2026-01-31T12:00:00.000Z';
  expect(formatPlain(at, scalar('DateTime'), Date.parse(at))).toMatch(/^\d\d:\d\d:\d\d$/);
});

test('nested values in one line, by the names that people know', () => {
  expect(summaryOf({ city: 'Berlin', zip: null, geo: { lat: 52.5, tags: ['a', 'b'] } })).toBe(
    'city Berlin, zip –, geo (lat 52.5, tags (a, b))',
  );
  const paid = { __typename: 'Cash', Cash__by: 'CASH' };
  expect([summaryOf(paid), memberOf(paid), partsOf(paid)]).toEqual(['Cash: by CASH', 'Cash', [['by', 'CASH']]]);
  expect([summaryOf([]), summaryOf({}), summaryOf({ __typename: 'Cash' })]).toEqual(['–', '–', 'Cash']);
});

test('a value by its path, and a size in words', () => {
  expect([valueAt({ a: { b: 1 } }, ['a', 'b']), valueAt({ a: null }, ['a', 'b'])]).toEqual([1, undefined]);
  expect([312, 4_210, 17_400_000, 2_500_000_000_000].map(formatBytes)).toEqual([
    '312 bytes',
    '4.2 kB',
    '17 MB',
    '2500 GB',
  ]);
});
