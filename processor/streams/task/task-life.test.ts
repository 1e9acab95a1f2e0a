import { beforeEach, describe, expect, test } from '@jest/globals';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { until } from '../../../tests/support/until.ts';
import { StreamsError } from '../errors.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { storeDamaged, storeIoFailed } from '../store/store-errors.ts';
import { DiskWait } from './disk-wait.ts';
import { TaskLife, type TaskRole } from './task-life.ts';

const DAMAGED = storeDamaged('0_0', 'a block does not match its checksum');
const FULL = storeIoFailed('0_0', 'the disk is full');
const FENCED = new StreamsError('TASK_FENCED', 'another owner');
const FATAL = new StreamsError('STORE_AHEAD_OF_GROUP', 'the offsets were moved');

let steps: string[];
let fatal: unknown[];
/** What the next calls of `initialise` throw; none is thrown after the last. */
let failures: unknown[];
let setAsideFails: unknown;
let life: TaskLife;
const role: TaskRole = {
  initialise: async () => {
    await life.openStore();
    steps.push('initialise');
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    life.run();
  },
  release: async ({ abort }) => void steps.push(abort ? 'abort' : 'release'),
  fatalError: (error) => (error === FATAL ? error : undefined),
};
const state = (wanted: string): Promise<void> => until(() => life.state === wanted, `it is ${wanted}`);

beforeEach(() => {
  steps = [];
  fatal = [];
  failures = [];
  setAsideFails = undefined;
  life = new TaskLife('0_0', {
    // It takes each probe: no test waits for a disk.
    disk: Object.assign(new DiskWait('none', quietLogger), {
      open: async (_id: string, _trouble: unknown, _signal: unknown, reopen: () => Promise<unknown>) => {
        steps.push('disk');
        return reopen();
      },
    }),
    logger: quietLogger,
    openStore: async () => {
      steps.push('open');
      const store = openMemoryStore();
      return Object.assign(store, {
        close: async () => void steps.push('close clean'),
        closeDirty: async () => void steps.push('close'),
      });
    },
    setStoreAside: async () => {
      steps.push('set aside');
      if (setAsideFails !== undefined) throw setAsideFails;
      return null;
    },
    onFatal: (error) => fatal.push(error),
  });
});

test('from its begin to its end', async () => {
  expect(life.state).toBe('CREATED');
  life.begin(role);
  expect(life.state).toBe('RESTORING');
  await state('RUNNING');
  expect(life.store).toBeDefined();
  await life.close(true);
  expect([life.state, life.store, life.signal.aborted, fatal]).toEqual(['CLOSED', undefined, true, []]);
  expect(steps).toEqual(['open', 'initialise', 'abort', 'close clean']);
  await life.close(true);
  expect(steps).toHaveLength(4);
});

test('a move that is not in the table throws', async () => {
  const illegal = (from: string, to: string) =>
    expect.objectContaining({ code: 'THREAD_FAILED', message: `task 0_0 cannot go from ${from} to ${to}` });
  expect(() => life.run()).toThrow(illegal('CREATED', 'RUNNING'));
  await expect(life.suspend(FENCED)).rejects.toEqual(illegal('CREATED', 'SUSPENDED'));
  life.begin(role);
  await state('RUNNING');
  expect(() => life.run()).toThrow(illegal('RUNNING', 'RUNNING'));
  await life.close(true);
  expect(() => life.run()).toThrow(illegal('CLOSED', 'RUNNING'));
  await expect(life.suspend(FENCED)).rejects.toEqual(illegal('CLOSED', 'SUSPENDED'));
});

describe('suspended', () => {
  beforeEach(async () => {
    life.begin(role);
    await state('RUNNING');
    steps = [];
  });

  test.each([
    ['for a fence: the store stays open', FENCED, ['abort', 'initialise']],
    ['for a damaged store: it is closed and opened again', DAMAGED, ['abort', 'close', 'open', 'initialise']],
    ['for a full disk: it is waited for first', FULL, ['abort', 'close', 'disk', 'open', 'initialise']],
  ])('%s', async (_what, error, expected) => {
    await life.suspend(error);
    await state('RUNNING');
    expect([steps, fatal]).toEqual([expected, []]);
  });

  test('with its store set aside, and where the disk does not allow that, after the disk', async () => {
    await life.suspend(DAMAGED, { setAside: true });
    await state('RUNNING');
    expect(steps).toEqual(['abort', 'close', 'set aside', 'open', 'initialise']);
    steps = [];
    setAsideFails = FULL;
    await life.suspend(DAMAGED, { setAside: true });
    await state('RUNNING');
    expect(steps).toEqual(['abort', 'close', 'set aside', 'disk', 'open', 'initialise']);
  });

  test('after it was abandoned: nothing begins again', async () => {
    life.abandon();
    await life.suspend(DAMAGED);
    expect(life.state).toBe('SUSPENDED');
    await life.close(true);
    expect([life.state, steps]).toEqual(['CLOSED', ['abort', 'close', 'abort']]);
  });
});

test('initialising that fails is tried again, with what it had opened released', async () => {
  failures = [FENCED, DAMAGED];
  life.begin(role);
  await state('RUNNING');
  expect(steps).toEqual(['open', 'initialise', 'release', 'initialise', 'release', 'close', 'open', 'initialise']);
});

test('initialising that fails for good is told, and begun no more', async () => {
  failures = [FATAL];
  life.begin(role);
  await until(() => fatal.length > 0, 'it is told');
  await life.close(false);
  expect([fatal, steps]).toEqual([[FATAL], ['open', 'initialise', 'abort', 'close']]);
});
