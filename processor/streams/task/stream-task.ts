import { RecordCollector } from '../writing/record-collector.ts';
import type { StreamsProducer } from '../writing/streams-producer.ts';
import type { FetchedRecord } from '../kafka/fetched-record.ts';
import type { FetchedPartition } from '../reading/record-fetcher.ts';
import type { StateStore } from '../store/state-store.ts';
import { inputTopicsOf } from '../topology/topology.ts';
import type { CommitTarget } from './commit.ts';
import { DroppedRecords } from './dropped-records.ts';
import type { TaskStatus } from './instance-status.ts';
import { PartitionGroup } from './partition-group.ts';
import type { TaskGraph, WaitingRecord } from './task-graph.ts';
import type { TaskId } from './task-id.ts';
import type { TaskInput, TaskSpec } from './task-layout.ts';
import { TaskState } from './task-state.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

export interface StreamTaskOptions {
  readonly exactlyOnce: boolean;
  /** For tasks with several inputs; without it none waits for another that is empty. */
  readonly queues?: TaskQueues;
}

/** How the records of a task's several inputs wait for each other. */
export interface TaskQueues {
  readonly maxTaskIdleMs: number;
  /** So much of it waits that no more should be fetched. */
  readonly onFull: (input: TaskInput) => void;
  readonly onRoom: (input: TaskInput) => void;
}

/** How often at most a source task reports its stream time. */
const TIME_REPORT_INTERVAL_MS = 1_000;

/**
 * One active task: the source of truth for its input positions. It processes records, knows what is not committed yet,
 * and holds the open parts (graph, store, producer) that `takeTask` gave it.
 */
export class StreamTask implements CommitTarget {
  readonly spec: TaskSpec;
  readonly exactlyOnce: boolean;
  readonly collector = new RecordCollector();
  readonly state: TaskState;
  /** Aborted when the task is lost or closed: ends a take that is under way. */
  readonly life = new AbortController();
  readonly dropped = new DroppedRecords();
  store: StateStore | undefined;
  graph: TaskGraph | undefined;
  producer: StreamsProducer | undefined;
  restore: TaskStatus['restore'] | undefined;
  readonly #positions = new Map<string, number>();
  readonly #committed = new Map<string, number>();
  /** As the fetches tell them: what "caught up" is judged by. */
  readonly #ends = new Map<string, number>();
  /** As of the take: stands in for the lag until the first fetch. */
  readonly #expectedEnds = new Map<string, number>();
  #uncommittedRecords = 0;
  #lastReport: { at: number; streamTimeMs: number; caughtUp: boolean } | undefined;

  /** Of a task with several input partitions: what waits for its turn. */
  readonly #group: PartitionGroup<FetchedRecord, WaitingRecord> | undefined;
  /** Names of the inputs that are the user's topics. */
  readonly #userInputs: readonly string[];

  constructor(spec: TaskSpec, { exactlyOnce, queues }: StreamTaskOptions) {
    this.spec = spec;
    this.exactlyOnce = exactlyOnce;
    this.state = new TaskState(spec.id);
    const { inputs, subTopology } = spec;
    const names = inputs.map(({ topic, partition }) => topicPartition(topic, partition));
    const userTopics = new Set(inputTopicsOf([subTopology]));
    this.#userInputs = names.filter((_, index) => userTopics.has((inputs[index] as TaskInput).topic));
    if (inputs.length > 1) {
      this.#group = new PartitionGroup({
        inputs: names,
        read: (record) => (this.graph as TaskGraph).read(record),
        maxIdleMs: queues?.maxTaskIdleMs ?? 0,
        onFull: (name) => queues?.onFull(inputs[names.indexOf(name)] as TaskInput),
        onRoom: (name) => queues?.onRoom(inputs[names.indexOf(name)] as TaskInput),
      });
    }
  }

  get id(): TaskId {
    return this.spec.id;
  }

  get inputs(): readonly TaskInput[] {
    return this.spec.inputs;
  }

  /** What is known of the inputs before the task runs: its lag is told from the first moment on. */
  expect(committed: ReadonlyMap<string, number>, ends: ReadonlyMap<string, number>): void {
    for (const [name, offset] of committed) {
      this.#positions.set(name, offset);
      this.#committed.set(name, offset);
    }
    for (const [name, end] of ends) this.#expectedEnds.set(name, end);
  }

  /** Where reading goes on after a take, and what an abort goes back to. */
  start(offsets: ReadonlyMap<string, number>): void {
    for (const [name, offset] of offsets) {
      this.#positions.set(name, offset);
      this.#committed.set(name, offset);
    }
    this.#group?.seek(offsets);
    this.#ends.clear();
    this.#uncommittedRecords = 0;
    this.#lastReport = undefined;
  }

  /** Forgets all that is not committed: it is read again when the task has been taken anew. */
  abort(): void {
    this.graph?.aborted();
    this.#group?.seek(this.#committed);
  }

  /**
   * Processes what a fetch brought of the task's one input, and answers the number of records; 0 where there are
   * several inputs, whose records wait for `processWaiting`.
   * @throws StreamsError USER_CODE_FAILED naming the record.
   */
  accept(fetched: FetchedPartition): number {
    const name = topicPartition(fetched.topic, fetched.partition);
    this.#ends.set(name, fetched.lastStableOffset);
    const graph = this.graph as TaskGraph;
    const { records, nextOffset } = fetched;
    if (this.#group !== undefined) {
      this.#group.add(name, { records, nextOffset, endOffset: fetched.lastStableOffset, bytes: sizeOf(records) });
      this.#positions.set(name, this.#group.position(name));
      graph.drained(this.#isDrained(this.#userInputs));
      return 0;
    }
    graph.processAll(fetched.topic, records);
    this.#positions.set(name, nextOffset);
    this.#uncommittedRecords += records.length;
    graph.drained(this.#isDrained(this.#userInputs));
    return records.length;
  }

  /**
   * When records that wait may be processed, of the clock that `processWaiting` is given: Infinity while only a fetch
   * can tell.
   */
  readyAtMs(nowMs: number): number {
    return this.#group?.readyAtMs(nowMs) ?? Infinity;
  }

  /**
   * Processes records of several inputs in the order of their event times, at most `limit`. Answers how many, and how
   * many of them were of the user's topics. `nowMs`: of a clock that does not jump.
   * @throws StreamsError USER_CODE_FAILED naming the record.
   */
  processWaiting(nowMs: number, limit: number): { records: number; ofUser: number } {
    const group = this.#group;
    const graph = this.graph;
    if (group === undefined || graph === undefined) return { records: 0, ofUser: 0 };
    const before = this.#userInputs.reduce((sum, name) => sum + group.waiting(name), 0);
    const records = graph.processInOrder(() => group.next(nowMs), limit);
    if (records === 0) return { records: 0, ofUser: 0 };
    this.#uncommittedRecords += records;
    for (const name of this.#positions.keys()) this.#positions.set(name, group.position(name));
    graph.drained(this.#isDrained(this.#userInputs));
    return { records, ofUser: before - this.#userInputs.reduce((sum, name) => sum + group.waiting(name), 0) };
  }

  /** There is something that only a commit makes permanent. */
  needsCommit(nowMs: number): boolean {
    return this.#uncommittedRecords > 0 || this.graph?.hasUncommitted === true || this.#timeReportDue(nowMs);
  }

  /** Called inside the commit, after the seal. */
  reportTime(nowMs: number): void {
    const graph = this.graph as TaskGraph;
    if (!this.#timeReportDue(nowMs) && !graph.needsTimeReport) return;
    const caughtUp = this.#caughtUp();
    graph.sendTimeReport(caughtUp);
    this.#lastReport = { at: nowMs, streamTimeMs: graph.progressMs, caughtUp };
  }

  /** Input positions to commit. */
  offsets(): ReadonlyMap<string, number> {
    return new Map(this.#positions);
  }

  onCommitted(offsets: ReadonlyMap<string, number>): void {
    for (const [name, offset] of offsets) this.#committed.set(name, offset);
    this.#uncommittedRecords = 0;
    this.graph?.committed();
  }

  /** Committed input positions, for purging repartition topics. */
  committedOffsets(): ReadonlyMap<string, number> {
    return this.#committed;
  }

  /** End offset less committed position over all inputs; markers behind the last record do not count. */
  lag(): number {
    let lag = 0;
    for (const { topic, partition } of this.inputs) {
      const name = topicPartition(topic, partition);
      const at = this.#uncommittedRecords > 0 ? this.#committed.get(name) : this.#positions.get(name);
      const end = this.#ends.get(name) ?? this.#expectedEnds.get(name);
      if (at !== undefined && end !== undefined) lag += Math.max(0, end - at);
    }
    return lag;
  }

  status(): TaskStatus {
    return {
      id: this.id,
      role: 'ACTIVE',
      state: this.state.name,
      inputs: this.inputs.map(({ topic, partition }) => topicPartition(topic, partition)),
      lag: this.lag(),
      dropped: this.dropped.counts(),
      ...(this.restore === undefined ? {} : { restore: this.restore }),
    };
  }

  /** An empty repartition topic says nothing while those that write to it have more to read. */
  #caughtUp(): boolean {
    return (
      this.graph?.sourcesCaughtUp === true &&
      this.#isDrained(this.inputs.map(({ topic, partition }) => topicPartition(topic, partition)))
    );
  }

  /** What these partitions hold has been processed, as far as the fetches tell. */
  #isDrained(names: readonly string[]): boolean {
    if (this.#group !== undefined) return this.#group.isDrained(names);
    return names.every((name) => {
      const end = this.#ends.get(name);
      return end !== undefined && (this.#positions.get(name) ?? -1) >= end;
    });
  }

  #timeReportDue(nowMs: number): boolean {
    if (!this.spec.reportsTime || this.graph === undefined || this.#ends.size < this.inputs.length) return false;
    const last = this.#lastReport;
    if (last === undefined) return true;
    return (
      nowMs - last.at >= TIME_REPORT_INTERVAL_MS &&
      (last.streamTimeMs !== this.graph.progressMs || last.caughtUp !== this.#caughtUp())
    );
  }
}

function sizeOf(records: readonly FetchedRecord[]): number {
  let bytes = 0;
  for (const record of records) bytes += record.sizeBytes;
  return bytes;
}
