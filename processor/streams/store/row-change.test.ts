import { expect, test } from '@jest/globals';
import { RowChange } from './row-change.ts';

const texts = ({ key, value }: { readonly key: Buffer; readonly value: Buffer | null }) => [
  key.toString(),
  value?.toString(),
];

test('a change has what it was made of, whatever becomes of that and is made after it', () => {
  const key = Buffer.from('CA');
  const value = Buffer.from('1');
  const changes = [RowChange.of('counts', key, value), RowChange.of('counts', Buffer.alloc(0), Buffer.alloc(0))];
  key.fill('x');
  value.fill('x');
  const long = 'long '.repeat(20_000);
  changes.push(RowChange.of('counts', Buffer.from('NY'), null), RowChange.of('counts', Buffer.from(long), null));
  const many = Array.from({ length: 20_000 }, (_, n) =>
    RowChange.of('counts', Buffer.from(String(n)), Buffer.from('v')),
  );
  expect(changes.map(texts)).toEqual([
    ['CA', '1'],
    ['', ''],
    ['NY', undefined],
    [long, undefined],
  ]);
  expect(many.map(({ key: of }) => of.toString())).toEqual(many.map((_, n) => String(n)));
});

test('of a text it has the bytes, where these are ASCII', () => {
  const longer = 'a'.repeat(100_000);
  const [ascii, long] = [RowChange.ofText('counts', 'CA', Buffer.from('1')), RowChange.ofText('counts', longer, null)];
  expect(RowChange.ofText('counts', 'CA\u00e4', Buffer.from('1'))).toBeUndefined();
  const next = RowChange.of('counts', Buffer.from('NY'), Buffer.from('2'));
  expect([ascii, long, next].map((change) => change && texts(change))).toEqual([
    ['CA', '1'],
    [longer, undefined],
    ['NY', '2'],
  ]);
});

test('it is the record of its changelog', () => {
  const hash = { low: 0, high: 0, isKnown: false };
  const change = RowChange.of('counts', Buffer.from('CA'), Buffer.from('1'), null, hash);
  expect(change.logTo('app-counts-changelog', 3)).toBe(change);
  expect([change.topic, change.partition, change.store, change.previous]).toEqual([
    'app-counts-changelog',
    3,
    'counts',
    null,
  ]);
  expect(change.hash).toBe(hash);
});
