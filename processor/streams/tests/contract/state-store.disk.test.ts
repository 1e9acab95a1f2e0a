import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openLevelDbStore, type LevelDbStore } from '../../store/leveldb-store.ts';
import type { StoreBatch } from '../../store/state-store.ts';
import { DiskWait, isDiskTrouble } from '../../task/disk-wait.ts';
import type { StreamsError } from '../../errors.ts';
import { SmallDisk } from '../../../../tests/support/disk-faults.ts';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { stays } from '../../../../tests/support/until.ts';

/* A store on a disk that is full, or read-only, for a while. */

const TASK = '0_0';
const refusal = SmallDisk.refusal();
if (refusal !== null) process.stderr.write(`SKIPPED, ${refusal}: a store on a disk in trouble\n`);
const diskTest = refusal === null ? test : test.skip;
let disk: SmallDisk;
let wait: DiskWait;

beforeEach(() => {
  if (refusal !== null) return;
  disk = SmallDisk.mount(32 << 20);
  wait = new DiskWait(disk.path, quietLogger);
});
afterEach(() => {
  if (refusal === null) disk.unmount();
});

const open = (): Promise<LevelDbStore> =>
  openLevelDbStore(join(disk.path, TASK), { identity: { applicationId: 'app', taskId: TASK } });
const rows = (n: number, bytes: number): StoreBatch => ({
  changes: [{ store: 'counts', key: Buffer.from(`row-${String(n % 50)}`), value: Buffer.alloc(bytes, n) }],
  changelogOffsets: new Map([['log-0', n]]),
  inputOffsets: new Map([['input-0', n]]),
});

/** The trouble that `act` ends in. */
async function troubleOf(act: Promise<unknown>): Promise<StreamsError> {
  const error = await act.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isDiskTrouble(error)) throw new Error(`no trouble with the disk: ${String(error)}`);
  return error;
}

/** The store, opened again once `mend` has mended the disk; it must not open before. */
async function openAfter(trouble: StreamsError, mend: () => void | Promise<void>): Promise<LevelDbStore> {
  let opened = false;
  const opening = wait.open(TASK, trouble, new AbortController().signal, async () => {
    const store = await open();
    opened = true;
    return store;
  });
  await stays(() => !opened, 'the store is not opened', 1_000);
  await mend();
  return (await opening) as LevelDbStore;
}

diskTest.each([
  ['in its log', 100, 0],
  ['in the flush of a log of 4 MiB, which still had its place', 200_000, 1_500_000],
])('a disk that gets full under a store, %s', async (_where, bytes, leftBytes) => {
  const store = await open();
  let acknowledged = 0;
  const commitSome = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      await store.commit(rows(acknowledged + 1, bytes));
      acknowledged += 1;
    }
  };
  await commitSome(15);
  await disk.fill(leftBytes);
  const trouble = await troubleOf(commitSome(1_000));
  expect(trouble).toMatchObject({
    code: 'STORE_IO_FAILED',
    reaction: 'wait',
    message: expect.stringContaining('the disk is full: free some space'),
  });
  await store.closeDirty();
  await expect(open()).rejects.toMatchObject({ code: 'STORE_IO_FAILED' });

  const again = await openAfter(trouble, () => disk.free());
  expect(again.uncleanOpen).toBe(true);
  expect(await again.verify()).toBe(true);
  // The failed batch may be there: that is what indefinite means.
  expect([acknowledged, acknowledged + 1]).toContain(again.offsets().changelog.get('log-0'));
  await again.commit(rows(5_000, bytes));
  await again.close();
});

diskTest('a disk that is read-only when a store is opened', async () => {
  await mkdir(join(disk.path, TASK));
  const store = await open();
  await store.commit(rows(1, 100));
  await store.close();
  disk.remount('ro');
  const trouble = await troubleOf(open());
  expect(trouble.message).toContain('the file system is read-only: mount it writable');

  const again = await openAfter(trouble, () => disk.remount('rw'));
  expect(again.offsets().changelog.get('log-0')).toBe(1);
  expect(await again.verify()).toBe(true);
  await again.close();
});
