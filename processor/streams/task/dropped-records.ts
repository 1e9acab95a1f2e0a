import { dateText } from '../date-text.ts';
import type { Logger } from '../logger.ts';

/**
 * Why a record was dropped:
 * - `null-key`: it was to be grouped and has no key, or the selector returned none.
 * - `null-value`: it has no value, and its stream does not keep such records.
 * - `invalid-timestamp`: its event time is no time, or before 1970, and its stream has no dead-letter topic.
 * - `late`: a window that it belongs to was closed already; counted for each of its windows and tables, as in Kafka
 *   Streams.
 * - `processing-error`, `production-error`: user code failed at it, or what was made of it could not be written, and
 *   the application's handler let it pass, dead-lettered or not; once a failure.
 */
const DROP_REASONS = [
  'null-key',
  'null-value',
  'invalid-timestamp',
  'late',
  'processing-error',
  'production-error',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];
/** Reasons that have not occurred are left out. */
export type DropCounts = Readonly<Partial<Record<DropReason, number>>>;

/** A record that came too late for a window. */
interface LateRecord {
  /** `topic-partition` that it, or its partial, was read from. */
  readonly place: string;
  readonly timestampMs: number;
  readonly streamTimeMs: number;
}

/**
 * How many windows of single records one window table has counted, and how many it has left out: one number alone would
 * not show that a table loses most of its records.
 */
export interface WindowIntake {
  taken(count: number): void;
  /** Counts them as `late`, too. */
  leftOut(count: number, example: LateRecord): void;
}

interface Intake {
  readonly pending: { taken: number; late: number };
  readonly unlogged: { taken: number; late: number };
  example: LateRecord | undefined;
}

const LOG_INTERVAL_MS = 60_000;

/**
 * How many records a task has dropped, by reason: no record is left out without being counted. Drops of an aborted
 * transaction do not count, since its records are read again.
 */
export class DroppedRecords {
  readonly #committed: Partial<Record<DropReason, number>> = {};
  readonly #pending = new Map<DropReason, number>();
  readonly #unlogged = new Map<DropReason, number>();
  readonly #intakes = new Map<string, Intake>();
  #loggedAtMs = -Infinity;

  add(reason: DropReason, count = 1): void {
    this.#pending.set(reason, (this.#pending.get(reason) ?? 0) + count);
  }

  /** Of the window table that is kept in this store. */
  intakeOf(store: string): WindowIntake {
    const intake: Intake = this.#intakes.get(store) ?? {
      pending: { taken: 0, late: 0 },
      unlogged: { taken: 0, late: 0 },
      example: undefined,
    };
    this.#intakes.set(store, intake);
    const { pending } = intake;
    return {
      taken: (count) => {
        pending.taken += count;
      },
      leftOut: (count, example) => {
        pending.late += count;
        intake.example = example;
        // mutant: count-late
        this.add('late', count);
      },
    };
  }

  /** Of committed transactions, since the task came to this thread. */
  counts(): DropCounts {
    return { ...this.#committed };
  }

  committed(): void {
    for (const [reason, count] of this.#pending) {
      this.#committed[reason] = (this.#committed[reason] ?? 0) + count;
      this.#unlogged.set(reason, (this.#unlogged.get(reason) ?? 0) + count);
    }
    this.#pending.clear();
    for (const { pending, unlogged } of this.#intakes.values()) {
      unlogged.taken += pending.taken;
      unlogged.late += pending.late;
      pending.taken = 0;
      pending.late = 0;
    }
  }

  aborted(): void {
    this.#pending.clear();
    for (const { pending } of this.#intakes.values()) {
      pending.taken = 0;
      pending.late = 0;
    }
  }

  /**
   * Logs at once for the first, then at most once a minute: which window tables have left out more than they counted
   * since the line before, with one record as an example. `nowMs`: of a clock that does not jump.
   */
  log(logger: Logger, taskId: string, nowMs: number): void {
    if (this.#unlogged.size === 0 || nowMs - this.#loggedAtMs < LOG_INTERVAL_MS) return;
    const losing = [...this.#intakes].flatMap(
      ([
        store,
        {
          unlogged: { taken, late },
          example,
        },
      ]) => (late > taken && example !== undefined ? [{ store, taken, late, ...example }] : []),
    );
    const dropped = Object.fromEntries(this.#unlogged);
    if (losing.length === 0) logger.warn({ taskId, dropped }, 'records were dropped');
    else logger.warn({ taskId, dropped, tables: losing }, `records were dropped: ${losing.map(textOf).join('; ')}`);
    this.#unlogged.clear();
    for (const { unlogged } of this.#intakes.values()) {
      unlogged.taken = 0;
      unlogged.late = 0;
    }
    this.#loggedAtMs = nowMs;
  }
}

function textOf({
  store,
  taken,
  late,
  place,
  timestampMs,
  streamTimeMs,
}: { store: string; taken: number; late: number } & LateRecord): string {
  return (
    `the windows of "${store}" left out more than they took (${String(late)} and ${String(taken)}) because it ` +
    `came too late: stream time is ${dateText(streamTimeMs)}, a record of ${place} is of ${dateText(timestampMs)}`
  );
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
