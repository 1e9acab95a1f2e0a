import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile, link } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../command-line/user-error.ts';

const run = promisify(execFile);

/** A process as it can be told apart from a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

interface Holder extends ProcessIdentity {
  /** The process group of the broker that the holder started, once it has. */
  readonly broker?: ProcessIdentity;
}

/** When a process started, in the operating system's own words; undefined when there is no such process. */
export async function processStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command's name stands in parentheses and may hold blanks: count the fields from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    if (process.platform === 'linux') return undefined;
  }
  const answer = await run('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => undefined);
  const started = answer?.stdout.trim();
  return started === '' ? undefined : started;
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await processStart(identity.pid)) === identity.startedAt;
}

/** Holds a directory for this process. A holder that died without releasing it is found out by its pid and start. */
export class DataDirLock {
  readonly #path: string;
  readonly #self: ProcessIdentity;

  private constructor(path: string, self: ProcessIdentity) {
    this.#path = path;
    this.#self = self;
  }

  /**
   * Returns the lock, or the pid of the living process that holds it. A broker that a dead holder left behind ends by
   * itself, since its guard saw the holder go: it is waited for up to `graceMs` and then killed.
   */
  static async acquire(dir: string, graceMs = 20_000): Promise<DataDirLock | { readonly heldBy: number }> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    // It may be an older one: what was published is nobody else's to read.
    await chmod(dir, 0o700);
    const path = join(dir, 'lock.json');
    const self = { pid: process.pid, startedAt: (await processStart(process.pid)) ?? '' };
    const own = `${path}.${randomUUID()}`;
    await writeFile(own, JSON.stringify(self));
    try {
      for (;;) {
        try {
          await link(own, path);
          return new DataDirLock(path, self);
        } catch (error) {
          if (errorCode(error) !== 'EEXIST') throw error;
        }
        const holder = await readHolder(path);
        if (holder !== undefined && (await isAlive(holder))) return { heldBy: holder.pid };
        if (holder?.broker !== undefined) await outlive(holder.broker, graceMs);
        await setAside(path, holder);
      }
    } finally {
      await rm(own, { force: true });
    }
  }

  /** Notes the broker, so that the next holder can wait for it if this process is killed. */
  async noteBroker(pid: number): Promise<void> {
    const startedAt = await processStart(pid);
    if (startedAt === undefined) return;
    const next = `${this.#path}.next`;
    await writeFile(next, JSON.stringify({ ...this.#self, broker: { pid, startedAt } }));
    await rename(next, this.#path);
  }

  async release(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

/** Takes away the lock of a dead holder. Another process may have done so and locked anew: its lock is put back. */
async function setAside(path: string, dead: Holder | undefined): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  const taken = await readHolder(aside);
  if (taken?.pid !== dead?.pid || taken?.startedAt !== dead?.startedAt) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (!isIdentity(parsed)) return undefined;
    const broker = 'broker' in parsed && isIdentity(parsed.broker) ? parsed.broker : undefined;
    return { pid: parsed.pid, startedAt: parsed.startedAt, ...(broker === undefined ? {} : { broker }) };
  } catch {
    return undefined;
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'startedAt' in value &&
    typeof value.startedAt === 'string'
  );
}

async function outlive(broker: ProcessIdentity, graceMs: number): Promise<void> {
  const deadline = performance.now() + graceMs;
  while (await isAlive(broker)) {
    if (performance.now() > deadline) {
      try {
        process.kill(-broker.pid, 'SIGKILL');
      } catch {
        return;
      }
    }
    await sleep(50);
  }
}
