import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../tools/command-line/project-root.ts';

export interface SuiteOptions {
  /** A mutant's copy. */
  readonly root: string;
  /** A project of jest.config.mjs. */
  readonly project: 'unit' | 'integration' | 'chaos';
  /** A test file below `root`. */
  readonly file: string;
  /** Only tests whose full name matches. */
  readonly named?: string;
  readonly seed: number;
  readonly timeoutMs: number;
}

/** A test that went red: its full name, and the beginning of what it said. */
export interface RedTest {
  readonly name: string;
  readonly message: string;
}

interface JestReport {
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/**
 * Runs a test file of this project against a mutant, short, in a process of its own; answers which tests went red.
 * @throws when no test ran: a mutant that does not even load is caught by nothing.
 */
export async function redTests({ root, project, file, named, seed, timeoutMs }: SuiteOptions): Promise<RedTest[]> {
  const report = join(root, 'report.json');
  const jest = [
    '--experimental-vm-modules',
    join(projectRoot, 'node_modules', 'jest', 'bin', 'jest.js'),
    '--selectProjects',
    project,
    '--runInBand',
    '--forceExit',
    '--cacheDirectory',
    join(root, '.jest-cache'),
    '--json',
    '--outputFile',
    report,
    ...(named === undefined ? [] : ['--testNamePattern', named]),
    '--runTestsByPath',
    join(root, file),
  ];
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn('sh', [join(projectRoot, 'tools/launcher/guard.sh'), process.execPath, ...jest], {
    cwd: root,
    env: { PATH, HOME, GUARD_SIGNAL: 'KILL', SEED: String(seed), CHAOS: 'short' },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const timer = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, timeoutMs);
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  const text = await readFile(report, 'utf8').catch(() => {
    throw new Error(`${file} came to no end within ${String(timeoutMs)} ms:\n${output.slice(-4_000)}`);
  });
  const { testResults } = JSON.parse(text) as JestReport;
  const ran = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed' || status === 'failed');
  if (ran.length === 0)
    throw new Error(
      `no test of ${file} ran: ${testResults.map(({ message }) => message).join('\n')}\n${output.slice(-4_000)}`,
    );
  return ran
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => ({ name: fullName, message: plain(failureMessages.join('\n')) }));
}

/** Without the colours that jest's messages have. */
function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- an escape begins each colour
  return text.replaceAll(/\u001b\[[0-9;]*m/g, '');
}
