import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { RESET_REMEDY, StreamsError } from '../errors.ts';
import { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { parseTopicPartition, topicPartition } from '../kafka/topic-partition.ts';
import type { Logger } from '../logger.ts';
import { LongWaits } from '../long-waits.ts';
import type { FetchedPartition } from '../reading/fetched-partition.ts';
import { RecordFetcher } from '../reading/record-fetcher.ts';
import { rowCheckOf } from '../reading/row-check.ts';
import type { TaskOwners } from '../group/task-owners.ts';
import { OwnedRows, type OwnedStore } from '../queries/owned-rows.ts';
import {
  answerFrom,
  answerGlobal,
  type StoreAnswer,
  type StoreQuestion,
  type TaskQuestion,
} from '../queries/store-question.ts';
import { RecordCache } from '../store/record-cache.ts';
import type { StreamsConfig, ThreadInit } from '../streams-config.ts';
import { DiskWait } from '../task/disk-wait.ts';
import type { ErrorHandlers } from '../task/error-decisions.ts';
import type { RestoreEvent } from '../task/initialise-task.ts';
import { type RecordSpan, RecordTraces } from '../task/record-traces.ts';
import type { RecordWatch } from '../task/record-watch.ts';
import { StandbyTasks } from '../task/standby-tasks.ts';
import type { StreamTask } from '../task/stream-task.ts';
import type { TaskId } from '../task/task-id.ts';
import type { TaskChangelog, TaskLayout } from '../task/task-layout.ts';
import { TaskManager } from '../task/task-manager.ts';
import type { WithheldRecords } from '../task/withheld-records.ts';
import { checkTopicIds } from '../topics/topic-check.ts';
import type { Topology } from '../topology/topology.ts';
import { CommitPace, type SentRecords } from './commit-pace.ts';
import { GlobalTableReader } from './global-table-reader.ts';
import { TaskFactory } from './task-factory.ts';
import { ThreadMembership, type ThreadAssignment } from './thread-membership.ts';
import type { FromThread } from './thread-messages.ts';

const IDLE_WAIT_MS = 250;
/** Of a task with several inputs, before others and the commit have their turn. */
const RECORDS_A_TURN = 1_000;
/** Of all partitions: what is processed at once is in memory until its commit, and takes several times as much. */
const FETCHED_BYTES = 2 * 1024 * 1024;
/** So much to send asks for a commit before its time. */
const MAX_COLLECTED_BYTES = 16 * 1024 * 1024;

interface StreamThreadParts {
  readonly logger: Logger;
  /** Ids of the tasks whose stores are in the state directory. */
  readonly storesOnDisk: () => readonly TaskId[];
  /** Says which record user code is working on. */
  readonly watch: RecordWatch;
  readonly withheld: WithheldRecords;
  readonly handlers: ErrorHandlers;
  /** It begins paused. */
  readonly paused: boolean;
  readonly onOwners: (owners: TaskOwners | undefined) => void;
  readonly onRestore: (event: RestoreEvent) => void;
  readonly onSpans: (spans: RecordSpan[]) => void;
  /** `status().steady` has changed: the instance is RUNNING, or is not, from now on and not from the next report. */
  readonly onSteady: () => void;
}

/**
 * One stream thread: one group member, one fetcher, one loop. The loop is the mutex of the design: records are
 * processed and commits are made in it and nowhere else, so neither ever sees the other half done.
 */
export class StreamThread {
  readonly #config: StreamsConfig;
  readonly #logger: Logger;
  readonly #withheld: WithheldRecords;
  /** Undefined: the application does not trace. */
  readonly #traces: RecordTraces | undefined;
  readonly #repartitionTopics: ReadonlySet<string>;
  readonly #connections: readonly KafkaCluster[];
  readonly #fetcher: RecordFetcher;
  readonly #disk: DiskWait;
  readonly #waits: LongWaits;
  readonly #pace: CommitPace;
  readonly #tasks: TaskManager;
  readonly #standbys: StandbyTasks;
  readonly #membership: ThreadMembership;
  readonly #global: GlobalTableReader;
  readonly #changelogsOf: (id: TaskId) => readonly TaskChangelog[];
  readonly #storesOf: TaskLayout['storesOf'];
  readonly #ownedRows = new OwnedRows((question) => this.#ownedStore(question));
  readonly #cache: RecordCache;
  /** Called when the next commit is done: a rebalance waits for them. */
  #commitRequested: (() => void)[] = [];
  readonly #onOwners: (owners: TaskOwners | undefined) => void;
  readonly #onSteady: () => void;
  #toldSteady = false;
  #closing = false;
  #paused = false;
  /** The loop has ended: a thread without tasks that is about to fail is not one that has nothing to do. */
  #ending = false;
  #failure: unknown;
  /** By the commit that is under way, to tasks of this thread. */
  #sent: SentRecords[] = [];
  /** Of the user's topics; partials between sub-topologies do not count. */
  #records = 0;
  #commits = 0;
  /** Why the inputs cannot be fetched right now; null when they can. */
  #fetchAway: string | null = null;

  constructor(init: ThreadInit, topology: Topology, parts: StreamThreadParts) {
    const { logger, storesOnDisk, watch, withheld, handlers } = parts;
    this.#paused = parts.paused;
    this.#onOwners = parts.onOwners;
    this.#onSteady = parts.onSteady;
    const { config } = init;
    const connect = (role: string): KafkaCluster =>
      new KafkaCluster({ ...init.connection, clientId: `${init.threadName}-${role}` }, logger);
    const [group, fetch, restore] = [connect('group'), connect('fetch'), connect('restore')];
    this.#config = config;
    this.#logger = logger;
    this.#withheld = withheld;
    this.#traces = init.traces === undefined ? undefined : new RecordTraces({ ...init.traces, onSpans: parts.onSpans });
    this.#connections = [group, fetch, restore];
    this.#pace = new CommitPace(config.commitIntervalMs);
    this.#waits = new LongWaits(logger);
    const fetching = this.#waits.of('the reader of records');
    this.#disk = new DiskWait(init.slotDirectory, logger);
    this.#global = new GlobalTableReader({ ...init.connection, clientId: `${init.threadName}-global` }, topology, {
      logger,
      onRead: () => this.#fetcher.wake(),
      onFatal: (error) => this.#fail(error),
    });
    // As in Kafka Streams the threads have equal shares: memory is not shared between them.
    this.#cache = new RecordCache(Math.floor(config.cacheMaxBytes / config.numStreamThreads));
    const factory = new TaskFactory({
      init,
      topology,
      logger,
      watch,
      handlers,
      onRestore: parts.onRestore,
      globalTables: this.#global.tables,
      cache: this.#cache,
      requestCommit: () => this.#pace.demand(),
      waits: this.#waits,
      membership: () => this.#membership.current,
    });
    const { layout } = factory;
    this.#repartitionTopics = layout.repartitionTopics();
    this.#changelogsOf = (id) => layout.changelogsOf(id);
    this.#storesOf = (id) => layout.storesOf(id);
    const isInternal = (topic: string): boolean => this.#repartitionTopics.has(topic);
    const onFatal = (error: unknown): void => this.#fail(error);
    const life = factory.lifeContext(this.#disk, onFatal);
    this.#membership = new ThreadMembership(group, {
      init,
      layout,
      logger,
      waiting: this.#waits.of('the member of the group'),
      held: () => ({
        active: this.#tasks.tasks.filter((task) => task.hasState).map(({ id }) => id),
        standby: this.#standbys.ids(),
        stores: storesOnDisk(),
      }),
      commitSoon: (timeoutMs) => this.#commitSoon(timeoutMs),
      onChange: () => this.#fetcher.wake(),
      onFatal,
    });
    this.#fetcher = new RecordFetcher(fetch, logger, {
      maxBytes: FETCHED_BYTES,
      maxBytesPerPartition: config.maxBytesPerPartition,
      maxRecordBytes: (topic) => (isInternal(topic) ? undefined : config.maxRecordBytes),
      onAway: (away, reason) => {
        if (away) {
          fetching.step('records that it cannot read');
          fetching.unanswered(new Error(reason));
        } else fetching.end();
        this.#fetchAway = away ? reason : null;
      },
      checkTopics: (topics) => checkTopicIds(restore, topics, init.topicIds, isInternal),
    });
    this.#tasks = new TaskManager({
      layout,
      life,
      initialise: factory.initialiseContext(restore, this.#membership.fences),
      onRunning: (_task, offsets) => {
        for (const [name, offset] of offsets) {
          const { topic, partition } = parseTopicPartition(name);
          this.#fetcher.seek(topic, partition, offset);
        }
        this.#tellSteady();
      },
      onCommitted: (task, sent) => {
        this.#traces?.committed(task);
        for (const [name, nextOffset] of sent) {
          const to = this.#tasks.readerOf(name)?.spec.subTopology.id;
          if (to !== undefined) this.#sent.push({ from: task.spec.subTopology.id, to, name, nextOffset });
        }
      },
      onStopped: ({ id, inputs }) => {
        this.#traces?.stopped(id);
        for (const { topic, partition } of inputs) this.#fetcher.remove(topic, partition);
      },
      queues: {
        maxTaskIdleMs: config.maxTaskIdleMs,
        onFull: ({ topic, partition }) => this.#fetcher.hold(topic, partition),
        onRoom: ({ topic, partition }) => this.#fetcher.release(topic, partition),
      },
    });
    this.#standbys = new StandbyTasks({
      life,
      cluster: connect('standby'),
      waits: this.#waits,
      changelogsOf: (id) => layout.changelogsOf(id),
      checkOf: (id) => rowCheckOf(layout.storesOf(id)),
    });
  }

  /** Runs until `close` or a failure. @throws what ended it. */
  async run(): Promise<void> {
    this.#membership.start();
    this.#global.start();
    try {
      while (!this.#closing) await this.#runOnce();
      this.#ending = true;
      this.#throwFailure();
      await this.#tasks.commit(performance.now());
      await this.#tasks.closeAll(true);
      await this.#standbys.close();
    } catch (error) {
      this.#ending = true;
      await this.#tasks.closeAll(false).catch(() => undefined);
      await this.#standbys.close().catch(() => undefined);
      throw error;
    } finally {
      await this.#membership.leave();
      await this.#fetcher.close();
      await this.#global.close();
      await Promise.all(this.#connections.map((cluster) => cluster.disconnect()));
    }
  }

  /** Asks the loop to end after a last commit. */
  close(): void {
    this.#closing = true;
    this.#fetcher.wake();
  }

  /**
   * Nothing is processed until `resume`, but for what has been begun: the tasks stay this thread's, what is done is
   * committed, and the group hears of it.
   */
  pause(): void {
    this.#paused = true;
    this.#fetcher.wake();
  }

  resume(): void {
    this.#paused = false;
    this.#fetcher.wake();
  }

  /** About the committed rows in the stores of its tasks. Does not throw. */
  async answer(question: StoreQuestion): Promise<StoreAnswer> {
    const active = this.#tasks.tasks;
    if (question.kind === 'tasks') {
      const tasks = [...active.map((task) => task.status()), ...this.#standbys.status()];
      return { kind: 'tasks', tasks: tasks.map(({ id, role, state }) => ({ id, role, state })) };
    }
    if (question.kind === 'global')
      return this.#global.isRead ? answerGlobal(this.#global.tables, question) : { kind: 'absent', state: undefined };
    if (question.kind === 'owned') {
      const answer = await this.#ownedRows.answer(question);
      if (answer !== undefined) return answer;
    }
    const { taskId, stale } = question;
    const task = active.find(({ id }) => id === taskId);
    const state = task?.life.state;
    const store = state === 'RUNNING' || stale ? (task?.store ?? this.#standbys.storeOf(taskId)) : undefined;
    return store === undefined || question.kind === 'owned' ? { kind: 'absent', state } : answerFrom(store, question);
  }

  /** Whose rows other processes may have. */
  #ownedStore({ taskId, store: name, stale: allowStale }: TaskQuestion): OwnedStore | undefined {
    const task = this.#tasks.tasks.find(({ id }) => id === taskId);
    const stale = task?.life.state !== 'RUNNING';
    const store = allowStale || !stale ? (task?.store ?? this.#standbys.storeOf(taskId)) : undefined;
    const changelog = store === undefined ? undefined : this.#changelogsOf(taskId).find((c) => c.store === name);
    const serde = this.#storesOf(taskId).find((spec) => spec.name === name)?.serde;
    return store === undefined || changelog === undefined || serde === undefined
      ? undefined
      : { store, changelog, serde, stale };
  }

  status(): Extract<FromThread, { kind: 'status' }> {
    const { tasks } = this.#tasks;
    return {
      kind: 'status',
      tasks: [...tasks.map((task) => task.status()), ...this.#standbys.status()],
      records: this.#records,
      commits: this.#commits,
      globalRecords: this.#global.records,
      cache: this.#cache.counts(),
      brokerAway: this.#fetchAway ?? this.#membership.awayReason ?? this.#tasks.awayReason,
      registryAway: this.#tasks.registryAwayReason,
      diskTrouble: this.#disk.reason,
      longWait: this.#waits.reason,
      steady: this.#isSteady(),
      purgeable: tasks.flatMap((task) => this.#purgeableOf(task)),
    };
  }

  #isSteady(): boolean {
    return (
      !this.#ending &&
      this.#global.isRead &&
      this.#membership.settled &&
      this.#tasks.tasks.every(({ life }) => life.state === 'RUNNING')
    );
  }

  #tellSteady(): void {
    const steady = this.#isSteady();
    if (steady === this.#toldSteady) return;
    this.#toldSteady = steady;
    this.#onSteady();
  }

  /** Where the commits of this task have got to in the repartition topics that it reads. */
  #purgeableOf(task: StreamTask): (readonly [string, number])[] {
    return task.inputs.flatMap(({ topic, partition }) => {
      const name = topicPartition(topic, partition);
      const offset = task.committedOffsets().get(name);
      return offset === undefined || !this.#repartitionTopics.has(topic) ? [] : [[name, offset] as const];
    });
  }

  async #runOnce(): Promise<void> {
    this.#throwFailure();
    // The tasks may be another owner's: nothing may be committed for them, not even what is done.
    if (this.#membership.consumeLoss()) await this.#tasks.closeAll(true);
    await this.#membership.adoptAssignment((assignment) => this.#adopt(assignment));
    this.#tellSteady();
    if (
      this.#config.processingGuarantee === 'at_least_once' &&
      this.#membership.rejoining &&
      this.#commitRequested.length === 0
    ) {
      // No fence keeps two owners apart: tasks that may be another owner's stand still from the last commit to the new
      // assignment.
      await this.#fetcher.pause(IDLE_WAIT_MS);
      return;
    }
    // What is processed before the global tables are read would be joined with a part of their rows.
    if (this.#paused || !this.#global.isRead) {
      if (!this.#membership.changed) await this.#commitDue();
      await this.#fetcher.pause(IDLE_WAIT_MS);
      return;
    }
    await this.#waitForWork();
    // What has come since a pause waits for the end of it.
    if (this.#paused) return;
    // What was fetched for a task that was suspended is not what it reads next.
    const suspended = new Set<StreamTask>();
    for (const part of await this.#fetcher.take(0)) await this.#process(part, suspended);
    for (const task of this.#tasks.running()) {
      if (task.inputs.length < 2) continue;
      const done = await this.#tasks.work(task, () => task.processWaiting(performance.now(), RECORDS_A_TURN));
      if (done !== undefined) await this.#processed(task, done.records, done.ofUser);
    }
    for (const task of this.#tasks.running()) await this.#tasks.work(task, () => task.punctuate());
    // Tasks that are not this thread's any more are closed first.
    if (!this.#membership.changed) await this.#commitDue();
  }

  /** A store has one owner: one whose role changes is closed in the old role before it is opened in the new one. */
  async #adopt({ partitions, standby, owners }: ThreadAssignment): Promise<void> {
    this.#onOwners(owners);
    const waiting = this.#waits.of('the thread');
    waiting.step('the end of tasks that are not its own any more');
    try {
      await this.#standbys.assign(standby.filter((id) => this.#standbys.ids().includes(id)));
      await this.#tasks.assign(partitions);
      await this.#standbys.assign(standby);
    } finally {
      waiting.end();
    }
  }

  /** Waits for records until a commit is due or records that wait for their turn are. */
  async #waitForWork(): Promise<void> {
    const now = performance.now();
    const running = this.#tasks.running();
    for (const task of running) task.dropped.log(this.#logger, task.id, now);
    const pending = running.filter((task) => task.needsCommit(now));
    const dueAt = Math.min(
      ...pending.map((task) => this.#pace.dueAt(task.spec.subTopology.id)),
      ...running.map((task) => task.readyAtMs(now)),
      ...running.map((task) => now + task.punctuationDueMs - Date.now()),
    );
    await this.#fetcher.arrival(Math.min(IDLE_WAIT_MS, Math.max(0, dueAt - now)));
  }

  async #process(part: FetchedPartition, suspended: Set<StreamTask>): Promise<void> {
    const task = this.#tasks.taskOf(part.topic, part.partition);
    if (task === undefined || suspended.has(task)) return;
    if (part.outOfRange)
      throw new StreamsError(
        'OFFSET_OUT_OF_RANGE',
        `${topicPartition(part.topic, part.partition)} does not hold offset ${String(part.nextOffset)} any more: ` +
          `records were deleted before they were processed. If starting over is meant, ${RESET_REMEDY}`,
        { taskId: task.id, topic: part.topic, partition: part.partition, offset: part.nextOffset, remedy: 'reset' },
      );
    const known = this.#withheld.applyTo(part);
    const fetched = this.#traces?.applyTo(task.id, known) ?? known;
    const accepted = await this.#tasks.work(task, () => task.accept(fetched));
    this.#pace.fetched(task.spec.subTopology.id, topicPartition(part.topic, part.partition), part.nextOffset);
    if (accepted === undefined) suspended.add(task);
    else await this.#processed(task, accepted, this.#repartitionTopics.has(part.topic) ? 0 : accepted);
  }

  async #processed(task: StreamTask, records: number, ofUser: number): Promise<void> {
    if (records === 0) return;
    this.#pace.processed(records);
    if (task.collector.bytes >= MAX_COLLECTED_BYTES) this.#pace.demand();
    this.#records += ofUser;
    await nextTurn();
  }

  async #commitDue(): Promise<void> {
    const requested = this.#commitRequested;
    const startedAt = performance.now();
    const due = this.#tasks
      .running()
      .filter(
        (task) =>
          task.needsCommit(startedAt) &&
          (requested.length > 0 || this.#pace.dueAt(task.spec.subTopology.id) <= startedAt),
      );
    if (requested.length === 0 && due.length === 0) return;
    this.#commitRequested = [];
    this.#commits += await this.#tasks.commit(startedAt, due);
    const sent = this.#sent;
    this.#sent = [];
    this.#pace.committed(new Set(due.map((task) => task.spec.subTopology.id)), {
      startedAt,
      endedAt: performance.now(),
      sent,
    });
    for (const done of requested) done();
  }

  /** Commits with the next turn of the loop. Resolves when that is done, or after `timeoutMs`. */
  async #commitSoon(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#commitRequested.push(resolve);
    this.#fetcher.wake();
    await Promise.race([promise, sleep(timeoutMs, undefined, { ref: false })]);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#fetcher.wake();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
