import type { TaskId } from '../task/task-id.ts';

/** The tasks of one member. */
export interface TaskShare {
  readonly active: readonly TaskId[];
  readonly standby: readonly TaskId[];
}
