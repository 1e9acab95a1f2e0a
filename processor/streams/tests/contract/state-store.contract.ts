import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { STREAM_TIME_KEY } from '../../store/runtime-rows.ts';
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
