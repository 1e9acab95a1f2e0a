import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countAggregate } from '../topology/aggregate.ts';
import { jsonSerde, type Serde } from '../topology/serdes.ts';
import { dataKey } from './data-key.ts';
import { KeyIndex } from './key-index.ts';
import { createKeyValueStore } from './key-value-store.ts';
import { openLevelDbStore } from './leveldb-store.ts';
import { openMemoryStore } from './memory-store.ts';
import { RecordCache } from './record-cache.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { noteHash } from './store-digest.ts';
import type { BufferedStore, LiveKeyValueStore, LiveWindowStore, TableRow } from './typed-store.ts';
import { createWindowStore } from './window-store.ts';

interface Count {
  n: number;
}

const MINUTE_MS = 60_000;
const rowsSpec = { name: 'rows', kind: 'key-value', serde: jsonSerde<Count>() } as const;
const timedSpec = { name: 'rows', kind: 'key-value', serde: jsonSerde<number>(), timed: true } as const;
const windowSpec = {
  name: 'windows',
  kind: 'window',
  serde: jsonSerde<number>(),
  windowSizeMs: MINUTE_MS,
  retentionMs: 5 * MINUTE_MS,
} as const;

let state: StateStore;
let cache: RecordCache;
let reads: number;

beforeEach(() => {
  cache = new RecordCache(100_000);
  useState(openMemoryStore());
});

/** The committed state, and how often it is read. */
function useState(store: StateStore): void {
  state = store;
  reads = 0;
  const get = store.get.bind(store);
  state.get = (...args) => {
    reads += 1;
    return get(...args);
  };
}

const commit = async (store: BufferedStore, ...more: ReturnType<BufferedStore['flush']>): Promise<void> => {
  const changes = [...store.flush(), ...more];
  await state.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
  store.committed();
};

describe('a key-value store', () => {
  let rows: LiveKeyValueStore<string, Count>;

  beforeEach(() => {
    rows = createKeyValueStore(rowsSpec, state, undefined, cache.open());
  });

  test('reads a key once, whether it is there or not, and one that it has committed never', async () => {
    expect([rows.get('CA'), rows.get('CA')]).toEqual([undefined, undefined]);
    expect(reads).toBe(1);
    rows.put('CA', { n: 1 });
    rows.put('NY', { n: 1 });
    await commit(rows);
    expect([rows.get('CA'), rows.get('NY'), rows.row('NY')?.value]).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
    rows.delete('CA');
    await commit(rows);
    expect([rows.get('CA'), rows.committedRow('CA')]).toEqual([undefined, undefined]);
    expect(reads).toBe(1);
  });

  test('an abort leaves none of its values, deletions among them', async () => {
    rows.put('CA', { n: 1 });
    await commit(rows);
    rows.put('CA', { n: 2 });
    rows.delete('NY');
    rows.put('TX', { n: 9 });
    rows.flush();
    rows.clear();
    expect([rows.get('CA'), rows.get('NY'), rows.get('TX')]).toEqual([{ n: 1 }, undefined, undefined]);
    const again = createKeyValueStore(rowsSpec, state, undefined, cache.open());
    expect([again.get('CA'), again.get('TX')]).toEqual([{ n: 1 }, undefined]);
  });

  test('of a row that is written between the flush and its commit nothing is known', async () => {
    rows.put('CA', { n: 1 });
    const changes = rows.flush();
    rows.put('CA', { n: 2 });
    await state.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
    rows.committed();
    expect(rows.get('CA')).toEqual({ n: 1 });
  });

  test('what was committed is shown as it was, while it is written to', async () => {
    rows.put('CA', { n: 1 });
    await commit(rows);
    rows.put('CA', { n: 2 });
    expect(rows.committedRow('CA')?.value).toEqual({ n: 1 });
    rows.delete('CA');
    expect(rows.committedRow('CA')?.value).toEqual({ n: 1 });
    expect(reads).toBe(0);
  });

  test('a value belongs to its reader: what it changes, or has put, is nobody else’s', async () => {
    const put = { n: 1 };
    rows.put('CA', put);
    await commit(rows);
    put.n = 50;
    const read = rows.get('CA') as Count;
    read.n = 60;
    const before = rows.committedRow('CA') as TableRow<Count>;
    before.value.n = 70;
    expect(rows.get('CA')).toEqual({ n: 1 });
  });

  test('without a cache a row that is written to is read once, by who looks back from the second look on', async () => {
    const plain = createKeyValueStore(rowsSpec, state);
    plain.put('CA', { n: 1 });
    await commit(plain);
    const readsOfAStep = async (n: number): Promise<number> => {
      const before = reads;
      plain.get('CA');
      plain.put('CA', { n: n + 1 });
      expect(plain.committedRow('CA')?.value).toEqual({ n });
      await commit(plain);
      return reads - before;
    };
    expect([await readsOfAStep(1), await readsOfAStep(2), await readsOfAStep(3)]).toEqual([2, 1, 1]);
  });

  test('bytes that a serde hands out, and goes on changing, do not reach it', async () => {
    const bytes: Serde<Buffer> = { serialize: (value) => value, deserialize: (value) => value };
    const raw = createKeyValueStore({ ...rowsSpec, serde: bytes }, state, undefined, cache.open());
    const value = Buffer.from('a');
    raw.put('CA', value);
    await commit(raw);
    value[0] = 0;
    (raw.get('CA') as Buffer)[0] = 0;
    expect(raw.get('CA')).toEqual(Buffer.from('a'));
  });

  test('what comes back is what its serde makes of the bytes, and not what was put', async () => {
    const whole: Serde<number> = {
      serialize: (value) => Buffer.from(String(Math.floor(value))),
      deserialize: (bytes) => Number(bytes.toString()),
    };
    const floors = createKeyValueStore({ ...rowsSpec, serde: whole }, state, undefined, cache.open());
    floors.put('CA', 1.5);
    await commit(floors);
    expect([floors.get('CA'), floors.get('CA')]).toEqual([1, 1]);
  });

  test('a number comes back as JSON has it: no -0; a count that is none is an error at its next read', async () => {
    const numbers = createKeyValueStore({ ...rowsSpec, serde: jsonSerde<number>() }, state, undefined, cache.open());
    numbers.put('a', -0);
    numbers.put('b', 0.1);
    await commit(numbers);
    expect([Object.is(numbers.get('a'), 0), numbers.get('b')]).toEqual([true, 0.1]);
    const counts = createKeyValueStore({ ...rowsSpec, serde: countAggregate.serde }, state, undefined, cache.open());
    counts.put('c', 5);
    counts.put('d', -1);
    await commit(counts);
    expect(counts.get('c')).toBe(5);
    expect(() => counts.get('d')).toThrow('a count is -1');
  });

  test('a row that no serde of the application wrote is an error at each read', async () => {
    const changes = [{ store: 'rows', key: Buffer.from('CA'), value: Buffer.from('no json') }];
    await state.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
    for (let times = 0; times < 2; times += 1) expect(() => rows.get('CA')).toThrow('cannot be read');
    expect(reads).toBe(1);
  });

  test('one that is closed reads what others have committed since', async () => {
    rows.put('CA', { n: 1 });
    await commit(rows);
    rows.close();
    expect(cache.counts()).toMatchObject({ rows: 0, bytes: 0 });
    const changes = [{ store: 'rows', key: Buffer.from('CA'), value: Buffer.from('{"n":2}') }];
    await state.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
    expect(rows.get('CA')).toEqual({ n: 2 });
  });
});

test('the time of a row is that of its last commit', async () => {
  const rows = createKeyValueStore(timedSpec, state, undefined, cache.open());
  rows.put('CA', 1, 1_700_000_000_123);
  await commit(rows);
  for (let times = 0; times < 2; times += 1)
    expect(rows.row('CA')).toEqual({ value: 1, timestampMs: 1_700_000_000_123 });
  rows.put('CA', 2);
  await commit(rows);
  expect(rows.row('CA')).toEqual({ value: 2, timestampMs: -1 });
  expect(reads).toBe(0);
});

test('of a row that was read the change has the hash; its own is not known before the store has noted it', async () => {
  const rows = createKeyValueStore(rowsSpec, state, undefined, new RecordCache(0).open());
  rows.put('CA', { n: 1 });
  await commit(rows);
  const replaced = { low: 0, high: 0, isKnown: false };
  noteHash(dataKey('rows', Buffer.from('CA')), state.get('rows', Buffer.from('CA')) as Buffer, replaced);
  expect(rows.get('CA')).toEqual({ n: 1 });
  rows.put('CA', { n: 2 });
  const [change] = rows.flush() as [StoreChange];
  expect(change.previous).toMatchObject(replaced);
  expect(replaced.isKnown).toBe(true);
  expect(change.hash?.isKnown).toBe(false);
});

test('of a row that an index does not have the old value is known; a row that expires is one of its own', async () => {
  const indexed = { ...windowSpec, indexed: true } as const;
  const windows = createWindowStore(indexed, state, new KeyIndex(), cache.open());
  windows.put('CA', 0, 1);
  expect(windows.flush()).toMatchObject([{ previous: null }]);
  await commit(windows);
  // With a place for a hash the commit need not look for others of its row.
  expect(await windows.expireBefore(MINUTE_MS, 1)).toMatchObject([{ value: null, hash: expect.anything() }]);
  // By the index, once a commit: whether that is in.
  expect(reads).toBe(1);
  // The change that is flushed before it has the place for the hash.
  windows.clear();
  windows.put('CA', 0, 2);
  windows.flush();
  expect(await windows.expireBefore(MINUTE_MS, 1)).toMatchObject([
    { store: 'windows', value: null, hash: undefined, previous: undefined },
  ]);
});

describe('a window store', () => {
  let windows: LiveWindowStore<string, number>;

  beforeEach(() => {
    windows = createWindowStore(windowSpec, state, undefined, cache.open());
  });

  test('reads a window once, and one that it has committed never', async () => {
    expect([windows.get('CA', 0), windows.get('CA', 0), windows.get('CA', MINUTE_MS)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(reads).toBe(2);
    windows.put('CA', 0, 1);
    await commit(windows);
    expect([windows.get('CA', 0), windows.get('CA', MINUTE_MS)]).toEqual([1, undefined]);
    windows.delete('CA', 0);
    await commit(windows);
    expect(windows.get('CA', 0)).toBeUndefined();
    expect(reads).toBe(2);
  });

  test('a window that has expired is gone, and one whose expiry is undone is there', async () => {
    windows.put('CA', 0, 1);
    await commit(windows);
    windows.put('CA', 0, 2);
    windows.flush();
    await windows.expireBefore(MINUTE_MS, 10);
    windows.clear();
    expect(windows.get('CA', 0)).toBe(1);
    windows.put('CA', 0, 2);
    const changes = windows.flush();
    changes.push(...(await windows.expireBefore(MINUTE_MS, 10)));
    await state.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
    windows.committed();
    expect(windows.get('CA', 0)).toBeUndefined();
  });
});

test(
  'any history of reads, writes, commits, aborts, expiry and reopening leaves what a plain map leaves, in a store ' +
    'whose digest is right, whatever fits into the cache',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-cached-'));
    const level = await openLevelDbStore(directory, { identity: { applicationId: 'a', taskId: '0_0' } });
    const key = fc.constantFrom('a', 'b', 'c', 'Zürich');
    const startMs = fc.constantFrom(0, MINUTE_MS, 2 * MINUTE_MS);
    const step = fc.record({
      does: fc.constantFrom('put', 'put', 'delete', 'get', 'window', 'window', 'commit', 'abort', 'expire', 'reopen'),
      key,
      startMs,
    });
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40, size: 'max' }),
        fc.constantFrom(0, 400, 800, 100_000),
        // As a table does whose changes are read; a store that is never asked lets go of what a write replaces.
        fc.boolean(),
        async (steps, bytes, looksBack) => {
          const shared = new RecordCache(bytes);
          const names = { rows: `rows-${String(number)}`, windows: `windows-${String(number)}` };
          number += 1;
          const open = (): [LiveKeyValueStore<string, Count>, LiveWindowStore<string, number>] => [
            createKeyValueStore({ ...rowsSpec, name: names.rows }, level, undefined, shared.open()),
            createWindowStore({ ...windowSpec, name: names.windows }, level, undefined, shared.open()),
          ];
          let [rows, windows] = open();
          let committed = new Map<string, number>();
          let model = new Map<string, number>();
          for (const [at, now] of steps.entries()) {
            const name = `${String(now.startMs)} ${now.key}`;
            if (now.does === 'put') {
              const value = rows.get(now.key) ?? { n: 0 };
              value.n = at;
              rows.put(now.key, value);
              model.set(now.key, at);
            } else if (now.does === 'delete') {
              rows.delete(now.key);
              model.delete(now.key);
            } else if (now.does === 'window') {
              windows.put(now.key, now.startMs, at);
              model.set(name, at);
            } else if (now.does === 'get') {
              (rows.get(now.key) ?? { n: 0 }).n = -1;
              if (rows.isChanged(now.key)) rows.put(now.key, { n: model.get(now.key) ?? 0 });
              if (!model.has(now.key) && rows.isChanged(now.key)) rows.delete(now.key);
            } else if (now.does === 'reopen' || now.does === 'abort') {
              if (now.does === 'abort') {
                rows.flush();
                rows.clear();
                windows.clear();
              } else {
                rows.close();
                windows.close();
                [rows, windows] = open();
              }
              model = new Map(committed);
            } else {
              const changes = [...rows.flush(), ...windows.flush()];
              if (now.does === 'expire') {
                changes.push(...(await windows.expireBefore(now.startMs + MINUTE_MS, 100)));
                for (const one of [...model.keys()])
                  if (/^\d/.test(one) && Number.parseInt(one, 10) <= now.startMs) model.delete(one);
              }
              await level.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
              rows.committed();
              windows.committed();
              committed = new Map(model);
            }
            for (const one of ['a', 'b', 'c', 'Zürich']) {
              expect(rows.get(one)?.n).toBe(model.get(one));
              if (looksBack) expect(rows.committedRow(one)?.value.n).toBe(committed.get(one));
              for (const start of [0, MINUTE_MS, 2 * MINUTE_MS]) {
                expect(windows.get(one, start)).toBe(model.get(`${String(start)} ${one}`));
                expect(windows.committedRow(one, start)?.value).toBe(committed.get(`${String(start)} ${one}`));
              }
            }
            expect(shared.counts().bytes).toBeLessThanOrEqual(bytes);
          }
        },
      ),
      { numRuns: 100 },
    );
    expect(await level.verify()).toBe(true);
    await level.close();
    await rm(directory, { recursive: true });
  },
);
