import { z } from 'zod';

import type { InstanceStatus, TableChange } from '@tributary/streams';
import { APPLICATION_RECORD_KEY } from '@tributary/streams/operations';

/** An instance without a report for so long is shown as not alive. */
const SILENT_AFTER_MS = 10_000;
/** A lag that was reported so long ago is no longer true: four reports are missing. */
const LAG_OUTDATED_AFTER_MS = 4_000;
/** An instance without a report for so long is no longer shown. */
const DROPPED_AFTER_MS = 60_000;

/** No instance has so much lag, and the sum of many such lags is still a number that GraphQL can carry. */
const MAX_WAITING = 1_000_000_000_000;

/**
 * Rounded, since a report with a slightly wrong number still shows that its instance is alive; a number that no result
 * could carry makes the report invalid.
 */
const roundedUpTo = (most: number) =>
  z
    .number()
    .max(most)
    .transform((value) => Math.max(0, Math.round(value)));
const count = roundedUpTo(MAX_WAITING);
const time = roundedUpTo(Date.parse('9999-12-31T23:59:59.999Z'));
const instanceStatus = z.object({
  id: z.string(),
  applicationId: z.string(),
  guarantee: z.enum(['exactly_once', 'at_least_once']),
  topology: z.string(),
  host: z.string(),
  startedAtMs: time,
  reportedAtMs: time,
  threads: roundedUpTo(1_000_000),
  recordsPerSecond: z.number().nonnegative(),
  tasks: z.array(
    z.object({
      id: z.string(),
      role: z.enum(['ACTIVE', 'STANDBY']),
      state: z.enum(['CREATED', 'RESTORING', 'RUNNING', 'SUSPENDED', 'CLOSED']),
      inputs: z.array(z.string()),
      lag: count,
      lagKnown: z.literal(false).optional(),
      restore: z.object({ restored: count, total: count, remainingMs: count.nullable() }).nullish(),
    }),
  ),
  queryAddress: z.object({ host: z.string().min(1), port: z.int().min(1).max(65_535) }).optional(),
  allTasks: z.array(z.string()).optional(),
  waiting: z.record(z.string(), count).optional(),
});

export interface ListedInstance {
  readonly status: InstanceStatus;
  readonly alive: boolean;
  /** The last report is recent enough for its lag to be true. */
  readonly current: boolean;
}

interface Report {
  readonly status: InstanceStatus;
  readonly partition: number;
  /** By a clock of this instance that nobody sets: who is alive depends on no wall clock. */
  readonly heardAtMs: number;
}

interface Clocks {
  /** Of a clock that nobody sets, milliseconds. */
  readonly elapsedMs: number;
  /** The wall clock, epoch milliseconds. */
  readonly nowMs: number;
}

/** What the processor instances last reported about themselves. */
export class InstanceList {
  readonly #heard = new Map<string, Report>();
  #listed = '';
  #version = 0;

  get version(): number {
    return this.#version;
  }

  /**
   * `live`: the report is new; otherwise it was read from the past, and is as old as it says. Throws on a value that
   * cannot be read.
   */
  apply(change: TableChange, version: number, { elapsedMs, nowMs }: Clocks, live: boolean): void {
    const id = change.key.toString('utf8');
    // The application's own record is no instance.
    if (id === APPLICATION_RECORD_KEY) return;
    if (change.value === null) {
      this.#heard.delete(id);
    } else {
      const status = instanceStatus.parse(JSON.parse(change.value.toString('utf8'))) as InstanceStatus;
      if (waitingFor(status) > MAX_WAITING)
        throw new TypeError('more waits for the tasks of an instance than there can be');
      const heardAtMs = live ? elapsedMs : elapsedMs - Math.max(0, nowMs - status.reportedAtMs);
      this.#heard.set(id, { status, partition: change.partition, heardAtMs });
    }
    this.#version = version;
  }

  reset(partition: number, version: number): void {
    for (const [id, heard] of this.#heard) if (heard.partition === partition) this.#heard.delete(id);
    this.#version = version;
  }

  /** To be called as time passes: true, and a new version, when an instance went silent or was dropped since. */
  tick(version: number, elapsedMs: number): boolean {
    for (const [id, heard] of this.#heard) if (elapsedMs - heard.heardAtMs > DROPPED_AFTER_MS) this.#heard.delete(id);
    const listed = this.list(elapsedMs)
      .map(({ status, alive, current }) => `${status.id} ${alive} ${current}`)
      .join();
    if (listed === this.#listed) return false;
    this.#listed = listed;
    this.#version = version;
    return true;
  }

  /** By start time, the oldest first. */
  list(elapsedMs: number): ListedInstance[] {
    return [...this.#heard.values()]
      .filter(({ heardAtMs }) => elapsedMs - heardAtMs <= DROPPED_AFTER_MS)
      .map(({ status, heardAtMs }) => ({
        status,
        alive: elapsedMs - heardAtMs <= SILENT_AFTER_MS,
        current: elapsedMs - heardAtMs <= LAG_OUTDATED_AFTER_MS,
      }))
      .sort((a, b) => a.status.startedAtMs - b.status.startedAtMs || (a.status.id < b.status.id ? -1 : 1));
  }

  /**
   * Input records not processed yet, over all tasks of the application. Null while the lag of one task is unknown: no
   * task is known yet, or the instance that had the task is silent. A task that is moving is in two reports: the newer
   * one counts.
   */
  lag(elapsedMs: number): number | null {
    const listed = this.list(elapsedMs).sort((a, b) => a.status.reportedAtMs - b.status.reportedAtMs);
    const known = new Set<string>();
    const lags = new Map<string, number | null>();
    const waiting = new Map<string, number>();
    for (const { status, current } of listed) {
      for (const id of status.allTasks ?? []) known.add(id);
      for (const [id, lag] of Object.entries(status.waiting ?? {})) if (current) waiting.set(id, lag);
      for (const { id, role, lag, lagKnown } of status.tasks) {
        if (role !== 'ACTIVE') continue;
        known.add(id);
        if (current) lags.set(id, lagKnown === false ? null : lag);
      }
    }
    if (known.size === 0) return null;
    let sum = 0;
    for (const id of known) {
      const lag = lags.get(id) ?? waiting.get(id);
      if (lag === undefined) return null;
      sum += lag;
    }
    return Math.min(sum, Number.MAX_SAFE_INTEGER);
  }
}

function waitingFor({ tasks, waiting }: InstanceStatus): number {
  const ofTasks = tasks.reduce((sum, { lag }) => sum + lag, 0);
  return Object.values(waiting ?? {}).reduce((sum, lag) => sum + lag, ofTasks);
}
