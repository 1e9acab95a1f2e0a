import { expect, test } from '@jest/globals';
import { decodeWindowKey, encodeWindowKey } from './window-key.ts';

test('a window key survives the round trip, and sorts by time before key', () => {
  const early = encodeWindowKey(60_000, 'WY');
  const late = encodeWindowKey(1_720_576_800_000, 'AK');
  expect(decodeWindowKey(late)).toEqual({ windowStartMs: 1_720_576_800_000, key: 'AK' });
  expect(Buffer.compare(early, late)).toBeLessThan(0);
});

test('the start is 8 bytes big-endian, over the whole range of exact numbers', () => {
  for (const windowStartMs of [0, 1, 2 ** 32 - 1, 2 ** 32, 1_720_576_800_000, Number.MAX_SAFE_INTEGER]) {
    const bytes = encodeWindowKey(windowStartMs, 'é');
    expect(bytes.readBigUInt64BE(0)).toBe(BigInt(windowStartMs));
    expect(decodeWindowKey(bytes)).toEqual({ windowStartMs, key: 'é' });
  }
});

test('a start that is no epoch millisecond is refused, naming it', () => {
  for (const wrong of [-1, 0.5, Number.NaN, Infinity, 2 ** 53])
    expect(() => encodeWindowKey(wrong, 'k')).toThrow(`${wrong} is not a window start`);
});
