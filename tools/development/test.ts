import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildClient } from './client-build.ts';
import { findChrome } from './find-chrome.ts';
import { ensureClientTypes, generateTypes } from './generated-types.ts';
import { projectRoot } from '../command-line/project-root.ts';
import { killRunningOnSignals, runJest, runNode, title, tool } from './run-tests.ts';
import { addTallies, emptyTally, summaryLine, type Tally } from './test-tally.ts';

/**
 * `npm test`: everything that proves the product, in the order in which a mistake is cheapest to find. Arguments choose
 * some of the sections: `npm test -- types unit`.
 */
const sections: Readonly<Record<string, () => Promise<Tally>>> = {
  codegen: () =>
    own('the committed types are those of the schema', async () => {
      if (!(await generateTypes()))
        throw new Error('schema/logins/generated/ was not current: it has been written anew, commit it');
    }),
  types: async () => addTallies(await check('types', tool('typescript/bin/tsc'), ['-p', '.']), await clientTypes()),
  lint: async () =>
    addTallies(
      await check('lint', tool('oxlint/bin/oxlint'), ['--deny-warnings']),
      await own('imports run one way', cruiseImports),
    ),
  client: () => own('the client can be built', async () => void (await buildClient())),
  unit: () => runJest('unit', { minutes: 20, workers: '100%' }),
  integration: () => withBrokers(['integration']),
  chaos: () => withBrokers(['chaos']),
  mutants: () => withBrokers(['mutants']),
  browser,
};

/** Sections that are run as one, where all of them are asked for: no worker waits for the last file of each. */
const BROKERS = ['integration', 'chaos', 'mutants'] as const;

/** Each file has a broker of its own and mostly waits: for it, for sessions that end and for processes that start. */
function withBrokers(projects: readonly string[]): Promise<Tally> {
  return runJest(projects, { minutes: 60, workers: WORKERS });
}

const WORKERS = '3';

function houses(): string[] {
  return ['processor', 'schema', 'client/src', 'tools', 'tests', 'bench', 'examples'].filter((house) =>
    existsSync(join(projectRoot, house)),
  );
}

/** Silent unless it fails: the tool warns each time that it reads TypeScript with swc. */
async function cruiseImports(): Promise<void> {
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

/** A check counts as one test. */
async function check(name: string, program: string, args: readonly string[]): Promise<Tally> {
  title(name);
  const { code } = await runNode([program, ...args], 5);
  return code === 0
    ? { ...emptyTally, passed: 1 }
    : { ...emptyTally, failed: 1, failures: [`${name}: exit code ${code ?? 'none'}`] };
}

async function clientTypes(): Promise<Tally> {
  if (!existsSync(join(projectRoot, 'client', 'tsconfig.json'))) return emptyTally;
  await ensureClientTypes();
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

async function browser(): Promise<Tally> {
  const chrome = findChrome();
  // What DASHBOARD_MINUTES asks for comes on top, and a minute of sleep for each of two pages.
  const watched = Number(process.env['DASHBOARD_MINUTES'] ?? -2) + 2;
  // A page whose speed is judged has the machine to itself.
  const sideBySide = process.env['DASHBOARD_MINUTES'] === undefined ? { workers: '2' } : {};
  if (chrome !== undefined)
    return runJest('browser', { minutes: 30 + watched, ...sideBySide, env: { ...process.env, CHROME_PATH: chrome } });
  const line = 'THE BROWSER TESTS ARE SKIPPED: there is no Chromium or Chrome on PATH, and CHROME_PATH names none';
  process.stdout.write(`\n${'!'.repeat(line.length)}\n${line}\n${'!'.repeat(line.length)}\n`);
  // A pattern that no test has: jest counts them without running a hook.
  const counted = await runJest('browser', { minutes: 2, options: ['--testNamePattern', '^(?!)', '--silent'] });
  if (process.env['REQUIRE_BROWSER_TESTS'] !== 'true') return counted;
  return addTallies(counted, {
    ...emptyTally,
    failed: 1,
    failures: ['browser: skipped, although REQUIRE_BROWSER_TESTS is true'],
  });
}

killRunningOnSignals();

const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !(name in sections));
if (unknown !== undefined) {
  process.stderr.write(`npm test knows no section "${unknown}": it takes ${Object.keys(sections).join(', ')}\n`);
  process.exit(2);
}

let total = emptyTally;
const asked = Object.keys(sections).filter((name) => chosen.length === 0 || chosen.includes(name));
const together = BROKERS.every((name) => asked.includes(name));
for (const name of asked) {
  if (together && BROKERS.some((other) => other === name)) {
    if (name === BROKERS[0]) total = addTallies(total, await withBrokers(BROKERS));
  } else {
    total = addTallies(total, (await sections[name]?.()) ?? emptyTally);
  }
}
if (total.failures.length > 0)
  process.stdout.write(`\n${total.failures.map((failure) => `FAILED  ${failure}\n`).join('')}`);
process.stdout.write(`\n${summaryLine(total)}\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
