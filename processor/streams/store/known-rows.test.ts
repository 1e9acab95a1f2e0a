import { expect, jest, test } from '@jest/globals';
import { dataKey } from './data-key.ts';
import { KnownKeys } from './known-keys.ts';
import { KnownRows } from './known-rows.ts';
import { RowChange } from './row-change.ts';

const value = Buffer.from('1');
const change = RowChange.of('counts', Buffer.from('CA'), value);
const whole = dataKey(change.store, change.key);

test('values are kept as they are written where reads of others were missed, and not otherwise', () => {
  const rows = new KnownRows(65_536, undefined);
  rows.committed([change], [null]);
  expect(rows.get(change.store, whole)).toBeUndefined();
  rows.committed([change], [null]);
  expect(rows.get(change.store, whole)).toEqual(change.value);
});

test('where values are kept, those of other rows are kept as they are written as long as there is room', () => {
  const rows = new KnownRows(65_536, undefined);
  rows.found(change.store, whole, value);
  const others = Array.from({ length: 5_000 }, (_, n) =>
    RowChange.of('counts', Buffer.from(`key ${String(n)}`), Buffer.from('1')),
  );
  const isKept = (n: number): boolean =>
    rows.get(change.store, dataKey(change.store, (others[n] as typeof change).key)) !== undefined;
  for (let n = 0; n < others.length; n += 100) rows.committed(others.slice(n, n + 100), []);
  const kept = others.flatMap((_, n) => (isKept(n) ? [n] : []));
  expect(kept.length).toBeGreaterThan(1_000);
  // The first that was too many has pushed out one, at most.
  expect(kept[0]).toBeLessThan(2);
  expect(kept.at(-1)).toBe((kept[0] as number) + kept.length - 1);
});

test('when it is full, a few of the rows that are read once come in, and one that is read again and again', () => {
  const rows = new KnownRows(65_536, undefined);
  const read = (key: string): boolean => {
    const other = dataKey(change.store, Buffer.from(key));
    if (rows.get(change.store, other) !== undefined) return true;
    rows.found(change.store, other, value);
    return false;
  };
  for (let n = 0; n < 10_000; n += 1) read(`first ${String(n)}`);
  for (let n = 0; n < 400; n += 1) read(`once ${String(n)}`);
  const kept = Array.from({ length: 400 }, (_, n) => `once ${String(n)}`).filter(
    (key) => rows.get(change.store, dataKey(change.store, Buffer.from(key))) !== undefined,
  );
  expect(kept.length).toBeGreaterThan(50);
  expect(kept.length).toBeLessThan(200);
  const hits = Array.from({ length: 200 }, () => read('again')).filter((isHit) => isHit);
  expect(hits.length).toBeGreaterThan(100);
});

test('whether values are worth their place is told by the writes of the stores that are not left to others', () => {
  const rows = new KnownRows(65_536, undefined);
  rows.leave('joined');
  const others = Array.from({ length: 100 }, (_, n) => RowChange.of('joined', Buffer.from(String(n)), value));
  rows.get(change.store, whole);
  rows.committed([...others, change], []);
  expect(rows.get(change.store, whole)).toEqual(change.value);
  expect(rows.get('joined', dataKey('joined', Buffer.from('1')))).toBeUndefined();
});

test('a commit that ends when all is closed leaves nothing', () => {
  const rows = new KnownRows(65_536, undefined);
  rows.get(change.store, whole);
  rows.close();
  rows.committed([change], [null]);
  expect(rows.get(change.store, whole)).toBeUndefined();
});

test('a store that is left to others is unknown from then on, also where it was the last that was asked for', () => {
  const rows = new KnownRows(65_536, new KnownKeys());
  rows.leave('joined');
  expect(rows.lacks(change.store, whole)).toBe(true);
  rows.leaveKeys(change.store);
  expect(rows.lacks(change.store, whole)).toBe(false);
  expect(rows.get(change.store, whole)).toBeUndefined();
  rows.found(change.store, whole, value);
  expect(rows.get(change.store, whole)).toEqual(value);
  rows.leave(change.store);
  rows.found(change.store, whole, value);
  expect(rows.get(change.store, whole)).toBeUndefined();
  // Who keeps the values knows the keys, too.
  rows.leaveKeys(change.store);
  rows.found(change.store, whole, value);
  expect(rows.get(change.store, whole)).toBeUndefined();
});

test('half of the memory goes to those that stores are left to, once, and what is kept of others stays', () => {
  const others = Array.from({ length: 5_000 }, (_, n) =>
    RowChange.of('counts', Buffer.from(`key ${String(n)}`), value),
  );
  const countIn = (rows: KnownRows): number =>
    others.filter(({ key }) => rows.get(change.store, dataKey(change.store, key)) !== undefined).length;
  const keptOf = (rows: KnownRows): number => {
    rows.found(change.store, whole, value);
    for (let n = 0; n < others.length; n += 100) rows.committed(others.slice(n, n + 100), []);
    return countIn(rows);
  };
  const rows = new KnownRows(65_536, undefined);
  expect(rows.leave('joined')).toBe(32_768);
  const kept = keptOf(rows);
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(0.7 * keptOf(new KnownRows(65_536, undefined)));
  expect(rows.leave('joined')).toBe(32_768);
  expect(countIn(rows)).toBe(kept);
});

// The hash of a key that is not among them may be that of one that is: it would be taken for a row that is not there.
test('only keys that came are taken out of those that are known', () => {
  const keys = new KnownKeys();
  const [add, remove] = [jest.spyOn(keys, 'add'), jest.spyOn(keys, 'remove')];
  const rows = new KnownRows(65_536, keys);
  rows.leaveKeys('sessions');
  rows.comes('sessions', dataKey('sessions', change.key));
  const gone = (store: string): RowChange => RowChange.of(store, change.key, null);
  rows.committed([gone('sessions')], [value]);
  rows.committed([gone(change.store), gone(change.store)], [undefined, null]);
  expect([add.mock.calls, remove.mock.calls]).toEqual([[], []]);
  rows.comes(change.store, whole);
  rows.committed([gone(change.store)], [value]);
  expect(remove.mock.calls).toEqual(add.mock.calls);
  expect(add).toHaveBeenCalledTimes(1);
});
