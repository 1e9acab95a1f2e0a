import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * Disks that fail on command. Not every machine allows it: the capability is asked first, and a test that cannot have
 * its fault is skipped and says so.
 */

const CHUNK_BYTES = 1 << 20;
/** What tmpfs, like most file systems, gives out at least. */
const PAGE_BYTES = 4_096;

/** A small file system in memory of its own, which the test fills and empties. */
export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;

  private constructor(path: string) {
    this.path = path;
    this.#ballast = join(path, 'ballast');
  }

  /** Why there can be none on this machine; null when there can. */
  static refusal(): string | null {
    try {
      new SmallDisk(mountTmpfs(1 << 20)).unmount();
      return null;
    } catch (error) {
      return `a tmpfs cannot be mounted here (it needs root): ${String(error).split('\n')[0] ?? ''}`;
    }
  }

  /** @throws when this machine does not allow it. */
  static mount(sizeBytes: number): SmallDisk {
    return new SmallDisk(mountTmpfs(sizeBytes));
  }

  /** Takes all the space there is but `leftBytes`. */
  async fill(leftBytes = 0): Promise<void> {
    const file = await open(this.#ballast, 'a');
    try {
      for (const bytes of [CHUNK_BYTES, PAGE_BYTES]) await appendUntilFull(file, bytes);
      const { size } = await file.stat();
      await file.truncate(size - leftBytes);
    } finally {
      await file.close();
    }
  }

  /** Gives back what `fill` took. */
  async free(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  /** What is written to must be closed first: the kernel refuses otherwise. */
  remount(mode: 'ro' | 'rw'): void {
    execFileSync('mount', ['-o', `remount,${mode}`, this.path], { stdio: 'pipe' });
  }

  unmount(): void {
    // Lazily: a processor that a failed test left behind must not keep the mount for ever.
    execFileSync('umount', ['-l', this.path], { stdio: 'pipe' });
    rmSync(this.path, { recursive: true, force: true });
  }
}

function mountTmpfs(sizeBytes: number): string {
  const path = mkdtempSync(join(tmpdir(), 'tributary-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${String(sizeBytes)}`, 'tributary-test', path], {
      stdio: 'pipe',
    });
    return path;
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    throw error;
  }
}

async function appendUntilFull(file: FileHandle, bytes: number): Promise<void> {
  const chunk = Buffer.alloc(bytes);
  try {
    for (;;) await file.appendFile(chunk);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOSPC') throw error;
  }
}

/**
 * Input/output errors in a running process: each write and each sync of these files fails with EIO until it is ended.
 */
export class FailingWrites {
  readonly #strace: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(strace: ChildProcess) {
    this.#strace = strace;
    this.#exited = new Promise((resolve) => strace.once('exit', resolve));
  }

  static refusal(): string | null {
    const { status } = spawnSync('strace', ['-e', 'inject=getpid:error=EIO', 'true'], { stdio: 'ignore' });
    return status === 0 ? null : 'there is no strace here that may trace a process';
  }

  /** Resolves when it has taken hold. @throws when strace may not. */
  static async of(pid: number, files: readonly string[]): Promise<FailingWrites> {
    const calls = 'write,pwrite64,fdatasync';
    const strace = spawn(
      'strace',
      [
        '-f',
        '-o',
        '/dev/null',
        '-e',
        `trace=${calls}`,
        '-e',
        `inject=${calls}:error=EIO`,
        ...files.flatMap((file) => ['-P', file]),
        '-p',
        String(pid),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    await new Promise<void>((resolve, reject) => {
      let said = '';
      strace.stderr.on('data', (bytes: Buffer) => {
        said += bytes.toString();
        if (/attached/.test(said)) resolve();
      });
      strace.once('error', reject);
      strace.once('exit', () => reject(new Error(`strace did not attach: ${said}`)));
    });
    return new FailingWrites(strace);
  }

  /** Lets go of the process, which runs on. */
  async end(): Promise<void> {
    this.#strace.kill('SIGINT');
    await this.#exited;
  }
}
