import { expect, test } from '@jest/globals';
import { dataKey } from './data-key.ts';
import { KnownRows } from './known-rows.ts';

const change = { store: 'counts', key: Buffer.from('CA'), value: Buffer.from('1') };
const whole = dataKey(change.store, change.key);

test('values are kept as they are written where reads of others were missed, and not otherwise', () => {
  const rows = new KnownRows(65_536, undefined);
  rows.committed([change], [null]);
  expect(rows.get(change.store, whole)).toBeUndefined();
  rows.committed([change], [null]);
  expect(rows.get(change.store, whole)).toEqual(change.value);
});

test('a commit that ends when all is closed leaves nothing', () => {
  const rows = new KnownRows(65_536, undefined);
  rows.get(change.store, whole);
  rows.close();
  rows.committed([change], [null]);
  expect(rows.get(change.store, whole)).toBeUndefined();
});
