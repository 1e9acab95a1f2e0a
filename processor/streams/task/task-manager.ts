import type { PartitionAssignment } from '../group/group-member.ts';
import { messageOf, StreamsError } from '../errors.ts';
import { topicPartition } from '../kafka/topic-partition.ts';
import type { OffsetMap } from '../store/state-store.ts';
import { commitTask } from './commit.ts';
import { isDiskTrouble } from './disk-wait.ts';
import { isRegistryAway } from './registry-wait.ts';
import { initialiseTask, type InitialiseContext } from './initialise-task.ts';
import { StreamTask, type TaskQueues } from './stream-task.ts';
import { TaskFailures } from './task-failures.ts';
import { compareTaskIds, type TaskId } from './task-id.ts';
import type { TaskLayout } from './task-layout.ts';
import { TaskLife, type TaskLifeContext, type TaskRole } from './task-life.ts';

interface TaskManagerOptions {
  readonly layout: TaskLayout;
  readonly life: TaskLifeContext;
  readonly initialise: InitialiseContext;
  /** The task is ready: read its inputs from here on. */
  readonly onRunning: (task: StreamTask, offsets: ReadonlyMap<string, number>) => void;
  /** The task's inputs must not be read any more. */
  readonly onStopped: (task: StreamTask) => void;
  /** All that the task had done is committed. `sent`: where what it has sent ends, by partition. */
  readonly onCommitted?: (task: StreamTask, sent: OffsetMap) => void;
  /** For tasks with several inputs; without it none waits for another that is empty. */
  readonly queues?: TaskQueues;
}

interface ActiveTask {
  readonly task: StreamTask;
  readonly life: TaskLife;
}

/** The source of truth for which active tasks a thread has. What happens to one of them is its life's concern. */
export class TaskManager {
  readonly #options: TaskManagerOptions;
  readonly #tasks = new Map<TaskId, ActiveTask>();
  // mutant: tasks-started
  readonly #byInput = new Map<string, StreamTask>();
  readonly #failures = new TaskFailures();

  constructor(options: TaskManagerOptions) {
    this.#options = options;
  }

  get tasks(): StreamTask[] {
    return [...this.#tasks.values()].map(({ task }) => task).sort((a, b) => compareTaskIds(a.id, b.id));
  }

  /** Why a task makes no progress, although others may: its broker was away again and again. Null when none is so. */
  get awayReason(): string | null {
    return this.#failures.awayReason;
  }

  /** Which tasks wait for the schema registry, in one line; null when none does. */
  get registryAwayReason(): string | null {
    return this.#failures.registryAwayReason;
  }

  running(): StreamTask[] {
    return this.tasks.filter(({ life }) => life.state === 'RUNNING');
  }

  /** The running task that reads this partition. */
  taskOf(topic: string, partition: number): StreamTask | undefined {
    return this.readerOf(topicPartition(topic, partition));
  }

  /** By the partition's name. */
  readerOf(name: string): StreamTask | undefined {
    const task = this.#byInput.get(name);
    return task?.life.state === 'RUNNING' ? task : undefined;
  }

  /** Closes what is not assigned any more, initialises what is new, leaves alone what stays. */
  async assign(assignment: PartitionAssignment): Promise<void> {
    const wanted = new Set(this.#options.layout.tasksOf(assignment));
    const lost = [...this.#tasks.values()].filter(({ task }) => !wanted.has(task.id));
    await Promise.all(lost.map((active) => this.#close(active, true)));
    for (const id of [...wanted].sort(compareTaskIds)) if (!this.#tasks.has(id)) this.#open(id);
  }

  /**
   * Commits running tasks side by side, by default all that have something to commit. A task that fails is suspended
   * and initialised again.
   */
  async commit(
    nowMs: number,
    due: readonly StreamTask[] = this.running().filter((task) => task.needsCommit(nowMs)),
  ): Promise<number> {
    const failures: unknown[] = [];
    await Promise.all(
      due.map(async (task) => {
        try {
          const sent = await commitTask(task, nowMs);
          this.#failures.committed(task.id);
          this.#options.onCommitted?.(task, sent);
        } catch (error) {
          failures.push(await this.#afterFailure(task, error));
        }
      }),
    );
    const fatal = failures.find((failure) => failure !== undefined);
    if (fatal !== undefined) throw fatal;
    return due.length;
  }

  /**
   * Lets a running task work. One whose serde finds its schema registry away drops what is not committed, and is
   * initialised again, for ever: the thread and its other tasks go on. Undefined: it was so.
   * @throws what `work` throws else.
   */
  async work<T>(task: StreamTask, work: () => T): Promise<T | undefined> {
    try {
      return work();
    } catch (error) {
      if (!isRegistryAway(error)) throw error;
      await this.#afterFailure(task, error);
      return undefined;
    }
  }

  /** Ends all tasks. `clean`: their committed state is sound. */
  async closeAll(clean: boolean): Promise<void> {
    await Promise.all([...this.#tasks.values()].map((active) => this.#close(active, clean)));
  }

  #open(id: TaskId): void {
    const { layout, life: context, initialise, queues } = this.#options;
    const life = new TaskLife(id, context);
    const { exactlyOnce } = initialise;
    const task = new StreamTask(layout.spec(id), life, { exactlyOnce, ...(queues === undefined ? {} : { queues }) });
    this.#tasks.set(id, { task, life });
    for (const { topic, partition } of task.inputs) this.#byInput.set(topicPartition(topic, partition), task);
    life.begin(this.#roleOf(task, life));
  }

  #roleOf(task: StreamTask, life: TaskLife): TaskRole {
    const { initialise, life: context, onRunning } = this.#options;
    return {
      initialise: async () => {
        const offsets = await initialiseTask(task, initialise);
        if (life.signal.aborted) return;
        task.start(offsets);
        life.run();
        context.logger.info({ taskId: task.id, offsets: Object.fromEntries(offsets) }, 'task is running');
        // mutant: seek
        onRunning(task, offsets);
      },
      release: async ({ abort }) => {
        task.close(context.logger);
        if (abort) await task.producer?.abort();
        await task.producer?.close();
      },
      fatalError: (error) => this.#failures.count(task.id, error),
    };
  }

  async #close({ task, life }: ActiveTask, clean: boolean): Promise<void> {
    life.abandon();
    this.#options.onStopped(task);
    this.#tasks.delete(task.id);
    this.#failures.closed(task.id);
    for (const { topic, partition } of task.inputs) {
      if (this.#byInput.get(topicPartition(topic, partition)) === task)
        this.#byInput.delete(topicPartition(topic, partition));
    }
    await life.close(clean);
    this.#options.life.logger.info({ taskId: task.id }, 'closed task');
  }

  /** Suspends a task whose work or commit failed. Returns the error by which the thread must end instead. */
  async #afterFailure(task: StreamTask, error: unknown): Promise<unknown> {
    const fatal = this.#failures.count(task.id, error);
    if (fatal !== undefined) return fatal;
    if (!isDiskTrouble(error))
      this.#options.life.logger.warn(
        { taskId: task.id, code: error instanceof StreamsError ? error.code : undefined, error: messageOf(error) },
        `${isRegistryAway(error) ? 'the schema registry is away' : 'commit failed'}; the task drops what was not ` +
          `committed and is initialised again`,
      );
    // mutant: pause-before-seek
    this.#options.onStopped(task);
    // mutant: drop-buffers
    task.abort();
    await this.#tasks.get(task.id)?.life.suspend(error);
    return undefined;
  }
}
