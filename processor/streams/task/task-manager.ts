import type { PartitionAssignment } from '../group/group-member.ts';
import { messageOf, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { commitTask } from './commit.ts';
import { isDiskTrouble, type DiskWait } from './disk-wait.ts';
import { closeCleanly, openCheckedStore } from './open-store.ts';
import { StreamTask, type TaskQueues } from './stream-task.ts';
import { takeTask, type TakeContext } from './initialise-task.ts';
import { compareTaskIds, type TaskId } from './task-id.ts';
import type { TaskLayout } from './task-layout.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

export interface TaskManagerOptions {
  readonly layout: TaskLayout;
  readonly take: TakeContext;
  readonly disk: DiskWait;
  readonly logger: Logger;
  /** The task is ready: read its inputs from here on. */
  readonly onRunning: (task: StreamTask, offsets: ReadonlyMap<string, number>) => void;
  /** The task's inputs must not be read any more. */
  readonly onStopped: (task: StreamTask) => void;
  /** For tasks with several inputs; without it none waits for another that is empty. */
  readonly queues?: TaskQueues;
  /** Nothing this thread can do about it. */
  readonly onFatal: (error: unknown) => void;
}

const RETAKE_DELAY_MS = 200;
/** So many failures of one task in a row are no accident any more: the thread ends, and the supervisor counts it. */
const MAX_FAILURES_IN_A_ROW = 5;
/** A broker that is started again, or a partition that moves, costs a task one or two. */
const AWAY_AFTER_FAILURES = 3;

/** The source of truth for which tasks this thread has, and for what happens to them one by one. */
export class TaskManager {
  readonly #options: TaskManagerOptions;
  readonly #tasks = new Map<TaskId, StreamTask>();
  // mutant: tasks-started
  readonly #byInput = new Map<string, StreamTask>();
  /** Takes and closes under way: a close waits for the task's own take to notice. */
  readonly #underWay = new Map<TaskId, Promise<void>>();
  readonly #failuresInARow = new Map<TaskId, number>();
  /** How often in a row a task found its broker away, and what it was told last. */
  readonly #away = new Map<TaskId, { readonly failures: number; readonly reason: string }>();

  constructor(options: TaskManagerOptions) {
    this.#options = options;
  }

  get tasks(): StreamTask[] {
    return [...this.#tasks.values()].sort((a, b) => compareTaskIds(a.id, b.id));
  }

  /** Why a task does not get on, although others may: its broker was away again and again. Null when there is none. */
  get awayReason(): string | null {
    for (const [id, { failures, reason }] of this.#away)
      if (failures >= AWAY_AFTER_FAILURES) return `task ${id} has failed ${String(failures)} times in a row: ${reason}`;
    return null;
  }

  running(): StreamTask[] {
    return this.tasks.filter((t) => t.state.name === 'RUNNING');
  }

  taskOf(topic: string, partition: number): StreamTask | undefined {
    const task = this.#byInput.get(topicPartition(topic, partition));
    return task?.state.name === 'RUNNING' ? task : undefined;
  }

  /** Closes what is not assigned any more, takes what is new, leaves alone what stays. */
  async assign(assignment: PartitionAssignment): Promise<void> {
    const wanted = new Set(this.#options.layout.tasksOf(assignment));
    const lost = this.tasks.filter((t) => !wanted.has(t.id));
    await Promise.all(lost.map((task) => this.close(task, true)));
    for (const id of [...wanted].sort(compareTaskIds)) {
      if (this.#tasks.has(id)) continue;
      const task = this.#create(id);
      this.#tasks.set(id, task);
      for (const { topic, partition } of task.inputs) this.#byInput.set(topicPartition(topic, partition), task);
      this.#startTake(task);
    }
  }

  /**
   * Commits running tasks side by side, by default all that have something to commit. A task that fails is suspended
   * and taken anew.
   */
  async commit(
    nowMs: number,
    due: readonly StreamTask[] = this.running().filter((t) => t.needsCommit(nowMs)),
  ): Promise<number> {
    const failures: unknown[] = [];
    await Promise.all(
      due.map(async (task) => {
        try {
          await commitTask(task, nowMs);
          this.#failuresInARow.delete(task.id);
          this.#away.delete(task.id);
        } catch (error) {
          failures.push(await this.#afterFailure(task, error));
        }
      }),
    );
    const fatal = failures.find((f) => f !== undefined);
    if (fatal !== undefined) throw fatal;
    return due.length;
  }

  /**
   * Ends a task. `clean`: its committed state is sound, so the store is closed with the clean mark.
   * What is not committed is dropped: the next owner reads it again.
   */
  async close(task: StreamTask, clean: boolean): Promise<void> {
    if (task.state.name === 'CLOSED') return;
    task.life.abort();
    this.#options.onStopped(task);
    this.#tasks.delete(task.id);
    this.#away.delete(task.id);
    for (const { topic, partition } of task.inputs) {
      if (this.#byInput.get(topicPartition(topic, partition)) === task)
        this.#byInput.delete(topicPartition(topic, partition));
    }
    await this.#underWay.get(task.id);
    task.state.to('CLOSED');
    await task.producer?.abort();
    await task.producer?.close();
    const { store } = task;
    task.store = undefined;
    if (store !== undefined) await (clean ? closeCleanly(store, task.id, this.#options.logger) : store.closeDirty());
    this.#options.logger.info({ taskId: task.id }, 'closed task');
  }

  async closeAll(clean: boolean): Promise<void> {
    await Promise.all(this.tasks.map((task) => this.close(task, clean)));
  }

  #startTake(task: StreamTask, failure?: unknown): void {
    const run = this.#take(task, failure).finally(() => this.#underWay.delete(task.id));
    this.#underWay.set(task.id, run);
  }

  /** `failure`: what the task was suspended for. */
  async #take(task: StreamTask, failure?: unknown): Promise<void> {
    const { logger, onRunning, onFatal, take, disk } = this.#options;
    const { signal } = task.life;
    for (let last = failure; !signal.aborted;) {
      try {
        // The task fences when its store is there: not once for each time that the disk is asked.
        if (isDiskTrouble(last))
          task.store = await disk.open(task.id, last, signal, () =>
            openCheckedStore({ ...take, identity: take.identityOf(task.id), signal }),
          );
        last = undefined;
        if (signal.aborted) return;
        task.state.to('RESTORING');
        const offsets = await takeTask(task, take);
        if (signal.aborted) return;
        task.start(offsets);
        task.state.to('RUNNING');
        logger.info({ taskId: task.id, offsets: Object.fromEntries(offsets) }, 'task is running');
        // mutant: seek
        onRunning(task, offsets);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const ends = this.#endsThread(task, error);
        if (ends !== undefined) {
          onFatal(ends);
          return;
        }
        if (task.state.name === 'RESTORING') task.state.to('SUSPENDED');
        await task.producer?.close();
        await this.#distrustStore(task, error);
        last = error;
        if (isDiskTrouble(error)) continue;
        logger.warn(
          { taskId: task.id, code: error instanceof StreamsError ? error.code : undefined, error: messageOf(error) },
          'taking the task failed; trying again',
        );
        await new Promise((resolve) => setTimeout(resolve, RETAKE_DELAY_MS));
      }
    }
  }

  /** Suspends after a failed commit and takes anew; answers the error when the thread must end instead. */
  async #afterFailure(task: StreamTask, error: unknown): Promise<unknown> {
    const ends = this.#endsThread(task, error);
    if (ends !== undefined) return ends;
    if (!isDiskTrouble(error))
      this.#options.logger.warn(
        { taskId: task.id, code: error instanceof StreamsError ? error.code : undefined, error: messageOf(error) },
        'commit failed; the task drops what was not committed and is taken anew',
      );
    // mutant: pause-before-seek
    this.#options.onStopped(task);
    task.state.to('SUSPENDED');
    // mutant: drop-buffers
    task.abort();
    await task.producer?.abort();
    await task.producer?.close();
    await this.#distrustStore(task, error);
    this.#startTake(task, error);
    return undefined;
  }

  /** The error by which the thread must end, or undefined when the task can be taken anew. */
  #endsThread(task: StreamTask, error: unknown): unknown {
    if (!(error instanceof StreamsError) || !['retake', 'wait', 'restore'].includes(error.reaction)) return error;
    if (error.code === 'BROKER_AWAY')
      this.#away.set(task.id, { failures: (this.#away.get(task.id)?.failures ?? 0) + 1, reason: messageOf(error) });
    // Fenced, or without a broker or a disk: that is nobody's fault, and has an end.
    if (error.code === 'TASK_FENCED' || error.reaction === 'wait') return undefined;
    const failures = (this.#failuresInARow.get(task.id) ?? 0) + 1;
    this.#failuresInARow.set(task.id, failures);
    if (failures < MAX_FAILURES_IN_A_ROW) return undefined;
    return new StreamsError(
      'THREAD_FAILED',
      `task ${task.id} failed ${String(failures)} times in a row, last with ${error.code}: ${messageOf(error)}`,
      { ...error.details, taskId: task.id, cause: error },
    );
  }

  /** A store that failed while it was open is closed, so that it is checked when it is opened again. */
  async #distrustStore(task: StreamTask, error: unknown): Promise<void> {
    if (!isDiskTrouble(error) && !(error instanceof StreamsError && error.reaction === 'restore')) return;
    const { store } = task;
    task.store = undefined;
    await store?.closeDirty();
  }

  #create(id: TaskId): StreamTask {
    const { layout, queues, take } = this.#options;
    return new StreamTask(layout.spec(id), {
      exactlyOnce: take.exactlyOnce,
      ...(queues === undefined ? {} : { queues }),
    });
  }
}
