import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bytesSerde } from '../topology/primitive-serdes.ts';
import { jsonSerde, stringSerde } from '../topology/serdes.ts';
import { openLevelDbStore } from './leveldb-store.ts';
import { loadIndexes } from './load-indexes.ts';
import { openMemoryStore } from './memory-store.ts';
import { RecordCache } from './record-cache.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import type { LiveWindowStore, StoreSpec } from './typed-store.ts';
import { createWindowStore } from './window-store.ts';

const NAME = 'rows';
const spec: StoreSpec<string, string> = {
  name: NAME,
  kind: 'window',
  serde: stringSerde,
  windowSizeMs: 10,
  retentionMs: 20,
  retainDuplicates: true,
};

/** The committed state with the reads of it. */
interface Counted {
  readonly state: StateStore;
  reads(): number;
}

function counted(state: StateStore): Counted {
  let reads = 0;
  const [get, keysBelow] = [state.get.bind(state), state.keysBelow.bind(state)];
  state.get = (...args) => ((reads += 1), get(...args));
  state.keysBelow = (...args) => ((reads += 1), keysBelow(...args));
  return { state, reads: () => reads };
}

async function open<V>(
  state: StateStore,
  cache: RecordCache,
  of: StoreSpec<V, string>,
): Promise<LiveWindowStore<string, V>> {
  const indexes = await loadIndexes([of], state);
  return createWindowStore(of, state, indexes.get(of.name), cache.open());
}

async function commit<V>(
  state: StateStore,
  store: LiveWindowStore<string, V>,
  expired: StoreChange[] = [],
): Promise<void> {
  const changes = [...store.flush(), ...expired];
  await state.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
  store.committed();
}

const valuesOf = <V>(store: LiveWindowStore<string, V>, key = 'k'): V[] =>
  store.fetch(key, 0, Infinity).map(({ value }) => value);

test('neither a put nor an expiry nor a read of what is in memory reads the committed state', async () => {
  const { state, reads } = counted(openMemoryStore());
  const store = await open(state, new RecordCache(1_000_000), spec);
  for (let at = 0; at < 100; at += 1) store.put('k', at, `value ${String(at)}`);
  await commit(state, store);
  expect(valuesOf(store)).toHaveLength(100);
  await commit(state, store, await store.expireBefore(59, 1_000));
  expect(valuesOf(store)).toHaveLength(50);
  expect(reads()).toBe(0);
});

test('what the cache has thrown out is read from the committed state', async () => {
  const { state, reads } = counted(openMemoryStore());
  const cache = new RecordCache(20_000);
  const store = await open(state, cache, spec);
  const values = Array.from({ length: 100 }, (_, at) => String(at).repeat(400));
  for (const [at, value] of values.entries()) {
    store.put('k', at, value);
    if (at % 10 === 9) await commit(state, store);
    expect(cache.counts().bytes).toBeLessThanOrEqual(20_000);
  }
  expect(valuesOf(store)).toEqual(values);
  expect(reads()).toBeGreaterThan(0);
  expect(reads()).toBeLessThan(100);
});

test('texts of any length and any characters are whole, in memory and on disk', async () => {
  const { state } = counted(openMemoryStore());
  const store = await open(state, new RecordCache(1_000_000), spec);
  const many = Array.from({ length: 1_000 }, (_, at) => '\u20ac'.repeat(at % 50));
  const values = [
    ...many,
    ...[20_000, 70_000].flatMap((length) => ['a', '\u00e4', '\u20ac'].map((one) => one.repeat(length))),
  ];
  for (const [at, value] of values.entries()) store.put('k', at, value);
  expect(valuesOf(store)).toEqual(values);
  await commit(state, store);
  store.close();
  expect(valuesOf(await open(state, new RecordCache(0), spec))).toEqual(values);
});

test('a row that was read from the committed state is in memory from then on, as far as the cache goes', async () => {
  const { state, reads } = counted(openMemoryStore());
  const cache = new RecordCache(20_000);
  const before = await open(state, cache, spec);
  const values = Array.from({ length: 100 }, (_, at) => String(at).repeat(400));
  for (const [at, value] of values.entries()) before.put('k', at, value);
  await commit(state, before);
  before.close();
  const store = await open(state, cache, spec);
  const newest = (): string[] => store.fetch('k', 95, 99).map(({ value }) => value);
  expect(valuesOf(store)).toEqual(values);
  expect(newest()).toEqual(values.slice(95));
  const readsBefore = reads();
  expect(newest()).toEqual(values.slice(95));
  expect(reads()).toBe(readsBefore);
  expect(cache.counts().bytes).toBeLessThanOrEqual(20_000);
  await commit(state, store, await store.expireBefore(1_000, 1_000));
  expect(cache.counts()).toMatchObject({ rows: 0, bytes: 0 });
});

test('a closed store leaves nothing in the cache, and so do rows that have expired', async () => {
  const state = openMemoryStore();
  const cache = new RecordCache(1_000_000);
  const fill = async (): Promise<LiveWindowStore<string, string>> => {
    const store = await open(state, cache, spec);
    for (let at = 0; at < 100; at += 1) store.put('k', at, String(at).repeat(400));
    await commit(state, store);
    expect(cache.counts().rows).toBeGreaterThan(0);
    return store;
  };
  const store = await fill();
  await commit(state, store, await store.expireBefore(1_000, 1_000));
  expect(cache.counts()).toMatchObject({ rows: 0, bytes: 0 });
  (await fill()).close();
  expect(cache.counts()).toMatchObject({ rows: 0, bytes: 0 });
});

test('an aborted commit leaves nothing behind, and what it had deleted is there again and expires', async () => {
  const { state } = counted(openMemoryStore());
  const store = await open(state, new RecordCache(1_000_000), spec);
  store.put('k', 1, 'committed');
  await commit(state, store);
  store.put('k', 1, 'aborted');
  store.put('other', 1, 'aborted');
  store.delete('k', 1);
  store.flush();
  expect(await store.expireBefore(1_000, 10)).toHaveLength(1);
  expect([valuesOf(store), valuesOf(store, 'other')]).toEqual([[], []]);
  store.clear();
  expect([valuesOf(store), valuesOf(store, 'other')]).toEqual([['committed'], []]);
  expect(await store.expireBefore(1_000, 10)).toHaveLength(1);
});

test('a commit of which nobody knows the end is what the store says it is', async () => {
  const { state } = counted(openMemoryStore());
  const store = await open(state, new RecordCache(1_000_000), spec);
  store.put('k', 1, 'a');
  await state.commit({ changes: store.flush(), changelogOffsets: new Map(), inputOffsets: new Map() });
  store.clear();
  expect(valuesOf(store)).toEqual(['a']);
  store.delete('k', 1);
  await state.commit({ changes: store.flush(), changelogOffsets: new Map(), inputOffsets: new Map() });
  store.clear();
  expect(valuesOf(store)).toEqual([]);
});

test('what a caller does with what it has put, or was given, does not reach the store', async () => {
  const state = openMemoryStore();
  const store = await open(state, new RecordCache(1_000_000), { ...spec, serde: bytesSerde } as StoreSpec<
    Buffer,
    string
  >);
  const given = Buffer.from('abc');
  store.put('k', 1, given);
  given.fill('x');
  valuesOf(store)[0]?.fill('y');
  expect(String(valuesOf(store)[0])).toBe('abc');
  await commit(state, store);
  valuesOf(store)[0]?.fill('z');
  expect(String(valuesOf(store)[0])).toBe('abc');
});

test('values of JSON are read as they were put, each by itself', async () => {
  const state = openMemoryStore();
  const store = await open(state, new RecordCache(1_000_000), { ...spec, serde: jsonSerde() } as StoreSpec<
    unknown,
    string
  >);
  const values = [{ name: 'Zoë', parts: [1, -0.5, null] }, 'a “text”', 12, true, {}, '', [[]]];
  for (const [at, value] of values.entries()) store.put('k', at, value);
  for (let times = 0; times < 2; times += 1) {
    expect(valuesOf(store)).toEqual(values);
    (valuesOf(store)[0] as { name: string }).name = 'another';
    expect(valuesOf(store)).toEqual(values);
    await commit(state, store);
  }
});

test('a key that no text can be has no rows, also beside the one whose bytes it would have', async () => {
  const store = await open(openMemoryStore(), new RecordCache(1_000_000), spec);
  store.put('\ufffd', 1, 'a');
  store.put('', 1, 'b');
  for (const key of ['\ud800', null, 7] as string[]) expect(valuesOf(store, key)).toEqual([]);
  expect([valuesOf(store, '\ufffd'), valuesOf(store, '')]).toEqual([['a'], ['b']]);
  expect(() => store.put('\ud800', 1, 'c')).toThrow(TypeError);
});

test('rows that came out of order are found, and expire, in order', async () => {
  const state = openMemoryStore();
  const store = await open(state, new RecordCache(1_000_000), spec);
  const times = Array.from({ length: 200 }, (_, at) => (at * 67) % 200);
  for (const at of times) store.put('k', at, String(at));
  await commit(state, store);
  const sorted = times.toSorted((a, b) => a - b).map(String);
  expect(valuesOf(store)).toEqual(sorted);
  for (let left = 200; left > 0; left -= 50) {
    await commit(state, store, await store.expireBefore(1_000, 50));
    expect(valuesOf(store)).toEqual(sorted.slice(-left + 50, left === 50 ? 0 : undefined));
  }
});

test('rows have their event times where the store is timed', async () => {
  const state = openMemoryStore();
  const timed = { ...spec, serde: jsonSerde<number>(), timed: true } as StoreSpec<number, string>;
  const store = await open(state, new RecordCache(1_000_000), timed);
  store.put('k', 1, 7, 5);
  await commit(state, store);
  const again = await open(state, new RecordCache(0), timed);
  for (const one of [store, again]) expect(one.fetch('k', 0, 9)).toEqual([{ startMs: 1, value: 7, timestampMs: 5 }]);
});

describe('over LevelDB', () => {
  let directory: string;
  let opened = 0;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-duplicates-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  test('any history of writes, commits, aborts, restarts and expiry leaves what its digest says', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          does: fc.constant('put' as const),
          key: fc.constantFrom('a', 'b', 'é'),
          at: fc.nat(60),
          length: fc.constantFrom(1, 300, 3_000),
        }),
      },
      fc.record({ does: fc.constant('delete' as const), key: fc.constantFrom('a', 'b', 'é'), at: fc.nat(60) }),
      fc.record({
        does: fc.constantFrom('commit' as const, 'abort' as const, 'restart' as const),
        horizonMs: fc.option(fc.nat(90)),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 5_000, 1e6), async (steps, cacheBytes) => {
        const path = join(directory, String((opened += 1)));
        const state = await openLevelDbStore(path, { identity: { applicationId: 'a', taskId: '0_0' } });
        try {
          const cache = new RecordCache(cacheBytes);
          let store = await open(state, cache, spec);
          interface Put {
            readonly key: string;
            readonly at: number;
            readonly value: string;
          }
          let committed: Put[] = [];
          let rows: Put[] = [];
          for (const [nth, now] of steps.entries()) {
            if (now.does === 'put') {
              const value = `${String(nth)}-`.repeat(now.length);
              store.put(now.key, now.at, value);
              rows.push({ key: now.key, at: now.at, value });
            } else if (now.does === 'delete') {
              store.delete(now.key, now.at);
              rows = rows.filter(({ key, at }) => key !== now.key || at !== now.at);
            } else {
              const changes = store.flush();
              const { horizonMs } = now;
              if (horizonMs !== null) {
                changes.push(...(await store.expireBefore(horizonMs, 1_000)));
                rows = rows.filter(({ at }) => at + 10 > horizonMs);
              }
              if (now.does === 'commit') {
                await state.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
                store.committed();
                committed = [...rows];
              } else {
                if (now.does === 'abort') store.clear();
                else {
                  store.close();
                  store = await open(state, cache, spec);
                }
                rows = [...committed];
              }
            }
            for (const key of ['a', 'b', 'é'])
              expect(store.fetch(key, 0, 99).map(({ startMs, value }) => [startMs, value])).toEqual(
                rows
                  .filter((row) => row.key === key)
                  .sort((a, b) => a.at - b.at)
                  .map(({ at, value }) => [at, value]),
              );
          }
          expect(state.digest().entries).toBe(committed.length);
          expect(await state.verify()).toBe(true);
        } finally {
          await state.close();
        }
      }),
      { numRuns: 60 },
    );
  });
});

test('what a serde refuses is refused at its put, also where only its text is asked for', async () => {
  const texts = await open(openMemoryStore(), new RecordCache(1_000), spec);
  expect(() => texts.put('k', 0, 'a\ud800')).toThrow('half of a surrogate pair');
  const data = await open(openMemoryStore(), new RecordCache(1_000), { ...spec, serde: jsonSerde<unknown>() });
  expect(() => data.put('k', 0, { sum: Number.NaN })).toThrow('JSON has no NaN');
  expect([texts.flush(), data.flush()]).toEqual([[], []]);
});

test('a key that comes is among all of them from then on, and one that goes no longer', async () => {
  const state = openMemoryStore();
  const store = await open(state, new RecordCache(1_000), spec);
  const all = (): string[] => [...store.ownView().fetchAll(0, 1_000)].map(([{ key }, value]) => key + value);
  store.put('b', 0, '1');
  expect(all()).toEqual(['b1']);
  store.put('a', 0, '2');
  expect(all()).toEqual(['a2', 'b1']);
  await commit(state, store);
  store.delete('a', 0);
  await commit(state, store);
  expect(all()).toEqual(['b1']);
  store.put('c', 0, '3');
  expect(all()).toEqual(['b1', 'c3']);
});
