import { appendFileSync } from 'node:fs';

/*
 * What the files of tests/chaos share. `npm test` runs them short; `npm run chaos` runs them at full length and prints
 * every figure at the end. SEED repeats a run.
 */

const full = process.env['CHAOS'] === 'full';

/** Every random choice of a run follows from it. A failure is repeated with `SEED=<it>`, or `--seed <it>`. */
export const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

/** How long the nemesis rages: `npm run chaos -- --minutes <n>`. */
export const nemesisMinutes = Number(process.env['CHAOS_MINUTES'] ?? (full ? 30 : 0.5));

/** `short` inside `npm test`, `full` in `npm run chaos`. */
export function sized<T>(sizes: { readonly short: T; readonly full: T }): T {
  return full ? sizes.full : sizes.short;
}

/** A test's own time limit, for its full length alone: inside `npm test` the one of jest.config.mjs is long enough. */
export const timeLimit = (fullMs: number): number => Math.max(fullMs, 300_000);

/** One figure of the report: what was done, what was asked of it, what was measured. */
export interface Figure {
  readonly fault: string;
  readonly asked: string;
  readonly measured: string;
}

/** Adds to the report of `npm run chaos`; inside `npm test` nobody asks for one. */
export function reportFigure(figure: Figure): void {
  const file = process.env['CHAOS_FIGURES'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ ...figure, seed })}\n`);
}

/** Times in milliseconds as a figure: the median and the worst, in seconds. */
export function spread(timesMs: readonly number[]): string {
  const sorted = [...timesMs].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
  return `median ${seconds(median)}, worst ${seconds(sorted.at(-1) ?? NaN)}`;
}

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
