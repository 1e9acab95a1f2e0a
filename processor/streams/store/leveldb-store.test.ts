import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Level } from 'level';
import { writeCleanMark } from './clean-mark.ts';
import { openLevelDbStore } from './leveldb-store.ts';
import type { LevelDbStore } from './leveldb-store.ts';
import type { StoreBatch, StoreChange } from './state-store.ts';
import type { StoreBuffers } from './store-buffers.ts';

// Threads and processes of their own start slowly on a busy machine.
const identity = { applicationId: 'logins', taskId: '1_0' };

let directory: string;
let workers: Worker[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-store-'));
  workers = [];
});

afterEach(async () => {
  for (const worker of workers) await worker.terminate();
  await rm(directory, { recursive: true, force: true });
});

const open = (overrides: object = {}, options: Partial<StoreBuffers> = {}): Promise<LevelDbStore> =>
  openLevelDbStore(directory, { identity: { ...identity, ...overrides }, ...options });

/** The same value, or none, in rows of one store. */
const rows = (texts: readonly string[], value: string | null): StoreBatch => ({
  changes: texts.map((text) => ({
    store: 'counts',
    key: Buffer.from(text),
    value: value === null ? null : Buffer.from(value),
  })),
  changelogOffsets: new Map(),
  inputOffsets: new Map(),
});

const oneChange = (value: string, offset: number): StoreBatch => ({
  changes: [{ store: 'counts', key: Buffer.from('CA'), value: Buffer.from(value) }],
  changelogOffsets: new Map([['log-0', offset]]),
  inputOffsets: new Map(),
});

/** A stream thread that opens the store, says how that went, and with `busy` commits for ever. */
async function openInWorker(busy = false): Promise<string> {
  const program = `
    import { parentPort } from 'node:worker_threads';
    const { openLevelDbStore } = await import(${JSON.stringify(new URL('./leveldb-store.ts', import.meta.url).href)});
    try {
      const store = await openLevelDbStore(${JSON.stringify(directory)}, { identity: ${JSON.stringify(identity)} });
      const value = Buffer.alloc(2000);
      const batch = (n) => ({
        changes: Array.from({ length: 100 }, (_, i) => (
          { store: 'counts', key: Buffer.from('k' + (n * 100 + i) % 5000), value })),
        changelogOffsets: new Map([['log-0', n]]), inputOffsets: new Map(),
      });
      if (${busy}) for (let n = 1; ; n++) {
        await store.commit(batch(n));
        if (n === 50) parentPort.postMessage('open');
      }
      parentPort.postMessage('open');
      setInterval(() => {}, 1e9);
    } catch (error) { parentPort.postMessage(error.code); }
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
  workers.push(worker);
  const [message] = (await once(worker, 'message')) as [string];
  return message;
}

test.each([
  ['idle', false],
  ['in the middle of commits', true],
])('a thread terminated %s leaves a store that the next thread opens, unclean and sound', async (_, busy) => {
  expect(await openInWorker(busy)).toBe('open');
  expect(await openInWorker()).toBe('STORE_LOCKED');
  await expect(open()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  await workers[0]?.terminate();
  const store = await open();
  expect(store.uncleanOpen).toBe(true);
  expect(store.doubt).toBeNull();
  expect(await store.verify()).toBe(true);
  if (busy) expect(store.offsets().changelog.get('log-0')).toBeGreaterThanOrEqual(50);
  await store.close();
});

test('the store of another task or application is found out', async () => {
  await (await open()).close();
  for (const [overrides, message] of [
    [{ taskId: '1_1' }, 'it belongs to task 1_0 of logins, not to task 1_1 of logins'],
    [{ applicationId: 'orders' }, 'it belongs to task 1_0 of logins, not to task 1_0 of orders'],
  ] as const) {
    await expect(open(overrides)).rejects.toMatchObject({
      code: 'STORE_DAMAGED',
      message: expect.stringContaining(message),
    });
  }
  await (await open()).close();
});

test('a sound store of another topology, or of topics made anew, is refused and left as it is', async () => {
  const topology = { 'store counts': 'key-value, in sub-topology 1' };
  const topicIds = { 'logins-by-state-repartition': 'r1', 'logins-counts-changelog': 'c1' };
  // Of a release, or a cluster, that knew neither.
  await (await open()).close();
  await (await open({ topology, topicIds })).close();
  for (const [overrides, code, words] of [
    [
      { topology: { 'store counts': 'windows of 60000 ms every 60000 ms, in sub-topology 1' }, topicIds },
      'TOPOLOGY_CHANGED',
      'store counts: key-value, in sub-topology 1 before, windows of 60000 ms',
    ],
    [
      { topology, topicIds: { ...topicIds, 'logins-counts-changelog': 'c2' } },
      'INTERNAL_TOPIC_INVALID',
      'logins-counts-changelog was deleted and made anew (its id was c1 and is c2)',
    ],
    [
      { topology, topicIds: { ...topicIds, 'logins-by-state-repartition': 'r2' } },
      'INTERNAL_TOPIC_INVALID',
      'logins-by-state-repartition',
    ],
  ] as const) {
    await expect(open(overrides)).rejects.toMatchObject({
      code,
      reaction: 'exit',
      message: expect.stringContaining(words),
    });
  }
  // What is not told now is remembered all the same.
  await (await open({ topology })).close();
  await expect(open({ topology, topicIds: { 'logins-counts-changelog': 'c2' } })).rejects.toMatchObject({
    code: 'INTERNAL_TOPIC_INVALID',
  });
  const store = await open({ topology, topicIds });
  expect(await store.verify()).toBe(true);
  await store.close();
});

test('the input of a store that was made anew has a code of its own', async () => {
  await (await open({ topicIds: { words: 'w1' } })).close();
  await expect(open({ topicIds: { words: 'w2' } })).rejects.toMatchObject({
    code: 'SOURCE_TOPIC_RECREATED',
    message: expect.stringContaining('delete'),
  });
});

test('two commits at a time are refused, and the first is kept', async () => {
  const store = await open();
  const first = store.commit(oneChange('1', 1));
  await expect(store.commit(oneChange('2', 2))).rejects.toThrow('a commit under way');
  await first;
  expect(store.offsets().changelog.get('log-0')).toBe(1);
  await store.close();
});

test('after a failed commit the store refuses further ones, and closes without the clean mark', async () => {
  const store = await open();
  await store.commit(oneChange('1', 1));
  store.get('counts', Buffer.from('CA'));
  // The next log that LevelDB wants to begin cannot be: its name is taken by a directory.
  await blockNextFiles();
  const big = (n: number): StoreBatch => ({
    ...oneChange('', n),
    changes: [
      { store: 'counts', key: Buffer.from(String(n)), value: Buffer.alloc(3 << 20, n) },
      { store: 'counts', key: Buffer.from('CA'), value: Buffer.from(String(n)) },
    ],
  });
  let failure: unknown;
  let acknowledged = 1;
  for (let n = 2; failure === undefined && n < 20; n++) {
    await store.commit(big(n)).then(
      () => {
        acknowledged = n;
      },
      (error: unknown) => {
        failure = error;
      },
    );
  }
  expect(failure).toMatchObject({ code: 'STORE_IO_FAILED', reaction: 'wait' });
  // Nobody knows what is in it but LevelDB.
  const reads = jest.spyOn(Level.prototype, 'getSync');
  expect(store.get('counts', Buffer.from('CA'))).toBeDefined();
  expect(reads).toHaveBeenCalledTimes(1);
  reads.mockRestore();
  await expect(store.commit(oneChange('2', 99))).rejects.toMatchObject({
    code: 'STORE_IO_FAILED',
    message: expect.stringContaining('close and open it again'),
  });
  await store.close();
  await unblock();
  const again = await open();
  expect(again.uncleanOpen).toBe(true);
  expect(await again.verify()).toBe(true);
  expect(again.offsets().changelog.get('log-0')).toBeGreaterThanOrEqual(acknowledged);
  await again.close();
});

const blocked = (): string[] =>
  Array.from({ length: 60 }, (_, number) => [
    `${String(number).padStart(6, '0')}.log`,
    `${String(number).padStart(6, '0')}.ldb`,
  ]).flat();

async function blockNextFiles(): Promise<void> {
  const taken = new Set(await readdir(directory));
  for (const name of blocked()) if (!taken.has(name)) await mkdir(join(directory, name));
}

async function unblock(): Promise<void> {
  for (const name of blocked()) await rmdir(join(directory, name)).catch(() => undefined);
}

test('a clean mark of another opening vouches for nothing, though every file is as it says', async () => {
  const store = await open();
  await store.commit(oneChange('1', 1));
  await store.closeDirty();
  await writeCleanMark(directory, 'another opening');
  const next = await open();
  expect(next.uncleanOpen).toBe(true);
  await next.close();
});

test('an unverified unclean store is not marked clean by closing it', async () => {
  await (await open()).closeDirty();
  await (await open()).close();
  const store = await open();
  expect(store.uncleanOpen).toBe(true);
  await store.close();
});

test('a store says as of when it is', async () => {
  const store = await open();
  expect(store.openedAsOfMs).toBeNull();
  const before = Date.now();
  await store.commit(oneChange('1', 1));
  const after = Date.now();
  await store.close();
  const again = await open();
  expect(again.openedAsOfMs).toBeGreaterThanOrEqual(before);
  expect(again.openedAsOfMs).toBeLessThanOrEqual(after);
  await again.close();
});

test('a scan lets other work run', async () => {
  const store = await open();
  const changes = Array.from({ length: 30_000 }, (_, n) => ({
    store: 'counts',
    key: Buffer.from(`key-${n}`),
    value: Buffer.from(`value-${n}`),
  }));
  await store.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
  let turns = 0;
  const ticker = setInterval(() => {
    turns += 1;
  }, 1);
  expect(await store.verify()).toBe(true);
  clearInterval(ticker);
  expect(turns).toBeGreaterThan(3);
  await store.close();
});

test('what it lacks is known without a read, from its first row on and behind a check of all its rows', async () => {
  const reads = jest.spyOn(Level.prototype, 'getSync');
  /** Of each text whether it was found without a read. */
  const found = (store: LevelDbStore, texts: readonly string[]) =>
    texts.map((text) => {
      reads.mockClear();
      const value = store.get('counts', Buffer.from(text))?.toString();
      expect(store.getText?.('counts', text)?.toString()).toBe(value);
      return [reads.mock.calls.length === 0, value];
    });
  const store = await open({}, { rowCacheBytes: 0 });
  await store.commit(rows(['CA', 'NY'], '1'));
  await store.commit(rows(['CA', 'TX'], '2'));
  await store.commit(rows(['NY', 'ME'], null));
  const now = [
    [false, '2'],
    [true, undefined],
    [false, '2'],
    [true, undefined],
  ];
  expect(found(store, ['CA', 'NY', 'TX', 'ME'])).toEqual(now);
  await store.commit(rows(['NY'], '3'));
  expect(found(store, ['NY'])).toEqual([[false, '3']]);
  await store.commit(rows(['NY'], null));
  await store.closeDirty();

  const unclean = await open({}, { rowCacheBytes: 0 });
  expect(found(unclean, ['CA', 'NY']).map(([lacks]) => lacks)).toEqual([false, false]);
  expect(await unclean.verify()).toBe(true);
  expect(found(unclean, ['CA', 'NY', 'TX', 'ME'])).toEqual(now);
  await unclean.commit(rows(['NY'], '4'));
  expect(found(unclean, ['NY'])).toEqual([[false, '4']]);
  await unclean.close();

  // What a store has that was closed cleanly is not looked at when it is opened.
  const clean = await open({}, { rowCacheBytes: 0 });
  await clean.commit(rows(['CA'], null));
  await clean.commit(rows(['CA'], '5'));
  expect(found(clean, ['CA', 'NY', 'ME'])).toEqual([
    [false, '5'],
    [false, '4'],
    [false, undefined],
  ]);
  await clean.close();
  reads.mockRestore();
});

test('a row that was read is not read again, and is what the last commit made of it', async () => {
  const store = await open();
  const reads = jest.spyOn(Level.prototype, 'getSync');
  /** The value, and how many reads of LevelDB it took. */
  const found = (text: string) => {
    reads.mockClear();
    return [store.get('counts', Buffer.from(text))?.toString(), reads.mock.calls.length];
  };
  await store.commit(rows(['CA', 'NY', 'TX'], '1'));
  expect(['CA', 'CA', 'NY', 'NY'].map(found)).toEqual([
    ['1', 1],
    ['1', 0],
    ['1', 1],
    ['1', 0],
  ]);
  // While rows are read, those that are written are kept.
  await store.commit(rows(['CA', 'TX'], 'a value that is longer'));
  expect(['CA', 'NY', 'TX'].map(found)).toEqual([
    ['a value that is longer', 0],
    ['1', 0],
    ['a value that is longer', 0],
  ]);
  await store.commit(rows(['NY'], null));
  expect(found('NY')).toEqual([undefined, 0]);
  // While there is room, others are kept too.
  await store.commit(rows(['NY', 'AZ'], '2'));
  expect(['NY', 'AZ'].map(found)).toEqual([
    ['2', 0],
    ['2', 0],
  ]);
  reads.mockRestore();
  expect(await store.verify()).toBe(true);
  await store.close();
});

test('rows of a store that others know are neither known nor kept, and those of other stores are', async () => {
  const store = await open();
  const reads = jest.spyOn(Level.prototype, 'getSync');
  const found = (name: string, text: string) => {
    reads.mockClear();
    return [store.get(name, Buffer.from(text))?.toString(), reads.mock.calls.length];
  };
  const both = (texts: readonly string[], value: string | null): StoreBatch => {
    const { changes, ...rest } = rows(texts, value);
    return { ...rest, changes: changes.flatMap((change) => [change, { ...change, store: 'joined' }]) };
  };
  await store.commit(both(['before'], '1'));
  expect([store.leaveRows?.('joined'), store.leaveRows?.('joined')]).toEqual([1 << 22, 1 << 22]);
  await store.commit(both(['CA', 'NY'], '1'));
  await store.commit(both(['NY'], null));
  for (const time of [1, 2]) {
    expect(['before', 'CA', 'NY'].map((text) => found('joined', text))).toEqual([
      ['1', 1],
      ['1', 1],
      [undefined, 1],
    ]);
    expect(['before', 'CA', 'NY'].map((text) => found('counts', text))).toEqual([
      ['1', time === 1 ? 1 : 0],
      ['1', time === 1 ? 1 : 0],
      [undefined, 0],
    ]);
  }
  const commit = store.commit(both(['ME'], '1'));
  expect(['before', 'CA'].map((text) => found('joined', text)[0])).toEqual(['1', '1']);
  await commit;
  await store.commit(both(['CA', 'ME', 'before'], null));
  reads.mockRestore();
  expect(store.digest().entries).toBe(0);
  expect(await store.verify()).toBe(true);
  await store.close();
});

test('of a store whose rows others know values are kept, and which there are is not known', async () => {
  const store = await open();
  store.leaveKeys?.('counts');
  const reads = jest.spyOn(Level.prototype, 'getSync');
  const found = (text: string) => {
    reads.mockClear();
    return [store.get('counts', Buffer.from(text))?.toString(), reads.mock.calls.length];
  };
  await store.commit(rows(['CA', 'NY'], '1'));
  expect(['CA', 'CA', 'NY', 'ME', 'ME'].map(found)).toEqual([
    ['1', 1],
    ['1', 0],
    ['1', 1],
    [undefined, 1],
    [undefined, 1],
  ]);
  const commit = store.commit(rows(['ME'], '1'));
  expect(found('NY')[0]).toBe('1');
  await commit;
  await store.commit(rows(['CA', 'NY', 'ME'], null));
  expect(found('CA')).toEqual([undefined, 0]);
  reads.mockRestore();
  expect(store.digest().entries).toBe(0);
  expect(await store.verify()).toBe(true);
  await store.close();
});

test('while a commit is under way, rows are LevelDB’s', async () => {
  const store = await open();
  await store.commit(rows(['CA'], '1'));
  store.get('counts', Buffer.from('CA'));
  const reads = jest.spyOn(Level.prototype, 'getSync');
  const commit = store.commit(rows(['CA'], '2'));
  expect(['1', '2']).toContain(store.get('counts', Buffer.from('CA'))?.toString());
  expect(reads).toHaveBeenCalledTimes(1);
  await commit;
  expect(store.get('counts', Buffer.from('CA'))?.toString()).toBe('2');
  expect(reads).toHaveBeenCalledTimes(1);
  reads.mockRestore();
  await store.close();
});

/** A change of which the committed value need not be looked up. */
const known = (change: StoreChange): StoreChange => ({ ...change, previous: NO_HASH });
const NO_HASH = { low: 0, high: 0, isKnown: true };

test.each([0, 400, 3_000, 60_000])(
  'with %d bytes for rows in memory all are what was committed last',
  async (bytes) => {
    const expected = new Map([['k0', '0']]);
    const before = await open();
    await before.commit(rows(['k0'], '0'));
    await before.close();
    // What it has, and has not, is not known to it.
    const store = await open({}, { rowCacheBytes: bytes });
    let random = 7 + bytes;
    const next = (most: number): number => {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
      return (random >>> 8) % most;
    };
    const wrong: string[] = [];
    const look = (key: string): void => {
      const value = store.get('counts', Buffer.from(key))?.toString();
      if (value !== expected.get(key)) wrong.push(`${key}: ${String(value)} for ${String(expected.get(key))}`);
    };
    for (let step = 0; step < 400; step += 1) {
      for (let n = 0; n < 10; n += 1) look(`k${String(next(120))}`);
      const changes = Array.from({ length: next(8) }, (): StoreChange => {
        const key = `k${String(next(120))}`;
        const value = next(5) === 0 ? null : 'x'.repeat(next(40)) + String(step);
        return { store: 'counts', key: Buffer.from(key), value: value === null ? null : Buffer.from(value) };
      });
      const committing = store.commit({ ...rows([], null), changes });
      // The caller's own: nobody else sees what becomes of it.
      store.get('counts', Buffer.from(`k${String(next(120))}`))?.fill('!');
      await committing;
      for (const { key, value } of changes)
        if (value === null) expected.delete(key.toString());
        else expected.set(key.toString(), value.toString());
      store.get('counts', Buffer.from(`k${String(next(120))}`))?.fill('!');
    }
    for (let n = 0; n < 120; n += 1) look(`k${String(n)}`);
    expect(wrong).toEqual([]);
    expect(await store.verify()).toBe(true);
    await store.close();
  },
);

test('rows are let go when nobody has asked for any through a thousand commits of rows', async () => {
  const store = await open();
  const found = (): string | undefined => store.get('counts', Buffer.from('CA'))?.toString();
  await store.commit(rows(['CA'], '1'));
  const reads = jest.spyOn(Level.prototype, 'getSync');
  for (let n = 0; n < 1_100; n += 1) {
    expect(found()).toBe('1');
    await store.commit({ ...rows(['NY'], String(n)), changes: rows(['NY'], String(n)).changes.map(known) });
  }
  for (let n = 0; n < 1_100; n += 1) await store.commit(rows([], null));
  expect([found(), reads.mock.calls.length]).toEqual(['1', 1]);
  for (let n = 0; n < 1_001; n += 1)
    await store.commit({ ...rows(['NY'], String(n)), changes: rows(['NY'], String(n)).changes.map(known) });
  expect([found(), reads.mock.calls.length]).toEqual(['1', 2]);
  reads.mockRestore();
  await store.close();
});

test('a row is found by the text of its key where that is ASCII, and by its bytes alone otherwise', async () => {
  const store = await open();
  const keys = ['CA', 'Zürich', '\u{10ffff}', '', 'x'.repeat(1_020)];
  await store.commit({
    changes: keys.map((key) => ({ store: 'counts', key: Buffer.from(key), value: Buffer.from(`of ${key}`) })),
    changelogOffsets: new Map(),
    inputOffsets: new Map(),
  });
  const found = keys.map((key) => store.getText?.('counts', key)?.toString());
  expect(found).toEqual(['of CA', undefined, undefined, 'of ', undefined]);
  expect(store.getText?.('others', 'CA')).toBeNull();
  expect(store.getText?.('counts', undefined as unknown as string)).toBeUndefined();
  expect(keys.map((key) => store.get('counts', Buffer.from(key))?.toString())).toEqual(keys.map((key) => `of ${key}`));
  await store.close();
});
