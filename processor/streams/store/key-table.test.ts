import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { KeyTable } from './key-table.ts';
import { storeKeys } from './store-keys.ts';

/** About ten pairs of so many keys have one hash of 32 bits. */
const MANY = 300_000;

test('keys that have one hash are told apart, and stay so when others go and come', () => {
  const table = new KeyTable(storeKeys<string>(undefined));
  const numbers = new Map<string, number>();
  const wrong = (): string[] => [...numbers].filter(([id, key]) => table.find(id) !== key).map(([id]) => id);
  const put = (id: string): void => {
    expect(table.find(id)).toBe(-1);
    numbers.set(id, table.add(id));
  };
  const bytes = randomBytes(8 * MANY);
  for (let at = 0; at < bytes.length; at += 8) {
    const id = bytes.toString('hex', at, at + 8);
    numbers.set(id, table.add(id));
  }
  expect(wrong()).toEqual([]);
  for (const key of numbers.values()) if (key % 3 > 0) table.remove(key);
  const gone = [...numbers].filter(([, key]) => key % 3 > 0).map(([id]) => id);
  for (const id of gone) numbers.delete(id);
  expect(wrong()).toEqual([]);
  expect(gone.filter((id) => table.find(id) !== -1)).toEqual([]);
  for (let nth = 0; nth < 1_000; nth += 1) put(`é ${'long '.repeat(nth % 40)}${String(nth)}`);
  expect(wrong()).toEqual([]);
  expect(new Set(numbers.values()).size).toBe(numbers.size);
  // The numbers of those that are gone are given out again.
  expect(Math.max(...table.inOrder().slice(0, 1_000))).toBeLessThan(MANY);
  expect(table.inOrder()).toHaveLength(numbers.size);
});
