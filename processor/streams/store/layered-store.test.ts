import { expect, test } from '@jest/globals';
import { LayeredStore } from './layered-store.ts';
import { MemoryStoreImage, openMemoryStore } from './memory-store.ts';
import type { StateStore, StoreBatch } from './state-store.ts';

const batch = (changelog: Record<string, number>, ...rows: [store: string, key: string, value: string | null][]) =>
  ({
    changes: rows.map(([store, key, value]) => ({
      store,
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
    })),
    changelogOffsets: new Map(Object.entries(changelog)),
    inputOffsets: new Map([['in-0', 7]]),
  }) satisfies StoreBatch;

const layered = (image: MemoryStoreImage): LayeredStore =>
  new LayeredStore(openMemoryStore(image), new Set(['quick']), new Set(['quick-changelog-0']));

async function rowsOf(store: StateStore, name: string): Promise<string[]> {
  const rows: string[] = [];
  for await (const [key, value] of store.entries(name)) rows.push(`${String(key)}=${String(value)}`);
  return rows;
}

test('rows in memory and how far their changelog is in them are gone together, all else stays', async () => {
  const image = new MemoryStoreImage();
  const store = layered(image);
  const offsets = { 'quick-changelog-0': 3, 'kept-changelog-0': 5 };
  await store.commit(batch(offsets, ['quick', 'a', '1'], ['quick', 'b', '2'], ['kept', 'a', '3']));
  expect(await rowsOf(store, 'quick')).toEqual(['a=1', 'b=2']);
  expect(await rowsOf(store, 'kept')).toEqual(['a=3']);
  expect(String(store.get('quick', Buffer.from('a')))).toBe('1');
  expect(Object.fromEntries(store.offsets().changelog)).toEqual(offsets);
  expect(store.digest().entries).toBe(3);
  const keys: string[] = [];
  for await (const some of store.keys('quick')) keys.push(...some.map(String));
  expect(keys).toEqual(['a', 'b']);
  expect((await store.keysBelow('quick', Buffer.from('b'), 9)).map(String)).toEqual(['a']);
  await store.close();
  expect(image.data.size).toBe(1);

  const again = layered(image);
  expect(await rowsOf(again, 'quick')).toEqual([]);
  expect(await rowsOf(again, 'kept')).toEqual(['a=3']);
  expect(Object.fromEntries(again.offsets().changelog)).toEqual({ 'kept-changelog-0': 5 });
  expect(again.offsets().input.get('in-0')).toBe(7);
  expect(await again.verify()).toBe(true);
  await again.closeDirty();
});

test('a batch that the disk does not take leaves the memory as it was', async () => {
  const disk = openMemoryStore();
  const store = new LayeredStore(disk, new Set(['quick']), new Set(['quick-changelog-0']));
  await store.commit(batch({ 'quick-changelog-0': 1 }, ['quick', 'a', '1']));
  disk.commit = () => Promise.reject(new Error('the disk is full'));
  await expect(store.commit(batch({ 'quick-changelog-0': 2 }, ['quick', 'a', '2']))).rejects.toThrow('full');
  expect(await rowsOf(store, 'quick')).toEqual(['a=1']);
  expect(store.offsets().changelog.get('quick-changelog-0')).toBe(1);
});

test('what a former release had on disk of a changelog does not count', async () => {
  const image = new MemoryStoreImage();
  const former = openMemoryStore(image);
  await former.commit(batch({ 'quick-changelog-0': 9 }, ['quick', 'a', '1']));
  await former.close();
  const store = layered(image);
  expect(store.offsets().changelog.size).toBe(0);
  expect(store.get('quick', Buffer.from('a'))).toBeUndefined();
});
