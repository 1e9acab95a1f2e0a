import { z } from 'zod';

import { APPLICATION_RECORD_KEY, type InstanceStatus } from '../../processor/streams/task/instance-status.ts';
import type { TableChange } from '../../processor/streams/table/global-table-types.ts';

/** Unheard of for so long, an instance is shown as not alive. */
const SILENT_AFTER_MS = 10_000;
/** And for so long, it is shown no more. */
const DROPPED_AFTER_MS = 60_000;

/** A report that is a little off still says that its instance is there. */
const count = z.number().transform((value) => Math.max(0, Math.round(value)));
const instanceStatus = z.object({
  id: z.string(),
  applicationId: z.string(),
  guarantee: z.enum(['exactly_once', 'at_least_once']),
  topology: z.string(),
  host: z.string(),
  startedAtMs: count,
  reportedAtMs: count,
  threads: count,
  recordsPerSecond: z.number().nonnegative(),
  tasks: z.array(
    z.object({
      id: z.string(),
      role: z.enum(['ACTIVE', 'STANDBY']),
      state: z.enum(['CREATED', 'RESTORING', 'RUNNING', 'SUSPENDED', 'CLOSED']),
      inputs: z.array(z.string()),
      lag: count,
      restore: z.object({ restored: count, total: count, remainingMs: count.nullable() }).nullish(),
    }),
  ),
});

export interface ListedInstance {
  readonly status: InstanceStatus;
  readonly alive: boolean;
}

interface Heard {
  readonly status: InstanceStatus;
  readonly partition: number;
  /** By this instance's own clock, so that a processor whose clock is off is not taken for dead. */
  readonly heardAtMs: number;
}

/** What the processor instances last reported of themselves. */
export class InstanceList {
  readonly #heard = new Map<string, Heard>();
  #listed = '';
  #version = 0;

  get version(): number {
    return this.#version;
  }

  /** `live`: heard just now; otherwise read from the past, and as old as it says. Throws on a value that cannot be read. */
  apply(change: TableChange, version: number, nowMs: number, live: boolean): void {
    const id = change.key.toString('utf8');
    // The application's own record: no instance.
    if (id === APPLICATION_RECORD_KEY) return;
    if (change.value === null) {
      this.#heard.delete(id);
    } else {
      const status = instanceStatus.parse(JSON.parse(change.value.toString('utf8'))) as InstanceStatus;
      const heardAtMs = live ? nowMs : Math.min(nowMs, status.reportedAtMs);
      this.#heard.set(id, { status, partition: change.partition, heardAtMs });
    }
    this.#version = version;
  }

  reset(partition: number, version: number): void {
    for (const [id, heard] of this.#heard) if (heard.partition === partition) this.#heard.delete(id);
    this.#version = version;
  }

  /** Lets time pass: true, and a new version, when an instance went silent or was dropped since the last call. */
  tick(version: number, nowMs: number): boolean {
    for (const [id, heard] of this.#heard) if (nowMs - heard.heardAtMs > DROPPED_AFTER_MS) this.#heard.delete(id);
    const listed = this.list(nowMs).map(({ status, alive }) => `${status.id} ${alive}`).join();
    if (listed === this.#listed) return false;
    this.#listed = listed;
    this.#version = version;
    return true;
  }

  /** By start, the oldest first. */
  list(nowMs: number): ListedInstance[] {
    return [...this.#heard.values()]
      .filter(({ heardAtMs }) => nowMs - heardAtMs <= DROPPED_AFTER_MS)
      .map(({ status, heardAtMs }) => ({ status, alive: nowMs - heardAtMs <= SILENT_AFTER_MS }))
      .sort((a, b) => a.status.startedAtMs - b.status.startedAtMs || (a.status.id < b.status.id ? -1 : 1));
  }

  /**
   * Input records not processed yet, over the active tasks of the instances that are alive; null while there are none.
   * A task that is just moving is in two reports: the newer one counts.
   */
  lag(nowMs: number): number | null {
    const alive = this.list(nowMs).filter((instance) => instance.alive);
    if (alive.length === 0) return null;
    const lags = new Map<string, number>();
    for (const { status } of alive.sort((a, b) => a.status.reportedAtMs - b.status.reportedAtMs)) {
      for (const task of status.tasks) if (task.role === 'ACTIVE') lags.set(task.id, task.lag);
    }
    let sum = 0;
    for (const lag of lags.values()) sum += lag;
    return sum;
  }
}
