import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildPages } from './client-build.ts';
import { findChrome } from './find-chrome.ts';
import { ensureClientTypes, generateTypes } from './generated-types.ts';
import { projectRoot } from '../command-line/project-root.ts';
import { killRunningOnSignals, runJest, runNode, tool } from './run-tests.ts';
import { addTallies, emptyTally, summaryLine, type Tally } from './test-tally.ts';

/**
 * `npm test`: everything that proves the product. First the checks of the sources, side by side; then all tests, as one
 * run of jest. Arguments choose some of the sections: `npm test -- types unit`.
 */
const CHECKS: Readonly<Record<string, () => Promise<Check>>> = {
  codegen: () =>
    own('the committed types are those of the schema', async () => {
      if (!(await generateTypes()))
        throw new Error('schema/logins/generated/ was not current: it has been written anew, commit it');
    }),
  lint: () =>
    all([
      program('lint', tool('oxlint/bin/oxlint'), ['--deny-warnings']),
      program('format', tool('prettier/bin/prettier.cjs'), ['--check', '--log-level', 'warn', '.']),
      program('exports that nobody uses', tool('knip/bin/knip.js'), KNIP_ARGUMENTS),
      own('imports run one way', cruiseImports),
    ]),
  types: () => all([program('types', tool('typescript/bin/tsc'), ['-p', '.']), clientTypes()]),
  client: () => own('the pages can be built', async () => void (await buildPages())),
};

const KNIP_ARGUMENTS = ['--no-progress', '--include', 'exports,types,files,duplicates'];

/** Projects of jest.config.mjs. Of one run, so that no worker waits for the last file of each. */
const TESTS = ['unit', 'integration', 'packages', 'chaos', 'mutants', 'browser'] as const;

/**
 * More than there are cores: most files mostly wait, for sessions that end and processes that start. Fewer where speed
 * is judged.
 */
const WORKERS = process.env['CHAOS'] === 'full' ? '3' : '5';

function houses(): string[] {
  return ['processor', 'schema', 'client', 'tools', 'tests', 'bench', 'examples'].filter((house) =>
    existsSync(join(projectRoot, house)),
  );
}

/** Silent unless it fails: the tool warns each time that it reads TypeScript with swc. */
async function cruiseImports(): Promise<void> {
  await ensureClientTypes();
  const args = [
    tool('dependency-cruiser/bin/dependency-cruiser.mjs'),
    '--config',
    '.dependency-cruiser.mjs',
    ...houses(),
  ];
  await promisify(execFile)(process.execPath, args, { cwd: projectRoot }).catch((error: unknown) => {
    const said =
      typeof error === 'object' && error !== null && 'stdout' in error && 'stderr' in error
        ? `${String(error.stdout)}${String(error.stderr)}`
        : String(error);
    throw new Error(said.trimEnd());
  });
}

/** What a check came to, and what it said: printed in one piece, for others run beside it. */
interface Check {
  readonly tally: Tally;
  readonly text: string;
}

/** A check counts as one test. */
const verdict = (name: string, said: string, wrong?: string): Check => ({
  tally: wrong === undefined ? { ...emptyTally, passed: 1 } : { ...emptyTally, failed: 1, failures: [wrong] },
  text: `\n== ${name}\n${said === '' ? '' : `${said.trimEnd()}\n`}`,
});

async function all(checks: readonly Promise<Check>[]): Promise<Check> {
  return (await Promise.all(checks)).reduce((one, other) => ({
    tally: addTallies(one.tally, other.tally),
    text: `${one.text}${other.text}`,
  }));
}

async function program(name: string, path: string, args: readonly string[]): Promise<Check> {
  const { code, output } = await runNode([path, ...args], 5, { keepOutput: true });
  return code === 0 ? verdict(name, output) : verdict(name, output, `${name}: exit code ${code ?? 'none'}`);
}

async function clientTypes(): Promise<Check> {
  await ensureClientTypes();
  return program('types of the client', tool('typescript/bin/tsc'), ['-p', 'client']);
}

/** The same for a check that is a function: it fails by throwing. */
async function own(name: string, work: () => Promise<void>): Promise<Check> {
  try {
    await work();
    return verdict(name, '');
  } catch (error) {
    return verdict(name, error instanceof Error ? error.message : String(error), name);
  }
}

/** The types of the schema are written before anything reads them; all else runs side by side. */
async function checks(asked: readonly string[]): Promise<Tally> {
  let tally = emptyTally;
  const done = async (name: string): Promise<void> => {
    const check = await CHECKS[name]?.();
    if (check === undefined) return;
    tally = addTallies(tally, check.tally);
    process.stdout.write(check.text);
  };
  if (asked.includes('codegen')) await done('codegen');
  await Promise.all(asked.filter((name) => name !== 'codegen').map(done));
  return tally;
}

/** Where there is no broker, the tests say why. */
async function firstBroker(): Promise<void> {
  if (asked(TESTS).some((name) => name !== 'unit'))
    await runNode(['tests/support/first-broker.ts'], 5, { keepOutput: true });
}

/** All projects in one run; but a page whose speed is judged has the machine to itself. */
async function tests(asked: readonly string[]): Promise<Tally> {
  const watched = process.env['DASHBOARD_MINUTES'];
  const chrome = asked.includes('browser') ? findChrome() : undefined;
  const env = chrome === undefined ? process.env : { ...process.env, CHROME_PATH: chrome };
  const together = asked.filter((name) => name !== 'browser' || watched === undefined);
  // Tests that need a page would build it side by side, each into the same directory. They say when that fails.
  if (['browser', 'unit', 'packages'].some((name) => asked.includes(name))) await buildPages().catch(() => undefined);
  let tally = emptyTally;
  if (asked.includes('browser') && chrome === undefined) tally = addTallies(tally, noBrowser());
  if (together.length > 0) tally = addTallies(tally, await runJest(together, { minutes: 60, workers: WORKERS, env }));
  if (together.length === asked.length) return tally;
  // A minute of sleep for each of two pages comes on top of what is asked for.
  return addTallies(tally, await runJest('browser', { minutes: 30 + Number(watched) + 2, env }));
}

/** The browser tests skip themselves, and count as skipped. */
function noBrowser(): Tally {
  const line = 'THE BROWSER TESTS ARE SKIPPED: there is no Chromium or Chrome on PATH, and CHROME_PATH names none';
  process.stdout.write(`\n${'!'.repeat(line.length)}\n${line}\n${'!'.repeat(line.length)}\n`);
  if (process.env['REQUIRE_BROWSER_TESTS'] !== 'true') return emptyTally;
  return { ...emptyTally, failed: 1, failures: ['browser: skipped, although REQUIRE_BROWSER_TESTS is true'] };
}

killRunningOnSignals();

const chosen = process.argv.slice(2);
const sections: readonly string[] = [...Object.keys(CHECKS), ...TESTS];
const unknown = chosen.find((name) => !sections.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`npm test knows no section "${unknown}": it takes ${sections.join(', ')}\n`);
  process.exit(2);
}

const asked = (names: readonly string[]): string[] =>
  names.filter((name) => chosen.length === 0 || chosen.includes(name));
const [checked] = await Promise.all([checks(asked(Object.keys(CHECKS))), firstBroker()]);
const total = addTallies(checked, await tests(asked(TESTS)));
if (total.failures.length > 0)
  process.stdout.write(`\n${total.failures.map((failure) => `FAILED  ${failure}\n`).join('')}`);
process.stdout.write(`\n${summaryLine(total)}\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
