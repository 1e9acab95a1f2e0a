import { describe, expect, test } from '@jest/globals';
import { canStand, numberToMs, standInMs, textToMs } from './login-timestamp.ts';

describe('numbers', () => {
  test.each([
    [1_720_576_825, 1_720_576_825_000],
    [1_720_576_825_123, 1_720_576_825_123],
    [99_999_999_999, 99_999_999_999_000],
    [100_000_000_000, 100_000_000_000],
    [0, 0],
    [-1, NaN],
    [-0.5, NaN],
    [1_720_576_825_123.9, 1_720_576_825_123],
    [1_720_576_825.0009, 1_720_576_825_000],
  ])('%d is %d ms', (value, ms) => expect(numberToMs(value)).toBe(ms));

  test('each thousandth of a second is its own millisecond, though doubles fall short of some', () => {
    const floored = new Set<number>();
    let shortOfIt = 0;
    for (let ms = 0; ms < 1000; ms++) {
      const seconds = Number(`1720576825.${String(ms).padStart(3, '0')}`);
      if (numberToMs(seconds) === 1_720_576_825_000 + ms) floored.add(ms);
      if (Math.floor((seconds - 1_720_576_825) * 1000) !== ms) shortOfIt += 1;
    }
    expect(floored.size).toBe(1000);
    expect(shortOfIt).toBeGreaterThan(0);
  });
});

describe('text', () => {
  const at = Date.UTC(2024, 6, 10, 2, 0, 25);
  test.each([
    ['1720576825', 1_720_576_825_000],
    ['1720576825.9999', 1_720_576_825_999],
    ['1720576825123.9', 1_720_576_825_123],
    ['0001720576825', 1_720_576_825_000],
    ['1720576825.', NaN],
    ['.5', NaN],
    ['+1720576825', NaN],
    ['-1720576825', NaN],
    ['1.7e9', NaN],
    ['0x66', NaN],
    ['1,720,576,825', NaN],
    ['\u0661\u0667', NaN],
    ['', NaN],
    ['2024-07-10T02:00:25Z', at],
    ['2024-07-10t02:00:25z', at],
    ['2024-07-10T02:00:25.1Z', at + 100],
    ['2024-07-10T02:00:25.1239999999999999999999Z', at + 123],
    ['2024-07-10T07:30:25+05:30', at],
    ['2024-07-09T18:00:25-08:00', at],
    ['2024-07-10T02:00:25-00:00', at],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2023-02-29T00:00:00Z', NaN],
    ['2024-04-31T00:00:00Z', NaN],
    ['2024-00-10T00:00:00Z', NaN],
    ['2024-13-10T00:00:00Z', NaN],
    ['2024-07-00T00:00:00Z', NaN],
    ['2024-07-10T24:00:00Z', NaN],
    ['2024-07-10T23:60:00Z', NaN],
    ['2024-07-10T02:00:25+24:00', NaN],
    ['2024-07-10T02:00:25+05:60', NaN],
    ['2024-07-10T02:00:25+0530', NaN],
    ['2024-07-10T02:00:25.Z', NaN],
    ['2024-07-10T02:00:25', NaN],
    ['2024-07-10T02:00Z', NaN],
    ['2024-07-10 02:00:25Z', NaN],
    ['2024-07-10', NaN],
    ['12024-07-10T02:00:25Z', NaN],
    ['Wed, 10 Jul 2024 02:00:25 GMT', NaN],
  ])('%j is %d', (text, ms) => expect(textToMs(text)).toBe(ms));

  test.each([
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
    ['2015-06-30T23:59:60.250Z', Date.UTC(2015, 6, 1) + 250],
    ['1990-12-31T15:59:60-08:00', Date.UTC(1991, 0, 1)],
    ['2016-12-30T23:59:60Z', NaN],
    ['2016-12-31T23:58:60Z', NaN],
    ['2016-12-31T23:59:60-08:00', NaN],
    ['2016-12-31T23:59:61Z', NaN],
  ])('a leap second: %s', (text, ms) => expect(textToMs(text)).toBe(ms));
});

describe('what can stand, and what stands in', () => {
  const now = Date.UTC(2024, 10, 23);
  const earliest = Date.UTC(2000, 0, 1);
  test.each([
    [earliest, true],
    [earliest - 1, false],
    [now + 3_600_000, true],
    [now + 3_600_001, false],
    [NaN, false],
    [-1, false],
  ])('%d: %s', (ms, stands) => {
    expect(canStand(ms, now)).toBe(stands);
    expect(standInMs(ms, now)).toBe(stands ? ms : now);
  });
});
