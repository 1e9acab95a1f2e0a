import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { RecordCollector } from '../writing/record-collector.ts';
import type { StreamsProducer } from '../writing/streams-producer.ts';
import type { StateStore } from '../store/state-store.ts';
import type { ConsumerRecord } from '../topology/record.ts';
import { timedTopicsOf } from '../topology/topology.ts';
import type { CommitTarget } from './commit.ts';
import { DroppedRecords } from './dropped-records.ts';
import type { TaskStatus } from './instance-status.ts';
import { EventTime } from './event-time.ts';
import type { TaskGraph } from './task-graph.ts';
import type { TaskId } from './task-id.ts';
import type { TaskInput, TaskSpec } from './task-layout.ts';
import type { TaskLifeView } from './task-life.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

interface StreamTaskOptions {
  readonly exactlyOnce: boolean;
  /** For tasks with several inputs; without it none waits for another that is empty. */
  readonly queues?: TaskQueues;
}

interface TaskRecord extends ConsumerRecord {
  /** What it keeps in memory while it waits. */
  readonly sizeBytes: number;
}

/** What was fetched of one input of a task. */
export interface FetchedInput extends TaskInput {
  readonly records: readonly TaskRecord[];
  /** The position after these records. */
  readonly nextOffset: number;
  /** Where the input ended: it is read to its end when the position is there. */
  readonly lastStableOffset: number;
}

/** How the records of a task's several inputs wait for each other. */
export interface TaskQueues {
  readonly maxTaskIdleMs: number;
  /** So much of it waits that no more should be fetched. */
  readonly onFull: (input: TaskInput) => void;
  readonly onRoom: (input: TaskInput) => void;
}

/**
 * One active task. It processes records, knows what is not committed yet, and holds the graph and the producer that
 * `initialiseTask` gave it.
 */
export class StreamTask implements CommitTarget {
  readonly spec: TaskSpec;
  readonly exactlyOnce: boolean;
  readonly collector = new RecordCollector();
  /** Its event time, and what of its inputs waits; it outlives the graph. */
  readonly time: EventTime;
  readonly life: TaskLifeView;
  readonly dropped = new DroppedRecords();
  graph: TaskGraph | undefined;
  producer: StreamsProducer | undefined;
  restore: TaskStatus['restore'] | undefined;
  readonly #committed = new Map<string, number>();
  /** As of the initialising: stands in for the lag until the first fetch. */
  readonly #expectedEnds = new Map<string, number>();
  #uncommittedRecords = 0;
  #startUncommitted = false;
  readonly #inputNames: readonly string[];
  /** Names of the inputs that are the user's topics. */
  readonly #userInputs: readonly string[];

  constructor(spec: TaskSpec, life: TaskLifeView, { exactlyOnce, queues }: StreamTaskOptions) {
    this.spec = spec;
    this.life = life;
    this.exactlyOnce = exactlyOnce;
    const { inputs, subTopology } = spec;
    const names = inputs.map(({ topic, partition }) => topicPartition(topic, partition));
    const userTopics = new Set(timedTopicsOf(subTopology));
    this.#inputNames = names;
    this.#userInputs = names.filter((_, index) => userTopics.has((inputs[index] as TaskInput).topic));
    this.time = new EventTime({
      taskId: spec.id,
      subTopology,
      links: spec.timeLinks,
      inputs: names,
      userInputs: this.#userInputs,
      collector: this.collector,
      read: (record) => (this.graph as TaskGraph).read(record),
      maxIdleMs: queues?.maxTaskIdleMs ?? 0,
      onFull: (name) => queues?.onFull(inputs[names.indexOf(name)] as TaskInput),
      onRoom: (name) => queues?.onRoom(inputs[names.indexOf(name)] as TaskInput),
    });
  }

  get id(): TaskId {
    return this.spec.id;
  }

  get store(): StateStore | undefined {
    return this.life.store;
  }

  get inputs(): readonly TaskInput[] {
    return this.spec.inputs;
  }

  /** It works, or some of its store is restored: a task of which there is nothing yet is as well begun elsewhere. */
  get hasState(): boolean {
    return this.life.state === 'RUNNING' || (this.store?.offsets().changelog.size ?? 0) > 0;
  }

  /** Sets what is known of the inputs before the task runs: its lag is known from the first moment on. */
  expect(committed: ReadonlyMap<string, number>, ends: ReadonlyMap<string, number>): void {
    for (const [name, offset] of committed) this.#committed.set(name, offset);
    this.time.start(committed);
    for (const [name, end] of ends) this.#expectedEnds.set(name, end);
  }

  /** Where reading goes on after initialising, and what an abort goes back to. */
  start(offsets: ReadonlyMap<string, number>): void {
    for (const [name, offset] of offsets) this.#committed.set(name, offset);
    this.time.start(offsets);
    this.#uncommittedRecords = 0;
  }

  /** Closes the processors of the graph. What they throw is logged and ends nothing: their task is over. */
  close(logger: Logger): void {
    try {
      this.graph?.close();
    } catch (error) {
      logger.warn({ taskId: this.id, error: messageOf(error) }, 'a processor failed when it was closed');
    }
    // mutant: drop-graph
    this.graph = undefined;
  }

  /**
   * Where it starts is no committed offset, and would be another one the next time: it is committed at once, so that
   * what comes from here on is not passed over when the task is lost before its first record.
   */
  commitStart(): void {
    this.#startUncommitted = true;
  }

  /**
   * Forgets all that is not committed: it is read again when the task has been initialised again, with a new graph.
   */
  abort(): void {
    this.dropped.aborted();
    this.collector.clear();
    this.time.load(this.store);
    this.time.start(this.#committed);
  }

  /**
   * Processes the fetched records of the task's one input, and returns their number; 0 in a task with several inputs,
   * whose records wait for `processWaiting`.
   * @throws StreamsError USER_CODE_FAILED naming the record.
   */
  accept(fetched: FetchedInput): number {
    const { topic, partition, records, nextOffset, lastStableOffset: endOffset } = fetched;
    const name = topicPartition(topic, partition);
    if (this.inputs.length > 1) {
      this.time.arrived(name, { records, nextOffset, endOffset, bytes: sizeOf(records) });
      return 0;
    }
    (this.graph as TaskGraph).processAll(topic, records);
    this.time.arrived(name, { records: [], nextOffset, endOffset, bytes: 0 });
    this.#uncommittedRecords += records.length;
    return records.length;
  }

  /**
   * When records that wait may be processed, of the clock that `processWaiting` is given: Infinity while only a fetch
   * can tell.
   */
  readyAtMs(nowMs: number): number {
    return this.time.inputs.readyAtMs(nowMs);
  }

  /**
   * Processes records of several inputs in the order of their event times, at most `limit`. Returns how many, and how
   * many of them were of the user's topics. `nowMs`: of a clock that does not jump.
   * @throws StreamsError USER_CODE_FAILED naming the record.
   */
  processWaiting(nowMs: number, limit: number): { records: number; ofUser: number } {
    const { graph, time } = this;
    if (graph === undefined) return { records: 0, ofUser: 0 };
    const before = this.#waitingOfUser();
    const records = graph.processInOrder(() => time.inputs.next(nowMs), limit);
    if (records === 0) return { records: 0, ofUser: 0 };
    this.#uncommittedRecords += records;
    time.processed();
    return { records, ofUser: before - this.#waitingOfUser() };
  }

  /** This input has records up to here that are not fetched yet: the task is not caught up. */
  expectRecords({ topic, partition }: TaskInput, endOffset: number): void {
    const name = topicPartition(topic, partition);
    this.time.arrived(name, { records: [], nextOffset: this.time.inputs.position(name), endOffset, bytes: 0 });
  }

  /** Calls what is due by the wall clock. @throws StreamsError USER_CODE_FAILED */
  punctuate(): void {
    this.graph?.punctuate();
  }

  /** When a punctuator is due by the wall clock; Infinity: there is none. */
  get punctuationDueMs(): number {
    return this.graph?.punctuationDueMs ?? Infinity;
  }

  /** Something is processed, or is to be sent, that is not committed. */
  needsCommit(nowMs: number): boolean {
    const { graph, time } = this;
    if (graph === undefined) return this.#uncommittedRecords > 0;
    return this.#uncommittedRecords > 0 || this.#startUncommitted || graph.hasUncommitted || time.isReportDue(nowMs);
  }

  /** Input positions to commit. */
  offsets(): ReadonlyMap<string, number> {
    return new Map(this.#inputNames.map((name) => [name, this.time.inputs.position(name)]));
  }

  onCommitted(offsets: ReadonlyMap<string, number>): void {
    for (const [name, offset] of offsets) this.#committed.set(name, offset);
    this.#uncommittedRecords = 0;
    this.#startUncommitted = false;
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
      const at = this.#uncommittedRecords > 0 ? this.#committed.get(name) : this.time.inputs.position(name);
      const end = this.time.inputs.end(name) ?? this.#expectedEnds.get(name);
      if (at !== undefined && end !== undefined) lag += Math.max(0, end - at);
    }
    return lag;
  }

  status(): TaskStatus {
    return {
      id: this.id,
      role: 'ACTIVE',
      state: this.life.state,
      inputs: this.inputs.map(({ topic, partition }) => topicPartition(topic, partition)),
      lag: this.lag(),
      dropped: this.dropped.counts(),
      ...(this.restore === undefined ? {} : { restore: this.restore }),
    };
  }

  #waitingOfUser(): number {
    return this.#userInputs.reduce((sum, name) => sum + this.time.inputs.waiting(name), 0);
  }
}

function sizeOf(records: readonly TaskRecord[]): number {
  let bytes = 0;
  for (const record of records) bytes += record.sizeBytes;
  return bytes;
}
