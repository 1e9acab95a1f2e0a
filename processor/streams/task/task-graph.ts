import { deadLetterRecord } from '../writing/dead-letter.ts';
import type { RecordCollector } from '../writing/record-collector.ts';
import { StreamsError } from '../errors.ts';
import type { StateStore, StoreChange } from '../store/state-store.ts';
import type { StoreIndexes } from '../store/load-indexes.ts';
import type { RecordCache } from '../store/record-cache.ts';
import type { LiveKeyValueStore, LiveSessionStore, LiveVersionedStore, LiveWindowStore } from '../store/typed-store.ts';
import { compileGraph, type TopicSource } from '../topology/compile/compile-graph.ts';
import { partitionOf } from '../topology/partitioner.ts';
import type { GraphNode } from '../topology/graph.ts';
import type { OutgoingPartial, RepartitionPlace } from '../topology/outgoing-partial.ts';
import { isTopicName } from '../topology/topology-checks.ts';
import type { ConsumerRecord, CurrentRecord, DeadLetter, HeaderList, RecordContext } from '../topology/record.ts';
import { SentRow } from '../writing/sent-row.ts';
import { UNKNOWN_PARTITION, type OutgoingRecord } from '../writing/streams-producer.ts';
import type { TimeReport } from '../topology/repartition-record.ts';
import type {
  ChangeEmit,
  Emit,
  OwnTime,
  RoutedRecord,
  SinkRecord,
  StepTime,
  TableView,
  TaskRuntime,
} from '../topology/task-runtime.ts';
import { readsTablesOnly, repartitionTopic, timedTopicsOf, type SubTopology } from '../topology/topology.ts';
import { NodeFailure, userCodeFailed } from '../topology/user-code.ts';
import type { GlobalTables } from './global-tables.ts';
import { Punctuators, type Cancellable, type Schedule } from './punctuators.ts';
import { RecordWatch } from './record-watch.ts';
import type { ErrorHandlers } from './error-decisions.ts';
import { TaskStores } from './task-stores.ts';
import { DroppedRecords, type DropReason, type WindowIntake } from './dropped-records.ts';
import type { EventTime, WaitingRecord } from './event-time.ts';
import { StepTimes } from './step-times.ts';
import { UserCodeFailures } from './user-code-failures.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

export interface TaskGraphOptions {
  readonly taskId: string;
  readonly subTopology: SubTopology;
  readonly applicationId: string;
  /** Absent when the sub-topology has no stores. */
  readonly store: StateStore | undefined;
  /** Of its stores that have one (store/load-indexes.ts). */
  readonly indexes?: StoreIndexes;
  /** For the committed rows of its stores, shared with other tasks. Absent: they are read from disk each time. */
  readonly cache?: RecordCache;
  /** Absent: the topology has none. */
  readonly globalTables?: GlobalTables;
  readonly collector: RecordCollector;
  /** Undefined: the topic is none that the topology names. */
  readonly partitionsOf: (topic: string) => number | undefined;
  /** Topics that no function may choose: the runtime alone writes them. Absent: there are none. */
  readonly internalTopics?: ReadonlySet<string>;
  readonly time: EventTime;
  readonly nowMs: () => number;
  readonly requestCommit: () => void;
  /** Told of each record before it is worked on. */
  readonly watch?: RecordWatch;
  /** Outlives the graph: the task counts on when it is taken anew. */
  readonly dropped?: DroppedRecords;
  /** Decide about failures of user code; by default the task fails by each. */
  readonly handlers?: ErrorHandlers | undefined;
}

/** Before the first record. */
const NO_RECORD: CurrentRecord = { topic: '', partition: -1, offset: -1, headers: {}, headerList: [] };

/**
 * One task's live copy of its sub-topology: nodes joined by plain calls, stores, and what the commit asks of them.
 * It knows no Kafka: the TopologyTestDriver runs the same class.
 */
export class TaskGraph implements TaskRuntime {
  readonly taskId: string;
  readonly partition: number;
  readonly requestCommit: () => void;
  current: CurrentRecord = NO_RECORD;
  readonly #options: TaskGraphOptions;
  readonly #dropped: DroppedRecords;
  readonly #watch: RecordWatch;
  readonly #sources: ReadonlyMap<string, TopicSource>;
  readonly #stores: TaskStores;
  readonly #punctuators = new Punctuators();
  readonly #time: EventTime;
  readonly #stepTimes: StepTimes;
  readonly #failures: UserCodeFailures;
  /** The wall clock while a batch is processed; undefined between batches. */
  #batchMs: number | undefined;
  /** The last flush has expired as many windows as it may, and there may be more. */
  #expiryLeft = false;
  #flushing = false;
  #flushHooks: (() => void)[] = [];
  readonly #closeHooks: (() => void)[] = [];

  constructor(options: TaskGraphOptions) {
    const { subTopology, store, taskId } = options;
    this.#options = options;
    this.#dropped = options.dropped ?? new DroppedRecords();
    this.#watch = options.watch ?? new RecordWatch([]);
    this.taskId = taskId;
    this.partition = Number(taskId.slice(taskId.indexOf('_') + 1));
    this.requestCommit = options.requestCommit;
    this.#time = options.time;
    this.#stores = new TaskStores({
      taskId,
      specs: subTopology.stores,
      state: store,
      indexes: options.indexes,
      cache: options.cache,
      onLatePut: () => this.#dropped.add('late'),
    });
    this.#failures = new UserCodeFailures({
      taskId,
      subTopology,
      handlers: options.handlers ?? {},
      partitionsOf: (topic) => this.#partitionsOf(topic),
      deadLetter: (record, letter) => this.#sourceOf(record.topic).refuse?.(record, letter),
      drop: (reason) => this.drop(reason),
      headers: () => this.headers(),
    });
    this.#time.load(store);
    this.#stepTimes = new StepTimes({ taskId, subTopology, store, streamTimeMs: () => this.streamTimeMs() });
    this.#sources = compileGraph(subTopology.nodes, this, {
      applicationId: options.applicationId,
      timedTopics: timedTopicsOf(subTopology),
      tablesAreTime: readsTablesOnly(subTopology),
      observe: (timestampMs) => this.#time.observe(timestampMs),
    });
  }

  /** Runs one record through the graph. @throws StreamsError USER_CODE_FAILED naming the record and the node. */
  process(record: ConsumerRecord): void {
    this.processAll(record.topic, [record]);
  }

  /**
   * Runs records of one topic through the graph, the wall clock standing still: asking for it costs a tenth of a
   * record.
   * @throws StreamsError USER_CODE_FAILED naming the record and the node.
   */
  processAll(topic: string, records: readonly ConsumerRecord[]): void {
    const { process } = this.#sourceOf(topic);
    this.#batchMs = this.#options.nowMs();
    const watch = this.#watch;
    const failures = this.#failures;
    watch.enter(topic, records[0]?.partition ?? 0);
    let index = 0;
    try {
      while (index < records.length) {
        try {
          for (; index < records.length; index += 1) {
            const record = records[index] as ConsumerRecord;
            watch.at(record.offset);
            this.current = failures.record = record;
            process(record);
            if (this.#punctuators.byStreamTime) this.#punctuate('stream-time', this.streamTimeMs());
          }
        } catch (error) {
          // A failure that is let pass ends what is done with its record, and no more.
          failures.decide('onProcessingError', error);
          index += 1;
        }
      }
    } finally {
      watch.leave();
      this.#batchMs = undefined;
      failures.record = undefined;
    }
  }

  /** Reads a record of one of several inputs. What user code throws at it is thrown when it is handed on. */
  read(record: ConsumerRecord): WaitingRecord {
    this.#watch.enter(record.topic, record.partition);
    this.#watch.at(record.offset);
    try {
      return this.#sourceOf(record.topic).read(record);
    } catch (error) {
      return {
        record,
        timestampMs: undefined,
        handOn: () => {
          throw error;
        },
      };
    } finally {
      this.#watch.leave();
    }
  }

  /**
   * Runs records of several inputs through the graph in the order in which `next` gives them, at most `limit`; answers
   * how many.
   * @throws as `processAll`.
   */
  processInOrder(next: () => WaitingRecord | undefined, limit: number): number {
    this.#batchMs = this.#options.nowMs();
    let count = 0;
    try {
      for (; count < limit; count += 1) {
        const waiting = next();
        if (waiting === undefined) break;
        try {
          const { timestampMs, record } = waiting;
          this.current = this.#failures.record = record;
          this.#watch.enter(record.topic, record.partition);
          this.#watch.at(record.offset);
          if (timestampMs !== undefined && this.#sourceOf(record.topic).movesTime) this.#time.observe(timestampMs);
          waiting.handOn();
          if (this.#punctuators.byStreamTime) this.#punctuate('stream-time', this.streamTimeMs());
        } catch (error) {
          this.#failures.decide('onProcessingError', error);
        }
      }
    } finally {
      this.#watch.leave();
      this.#batchMs = undefined;
      this.#failures.record = undefined;
    }
    return count;
  }

  context(timestampMs: number): RecordContext {
    const { topic, partition, offset, headers } = this.current;
    return { topic, partition, offset, timestampMs, headers };
  }

  headers(): HeaderList {
    const { current } = this;
    return current.headerList ?? Object.entries(current.headers);
  }

  schedule(schedule: Schedule, call: (timestampMs: number) => void): Cancellable {
    return this.#punctuators.schedule(schedule, this.#options.nowMs(), (timestampMs) => {
      this.#failures.without('at a punctuation', () => call(timestampMs));
    });
  }

  /** When a punctuator is due by the wall clock; Infinity: there is none. */
  get punctuationDueMs(): number {
    return this.#punctuators.dueMs;
  }

  /**
   * Calls the punctuators that are due by the wall clock.
   * @throws StreamsError USER_CODE_FAILED naming the node.
   */
  punctuate(): void {
    const nowMs = this.#options.nowMs();
    if (this.#punctuators.dueMs > nowMs) return;
    this.#batchMs = nowMs;
    try {
      this.#punctuate('wall-clock', nowMs);
    } catch (error) {
      throw userCodeFailed(this.taskId, 'at a punctuation', error);
    } finally {
      this.#batchMs = undefined;
    }
  }

  #punctuate(clock: Schedule['clock'], timeMs: number): void {
    if (timeMs < 0) return;
    const { current } = this;
    this.current = NO_RECORD;
    try {
      this.#punctuators.advance(clock, timeMs);
    } finally {
      this.current = current;
    }
  }

  nowMs(): number {
    return this.#batchMs ?? this.#options.nowMs();
  }

  /**
   * Step 1 of the commit: flushes combiners and pending changes to the collector, answers the stores' changes. What has
   * changed is told and logged first, then it expires: a window is never gone that nobody has heard of.
   * @throws StreamsError USER_CODE_FAILED naming the node, for what user code throws behind `toStream`, in an aggregate
   * or a serde.
   */
  async flush(): Promise<StoreChange[]> {
    // mutant: flush
    let changes: StoreChange[];
    try {
      this.#flushing = true;
      this.#stepTimes.beginFlush();
      this.#time.beginFlush();
      for (let index = this.#flushHooks.length - 1; index >= 0; index -= 1) (this.#flushHooks[index] as () => void)();
      changes = this.#stores.flush();
    } catch (error) {
      // mutant: name-at-commit
      throw error instanceof NodeFailure ? userCodeFailed(this.taskId, 'at the commit', error) : error;
    } finally {
      this.#flushing = false;
      this.#stepTimes.endFlush();
      this.#time.endFlush();
    }
    // mutant: expire-after-flush
    const { tombstones, isLeft } = await this.#stores.expire((name) => this.#stepTimes.nowMs(name));
    this.#expiryLeft = isLeft;
    for (const tombstone of tombstones) changes.push(tombstone);
    for (const change of this.#time.takeChanges()) changes.push(change);
    for (const change of this.#stepTimes.takeChanges()) changes.push(change);
    return changes;
  }

  /** After the commit of what `flush` has given. */
  committed(): void {
    // The last record of a task that waits would keep the whole answer in memory that it came with.
    this.current = NO_RECORD;
    this.#stores.committed();
    this.#time.committed();
    this.#punctuators.committed();
    this.#dropped.committed();
  }

  /**
   * Something waits for a commit although no record came: what is to be sent, or windows beyond the limit of the last
   * one.
   */
  get hasUncommitted(): boolean {
    return this.#options.collector.size > 0 || this.#expiryLeft || this.#punctuators.hasUncommitted;
  }

  streamTimeMs(): number {
    return this.#time.streamTimeMs;
  }

  stepTimeOf(store: string): StepTime {
    return this.#stepTimes.of(store);
  }

  ownTimeOf(store: string): OwnTime {
    return this.#stepTimes.ownOf(store);
  }

  keyValueStore(name: string): LiveKeyValueStore<unknown, unknown> {
    return this.#stores.get(name, 'key-value');
  }

  windowStore(name: string): LiveWindowStore<unknown, unknown> {
    return this.#stores.get(name, 'window');
  }

  sessionStore(name: string): LiveSessionStore<unknown, unknown> {
    return this.#stores.get(name, 'session');
  }

  versionedStore(name: string): LiveVersionedStore<unknown, unknown> {
    return this.#stores.get(name, 'versioned');
  }

  globalTable(name: string): TableView {
    const view = this.#options.globalTables?.viewOf(name);
    if (view === undefined)
      throw new StreamsError('THREAD_FAILED', `task ${this.taskId} has no global table "${name}"`, {
        taskId: this.taskId,
      });
    return view;
  }

  send({ topic, key, value: given, timestampMs, headers, choosePartition: chosen }: SinkRecord): void {
    // Each record of a sink comes here: an object spread costs more than all else that is done for it.
    const origin =
      this.#options.handlers?.onProductionError === undefined ? undefined : (this.#failures.record ?? null);
    const choosePartition = chosen ?? ((count) => (key === null ? this.partition % count : partitionOf(key, count)));
    const count = this.#options.partitionsOf(topic);
    if (
      count !== undefined &&
      origin === undefined &&
      key !== null &&
      (headers === undefined || headers.length === 0)
    ) {
      this.#options.collector.add(new SentRow(topic, choosePartition(count), key, given, timestampMs));
      return;
    }
    const value = typeof given === 'string' ? Buffer.from(given, 'utf8') : given;
    this.#options.collector.add(
      count === undefined
        ? {
            topic,
            partition: UNKNOWN_PARTITION,
            key,
            value,
            headers,
            timestampMs,
            origin,
            choosePartition: this.#failures.naming(choosePartition),
          }
        : { topic, partition: choosePartition(count), key, value, headers, timestampMs, origin },
    );
  }

  checkTopic(topic: string): void {
    if (!isTopicName(topic))
      throw new TypeError(
        `"${topic}" is no name of a topic: that is 1 to 249 letters, digits, dots, dashes and underscores`,
      );
    if (this.#options.internalTopics?.has(topic) === true)
      throw new TypeError(`"${topic}" is the application's own topic, which nothing but the runtime may write`);
  }

  guarded(node: GraphNode, emit: Emit): Emit {
    return this.#failures.guarded(node, emit);
  }

  guardedChange(emit: ChangeEmit): ChangeEmit {
    return this.#failures.guardedChange(emit);
  }

  attempt(work: () => void): void {
    this.#failures.attempt(work);
  }

  /**
   * A record of a sink that its topic does not take: what is sent in its place.
   * @throws StreamsError the error, when the task must fail by it.
   */
  refused(record: OutgoingRecord, error: StreamsError): OutgoingRecord[] {
    return this.#failures.refused(record, error);
  }

  get letsFailuresPass(): boolean {
    return this.#options.handlers?.onProcessingError !== undefined;
  }

  senderTime(grouping: string): StepTime | undefined {
    return this.#time.senderTime(repartitionTopic(this.#options.applicationId, grouping));
  }

  isFlushing(): boolean {
    return this.#flushing;
  }

  repartitionPlace(grouping: string): RepartitionPlace {
    const topic = repartitionTopic(this.#options.applicationId, grouping);
    return { topic, partitions: this.#partitionsOf(topic) };
  }

  sendPartial(partial: OutgoingPartial, lateByMs?: number): void {
    if (lateByMs !== undefined) this.#time.sendBehind(partial, lateByMs);
    else this.#options.collector.add(partial);
  }

  sendRouted(grouping: string, { partition, mayBeLate = false, ...record }: RoutedRecord): void {
    const topic = repartitionTopic(this.#options.applicationId, grouping);
    const count = this.#partitionsOf(topic);
    const byKey = (): number => (record.key === null ? this.partition % count : partitionOf(record.key, count));
    const place = { topic, partition: partition ?? byKey() };
    // mutant: report-ahead
    if (mayBeLate) this.#time.reportAhead(place);
    this.#options.collector.add({ ...record, ...place });
  }

  reportTime(grouping: string, report: TimeReport): boolean {
    return this.#time.report(grouping, report);
  }

  deadLetter(record: ConsumerRecord, letter: DeadLetter, topic: string): void {
    this.#options.collector.add(deadLetterRecord(record, letter, topic, this.#partitionsOf(topic)));
  }

  drop(reason: DropReason, count?: number): void {
    this.#dropped.add(reason, count);
  }

  intakeOf(store: string): WindowIntake {
    return this.#dropped.intakeOf(store);
  }

  place(): string {
    return topicPartition(this.current.topic, this.partition);
  }

  onFlush(flush: () => void): void {
    this.#flushHooks.push(flush);
  }

  onClose(close: () => void): void {
    this.#closeHooks.push(close);
  }

  /**
   * Closes the processors, those downstream first, then the stores. @throws what the first of them throws, when all are
   * closed.
   */
  close(): void {
    const errors: unknown[] = [];
    for (const close of this.#closeHooks.splice(0)) {
      try {
        close();
      } catch (error) {
        errors.push(error);
      }
    }
    this.#stores.close();
    if (errors.length > 0) throw userCodeFailed(this.taskId, 'when it was closed', errors[0]);
  }

  #sourceOf(topic: string): TopicSource {
    const source = this.#sources.get(topic);
    if (source === undefined)
      throw new StreamsError('THREAD_FAILED', `task ${this.taskId} got a record of ${topic}, which it does not read`, {
        taskId: this.taskId,
      });
    return source;
  }

  #partitionsOf(topic: string): number {
    const count = this.#options.partitionsOf(topic);
    if (count === undefined)
      throw new StreamsError('THREAD_FAILED', `task ${this.taskId} does not know the topic ${topic}`, {
        taskId: this.taskId,
      });
    return count;
  }
}
