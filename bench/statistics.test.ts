import { expect, test } from '@jest/globals';
import { parseBenchArguments } from './options.ts';
import { median, percentile, shortfalls } from './statistics.ts';

test('the middle value, or the mean of the middle two', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 100])).toBe(3);
  expect(median([])).toBeNaN();
});

test('nearest-rank percentiles', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
  expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1), percentile([7], 0.01)]).toEqual([
    50, 99, 100, 7,
  ]);
});

test('a ratio fails the check when it is more than 15 % below the stored one, and only then', () => {
  expect(shortfalls({ a: 2, b: 2, c: 2 }, { a: 1.71, b: 1.69, d: 0.1 })).toEqual([{ name: 'b', stored: 2, now: 1.69 }]);
});

test('flags: names first, whole numbers above 0', () => {
  expect(parseBenchArguments(['latency', '--rounds', '2', '--only', 'java,zod', '--check'])).toMatchObject({
    names: ['latency'],
    options: { rounds: 2, records: 5_000_000, only: ['java', 'zod'], check: true },
  });
  expect(() => parseBenchArguments(['--records', '0'])).toThrow('--records takes a whole number above 0');
  expect(() => parseBenchArguments(['--recods', '1'])).toThrow();
});
