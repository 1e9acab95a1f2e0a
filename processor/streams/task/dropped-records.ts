import type { Logger } from '../logger.ts';

/**
 * Why a record was passed over:
 * - `null-key`: it was to be grouped and has no key, or the selector answered none.
 * - `invalid-timestamp`: its event time is no time, or before 1970, and its stream has no dead-letter topic.
 * - `late`: all of its windows were closed already.
 */
export const DROP_REASONS = ['null-key', 'invalid-timestamp', 'late'] as const;
export type DropReason = (typeof DROP_REASONS)[number];
/** Reasons that have not occurred are left out. */
export type DropCounts = Readonly<Partial<Record<DropReason, number>>>;

const LOG_INTERVAL_MS = 60_000;

/**
 * How many records a task has passed over, by reason: nothing is left out that nobody counts. What an aborted transaction
 * dropped is not counted, since its records are read again.
 */
export class DroppedRecords {
  readonly #committed: Partial<Record<DropReason, number>> = {};
  readonly #pending = new Map<DropReason, number>();
  readonly #untold = new Map<DropReason, number>();
  #toldAtMs = -Infinity;

  add(reason: DropReason, count = 1): void {
    this.#pending.set(reason, (this.#pending.get(reason) ?? 0) + count);
  }

  /** Of committed transactions, since the task came to this thread. */
  counts(): DropCounts {
    return { ...this.#committed };
  }

  committed(): void {
    for (const [reason, count] of this.#pending) {
      this.#committed[reason] = (this.#committed[reason] ?? 0) + count;
      this.#untold.set(reason, (this.#untold.get(reason) ?? 0) + count);
    }
    this.#pending.clear();
  }

  aborted(): void {
    this.#pending.clear();
  }

  /** One line at once for the first, then one a minute at most. `nowMs`: of a clock that does not jump. */
  tell(logger: Logger, taskId: string, nowMs: number): void {
    if (this.#untold.size === 0 || nowMs - this.#toldAtMs < LOG_INTERVAL_MS) return;
    logger.warn({ taskId, dropped: Object.fromEntries(this.#untold) }, 'records were dropped');
    this.#untold.clear();
    this.#toldAtMs = nowMs;
  }
}

/** Over several tasks. */
export function sumOfDrops(counts: Iterable<DropCounts | undefined>): DropCounts {
  const sum: Partial<Record<DropReason, number>> = {};
  for (const one of counts) {
    for (const reason of DROP_REASONS) {
      const count = one?.[reason] ?? 0;
      if (count > 0) sum[reason] = (sum[reason] ?? 0) + count;
    }
  }
  return sum;
}
