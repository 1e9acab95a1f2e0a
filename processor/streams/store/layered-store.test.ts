import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { load, put } from '../tests/contract/state-store.contract.ts';
import { LayeredStore } from './layered-store.ts';
import { openLevelDbStore } from './leveldb-store.ts';
import { MemoryStoreImage, openMemoryStore } from './memory-store.ts';
import type { StateStore, StoreBatch } from './state-store.ts';

const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

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

const ROWS = 6_000;
const quickRow = (nth: number) => put('quick', `key ${String(nth % (ROWS - 1_000))}`, String(nth));
const keptRow = (nth: number) => put('kept', `key ${String(nth)}`, String(nth));
const nths = Array.from({ length: ROWS }, (_, nth) => nth);

async function overADisk(): Promise<{ store: LayeredStore; disk: StateStore; reopen: () => Promise<LayeredStore> }> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-layered-'));
  directories.push(directory);
  const open = () => openLevelDbStore(directory, { identity: { applicationId: 'app', taskId: '0_0' } });
  const over = (disk: StateStore): LayeredStore =>
    new LayeredStore(disk, new Set(['quick']), new Set(['quick-changelog-0']));
  const disk = await open();
  return { store: over(disk), disk, reopen: async () => over(await open()) };
}

test('beside a store in memory the others are loaded with many rows at once, and it with them', async () => {
  const { store, disk, reopen } = await overADisk();
  const commits: number[] = [];
  disk.observe({ before: ({ length }) => commits.push(length), after: () => undefined, failed: () => undefined });
  const told: string[] = [];
  const tell = (what: string) => (): void => void told.push(what);
  store.observe({ before: tell('before'), after: tell('after'), failed: tell('failed') });
  const offsets = { 'kept-changelog-0': 7, 'quick-changelog-0': 9 };
  const deleted = { store: 'quick', key: Buffer.from('key 1'), value: null };
  expect(await load(store, [...nths.flatMap((nth) => [quickRow(nth), keptRow(nth)]), deleted], offsets)).toBe(true);
  expect(commits).toEqual([]);
  expect(told).toEqual(['failed']);
  expect(await rowsOf(store, 'kept')).toHaveLength(ROWS);
  expect(await rowsOf(store, 'quick')).toHaveLength(ROWS - 1_000 - 1);
  expect(String(store.get('quick', Buffer.from('key 7')))).toBe(String(ROWS - 1_000 + 7));
  expect(disk.digest().entries).toBe(ROWS);
  expect(Object.fromEntries(store.offsets().changelog)).toEqual(offsets);
  expect(await store.beginLoad()).toBeUndefined();
  await store.commit(batch({ 'kept-changelog-0': 8 }, ['kept', 'a', '1'], ['quick', 'a', '1']));
  await store.close();

  const again = await reopen();
  expect(await rowsOf(again, 'quick')).toEqual([]);
  expect(await rowsOf(again, 'kept')).toHaveLength(ROWS + 1);
  expect(Object.fromEntries(again.offsets().changelog)).toEqual({ 'kept-changelog-0': 8 });
  await again.close();
});

test('a load that is dropped, or that the disk does not take, leaves nothing in memory either', async () => {
  const { store, disk } = await overADisk();
  const loadOf = async (from: LayeredStore) => {
    const loading = await from.beginLoad();
    if (loading === undefined) throw new Error('there is nothing that loads');
    for (const name of ['quick', 'kept']) loading.rowsOf(name).put(Buffer.from('ab'), 0, 1, 0, 0, 1, 1);
    return loading;
  };
  const ends = new Map([['quick-changelog-0', 1]]);
  const dropped = await loadOf(store);
  await expect(store.commit(batch({}, ['quick', 'a', '1']))).rejects.toThrow('being loaded');
  dropped.drop();
  await expect(dropped.finish(ends)).rejects.toThrow('is over');
  const failed = await loadOf(store);
  disk.commit = () => Promise.reject(new Error('the disk is full'));
  await expect(failed.finish(ends)).rejects.toThrow('full');
  expect(await rowsOf(store, 'quick')).toEqual([]);
  expect(store.offsets().changelog.size).toBe(0);
  await store.close();
});

test('rows that are in memory already are not loaded over', async () => {
  const { store } = await overADisk();
  const memoryAlone = { ...batch({ 'quick-changelog-0': 1 }, ['quick', 'a', '1']), inputOffsets: new Map() };
  await store.commit(memoryAlone);
  expect(await store.beginLoad()).toBeUndefined();
  await store.close();
});
