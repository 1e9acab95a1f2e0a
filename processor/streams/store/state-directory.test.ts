import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, stat, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Logger } from '../logger.ts';
import { SLOT_LOCK_FILE, takeSlotLock } from './slot-lock.ts';
import { StateDirectory, taskDirectory } from './state-directory.ts';

// Threads and processes of their own start slowly on a busy machine.
const ignore = (): void => undefined;
const log: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const options = { log };

let stateDir: string;
let held: StateDirectory[];
const stops: (() => Promise<void>)[] = [];

const lock = async (where = stateDir): Promise<StateDirectory> => {
  const directory = await StateDirectory.lock(where, 'logins', options);
  held.push(directory);
  return directory;
};

/** The program of a process or thread of its own that takes a slot, says which, and holds it. */
const HOLDER = `
  const { StateDirectory } = await import(${JSON.stringify(new URL('./state-directory.ts', import.meta.url).href)});
  const none = () => {};
  const log = { debug: none, info: none, warn: none, error: none };
  const directory = await StateDirectory.lock(process.argv.at(-1), 'logins', { log });
  console.log(directory.slot + ' ' + directory.processId);
  setInterval(none, 1e9);
`;

interface Holder {
  readonly slot: number;
  readonly processId: string;
  stop(): Promise<void>;
}

const parse = (line: string): { slot: number; processId: string } => {
  const [slot, processId] = line.trim().split(' ');
  return { slot: Number(slot), processId: String(processId) };
};

async function holdInProcess(): Promise<Holder> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, stateDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  stops.push(stop);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { ...parse(line), stop };
}

async function holdInThread(): Promise<Holder> {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(HOLDER)}`), {
    argv: [stateDir],
    stdout: true,
  });
  const stop = async (): Promise<void> => {
    await worker.terminate();
  };
  stops.push(stop);
  const [line] = (await once(worker.stdout, 'data')) as [Buffer];
  return { ...parse(line.toString()), stop };
}

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'tributary-state-'));
  held = [];
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  for (const directory of held) directory.release();
  await rm(stateDir, { recursive: true, force: true });
});

test('each holder in one process gets a slot of its own, the first one free', async () => {
  const first = await lock();
  const second = await lock();
  expect([first.slot, second.slot]).toEqual([0, 1]);
  expect(first.processId).not.toBe(second.processId);
  first.release();
  expect((await lock()).slot).toBe(0);
});

test('a slot keeps its process id', async () => {
  const { processId, slot, path } = await lock();
  expect(processId).toMatch(/^[0-9a-f-]{36}$/);
  held[0]?.release();
  const again = await lock();
  expect([again.processId, again.slot, again.path]).toEqual([processId, slot, path]);
});

test('the same directory by another path is the same slot', async () => {
  await lock();
  const link = `${stateDir}-link`;
  await symlink(stateDir, link);
  try {
    expect((await lock(link)).slot).toBe(1);
  } finally {
    await rm(link);
  }
});

test('a slot belongs to one process; kill -9 frees it at once, with its process id', async () => {
  const other = await holdInProcess();
  expect(other.slot).toBe(0);
  const mine = await lock();
  expect(mine.slot).toBe(1);
  await other.stop();
  const freed = await lock();
  expect([freed.slot, freed.processId]).toEqual([0, other.processId]);
});

test('refused attempts within a process do not loosen its lock for others', async () => {
  await lock();
  for (let attempt = 0; attempt < 3; attempt++) (await lock()).release();
  expect((await holdInThread()).slot).toBe(1);
  expect((await holdInProcess()).slot).toBe(2);
});

test('a thread of the same process is refused too, and frees its slot when it is terminated', async () => {
  const other = await holdInThread();
  expect(other.slot).toBe(0);
  expect((await lock()).slot).toBe(1);
  await other.stop();
  expect((await lock()).slot).toBe(0);
});

test('many processes that start together each get one slot, and none is left out between them', async () => {
  const holders = await Promise.all(Array.from({ length: 4 }, () => holdInProcess()));
  expect(holders.map(({ slot }) => slot).sort()).toEqual([0, 1, 2, 3]);
});

/**
 * The program of a thread that has begun to take the lock file given to it, says so, and goes on when the other has had
 * time to come half-way, too.
 */
const HALF_WAY = `
  const { DatabaseSync } = await import('node:sqlite');
  const { workerData } = await import('node:worker_threads');
  const steps = new Int32Array(workerData.steps);
  const database = new DatabaseSync(workerData.file);
  database.exec('BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS met (round INTEGER)');
  Atomics.store(steps, 0, 1);
  Atomics.notify(steps, 0);
  Atomics.wait(steps, 1, 0, 10);
  for (;;) try { database.exec('COMMIT'); break; } catch {}
  database.close();
`;

test('two that meet half-way do not keep each other from the lock: one has it, then the other', async () => {
  const directory = join(stateDir, 'met');
  await mkdir(directory);
  takeSlotLock(directory)?.release();
  let taken: ReturnType<typeof takeSlotLock> = null;
  // A thread that is held up for longer than the other waits, on a busy machine, says nothing.
  for (let round = 0; round < 20 && taken === null; round += 1) {
    const steps = new Int32Array(new SharedArrayBuffer(8));
    const other = new Worker(new URL(`data:text/javascript,${encodeURIComponent(HALF_WAY)}`), {
      workerData: { file: join(directory, SLOT_LOCK_FILE), steps: steps.buffer },
    });
    const ended = once(other, 'exit');
    await Atomics.waitAsync(steps, 0, 0).value;
    taken = takeSlotLock(directory);
    await ended;
  }
  expect(taken).not.toBeNull();
  taken?.release();
});

test('it lists the tasks that have a store, and neither files nor what was set aside', async () => {
  const directory = await lock();
  for (const name of ['0_0', '1_12', '0_1.set-aside-x', 'tmp']) await mkdir(join(directory.path, name));
  await writeFile(join(directory.path, '2_0'), '');
  expect((await directory.taskIds()).sort()).toEqual(['0_0', '1_12']);
  await directory.remove('0_0');
  await directory.remove('7_7');
  expect(await directory.taskIds()).toEqual(['1_12']);
});

test('setting aside keeps the files beside the task, and no more than three times', async () => {
  const directory = await lock();
  const places: (string | null)[] = [];
  for (let time = 0; time < 5; time++) {
    await mkdir(directory.taskDirectory('0_0'));
    await writeFile(join(directory.taskDirectory('0_0'), 'damage'), String(time));
    places.push(await directory.setAside('0_0'));
  }
  expect(await directory.taskIds()).toEqual([]);
  expect(new Set(places).size).toBe(5);
  const kept = (await readdir(directory.path))
    .filter((name) => name.startsWith('0_0.set-aside-'))
    .map((name) => join(directory.path, name));
  expect(kept.sort()).toEqual(places.slice(-3).sort());
  expect(await directory.setAside('0_0')).toBeNull();
});

test('a path that is a file is refused, naming stateDir', async () => {
  const file = join(stateDir, 'file');
  await writeFile(file, '');
  await expect(lock(file)).rejects.toMatchObject({
    code: 'STATE_DIRECTORY_UNUSABLE',
    message: expect.stringContaining(`${file} (stateDir)`),
  });
});

test('a directory that cannot be written is refused, naming stateDir and the remedy', async () => {
  await chmod(stateDir, 0o555);
  const root = process.geteuid?.() === 0;
  // Permissions do not hold root back: give them up for this attempt.
  if (root) process.seteuid?.(65534);
  try {
    await expect(lock()).rejects.toMatchObject({
      code: 'STATE_DIRECTORY_UNUSABLE',
      message:
        `cannot use the state directory ${stateDir} (stateDir): no permission: give this user the directory or ` +
        `set stateDir to another one`,
    });
  } finally {
    if (root) process.seteuid?.(0);
    await chmod(stateDir, 0o755);
  }
});

test('a damaged lock file is refused with what to do, never replaced under a possible owner', async () => {
  await mkdir(join(stateDir, 'logins', '0'), { recursive: true });
  await writeFile(join(stateDir, 'logins', '0', 'process.sqlite'), 'x'.repeat(5_000));
  await expect(lock()).rejects.toThrow(
    'its process.sqlite is damaged: stop every processor that uses it and delete that file',
  );
});

test('ids that would leave the directory are refused', async () => {
  for (const wrong of ['..', 'a/b', '', '.x'])
    await expect(StateDirectory.lock(stateDir, wrong, options)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  for (const wrong of ['..', '0', '0_0/x', '0_0.set-aside-1'])
    expect(() => taskDirectory(stateDir, wrong)).toThrow('is not a task id');
});

test('nobody else on the machine reads what is in it, also where an earlier release has left it open', async () => {
  const modes = async (directory: StateDirectory): Promise<string[]> =>
    Promise.all(
      [join(directory.path, '..'), directory.path].map(async (path) => ((await stat(path)).mode & 0o777).toString(8)),
    );
  expect(await modes(await lock())).toEqual(['700', '700']);
  const open = `${stateDir}-open`;
  stops.push(() => rm(open, { recursive: true, force: true }));
  await mkdir(join(open, 'logins'), { recursive: true });
  await chmod(join(open, 'logins'), 0o755);
  expect(await modes(await lock(open))).toEqual(['700', '700']);
});

test('a copy of a slot gets a process id of its own, and keeps it; the original keeps its own', async () => {
  const first = await lock();
  first.release();
  const copied = `${stateDir}-copy`;
  stops.push(() => rm(copied, { recursive: true, force: true }));
  await cp(stateDir, copied, { recursive: true });
  const again = await lock();
  expect(again.processId).toBe(first.processId);
  const copy = await lock(copied);
  expect(copy.processId).not.toBe(first.processId);
  copy.release();
  expect((await lock(copied)).processId).toBe(copy.processId);
});

test('so does one that wakes up on another machine, on a copy of the whole disk', async () => {
  const slot = join(stateDir, 'slot');
  await mkdir(slot, { recursive: true });
  const ids = ['here', 'here', 'there', 'there', 'here'].map((machine) => {
    const taken = takeSlotLock(slot, machine);
    taken?.release();
    return taken?.processId;
  });
  expect(ids[1]).toBe(ids[0]);
  expect(ids[3]).toBe(ids[2]);
  expect(new Set(ids).size).toBe(3);
});
