import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Logger } from '../processor/streams/logger.ts';

const silent: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`) };

/** What every benchmark prints with. Results go to bench/results/<name>.json with machine, versions and commit. */
export const bench = {
  silent,

  progress(what: string, done: number, total: number): void {
    if (!process.stderr.isTTY) return;
    const width = 30;
    const filled = Math.round((done / total) * width);
    process.stderr.write(`\r${what} [${'#'.repeat(filled)}${' '.repeat(width - filled)}] ${String(Math.round((done / total) * 100))} %${done >= total ? '\n' : ''}`);
  },

  save(name: string, result: object): void {
    const directory = fileURLToPath(new URL('./results/', import.meta.url));
    mkdirSync(directory, { recursive: true });
    const commit = git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', 'processor') === '' ? '' : ' with changes');
    const machine = { cores: availableParallelism(), model: cpus()[0]?.model ?? 'unknown', memoryGiB: Math.round(totalmem() / 2 ** 30) };
    const report = { name, at: new Date().toISOString(), commit, machine, node: process.version, ...result };
    writeFileSync(`${directory}${name}.json`, `${JSON.stringify(report, null, 2)}\n`);
  },
};

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

/** The middle value; of an even number of values the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Nearest-rank percentile; `share` from 0 to 1. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}
