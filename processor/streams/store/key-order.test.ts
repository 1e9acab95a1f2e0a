import { expect, test } from '@jest/globals';
import { keyOrder } from './key-order.ts';
import { RowChange } from './row-change.ts';

const change = (store: string, key: string): RowChange => RowChange.of(store, Buffer.from(key, 'latin1'), null);

test('every change has its place once, those of a store in the order of their keys', () => {
  const numbers = Array.from({ length: 500 }, (_, n) => (n * 7_919) % 9_973);
  const changes = [
    ...numbers.map((n) => change('a', `u${String(n).padStart(8, '0')}`)),
    ...numbers.map((n) => change('b', `\u00ff${String.fromCharCode(n >> 8, n & 0xff)}`)),
  ];
  const order = [...(keyOrder(changes) ?? [])];
  expect(order.toSorted((a, b) => a - b)).toEqual(changes.map((_, index) => index));
  const keys = order.map((index) => `${changes[index]?.store}${changes[index]?.key.toString('latin1')}`);
  expect(keys).toEqual(keys.toSorted((a, b) => (a < b ? -1 : 1)));
});

test('keys of any lengths, an empty one and equal beginnings among them, are all there; few have no order', () => {
  const texts = ['', 'a', 'aa', 'aaaaaaaaaaaaaa', 'b', '\u00ff\u00ff\u00ff\u00ff\u00ff'];
  const changes = Array.from({ length: 60 }, (_, n) => change('a', `${texts[n % 6] ?? ''}${n < 6 ? '' : String(n)}`));
  expect([...(keyOrder(changes) ?? [])].toSorted((a, b) => a - b)).toEqual(changes.map((_, index) => index));
  expect(keyOrder(changes.slice(0, 3))).toBeUndefined();
});
