import { expect, test } from '@jest/globals';
import type { TaskOwners } from '../group/task-owners.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { STREAM_TIME_KEY } from '../store/runtime-rows.ts';
import { KeyIndex } from '../store/key-index.ts';
import type { StateStore, StoreChange } from '../store/state-store.ts';
import { timedBytes } from '../store/timed-row.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { encodeWindowKey } from '../store/window-key.ts';
import { createVersionedStore, VersionIndex } from '../store/versioned-store.ts';
import { createWindowStore } from '../store/window-store.ts';
import { GlobalTables } from '../task/global-tables.ts';
import type { TaskStateName, TaskStatus } from '../task/instance-status.ts';
import type { TaskId } from '../task/task-id.ts';
import { TaskLayout } from '../task/task-layout.ts';
import { partitionOf } from '../topology/partitioner.ts';
import { int32Serde } from '../topology/primitive-serdes.ts';
import { jsonSerde, stringSerde, type Serde } from '../topology/serdes.ts';
import type { SubTopology, Topology } from '../topology/topology.ts';
import { StoreQueries, type AskedThreads } from './store-queries.ts';
import { answerFrom, answerGlobal } from './store-question.ts';
import type { KeyValueStoreView, SessionStoreView, VersionedStoreView, WindowStoreView } from './store-view.ts';

const PARTITIONS = 2;
const STORES: StoreSpec<never, never>[] = [
  { name: 'words', kind: 'key-value', serde: jsonSerde<number>() },
  { name: 'numbers', kind: 'key-value', key: int32Serde, serde: stringSerde, timed: true },
  { name: 'windows', kind: 'window', serde: jsonSerde<number>(), windowSizeMs: 10, retentionMs: 100 },
  { name: 'sessions', kind: 'session', serde: jsonSerde<number>(), timed: true, retentionMs: 100 },
  { name: 'versions', kind: 'versioned', serde: jsonSerde<number>(), historyMs: 1_000 },
  {
    name: 'twice',
    kind: 'window',
    serde: jsonSerde<string>(),
    windowSizeMs: 10,
    retentionMs: 100,
    retainDuplicates: true,
    timed: true,
  },
] as unknown as StoreSpec<never, never>[];

const topology = {
  nodes: [],
  subTopologies: [
    { id: 0, nodes: [], sources: [{ topic: 'in' }], stores: STORES, writesGroupings: [] } as unknown as SubTopology,
  ],
  globalTables: [
    {
      kind: 'global-table',
      index: 0,
      name: 'GLOBAL',
      inputs: [],
      topic: 'codes',
      key: int32Serde as Serde<unknown>,
      decode: ({ value }) => String(value),
      table: 'codes',
    },
  ],
  describe: () => '',
} satisfies Topology;

interface Held {
  readonly store: StateStore;
  role: TaskStatus['role'];
  state: TaskStateName;
}

/** Threads that have these tasks, each in a store in memory. */
class Threads implements AskedThreads {
  readonly held = new Map<TaskId, Held>();

  add(id: TaskId, role: TaskStatus['role'] = 'ACTIVE', state: TaskStateName = 'RUNNING'): StateStore {
    const store = openMemoryStore();
    this.held.set(id, { store, role, state });
    return store;
  }

  askAll: AskedThreads['askAll'] = async () => [
    { kind: 'tasks', tasks: [...this.held].map(([id, { role, state }]) => ({ id, role, state })) },
    { kind: 'absent', state: undefined },
  ];

  global: GlobalTables | undefined;

  askAny: AskedThreads['askAny'] = async (question) =>
    this.global === undefined
      ? { kind: 'absent', state: undefined }
      : structuredClone(answerGlobal(this.global, question));

  askOwner: AskedThreads['askOwner'] = async (question) => {
    const held = this.held.get(question.taskId);
    const readable = held !== undefined && (question.stale || (held.role === 'ACTIVE' && held.state === 'RUNNING'));
    return readable && question.kind !== 'owned'
      ? answerFrom(held.store, structuredClone(question))
      : { kind: 'absent', state: held?.role === 'ACTIVE' ? held.state : undefined };
  };
}

const owners: TaskOwners = {
  instances: ['here', 'there'],
  active: { '0_0': 0, '0_1': 1 },
  standbys: { '0_0': [1] },
};
const queriesOf = (threads: AskedThreads, known: TaskOwners | null = owners): StoreQueries =>
  new StoreQueries(new TaskLayout(topology, 'app', () => PARTITIONS), threads, 'here', () => known ?? undefined);
const fill = (store: StateStore, name: string, rows: readonly [Buffer, Buffer][]): Promise<void> =>
  store.commit({
    changes: rows.map(([key, value]) => ({ store: name, key, value })),
    changelogOffsets: new Map(),
    inputOffsets: new Map(),
  });
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const partition = (key: string): number => partitionOf(Buffer.from(key), PARTITIONS);
const all = async <T>(rows: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
};

const WORDS = Array.from({ length: 3_000 }, (_, index) => `word-${String(index).padStart(4, '0')}`);

async function words(): Promise<{ threads: Threads; view: KeyValueStoreView<string, number> }> {
  const threads = new Threads();
  for (const p of [0, 1]) {
    const own = WORDS.filter((word) => partition(word) === p).map((word): [Buffer, Buffer] => [
      Buffer.from(word),
      json(WORDS.indexOf(word)),
    ]);
    await fill(threads.add(`0_${String(p)}`), 'words', [...own, [STREAM_TIME_KEY, Buffer.from('{}')]]);
  }
  return { threads, view: queriesOf(threads).view('words', {}) as unknown as KeyValueStoreView<string, number> };
}

test('a key-value store is read by key, range and prefix, over all partitions, page by page', async () => {
  const { view } = await words();
  expect([await view.get('word-0007'), await view.get('nothing'), view.name]).toEqual([7, undefined, 'words']);
  const sorted = (rows: [string, number][]): unknown[] =>
    rows.map(([word, index]) => `${word}:${String(index)}`).sort();
  const expected = WORDS.map((word, index) => `${word}:${String(index)}`);
  expect(sorted(await all(view.all()))).toEqual(expected);
  expect(sorted(await all(view.range('word-0010', 'word-0012')))).toEqual(expected.slice(10, 13));
  expect(sorted(await all(view.range(null, 'word-0002')))).toEqual(expected.slice(0, 3));
  expect(sorted(await all(view.range('word-2998')))).toEqual(expected.slice(2_998));
  expect(sorted(await all(view.prefix('word-001')))).toEqual(expected.slice(10, 20));
  expect(await all(view.prefix(Buffer.from([0xff, 0xff])))).toEqual([]);
  expect(await view.approximateSize()).toBe(3_000);
  // Within a partition by the bytes of the keys.
  const parts = (await all(view.all())).map(([word]) => word).filter((word) => partition(word) === 0);
  expect(parts).toEqual([...parts].sort());
});

test('keys of any serde, and rows with times, are read by the serdes of the store', async () => {
  const threads = new Threads();
  for (const p of [0, 1]) {
    const own = [-5, 1, 2, 300].filter((n) => partitionOf(int32Serde.serialize(n), PARTITIONS) === p);
    await fill(
      threads.add(`0_${String(p)}`),
      'numbers',
      own.map((n) => [int32Serde.serialize(n), timedBytes(9, Buffer.from(`n${String(n)}`))]),
    );
  }
  const view = queriesOf(threads).view('numbers', {}) as unknown as KeyValueStoreView<number, string>;
  expect([await view.get(300), await view.get(-5), await view.get(7)]).toEqual(['n300', 'n-5', undefined]);
  expect((await all(view.all())).sort(([a], [b]) => a - b)).toEqual([
    [-5, 'n-5'],
    [1, 'n1'],
    [2, 'n2'],
    [300, 'n300'],
  ]);
});

test('a window store is read by window, and by key and time', async () => {
  const threads = new Threads();
  for (const p of [0, 1]) {
    const rows = ['a', 'aa', 'b'].filter((key) => partition(key) === p);
    await fill(threads.add(`0_${String(p)}`), 'windows', [
      ...rows.flatMap((key) =>
        [0, 10, 20].map((start): [Buffer, Buffer] => [encodeWindowKey(start, key), json(`${key}${String(start)}`)]),
      ),
      [STREAM_TIME_KEY, Buffer.from('{}')],
      // Where former releases kept it.
      [Buffer.from('!stream-time'), Buffer.from('{}')],
    ]);
  }
  const view = queriesOf(threads).view('windows', { kind: 'window' }) as unknown as WindowStoreView<string, string>;
  expect([await view.get('a', 10), await view.get('a', 11)]).toEqual(['a10', undefined]);
  expect(await all(view.fetch('a', 5, 20))).toEqual([
    [{ key: 'a', startMs: 10, endMs: 20 }, 'a10'],
    [{ key: 'a', startMs: 20, endMs: 30 }, 'a20'],
  ]);
  expect((await all(view.fetchAll(-7, 9))).map(([, value]) => value).sort()).toEqual(['a0', 'aa0', 'b0']);
  expect(await all(view.fetch('a', 30, Infinity))).toEqual([]);
  expect(await all(view.all())).toHaveLength(9);
});

test('a session store is read by session, and by key and time', async () => {
  const threads = new Threads();
  const store = threads.add(`0_${String(partition('a'))}`);
  threads.add(`0_${String(1 - partition('a'))}`);
  const row = (startMs: number, endMs: number): [Buffer, Buffer] => [
    encodeWindowKey(endMs, encodeWindowKey(startMs, Buffer.from('a'))),
    timedBytes(endMs, json(startMs)),
  ];
  await fill(store, 'sessions', [row(0, 5), row(20, 40), row(60, 61)]);
  const view = queriesOf(threads).view('sessions', {}) as unknown as SessionStoreView<string, number>;
  expect([await view.get('a', 20, 40), await view.get('a', 20, 41)]).toEqual([20, undefined]);
  expect(await all(view.find('a', 5, 30))).toEqual([
    [{ key: 'a', startMs: 0, endMs: 5 }, 0],
    [{ key: 'a', startMs: 20, endMs: 40 }, 20],
  ]);
  expect(await all(view.all())).toHaveLength(3);
});

/** What a live store has put, committed. */
const commit = (store: StateStore, changes: readonly StoreChange[]): Promise<void> =>
  store.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
const specOf = (name: string): StoreSpec<never> => STORES.find((store) => store.name === name) as StoreSpec<never>;

test('a versioned store is read as of now and as of then', async () => {
  const threads = new Threads();
  const store = threads.add(`0_${String(partition('a'))}`);
  const live = createVersionedStore(specOf('versions') as StoreSpec<number>, store, new VersionIndex());
  live.put('a', 1, 10);
  live.put('a', 2, 20);
  live.put('a', null, 30);
  live.put('a', 3, 40);
  live.put('ab', 9, 35);
  await commit(store, live.flush());
  const view = queriesOf(threads).view('versions', { kind: 'versioned' }) as unknown as VersionedStoreView<
    string,
    number
  >;
  expect(await Promise.all([view.get('a'), ...[9, 10, 29, 30, 45].map((at) => view.get('a', at))])).toEqual([
    3,
    undefined,
    1,
    2,
    undefined,
    3,
  ]);
  expect([await view.version('a', 25), await view.version('a')]).toEqual([
    { value: 2, timestampMs: 20, validToMs: 30 },
    { value: 3, timestampMs: 40, validToMs: null },
  ]);
});

test('a window store that keeps duplicates has them in the order in which they were put', async () => {
  const threads = new Threads();
  const store = threads.add(`0_${String(partition('a'))}`);
  const live = createWindowStore(specOf('twice') as StoreSpec<string>, store, new KeyIndex());
  for (const [start, value] of [
    [10, 'x'],
    [10, 'y'],
    [20, 'z'],
  ] as const)
    live.put('a', start, value, start);
  await commit(store, live.flush());
  const view = queriesOf(threads).view('twice', { kind: 'window' }) as unknown as WindowStoreView<string, string>;
  expect((await all(view.fetch('a', 0, 20))).map(([{ key, startMs }, value]) => [key, startMs, value])).toEqual([
    ['a', 10, 'x'],
    ['a', 10, 'y'],
    ['a', 20, 'z'],
  ]);
  expect([await view.get('a', 10), await view.get('a', 11)]).toEqual(['x', undefined]);
});

test('a global table is read in every instance, as soon as it is read itself', async () => {
  const threads = new Threads();
  const view = queriesOf(threads).view('codes', {}) as unknown as KeyValueStoreView<number, string>;
  await expect(view.get(1)).rejects.toMatchObject({ code: 'STORE_NOT_HERE' });
  threads.global = new GlobalTables(topology.globalTables);
  for (const [offset, key] of [3, 1, 2].entries())
    threads.global.apply(
      {
        topic: 'codes',
        partition: 0,
        offset,
        timestampMs: 0,
        key: int32Serde.serialize(key),
        value: Buffer.from(`code ${String(key)}`),
        headers: {},
      },
      0,
    );
  expect([await view.get(2), await view.get(7), await view.approximateSize()]).toEqual(['code 2', undefined, 3]);
  expect((await all(view.all())).map(([key]) => key)).toEqual([1, 2, 3]);
  expect((await all(view.range(2, null))).map(([, value]) => value)).toEqual(['code 2', 'code 3']);
  expect(await all(view.prefix(Buffer.from([0, 0, 0, 1])))).toEqual([[1, 'code 1']]);
  expect(queriesOf(threads).metadata('codes', 1)).toEqual({ partition: -1, active: 'here', standbys: [] });
});

const here = WORDS.find((word) => partition(word) === 0) as string;
const elsewhere = WORDS.find((word) => partition(word) === 1) as string;

test('a key of another instance, and a task that is restored, are refused, and the owner is named', async () => {
  const { threads, view } = await words();
  threads.held.delete('0_1');
  expect(await view.get(here)).toBe(WORDS.indexOf(here));
  await expect(view.get(elsewhere)).rejects.toMatchObject({
    code: 'STORE_NOT_HERE',
    taskId: '0_1',
    partition: 1,
    message: expect.stringContaining('the instance there has it'),
  });
  (threads.held.get('0_0') as Held).state = 'RESTORING';
  const away = { code: 'STORE_NOT_HERE', message: expect.stringContaining('0_0 is RESTORING here: ask again') };
  await expect(view.get(here)).rejects.toMatchObject(away);
  // Not in silence: rows would be missing.
  await expect(all(view.all())).rejects.toMatchObject(away);
  threads.held.clear();
  await expect(all(view.all())).rejects.toMatchObject({ code: 'STORE_NOT_HERE' });
  await expect(view.get(here)).rejects.toMatchObject({ message: expect.stringContaining('on its way to it') });
  const unknown = queriesOf(threads, null).view('words', {}) as unknown as KeyValueStoreView<string, number>;
  await expect(unknown.get(here)).rejects.toMatchObject({ message: expect.stringContaining('no instance is known') });
});

test('stale stores: standbys, and tasks that are being restored, on request', async () => {
  const { threads } = await words();
  Object.assign(threads.held.get('0_0') as Held, { role: 'STANDBY' });
  Object.assign(threads.held.get('0_1') as Held, { state: 'RESTORING' });
  const view = queriesOf(threads).view('words', { staleStores: true }) as unknown as KeyValueStoreView<string, number>;
  expect([await view.get(here), await view.get(elsewhere)]).toEqual([here, elsewhere].map((w) => WORDS.indexOf(w)));
  expect(await all(view.all())).toHaveLength(3_000);
});

test('without being asked for, rows of a standby are not among those of a store', async () => {
  const { threads, view } = await words();
  Object.assign(threads.held.get('0_0') as Held, { role: 'STANDBY' });
  const rows = await all(view.all());
  expect(rows.map(([word]) => word)).toEqual(WORDS.filter((word) => partition(word) === 1));
  expect(await view.approximateSize()).toBe(rows.length);
  await expect(view.get(here)).rejects.toMatchObject({ code: 'STORE_NOT_HERE', taskId: '0_0' });
  expect(await view.get(elsewhere)).toBe(WORDS.indexOf(elsewhere));
});

test('a store that is closed under a read is not here, one that is damaged says so', async () => {
  const { threads, view } = await words();
  await (threads.held.get('0_0') as Held).store.close();
  await expect(view.get(here)).rejects.toMatchObject({ code: 'STORE_NOT_HERE' });
});

test('stores and options that there are not are refused', () => {
  const queries = queriesOf(new Threads());
  for (const [ask, message] of [
    [() => queries.view('wrods', {}), /no store "wrods": did you mean "words"/],
    [() => queries.metadata('nothing', 'a'), /no store "nothing"/],
    [() => queries.view('words', { kind: 'window' }), /key-value store, not one of the kind "window"/],
    [() => queries.view('words', { stale: true } as never), /no option "stale"/],
    [() => queries.view('codes', { kind: 'window' }), /key-value store, not one of the kind "window"/],
    [() => queries.view('codess', {}), /did you mean "codes"/],
  ] as [() => unknown, RegExp][])
    expect(ask).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }));
});

test('what is no key of the store is refused, and named', () => {
  const queries = queriesOf(new Threads());
  const numbers = queries.view('numbers', {}) as unknown as KeyValueStoreView<unknown, string>;
  const refusal = (message: RegExp): unknown =>
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });
  expect(() => queries.metadata('words', 5)).toThrow(refusal(/^5 is no key of the store "words": its keys are text/));
  expect(() => queries.metadata('numbers', 'x')).toThrow(refusal(/^"x" is no key of the store "numbers"/));
  expect(() => numbers.range('x')).toThrow(refusal(/^"x" is no key/));
});

test('what is no time is refused: of NaN a session would be found, and a version', async () => {
  const threads = new Threads();
  for (const p of [0, 1]) threads.add(`0_${String(p)}`);
  const queries = queriesOf(threads);
  const windows = queries.view('windows', {}) as unknown as WindowStoreView<string, string>;
  const sessions = queries.view('sessions', {}) as unknown as SessionStoreView<string, number>;
  const versions = queries.view('versions', {}) as unknown as VersionedStoreView<string, number>;
  const none = undefined as unknown as number;
  for (const ask of [
    () => windows.fetch('a', Number.NaN, 5),
    () => windows.fetch('a', 0, none),
    () => windows.fetchAll('0' as never, 5),
    () => sessions.find('a', 0, Number.NaN),
    () => sessions.find('a', none, 5),
    () => versions.get('a', Number.NaN),
    () => versions.version('a', null as never),
  ] as (() => Promise<unknown> | AsyncIterable<unknown>)[])
    await expect((async () => ask())()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^the store "\w+" is asked for times in epoch milliseconds, not /),
    });
});

test('metadata of a key: its partition, and who has it', () => {
  const queries = queriesOf(new Threads());
  expect([queries.metadata('words', here), queries.metadata('words', elsewhere)]).toEqual([
    { partition: 0, active: 'here', standbys: ['there'] },
    { partition: 1, active: 'there', standbys: [] },
  ]);
  expect(queries.metadata('numbers', 5).partition).toBe(partitionOf(int32Serde.serialize(5), PARTITIONS));
});
