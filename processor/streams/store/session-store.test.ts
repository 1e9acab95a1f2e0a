import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { seededRandom } from '../../../tools/producer/seeded-random.ts';
import { jsonSerde, stringSerde, type Serde } from '../topology/serdes.ts';
import { DuplicateRows, GONE, NONE } from './duplicate-rows.ts';
import { openLevelDbStore } from './leveldb-store.ts';
import { loadIndexes } from './load-indexes.ts';
import { openMemoryStore } from './memory-store.ts';
import { RowsInTime } from './rows-in-time.ts';
import { createSessionStore } from './session-store.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import type { LiveSessionStore, StoreSpec } from './typed-store.ts';

const NAME = 'sessions';
const STEPS = 3_000;
const NO_OFFSETS = { changelogOffsets: new Map<string, number>(), inputOffsets: new Map<string, number>() };

const latin1Serde: Serde<string> = {
  serialize: (text) => Buffer.from(text, 'latin1'),
  deserialize: (bytes) => bytes.toString('latin1'),
};

type Value = number | { readonly of: string };

/** A session as the model has it. */
interface Row {
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly value: Value;
  readonly timestampMs: number;
}

type Store = LiveSessionStore<string, Value>;

type Flushed = Pick<Store, 'flush' | 'committed'>;

async function commit(state: StateStore, store: Flushed, changes: StoreChange[] = store.flush()): Promise<void> {
  await state.commit({ changes, ...NO_OFFSETS });
  store.committed();
}

const KEYS = [
  'hot',
  'a',
  'é',
  '\0',
  'a\0',
  'long'.repeat(60),
  ...Array.from({ length: 40 }, (_, at) => `k ${String(at)}`),
];

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-sessions-'));
});
afterAll(() => rm(directory, { recursive: true }));

interface Case {
  readonly seed: number;
  readonly timed: boolean;
  readonly key: Serde<string>;
  readonly rowCacheBytes: number;
}

test.each<Case>([
  { seed: 1, timed: true, key: stringSerde, rowCacheBytes: 1_000_000 },
  { seed: 2, timed: false, key: latin1Serde, rowCacheBytes: 0 },
  { seed: 3, timed: true, key: stringSerde, rowCacheBytes: 5_000 },
  { seed: 4, timed: false, key: stringSerde, rowCacheBytes: 5_000 },
])('a long history of all that can be done is that of a naive model: seed $seed', async (given) => {
  const { seed, timed, key, rowCacheBytes } = given;
  const identity = { applicationId: 'a', taskId: '0_0' };
  const state = await openLevelDbStore(join(directory, String(seed)), { identity, rowCacheBytes });
  const spec: StoreSpec<Value, string> = {
    ...{ name: NAME, kind: 'session', key, serde: jsonSerde<Value>(), timed, retentionMs: 300 },
  };
  try {
    await history(state, spec, seed);
    expect(await state.verify()).toBe(true);
  } finally {
    await state.close();
  }
});

async function history(state: StateStore, spec: StoreSpec<Value, string>, seed: number): Promise<void> {
  const { below: upTo, chance, uint32 } = seededRandom(seed);
  const random = (): number => uint32() / 2 ** 32;
  const open = async (): Promise<Store> => {
    const index = (await loadIndexes([spec], state)).get(NAME);
    return createSessionStore(spec, state, index as NonNullable<typeof index>);
  };
  let store = await open();
  let committed: Row[] = [];
  let rows: Row[] = [];
  let nowMs = 0;
  const isOne = (a: Row, b: Omit<Row, 'value' | 'timestampMs'>): boolean =>
    a.key === b.key && a.startMs === b.startMs && a.endMs === b.endMs;
  const tableRow = (row: Row | undefined): unknown =>
    row && { value: row.value, timestampMs: spec.timed === true ? row.timestampMs : -1 };

  const check = (key: string, fromMs: number, toMs: number): void => {
    const found = rows
      .filter((row) => row.key === key && row.endMs >= fromMs && row.startMs <= toMs)
      .sort((a, b) => a.endMs - b.endMs || a.startMs - b.startMs);
    expect(store.find(key, fromMs, toMs)).toEqual(
      found.map((row) => ({ ...(tableRow(row) as object), startMs: row.startMs, endMs: row.endMs })),
    );
    const windowed = found.map(({ startMs, endMs, value }) => [{ key, startMs, endMs }, value]);
    expect([...store.ownView().find(key, fromMs, toMs)]).toEqual(windowed);
    expect([...store.ownView().backwardFind(key, fromMs, toMs)]).toEqual(windowed.toReversed());
    for (const { startMs, endMs } of [...found, ...committed.filter((row) => row.key === key)].slice(0, 4)) {
      const of = { key, startMs, endMs };
      const [now, before] = [rows.find((row) => isOne(row, of)), committed.find((row) => isOne(row, of))];
      expect(store.row(key, startMs, endMs)).toEqual(tableRow(now));
      expect(store.committedRow(key, startMs, endMs)).toEqual(tableRow(before));
      expect(store.get(key, startMs, endMs)).toEqual(now?.value);
      expect(store.ownView().get(key, startMs, endMs)).toEqual(now?.value);
      expect(store.isChanged(key, startMs, endMs)).toBe(now !== before);
    }
  };
  const put = (row: Row): void => {
    if (chance(0.7)) store.put(row.key, row.startMs, row.endMs, row.value, row.timestampMs);
    else store.ownView(() => row.timestampMs).put(row, row.value);
    rows = [...rows.filter((one) => !isOne(one, row)), row];
  };
  const remove = (row: Row): void => {
    if (chance(0.7)) store.delete(row.key, row.startMs, row.endMs);
    else expect(store.ownView().remove(row)).toEqual(row.value);
    rows = rows.filter((one) => one !== row);
  };

  for (let step = 0; step < STEPS; step += 1) {
    const key = (chance(0.4) ? KEYS[0] : KEYS[upTo(KEYS.length)]) as string;
    const choice = random();
    nowMs += upTo(3);
    const value = chance(0.5) ? step / 4 : { of: `${String(step)}-`.repeat(chance(0.1) ? 200 : 2) };
    const own = rows.filter((row) => row.key === key);
    const any = own[upTo(own.length)];
    if (choice < 0.15 && any !== undefined) put({ ...any, value, timestampMs: nowMs });
    else if (choice < 0.5) {
      const startMs = Math.max(0, nowMs - upTo(200));
      put({ key, startMs, endMs: startMs + upTo(4), value, timestampMs: nowMs });
    } else if (choice < 0.75) {
      // A session goes on, as most do.
      const last = own.at(-1);
      if (last === undefined) continue;
      const endMs = Math.max(last.endMs, nowMs);
      if (endMs !== last.endMs) remove(last);
      put({ key, startMs: last.startMs, endMs, value, timestampMs: endMs });
    } else if (choice < 0.8) {
      if (any !== undefined) remove(any);
    } else if (choice < 0.95) {
      check(key, 0, Infinity);
      check(key, nowMs - upTo(300), nowMs - upTo(100));
    } else {
      const changes: StoreChange[] = store.flush();
      if (chance(0.7)) {
        const horizonMs = nowMs - 300;
        const limit = 20 + upTo(100);
        const due = rows.filter(({ endMs }) => endMs < horizonMs).sort((a, b) => a.endMs - b.endMs);
        const tombstones = await store.expireBefore(horizonMs, limit);
        expect(tombstones).toHaveLength(Math.min(limit, due.length));
        const ends = tombstones.map((change) => Number(change.key.readBigUInt64BE(0)));
        expect(ends).toEqual(due.slice(0, limit).map(({ endMs }) => endMs));
        const isGone = (row: Row): boolean => store.row(row.key, row.startMs, row.endMs) === undefined;
        rows = rows.filter((row) => !(due.includes(row) && isGone(row)));
        changes.push(...tombstones);
      }
      const ends = random();
      if (ends < 0.75) {
        await state.commit({ changes, ...NO_OFFSETS });
        // Nobody may know that it has been committed.
        if (ends < 0.6) store.committed();
        else store.clear();
        committed = [...rows];
      } else {
        if (ends < 0.93) store.clear();
        else {
          store.close();
          store = await open();
        }
        rows = [...committed];
      }
      for (const one of KEYS.slice(0, 8)) check(one, 0, Infinity);
      expect(state.digest().entries).toBe(committed.length);
    }
  }
  const changes = [...store.flush(), ...(await store.expireBefore(Infinity, STEPS))];
  await commit(state, store, changes);
  expect(state.digest().entries).toBe(0);
}

test('an old value is read from disk neither for a put nor for a session that goes on or expires', async () => {
  const state = openMemoryStore();
  const reads = [jest.spyOn(state, 'get'), jest.spyOn(state, 'keysBelow')];
  const spec: StoreSpec<Value> = { name: NAME, kind: 'session', serde: jsonSerde<Value>(), retentionMs: 10 };
  const index = (await loadIndexes([spec], state)).get(NAME);
  const store = createSessionStore(spec, state, index as NonNullable<typeof index>);
  for (let endMs = 1; endMs < 100; endMs += 1) {
    store.put('k', 0, endMs, { of: 'this' });
    store.delete('k', 0, endMs - 1);
    if (endMs % 10 === 0) await commit(state, store);
  }
  // One that came and went since the last commit is nothing to commit.
  const changes = store.flush();
  expect(changes.map(({ value }) => value?.toString() ?? 'gone').toSorted()).toEqual(['gone', '{"of":"this"}']);
  await commit(state, store, [...changes, ...(await store.expireBefore(1_000, 10))]);
  for (const read of reads) expect(read).not.toHaveBeenCalled();
  expect(state.digest().entries).toBe(0);
});

test('a committed number is read from memory, as its bytes have it, until nobody knows what it is', async () => {
  const state = openMemoryStore();
  const store = await opened(state, 1_000);
  const read = jest.spyOn(state, 'get');
  const reads = (value: Value): number => {
    read.mockClear();
    for (let time = 0; time < 2; time += 1) {
      expect(store.get('k', 0, 5)).toEqual(value);
      expect(store.ownView().get('k', 0, 5)).toEqual(value);
      expect(store.committedRow('k', 0, 5)).toEqual({ value, timestampMs: -1 });
    }
    return read.mock.calls.length;
  };
  store.put('k', 0, 5, 7);
  await commit(state, store);
  expect(reads(7)).toBe(0);
  store.put('k', 0, 5, { of: 'this' });
  expect(store.committedRow('k', 0, 5)?.value).toBe(7);
  await commit(state, store);
  expect(reads({ of: 'this' })).toBe(6);
  // JSON has no such number.
  store.put('k', 0, 5, -0);
  await commit(state, store);
  expect(reads(0)).toBe(1);
  store.put('k', 0, 5, 1);
  store.clear();
  expect(reads(0)).toBe(1);
  // It is committed, and nobody knows.
  store.put('k', 0, 5, 2);
  await state.commit({ changes: store.flush(), ...NO_OFFSETS });
  store.clear();
  expect(reads(2)).toBe(1);
  const again = await opened(state, 1_000);
  expect([again.get('k', 0, 5), again.get('k', 0, 5)]).toEqual([2, 2]);
});

test('what is kept of sessions that go on for a long time is no more than of those that are there', async () => {
  const state = openMemoryStore();
  const spec: StoreSpec<Value> = { name: NAME, kind: 'session', serde: jsonSerde<Value>(), retentionMs: 1e9 };
  const index = (await loadIndexes([spec], state)).get(NAME);
  const store = createSessionStore(spec, state, index as NonNullable<typeof index>);
  const rows = jest.spyOn(DuplicateRows.prototype, 'add');
  for (let endMs = 1; endMs < 20_000; endMs += 1) {
    store.put('k', 0, endMs, { of: 'this' });
    store.delete('k', 0, endMs - 1);
    // Some go on several times until a commit.
    if (endMs % 3 !== 0) continue;
    await commit(state, store);
  }
  const most = rows.mock.results.reduce((sum, { value }) => Math.max(sum, value as number), 0);
  rows.mockRestore();
  expect(most).toBeLessThan(4_000);
  expect(store.find('k', 0, 1e9)).toHaveLength(1);
});

test('what is no key has no sessions, whatever was looked for before it', async () => {
  const state = openMemoryStore();
  const spec: StoreSpec<Value> = { name: NAME, kind: 'session', serde: jsonSerde<Value>(), retentionMs: 10 };
  const index = (await loadIndexes([spec], state)).get(NAME);
  const store = createSessionStore(spec, state, index as NonNullable<typeof index>);
  const none = undefined as unknown as string;
  const message = 'a key is text, not undefined';
  expect(() => store.find(none, 0, 10)).toThrow(message);
  for (const startMs of [1, 2]) store.put('k', startMs, 5, { of: 'this' });
  store.delete('k', 2, 5);
  expect(() => store.find(none, 0, 10)).toThrow(message);
  expect(() => store.get(none, 1, 5)).toThrow(message);
  expect(() => store.put(none, 3, 5, { of: 'this' })).toThrow(message);
  expect(store.find('k', 0, 10)).toHaveLength(1);
});

test('what has expired is found behind times of which all sessions have gone on', async () => {
  const state = openMemoryStore();
  const spec: StoreSpec<Value> = { name: NAME, kind: 'session', serde: jsonSerde<Value>(), retentionMs: 320 };
  const index = (await loadIndexes([spec], state)).get(NAME);
  const store = createSessionStore(spec, state, index as NonNullable<typeof index>);
  const keys = Array.from({ length: 100 }, (_, at) => ({ key: `k ${String(at)}`, behindMs: at % 10 }));
  for (let endMs = 10; endMs < 400; endMs += 10) {
    for (const { key, behindMs } of keys) {
      if (endMs > 10) store.delete(key, 0, endMs - 10 - behindMs);
      store.put(key, 0, endMs - behindMs, { of: key });
    }
    await commit(state, store);
  }
  expect(await store.expireBefore(380, 1_000)).toEqual([]);
  expect(await store.expireBefore(1_000, 1_000)).toHaveLength(keys.length);
});

test('rows in time are swept of those that are gone, and the others stay in their order', () => {
  const rows = new DuplicateRows();
  const inTime = new RowsInTime(rows, 320);
  const all = [50, 3, 7, 20, 3, 90, 55].map((startMs, at) => rows.add(startMs, at, 0, 0));
  for (const row of all) inTime.add(row);
  for (const at of [0, 3, 6]) rows.set(all[at] as number, GONE);
  inTime.sweep();
  expect(inTime.size).toBe(4);
  const later = [51, 1].map((startMs) => rows.add(startMs, 9, 0, 0));
  // They have the places of those that are gone.
  expect(later.every((row) => row < all.length)).toBe(true);
  for (const row of later) inTime.add(row);
  const taken: number[] = [];
  for (let row = inTime.takeBefore(1_000); row !== NONE; row = inTime.takeBefore(1_000)) taken.push(row);
  expect(taken.map((row) => rows.startMs[row])).toEqual([1, 3, 3, 7, 51, 90]);
  expect(inTime.size).toBe(0);
});

async function opened(state: StateStore, retentionMs: number): Promise<Store> {
  const spec: StoreSpec<Value, string> = { name: NAME, kind: 'session', serde: jsonSerde<Value>(), retentionMs };
  const index = (await loadIndexes([spec], state)).get(NAME);
  return createSessionStore(spec, state, index as NonNullable<typeof index>);
}

// What is not known of it LevelDB would be read for, once a row.
test('a change says what was there before: nothing, or the hash of its entry', async () => {
  const state = await openLevelDbStore(join(directory, 'hashes'), { identity: { applicationId: 'a', taskId: '0_0' } });
  const store = await opened(state, 10);
  for (const endMs of [1, 2, 3]) store.put('k', 0, endMs, { of: 'this' });
  const changes = store.flush();
  expect(changes.map(({ previous }) => previous)).toEqual([null, null, null]);
  await commit(state, store, changes);
  store.put('k', 0, 1, { of: 'that' });
  store.delete('k', 0, 2);
  const later = [...store.flush(), ...(await store.expireBefore(4, 2))];
  const known = expect.objectContaining({ isKnown: true });
  expect(later.map(({ value, previous }) => [value?.toString(), previous])).toEqual([
    ['{"of":"that"}', known],
    [undefined, known],
    // It was flushed before, and what was there before is said there.
    [undefined, undefined],
    [undefined, known],
  ]);
  await commit(state, store, later);
  expect(state.digest().entries).toBe(0);
  expect(await state.verify()).toBe(true);
  await state.close();
});

test('of a commit that failed behind its hashes none is kept', async () => {
  const identity = { applicationId: 'a', taskId: '0_0' };
  const [state, failed] = await Promise.all(
    ['kept', 'failed'].map((name) => openLevelDbStore(join(directory, name), { identity })),
  );
  if (state === undefined || failed === undefined) throw new Error('no stores');
  const store = await opened(state, 10);
  store.put('k', 0, 1, { of: 'first' });
  await commit(state, store);
  store.put('k', 0, 1, { of: 'second' });
  // All of a commit but for its end.
  await failed.commit({ changes: store.flush(), ...NO_OFFSETS });
  store.clear();
  store.put('k', 0, 1, { of: 'third' });
  await commit(state, store);
  expect(await state.verify()).toBe(true);
  await Promise.all([state.close(), failed.close()]);
});

test('whether a commit is on disk is told by a row of it, not by one that came and went', async () => {
  const state = openMemoryStore();
  const store = await opened(state, 10);
  for (const key of ['a', 'b']) store.put(key, 0, 1, { of: key });
  store.delete('a', 0, 1);
  await state.commit({ changes: store.flush(), ...NO_OFFSETS });
  store.clear();
  expect(store.get('a', 0, 1)).toBeUndefined();
  expect(store.committedRow('b', 0, 1)?.value).toEqual({ of: 'b' });
});

test('sessions that are gone through are neither deleted nor expired meanwhile', async () => {
  const state = openMemoryStore();
  const store = await opened(state, 10);
  store.put('k', 0, 1, { of: 'k' });
  await commit(state, store);
  const walk = store.ownView().find('k', 0, 1)[Symbol.iterator]();
  walk.next();
  const message = 'is written to while it is gone through';
  expect(() => store.put('other', 0, 1, { of: 'other' })).toThrow(message);
  expect(() => store.delete('k', 0, 1)).toThrow(message);
  await expect(store.expireBefore(5, 1)).rejects.toThrow(message);
});

test('a horizon between two instants leaves those that end before it no longer', async () => {
  const store = await opened(openMemoryStore(), 10);
  for (const endMs of [10, 11]) store.put('k', 0, endMs, { of: 'k' });
  store.flush();
  expect(await store.expireBefore(10.5, 9)).toHaveLength(1);
  expect(store.find('k', 0, 99)).toHaveLength(1);
});

test('rows that have expired have their places taken by others', async () => {
  const state = openMemoryStore();
  const store = await opened(state, 10);
  const rows = jest.spyOn(DuplicateRows.prototype, 'add');
  for (let endMs = 1; endMs < 2_000; endMs += 1) {
    store.put('k', 0, endMs, { of: 'this' });
    store.delete('k', 0, endMs - 1);
    const changes = [...store.flush(), ...(await store.expireBefore(endMs - 10, 100))];
    await commit(state, store, changes);
  }
  const most = rows.mock.results.reduce((sum, { value }) => Math.max(sum, value as number), 0);
  rows.mockRestore();
  expect(most).toBeLessThan(100);
});

test('a session that is put again behind its deletion is there, and the iterators of before a commit end', async () => {
  const state = openMemoryStore();
  const store = await opened(state, 10);
  store.put('k', 0, 1, { of: 'first' });
  await commit(state, store);
  store.delete('k', 0, 1);
  store.put('k', 0, 1, { of: 'second' });
  expect(store.get('k', 0, 1)).toEqual({ of: 'second' });
  const walk = store.ownView().find('k', 0, 1)[Symbol.iterator]();
  walk.next();
  await commit(state, store);
  expect(() => walk.next()).toThrow('is read on after a commit');
  expect(store.committedRow('k', 0, 1)?.value).toEqual({ of: 'second' });
});

test('what is no session, no time and no retention is refused', async () => {
  const store = await opened(openMemoryStore(), 10);
  const of = { of: 'k' };
  expect(() => store.put('k', 2, 1, of)).toThrow('a session that starts at 2 does not end at 1');
  expect(() => store.get('k', 2, 1)).toThrow('a session that starts at 2 does not end at 1');
  for (const [startMs, endMs] of [
    [-1, 1],
    [0.5, 1],
    [0, 1.5],
    [0, 2 ** 60],
  ] as const)
    expect(() => store.put('k', startMs, endMs, of)).toThrow(RangeError);
  expect(() => [...store.ownView().find('k', NaN, 1)]).toThrow();
  expect(() => [...store.ownView().backwardFind('k', 0, '1' as never)]).toThrow();
  for (const retentionMs of [-1, NaN])
    await expect(opened(openMemoryStore(), retentionMs)).rejects.toThrow('needs a retentionMs of 0 or more');
});

test("a value that is put or read by user code is nobody else's, whatever becomes of it", async () => {
  const store = await opened(openMemoryStore(), 10);
  const view = store.ownView();
  const given = { of: 'given' };
  const session = { key: 'k', startMs: 0, endMs: 1 };
  view.put(session, given);
  given.of = 'changed';
  expect(view.get('k', 0, 1)).toEqual({ of: 'given' });
  (store.get('k', 0, 1) as { of: string }).of = 'by the runtime';
  const read = view.get('k', 0, 1) as { of: string };
  read.of = 'changed';
  expect(view.get('k', 0, 1)).toEqual({ of: 'by the runtime' });
});

test('of which sessions there are the state under it keeps nothing', async () => {
  const state = openMemoryStore();
  const left: string[] = [];
  state.leaveKeys = (store) => left.push(store);
  await opened(state, 10);
  expect(left).toEqual([NAME]);
});

test('behind the last row that a sweep leaves of a time there is none', () => {
  const rows = new DuplicateRows();
  const inTime = new RowsInTime(rows, 3_200);
  const all = [1, 2, 3, 4].map((startMs, at) => rows.add(startMs, at, 0, 0));
  for (const row of all) inTime.add(row);
  for (const row of all.slice(2)) rows.set(row, GONE);
  inTime.sweep();
  expect([1, 2, 3].map(() => inTime.takeBefore(1_000))).toEqual([all[0], all[1], NONE]);
});
