import { expect, test } from '@jest/globals';
import { dataKey } from './data-key.ts';
import { hashOfBytes } from './key-hash.ts';
import { KnownKeys } from './known-keys.ts';

const hashOf = (key: Buffer): number => hashOfBytes(key);
const whole = (text: string): number => hashOf(dataKey('counts', Buffer.from(text)));

test('a key that is there is never lacked, and hardly one that is not is taken for it, while keys come and go', () => {
  const keys = new KnownKeys();
  const there = new Set<string>();
  let random = 1;
  for (let step = 0; step < 60_000; step += 1) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    const text = `u${String((random >>> 8) % 9_000)}`;
    if ((random >>> 4) % 3 > 0) {
      if (!there.has(text)) keys.add(whole(text));
      there.add(text);
    } else if (there.delete(text)) keys.remove(whole(text));
  }
  let wrong = 0;
  for (let n = 0; n < 18_000; n += 1) {
    const text = `u${String(n)}`;
    const lacks = keys.lacks(whole(text));
    if (there.has(text)) expect(lacks).toBe(false);
    else if (!lacks) wrong += 1;
  }
  expect(there.size).toBeGreaterThan(3_000);
  expect(wrong).toBeLessThan(3);
});

test.each([0, 100, 5_000, 2 ** 31])('all that came are gone again, of %d expected: every one is lacked', (expected) => {
  const keys = new KnownKeys(expected);
  const texts = Array.from({ length: 5_000 }, (_, n) => `k${String(n)}`);
  for (const text of texts) keys.add(whole(text));
  expect(texts.some((text) => keys.lacks(whole(text)))).toBe(false);
  for (const text of texts) keys.remove(whole(text));
  expect(texts.every((text) => keys.lacks(whole(text)))).toBe(true);
});

test('of more keys than it is made for it says nothing', () => {
  const keys = new KnownKeys();
  const key = Buffer.alloc(8);
  for (let n = 0; n < 1_500_000; n += 1) {
    key.writeUInt32LE(n);
    keys.add(hashOf(key));
  }
  expect(keys.lacks(whole('never there'))).toBe(false);
  keys.remove(hashOf(key));
  keys.add(hashOf(key));
  expect(keys.lacks(whole('never there'))).toBe(false);
});
