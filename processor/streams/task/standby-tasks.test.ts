import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { FakeBrokers } from '../tests/support/fake-brokers.ts';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { StreamsError } from '../errors.ts';
import { openLevelDbStore } from '../store/leveldb-store.ts';
import { DiskWait } from './disk-wait.ts';
import { openCheckedStore, setAsideStore } from './open-store.ts';
import { StandbyTasks } from './standby-tasks.ts';
import { until } from '../../../tests/support/until.ts';

const CHANGELOG = 'app-counts-changelog';
const TASK = '0_0';
let slot: string;
let brokers: FakeBrokers;
let disk: DiskWait;
let standbys: StandbyTasks;
let fatal: unknown[];

beforeEach(async () => {
  slot = await mkdtemp(join(tmpdir(), 'tributary-standby-'));
  fatal = [];
  brokers = new FakeBrokers();
  brokers.add(CHANGELOG, 0, 1);
  disk = new DiskWait(slot, quietLogger);
  standbys = new StandbyTasks({
    life: {
      disk,
      logger: quietLogger,
      openStore: (taskId, signal) =>
        openCheckedStore({
          identity: { applicationId: 'app', taskId },
          slotDirectory: slot,
          signal,
          logger: quietLogger,
        }),
      setStoreAside: (taskId) => setAsideStore(join(slot, taskId)),
      onFatal: (error) => fatal.push(error),
    },
    cluster: Object.assign(brokers, { disconnect: async () => undefined }),
    changelogsOf: () => [{ store: 'counts', topic: CHANGELOG, partition: 0 }],
    checkOf: () => (store, row) => {
      if (String(row.key) === 'foreign')
        throw new StreamsError('INTERNAL_TOPIC_INVALID', `${store}, offset ${String(row.offset)}`);
    },
  });
});
afterEach(async () => {
  await standbys.close();
  await rm(slot, { recursive: true, force: true });
});

/** LevelDB cannot begin a file whose name a directory has, and no probe can be written. */
const probe = (): string => join(slot, TASK, 'disk-probe');
const logs = (): string[] =>
  Array.from({ length: 20 }, (_, number) => join(slot, TASK, `${String(number + 4).padStart(6, '0')}.log`));

async function block(): Promise<void> {
  await Promise.all([probe(), ...logs()].map((path) => mkdir(path, { recursive: true }).catch(() => undefined)));
}

/** The probe comes last: it says that all is well. */
async function unblock(): Promise<void> {
  for (const path of [...logs(), probe()])
    if ((await stat(path).catch(() => null))?.isDirectory() === true) await rm(path, { recursive: true });
}

function write(rows: number, bytes: number): void {
  const log = brokers.partitions.get(`${CHANGELOG}-0`);
  for (let row = 0; row < rows; row += 1)
    log?.values.push({ key: Buffer.from(`row-${String(log.values.length)}`), value: Buffer.alloc(bytes, 1) });
}

const state = (): string | undefined => standbys.status()[0]?.state;
const caughtUp = (): boolean => state() === 'RUNNING' && standbys.status()[0]?.lag === 0;

/** @throws at once when something fatal happens instead. */
async function untilStandby(condition: () => boolean, what: string): Promise<void> {
  const holds = (): boolean => {
    if (fatal.length > 0) throw new Error(`not ${what}: ${String(fatal[0])}`);
    return condition();
  };
  await until(holds, () => `it is ${what}: ${JSON.stringify(standbys.status())}`);
}

test('a standby whose disk fails waits for it, and follows its changelog on from there', async () => {
  await standbys.assign([TASK]);
  write(10, 10);
  await untilStandby(caughtUp, 'caught up');
  await block();
  await untilStandby(() => {
    write(2, 500_000);
    return state() === 'SUSPENDED';
  }, 'suspended');
  expect(disk.reason).toContain(TASK);
  await unblock();
  write(1, 10);
  await untilStandby(caughtUp, 'caught up again');
  expect(disk.reason).toBeNull();

  await standbys.assign([]);
  const store = await openLevelDbStore(join(slot, TASK), { identity: { applicationId: 'app', taskId: TASK } });
  expect(store.digest().entries).toBe(brokers.partitions.get(`${CHANGELOG}-0`)?.values.length);
  expect(await store.verify()).toBe(true);
  await store.close();
});

test('a standby that is given up while it waits lets go of its store', async () => {
  await standbys.assign([TASK]);
  write(10, 10);
  await untilStandby(caughtUp, 'caught up');
  await block();
  await untilStandby(() => {
    write(2, 500_000);
    return disk.reason !== null;
  }, 'waiting for the disk');
  await standbys.assign([]);
  expect([fatal, disk.reason, standbys.status()]).toEqual([[], null, []]);
});

test('a standby takes no row that its store did not write', async () => {
  await standbys.assign([TASK]);
  write(10, 10);
  await untilStandby(caughtUp, 'caught up');
  brokers.partitions.get(`${CHANGELOG}-0`)?.values.push({ key: Buffer.from('foreign'), value: Buffer.from('x') });
  await until(() => fatal.length > 0, 'the row is refused');
  expect(fatal).toEqual([expect.objectContaining({ message: expect.stringContaining('counts, offset 10') })]);
});
