import { readFileSync } from 'node:fs';
import { cpuSeconds, TICKS_PER_SECOND } from './bench-process.ts';

const SAMPLE_EVERY_MS = 1_000;
/** Behind its name, of all cores: user, nice, system, idle, waiting for a disk, both kinds of interrupts, the host. */
const CPU_FIELDS = 8;
const IDLE_FIELDS: ReadonlySet<number> = new Set([3, 4]);

/** What processes that are not the bench's have taken of the cores in a part of a run. */
export interface OtherLoad {
  readonly fromMs: number;
  readonly toMs: number;
  /** NaN where the machine does not say. */
  readonly cores: number;
}

/**
 * Looks once a second at what others take of the cores: an answer that waits for a core that somebody else has says
 * nothing about who answers.
 */
export class OtherLoads {
  readonly #loads: OtherLoad[] = [];
  readonly #timer: NodeJS.Timeout;
  #last = sample();

  constructor() {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS);
  }

  /** What there was until now, in the order of time. */
  stop(): readonly OtherLoad[] {
    clearInterval(this.#timer);
    this.#sample();
    return this.#loads;
  }

  #sample(): void {
    const [before, now] = [this.#last, sample()];
    this.#last = now;
    const seconds = (now.atMs - before.atMs) / 1_000;
    const others = now.machine - before.machine - (now.own - before.own);
    this.#loads.push({ fromMs: before.atMs, toMs: now.atMs, cores: Math.max(0, others / seconds) });
  }
}

/** Over all of the time. */
export function meanCores(loads: readonly OtherLoad[]): number {
  const ms = loads.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  return loads.reduce((sum, { fromMs, toMs, cores }) => sum + (cores * (toMs - fromMs)) / ms, 0);
}

/** Whether others took less than `cores` all the time between. */
export function wasQuiet(loads: readonly OtherLoad[], fromMs: number, toMs: number, cores: number): boolean {
  return loads.every((load) => load.toMs <= fromMs || load.fromMs >= toMs || load.cores < cores);
}

function sample(): { readonly atMs: number; readonly machine: number; readonly own: number } {
  return { atMs: performance.now(), machine: workedSeconds(), own: cpuSeconds(process.pid) };
}

/** Of all cores, and what the host has taken of them. */
function workedSeconds(): number {
  try {
    const [all = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
    const [, ...ticks] = all.split(/ +/).slice(0, CPU_FIELDS + 1);
    return ticks.reduce((sum, field, at) => sum + (IDLE_FIELDS.has(at) ? 0 : Number(field)), 0) / TICKS_PER_SECOND;
  } catch {
    return NaN;
  }
}
