import { expect, test } from '@jest/globals';
import type { TaskOwners } from '../group/task-owners.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { STREAM_TIME_KEY } from '../store/runtime-rows.ts';
import type { StateStore } from '../store/state-store.ts';
import { timedBytes } from '../store/timed-row.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { encodeWindowKey } from '../store/window-key.ts';
import type { TaskStateName, TaskStatus } from '../task/instance-status.ts';
import type { TaskId } from '../task/task-id.ts';
import { TaskLayout } from '../task/task-layout.ts';
import { partitionOf } from '../topology/partitioner.ts';
import { int32Serde } from '../topology/primitive-serdes.ts';
import { jsonSerde, stringSerde } from '../topology/serdes.ts';
import type { SubTopology, Topology } from '../topology/topology.ts';
import { StoreQueries, type AskedThreads } from './store-queries.ts';
import { answerFrom } from './store-question.ts';
import type { KeyValueStoreView, SessionStoreView, WindowStoreView } from './store-view.ts';

const PARTITIONS = 2;
const STORES: StoreSpec<never, never>[] = [
  { name: 'words', kind: 'key-value', serde: jsonSerde<number>() },
  { name: 'numbers', kind: 'key-value', key: int32Serde, serde: stringSerde, timed: true },
  { name: 'windows', kind: 'window', serde: jsonSerde<number>(), windowSizeMs: 10, retentionMs: 100 },
  { name: 'sessions', kind: 'session', serde: jsonSerde<number>(), timed: true, retentionMs: 100 },
  { name: 'versions', kind: 'versioned', serde: jsonSerde<number>() },
] as unknown as StoreSpec<never, never>[];

const topology = {
  nodes: [],
  subTopologies: [
    { id: 0, nodes: [], sources: [{ topic: 'in' }], stores: STORES, writesGroupings: [] } as unknown as SubTopology,
  ],
  globalTables: [],
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

  askOwner: AskedThreads['askOwner'] = async (question) => {
    const held = this.held.get(question.taskId);
    const readable = held !== undefined && (question.stale || (held.role === 'ACTIVE' && held.state === 'RUNNING'));
    return readable
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
    [() => queries.view('versions', {}), /versioned store has no view/],
  ] as [() => unknown, RegExp][])
    expect(ask).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }));
});

test('metadata of a key: its partition, and who has it', () => {
  const queries = queriesOf(new Threads());
  expect([queries.metadata('words', here), queries.metadata('words', elsewhere)]).toEqual([
    { partition: 0, active: 'here', standbys: ['there'] },
    { partition: 1, active: 'there', standbys: [] },
  ]);
  expect(queries.metadata('numbers', 5).partition).toBe(partitionOf(int32Serde.serialize(5), PARTITIONS));
});
