import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { projectRoot } from '../tools/command-line/project-root.ts';

const LAST_LINES = 20;
/** Linux counts process times in hundredths of a second. */
export const TICKS_PER_SECOND = 100;

/** A contender in a process of its own, which dies with the benchmark. Each line of JSON it prints is a message. */
export class BenchProcess {
  readonly startedAt: number = performance.now();
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #lastLines: string[] = [];
  #listeners = new Set<(message: Readonly<Record<string, unknown>>) => void>();
  #exitCode: number | null | undefined;

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn('sh', [join(projectRoot, 'tools/launcher/guard.sh'), command, ...args], {
      cwd: projectRoot,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdin?.on('error', () => undefined);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#take(line));
    }
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', () => this.#child.stdin?.destroy());
      this.#child.once('close', (code) => {
        this.#exitCode = code;
        resolve(code);
      });
    });
  }

  /** The command, not the guard it runs under. */
  get pid(): number {
    return childrenOf(this.#child.pid ?? 0)[0] ?? 0;
  }

  onMessage(listener: (message: Readonly<Record<string, unknown>>) => void): void {
    this.#listeners.add(listener);
  }

  /** The first message that `wanted` takes. @throws when the process ends before. */
  async message(
    wanted: (message: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<Readonly<Record<string, unknown>>> {
    return new Promise((resolve, reject) => {
      this.onMessage((message) => {
        if (wanted(message)) resolve(message);
      });
      void this.exited.then((code) =>
        reject(new Error(`the process ended with exit code ${String(code)}\n${this.log()}`)),
      );
    });
  }

  throwIfEnded(): void {
    if (this.#exitCode !== undefined)
      throw new Error(`the process ended with exit code ${String(this.#exitCode)}\n${this.log()}`);
  }

  log(): string {
    return this.#lastLines.join('\n');
  }

  async stop(): Promise<void> {
    if (this.#exitCode === undefined) this.#child.kill('SIGTERM');
    await this.exited;
  }

  /** kill -9 of the guard's whole group. */
  async kill(): Promise<void> {
    if (this.#exitCode === undefined && this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
    await this.exited;
  }

  #take(line: string): void {
    this.#lastLines.push(line);
    if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
    if (!line.startsWith('{')) return;
    let message: Readonly<Record<string, unknown>>;
    try {
      message = JSON.parse(line) as Readonly<Record<string, unknown>>;
    } catch {
      return;
    }
    for (const listener of this.#listeners) listener(message);
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter((id) => id !== '')
      .map(Number);
  } catch {
    return [];
  }
}

/** User and system time of a process, its threads, and its children that still run. */
export function cpuSeconds(pid: number): number {
  try {
    const fields =
      readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? [];
    const own = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    return childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), own);
  } catch {
    return 0;
  }
}

/** The most memory it has ever held; NaN once it is gone. */
export function peakRssMiB(pid: number): number {
  return statusMiB(pid, 'VmHWM');
}

export function rssMiB(pid: number): number {
  return statusMiB(pid, 'VmRSS');
}

/** What a process has in memory, MiB. */
export interface ProcessMemory {
  /** The most it has ever held. */
  readonly peak: number;
  readonly rss: number;
  /** Of files, which the system may take back. */
  readonly files: number;
}

export const memoryMiB = (pid: number): ProcessMemory => ({
  peak: peakRssMiB(pid),
  rss: rssMiB(pid),
  files: statusMiB(pid, 'RssFile'),
});

function statusMiB(pid: number, field: string): number {
  try {
    const line = readFileSync(`/proc/${String(pid)}/status`, 'utf8')
      .split('\n')
      .find((l) => l.startsWith(field));
    return Number(line?.replace(/\D/g, '')) / 1_024;
  } catch {
    return NaN;
  }
}
