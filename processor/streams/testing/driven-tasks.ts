import type { Logger } from '../logger.ts';
import { messageOf } from '../errors.ts';
import { topicPartition } from '../kafka/topic-partition.ts';
import { emptyIndexes, loadIndexes, type StoreIndexes } from '../store/load-indexes.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { RecordCache } from '../store/record-cache.ts';
import type { StateStore } from '../store/state-store.ts';
import { untimed } from '../store/timed-row.ts';
import { hasChangelog } from '../store/typed-store.ts';
import { commitTask } from '../task/commit.ts';
import type { ErrorHandlers } from '../task/error-decisions.ts';
import type { GlobalTables } from '../task/global-tables.ts';
import { StreamTask } from '../task/stream-task.ts';
import { TaskGraph } from '../task/task-graph.ts';
import { parseTaskId } from '../task/task-id.ts';
import type { TaskInput, TaskLayout, TaskSpec } from '../task/task-layout.ts';
import { lifeInMemory } from '../task/task-life.ts';
import type { ConsumerRecord } from '../topology/record.ts';
import { isTimeReport } from '../topology/repartition-record.ts';
import { internalTopicsOf, type Topology } from '../topology/topology.ts';
import { decodeOffsetMetadata } from '../writing/offset-metadata.ts';
import type { CommittedRows } from './committed-rows.ts';
import { MemoryProducer, type MemoryTopics } from './memory-topics.ts';

export interface DrivenTasksOptions {
  readonly topology: Topology;
  readonly applicationId: string;
  readonly layout: TaskLayout;
  readonly topics: MemoryTopics;
  readonly globalTables: GlobalTables;
  readonly rows: CommittedRows;
  readonly handlers: ErrorHandlers;
  readonly nowMs: () => number;
}

export interface DrivenTask {
  readonly task: StreamTask;
  /** How far each input is fetched, by `topic-partition`. */
  readonly fetchedTo: Map<string, number>;
}

/** What a task logs beside the error that the call fails with. */
const WARNINGS: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields, message) => process.emitWarning(`${message}: ${JSON.stringify(fields)}`),
  error: (fields, message) => process.emitWarning(`${message}: ${JSON.stringify(fields)}`),
};
/** Small enough that a test of many keys meets rows that have gone. */
const CACHE_BYTES = 65_536;
/** More than reports of event time have to wait for each other. */
const PACE_MS = 1_000;

/** The tasks of a topology over topics in memory: they read, process and commit as stream threads make them. */
export class DrivenTasks {
  readonly #options: DrivenTasksOptions;
  readonly #internalTopics: ReadonlySet<string>;
  readonly #repartitionTopics: ReadonlySet<string>;
  /** How far the topics of global tables are read, by `topic-partition`. */
  readonly #globalPositions = new Map<string, number>();
  readonly #tasks = new Map<string, DrivenTask>();
  /** Time that commits are paced by. */
  #paceMs = 0;
  #started = false;

  constructor(options: DrivenTasksOptions) {
    const { topology, applicationId, layout } = options;
    this.#options = options;
    this.#internalTopics = internalTopicsOf(topology, applicationId);
    this.#repartitionTopics = layout.repartitionTopics();
    for (const id of layout.taskIds()) this.#tasks.set(id, this.#open(layout.spec(id)));
  }

  /** Whether a record may have come. */
  get started(): boolean {
    return this.#started;
  }

  all(): DrivenTask[] {
    return [...this.#tasks.values()];
  }

  get(id: string): DrivenTask | undefined {
    return this.#tasks.get(id);
  }

  /**
   * Before the first record every input is empty and read to its end. A source without a record reports so once, as a
   * real task does when it starts: it must not hold the watermark back. What reads a repartition topic waits for the
   * reports of its own sources first.
   */
  async start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    for (const driven of this.#tasks.values()) {
      const { task } = driven;
      for (const input of task.inputs) task.expectRecords(input, this.#options.topics.end(input));
      if (this.#unread(driven).length > 0 || task.spec.timeLinks.sources.length > 0) continue;
      await this.#report(driven);
    }
  }

  /** One commit per round and task until nothing is under way. */
  async settle(): Promise<void> {
    await this.start();
    this.#readGlobalTables();
    for (let moved = true; moved;) {
      moved = false;
      for (const { id: subTopologyId } of this.#options.topology.subTopologies) {
        const waiting = [...this.#tasks.values()].filter(
          (driven) =>
            driven.task.spec.subTopology.id === subTopologyId &&
            (this.#unread(driven).length > 0 || driven.task.graph?.hasUncommitted === true),
        );
        // They work side by side: the report of the first one must not make the others' records late. Reports alone are
        // no backlog: where tasks feed themselves they would be answered by more of them, without end.
        const working = waiting.filter((driven) =>
          this.#unread(driven).some(({ topic, value }) => !(this.#repartitionTopics.has(topic) && isTimeReport(value))),
        );
        if (working.length > 1) for (const driven of working) await this.#reportBacklog(driven);
        for (const driven of waiting) {
          moved = true;
          this.#readGlobalTables();
          await this.#attempt(driven, async () => {
            this.#process(driven);
            await this.#commit(driven);
          });
        }
      }
    }
    this.#readGlobalTables();
  }

  /** Calls the punctuators that are due by the wall clock, and commits. */
  async punctuate(): Promise<void> {
    for (const driven of this.#tasks.values()) {
      if (driven.task.punctuationDueMs > this.#options.nowMs()) continue;
      await this.#attempt(driven, async () => {
        driven.task.punctuate();
        await this.#commit(driven);
      });
    }
  }

  /** A graph of its own for what is in the stores now. */
  async reopen({ task }: DrivenTask): Promise<void> {
    this.#makeGraph(task, await loadIndexes(task.spec.subTopology.stores, task.store));
  }

  #open(spec: TaskSpec): DrivenTask {
    const store = spec.subTopology.stores.length > 0 ? openMemoryStore() : undefined;
    if (store !== undefined) this.#keepUnlogged(spec, store);
    const task = new StreamTask(spec, lifeInMemory(store), { exactlyOnce: true });
    task.producer = new MemoryProducer(this.#options.topics);
    this.#makeGraph(task, emptyIndexes(spec.subTopology.stores));
    task.start(new Map(spec.inputs.map(({ topic, partition }) => [topicPartition(topic, partition), 0])));
    return { task, fetchedTo: new Map() };
  }

  /** Rows are known from the changelogs; those of a store that has none from what is committed to it. */
  #keepUnlogged({ id, subTopology }: TaskSpec, store: StateStore): void {
    const unlogged = new Set(subTopology.stores.flatMap((spec) => (hasChangelog(spec) ? [] : spec.name)));
    if (unlogged.size === 0) return;
    const timed = new Set(subTopology.stores.flatMap((spec) => (spec.timed ? spec.name : [])));
    const commit = store.commit.bind(store);
    store.commit = async (batch) => {
      await commit(batch);
      for (const { store: name, key, value } of batch.changes)
        if (unlogged.has(name))
          this.#options.rows.keep(
            name,
            parseTaskId(id).partition,
            key,
            value !== null && timed.has(name) ? untimed(value) : value,
          );
    };
  }

  #makeGraph(task: StreamTask, indexes: StoreIndexes): void {
    const { spec } = task;
    task.graph = new TaskGraph({
      dropped: task.dropped,
      globalTables: this.#options.globalTables,
      taskId: spec.id,
      subTopology: spec.subTopology,
      applicationId: this.#options.applicationId,
      store: task.store,
      indexes,
      // Of its own: a graph that is replaced takes its rows with it.
      cache: new RecordCache(CACHE_BYTES),
      collector: task.collector,
      partitionsOf: (topic) => (this.#options.topics.has(topic) ? this.#options.topics.partitionsOf(topic) : undefined),
      internalTopics: this.#internalTopics,
      time: task.time,
      nowMs: () => this.#options.nowMs(),
      requestCommit: () => undefined,
      handlers: this.#options.handlers,
    });
  }

  /** Every copy of a global table has what was written before anything else is read. */
  #readGlobalTables(): void {
    for (const topic of this.#options.globalTables.topics) {
      for (let partition = 0; partition < this.#options.topics.partitionsOf(topic); partition += 1) {
        const name = topicPartition(topic, partition);
        for (const record of this.#options.topics.from({ topic, partition }, this.#globalPositions.get(name) ?? 0)) {
          this.#options.globalTables.apply(record, this.#options.nowMs());
          this.#globalPositions.set(name, record.offset + 1);
        }
      }
    }
  }

  /** A task that has more to read than it reported holds the watermark back until it has read it. */
  async #reportBacklog(driven: DrivenTask): Promise<void> {
    const { task } = driven;
    for (const input of task.inputs) task.expectRecords(input, this.#options.topics.end(input));
    await this.#report(driven);
  }

  async #report(driven: DrivenTask): Promise<void> {
    if (driven.task.time.isReportDue(this.#paceMs + PACE_MS)) await this.#attempt(driven, () => this.#commit(driven));
  }

  async #commit({ task }: DrivenTask): Promise<void> {
    this.#paceMs += PACE_MS;
    await commitTask(task, this.#paceMs);
  }

  /** As a real task does: fetches until everything there is has been processed. */
  #process(driven: DrivenTask): void {
    const { task, fetchedTo } = driven;
    do {
      for (const input of task.inputs) {
        const { topic, partition } = input;
        const name = topicPartition(topic, partition);
        const records = this.#options.topics
          .from(input, this.#fetchedTo(driven, input))
          .map((record) => ({ ...record, sizeBytes: 0 }));
        const end = this.#options.topics.end(input);
        fetchedTo.set(name, end);
        task.accept({ topic, partition, records, nextOffset: end, lastStableOffset: end });
      }
      task.processWaiting(0, Infinity);
    } while (
      task.inputs.some(({ topic, partition }) => task.time.inputs.waiting(topicPartition(topic, partition)) > 0)
    );
  }

  /** What waits for this task, in the order of its inputs. */
  #unread(driven: DrivenTask): ConsumerRecord[] {
    return driven.task.inputs.flatMap((input) => this.#options.topics.from(input, this.#fetchedTo(driven, input)));
  }

  #fetchedTo({ task, fetchedTo }: DrivenTask, { topic, partition }: TaskInput): number {
    const name = topicPartition(topic, partition);
    return fetchedTo.get(name) ?? task.committedOffsets().get(name) ?? 0;
  }

  /** What fails is undone, and read again by the next call. */
  async #attempt(driven: DrivenTask, work: () => void | Promise<void>): Promise<void> {
    try {
      if (driven.task.graph === undefined) await this.reopen(driven);
      await work();
    } catch (error) {
      const { task, fetchedTo } = driven;
      await task.producer?.abort();
      task.producer = new MemoryProducer(this.#options.topics);
      fetchedTo.clear();
      task.abort();
      task.close(WARNINGS);
      const committed = task.committedOffsets();
      const metadata = [...committed.keys()].map((name) => this.#options.topics.committed(name)?.metadata ?? null);
      task.time.resume(Math.max(-1, ...metadata.map((text) => decodeOffsetMetadata(text).streamTimeMs)));
      task.start(committed);
      await this.reopen(driven).catch((another: unknown) => {
        WARNINGS.warn({ taskId: task.id, error: messageOf(another) }, 'a task cannot be initialised again');
      });
      throw error;
    }
  }
}
