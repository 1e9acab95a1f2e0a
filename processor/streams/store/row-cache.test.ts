import { describe, expect, test } from '@jest/globals';
import { dataKey } from './data-key.ts';
import { hashOfBytes } from './key-hash.ts';
import { RowCache } from './row-cache.ts';

const KIB = 1_024;
const STORES = ['counts', 'totals-of-a-store-with-a-long-name'] as const;

/** A cache that is asked by text. `hashOf`: other hashes than its own. */
function cacheOf(maxBytes: number, hashOf = (whole: Buffer): number => hashOfBytes(whole)) {
  const cache = new RowCache(maxBytes);
  const row = (key: string, store: string): [string, Buffer, number] => {
    const whole = dataKey(store, Buffer.from(key));
    return [store, whole, hashOf(whole)];
  };
  return {
    cache,
    get: (key: string, store: string = STORES[0]) => cache.get(...row(key, store))?.toString(),
    put: (key: string, value: string, store: string = STORES[0], isWanted = true) =>
      cache.put(...row(key, store), Buffer.from(value), isWanted),
    remove: (key: string, store: string = STORES[0]) => cache.remove(...row(key, store)),
  };
}

/** The same numbers from 0 up to, without, 1 in each run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

test('a row is what it was last put as, and a value of the caller’s own', () => {
  const { cache, get, put, remove } = cacheOf(64 * KIB);
  expect(get('CA')).toBeUndefined();
  put('CA', '1');
  put('CA', 'of another store', STORES[1]);
  expect([get('CA'), get('CA', STORES[1]), get('NY')]).toEqual(['1', 'of another store', undefined]);
  for (const value of ['22', '', '4444', 'longer than its place has room for', '5']) {
    put('CA', value);
    expect(get('CA')).toBe(value);
  }
  const whole = dataKey(STORES[0], Buffer.from('CA'));
  cache.get(STORES[0], whole, hashOfBytes(whole))?.fill('x');
  expect(get('CA')).toBe('5');
  remove('CA');
  expect([get('CA'), get('CA', STORES[1])]).toEqual([undefined, 'of another store']);
  expect(cache.count).toBe(1);
  cache.clear();
  expect([cache.count, cache.sizeBytes, get('CA', STORES[1])]).toEqual([0, 0, undefined]);
});

test('a key that is a UUID takes its bytes, and is no other key, whatever their hash', () => {
  const hex = '0123456789abcdef0123456789abcdef';
  const uuid = '01234567-89ab-cdef-0123-456789abcdef';
  const others = [
    uuid.toUpperCase(),
    uuid.replace('89ab', '89aB'),
    uuid.replace('f-0', 'f_0'),
    uuid.replace('0', 'g'),
    uuid.replace(/f$/, ' '),
    uuid.replace(/f$/, 'x'),
    uuid.replace(/f$/, 'e'),
    uuid.slice(1),
    `${uuid}x`,
    `${uuid}-0123`,
    hex,
    `${hex}0000`,
    '-'.repeat(36),
    Buffer.from(hex, 'hex').toString('latin1'),
  ];
  const cache = new RowCache(64 * KIB);
  const put = (key: string, value: string): void =>
    cache.put(STORES[0], dataKey(STORES[0], Buffer.from(key, 'latin1')), 7, Buffer.from(value), true);
  const get = (key: string): string | undefined =>
    cache.get(STORES[0], dataKey(STORES[0], Buffer.from(key, 'latin1')), 7)?.toString();
  const keys = [uuid, ...others];
  for (const key of keys) {
    expect(get(key)).toBeUndefined();
    put(key, `of ${key}`);
  }
  for (const key of keys) expect(get(key)).toBe(`of ${key}`);
  for (const key of keys) put(key, 'a value that is longer than the one before, with its key');
  put(uuid, '1');
  expect(keys.map(get)).toEqual(['1', ...others.map(() => 'a value that is longer than the one before, with its key')]);
  cache.remove(STORES[0], dataKey(STORES[0], Buffer.from(uuid)), 7);
  expect([get(uuid), cache.count]).toEqual([undefined, others.length]);
});

test('a write that is not wanted changes what is there, and adds nothing', () => {
  const { get, put } = cacheOf(64 * KIB);
  put('CA', '1', STORES[0], false);
  expect(get('CA')).toBeUndefined();
  put('CA', '1');
  put('CA', 'two: longer than one', STORES[0], false);
  expect(get('CA')).toBe('two: longer than one');
});

test.each([0, 1, 20, 300])('one of %d bytes has nothing, or little, and says nothing wrong', (maxBytes) => {
  const { cache, get, put } = cacheOf(maxBytes);
  for (let n = 0; n < 100; n += 1) put(`k${String(n % 7)}`, String(n));
  for (let n = 0; n < 7; n += 1) expect([undefined, String(98 - ((98 - n) % 7))]).toContain(get(`k${String(n)}`));
  expect(cache.sizeBytes).toBeLessThanOrEqual(maxBytes);
});

test('a row that is large for it, and a key of 64 KiB, are not kept', () => {
  const { get, put } = cacheOf(4 * KIB * KIB);
  put('CA', 'x'.repeat(300 * KIB));
  put('k'.repeat(64 * KIB), '1');
  expect([get('CA'), get('k'.repeat(64 * KIB))]).toEqual([undefined, undefined]);
  // In the place of one that was, too: it must not come again.
  put('CA', '1');
  put('CA', 'x'.repeat(300 * KIB));
  expect(get('CA')).toBeUndefined();
});

test('of more stores than it has numbers for, the rows of the last are not kept, and are nobody else’s', () => {
  const { get, put } = cacheOf(64 * KIB, () => 7);
  for (let n = 0; n < 300; n += 1) put('k'.repeat(3), String(n), `store-${String(n)}`);
  const found = Array.from({ length: 300 }, (_, n) => get('k'.repeat(n < 256 ? 3 : 2), `store-${String(n)}`));
  expect(found).toEqual(Array.from({ length: 300 }, (_, n) => (n < 256 ? String(n) : undefined)));
});

test('many rows are all there while there is room', () => {
  const { cache, get, put } = cacheOf(4 * KIB * KIB);
  for (let n = 0; n < 60_000; n += 1) put(`key-${String(n)}`, String(n));
  expect(cache.count).toBe(60_000);
  for (let n = 0; n < 60_000; n += 1) expect(get(`key-${String(n)}`)).toBe(String(n));
});

test('a million small rows take less than 32 MiB, and the first too many has no room', () => {
  const { cache, put } = cacheOf(KIB * KIB);
  const small = (n: number): string => n.toString(36).padStart(7, '0');
  let kept = 0;
  for (; cache.hasRoom || kept === 0; kept += 1) put(small(kept), String(kept).slice(0, 4));
  expect(kept).toBeGreaterThan(1_000_000 / 32);
  expect(cache.count).toBeGreaterThan(1_000_000 / 32);
  cache.clear();
  expect(cache.hasRoom).toBe(true);
});

test('a million counts by UUID have room in less than 40 MiB', () => {
  const { cache, put } = cacheOf(KIB * KIB);
  const uuid = (n: number): string => `${n.toString(16).padStart(8, '0')}-89ab-4def-8123-456789abcdef`;
  let kept = 0;
  for (; cache.hasRoom || kept === 0; kept += 1) put(uuid(kept), '12');
  expect(kept).toBeGreaterThan(1_000_000 / 40);
});

test('a value that becomes much shorter, and longer again, is what it was last put as', () => {
  const { get, put } = cacheOf(KIB * KIB);
  for (const length of [30_000, 3, 20, 0, 4_095, 4_096, 8_191, 1, 30_000]) {
    put('CA', 'x'.repeat(length));
    put(`NY ${String(length)}`, 'another');
    expect(get('CA')).toBe('x'.repeat(length));
  }
});

test('when it is full, rows that are read stay', () => {
  const { cache, get, put } = cacheOf(256 * KIB);
  for (let n = 0; n < 100_000; n += 1) {
    put(`key-${String(n)}`, String(n));
    if (n >= 100) expect(get(`key-${String(n % 100)}`)).toBe(String(n % 100));
  }
  expect(cache.sizeBytes).toBeLessThanOrEqual(256 * KIB);
  expect(cache.count).toBeGreaterThan(3_000);
});

describe('what it says is so, whatever comes and goes', () => {
  const fewHashes = (whole: Buffer): number => (whole.readUInt8(whole.length - 1) % 5) + 1;
  const sameSlots = (whole: Buffer): number => (hashOfBytes(whole) >>> 16) | 1;
  test.each([
    ['its own hashes', 1, undefined],
    ['its own hashes again', 2, undefined],
    ['five hashes for all keys', 3, fewHashes],
    ['hashes of one slot', 4, sameSlots],
  ])('with %s', (_, seed, hashOf) => {
    const random = randomNumbers(seed);
    const { cache, get, put, remove } = cacheOf(16 * KIB, hashOf);
    const rows = new Map<string, string>();
    let found = 0;
    let most = 0;
    for (let step = 0; step < 60_000; step += 1) {
      const number = String(Math.floor(random() ** 2 * 900));
      const key = number.endsWith('7') ? `${number.padStart(8, '0')}-89ab-4def-8123-456789abcdef` : `k${number}`;
      const store = STORES[random() < 0.7 ? 0 : 1];
      const id = `${store} ${key}`;
      const what = random();
      if (what < 0.5) {
        const value = get(key, store);
        if (value !== undefined) expect(value).toBe(rows.get(id));
        if (value !== undefined) found += 1;
      } else if (what < 0.93) {
        const value = `${String(step)} `.repeat(1 + Math.floor(random() ** 4 * 20));
        rows.set(id, value);
        put(key, value, store, random() < 0.8);
      } else if (what < 0.9999) {
        rows.delete(id);
        remove(key, store);
      } else cache.clear();
      most = Math.max(most, cache.sizeBytes);
    }
    expect(found).toBeGreaterThan(3_000);
    expect(most).toBeLessThanOrEqual(16 * KIB);
  });
});
