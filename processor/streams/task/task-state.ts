import { StreamsError } from '../errors.ts';
import type { TaskStateName } from './instance-status.ts';

/*
 *   CREATED ──> RESTORING ──> RUNNING
 *      │          │   ^        │   │
 *      │          │   │        v   │
 *      │          │   └── SUSPENDED│      SUSPENDED: a commit failed or the producer was fenced;
 *      │          │           │    │      buffers are dropped and the task is taken anew,
 *      v          v           v    v      at once, or when the disk under its store takes writes again
 *      └──────> CLOSED <───────────┘
 */
const LEGAL_MOVES: Readonly<Record<TaskStateName, readonly TaskStateName[]>> = {
  CREATED: ['RESTORING', 'CLOSED'],
  RESTORING: ['RUNNING', 'SUSPENDED', 'CLOSED'],
  RUNNING: ['SUSPENDED', 'CLOSED'],
  SUSPENDED: ['RESTORING', 'CLOSED'],
  CLOSED: [],
};

/** The state of one task; an illegal move is a bug in the runtime and throws. */
export class TaskState {
  #state: TaskStateName = 'CREATED';
  readonly #taskId: string;

  constructor(taskId: string) {
    this.#taskId = taskId;
  }

  get name(): TaskStateName {
    return this.#state;
  }

  to(next: TaskStateName): void {
    if (!LEGAL_MOVES[this.#state].includes(next)) {
      throw new StreamsError('THREAD_FAILED', `task ${this.#taskId} cannot go from ${this.#state} to ${next}`, {
        taskId: this.#taskId,
      });
    }
    this.#state = next;
  }
}
