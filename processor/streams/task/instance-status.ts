import type { DropCounts } from './dropped-records.ts';

/**
 * What each processor instance publishes once a second to the compacted topic `<applicationId>-status`, JSON, keyed by
 * its process id; a tombstone when it leaves cleanly. The API's `processor` field is read from here.
 */
export interface InstanceStatus {
  readonly id: string;
  readonly applicationId: string;
  readonly guarantee: 'exactly_once' | 'at_least_once';
  readonly topology: string;
  readonly host: string;
  readonly startedAtMs: number;
  readonly reportedAtMs: number;
  readonly threads: number;
  readonly recordsPerSecond: number;
  readonly tasks: readonly TaskStatus[];
  /** Where it answers questions about its stores, of whom has the token: `queryListener` is given. */
  readonly queryAddress?: { readonly host: string; readonly port: number };
  /** Its tasks stand still, as its owner has asked for. */
  readonly paused?: true;
  /** Ids of all tasks of the application: those that no instance reports wait to be started. */
  readonly allTasks?: readonly string[];
  /**
   * Lag of tasks that this instance does not have, by task id: read as long as it is not RUNNING itself.
   */
  readonly waiting?: Readonly<Record<string, number>>;
}

type TaskRole = 'ACTIVE' | 'STANDBY';
export type TaskStateName = 'CREATED' | 'RESTORING' | 'RUNNING' | 'SUSPENDED' | 'CLOSED';

export interface TaskStatus {
  /** `<sub-topology>_<partition>`, as in Kafka Streams. */
  readonly id: string;
  readonly role: TaskRole;
  readonly state: TaskStateName;
  /** `topic-partition` names that it reads. */
  readonly inputs: readonly string[];
  /** End offset less committed position, summed over the inputs; 0 when all is processed. */
  readonly lag: number;
  /** The task does not run, and its lag has not been read yet: `lag` means nothing. */
  readonly lagKnown?: false;
  /** Active tasks: records that were dropped since this instance has the task, by reason. */
  readonly dropped?: DropCounts;
  /** Only while restoring. */
  readonly restore?: { readonly restored: number; readonly total: number; readonly remainingMs: number | null };
}
