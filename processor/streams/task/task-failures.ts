import { messageOf, StreamsError } from '../errors.ts';
import type { TaskId } from './task-id.ts';

/** After so many failures of one task in a row the thread ends, and the supervisor counts that. */
const MAX_FAILURES_IN_A_ROW = 5;
/** A restart of a broker, or a new leader, costs a task one or two failures. */
const AWAY_AFTER_FAILURES = 3;

/** How often the tasks of a thread have failed since their last commit, and when that is too often. */
export class TaskFailures {
  readonly #inARow = new Map<TaskId, number>();
  /** How often in a row a task found its broker away, and the last message. */
  readonly #away = new Map<TaskId, { readonly failures: number; readonly reason: string }>();

  /** By task that waits for the schema registry: why. */
  readonly #registryAway = new Map<TaskId, string>();

  /** Why a task makes no progress, although others may: its broker was away again and again. Null when none is so. */
  get awayReason(): string | null {
    for (const [id, { failures, reason }] of this.#away)
      if (failures >= AWAY_AFTER_FAILURES) return `task ${id} has failed ${String(failures)} times in a row: ${reason}`;
    return null;
  }

  /** Which tasks wait for the schema registry, in one line; null when none does. */
  get registryAwayReason(): string | null {
    const [why] = this.#registryAway.values();
    return why === undefined ? null : `tasks ${[...this.#registryAway.keys()].join(', ')} wait for it: ${why}`;
  }

  /**
   * Counts a failure. Returns the error by which the thread must end, or undefined when the task can be tried again.
   */
  count(id: TaskId, error: unknown): unknown {
    if (!(error instanceof StreamsError) || !['retake', 'wait', 'restore'].includes(error.reaction)) return error;
    if (error.code === 'SCHEMA_REGISTRY_AWAY') this.#registryAway.set(id, messageOf(error));
    if (error.code === 'BROKER_AWAY')
      this.#away.set(id, { failures: (this.#away.get(id)?.failures ?? 0) + 1, reason: messageOf(error) });
    // Fenced, or without a broker, a disk or a schema registry: that is no fault of this thread, and it ends.
    if (error.code === 'TASK_FENCED' || error.reaction === 'wait') return undefined;
    const failures = (this.#inARow.get(id) ?? 0) + 1;
    this.#inARow.set(id, failures);
    if (failures < MAX_FAILURES_IN_A_ROW) return undefined;
    return new StreamsError(
      'THREAD_FAILED',
      `task ${id} failed ${String(failures)} times in a row, last with ${error.code}: ${messageOf(error)}`,
      { ...error.details, taskId: id, cause: error },
    );
  }

  /** The task has committed. */
  committed(id: TaskId): void {
    this.#inARow.delete(id);
    this.closed(id);
  }

  /** The task is this thread's no more, and no reason for it to be away. */
  closed(id: TaskId): void {
    this.#away.delete(id);
    this.#registryAway.delete(id);
  }
}
