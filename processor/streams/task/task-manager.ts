import type { KeptOffsetsPlace } from '../topics/kept-offsets.ts';
import { RecordCollector } from '../writing/record-collector.ts';
import type { PartitionAssignment } from '../group/group-member.ts';
import { messageOf, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { changelogTopic, offsetsTopic, topicNameOf, type SubTopology, type Topology } from '../topology/topology.ts';
import { commitTask } from './commit.ts';
import { isDiskTrouble, type DiskWait } from './disk-wait.ts';
import { closeCleanly, openCheckedStore } from './open-store.ts';
import { StreamTask, type TaskChangelog, type TaskQueues } from './stream-task.ts';
import { takeTask, type TakeContext } from './initialise-task.ts';
import type { TimeSource } from './task-time.ts';
import { compareTaskIds, parseTaskId, taskId, type TaskId } from './task-id.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

export interface TaskManagerOptions {
  readonly topology: Topology;
  readonly applicationId: string;
  readonly partitionsOf: (topic: string) => number;
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
    const wanted = new Set(tasksOfAssignment(this.#options.topology, this.#options.applicationId, assignment));
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
      { cause: error, taskId: task.id },
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
    const { topology, applicationId, partitionsOf, queues, take } = this.#options;
    const { subTopology: index, partition } = parseTaskId(id);
    const subTopology = topology.subTopologies[index] as SubTopology;
    const inputs = subTopology.sources
      .map((source) => topicNameOf(source, applicationId))
      .filter((topic) => partition < partitionsOf(topic))
      .map((topic) => ({ topic, partition }));
    const changelogs = changelogsOf(topology, applicationId, id);
    const keptOffsets = keptOffsetsPlace(topology, applicationId, partitionsOf, id);
    return new StreamTask({
      id,
      subTopology,
      inputs,
      changelogs,
      keptOffsets,
      exactlyOnce: take.exactlyOnce,
      collector: new RecordCollector(),
      reportsTime: reportsTime(topology, subTopology),
      ...(queues === undefined ? {} : { queues }),
    });
  }
}

/** Where the changes of a task's stores are logged. */
export function changelogsOf(topology: Topology, applicationId: string, id: TaskId): TaskChangelog[] {
  const { subTopology, partition } = parseTaskId(id);
  return (topology.subTopologies[subTopology]?.stores ?? []).map((store) => ({
    store: store.name,
    topic: changelogTopic(applicationId, store.name),
    partition,
  }));
}

/** Where a task keeps the offsets of its input: tasks have a partition each, in their order. */
export function keptOffsetsPlace(
  topology: Topology,
  applicationId: string,
  partitionsOf: (topic: string) => number,
  id: TaskId,
): KeptOffsetsPlace {
  return {
    topic: offsetsTopic(applicationId),
    partition: allTaskIds(topology, applicationId, partitionsOf).indexOf(id),
    key: id,
  };
}

/** Number of tasks of a sub-topology: the most partitions any of its sources has. */
export function taskCount(
  subTopology: SubTopology,
  applicationId: string,
  partitionsOf: (topic: string) => number,
): number {
  return Math.max(0, ...subTopology.sources.map((source) => partitionsOf(topicNameOf(source, applicationId))));
}

export function allTaskIds(
  topology: Topology,
  applicationId: string,
  partitionsOf: (topic: string) => number,
): TaskId[] {
  return topology.subTopologies.flatMap((s) =>
    Array.from({ length: taskCount(s, applicationId, partitionsOf) }, (_, partition) => taskId(s.id, partition)),
  );
}

/**
 * Somebody downstream has windows: directly behind a repartition topic that it writes, or behind those that read it.
 */
export function reportsTime(
  topology: Topology,
  subTopology: SubTopology,
  seen: ReadonlySet<SubTopology> = new Set(),
): boolean {
  const readers = topology.subTopologies.filter(
    (s) =>
      !seen.has(s) &&
      s.sources.some((source) => 'grouping' in source && subTopology.writesGroupings.includes(source.grouping)),
  );
  return readers.some(
    (s) => s.stores.some((store) => store.kind === 'window') || reportsTime(topology, s, new Set([...seen, s])),
  );
}

/** The source tasks behind the repartition topics that a sub-topology reads. */
export function timeSourcesOf(
  topology: Topology,
  subTopology: SubTopology,
  applicationId: string,
  partitionsOf: (topic: string) => number,
): TimeSource[] {
  const downstream = downstreamOf(topology, subTopology);
  return subTopology.sources.flatMap((source) => {
    if (!('grouping' in source)) return [];
    const { grouping } = source;
    return topology.subTopologies
      .filter((s) => s.writesGroupings.includes(grouping))
      .flatMap((s) =>
        Array.from({ length: taskCount(s, applicationId, partitionsOf) }, (_, partition) => ({
          grouping,
          taskId: taskId(s.id, partition),
          cyclic: downstream.has(s),
        })),
      );
  });
}

/**
 * What reads, directly or through others, the repartition topics that a sub-topology writes; itself only in a circle.
 */
function downstreamOf(
  topology: Topology,
  subTopology: SubTopology,
  found: Set<SubTopology> = new Set(),
): Set<SubTopology> {
  for (const reader of topology.subTopologies) {
    if (
      found.has(reader) ||
      !reader.sources.some((source) => 'grouping' in source && subTopology.writesGroupings.includes(source.grouping))
    )
      continue;
    found.add(reader);
    downstreamOf(topology, reader, found);
  }
  return found;
}

/** The partitions a member must be given to run these tasks. */
export function partitionsOfTasks(
  topology: Topology,
  applicationId: string,
  partitionsOf: (topic: string) => number,
  tasks: readonly TaskId[],
): Record<string, number[]> {
  const assignment: Record<string, number[]> = {};
  for (const id of tasks) {
    const { subTopology, partition } = parseTaskId(id);
    for (const source of (topology.subTopologies[subTopology] as SubTopology).sources) {
      const topic = topicNameOf(source, applicationId);
      if (partition < partitionsOf(topic)) (assignment[topic] ??= []).push(partition);
    }
  }
  return assignment;
}

function tasksOfAssignment(topology: Topology, applicationId: string, assignment: PartitionAssignment): TaskId[] {
  return topology.subTopologies.flatMap((s) => {
    const topics = new Set(s.sources.map((source) => topicNameOf(source, applicationId)));
    const partitions = new Set(Object.entries(assignment).flatMap(([topic, list]) => (topics.has(topic) ? list : [])));
    return [...partitions].map((partition) => taskId(s.id, partition));
  });
}
