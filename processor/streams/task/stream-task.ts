import type { RecordCollector } from '../changelog/record-collector.ts';
import { topicPartition, type StreamsProducer } from '../changelog/streams-producer.ts';
import type { FetchedPartition } from '../consumer/record-fetcher.ts';
import { messageOf, StreamsError } from '../errors.ts';
import type { StateStore } from '../store/state-store.ts';
import type { SubTopology } from '../topology/topology.ts';
import type { CommitTarget } from './commit.ts';
import { DroppedRecords } from './dropped-records.ts';
import type { TaskStatus } from './instance-status.ts';
import type { TaskGraph } from './task-graph.ts';
import type { TaskId } from './task-id.ts';
import { TaskState } from './task-state.ts';

export interface TaskInput {
  readonly topic: string;
  readonly partition: number;
}

/** The store a named store's changes are logged to. */
export interface TaskChangelog {
  readonly store: string;
  readonly topic: string;
  readonly partition: number;
}

/** How often at most a source task reports its stream time. */
const TIME_REPORT_INTERVAL_MS = 1_000;

/**
 * One active task: the source of truth for its input positions. It processes records, knows what is not committed yet,
 * and holds the open parts (graph, store, producer) that `takeTask` gave it.
 */
export class StreamTask implements CommitTarget {
  readonly id: TaskId;
  readonly subTopology: SubTopology;
  readonly inputs: readonly TaskInput[];
  readonly changelogs: readonly TaskChangelog[];
  readonly collector: RecordCollector;
  /** Downstream tasks with windows wait for this task's word on stream time. */
  readonly reportsTime: boolean;
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

  constructor(options: { id: TaskId; subTopology: SubTopology; inputs: readonly TaskInput[]; changelogs: readonly TaskChangelog[]; collector: RecordCollector; reportsTime: boolean }) {
    this.id = options.id;
    this.subTopology = options.subTopology;
    this.inputs = options.inputs;
    this.changelogs = options.changelogs;
    this.collector = options.collector;
    this.reportsTime = options.reportsTime;
    this.state = new TaskState(options.id);
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
    this.#ends.clear();
    this.#uncommittedRecords = 0;
    this.#lastReport = undefined;
  }

  /**
   * Processes what a fetch brought. Answers the number of records.
   * @throws StreamsError USER_CODE_FAILED naming the record.
   */
  accept(fetched: FetchedPartition): number {
    const name = topicPartition(fetched.topic, fetched.partition);
    this.#ends.set(name, fetched.lastStableOffset);
    const graph = this.graph as TaskGraph;
    const { records } = fetched;
    graph.processAll(fetched.topic, records, (error, record) => {
      if (error instanceof StreamsError) return error;
      return new StreamsError('USER_CODE_FAILED', `task ${this.id} failed at ${name} offset ${String(record.offset)}: ${messageOf(error)}`, { cause: error, taskId: this.id });
    });
    this.#positions.set(name, fetched.nextOffset);
    this.#uncommittedRecords += records.length;
    return records.length;
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
    this.#lastReport = { at: nowMs, streamTimeMs: graph.observedMs, caughtUp };
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

  #caughtUp(): boolean {
    return this.inputs.every(({ topic, partition }) => {
      const name = topicPartition(topic, partition);
      const end = this.#ends.get(name);
      return end !== undefined && (this.#positions.get(name) ?? -1) >= end;
    });
  }

  #timeReportDue(nowMs: number): boolean {
    if (!this.reportsTime || this.graph === undefined || this.#ends.size < this.inputs.length) return false;
    const last = this.#lastReport;
    if (last === undefined) return true;
    return nowMs - last.at >= TIME_REPORT_INTERVAL_MS && (last.streamTimeMs !== this.graph.observedMs || last.caughtUp !== this.#caughtUp());
  }
}
