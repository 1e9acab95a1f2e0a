import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DigestSum, checksum } from './store-digest.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

test('the hash on disk never changes: these values are what version 1 wrote', () => {
  const digest = new DigestSum();
  digest.add(bytes('counts\0CA'), bytes('{"ios":1}'));
  expect(digest.get()).toEqual({ entries: 1, sum: 16_564_192_836_545_428_675n });
  expect(checksum(bytes('tributary'))).toBe('2327ddfc24471650');
});

test('the sum is that of a 64-bit integer, whatever the order, and removal undoes addition', () => {
  const entry = fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30 }), fc.array(entry, { maxLength: 30 }), (kept, removed) => {
      const digest = new DigestSum({ entries: 7, sum: 2n ** 64n - 1n });
      for (const [key, value] of removed) digest.add(key, value);
      for (const [key, value] of kept.toReversed()) digest.add(key, value);
      for (const [key, value] of removed) digest.remove(key, value);
      const expected = kept.reduce(
        (sum, [key, value]) => {
          const one = new DigestSum();
          one.add(key, value);
          return BigInt.asUintN(64, sum + one.get().sum);
        },
        2n ** 64n - 1n,
      );
      expect(digest.get()).toEqual({ entries: 7 + kept.length, sum: expected });
    }),
  );
});

test('every single flipped bit of key or value shows, and so does a moved border between them', () => {
  const key = bytes('counts-by-state\0CA');
  const value = bytes('{"ios":12345,"android":6}');
  const sumOf = (k: Uint8Array, v: Uint8Array): bigint => {
    const digest = new DigestSum();
    digest.add(k, v);
    return digest.get().sum;
  };
  const seen = new Set([sumOf(key, value), sumOf(Buffer.concat([key, value.subarray(0, 1)]), value.subarray(1))]);
  for (const part of [key, value]) {
    for (let bit = 0; bit < part.length * 8; bit++) {
      const at = bit >> 3;
      part[at] = (part[at] as number) ^ (1 << (bit & 7));
      seen.add(sumOf(key, value));
      part[at] = (part[at] as number) ^ (1 << (bit & 7));
    }
  }
  expect(seen.size).toBe(2 + (key.length + value.length) * 8);
});
