import { randomUUID } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { hostname } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { prepareTopics, purgeRepartitionTopics, type CreatableTopics } from './topics/internal-topics.ts';
import { StatusPublisher } from './topics/status-publisher.ts';
import { findChangedTopic, type KnownTopics } from './topics/topic-check.ts';
import { readBacklog } from './reading/backlog.ts';
import { COORDINATOR_OF_GROUP } from './kafka/broker.ts';
import { createKafka, type Kafka } from './kafka/kafka-client.ts';
import { KafkaCluster } from './kafka/kafka-cluster.ts';
import { fatalConnectionError, isBrokerAway, isCoordinatorNotFound, waitingForKafka } from './kafka/kafka-errors.ts';
import { messageOf, StreamsError } from './errors.ts';
import { checkConnection, type KafkaConnectionConfig } from './kafka/kafka-connection-config.ts';
import type { Logger } from './logger.ts';
import { checkLogger, checkOptions, textOf } from './options.ts';
import { StateDirectory } from './store/state-directory.ts';
import { parseStreamsConfig, type StreamsConfig, type StreamsConfigInput, type ThreadInit } from './streams-config.ts';
import { sumOfDrops, type DropCounts } from './task/dropped-records.ts';
import type { InstanceStatus, TaskStatus } from './task/instance-status.ts';
import { TaskLayout } from './task/task-layout.ts';
import { loadStreamThread, Supervisor, type Trouble } from './thread/supervisor.ts';
import type { Topology } from './topology/topology.ts';
import type { TopicPartition } from './kafka/topic-partition.ts';

/*
 *   CREATED ──> STARTING ──> REBALANCING <──> RUNNING
 *      │           │              │              │
 *      │           └──────┬───────┴──────┬───────┘
 *      │                  v              v
 *      └──────────> PENDING_SHUTDOWN   ERROR
 *                         │              │
 *                         v              v
 *                    NOT_RUNNING    NOT_RUNNING
 */
export type StreamsState =
  'CREATED' | 'STARTING' | 'REBALANCING' | 'RUNNING' | 'PENDING_SHUTDOWN' | 'ERROR' | 'NOT_RUNNING';

const LEGAL_MOVES: Readonly<Record<StreamsState, readonly StreamsState[]>> = {
  CREATED: ['STARTING', 'PENDING_SHUTDOWN'],
  STARTING: ['REBALANCING', 'PENDING_SHUTDOWN', 'ERROR'],
  REBALANCING: ['RUNNING', 'PENDING_SHUTDOWN', 'ERROR'],
  RUNNING: ['REBALANCING', 'PENDING_SHUTDOWN', 'ERROR'],
  PENDING_SHUTDOWN: ['NOT_RUNNING'],
  ERROR: ['NOT_RUNNING', 'PENDING_SHUTDOWN'],
  NOT_RUNNING: [],
};

export interface KafkaStreamsOptions {
  /**
   * URL of the module that exports `buildTopology(options)`. A module, not a topology: functions do not cross threads,
   * so each stream thread builds its own.
   */
  readonly topologyModule: URL;
  /** Handed to `buildTopology`; plain data. */
  readonly topologyOptions?: unknown;
  readonly connection: KafkaConnectionConfig;
  readonly config: StreamsConfigInput;
  /** Topics that may be made when they are absent on a first start. */
  readonly creatableTopics?: CreatableTopics;
  readonly logger: Logger;
}

const BROKER_RETRY_MS = 1_000;
/** A broker that is just starting answers within this; only a longer wait is worth a line. */
const AWAY_LOG_DELAY_MS = 3_000;
const AWAY_LOG_INTERVAL_MS = 60_000;
const PURGE_INTERVAL_MS = 30_000;
const TOPIC_CHECK_INTERVAL_MS = 5_000;

/**
 * An application: stream threads in this process, a slot in the state directory, a word on the status topic once a
 * second.
 */
export class KafkaStreams {
  readonly #options: KafkaStreamsOptions;
  readonly #config: StreamsConfig;
  readonly #kafka: Kafka;
  /** For what kafkajs' admin client cannot ask. */
  readonly #cluster: KafkaCluster;
  readonly #listeners = new Set<(next: StreamsState, previous: StreamsState) => void>();
  readonly #startedAtMs = Date.now();
  #state: StreamsState = 'CREATED';
  #topology: Topology | undefined;
  #directory: StateDirectory | undefined;
  #supervisor: Supervisor | undefined;
  #status: StatusPublisher | undefined;
  #purgeTimer: NodeJS.Timeout | undefined;
  #topicTimer: NodeJS.Timeout | undefined;
  #backlogTimer: NodeJS.Timeout | undefined;
  /** What waits for each task, by task id, while tasks wait to be taken; undefined while it is not known. */
  #backlog: ReadonlyMap<string, number> | undefined;
  #readingBacklog = false;
  #partitionsByTask: ReadonlyMap<string, readonly TopicPartition[]> = new Map();
  #checkingTopics = false;
  #rate = { at: performance.now(), records: 0, perSecond: 0 };
  #failure: StreamsError | undefined;
  #awayReason: string | null = 'not started';
  #awayLogDueAt = 0;

  /** @throws StreamsError CONFIG_INVALID */
  constructor(options: KafkaStreamsOptions) {
    checkStreamsOptions(options);
    this.#options = options;
    this.#config = parseStreamsConfig(options.config);
    this.#kafka = createKafka(options.connection, options.logger);
    this.#cluster = new KafkaCluster(
      { ...options.connection, clientId: `${options.connection.clientId}-topics` },
      options.logger,
    );
  }

  get state(): StreamsState {
    return this.#state;
  }

  /** Why it is in ERROR. */
  get failure(): StreamsError | undefined {
    return this.#failure;
  }

  /** Called after every change of state; answers how to stop listening. */
  onState(listener: (next: StreamsState, previous: StreamsState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Takes a slot, prepares topics, starts the threads. A broker that is away is waited for; a name that does not
   * resolve, failed authentication, failed TLS and contradictions between cluster and store are not.
   * @throws StreamsError with the reaction `exit`.
   */
  async start(): Promise<void> {
    this.#to('STARTING');
    const { topologyModule, topologyOptions, connection, logger } = this.#options;
    const { applicationId, numStreamThreads, stateDir } = this.#config;
    let spares: Worker[] = [];
    try {
      const topology = (await loadTopologyModule(topologyModule))(topologyOptions);
      if (!isTopology(topology))
        throw new StreamsError(
          'CONFIG_INVALID',
          `buildTopology of ${topologyModule.href} answers ${textOf(topology)}, not a topology: return builder.build()`,
        );
      this.#topology = topology;
      const directory = await StateDirectory.lock(stateDir, applicationId, { log: logger });
      this.#directory = directory;
      // Loading the code takes the threads longer than the topics: both at once.
      spares = threadNames(applicationId, directory.processId, numStreamThreads).map((threadName) =>
        loadStreamThread(threadName, topologyModule.href),
      );
      const topics = await this.#prepare(topology, (await directory.taskIds()).length > 0);
      if (this.#state !== 'STARTING') return;
      const inits = threadNames(applicationId, directory.processId, numStreamThreads).map(
        (threadName, index): ThreadInit => ({
          threadName,
          groupInstanceId: `${directory.processId}-${String(index + 1)}`,
          processId: directory.processId,
          slotDirectory: directory.path,
          topologyModule: topologyModule.href,
          topologyOptions,
          connection,
          config: this.#config,
          partitionCounts: topics.partitionCounts,
          topicIds: topics.topicIds,
          deadLettered: topology.subTopologies.flatMap(({ nodes }) =>
            nodes.flatMap(({ source }) =>
              source?.deadLetterTopic !== undefined && 'topic' in source.from ? [source.from.topic] : [],
            ),
          ),
        }),
      );
      this.#supervisor = new Supervisor(
        inits,
        logger,
        { onFatal: (error) => this.#fail(error), onChange: () => this.#settle() },
        spares,
      );
      this.#status = new StatusPublisher(this.#kafka, {
        applicationId,
        intervalMs: this.#config.statusIntervalMs,
        logger,
        status: () => this.status(),
      });
      this.#partitionsByTask = partitionsByTask(topology, applicationId, topics);
      this.#to('REBALANCING');
      this.#backlogTimer = setInterval(() => void this.#lookAtBacklog(), this.#config.statusIntervalMs);
      this.#backlogTimer.unref();
      void this.#lookAtBacklog();
      this.#supervisor.start();
      this.#status.start();
      this.#purgeTimer = setInterval(() => void this.#purge(), PURGE_INTERVAL_MS);
      this.#purgeTimer.unref();
      this.#topicTimer = setInterval(() => void this.#checkTopics(topology, topics), TOPIC_CHECK_INTERVAL_MS);
      this.#topicTimer.unref();
    } catch (error) {
      if (this.#state === 'PENDING_SHUTDOWN') return;
      const failure =
        error instanceof StreamsError ? error : new StreamsError('THREAD_FAILED', messageOf(error), { cause: error });
      this.#fail(failure);
      throw failure;
    } finally {
      for (const spare of spares) void spare.terminate();
    }
  }

  /** Commits, closes stores, leaves the group, takes its name off the status topic. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#state === 'PENDING_SHUTDOWN' || this.#state === 'NOT_RUNNING') return;
    this.#to('PENDING_SHUTDOWN');
    clearInterval(this.#purgeTimer);
    clearInterval(this.#topicTimer);
    clearInterval(this.#backlogTimer);
    await this.#supervisor?.close();
    await this.#status?.close();
    await this.#cluster.disconnect();
    this.#directory?.release();
    this.#to('NOT_RUNNING');
  }

  /** What this instance publishes about itself. */
  status(): InstanceStatus {
    const tasks = (this.#supervisor?.threads() ?? []).flatMap((thread) => thread.tasks);
    const active = new Set(tasks.flatMap(({ id, role }) => (role === 'ACTIVE' ? [id] : [])));
    const waiting =
      this.#backlog === undefined
        ? undefined
        : Object.fromEntries([...this.#backlog].filter(([id]) => !active.has(id)));
    return {
      id: this.#directory?.processId ?? randomUUID(),
      applicationId: this.#config.applicationId,
      guarantee: this.#config.processingGuarantee,
      topology: this.#topology?.describe(this.#config.applicationId) ?? '',
      host: hostname(),
      startedAtMs: this.#startedAtMs,
      reportedAtMs: Date.now(),
      threads: this.#config.numStreamThreads,
      recordsPerSecond: this.#recordsPerSecond(),
      tasks: tasks.map((task) => this.#withBacklog(task)),
      allTasks: [...this.#partitionsByTask.keys()],
      ...(waiting === undefined ? {} : { waiting }),
    };
  }

  /**
   * Undefined while the process works. A thread that failed is one that does not, until it has got something done
   * again.
   */
  trouble(): Trouble | undefined {
    if (this.#failure !== undefined) return { code: this.#failure.code, reason: this.#failure.message };
    const trouble = this.#supervisor?.threads().find((thread) => thread.trouble !== undefined)?.trouble;
    return trouble === undefined ? undefined : { code: trouble.code, reason: trouble.reason };
  }

  /** Null when work goes on; else why not, in one line for /ready. */
  notReadyReason(): string | null {
    const trouble = this.trouble();
    if (trouble !== undefined) return `${trouble.code}: ${trouble.reason}`;
    const waiting = this.waitingFor();
    if (waiting !== null) return waiting;
    if (this.#state !== 'RUNNING') return this.#awayReason ?? `the processor is ${this.#state}`;
    return null;
  }

  /**
   * What tasks wait for that nobody in here can mend, a disk or a broker, in one line; null when there is no such
   * thing.
   */
  waitingFor(): string | null {
    const statuses = this.#supervisor?.threads().flatMap((t) => t.status ?? []) ?? [];
    const disk = statuses.find((s) => s.diskTrouble !== null)?.diskTrouble ?? null;
    if (disk !== null) return disk;
    const away = statuses.find((s) => s.brokerAway !== null)?.brokerAway ?? null;
    return away === null ? null : `the broker is away: ${away}`;
  }

  /** Records that the tasks of this instance have passed over, by reason. */
  dropped(): DropCounts {
    return sumOfDrops(this.status().tasks.map((task) => task.dropped));
  }

  records(): number {
    return this.#supervisor?.records() ?? 0;
  }

  async #prepare(topology: Topology, hasLocalState: boolean): Promise<KnownTopics> {
    const { connection, creatableTopics = {}, logger } = this.#options;
    this.#awayLogDueAt = performance.now() + AWAY_LOG_DELAY_MS;
    for (;;) {
      try {
        const topics = await prepareTopics({
          kafka: this.#kafka,
          cluster: this.#cluster,
          topology,
          applicationId: this.#config.applicationId,
          creatable: creatableTopics,
          hasLocalState,
          exactlyOnce: this.#config.processingGuarantee === 'exactly_once',
          replicationFactor: this.#config.internalReplicationFactor,
          logger,
        });
        this.#awayReason = null;
        return topics;
      } catch (error) {
        const fatal = (await fatalConnectionError(error, connection.brokers)) ?? (await this.#refusedGroup(error));
        if (fatal !== undefined) throw fatal;
        if (!isBrokerAway(error) || this.#state !== 'STARTING') throw error;
        this.#awayReason = waitingForKafka(connection.brokers, error);
        if (performance.now() >= this.#awayLogDueAt) {
          this.#awayLogDueAt = performance.now() + AWAY_LOG_INTERVAL_MS;
          logger.warn({ brokers: connection.brokers }, this.#awayReason);
        }
        await new Promise((resolve) => setTimeout(resolve, BROKER_RETRY_MS));
      }
    }
  }

  /** A group that this user may not join looks to kafkajs' admin like one whose coordinator is away. */
  async #refusedGroup(error: unknown): Promise<StreamsError | undefined> {
    if (!isCoordinatorNotFound(error)) return undefined;
    const cluster = new KafkaCluster(this.#options.connection, this.#options.logger);
    try {
      await cluster.coordinator(COORDINATOR_OF_GROUP, this.#config.applicationId);
    } catch (cause) {
      if (cause instanceof StreamsError) return cause;
    } finally {
      await cluster.disconnect();
    }
    return undefined;
  }

  /** Of a task that does not run nobody follows the ends of its inputs. */
  #withBacklog(task: TaskStatus): TaskStatus {
    if (task.role !== 'ACTIVE' || task.state === 'RUNNING') return task;
    const lag = this.#backlog?.get(task.id);
    return lag === undefined ? { ...task, lagKnown: false } : { ...task, lag };
  }

  /** As long as tasks wait to be taken, here or elsewhere, somebody must say how much waits for them. */
  async #lookAtBacklog(): Promise<void> {
    if (this.#state === 'RUNNING') this.#backlog = undefined;
    if (this.#state !== 'REBALANCING' || this.#readingBacklog) return;
    this.#readingBacklog = true;
    try {
      const tasks = [...this.#partitionsByTask];
      const lags = await readBacklog(
        this.#cluster,
        this.#config.applicationId,
        tasks.flatMap(([, partitions]) => partitions),
      );
      let at = 0;
      const backlog = new Map(
        tasks.map(([id, partitions]) => [id, partitions.reduce((sum) => sum + (lags[at++] as number), 0)]),
      );
      this.#backlog = backlog;
    } catch (error) {
      this.#backlog = undefined;
      this.#options.logger.debug({ error: messageOf(error) }, 'what waits for the tasks could not be read');
      await this.#cluster.refresh().catch(() => undefined);
    } finally {
      this.#readingBacklog = false;
    }
  }

  #settle(): void {
    if (this.#state !== 'REBALANCING' && this.#state !== 'RUNNING') return;
    const steady = this.#supervisor?.threads().every((t) => t.status?.steady === true) === true;
    if (steady && this.#state === 'REBALANCING') {
      this.#to('RUNNING');
      // Node keeps what it has compiled (NODE_COMPILE_CACHE) when a process ends well; one that is killed should start
      // as fast.
      flushCompileCache();
    }
    if (!steady && this.#state === 'RUNNING') this.#to('REBALANCING');
  }

  #fail(error: StreamsError): void {
    if (this.#failure !== undefined || this.#state === 'PENDING_SHUTDOWN' || this.#state === 'NOT_RUNNING') return;
    this.#failure = error;
    this.#to('ERROR');
  }

  #to(next: StreamsState): void {
    const previous = this.#state;
    if (!LEGAL_MOVES[previous].includes(next))
      throw new StreamsError('THREAD_FAILED', `the application cannot go from ${previous} to ${next}`);
    this.#state = next;
    this.#options.logger.info({ from: previous, to: next }, 'state changed');
    for (const listener of this.#listeners) listener(next, previous);
  }

  #recordsPerSecond(): number {
    const now = performance.now();
    const elapsedMs = now - this.#rate.at;
    if (elapsedMs >= this.#config.statusIntervalMs * 0.9) {
      const records = this.records();
      this.#rate = { at: now, records, perSecond: Math.max(0, ((records - this.#rate.records) * 1_000) / elapsedMs) };
    }
    return Math.round(this.#rate.perSecond * 10) / 10;
  }

  /**
   * A topic that was deleted, made anew, cut or repartitioned under the application stops it: going on would count
   * wrongly in silence.
   */
  async #checkTopics(topology: Topology, known: KnownTopics): Promise<void> {
    if (this.#checkingTopics) return;
    this.#checkingTopics = true;
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      const changed = await findChangedTopic(
        {
          admin,
          cluster: this.#cluster,
          topology,
          applicationId: this.#config.applicationId,
          logger: this.#options.logger,
        },
        known,
      );
      if (changed !== undefined) this.#fail(changed);
    } catch (error) {
      this.#options.logger.debug({ error: messageOf(error) }, 'the topics could not be checked');
    } finally {
      await admin.disconnect().catch(() => undefined);
      this.#checkingTopics = false;
    }
  }

  async #purge(): Promise<void> {
    const committed = new Map(this.#supervisor?.threads().flatMap((t) => t.status?.purgeable ?? []) ?? []);
    if (committed.size > 0) await purgeRepartitionTopics(this.#kafka, committed, this.#options.logger);
  }
}

/** What the constructor is given, before anything is made of it. */
function checkStreamsOptions(options: KafkaStreamsOptions): void {
  checkOptions('KafkaStreams', options, [
    'topologyModule',
    'topologyOptions',
    'connection',
    'config',
    'creatableTopics',
    'logger',
  ]);
  const { topologyModule, topologyOptions, connection, creatableTopics = {}, logger } = options;
  if (typeof topologyModule !== 'object' || topologyModule === null || typeof topologyModule.href !== 'string') {
    throw new StreamsError(
      'CONFIG_INVALID',
      `topologyModule takes a URL, not ${textOf(topologyModule)}: new URL(path, import.meta.url), so that each ` +
        `stream thread finds the same file`,
    );
  }
  checkLogger('KafkaStreams', logger);
  checkConnection(connection);
  checkOptions('creatableTopics', creatableTopics, Object.keys(creatableTopics));
  for (const [topic, plan] of Object.entries(creatableTopics)) {
    checkOptions(`creatableTopics["${topic}"]`, plan, ['partitions', 'config']);
    if (!Number.isSafeInteger(plan.partitions) || plan.partitions < 1)
      throw new StreamsError(
        'CONFIG_INVALID',
        `creatableTopics["${topic}"].partitions takes a whole number above 0, not ${textOf(plan.partitions)}`,
      );
  }
  try {
    structuredClone(topologyOptions);
  } catch (error) {
    throw new StreamsError(
      'CONFIG_INVALID',
      `topologyOptions must be plain data, as it is handed to each stream thread: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

async function loadTopologyModule(url: URL): Promise<(options: unknown) => Topology> {
  const { buildTopology } = (await import(url.href).catch((error: unknown) => {
    if (error instanceof StreamsError) throw error;
    throw new StreamsError('CONFIG_INVALID', `the topologyModule ${url.href} cannot be loaded: ${messageOf(error)}`, {
      cause: error,
    });
  })) as { buildTopology?: unknown };
  if (typeof buildTopology !== 'function')
    throw new StreamsError('CONFIG_INVALID', `the topologyModule ${url.href} exports no function buildTopology`);
  return buildTopology as (options: unknown) => Topology;
}

function isTopology(topology: unknown): topology is Topology {
  return typeof topology === 'object' && topology !== null && 'subTopologies' in topology;
}

/** What each task of the application reads. */
function partitionsByTask(
  topology: Topology,
  applicationId: string,
  { partitionCounts }: KnownTopics,
): ReadonlyMap<string, readonly TopicPartition[]> {
  const layout = new TaskLayout(topology, applicationId, (topic) => partitionCounts[topic] ?? 0);
  return new Map(layout.taskIds().map((id) => [id, layout.inputsOf(id)]));
}

function threadNames(applicationId: string, processId: string, count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `${applicationId}-${processId.slice(0, 8)}-StreamThread-${String(index + 1)}`,
  );
}
