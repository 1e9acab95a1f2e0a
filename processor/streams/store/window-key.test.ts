import { expect, test } from '@jest/globals';
import { decodeWindowKey, encodeWindowKey } from './window-key.ts';

test('a window key survives the round trip, and sorts by time before key', () => {
  const early = encodeWindowKey(60_000, 'WY');
  const late = encodeWindowKey(1_720_576_800_000, 'AK');
  expect(decodeWindowKey(late)).toEqual({ windowStartMs: 1_720_576_800_000, key: 'AK' });
  expect(Buffer.compare(early, late)).toBeLessThan(0);
});
