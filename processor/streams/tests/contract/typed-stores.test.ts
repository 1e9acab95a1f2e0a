import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bytesSerde, jsonSerde } from '../../index.ts';
import { createKeyValueStore } from '../../store/key-value-store.ts';
import { LayeredStore } from '../../store/layered-store.ts';
import { openLevelDbStore } from '../../store/leveldb-store.ts';
import { loadIndexes } from '../../store/load-indexes.ts';
import type { KeyIndex } from '../../store/key-index.ts';
import { MemoryStoreImage, openMemoryStore } from '../../store/memory-store.ts';
import { RecordCache, type StoreCache } from '../../store/record-cache.ts';
import { createSessionStore } from '../../store/session-store.ts';
import type { StateStore, StoreChange } from '../../store/state-store.ts';
import type { BufferedStore, ExpiringStore, StoreSpec } from '../../store/typed-store.ts';
import { createVersionedStore, type VersionIndex } from '../../store/versioned-store.ts';
import { createWindowStore } from '../../store/window-store.ts';

/** Keys that an order by anything but their bytes, or a separator between parts, would mix up. */
const KEYS = ['', '00', '0000', '00ff', '61', '6100', '6100ff', '61ff', '62', 'ff', 'ffff'].map((hex) =>
  Buffer.from(hex, 'hex'),
);
const key = fc.constantFrom(...KEYS);
const hexOf = (bytes: Buffer): string => bytes.toString('hex');
const byKey = (a: { key: Buffer }, b: { key: Buffer }): number => a.key.compare(b.key);
const RUNS = { numRuns: 50 };

const NAME = 'rows';
const shared = { name: NAME, key: bytesSerde, serde: jsonSerde<number>(), indexed: true } as const;
const KEY_VALUE: StoreSpec<number, Buffer> = { ...shared, kind: 'key-value' };
const WINDOW: StoreSpec<number, Buffer> = { ...shared, kind: 'window', windowSizeMs: 2, retentionMs: 0 };
const DUPLICATES: StoreSpec<number, Buffer> = { ...WINDOW, retainDuplicates: true };
const SESSION: StoreSpec<number, Buffer> = { ...shared, kind: 'session', retentionMs: 0 };
const VERSIONED: StoreSpec<number, Buffer> = { ...shared, kind: 'versioned', historyMs: 5 };

/** Random commits, aborts and restarts. */
const turn = fc.constantFrom('commit' as const, 'abort' as const, 'restart' as const);

/** What becomes of a commit in which rows expire, so many at a time. */
const expiry = { limit: fc.integer({ min: 1, max: 3 }), ends: fc.constantFrom('commit' as const, 'abort' as const) };

interface Medium {
  readonly state: StateStore;
  readonly cache: RecordCache;
}

type Create<S> = (state: StateStore, index: KeyIndex, cache: StoreCache) => S;

/** One store over a state store, as a task has it. */
class Opened<S extends BufferedStore> {
  readonly #spec: StoreSpec<number, Buffer>;
  readonly #create: Create<S>;
  readonly #cache: RecordCache;
  readonly state: StateStore;
  store!: S;

  constructor({ state, cache }: Medium, spec: StoreSpec<number, Buffer>, create: Create<S>) {
    this.state = state;
    this.#cache = cache;
    this.#spec = spec;
    this.#create = create;
  }

  async open(): Promise<this> {
    const indexes = await loadIndexes([this.#spec], this.state);
    (this.store as S | undefined)?.close();
    this.store = this.#create(this.state, indexes.get(NAME) as KeyIndex, this.#cache.open());
    return this;
  }

  async turn(kind: 'commit' | 'abort' | 'restart'): Promise<void> {
    if (kind === 'restart') {
      await this.open();
      return;
    }
    if (kind === 'commit') await this.#commit(this.store.flush());
    else this.store.clear();
  }

  /** A commit as it is: changed rows first, then what expires. How many rows that were. */
  async expire(
    this: Opened<S & ExpiringStore>,
    horizonMs: number,
    { limit, ends }: { readonly limit: number; readonly ends: 'commit' | 'abort' },
  ): Promise<number> {
    const changes = this.store.flush();
    const flushed = changes.length;
    for (let count = limit; count === limit;) {
      const tombstones = await this.store.expireBefore(horizonMs, limit);
      changes.push(...tombstones);
      count = tombstones.length;
    }
    if (ends === 'commit') await this.#commit(changes);
    else this.store.clear();
    return changes.length - flushed;
  }

  async #commit(changes: readonly StoreChange[]): Promise<void> {
    await this.state.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
    this.store.committed();
  }

  async entries(): Promise<number> {
    let count = 0;
    for await (const keys of this.state.keys(NAME)) count += keys.length;
    return count;
  }
}

/** A model of what is committed, and over it what is not. */
class Model<Row> {
  committed: Row[] = [];
  rows: Row[] = [];

  turn(kind: 'commit' | 'abort' | 'restart'): void {
    if (kind === 'commit') this.committed = [...this.rows];
    else this.rows = [...this.committed];
  }
}

describe.each([
  ['memory', 'no cache', 0],
  ['memory over a disk', 'no cache', 0],
  ['LevelDB', 'no cache', 0],
  ['LevelDB', 'a cache of all rows', 1_000_000],
  ['memory', 'a cache of some rows', 700],
])('typed stores on %s with %s', (medium, _, cacheBytes) => {
  let directory: string;
  let opened = 0;
  const states: StateStore[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-typed-'));
  });
  afterAll(async () => {
    for (const state of states) await state.close();
    await rm(directory, { recursive: true });
  });

  const newMedium = async (): Promise<Medium> => ({
    state: await newState(),
    cache: new RecordCache(cacheBytes),
  });
  const newState = async (): Promise<StateStore> => {
    if (medium === 'memory') return openMemoryStore(new MemoryStoreImage());
    if (medium === 'memory over a disk') return new LayeredStore(openMemoryStore(), new Set([NAME]), new Set());
    opened += 1;
    // One LevelDB for all runs of a test would mix their rows.
    const path = join(directory, String(opened));
    const state = await openLevelDbStore(path, { identity: { applicationId: 'a', taskId: '0_0' } });
    states.push(state);
    if (states.length > 20) await (states.shift() as StateStore).close();
    return state;
  };

  test('a key-value store is a sorted map of bytes', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ does: fc.constantFrom('put', 'delete', 'putIfAbsent'), key }) },
      fc.record({ does: turn }),
      fc.record({ does: fc.constant('look' as const), from: fc.option(key), to: fc.option(key), prefix: key }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const it = await new Opened(await newMedium(), KEY_VALUE, (...args) =>
          createKeyValueStore(KEY_VALUE, ...args),
        ).open();
        const model = new Model<{ key: Buffer; value: number }>();
        for (const [at, now] of steps.entries()) {
          const own = it.store.ownView();
          if ('key' in now) {
            const before = model.rows.find((row) => row.key.equals(now.key));
            const puts = now.does === 'put' || (now.does === 'putIfAbsent' && before === undefined);
            if (puts || now.does === 'delete') model.rows = model.rows.filter((row) => row !== before);
            if (puts) model.rows.push({ key: now.key, value: at });
            if (now.does === 'put') own.put(now.key, at);
            else if (now.does === 'delete') expect(own.delete(now.key)).toBe(before?.value);
            else expect(own.putIfAbsent(now.key, at)).toBe(before?.value);
          } else if (now.does !== 'look') {
            await it.turn(now.does);
            model.turn(now.does);
          }
          const sorted = [...model.rows].sort(byKey);
          const list = (rows: typeof sorted): [Buffer, number][] => rows.map((row) => [row.key, row.value]);
          const view = it.store.ownView();
          expect([...view.all()]).toEqual(list(sorted));
          expect([...it.store.all()]).toEqual(list(sorted));
          expect(view.approximateSize()).toBe(sorted.length);
          for (const row of sorted) expect(view.get(row.key)).toBe(row.value);
          if (now.does !== 'look' || !('from' in now)) continue;
          const { from, to, prefix } = now;
          const inRange = sorted.filter(
            (row) => (from === null || row.key.compare(from) >= 0) && (to === null || row.key.compare(to) <= 0),
          );
          const prefixed = sorted.filter((row) => row.key.subarray(0, prefix.length).equals(prefix));
          expect([...view.range(from, to)]).toEqual(list(inRange));
          expect([...view.reverseRange(from, to)]).toEqual(list(inRange).reverse());
          expect([...view.prefix(prefix)]).toEqual(list(prefixed));
          expect([...it.store.prefix(prefix)]).toEqual(list(prefixed));
          expect([...view.reversePrefix(prefix)]).toEqual(list(prefixed).reverse());
          expect([...view.reverseAll()]).toEqual(list(sorted).reverse());
        }
      }),
      RUNS,
    );
  });

  test.each([
    ['one row a key and start', WINDOW],
    ['duplicates', DUPLICATES],
  ])('a window store of %s', async (_, spec) => {
    const duplicates = spec === DUPLICATES;
    const startMs = fc.nat(6);
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ does: fc.constantFrom('put' as const, 'delete' as const), key, startMs }) },
      fc.record({ does: turn }),
      fc.record({ does: fc.constant('expire' as const), horizonMs: fc.nat(9), ...expiry }),
      fc.record({ does: fc.constant('look' as const), key, fromMs: startMs, toMs: startMs }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const it = await new Opened(await newMedium(), spec, (...args) => createWindowStore(spec, ...args)).open();
        const model = new Model<{ key: Buffer; startMs: number; value: number }>();
        for (const [at, now] of steps.entries()) {
          const own = it.store.ownView();
          if (now.does === 'put' || now.does === 'delete') {
            const before = model.rows.filter((row) => row.key.equals(now.key) && row.startMs === now.startMs);
            if (now.does === 'delete' || !duplicates) model.rows = model.rows.filter((row) => !before.includes(row));
            if (now.does === 'delete') expect(own.delete(now.key, now.startMs)).toBe(before[0]?.value);
            else {
              own.put(now.key, now.startMs, at);
              model.rows.push({ key: now.key, startMs: now.startMs, value: at });
            }
          } else if (now.does === 'expire') {
            const due = model.rows.filter((row) => row.startMs + 2 <= now.horizonMs);
            expect(await it.expire(now.horizonMs, now)).toBe(due.length);
            model.rows = model.rows.filter((row) => !due.includes(row));
            model.turn(now.ends);
          } else if (now.does !== 'look') {
            await it.turn(now.does);
            model.turn(now.does);
          }
          // A sort is stable: duplicates stay in the order in which they were put.
          const sorted = [...model.rows].sort((a, b) => byKey(a, b) || a.startMs - b.startMs);
          const list = (rows: typeof sorted): unknown[] =>
            rows.map((row) => [{ key: row.key, startMs: row.startMs, endMs: row.startMs + 2 }, row.value]);
          const view = it.store.ownView();
          expect([...view.fetchAll(0, Infinity)]).toEqual(list(sorted));
          for (const row of sorted)
            expect(view.get(row.key, row.startMs)).toBe(
              sorted.find((other) => other.key.equals(row.key) && other.startMs === row.startMs)?.value,
            );
          if (now.does !== 'look') continue;
          const { fromMs, toMs } = now;
          const inTime = sorted.filter((row) => row.startMs >= fromMs && row.startMs <= toMs);
          const ofKey = inTime.filter((row) => row.key.equals(now.key));
          expect([...view.fetch(now.key, fromMs, toMs)]).toEqual(list(ofKey));
          expect([...view.backwardFetch(now.key, fromMs, toMs)]).toEqual(list(ofKey).reverse());
          expect([...view.fetchAll(fromMs, toMs)]).toEqual(list(inTime));
          expect([...view.backwardFetchAll(fromMs, toMs)]).toEqual(list(inTime).reverse());
          expect(it.store.fetch(now.key, fromMs, toMs).map((row) => [row.startMs, row.value])).toEqual(
            ofKey.map((row) => [row.startMs, row.value]),
          );
        }
        await it.turn('commit');
        model.turn('commit');
        expect(await it.entries()).toBe(model.rows.length);
        expect(await it.state.verify()).toBe(true);
      }),
      RUNS,
    );
  });

  test('a session store finds what ends at a time or later and starts at a time or earlier', async () => {
    const session = { key, startMs: fc.nat(6), lengthMs: fc.nat(3) };
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ does: fc.constantFrom('put' as const, 'remove' as const), ...session }) },
      fc.record({ does: turn }),
      fc.record({ does: fc.constant('expire' as const), horizonMs: fc.nat(12), ...expiry }),
      fc.record({ does: fc.constant('look' as const), key, fromMs: fc.nat(9), toMs: fc.nat(9) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const it = await new Opened(await newMedium(), SESSION, (state, index) =>
          createSessionStore(SESSION, state, index),
        ).open();
        const model = new Model<{ key: Buffer; startMs: number; endMs: number; value: number }>();
        for (const [at, now] of steps.entries()) {
          const own = it.store.ownView();
          if (now.does === 'put' || now.does === 'remove') {
            const bounds = { key: now.key, startMs: now.startMs, endMs: now.startMs + now.lengthMs };
            const before = model.rows.find(
              (row) => row.key.equals(now.key) && row.startMs === bounds.startMs && row.endMs === bounds.endMs,
            );
            expect(own.get(now.key, bounds.startMs, bounds.endMs)).toBe(before?.value);
            model.rows = model.rows.filter((row) => row !== before);
            if (now.does === 'remove') expect(own.remove(bounds)).toBe(before?.value);
            else {
              own.put(bounds, at);
              model.rows.push({ ...bounds, value: at });
            }
          } else if (now.does === 'expire') {
            const due = model.rows.filter((row) => row.endMs < now.horizonMs);
            expect(await it.expire(now.horizonMs, now)).toBe(due.length);
            model.rows = model.rows.filter((row) => !due.includes(row));
            model.turn(now.ends);
          } else if (now.does !== 'look') {
            await it.turn(now.does);
            model.turn(now.does);
          }
          const view = it.store.ownView();
          const { fromMs, toMs } = now.does === 'look' ? now : { fromMs: 0, toMs: Infinity };
          for (const one of now.does === 'look' ? [now.key] : KEYS) {
            const found = model.rows
              .filter((row) => row.key.equals(one) && row.endMs >= fromMs && row.startMs <= toMs)
              .sort((a, b) => a.endMs - b.endMs || a.startMs - b.startMs);
            const list = found.map(({ value, ...bounds }) => [bounds, value]);
            expect([...view.find(one, fromMs, toMs)]).toEqual(list);
            expect([...view.backwardFind(one, fromMs, toMs)]).toEqual([...list].reverse());
            expect(it.store.find(one, fromMs, toMs).map(({ value }) => value)).toEqual(found.map((row) => row.value));
          }
        }
        await it.turn('commit');
        model.turn('commit');
        expect(await it.entries()).toBe(model.rows.length);
        expect(await it.state.verify()).toBe(true);
      }),
      RUNS,
    );
  });

  test('a versioned store answers as of any time of its history, and keeps nothing older', async () => {
    const timestampMs = fc.nat(20);
    const some = fc.constantFrom(...KEYS.slice(3, 6));
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ does: fc.constantFrom('put' as const, 'delete' as const), some, timestampMs }),
      },
      fc.record({ does: turn }),
      fc.record({ does: fc.constant('expire' as const), ...expiry }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        let dropped = 0;
        const it = await new Opened(await newMedium(), VERSIONED, (state, index, cache) =>
          createVersionedStore(
            VERSIONED,
            state,
            index as VersionIndex,
            () => {
              dropped += 1;
            },
            cache,
          ),
        ).open();
        // What has expired stays in the model: nobody can ask for it.
        const model = new Model<{ key: Buffer; timestampMs: number; value: number | null }>();
        let newestMs = -1;
        let drops = 0;
        const newestOf = (rows: readonly { timestampMs: number }[]): number =>
          rows.reduce((newest, row) => Math.max(newest, row.timestampMs), -1);
        const asOf = (one: Buffer, atMs: number): (typeof model.rows)[number] | undefined =>
          model.rows
            .filter((row) => row.key.equals(one) && row.timestampMs <= atMs)
            .sort((a, b) => b.timestampMs - a.timestampMs)[0];
        for (const [at, now] of steps.entries()) {
          const own = it.store.ownView();
          if (now.does === 'put' || now.does === 'delete') {
            const value = now.does === 'put' ? at : null;
            const isTold = now.timestampMs >= newestMs - 5;
            const before = isTold ? asOf(now.some, now.timestampMs)?.value : undefined;
            if (now.does === 'put') own.put(now.some, at, now.timestampMs);
            else expect(own.delete(now.some, now.timestampMs) ?? null).toBe(before ?? null);
            if (isTold) {
              model.rows = model.rows.filter((row) => !row.key.equals(now.some) || row.timestampMs !== now.timestampMs);
              model.rows.push({ key: now.some, timestampMs: now.timestampMs, value });
              newestMs = Math.max(newestMs, now.timestampMs);
            } else drops += 1;
            expect(dropped).toBe(drops);
          } else if (now.does === 'expire') {
            await it.expire(newestMs - 5, now);
            model.turn(now.ends);
            if (now.ends === 'abort') newestMs = newestOf(model.rows);
          } else {
            await it.turn(now.does);
            model.turn(now.does);
            if (now.does !== 'commit') newestMs = newestOf(model.rows);
          }
          for (const one of KEYS.slice(3, 6)) {
            const view = it.store.ownView();
            expect(view.get(one) ?? null).toBe(asOf(one, Infinity)?.value ?? null);
            for (let atMs = 0; atMs <= 20; atMs += 1) {
              const found = asOf(one, atMs);
              // Before the history only the newest version of a key is known.
              const expected = atMs < newestMs - 5 && found !== asOf(one, Infinity) ? undefined : found;
              expect(view.get(one, atMs) ?? null).toBe(expected?.value ?? null);
              if (expected === undefined || expected.value === null) continue;
              const next = model.rows
                .filter((row) => row.key.equals(one) && row.timestampMs > expected.timestampMs)
                .sort((a, b) => a.timestampMs - b.timestampMs)[0];
              expect(view.version(one, atMs)).toEqual({
                value: expected.value,
                timestampMs: expected.timestampMs,
                validToMs: next?.timestampMs ?? null,
              });
            }
          }
        }
        await it.turn('commit');
        model.turn('commit');
        await it.expire(Infinity, { limit: 2, ends: 'commit' });
        const kept = model.rows.filter((row) => {
          const next = model.rows
            .filter((other) => other.key.equals(row.key) && other.timestampMs > row.timestampMs)
            .sort((a, b) => a.timestampMs - b.timestampMs)[0];
          if (next !== undefined) return next.timestampMs > newestMs - 5;
          return row.value !== null || row.timestampMs > newestMs - 5;
        });
        // One without a value may have gone when it was the newest of its key: nothing says less than that.
        const entries = await it.entries();
        expect(entries).toBeLessThanOrEqual(kept.length);
        expect(entries).toBeGreaterThanOrEqual(kept.filter(({ value }) => value !== null).length);
      }),
      RUNS,
    );
  });

  test("a write while an iterator is under way throws; one at its end, or closed, is in nobody's way", async () => {
    const it = await new Opened(await newMedium(), KEY_VALUE, (...args) =>
      createKeyValueStore(KEY_VALUE, ...args),
    ).open();
    const own = it.store.ownView();
    for (const one of KEYS) own.put(one, 1);
    await it.turn('commit');
    const throwing = (): void => {
      for (const [one] of own.all()) own.put(one, 2);
    };
    expect(throwing).toThrow('the store "rows" is written to while it is gone through');
    const [first] = own.all();
    own.put((first as [Buffer, number])[0], 3);
    const left = own.all();
    left.next();
    expect(() => own.delete(KEYS[0] as Buffer)).toThrow('close it with return()');
    left.return?.();
    expect(own.delete(KEYS[0] as Buffer)).toBe(3);
    const stale = own.all();
    stale.next();
    await it.turn('commit');
    expect(() => stale.next()).toThrow('after a commit');
    own.put(KEYS[0] as Buffer, 4);
    expect([...own.all()].map(([one]) => hexOf(one))).toEqual(KEYS.map(hexOf));
  });
});

test('a store without index refuses to be gone through at the call', () => {
  const spec = { ...KEY_VALUE, indexed: false };
  const own = createKeyValueStore(spec, openMemoryStore()).ownView();
  for (const look of [() => own.all(), () => own.range(), () => own.prefix(''), () => own.approximateSize()])
    expect(look).toThrow('the store "rows" has no index');
  const windows = createWindowStore({ ...WINDOW, indexed: false }, openMemoryStore());
  expect(() => windows.ownView().fetchAll(0, 1)).toThrow('the store "rows" has no index');
  expect(() => createWindowStore(DUPLICATES, openMemoryStore())).toThrow('retains duplicates');
});

test('duplicates are told apart after a restart', async () => {
  const medium = { state: openMemoryStore(), cache: new RecordCache(0) };
  const it = await new Opened(medium, DUPLICATES, (...args) => createWindowStore(DUPLICATES, ...args)).open();
  const one = Buffer.from('k');
  for (const value of [1, 2]) it.store.put(one, 0, value);
  await it.turn('commit');
  await it.turn('restart');
  for (const value of [3, 4]) it.store.put(one, 0, value);
  await it.turn('commit');
  expect(it.store.fetch(one, 0, 0).map(({ value }) => value)).toEqual([1, 2, 3, 4]);
  // As in Kafka Streams: nothing is put, and nothing deleted.
  it.store.ownView().put(one, 0, null);
  expect(it.store.fetch(one, 0, 0)).toHaveLength(4);
});
