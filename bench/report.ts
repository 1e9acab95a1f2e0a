import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { shortfalls } from './statistics.ts';

const BAR_WIDTH = 30;
const resultsDirectory = fileURLToPath(new URL('./results/', import.meta.url));
const storedFile = fileURLToPath(new URL('./stored-ratios.json', import.meta.url));

/** A bar on a terminal; nothing elsewhere. */
export function progress(what: string, done: number, total: number): void {
  if (!process.stderr.isTTY) return;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  process.stderr.write(
    `\r\u001b[2K${what} [${'#'.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}] ` +
      `${String(Math.round(share * 100))} %${share >= 1 ? '\n' : ''}`,
  );
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Rows of text under a head, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const text = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? grouped.format(cell) : cell)));
  const widths = head.map((title, column) => Math.max(title.length, ...text.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  say(line(head));
  for (const row of text) say(line(row));
}

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });

/** Writes bench/results/<name>.json: the result, and on what it was measured. */
export function save(name: string, result: object): void {
  mkdirSync(resultsDirectory, { recursive: true });
  const commit =
    output('git', 'rev-parse', '--short', 'HEAD') +
    (output('git', 'status', '--porcelain', '--', 'processor', 'schema', 'patches') === '' ? '' : ' with changes');
  const machine = {
    cores: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
  const versions = {
    node: process.version,
    kafkajs: '2.2.4',
    kafka: '4.4.0',
    kafkaStreams: '4.4.0',
    java: javaVersion(),
  };
  writeFileSync(
    `${resultsDirectory}${name}.json`,
    `${JSON.stringify({ name, at: new Date().toISOString(), commit, machine, versions, ...result }, null, 2)}\n`,
  );
}

/** The first line of what `java -version` prints to its standard error. */
function javaVersion(): string {
  return output('sh', '-c', 'java -version 2>&1').split('\n')[0] ?? 'unknown';
}

function output(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

type Stored = Record<string, Record<string, number>>;

function readStored(): Stored {
  try {
    return JSON.parse(readFileSync(storedFile, 'utf8')) as Stored;
  } catch {
    return {};
  }
}

export function storeRatios(bench: string, ratios: Readonly<Record<string, number>>): void {
  const all = readStored();
  const rounded = Object.fromEntries(
    Object.entries(ratios).map(([name, ratio]) => [name, Math.round(ratio * 1_000) / 1_000]),
  );
  writeFileSync(storedFile, `${JSON.stringify({ ...all, [bench]: { ...all[bench], ...rounded } }, null, 2)}\n`);
}

/** Says which ratios are more than 15 % worse than stored; answers whether none is. */
export function checkRatios(bench: string, ratios: Readonly<Record<string, number>>): boolean {
  const stored = readStored()[bench];
  if (stored === undefined) {
    say(`nothing is stored of ${bench}: run it once with --store`);
    return false;
  }
  const fallen = shortfalls(stored, ratios);
  for (const { name, stored: before, now } of fallen)
    say(`WORSE  ${name}: ${now.toFixed(3)} of raw kafkajs, stored ${before.toFixed(3)}`);
  if (fallen.length === 0) say(`${bench}: no ratio is more than 15 % worse than stored`);
  return fallen.length === 0;
}
