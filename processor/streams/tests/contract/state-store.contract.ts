import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { STREAM_TIME_KEY } from '../../store/runtime-rows.ts';
import { RowChange } from '../../store/row-change.ts';
import type { StateStore, StoreBatch, StoreChange } from '../../store/state-store.ts';

/** One store on one medium (a directory, an image in memory) that can be opened again and again. */
export interface StoreMedium {
  open(): Promise<StateStore>;
  /** Frees the medium after the test; every store on it is closed by then. */
  destroy(): Promise<void>;
}

export const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

export const put = (store: string, key: string, value: string): StoreChange => ({
  store,
  key: bytes(key),
  value: bytes(value),
});

export const del = (store: string, key: string): StoreChange => ({ store, key: bytes(key), value: null });

export function batch(
  changes: readonly StoreChange[],
  changelog: Record<string, number> = {},
  input: Record<string, number> = {},
): StoreBatch {
  return {
    changes,
    changelogOffsets: new Map(Object.entries(changelog)),
    inputOffsets: new Map(Object.entries(input)),
  };
}

export async function contents(
  store: StateStore,
  name: string,
  from?: string,
  to?: string,
): Promise<[string, string][]> {
  const found: [string, string][] = [];
  const range = store.entries(
    name,
    from === undefined ? undefined : bytes(from),
    to === undefined ? undefined : bytes(to),
  );
  for await (const [key, value] of range) found.push([key.toString(), value.toString()]);
  return found;
}

/** Loads rows as a restore does: as they lie in what was fetched. False: the store has no other way than commits. */
export async function load(
  store: StateStore,
  changes: readonly StoreChange[],
  changelog: Record<string, number>,
): Promise<boolean> {
  const loading = await store.beginLoad?.();
  if (loading === undefined) {
    await store.commit(batch(changes, changelog));
    return false;
  }
  for (const { store: name, key, value } of changes) {
    // Between other bytes, a part of the value apart.
    const [head, rest] = [value?.subarray(0, value.length >> 1), value?.subarray(value.length >> 1)];
    const bytes = Buffer.concat([Buffer.from('x'), key, Buffer.from('yz'), rest ?? NO_BYTES, head ?? NO_BYTES]);
    const restAt = key.length + 3;
    const [headBytes, restBytes] = [head?.length ?? 0, rest?.length ?? -1];
    loading.rowsOf(name).put(bytes, 1, key.length, restAt + restBytes, headBytes, restAt, restBytes);
  }
  await loading.finish(new Map(Object.entries(changelog)));
  return true;
}

const NO_BYTES = Buffer.alloc(0);

/** More of them than are put into a store one by one. */
function manyChanges(seed: number): StoreChange[] {
  const changes: StoreChange[] = [];
  let random = seed;
  for (let nth = 0; nth < 20_000; nth += 1) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    const key = bytes(`${(random % 9_973).toString(random % 3 === 0 ? 2 : 36)}-key`);
    const value = random % 11 === 0 ? null : bytes(`value ${String(nth)} ${'of some length '.repeat(random % 5)}`);
    changes.push({ store: STORES[nth % STORES.length] as string, key, value });
  }
  return changes;
}

const STORES = ['counts', 'counts-by-state', 'b'];

/** What every StateStore promises: run it over each implementation. */
export function stateStoreContract(name: string, createMedium: () => Promise<StoreMedium>): void {
  describe(`StateStore contract: ${name}`, () => {
    let medium: StoreMedium;
    let store: StateStore;

    const reopen = async (how: 'close' | 'closeDirty'): Promise<void> => {
      await store[how]();
      store = await medium.open();
    };

    beforeEach(async () => {
      medium = await createMedium();
      store = await medium.open();
    });

    afterEach(async () => {
      await store.closeDirty();
      await medium.destroy();
    });

    test('a snapshot has the rows and the offsets of one commit, whatever is committed meanwhile', async () => {
      await store.commit(batch([put('s', 'a', '0'), put('s', 'b', '0'), put('t', 'z', '0')], { c: 0 }));
      const before = store.snapshot();
      const taken = [];
      for (let round = 1; round <= 20; round += 1) {
        const text = String(round);
        const committing = store.commit(batch([put('s', 'a', text), put('s', 'b', text)], { c: round }));
        // Taken at whatever moment of the commit.
        for (let turns = 0; turns < 3; turns += 1) {
          taken.push(store.snapshot());
          await new Promise(setImmediate);
        }
        await committing;
        taken.push(store.snapshot());
      }
      for (const snapshot of taken) {
        const at = String(snapshot.offsets.changelog.get('c'));
        const rows = await snapshot.getMany('s', [bytes('a'), bytes('x'), bytes('b')]);
        expect(rows.map(String)).toEqual([at, 'undefined', at]);
        await snapshot.close();
      }
      expect(before.offsets.changelog.get('c')).toBe(0);
      const range = async (from?: string, to?: string, reverse?: boolean): Promise<string[]> => {
        const found: string[] = [];
        const [first, end] = [from, to].map((key) => (key === undefined ? undefined : bytes(key)));
        for await (const [key, value] of before.entries('s', first, end, reverse))
          found.push(`${key.toString()}${value.toString()}`);
        return found;
      };
      expect([await range(), await range('b'), await range(undefined, 'b'), await range('a', 'c', true)]).toEqual([
        ['a0', 'b0'],
        ['b0'],
        ['a0'],
        ['b0', 'a0'],
      ]);
      await before.close();
    });

    test('who observes is told of each commit: before it with the old rows, after it with the new ones', async () => {
      await store.commit(batch([put('s', 'a', '0')], { c: 0 }));
      const told: string[] = [];
      const look = (): string => `${String(store.get('s', bytes('a')))} ${String(store.offsets().changelog.get('c'))}`;
      const stop = store.observe({
        before: (changes) => told.push(`before ${look()}: ${changes.map(({ key }) => key.toString()).join()}`),
        after: () => told.push(`after ${look()} ${String(store.isCommitting)}`),
        failed: () => told.push('failed'),
      });
      const committing = store.commit(batch([put('s', 'a', '1'), put('t', 'b', '1')], { c: 1 }));
      expect(told).toEqual(['before 0 0: a,b']);
      await committing;
      stop();
      await store.commit(batch([put('s', 'a', '2')], { c: 2 }));
      expect(told).toEqual(['before 0 0: a,b', 'after 1 1 false']);
    });

    test('a new store is empty, clean and sound', async () => {
      expect(store.get('counts', bytes('CA'))).toBeUndefined();
      expect(store.digest()).toEqual({ entries: 0, sum: 0n });
      expect(store.offsets()).toEqual({ changelog: new Map(), input: new Map() });
      expect(store.uncleanOpen).toBe(false);
      expect(await store.verify()).toBe(true);
    });

    test('a commit puts, overwrites and deletes; the last change of a key wins', async () => {
      await store.commit(batch([put('counts', 'CA', '1'), put('counts', 'NY', '1'), put('counts', 'CA', '2')]));
      await store.commit(batch([del('counts', 'NY'), del('counts', 'never-there'), put('counts', 'TX', '3')]));
      expect(await contents(store, 'counts')).toEqual([
        ['CA', '2'],
        ['TX', '3'],
      ]);
      expect(store.get('counts', bytes('NY'))).toBeUndefined();
      expect(store.get('counts', bytes('TX'))?.toString()).toBe('3');
      expect(store.digest().entries).toBe(2);
      expect(await store.verify()).toBe(true);
    });

    test('a row of the runtime that changes twice in a batch, as in one fetch of a standby, counts once', async () => {
      const row = (text: string): StoreChange => ({ store: 'counts', key: STREAM_TIME_KEY, value: bytes(text) });
      await store.commit(batch([row('3')]));
      const digest = store.digest();
      await store.commit(batch([row('1')]));
      await store.commit(batch([row('2'), row('3')]));
      expect(store.digest()).toEqual(digest);
    });

    test('a key that is put and deleted in one batch leaves neither a row nor a trace in the digest', async () => {
      await store.commit(batch([put('counts', 'CA', '1')]));
      const before = store.digest();
      const ny = { ...put('counts', 'NY', '1'), previous: null };
      await store.commit(batch([ny, del('counts', 'NY')]));
      expect(store.digest()).toEqual(before);
      await store.commit(
        batch([
          { ...put('counts', 'CA', '2'), previous: bytes('1') },
          del('counts', 'CA'),
          put('counts', 'TX', '1'),
          del('counts', 'TX'),
          put('counts', 'TX', '2'),
        ]),
      );
      expect(await contents(store, 'counts')).toEqual([['TX', '2']]);
      expect(store.digest().entries).toBe(1);
      expect(await store.verify()).toBe(true);
    });

    test('changes whose bytes lie among those of others are as any', async () => {
      const changes = manyChanges(3).slice(0, 3_000);
      const rows = new Map<string, string>();
      for (let from = 0; from < changes.length; from += 500) {
        const some = changes.slice(from, from + 500).map((change) => ({ ...change, store: STORES[0] as string }));
        for (const { key, value } of some)
          if (value === null) rows.delete(key.toString());
          else rows.set(key.toString(), value.toString());
        await store.commit(batch(some.map(({ store: of, key, value }) => RowChange.of(of, key, value))));
      }
      const inOrder = [...rows].sort(([a], [b]) => Buffer.compare(bytes(a), bytes(b)));
      expect(await contents(store, STORES[0] as string)).toEqual(inOrder);
      for (const [key, value] of rows) expect(store.get(STORES[0] as string, bytes(key))?.toString()).toBe(value);
      expect(store.digest().entries).toBe(rows.size);
      expect(await store.verify()).toBe(true);
    });

    test('keys and values are any bytes, empty ones too', async () => {
      const key = Buffer.from([0, 255, 33, 0]);
      const value = Buffer.from([255, 0, 254]);
      const change = { store: 'bytes', key, value };
      await store.commit({
        ...batch([]),
        changes: [change, { store: 'bytes', key: Buffer.alloc(0), value: Buffer.alloc(0) }],
      });
      expect(store.get('bytes', key)).toEqual(value);
      expect(store.get('bytes', Buffer.alloc(0))).toEqual(Buffer.alloc(0));
      expect(store.digest().entries).toBe(2);
      expect(await store.verify()).toBe(true);
    });

    test('entries come in the order of the key bytes, from inclusive, to exclusive', async () => {
      const keys = ['b', 'a', 'ä', 'aa', 'Z', '~'];
      await store.commit(batch(keys.map((key) => put('counts', key, key))));
      const inOrder = [...keys].sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
      expect((await contents(store, 'counts')).map(([key]) => key)).toEqual(inOrder);
      expect((await contents(store, 'counts', 'a', 'b')).map(([key]) => key)).toEqual(['a', 'aa']);
      expect((await contents(store, 'counts', 'b')).map(([key]) => key)).toEqual(['b', '~', 'ä']);
      expect((await contents(store, 'counts', undefined, 'a')).map(([key]) => key)).toEqual(['Z']);
    });

    test('stores whose names begin alike do not see each other', async () => {
      await store.commit(
        batch([put('counts', 'k', 'one'), put('counts-by-state', 'k', 'two'), put('count', 's', 'three')]),
      );
      expect(await contents(store, 'counts')).toEqual([['k', 'one']]);
      expect(await contents(store, 'counts-by-state')).toEqual([['k', 'two']]);
      expect(await contents(store, 'count')).toEqual([['s', 'three']]);
      expect(store.get('counts', bytes('s'))).toBeUndefined();
    });

    test('keysBelow gives the first keys below a bound, in order, within the limit, from a lower bound', async () => {
      await store.commit(batch(['e', 'c', 'a', 'd', 'b'].map((key) => put('windows', key, key))));
      const below = async (to: string, limit: number, from?: string): Promise<string[]> =>
        (await store.keysBelow('windows', bytes(to), limit, from === undefined ? undefined : bytes(from))).map(String);
      expect(await below('d', 10)).toEqual(['a', 'b', 'c']);
      expect(await below('d', 2)).toEqual(['a', 'b']);
      expect(await below('a', 10)).toEqual([]);
      expect(await below('z', 10, 'd')).toEqual(['d', 'e']);
    });

    test('offsets come with the batch and are merged over the stored ones', async () => {
      await store.commit(batch([put('counts', 'CA', '1')], { 'log-0': 5, 'log-1': 1 }, { 'in-0': 10 }));
      await store.commit(batch([], { 'log-0': 7 }, { 'in-1': 3 }));
      const expected = {
        changelog: new Map([
          ['log-0', 7],
          ['log-1', 1],
        ]),
        input: new Map([
          ['in-0', 10],
          ['in-1', 3],
        ]),
      };
      expect(store.offsets()).toEqual(expected);
      await reopen('close');
      expect(store.offsets()).toEqual(expected);
    });

    test('the digest follows the contents, not the way there', async () => {
      await store.commit(batch([put('counts', 'CA', '1'), put('counts', 'NY', '2')]));
      const there = store.digest();
      await store.commit(batch([put('counts', 'CA', '9'), put('counts', 'TX', '3')]));
      expect(store.digest().sum).not.toBe(there.sum);
      await store.commit(batch([del('counts', 'TX'), put('counts', 'CA', '1')]));
      expect(store.digest()).toEqual(there);
      await store.commit(batch([del('counts', 'CA'), del('counts', 'NY')]));
      expect(store.digest()).toEqual({ entries: 0, sum: 0n });
    });

    test('a clean close keeps everything and is seen as clean', async () => {
      await store.commit(batch([put('counts', 'CA', '1')], { 'log-0': 1 }));
      const digest = store.digest();
      await reopen('close');
      expect(store.uncleanOpen).toBe(false);
      expect(store.digest()).toEqual(digest);
      expect(await contents(store, 'counts')).toEqual([['CA', '1']]);
    });

    test('a dirty close keeps everything and is flagged until a verified, clean close', async () => {
      await store.commit(batch([put('counts', 'CA', '1')], { 'log-0': 1 }));
      await reopen('closeDirty');
      expect(store.uncleanOpen).toBe(true);
      expect(await contents(store, 'counts')).toEqual([['CA', '1']]);
      await reopen('close');
      expect(store.uncleanOpen).toBe(true);
      expect(await store.verify()).toBe(true);
      await reopen('close');
      expect(store.uncleanOpen).toBe(false);
    });

    test('a store that is loaded is the one that the same changes have made one by one', async () => {
      const changes = manyChanges(1);
      const other = await createMedium();
      const committed = await other.open();
      try {
        await committed.commit(batch(changes, { 'log-0': 7 }));
        await load(store, changes, { 'log-0': 7 });
        const alike = async (): Promise<void> => {
          expect(store.digest()).toEqual(committed.digest());
          expect(store.offsets()).toEqual(committed.offsets());
          for (const name of STORES) expect(await contents(store, name)).toEqual(await contents(committed, name));
          for (const { store: name, key } of changes.slice(0, 3_000))
            expect(store.get(name, key)?.toString()).toBe(committed.get(name, key)?.toString());
          expect(store.get('counts', bytes('never'))).toBeUndefined();
          expect(await store.verify()).toBe(true);
        };
        await alike();
        const more = batch(manyChanges(2).slice(0, 5_000), { 'log-0': 9 });
        await store.commit(more);
        await committed.commit(more);
        await alike();
        await reopen('closeDirty');
        await alike();
        await reopen('close');
        expect(store.uncleanOpen).toBe(false);
        await alike();
      } finally {
        await committed.closeDirty();
        await other.destroy();
      }
    });

    test.each([300, 700, 5_000])(
      'each row of a load is found, where a key of %d bytes ends a block',
      async (keyBytes) => {
        // The long keys begin as the ones before them do, and each is longer than all before it.
        const changes = Array.from({ length: 6_000 }, (_, nth) => {
          const name = String(nth).padStart(5, '0');
          const isLong = nth % 1_000 === 500;
          return put('s', isLong ? name.padEnd(keyBytes + nth, 'x') : name, isLong ? 'v'.repeat(4_200) : 'x');
        });
        await load(store, changes, { 'log-0': 1 });
        const lost = changes.filter(({ store: name, key, value }) => !store.get(name, key)?.equals(value ?? NO_BYTES));
        expect(lost.map(({ key }) => key.toString())).toEqual([]);
        expect(await store.verify()).toBe(true);
      },
    );

    test('a load of several tables has each row once, and only where it is', async () => {
      const changes = ['first', 'second'].flatMap((name) =>
        Array.from({ length: 3_000 }, (_, nth) => put(name, `k${String(nth)}`, `${String(nth)} `.padEnd(1_500, '.'))),
      );
      await load(store, changes, { 'log-0': 1 });
      expect(store.digest().entries).toBe(changes.length);
      for (const name of ['first', 'second']) expect(await contents(store, name)).toHaveLength(3_000);
      const lost = changes.filter(({ store: name, key, value }) => !store.get(name, key)?.equals(value ?? NO_BYTES));
      expect(lost).toEqual([]);
      expect(await store.verify()).toBe(true);
    });

    test.each([3, 20_000])('until a load of %d rows ends the store is empty, and takes no commit', async (rows) => {
      const before = store.snapshot();
      const loading = await store.beginLoad?.();
      if (loading === undefined) return before.close();
      const told: string[] = [];
      const change = (nth: number): StoreChange => put('counts', `key ${String(nth)}`, String(nth));
      for (let nth = 0; nth < rows; nth += 1) {
        const { key, value } = change(nth);
        loading
          .rowsOf('counts')
          .put(Buffer.concat([key, value ?? NO_BYTES]), 0, key.length, 0, 0, key.length, value?.length ?? -1);
      }
      await expect(store.commit(batch([put('counts', 'x', '1')]))).rejects.toThrow('being loaded');
      store.observe({
        before: (changes) => told.push(`${String(changes.length)} changes`),
        after: () => told.push('after'),
        failed: () => told.push('failed'),
      });
      let isOver = false;
      const finishing = loading.finish(new Map([['log-0', rows]])).finally(() => {
        isOver = true;
      });
      const seen = new Set<string>();
      while (!isOver) {
        const snapshot = store.snapshot();
        const [row] = await snapshot.getMany('counts', [change(1).key]);
        seen.add(`${String(row)} ${String(snapshot.offsets.changelog.get('log-0'))}`);
        await snapshot.close();
        await new Promise(setImmediate);
      }
      await finishing;
      expect([...seen].filter((one) => one !== `1 ${String(rows)}`)).toEqual(['undefined undefined']);
      expect(store.get('counts', change(1).key)?.toString()).toBe('1');
      expect(await contents(store, 'counts')).toHaveLength(rows);
      // Of many rows nobody is told one by one.
      expect(told).toEqual(rows === 3 ? ['3 changes', 'after'] : ['failed']);
      expect(await before.getMany('counts', [change(1).key])).toEqual([undefined]);
      await before.close();
      expect(await store.beginLoad?.()).toBeUndefined();
    });

    test.each(['close', 'closeDirty'] as const)(
      'a store that was opened before, and is empty, is loaded: %s',
      async (how) => {
        const takesLoads = (await store.beginLoad?.()) !== undefined;
        for (let opening = 0; opening < 3; opening += 1) {
          await reopen(how);
          expect(await store.verify()).toBe(true);
        }
        const changes = Array.from({ length: 3_000 }, (_, nth) => put('s', `k${String(nth)}`, String(nth)));
        expect(await load(store, changes, { 'log-0': 3 })).toBe(takesLoads);
        await reopen('close');
        expect(await contents(store, 's')).toHaveLength(3_000);
        expect(await store.verify()).toBe(true);
      },
    );

    test('a load that is shrunk takes no more than its last rows, and has them', async () => {
      const loading = await store.beginLoad?.();
      if (loading === undefined) return;
      const sizeBytes = loading.sizeBytes;
      const rows = loading.rowsOf('counts');
      for (let nth = 0; nth < 50_000; nth += 1)
        rows.put(bytes(`CA${String(nth).padStart(100)}`), 0, 2, 0, 0, 2, nth % 2 === 0 ? -1 : 100);
      const before = loading.sizeBytes - sizeBytes;
      loading.shrink();
      expect((loading.sizeBytes - sizeBytes) * 10).toBeLessThan(before);
      await loading.finish(new Map([['log-0', 50_000]]));
      expect(await contents(store, 'counts')).toEqual([['CA', '49999'.padStart(100)]]);
    });

    test('a load that is dropped leaves nothing, and the store goes on', async () => {
      const loading = await store.beginLoad?.();
      loading?.rowsOf('counts').put(bytes('ab'), 0, 1, 0, 0, 1, 1);
      loading?.drop();
      await store.commit(batch([put('counts', 'CA', '1')], { 'log-0': 1 }));
      expect(await contents(store, 'counts')).toEqual([['CA', '1']]);
      await expect(loading?.finish(new Map([['log-0', 9]])) ?? Promise.reject(new Error('is over'))).rejects.toThrow(
        'is over',
      );
      expect(await store.verify()).toBe(true);
    });

    test('a batch with an illegal store name applies nothing, and the store goes on', async () => {
      await expect(
        store.commit(batch([put('counts', 'CA', '1'), put('no\0name', 'x', 'y')], { 'log-0': 1 })),
      ).rejects.toThrow('is not a store name');
      expect(store.get('counts', bytes('CA'))).toBeUndefined();
      expect(store.offsets().changelog.size).toBe(0);
      await store.commit(batch([put('counts', 'CA', '2')]));
      expect(await store.verify()).toBe(true);
    });

    test('what a caller does to bytes it was given does not reach the store', async () => {
      await store.commit(batch([put('counts', 'CA', 'safe')]));
      store.get('counts', bytes('CA'))?.fill(0);
      expect(store.get('counts', bytes('CA'))?.toString()).toBe('safe');
    });

    test('it cannot be opened twice', async () => {
      await expect(async () => {
        await medium.open();
      }).rejects.toMatchObject({ code: 'STORE_LOCKED' });
      await store.commit(batch([put('counts', 'CA', '1')]));
      expect(store.get('counts', bytes('CA'))?.toString()).toBe('1');
    });

    test('a closed store refuses', async () => {
      await store.close();
      expect(() => store.get('counts', bytes('CA'))).toThrow('closed');
      await expect(store.commit(batch([put('counts', 'CA', '1')]))).rejects.toThrow('closed');
      await store.close();
    });
  });
}
