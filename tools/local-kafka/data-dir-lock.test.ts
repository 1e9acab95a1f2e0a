import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { DataDirLock, isAlive, processStart } from './data-dir-lock.ts';

let dir: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'data-dir-lock-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true });
});

/** A process group that ends by itself after `seconds`. */
async function sleeper(seconds: number): Promise<{ pid: number; startedAt: string }> {
  const child = spawn('sleep', [String(seconds)], { detached: true, stdio: 'ignore' });
  children.push(child);
  const pid = child.pid ?? 0;
  return { pid, startedAt: (await processStart(pid)) ?? '' };
}

async function deadProcess(): Promise<{ pid: number; startedAt: string }> {
  const identity = await sleeper(60);
  const child = children.at(-1);
  await new Promise((resolve) => {
    child?.once('exit', resolve);
    child?.kill('SIGKILL');
  });
  return identity;
}

function held(holder: object): void {
  writeFileSync(join(dir, 'lock.json'), JSON.stringify(holder));
}

async function acquire(graceMs?: number): Promise<DataDirLock> {
  const lock = await DataDirLock.acquire(dir, graceMs);
  if (!(lock instanceof DataDirLock)) throw new Error(`held by ${lock.heldBy}`);
  return lock;
}

test('a living holder is named, and a released directory is free', async () => {
  const lock = await acquire();
  expect(await DataDirLock.acquire(dir)).toEqual({ heldBy: process.pid });
  await lock.release();
  await (await acquire()).release();
});

test('a holder that died holds nothing', async () => {
  held(await deadProcess());
  await (await acquire()).release();
});

test('another process that got the pid of a dead holder holds nothing', async () => {
  const other = await sleeper(60);
  held({ pid: other.pid, startedAt: 'long ago' });
  await (await acquire()).release();
});

test('a lock that was half written holds nothing', async () => {
  writeFileSync(join(dir, 'lock.json'), '{"pid":');
  await (await acquire()).release();
});

test('the broker of a dead holder is waited for while it stops', async () => {
  const broker = await sleeper(0.5);
  held({ ...(await deadProcess()), broker });
  const lock = await acquire();
  expect(await isAlive(broker)).toBe(false);
  await lock.release();
});

test('the broker of a dead holder that does not stop is killed', async () => {
  const broker = await sleeper(60);
  held({ ...(await deadProcess()), broker });
  const lock = await acquire(100);
  expect(await isAlive(broker)).toBe(false);
  await lock.release();
});

test('only one of many gets it', async () => {
  const results = await Promise.all(Array.from({ length: 8 }, () => DataDirLock.acquire(dir)));
  expect(results.filter((result) => result instanceof DataDirLock)).toHaveLength(1);
});

test('a directory that is held is readable by nobody else, also one from before', async () => {
  chmodSync(dir, 0o755);
  for (const one of [dir, join(dir, 'new', 'kafka')]) {
    const lock = await DataDirLock.acquire(one);
    expect((statSync(one).mode & 0o777).toString(8)).toBe('700');
    await (lock as DataDirLock).release();
  }
});
