import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildClient } from './client-build.ts';
import { findChrome } from './find-chrome.ts';
import { generateTypes } from './generated-types.ts';
import { projectRoot } from './project-root.ts';
import { addTallies, emptyTally, summaryLine, tallyOfJest, type Tally } from './test-tally.ts';

/**
 * `npm test`: everything that proves the product, in the order in which a mistake is cheapest to find. Arguments choose some
 * of the sections: `npm test -- types unit`.
 */
const sections: Readonly<Record<string, () => Promise<Tally>>> = {
  codegen: () =>
    own('the committed types are those of the schema', async () => {
      if (!(await generateTypes())) throw new Error('schema/generated/ was not current: it has been written anew, commit it');
    }),
  types: async () => addTallies(await check('types', tool('typescript/bin/tsc'), ['-p', '.']), await clientTypes()),
  lint: async () =>
    addTallies(
      await check('lint', tool('oxlint/bin/oxlint'), ['--deny-warnings']),
      await own('imports run one way', cruiseImports),
    ),
  client: () => own('the client can be built', async () => void (await buildClient())),
  unit: () => jest('unit', 10),
  integration: () => jest('integration', 30),
  browser,
};

function tool(path: string): string {
  return join(projectRoot, 'node_modules', path);
}

function houses(): string[] {
  return ['processor', 'schema', 'client/src', 'tools', 'tests', 'bench', 'examples'].filter((house) => existsSync(join(projectRoot, house)));
}

/** Silent unless it fails: the tool warns each time that it reads TypeScript with swc. */
async function cruiseImports(): Promise<void> {
  const args = [tool('dependency-cruiser/bin/dependency-cruiser.mjs'), '--config', '.dependency-cruiser.mjs', ...houses()];
  await promisify(execFile)(process.execPath, args, { cwd: projectRoot }).catch((error: unknown) => {
    const said = typeof error === 'object' && error !== null && 'stdout' in error && 'stderr' in error ? `${String(error.stdout)}${String(error.stderr)}` : String(error);
    throw new Error(said.trimEnd());
  });
}

function title(text: string): void {
  process.stdout.write(`\n== ${text}\n`);
}

/**
 * Runs a program to its end, its output on ours. After `minutes`, or half a minute after it wrote `resultFile` and yet did
 * not end, it and all its children are killed.
 */
function run(
  args: readonly string[],
  minutes: number,
  { env = process.env, resultFile }: { env?: NodeJS.ProcessEnv; resultFile?: string } = {},
): Promise<{ code: number | null; timedOut: boolean }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: projectRoot, env, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    running = child.pid;
    let timedOut = false;
    let deadline = performance.now() + minutes * 60_000;
    const timer = setInterval(() => {
      if (resultFile !== undefined && existsSync(resultFile)) deadline = Math.min(deadline, performance.now() + 30_000);
      timedOut = performance.now() > deadline;
      if (timedOut) killRunning();
    }, 500);
    child.once('error', () => resolve({ code: null, timedOut }));
    child.once('exit', (code) => {
      clearInterval(timer);
      running = undefined;
      resolve({ code, timedOut });
    });
  });
}

/** The process group of what runs now: a Ctrl-C ends all of it. */
let running: number | undefined;

function killRunning(): void {
  try {
    if (running !== undefined) process.kill(-running, 'SIGKILL');
  } catch {
    // It ended by itself just now.
  }
}

/** A check counts as one test. */
async function check(name: string, program: string, args: readonly string[]): Promise<Tally> {
  title(name);
  const { code } = await run([program, ...args], 5);
  return code === 0 ? { ...emptyTally, passed: 1 } : { ...emptyTally, failed: 1, failures: [`${name}: exit code ${code ?? 'none'}`] };
}

async function clientTypes(): Promise<Tally> {
  if (!existsSync(join(projectRoot, 'client', 'tsconfig.json'))) return emptyTally;
  return check('types of the client', tool('typescript/bin/tsc'), ['-p', 'client']);
}

/** The same for a check that is a function: it fails by throwing. */
async function own(name: string, work: () => Promise<void>): Promise<Tally> {
  title(name);
  try {
    await work();
    return { ...emptyTally, passed: 1 };
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return { ...emptyTally, failed: 1, failures: [name] };
  }
}

/** One jest project. Where a broker or a browser runs, one file at a time: they would starve each other on two cores. */
async function jest(project: string, minutes: number, options: readonly string[] = [], env: NodeJS.ProcessEnv = process.env): Promise<Tally> {
  title(project);
  const dir = await mkdtemp(join(tmpdir(), 'tributary-test-'));
  try {
    const report = join(dir, 'report.json');
    const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const args = ['--selectProjects', project, '--json', '--outputFile', report, '--passWithNoTests', ...options];
    // Each integration test has a broker of its own and mostly waits for it; a browser wants the machine for itself.
    args.push(project === 'unit' ? '--maxWorkers=100%' : project === 'integration' ? '--maxWorkers=2' : '--runInBand');
    const { code, timedOut } = await run([...flags, tool('jest/bin/jest.js'), ...args], minutes, { env, resultFile: report });
    const parsed: unknown = await readFile(report, 'utf8').then(JSON.parse, () => undefined);
    const tally = tallyOfJest(parsed, projectRoot);
    if (timedOut) return addTallies(tally, { ...emptyTally, failed: 1, failures: [`${project}: jest did not end: a test leaves something running, or ${minutes} minutes were not enough`] });
    if (code !== 0 && tally.failed === 0) return addTallies(tally, { ...emptyTally, failed: 1, failures: [`${project}: jest ended with exit code ${code ?? 'none'}`] });
    return tally;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function browser(): Promise<Tally> {
  const chrome = findChrome();
  if (chrome !== undefined) return jest('browser', 15, [], { ...process.env, CHROME_PATH: chrome });
  const line = 'THE BROWSER TESTS ARE SKIPPED: there is no Chromium or Chrome on PATH, and CHROME_PATH names none';
  process.stdout.write(`\n${'!'.repeat(line.length)}\n${line}\n${'!'.repeat(line.length)}\n`);
  // A pattern that no test has: jest counts them without running a hook.
  const counted = await jest('browser', 2, ['--testNamePattern', '^(?!)', '--silent']);
  if (process.env['REQUIRE_BROWSER_TESTS'] !== 'true') return counted;
  return addTallies(counted, { ...emptyTally, failed: 1, failures: ['browser: skipped, although REQUIRE_BROWSER_TESTS is true'] });
}

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
  process.on(signal, () => {
    killRunning();
    process.exit(code);
  });
}

const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !(name in sections));
if (unknown !== undefined) {
  process.stderr.write(`npm test knows no section "${unknown}": it takes ${Object.keys(sections).join(', ')}\n`);
  process.exit(2);
}

let total = emptyTally;
for (const [name, section] of Object.entries(sections)) {
  if (chosen.length === 0 || chosen.includes(name)) total = addTallies(total, await section());
}
if (total.failures.length > 0) process.stdout.write(`\n${total.failures.map((failure) => `FAILED  ${failure}\n`).join('')}`);
process.stdout.write(`\n${summaryLine(total)}\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
