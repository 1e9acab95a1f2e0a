import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { until } from '../../tests/support/until.ts';
import { projectRoot } from '../command-line/project-root.ts';

const run = promisify(execFile);
const TOOLS = ['bash', 'cat', 'dirname', 'env', 'mktemp', 'rm'];
const folders: string[] = [];
const pids: number[] = [];

interface Ended {
  /** Or the signal. */
  readonly code: unknown;
  readonly output: string;
  /** Its temporary files. */
  readonly left: readonly string[];
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

afterEach(async () => {
  for (const pid of pids.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** The script in a folder of its own, where each of these programs does what it is given; no other can be found. */
async function ciRun(programs: Readonly<Record<string, string>>): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-ci-run-'));
  folders.push(folder);
  const [bin, noted] = [join(folder, 'bin'), join(folder, 'pids')];
  for (const made of ['.ci', 'bin', 'pids', 'tmp']) await mkdir(join(folder, made));
  await copyFile(join(projectRoot, '.ci', 'run'), join(folder, '.ci', 'run'));
  const { PATH = '' } = process.env;
  const found = await run('bash', ['-c', `command -v sleep ${TOOLS.join(' ')}`], { env: { PATH } });
  const [sleep, ...tools] = found.stdout.trim().split('\n');
  for (const tool of tools) await symlink(tool, join(bin, basename(tool)));
  const always = {
    id: 'echo 0',
    // Nobody waits long before something is tried again.
    sleep: `exec ${String(sleep)} 0.05`,
    // Notes its process, and does not end.
    endless: `echo $$ >"$PIDS/$1"; exec ${String(sleep)} 100000`,
  };
  for (const [name, does] of Object.entries({ ...always, ...programs }))
    await writeFile(join(bin, name), `#!${join(bin, 'bash')}\n${does}\n`, { mode: 0o755 });
  const ended = await run('bash', [join(folder, '.ci', 'run')], {
    env: { PATH: bin, PIDS: noted, TMPDIR: join(folder, 'tmp') },
  }).catch((error: unknown) => error);
  for (const name of await readdir(noted)) {
    const pid = Number(await readFile(join(noted, name), 'utf8'));
    // Empty is the file of one that was ended before it had noted itself; process 0 would be all of this test run.
    if (pid > 0) pids.push(pid);
  }
  const { code = 0, signal, stdout, stderr } = ended as Record<string, unknown>;
  return {
    code: signal ?? code,
    output: `${String(stdout)}${String(stderr)}`,
    left: await readdir(join(folder, 'tmp')),
  };
}

const areGone = (): Promise<void> =>
  until(
    () => !pids.some(isAlive),
    () => `what runs beside the script ends with it: ${pids.filter(isAlive).join()}`,
  );
const once = (name: string): string => `until [ -s "$PIDS/${name}" ]; do sleep; done`;

test('packages are not installed any more when the browser cannot be', async () => {
  const { code, left } = await ciRun({
    // As Node, which waits for npm.
    node: 'exec >/dev/null 2>&1; endless npm-ci; true',
    'apt-get': `${once('npm-ci')}; exit 100`,
  });
  expect(code).toBe(100);
  expect(left).toEqual([]);
  expect(pids).toHaveLength(1);
  await areGone();
});

test('known vulnerabilities are not asked for any more when the script is told to end', async () => {
  const { code, left } = await ciRun({
    node: 'exit 0',
    chromium: 'true',
    strace: 'true',
    npm: `[ "$1" = test ] || { endless audit; exit; }; ${once('audit')}; kill -TERM "$PPID"`,
  });
  expect(code).toBe('SIGTERM');
  expect(left).toEqual([]);
  expect(pids).toHaveLength(1);
  await areGone();
});

test('the tests do not run on when the script is told to end', async () => {
  const { code, left } = await ciRun({
    node: 'exit 0',
    chromium: 'true',
    strace: 'true',
    npm: `[ "$1" = test ] && { endless tests; exit; }; ${once('tests')}; : >"$PIDS/ended-early"
      kill -TERM "$PPID"; endless audit`,
  });
  expect(code).toBe('SIGTERM');
  expect(left).toEqual([]);
  expect(pids.length).toBeGreaterThan(0);
  await areGone();
});

test.each([
  { tests: 0, audit: 0, code: 0 },
  { tests: 3, audit: 0, code: 3 },
  { tests: 0, audit: 1, code: 1 },
])('what the tests and the audit give, it gives: $tests, $audit', async ({ tests, audit, code }) => {
  const given = await ciRun({
    node: 'exit 0',
    chromium: 'true',
    strace: 'true',
    npm: `[ "$1" = test ] && { echo "$REQUIRE_BROWSER_TESTS"; exit ${tests}; }; echo asked; exit ${audit}`,
  });
  expect(given).toEqual({ code, output: 'true\nasked\n', left: [] });
});
