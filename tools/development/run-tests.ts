import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../command-line/project-root.ts';
import { addTallies, emptyTally, tallyOfJest, type Tally } from './test-tally.ts';

export function title(text: string): void {
  process.stdout.write(`\n== ${text}\n`);
}

/** A program of node_modules. */
export function tool(path: string): string {
  return join(projectRoot, 'node_modules', path);
}

export interface NodeRun {
  readonly code: number | null;
  /** What ended it, where it did not end by itself. */
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** What it wrote, where that was kept. */
  readonly output: string;
}

interface NodeRunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly resultFile?: string;
  /**
   * Its output is kept, for the caller to print in one piece: for what runs beside others. It goes to ours otherwise.
   */
  readonly keepOutput?: boolean;
}

/**
 * Runs a program to its end. After `minutes`, or half a minute after it wrote `resultFile` and yet did not end, it and
 * all its children are killed.
 */
export function runNode(
  args: readonly string[],
  minutes: number,
  { env = process.env, resultFile, keepOutput = false }: NodeRunOptions = {},
): Promise<NodeRun> {
  return new Promise((resolve) => {
    const output = keepOutput ? 'pipe' : 'inherit';
    const child = spawn(process.execPath, args, {
      cwd: projectRoot,
      env,
      stdio: ['ignore', output, output],
      detached: true,
    });
    const { pid } = child;
    if (pid !== undefined) running.add(pid);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += String(chunk)));
    let timedOut = false;
    let deadline = performance.now() + minutes * 60_000;
    const timer = setInterval(() => {
      if (resultFile !== undefined && existsSync(resultFile)) deadline = Math.min(deadline, performance.now() + 30_000);
      timedOut = performance.now() > deadline;
      if (timedOut && pid !== undefined) killGroup(pid);
    }, 500);
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      clearInterval(timer);
      if (pid !== undefined) running.delete(pid);
      resolve({ code, signal, timedOut, output: said });
    };
    child.once('error', () => end(null, null));
    // `close` comes after the last of its output.
    child.once('close', end);
  });
}

/** The process groups of what runs now: a Ctrl-C ends all of them. */
const running = new Set<number>();

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself just now.
  }
}

export interface JestRun {
  readonly minutes: number;
  /** Of jest's `--maxWorkers`; one file at a time, in this process, when left out. */
  readonly workers?: string;
  readonly options?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** One project of jest.config.mjs, or several side by side, to the end. */
export async function runJest(
  project: string | readonly string[],
  { minutes, workers, options = [], env = process.env }: JestRun,
): Promise<Tally> {
  const projects = typeof project === 'string' ? [project] : project;
  const name = projects.join(', ');
  title(name);
  const dir = await mkdtemp(join(tmpdir(), 'tributary-test-'));
  try {
    const report = join(dir, 'report.json');
    const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const args = ['--selectProjects', ...projects, '--json', '--outputFile', report, '--passWithNoTests', ...options];
    args.push(workers === undefined ? '--runInBand' : `--maxWorkers=${workers}`);
    const { code, signal, timedOut } = await runNode([...flags, tool('jest/bin/jest.js'), ...args], minutes, {
      env,
      resultFile: report,
    });
    const parsed: unknown = await readFile(report, 'utf8').then(JSON.parse, () => undefined);
    const tally = tallyOfJest(parsed, projectRoot);
    if (timedOut)
      return addTallies(tally, {
        ...emptyTally,
        failed: 1,
        failures: [`${name}: jest did not end: a test leaves something running, or ${minutes} minutes were not enough`],
      });
    if (code !== 0 && (tally.failed === 0 || parsed === undefined))
      return addTallies(tally, {
        ...emptyTally,
        failed: 1,
        failures: [`${name}: jest ended ${signal === null ? `with exit code ${code ?? 'none'}` : `by ${signal}`}`],
      });
    return tally;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** A Ctrl-C ends what runs now, and all of its children. */
export function killRunningOnSignals(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => {
      for (const pid of running) killGroup(pid);
      process.exit(code);
    });
  }
}
