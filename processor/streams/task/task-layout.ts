import type { PartitionAssignment } from '../group/group-member.ts';
import { StreamsError } from '../errors.ts';
import { hasChangelog } from '../store/typed-store.ts';
import type { KeptOffsetsPlace } from '../topics/kept-offsets.ts';
import {
  changelogTopic,
  foreignGroupingsOf,
  offsetsTopic,
  repartitionTopic,
  storesByTimeOf,
  topicNameOf,
  type SubTopology,
  type Topology,
} from '../topology/topology.ts';
import { groupingTimesOf, type GroupingTime } from '../topology/grouping-times.ts';
import type { TopicPartition } from '../kafka/topic-partition.ts';
import { parseTaskId, taskId, type TaskId } from './task-id.ts';
import type { TimeLinks, TimeSource } from './event-time.ts';

/** A partition that a task reads. */
export type TaskInput = TopicPartition;

/** Where the changes of one of a task's stores are logged. */
export interface TaskChangelog {
  readonly store: string;
  readonly topic: string;
  readonly partition: number;
  /** Its rows have times (store/timed-row.ts). */
  readonly timed?: boolean;
}

const BY_PROGRESS: GroupingTime = { by: 'progress', holdMs: 0 };

/** What a task is, before anything of it is open. */
export interface TaskSpec {
  readonly id: TaskId;
  readonly subTopology: SubTopology;
  readonly inputs: readonly TaskInput[];
  readonly changelogs: readonly TaskChangelog[];
  /** Where the offsets of its inputs are kept a second time. */
  readonly keptOffsets: KeptOffsetsPlace;
  /** Whose reports of event time it reads, and who reads its own. */
  readonly timeLinks: TimeLinks;
}

/**
 * Which tasks an application has, and what each of them reads, writes and keeps: it follows from the topology and the
 * partition counts of the topics alone.
 */
export class TaskLayout {
  readonly topology: Topology;
  readonly applicationId: string;
  readonly #partitionsOf: (topic: string) => number;
  /** Through these no event time travels. */
  readonly #foreign: ReadonlySet<string>;

  /** @param partitionsOf partition count of a topic; throws for one that is not known. */
  constructor(topology: Topology, applicationId: string, partitionsOf: (topic: string) => number) {
    this.topology = topology;
    this.applicationId = applicationId;
    this.#partitionsOf = partitionsOf;
    this.#foreign = foreignGroupingsOf(topology.nodes);
  }

  /** Every task of the application, sub-topology by sub-topology. */
  taskIds(): TaskId[] {
    return this.topology.subTopologies.flatMap((subTopology) =>
      Array.from({ length: this.#taskCount(subTopology) }, (_, partition) => taskId(subTopology.id, partition)),
    );
  }

  spec(id: TaskId): TaskSpec {
    const subTopology = this.#subTopologyOf(id);
    return {
      id,
      subTopology,
      inputs: this.inputsOf(id),
      changelogs: this.changelogsOf(id),
      // Tasks have a partition each, in their order.
      keptOffsets: { topic: offsetsTopic(this.applicationId), partition: this.taskIds().indexOf(id), key: id },
      timeLinks: this.#timeLinksOf(subTopology),
    };
  }

  /** The partitions that a member must be given to run this task. */
  inputsOf(id: TaskId): TaskInput[] {
    const { partition } = parseTaskId(id);
    return this.topicsOf(id)
      .filter((topic) => partition < this.#partitionsOf(topic))
      .map((topic) => ({ topic, partition }));
  }

  /** The topics that its sub-topology reads, whether they have a partition for this task or not. */
  topicsOf(id: TaskId): string[] {
    return this.#sourceTopicsOf(this.#subTopologyOf(id));
  }

  changelogsOf(id: TaskId): TaskChangelog[] {
    const { partition } = parseTaskId(id);
    const logged = this.storesOf(id).filter(hasChangelog);
    return logged.map(({ name, timed = false }) => ({
      store: name,
      topic: changelogTopic(this.applicationId, name),
      partition,
      timed,
    }));
  }

  storesOf(id: TaskId): SubTopology['stores'] {
    return this.#subTopologyOf(id).stores;
  }

  /** Every topic that a task reads. */
  sourceTopics(): string[] {
    return [...new Set(this.topology.subTopologies.flatMap((subTopology) => this.#sourceTopicsOf(subTopology)))];
  }

  /** Those of them that are the runtime's own: written by one sub-topology and read by another. */
  repartitionTopics(): ReadonlySet<string> {
    return new Set(
      this.topology.subTopologies.flatMap(({ sources }) =>
        sources.flatMap((source) => ('grouping' in source ? [topicNameOf(source, this.applicationId)] : [])),
      ),
    );
  }

  /** The partitions that a member must be given to run these tasks, by topic. */
  assignmentOf(tasks: readonly TaskId[]): PartitionAssignment {
    const assignment: Record<string, number[]> = {};
    for (const { topic, partition } of tasks.flatMap((id) => this.inputsOf(id)))
      (assignment[topic] ??= []).push(partition);
    return assignment;
  }

  /** The opposite: the tasks of a member that was given these partitions. */
  tasksOf(assignment: PartitionAssignment): TaskId[] {
    return this.topology.subTopologies.flatMap((subTopology) => {
      const partitions = this.#sourceTopicsOf(subTopology).flatMap((topic) => assignment[topic] ?? []);
      return [...new Set(partitions)].map((partition) => taskId(subTopology.id, partition));
    });
  }

  #timeLinksOf(subTopology: SubTopology): TimeLinks {
    const downstream = this.#downstreamOf(subTopology);
    const times = groupingTimesOf(subTopology.nodes);
    return {
      sources: this.#timeSourcesOf(subTopology, downstream),
      reportsTo: this.#timedGroupingsOf(subTopology).flatMap((grouping) => {
        const topic = repartitionTopic(this.applicationId, grouping);
        const time = times.get(grouping) ?? BY_PROGRESS;
        return Array.from({ length: this.#partitionsOf(topic) }, (_, partition) => ({ topic, partition, time }));
      }),
      isAwaited: [...downstream].some((sub) => storesByTimeOf(sub).length > 0),
    };
  }

  /** The two sides of a foreign-key join do not wait for each other's time: what they tell is of rows of tables. */
  #timedGroupingsOf({ writesGroupings }: SubTopology): string[] {
    return writesGroupings.filter((grouping) => !this.#foreign.has(grouping));
  }

  /** The tasks that write to the repartition topics which a sub-topology reads. */
  #timeSourcesOf(subTopology: SubTopology, downstream: ReadonlySet<SubTopology>): TimeSource[] {
    return subTopology.sources.flatMap((source) => {
      if (!('grouping' in source)) return [];
      const { grouping } = source;
      if (this.#foreign.has(grouping)) return [];
      return this.topology.subTopologies
        .filter(({ writesGroupings }) => writesGroupings.includes(grouping))
        .flatMap((writer) => {
          const cyclic = downstream.has(writer);
          const relays =
            !cyclic && groupingTimesOf(writer.nodes).get(grouping)?.by === 'progress' && this.#relays(writer);
          return Array.from({ length: this.#taskCount(writer) }, (_, partition) => ({
            grouping,
            taskId: taskId(writer.id, partition),
            cyclic,
            relays,
          }));
        });
    });
  }

  /** It reads reports of tasks that do not read its own. */
  #relays(subTopology: SubTopology): boolean {
    return this.#timeSourcesOf(subTopology, this.#downstreamOf(subTopology)).some(({ cyclic }) => !cyclic);
  }

  /** What reads a sub-topology's time, directly or through others; itself only in a circle. */
  #downstreamOf(subTopology: SubTopology, found: Set<SubTopology> = new Set()): Set<SubTopology> {
    const groupings = this.#timedGroupingsOf(subTopology);
    for (const reader of this.topology.subTopologies) {
      const reads = reader.sources.some((source) => 'grouping' in source && groupings.includes(source.grouping));
      if (!reads || found.has(reader)) continue;
      found.add(reader);
      this.#downstreamOf(reader, found);
    }
    return found;
  }

  #subTopologyOf(id: TaskId): SubTopology {
    const subTopology = this.topology.subTopologies[parseTaskId(id).subTopology];
    if (subTopology === undefined)
      throw new StreamsError('THREAD_FAILED', `the topology has no sub-topology for task ${id}`, { taskId: id });
    return subTopology;
  }

  #sourceTopicsOf({ sources }: SubTopology): string[] {
    return sources.map((source) => topicNameOf(source, this.applicationId));
  }

  /** The most partitions that any of its sources has. */
  #taskCount(subTopology: SubTopology): number {
    return Math.max(0, ...this.#sourceTopicsOf(subTopology).map((topic) => this.#partitionsOf(topic)));
  }
}
