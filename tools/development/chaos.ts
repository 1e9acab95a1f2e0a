import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHAOS_USAGE, parseChaosArguments } from './chaos-arguments.ts';
import { askedOrExit } from '../command-line/command-line.ts';
import { projectRoot } from '../command-line/project-root.ts';
import { killRunningOnSignals, runJest, title } from './run-tests.ts';
import { summaryLine } from './test-tally.ts';

/**
 * `npm run chaos`: the faults of tests/chaos at full length, one suite at a time, and every figure at the end. The seed
 * of the run is printed first: with it a failure is repeated.
 */
const SUITES_DIR = join(projectRoot, 'tests', 'chaos');
const suites = readdirSync(SUITES_DIR)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => name.slice(0, -'.test.ts'.length))
  .sort();
const asked = askedOrExit(CHAOS_USAGE, () => parseChaosArguments(process.argv.slice(2), suites));
const LONGEST_MINUTES = 240;

if (asked.help) {
  process.stdout.write(CHAOS_USAGE);
  process.exit(0);
}
if (asked.list) {
  process.stdout.write(`${suites.join('\n')}\n`);
  process.exit(0);
}

killRunningOnSignals();
const seed = asked.seed ?? Date.now() % 1_000_000;
process.stdout.write(`seed ${String(seed)}: repeat this run with --seed ${String(seed)}\n`);
const dir = await mkdtemp(join(tmpdir(), 'tributary-chaos-'));
const figures = join(dir, 'figures.jsonl');
const env = {
  ...process.env,
  SEED: String(seed),
  CHAOS: asked.short ? 'short' : 'full',
  CHAOS_FIGURES: figures,
  ...(asked.minutes === null ? {} : { CHAOS_MINUTES: String(asked.minutes) }),
};
const chosen = asked.names.length === 0 ? [] : [`/tests/chaos/(${asked.names.join('|')})[^/]*\\.test\\.ts$`];
const tally = await runJest(asked.mutants ? 'mutants' : 'chaos', { minutes: LONGEST_MINUTES, options: chosen, env });
process.stdout.write(await reportText());
await rm(dir, { recursive: true, force: true });
if (tally.failures.length > 0)
  process.stdout.write(`\n${tally.failures.map((failure) => `FAILED  ${failure}\n`).join('')}`);
process.stdout.write(`\nseed ${String(seed)}\n${summaryLine(tally)}\n`);
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;

/** A table in Markdown, as the figures came. */
async function reportText(): Promise<string> {
  const lines = (await readFile(figures, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  if (lines.length === 0) return '';
  title('figures');
  const rows = lines.map((line) => JSON.parse(line) as { fault: string; asked: string; measured: string });
  return [
    '| fault | asked | measured |',
    '|---|---|---|',
    ...rows.map(({ fault, asked: wanted, measured }) => `| ${fault} | ${wanted} | ${measured} |`),
  ]
    .map((line) => `${line}\n`)
    .join('');
}
