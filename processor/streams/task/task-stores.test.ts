import { beforeEach, expect, jest, test } from '@jest/globals';
import { emptyIndexes } from '../store/load-indexes.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { RecordCache } from '../store/record-cache.ts';
import type { StateStore } from '../store/state-store.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { jsonSerde } from '../topology/serdes.ts';
import { TaskStores } from './task-stores.ts';

const SPEC: StoreSpec = { name: 'counts', kind: 'key-value', serde: jsonSerde() };
const NO_OFFSETS = { changelogOffsets: new Map<string, number>(), inputOffsets: new Map<string, number>() };

let state: StateStore;
let cache: RecordCache;

beforeEach(() => {
  state = openMemoryStore();
  cache = new RecordCache(10_000);
});

const open = (taskId = '0_0', into: StateStore = state, specs: readonly StoreSpec[] = [SPEC]): TaskStores =>
  new TaskStores({ taskId, specs, state: into, indexes: emptyIndexes(specs), cache, onLatePut: () => undefined });

const putAndCommit = async (stores: TaskStores, into: StateStore, keys: readonly string[]): Promise<void> => {
  for (const key of keys) stores.get('counts', 'key-value').put(key, { of: key });
  await into.commit({ changes: stores.flush(), ...NO_OFFSETS });
  stores.committed();
};

test('what a restore has written between two graphs of a task is what the second one reads', async () => {
  const first = open();
  await putAndCommit(first, state, ['a', 'b']);
  first.get('counts', 'key-value').put('a', { of: 'an abort' });
  first.flush();
  first.close();
  expect(cache.counts()).toMatchObject({ rows: 0, bytes: 0 });
  const changes = [{ store: 'counts', key: Buffer.from('a'), value: Buffer.from('{"of":"a restore"}') }];
  await state.commit({ changes, ...NO_OFFSETS });
  const second = open().get('counts', 'key-value');
  expect([second.get('a'), second.get('b'), second.get('c')]).toEqual([{ of: 'a restore' }, { of: 'b' }, undefined]);
});

test('all tasks of a thread share one bound, and one that ends leaves its part to the others', async () => {
  const [one, other] = [openMemoryStore(), openMemoryStore()];
  const [first, second] = [open('0_0', one), open('0_1', other)];
  const keys = Array.from({ length: 100 }, (_, at) => `key ${String(at)}`);
  await putAndCommit(first, one, keys);
  await putAndCommit(second, other, keys);
  const { rows, bytes } = cache.counts();
  expect(bytes).toBeLessThanOrEqual(10_000);
  expect(bytes).toBeGreaterThan(9_000);
  second.close();
  first.close();
  expect([rows > 30, cache.counts().rows]).toEqual([true, 0]);
  for (const key of keys) expect(open('0_0', one).get('counts', 'key-value').get(key)).toEqual({ of: key });
});

test('rows of a store in memory are not kept a second time', async () => {
  const inMemory = open('0_0', state, [{ ...SPEC, inMemory: true }]);
  await putAndCommit(inMemory, state, ['a']);
  expect(inMemory.get('counts', 'key-value').get('a')).toEqual({ of: 'a' });
  expect(cache.counts()).toEqual({ hits: 0, misses: 0, rows: 0, bytes: 0 });
});

test('rows of stores that retain duplicates are kept apart, as many as the state leaves to them', async () => {
  const spec: StoreSpec = {
    ...{ name: 'counts', kind: 'window', serde: jsonSerde(), windowSizeMs: 1, retentionMs: 1_000 },
    retainDuplicates: true,
  };
  const specs = [spec, { ...spec, name: 'others' }];
  const left: string[] = [];
  state.leaveRows = (store) => (left.push(store), 300_000);
  const reads = jest.spyOn(state, 'get');
  const stores = open('0_0', state, specs);
  expect(left).toEqual(['counts', 'others']);
  const [one, other] = specs.map(({ name }) => stores.get(name, 'window'));
  for (let at = 0; at < 3; at += 1) {
    for (let nth = 0; nth < 50; nth += 1) {
      one?.put('k', nth, 'x'.repeat(1_300));
      other?.put('k', nth, 'x'.repeat(1_300));
    }
    await state.commit({ changes: stores.flush(), ...NO_OFFSETS });
    stores.committed();
  }
  expect(cache.counts()).toMatchObject({ rows: 0, bytes: 0 });
  one?.fetch('k', 0, 1_000);
  const misses = reads.mock.calls.length;
  // Some of 390 kB are in memory, and not all of them.
  expect(misses).toBeGreaterThan(10);
  expect(misses).toBeLessThan(150);
  stores.close();
});
