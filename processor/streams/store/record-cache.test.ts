import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CachedRow } from './cached-row.ts';
import { RecordCache, type StoreCache } from './record-cache.ts';

/** What a row of a key and a text of one character takes. */
const ROW_BYTES = 227;

const idsIn = (cache: StoreCache, ids: readonly string[]): string[] => ids.filter((id) => cache.peek(id) !== undefined);

test('what is kept is found again, a row that is absent too, and the reads are counted', () => {
  const cache = new RecordCache(10_000);
  const rows = cache.open();
  expect(rows.get('a')).toBeUndefined();
  rows.keep('a', '1');
  rows.keep('b', null);
  expect(rows.get('a')?.bytes()).toEqual(Buffer.from('1'));
  expect(rows.get('b')?.bytes()).toBeNull();
  rows.keep('a', '22');
  expect(rows.get('a')?.bytes()).toEqual(Buffer.from('22'));
  rows.forget('a');
  expect(rows.peek('a')).toBeUndefined();
  expect(cache.counts()).toEqual({ hits: 3, misses: 1, rows: 1, bytes: ROW_BYTES - 1 });
});

test('rows of one id in two windows, and in two stores, are different rows', () => {
  const cache = new RecordCache(10_000);
  const [one, other] = [cache.open(), cache.open()];
  one.keep('a', '1', 60_000);
  one.keep('a', '2', 120_000);
  other.keep('a', '3', 60_000);
  expect([one.get('a', 60_000)?.text, one.get('a', 120_000)?.text, other.get('a', 60_000)?.text]).toEqual([
    '1',
    '2',
    '3',
  ]);
  one.forget('a', 60_000);
  expect(one.get('a', 60_000)).toBeUndefined();
  expect(other.get('a', 60_000)?.text).toBe('3');
});

test('the bytes of all stores together stay within the bound, and what was read goes last', () => {
  const cache = new RecordCache(3 * ROW_BYTES);
  const [one, other] = [cache.open(), cache.open()];
  one.keep('a', '1');
  one.keep('b', '1');
  other.keep('c', '1');
  one.get('a');
  other.keep('d', '1');
  expect([idsIn(one, ['a', 'b']), idsIn(other, ['c', 'd'])]).toEqual([['a'], ['c', 'd']]);
  expect(cache.counts()).toMatchObject({ rows: 3, bytes: 3 * ROW_BYTES });
});

test('a row that grows makes room for itself, and one that is larger than the cache is not kept', () => {
  const cache = new RecordCache(3 * ROW_BYTES);
  const rows = cache.open();
  for (const id of ['a', 'b', 'c']) rows.keep(id, '1');
  rows.keep('c', '1'.repeat(100));
  expect(idsIn(rows, ['a', 'b', 'c'])).toEqual(['b', 'c']);
  expect(rows.keep('d', '1'.repeat(1_000))).toBeUndefined();
  expect(rows.found('d', Buffer.alloc(1_000)).bytes()).toEqual(Buffer.alloc(1_000));
  rows.keep('c', '1'.repeat(1_000));
  expect(idsIn(rows, ['a', 'b', 'c', 'd'])).toEqual(['b']);
  expect(cache.counts()).toMatchObject({ rows: 1, bytes: ROW_BYTES });
});

test('a value that nobody can change is kept, and a text of it is counted; an object is not kept', () => {
  const cache = new RecordCache(10_000);
  const rows = cache.open();
  const [number, text, object] = ['a', 'b', 'c'].map((id) => rows.keep(id, '1')) as [CachedRow, CachedRow, CachedRow];
  rows.share(number, 1);
  rows.share(text, 'abc');
  rows.share(object, { n: 1 });
  expect([number.value, text.value, object.value]).toEqual([1, 'abc', undefined]);
  expect(cache.counts().bytes).toBe(3 * ROW_BYTES + 6);
  rows.keep('b', '2');
  expect(text.value).toBeUndefined();
  expect(cache.counts().bytes).toBe(3 * ROW_BYTES);
});

test('a store that is closed gives its bytes back and keeps nothing more; others stay as they are', () => {
  const cache = new RecordCache(10_000);
  const [one, other] = [cache.open(), cache.open()];
  one.keep('a', '1');
  one.keep('a', '1', 60_000);
  other.keep('a', '1');
  one.close();
  expect([one.keep('b', '1'), one.found('b', Buffer.from('1')).bytes()]).toEqual([undefined, Buffer.from('1')]);
  expect([one.get('a'), one.get('b')]).toEqual([undefined, undefined]);
  expect(other.get('a')?.text).toBe('1');
  expect(cache.counts()).toMatchObject({ rows: 1, bytes: ROW_BYTES, misses: 0 });
});

test('one of 0 bytes keeps nothing and counts nothing', () => {
  const cache = new RecordCache(0);
  const rows = cache.open();
  expect(rows.keepsRows).toBe(false);
  rows.keep('a', '1');
  expect(rows.get('a')).toBeUndefined();
  expect(cache.counts()).toEqual({ hits: 0, misses: 0, rows: 0, bytes: 0 });
});

test('it never holds more bytes than it may, counts what it holds, and holds nothing but what was kept last', () => {
  const step = fc.record({
    does: fc.constantFrom('keep', 'keep', 'keep', 'get', 'forget', 'share', 'close'),
    store: fc.nat(2),
    id: fc.constantFrom('a', 'b', 'cccc', 'dddd', 'e', 'f'),
    group: fc.constantFrom(0, 60_000),
    length: fc.constantFrom(0, 1, 50, 300, 2_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 250, 600, 1_500), (steps, maxBytes) => {
      const cache = new RecordCache(maxBytes);
      const stores = [cache.open(), cache.open(), cache.open()];
      const kept = new Map<string, string>();
      for (const { does, store, id, group, length } of steps) {
        const rows = stores[store] as StoreCache;
        const name = `${String(store)} ${id} ${String(group)}`;
        if (does === 'keep') {
          rows.keep(id, 'x'.repeat(length), group);
          kept.set(name, 'x'.repeat(length));
        } else if (does === 'forget') {
          rows.forget(id, group);
          kept.delete(name);
        } else if (does === 'close') {
          rows.close();
          stores[store] = cache.open();
          for (const one of kept.keys()) if (one.startsWith(String(store))) kept.delete(one);
        } else {
          const row = rows.get(id, group);
          if (row !== undefined) expect(row.text).toBe(kept.get(name));
          if (row !== undefined && does === 'share') rows.share(row, 'y'.repeat(length));
        }
        let [count, bytes] = [0, 0];
        for (const one of stores)
          for (const at of [0, 60_000])
            for (const key of ['a', 'b', 'cccc', 'dddd', 'e', 'f']) {
              const row = one.peek(key, at);
              count += row === undefined ? 0 : 1;
              bytes += row?.sizeBytes ?? 0;
            }
        expect(bytes).toBeLessThanOrEqual(maxBytes);
        expect(cache.counts()).toMatchObject({ rows: count, bytes });
      }
    }),
  );
});

test('full, and hardly anything comes again: it is empty and passed by for a while, and begins anew', () => {
  const cache = new RecordCache(1_000 * 300);
  const [rows, other] = [cache.open(), cache.open()];
  let next = 0;
  const readNew = (count: number): number => {
    let kept = 0;
    for (let at = 0; at < count; at += 1) {
      const id = String((next += 1));
      if (rows.get(id) === undefined) kept += rows.found(id, Buffer.from('1')).store === undefined ? 0 : 1;
    }
    return kept;
  };
  other.keep('other', '1', 60_000);
  expect(readNew(9_999)).toBe(9_999);
  expect(readNew(1)).toBe(0);
  expect(cache.counts()).toMatchObject({ rows: 0, bytes: 0, misses: 10_000 });
  // What is written meanwhile is not in it either: nothing in it can be old when it begins anew.
  expect([rows.keep('a', '1'), other.keep('other', '2', 60_000)]).toEqual([undefined, undefined]);
  expect(readNew(499_999)).toBe(0);
  expect([cache.counts().misses, rows.peek('a')]).toEqual([10_000, undefined]);
  rows.get('last');
  expect(readNew(1_000)).toBe(1_000);
  rows.keep('a', '2');
  expect(rows.get('a')?.text).toBe('2');
});
