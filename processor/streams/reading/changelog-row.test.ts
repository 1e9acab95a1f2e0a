import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { until } from '../../../tests/support/until.ts';
import { jsonSerde } from '../topology/serdes.ts';
import { createKeyValueStore } from '../store/key-value-store.ts';
import { LayeredStore } from '../store/layered-store.ts';
import type { StoreIdentity } from '../store/leveldb-store.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import type { StateStore } from '../store/state-store.ts';
import type { TableRow } from '../store/typed-store.ts';
import { DiskWait } from '../task/disk-wait.ts';
import { openCheckedStore, setAsideStore } from '../task/open-store.ts';
import { StandbyTasks } from '../task/standby-tasks.ts';
import { FakeBrokers, type FakeValue } from '../tests/support/fake-brokers.ts';
import { loggedRow } from './changelog-row.ts';
import { restoreStore } from './changelog-reader.ts';

const TASK = '0_0';
const NEVER = new AbortController().signal;
const CHANGELOG = { store: 'counts', topic: 'app-counts-changelog', partition: 0 };
const spec = { name: 'counts', kind: 'key-value', serde: jsonSerde<number>() } as const;
let slot: string;
let brokers: FakeBrokers;

beforeEach(async () => {
  slot = await mkdtemp(join(tmpdir(), 'tributary-times-'));
  brokers = new FakeBrokers();
});
afterEach(() => rm(slot, { recursive: true }));

const plain = (key: string, value: string): FakeValue => ({ key: Buffer.from(key), value: Buffer.from(value) });

/** As a timed store logs it. */
function timed(key: string, value: number, timestampMs: number): FakeValue {
  const rows = createKeyValueStore({ ...spec, timed: true }, openMemoryStore());
  rows.put(key, value, timestampMs);
  const [change] = rows.flush();
  return { key: Buffer.from(key), ...loggedRow(Buffer.from(key), change?.value ?? null) };
}

const open = (layouts: StoreIdentity['layouts'] = {}): Promise<StateStore> =>
  openCheckedStore({
    identity: { applicationId: 'app', taskId: TASK, layouts },
    slotDirectory: slot,
    signal: NEVER,
    logger: quietLogger,
  });

const restore = (store: StateStore): Promise<void> =>
  restoreStore({
    cluster: brokers,
    store,
    changelogs: [{ ...CHANGELOG, timed: true }],
    signal: NEVER,
    logger: quietLogger,
    onProgress: () => undefined,
  });

const rowOf = (store: StateStore, key: string): TableRow<number> | undefined =>
  createKeyValueStore({ ...spec, timed: true }, store).row(key);

test('a store whose rows come to have times is set aside, and restored: what was logged before has none', async () => {
  brokers.add(CHANGELOG.topic, 0, 1, [plain('a', '1'), plain('b', '2')]);
  const former = await open();
  await former.commit({
    changes: [{ store: 'counts', key: Buffer.from('a'), value: Buffer.from('1') }],
    changelogOffsets: new Map([['app-counts-changelog-0', 2]]),
    inputOffsets: new Map(),
  });
  await former.close();

  brokers.partitions.get('app-counts-changelog-0')?.values.push(timed('b', 3, 50), timed('c', 4, 60));
  const store = await open({ counts: 'timed' });
  expect((await readdir(slot)).filter((name) => name.includes('set-aside'))).toHaveLength(1);
  await restore(store);
  expect(rowOf(store, 'a')).toEqual({ value: 1, timestampMs: -1 });
  expect(rowOf(store, 'b')).toEqual({ value: 3, timestampMs: 50 });
  expect(rowOf(store, 'c')).toEqual({ value: 4, timestampMs: 60 });
  await store.close();

  const again = await open({ counts: 'timed' });
  expect(rowOf(again, 'c')).toEqual({ value: 4, timestampMs: 60 });
  await again.close();
});

test('a standby has the times of its rows', async () => {
  brokers.add(CHANGELOG.topic, 0, 1, [timed('a', 1, 70)]);
  const layouts = { counts: 'timed' } as const;
  const standbys = new StandbyTasks({
    life: {
      disk: new DiskWait(slot, quietLogger),
      logger: quietLogger,
      openStore: () => open(layouts),
      setStoreAside: (id) => setAsideStore(join(slot, id)),
      onFatal: (error) => {
        throw error;
      },
    },
    cluster: Object.assign(brokers, { disconnect: async () => undefined }),
    changelogsOf: () => [{ ...CHANGELOG, timed: true }],
  });
  await standbys.assign([TASK]);
  await until(
    () => standbys.status()[0]?.state === 'RUNNING',
    () => `the standby is caught up: ${JSON.stringify(standbys.status())}`,
  );
  await standbys.close();
  const store = await open(layouts);
  expect(rowOf(store, 'a')).toEqual({ value: 1, timestampMs: 70 });
  await store.close();
});

test('a store in memory is restored from the beginning at each start', async () => {
  brokers.add(CHANGELOG.topic, 0, 1, [timed('a', 1, 70)]);
  for (let start = 0; start < 2; start += 1) {
    const disk = await open({ counts: 'in memory' });
    const store = new LayeredStore(disk, new Set(['counts']), new Set(['app-counts-changelog-0']));
    await restore(store);
    expect(rowOf(store, 'a')).toEqual({ value: 1, timestampMs: 70 });
    expect(disk.digest().entries).toBe(0);
    await store.close();
  }
});
