import { z } from 'zod';

import type { InstanceStatus, TableChange } from '@tributary/streams';
import { APPLICATION_RECORD_KEY } from '@tributary/streams/operations';

/** Unheard of for so long, an instance is shown as not alive. */
const SILENT_AFTER_MS = 10_000;
/** What an instance said so long ago is not what waits now: four reports are missing. */
const LAG_OUTDATED_AFTER_MS = 4_000;
/** And for so long, it is shown no more. */
const DROPPED_AFTER_MS = 60_000;

/** So much waits for no instance, and yet many instances' sums are a number that GraphQL can give. */
const MAX_WAITING = 1_000_000_000_000;

/**
 * A report that is a little off still says that its instance is there; numbers that no answer could give make it none.
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
  allTasks: z.array(z.string()).optional(),
  waiting: z.record(z.string(), count).optional(),
});

export interface ListedInstance {
  readonly status: InstanceStatus;
  readonly alive: boolean;
  /** Its last report is young enough to say what waits. */
  readonly current: boolean;
}

interface Heard {
  readonly status: InstanceStatus;
  readonly partition: number;
  /** By a clock of this instance that nobody sets: neither a processor's clock nor this machine's says who is there. */
  readonly heardAtMs: number;
}

export interface Clocks {
  /** Of a clock that nobody sets, milliseconds. */
  readonly elapsedMs: number;
  /** The wall clock, epoch milliseconds. */
  readonly nowMs: number;
}

/** What the processor instances last reported of themselves. */
export class InstanceList {
  readonly #heard = new Map<string, Heard>();
  #listed = '';
  #version = 0;

  get version(): number {
    return this.#version;
  }

  /**
   * `live`: heard just now; otherwise read from the past, and as old as it says. Throws on a value that cannot be read.
   */
  apply(change: TableChange, version: number, { elapsedMs, nowMs }: Clocks, live: boolean): void {
    const id = change.key.toString('utf8');
    // The application's own record: no instance.
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

  /** Lets time pass: true, and a new version, when an instance went silent or was dropped since the last call. */
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

  /** By start, the oldest first. */
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
   * Input records not processed yet, over all tasks of the application; null while of one of them nobody says how much
   * waits for it: none is known yet, or whoever had it is silent. A task that is just moving is in two reports: the
   * newer one counts.
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
