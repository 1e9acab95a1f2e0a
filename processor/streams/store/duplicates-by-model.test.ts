import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { seededRandom } from '../../../tools/producer/seeded-random.ts';
import { jsonSerde, stringSerde, type Serde } from '../topology/serdes.ts';
import { openLevelDbStore } from './leveldb-store.ts';
import { loadIndexes } from './load-indexes.ts';
import { RecordCache } from './record-cache.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { storeKeys } from './store-keys.ts';
import type { LiveWindowStore, StoreSpec } from './typed-store.ts';
import { createWindowStore } from './window-store.ts';

const NAME = 'rows';
const SIZE_MS = 10;
const STEPS = 2_000;

const latin1Serde: Serde<string> = {
  serialize: (text) => Buffer.from(text, 'latin1'),
  deserialize: (bytes) => bytes.toString('latin1'),
};

/** A row as the model has it. */
interface Row {
  readonly key: string;
  readonly startMs: number;
  readonly value: string;
  readonly timestampMs: number;
  /** On disk; undefined: it has not been flushed. */
  number: number | undefined;
}

type Store = LiveWindowStore<string, string>;

/** As many keys as these have few rows each, and one has most of all. */
const KEYS = [
  'hot',
  'a',
  'b',
  'é',
  '\0',
  'a\0',
  'long'.repeat(60),
  ...Array.from({ length: 60 }, (_, at) => `key ${String(at)}`),
];

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-duplicates-model-'));
});
afterAll(() => rm(directory, { recursive: true }));

interface Case {
  readonly seed: number;
  readonly cacheBytes: number;
  readonly timed: boolean;
  readonly keySerde: Serde<string>;
  /** Values of JSON are read by their text. */
  readonly serde: Serde<string>;
  /** How far rows lie behind the newest one, at most. */
  readonly lateMs: number;
}

const cases: readonly Case[] = [
  { seed: 1, cacheBytes: 1e6, timed: false, keySerde: stringSerde, serde: stringSerde, lateMs: 5 },
  { seed: 2, cacheBytes: 20_000, timed: true, keySerde: latin1Serde, serde: stringSerde, lateMs: 300 },
  { seed: 3, cacheBytes: 0, timed: false, keySerde: stringSerde, serde: stringSerde, lateMs: 0 },
  { seed: 4, cacheBytes: 5_000, timed: true, keySerde: stringSerde, serde: stringSerde, lateMs: 2_000 },
  { seed: 5, cacheBytes: 20_000, timed: false, keySerde: stringSerde, serde: jsonSerde(), lateMs: 50 },
];

test.each(cases)('a long history of all that can be done is that of a naive model: seed $seed', async (given) => {
  const state = await openLevelDbStore(join(directory, String(given.seed)), {
    identity: { applicationId: 'a', taskId: '0_0' },
  });
  try {
    await history(state, given);
    expect(await state.verify()).toBe(true);
  } finally {
    await state.close();
  }
});

async function history(state: StateStore, { seed, cacheBytes, timed, keySerde, serde, lateMs }: Case): Promise<void> {
  const { below: upTo, chance, uint32 } = seededRandom(seed);
  const random = (): number => uint32() / 2 ** 32;
  const spec: StoreSpec<string, string> = {
    ...{ name: NAME, kind: 'window', key: keySerde, serde, timed },
    ...{ windowSizeMs: SIZE_MS, retentionMs: 400, retainDuplicates: true },
  };
  const keys = storeKeys(keySerde);
  const cache = new RecordCache(cacheBytes);
  // Of every other history, as a task has it: the store below keeps nothing of it.
  if (seed % 2 === 1) state.leaveRows?.(NAME);
  const open = async (): Promise<Store> =>
    createWindowStore(spec, state, (await loadIndexes([spec], state)).get(NAME), cache.open());
  let store = await open();
  let committed: Row[] = [];
  /** In the order in which they were put. */
  let rows: Row[] = [];
  let nowMs = 0;

  const textOf = (key: string): string => keys.textOf(key);
  const inOrder = (found: readonly Row[]): Row[] =>
    found.toSorted((a, b) => (a.key === b.key ? a.startMs - b.startMs : textOf(a.key) < textOf(b.key) ? -1 : 1));
  const windowed = ({ key, startMs, value }: Row): unknown => [{ key, startMs, endMs: startMs + SIZE_MS }, value];
  const timeOf = (row: Row): number => (timed ? row.timestampMs : -1);

  const checkKey = (key: string, fromMs: number, toMs: number): void => {
    const view = store.ownView();
    const expected = inOrder(rows.filter((row) => row.key === key && row.startMs >= fromMs && row.startMs <= toMs));
    expect(store.fetch(key, fromMs, toMs)).toEqual(
      expected.map((row) => ({ startMs: row.startMs, value: row.value, timestampMs: timeOf(row) })),
    );
    expect([...view.fetch(key, fromMs, toMs)]).toEqual(expected.map(windowed));
    expect([...view.backwardFetch(key, fromMs, toMs)]).toEqual(expected.map(windowed).toReversed());
    const { startMs } = expected.at(-1) ?? { startMs: fromMs };
    const isSame = (row: Row): boolean => row.key === key && row.startMs === startMs;
    const [first, before] = [rows.find(isSame), committed.find(isSame)];
    expect([store.get(key, startMs), view.get(key, startMs)]).toEqual([first?.value, first?.value]);
    const rowOf = (row: Row | undefined): unknown => row && { value: row.value, timestampMs: timeOf(row) };
    expect([store.row(key, startMs), store.committedRow(key, startMs)]).toEqual([rowOf(first), rowOf(before)]);
  };

  const checkAll = (fromMs: number, toMs: number): void => {
    const view = store.ownView();
    const expected = inOrder(rows.filter(({ startMs }) => startMs >= fromMs && startMs <= toMs)).map(windowed);
    expect([...view.fetchAll(fromMs, toMs)]).toEqual(expected);
    expect([...view.backwardFetchAll(fromMs, toMs)]).toEqual(expected.toReversed());
  };

  const numberIn = (change: StoreChange): number => Number(change.key.readBigUInt64BE(change.key.length - 8));
  const isOf = (change: StoreChange, { key, startMs }: Row): boolean =>
    Number(change.key.readBigUInt64BE(0)) === startMs && change.key.subarray(8, -8).equals(keys.bytesOf(key));

  /** Gives what was put since the last commit its number, and checks that all else is a row that was deleted. */
  const flush = (): StoreChange[] => {
    const changes = store.flush();
    const puts = changes.filter(({ value }) => value !== null);
    const news = rows.filter((row) => !committed.includes(row));
    expect(puts).toHaveLength(news.length);
    for (const [at, row] of news.entries()) {
      const change = puts[at] as StoreChange;
      expect(isOf(change, row)).toBe(true);
      row.number = numberIn(change);
    }
    const gone = committed.filter((row) => !rows.includes(row));
    const tombstones = changes.filter(({ value }) => value === null);
    expect(tombstones.map(numberIn).toSorted((a, b) => a - b)).toEqual(
      gone.map(({ number }) => number as number).toSorted((a, b) => a - b),
    );
    return changes;
  };

  const expire = async (horizonMs: number, limit: number): Promise<StoreChange[]> => {
    const tombstones = await store.expireBefore(horizonMs, limit);
    const due = rows.filter(({ startMs }) => startMs + SIZE_MS <= horizonMs).toSorted((a, b) => a.startMs - b.startMs);
    expect(tombstones).toHaveLength(Math.min(limit, due.length));
    for (const [at, change] of tombstones.entries()) {
      expect(change.value).toBeNull();
      // Which of those of one start comes first is nowhere said.
      const row = due.find((one) => one.number === numberIn(change)) as Row;
      expect(isOf(change, row)).toBe(true);
      expect(row.startMs).toBe(due[at]?.startMs);
      rows = rows.filter((one) => one !== row);
    }
    return tombstones;
  };

  for (let step = 0; step < STEPS; step += 1) {
    const key = (chance(0.3) ? KEYS[0] : KEYS[upTo(KEYS.length)]) as string;
    const choice = random();
    if (choice < 0.8) {
      nowMs += upTo(3);
      const startMs = Math.max(0, nowMs - upTo(lateMs + 1));
      const value = `${String(step)}-`.repeat(chance(0.1) ? 300 : 3);
      const timestampMs = startMs + upTo(SIZE_MS);
      store.put(key, startMs, value, timestampMs);
      rows.push({ key, startMs, value, timestampMs, number: undefined });
    } else if (choice < 0.88) {
      const own = rows.filter((row) => row.key === key);
      const startMs = own[upTo(own.length)]?.startMs ?? nowMs;
      store.delete(key, startMs);
      rows = rows.filter((row) => row.key !== key || row.startMs !== startMs);
    } else if (choice < 0.96) {
      checkKey(key, 0, Infinity);
      checkKey(key, nowMs - upTo(300), nowMs - upTo(100));
    } else {
      const changes = flush();
      if (chance(0.7)) changes.push(...(await expire(nowMs - 400, 20 + upTo(400))));
      const ends = random();
      if (ends < 0.75) {
        await state.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
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
      checkAll(0, Infinity);
      checkAll(nowMs - upTo(200), nowMs - upTo(100));
      for (const one of KEYS.slice(0, 6)) checkKey(one, 0, Infinity);
      expect(state.digest().entries).toBe(committed.length);
      expect(cache.counts().bytes).toBeLessThanOrEqual(cacheBytes);
    }
  }
  // All of it, so that nothing is left of any row.
  const changes = flush();
  changes.push(...(await expire(Infinity, STEPS)));
  await state.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
  store.committed();
  checkAll(0, Infinity);
  expect(cache.counts()).toMatchObject({ rows: 0, bytes: 0 });
  expect(state.digest().entries).toBe(0);
}
