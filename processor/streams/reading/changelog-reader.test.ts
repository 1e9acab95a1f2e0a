import { expect, jest, test } from '@jest/globals';
import { batchBytes } from '../tests/support/record-batch-bytes.ts';
import { FakeBrokers } from '../tests/support/fake-brokers.ts';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import type { StateStore } from '../store/state-store.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { countAggregate } from '../topology/aggregate.ts';
import { restoreStore, type RestoreProgress, type StoreRestore } from './changelog-reader.ts';
import { rowCheckOf } from './row-check.ts';
import { stays } from '../../../tests/support/until.ts';

const CHANGELOGS = [{ store: 'counts', topic: 'app-counts-changelog', partition: 0 }];
const [CHANGELOG] = CHANGELOGS as [(typeof CHANGELOGS)[number]];
const NAME = 'app-counts-changelog-0';

function restore(
  brokers: FakeBrokers,
  store: StateStore,
  stuckAfterMs?: number,
  onProgress: (progress: RestoreProgress) => void = () => undefined,
): Promise<void> {
  return restoreStore({
    cluster: brokers,
    store,
    changelogs: CHANGELOGS,
    signal: new AbortController().signal,
    logger: quietLogger,
    onProgress,
    ...(stuckAfterMs === undefined ? {} : { stuckAfterMs }),
  });
}

test('ends where the changelog ends, and goes on from there the next time', async () => {
  const brokers = new FakeBrokers();
  const log = brokers.add(CHANGELOG.topic, 0, 1, ['a', 'b', 'c']);
  const store = openMemoryStore();
  await restore(brokers, store);
  expect(store.offsets().changelog.get(NAME)).toBe(3);
  log.values.push('d');
  const progress: RestoreProgress[] = [];
  await restore(brokers, store, undefined, (it) => progress.push(it));
  expect(store.offsets().changelog.get(NAME)).toBe(4);
  expect(progress.at(-1)).toMatchObject({ restored: 1, total: 1 });
});

test('tells of each store that it has started, how far it is, and that it has finished', async () => {
  const brokers = new FakeBrokers();
  brokers.add(CHANGELOG.topic, 0, 1, ['a', 'b', 'c']);
  brokers.add('app-other-changelog', 0, 1, []);
  const store = openMemoryStore();
  const told: StoreRestore[] = [];
  const run = (): Promise<void> =>
    restoreStore({
      cluster: brokers,
      store,
      changelogs: [...CHANGELOGS, { store: 'other', topic: 'app-other-changelog', partition: 0 }],
      signal: new AbortController().signal,
      logger: quietLogger,
      onProgress: () => undefined,
      onStore: (it) => told.push(it),
    });
  await run();
  const counts = { store: 'counts', partition: 0, startingOffset: 0, endingOffset: 3 };
  const other = { store: 'other', partition: 0, startingOffset: 0, endingOffset: 0, restored: 0 };
  expect(told.slice(0, 3)).toEqual([
    { kind: 'started', ...counts, restored: 0 },
    { kind: 'started', ...other },
    { kind: 'finished', ...other },
  ]);
  expect(told.slice(-2)).toEqual([
    { kind: 'progress', ...counts, restored: 3 },
    { kind: 'finished', ...counts, restored: 3 },
  ]);
  told.length = 0;
  await run();
  expect(told.filter(({ store: name }) => name === 'counts')).toEqual([
    { kind: 'started', ...counts, startingOffset: 3, restored: 0 },
    { kind: 'finished', ...counts, startingOffset: 3, restored: 0 },
  ]);
});

test('waits for a broker that is away, and for a partition without a leader, however long', async () => {
  for (const back of ['broker', 'leader']) {
    const brokers = new FakeBrokers();
    const log = brokers.add(CHANGELOG.topic, 0, back === 'leader' ? -1 : 1, ['a', 'b']);
    if (back === 'broker') brokers.dead.add(1);
    const store = openMemoryStore();
    const restoring = restore(brokers, store, 300);
    await stays(() => store.offsets().changelog.get(NAME) === undefined, 'it waits', 1_200);
    brokers.dead.clear();
    log.leader = 1;
    await restoring;
    expect(store.offsets().changelog.get(NAME)).toBe(2);
  }
});

test('gives up on a changelog that can be read and yet does not move', async () => {
  const brokers = new FakeBrokers();
  brokers.add(CHANGELOG.topic, 0, 1, ['a']);
  brokers.maxBytes = 0;
  await expect(restore(brokers, openMemoryStore(), 300)).rejects.toThrow(
    /app-counts-changelog-0 has not moved for 300 ms/,
  );
});

test('refuses a changelog that does not hold where the store ends', async () => {
  const brokers = new FakeBrokers();
  brokers.add(CHANGELOG.topic, 0, 1, ['a']);
  const store = openMemoryStore();
  await store.commit({ changes: [], changelogOffsets: new Map([[NAME, 7]]), inputOffsets: new Map() });
  await expect(restore(brokers, store)).rejects.toMatchObject({ code: 'INTERNAL_TOPIC_INVALID' });
});

test('an end that is older than the last commit says is asked for again: rows would be missing', async () => {
  const brokers = new FakeBrokers();
  const log = brokers.add(CHANGELOG.topic, 0, 1, ['a', 'b']);
  const store = openMemoryStore();
  const restoring = restoreStore({
    cluster: brokers,
    store,
    changelogs: CHANGELOGS,
    signal: new AbortController().signal,
    logger: quietLogger,
    onProgress: () => undefined,
    reach: new Map([[NAME, 3]]),
  });
  await stays(() => store.offsets().changelog.get(NAME) === undefined, 'it asks again', 500);
  log.values.push('c', 'd');
  await restoring;
  expect(store.offsets().changelog.get(NAME)).toBe(4);
});

test('a changelog that stays shorter than the last commit says is refused', async () => {
  const brokers = new FakeBrokers();
  brokers.add(CHANGELOG.topic, 0, 1, ['a', 'b']);
  const restoring = restoreStore({
    cluster: brokers,
    store: openMemoryStore(),
    changelogs: CHANGELOGS,
    signal: new AbortController().signal,
    logger: quietLogger,
    onProgress: () => undefined,
    reach: new Map([[NAME, 3]]),
  });
  await expect(restoring).rejects.toMatchObject({ code: 'INTERNAL_TOPIC_INVALID' });
});

test('ends when the task is lost', async () => {
  const brokers = new FakeBrokers();
  brokers.add(CHANGELOG.topic, 0, -1, ['a']);
  const life = new AbortController();
  const restoring = restoreStore({
    cluster: brokers,
    store: openMemoryStore(),
    changelogs: CHANGELOGS,
    signal: life.signal,
    logger: quietLogger,
    onProgress: () => undefined,
  });
  await stays(() => true, 'the restore waits for a leader', 50);
  life.abort();
  await expect(restoring).rejects.toThrow(/abort/i);
});

test('a row that the store did not write never gets into it, and is named by topic, partition and offset', async () => {
  const brokers = new FakeBrokers();
  const row = (value: string) => ({ key: Buffer.from('k'), value: Buffer.from(value) });
  brokers.add(CHANGELOG.topic, 0, 1, [row('1'), row('2'), row('null'), row('4')]);
  const store = openMemoryStore();
  const check = rowCheckOf([{ name: 'counts', kind: 'key-value', serde: countAggregate.serde } as StoreSpec<unknown>]);
  const restoring = restoreStore({
    cluster: brokers,
    store,
    changelogs: CHANGELOGS,
    signal: new AbortController().signal,
    logger: quietLogger,
    onProgress: () => undefined,
    check,
  });
  await expect(restoring).rejects.toMatchObject({
    code: 'INTERNAL_TOPIC_INVALID',
    message: expect.stringMatching(
      /^app-counts-changelog-0 offset 2 holds a row that cannot be read \(a count is null/,
    ),
  });
  expect(store.get('counts', Buffer.from('k'))).toBeUndefined();
});

test.each([
  ['the first and the last of those that come in one moment', 0],
  ['each of those that come one after the other', 100],
])('how far a restore is, is told of %s', async (_, stepMs) => {
  const brokers = new FakeBrokers();
  const log = brokers.add(CHANGELOG.topic, 0, 1, Array<string>(20).fill('value'));
  // One row an answer.
  log.recordSet = (offset) =>
    batchBytes({
      baseOffset: BigInt(offset),
      records: [{ offsetDelta: 0, timestampDelta: 0n, key: null, value: Buffer.from('value') }],
    });
  let nowMs = 1_000;
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
  const told: number[] = [];
  const taken = new Set<number>();
  try {
    await restoreStore({
      cluster: brokers,
      store: openMemoryStore(),
      changelogs: CHANGELOGS,
      signal: new AbortController().signal,
      logger: quietLogger,
      onProgress: ({ restored }) => {
        if (restored > 0) taken.add(restored);
        nowMs += stepMs;
      },
      onStore: ({ kind, restored }) => {
        if (kind === 'progress') told.push(restored);
      },
    });
  } finally {
    clock.mockRestore();
  }
  const all = [...taken];
  expect(all.length).toBeGreaterThan(2);
  expect(told).toEqual(stepMs > 0 ? all : [all[0], 20]);
});
