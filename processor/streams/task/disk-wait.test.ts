import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { stays } from '../../../tests/support/until.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { storeDamaged, storeIoFailed } from '../store/store-errors.ts';
import { DiskWait } from './disk-wait.ts';

const FULL = storeIoFailed('0/0_0', 'the disk is full: free some space');
const never = new AbortController().signal;
let slot: string;
let warnings: string[];
let disk: DiskWait;

beforeEach(async () => {
  slot = await mkdtemp(join(tmpdir(), 'tributary-disk-wait-'));
  warnings = [];
  disk = new DiskWait(slot, { ...quietLogger, warn: (_fields, message) => warnings.push(message) });
});
afterEach(() => rm(slot, { recursive: true, force: true }));

/** No probe can be written where a directory has its name. */
const block = (taskId: string): Promise<unknown> => mkdir(join(slot, taskId, 'disk-probe'), { recursive: true });
const unblock = (taskId: string): Promise<void> => rm(join(slot, taskId, 'disk-probe'), { recursive: true });

test('a store is opened when its disk takes a probe, not before, and one line tells of all who wait', async () => {
  await block('0_0');
  await block('1_2');
  let opened = 0;
  const reopen = async () => {
    opened += 1;
    return openMemoryStore();
  };
  const both = Promise.all([disk.open('0_0', FULL, never, reopen), disk.open('1_2', FULL, never, reopen)]);
  await stays(() => opened === 0, 'no store is opened', 1_000);
  expect(disk.reason).toMatch(/stateDir \(tasks 0_0, 1_2\): STORE_IO_FAILED: .*go on by themselves/);
  expect(warnings).toHaveLength(1);
  await unblock('0_0');
  await unblock('1_2');
  await both;
  expect([opened, disk.reason, warnings.length]).toEqual([2, null, 1]);
});

test('a store that does not open is tried again while it is the disk, and only then', async () => {
  let tries = 0;
  const damaged = disk.open('0_0', FULL, never, async () => {
    tries += 1;
    throw tries < 3 ? FULL : storeDamaged('0/0_0', 'of its files');
  });
  await expect(damaged).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
  expect([tries, disk.reason]).toEqual([3, null]);
});

test('a disk that fails again at once is given more time, and still one line', async () => {
  const waits: number[] = [];
  const pause: typeof sleep = async (ms, value) => {
    waits.push(Number(ms));
    return value as never;
  };
  disk = new DiskWait(slot, { ...quietLogger, warn: (_fields, message) => warnings.push(message) }, pause);
  for (let time = 0; time < 3; time += 1) await disk.open('0_0', FULL, never, async () => openMemoryStore());
  expect(waits).toEqual([200, 400, 800]);
  expect(warnings).toHaveLength(1);
});

test('a wait ends with its task', async () => {
  await block('0_0');
  const life = new AbortController();
  const waiting = disk.open('0_0', FULL, life.signal, async () => openMemoryStore());
  life.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  expect(disk.reason).toBeNull();
});
