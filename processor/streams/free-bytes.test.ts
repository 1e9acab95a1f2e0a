import { expect, test } from '@jest/globals';
import { freeBytes } from './free-bytes.ts';

test('bytes that have their memory for themselves give it back; a part of other bytes, and few, stay', () => {
  const own = Buffer.allocUnsafe(100_000);
  const part = Buffer.alloc(200_000, 'x').subarray(50_000, 150_000);
  const few = Buffer.from('few');
  for (const bytes of [own, part, few]) freeBytes(bytes);
  expect([own.length, part.length, part.toString('latin1', 0, 3), few.toString()]).toEqual([0, 100_000, 'xxx', 'few']);
});

test('bytes that other threads share stay', () => {
  const shared = Buffer.from(new SharedArrayBuffer(100_000));
  freeBytes(shared);
  expect(shared.length).toBe(100_000);
});
