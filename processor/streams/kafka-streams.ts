import { randomUUID } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { hostname } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { messageOf, StreamsError } from './errors.ts';
import type { TaskOwners } from './group/task-owners.ts';
import { createKafka, type Kafka } from './kafka/kafka-client.ts';
import { KafkaCluster } from './kafka/kafka-cluster.ts';
import {
  checkRestoreListener,
  checkStreamsOptions,
  topologyPlaceOf,
  type KafkaStreamsOptions,
} from './kafka-streams-options.ts';
import { Listeners } from './listeners.ts';
import { ChangelogGaps } from './queries/changelog-gaps.ts';
import { OwnerAnswers } from './queries/owner-answers.ts';
import { QueryListener } from './queries/query-listener.ts';
import { StoreQueries, type KeyMetadata, type StoreKind, type StoreQueryOptions } from './queries/store-queries.ts';
import type {
  KeyValueStoreView,
  SessionStoreView,
  StoreView,
  VersionedStoreView,
  WindowStoreView,
} from './queries/store-view.ts';
import { TaskBacklog } from './reading/task-backlog.ts';
import { NO_CACHE_COUNTS } from './store/record-cache.ts';
import { StateDirectory } from './store/state-directory.ts';
import { parseStreamsConfig, type StreamsConfig, type ThreadInit } from './streams-config.ts';
import { streamsMetrics, type StreamsMetric } from './streams-metrics.ts';
import { StreamsLifecycle, type StateListener, type StreamsState } from './streams-state.ts';
import { sumOfDrops, type DropCounts } from './task/dropped-records.ts';
import type { RestoreListener } from './task/initialise-task.ts';
import type { TracesOptions } from './task/record-traces.ts';
import type { InstanceStatus, TaskStatus } from './task/instance-status.ts';
import { TaskLayout } from './task/task-layout.ts';
import { presentHandlers } from './thread/error-line.ts';
import { loadTopology } from './thread/load-topology.ts';
import { loadStreamThread, Supervisor, threadsReady, topologyBuilt, type Trouble } from './thread/supervisor.ts';
import { prepareTopicsWhenUp } from './topics/prepare-when-up.ts';
import { purgeBehindCommits } from './topics/repartition-purge.ts';
import { StatusPublisher } from './topics/status-publisher.ts';
import type { PreparedTopics } from './topics/prepare-topics.ts';
import type { KnownTopics } from './topics/topic-check.ts';
import { watchTopics } from './topics/topic-watch.ts';
import { isStreamThread } from './topology/built-topologies.ts';
import { renumbered } from './topology/sub-topology-numbers.ts';
import type { Topology } from './topology/topology.ts';

/** How other processes ask about the stores. */
interface QueriesFromOutside {
  readonly listener: QueryListener;
  readonly cluster: KafkaCluster;
  readonly address: { readonly host: string; readonly port: number };
}

/** An application: stream threads in this process, a slot in the state directory, a report once a second. */
export class KafkaStreams {
  readonly #options: KafkaStreamsOptions;
  readonly #config: StreamsConfig;
  readonly #kafka: Kafka;
  /** For what kafkajs' admin client cannot ask. */
  readonly #cluster: KafkaCluster;
  readonly #lifecycle: StreamsLifecycle;
  readonly #startedAtMs = Date.now();
  #topology: Topology | undefined;
  /** Of `#topology`: it is asked for with each metric, and its text takes longer than all else in them. */
  #description: { readonly of: Topology; readonly text: string } | undefined;
  #layout: TaskLayout | undefined;
  #directory: StateDirectory | undefined;
  #supervisor: Supervisor | undefined;
  #status: StatusPublisher | undefined;
  #backlog: TaskBacklog | undefined;
  /** What runs beside the threads, from the start to the end. */
  #watching: readonly { readonly close: () => void }[] = [];
  #rate = { at: performance.now(), records: 0, perSecond: 0 };
  #failure: StreamsError | undefined;
  #paused = false;
  #owners: TaskOwners | undefined;
  readonly #restoreListeners: Listeners<RestoreListener>;
  readonly #spanListeners: Listeners<TracesOptions['onSpans']>;
  #queries: StoreQueries | undefined;
  #asked: QueriesFromOutside | undefined;
  #awayReason: string | null = 'not started';

  /** @throws StreamsError CONFIG_INVALID */
  constructor(options: KafkaStreamsOptions) {
    checkStreamsOptions(options);
    this.#options = options;
    this.#restoreListeners = new Listeners('onRestore', options.logger);
    if (options.onRestore !== undefined) this.#restoreListeners.add(options.onRestore);
    this.#spanListeners = new Listeners('traces.onSpans', options.logger);
    if (options.traces !== undefined) this.#spanListeners.add(options.traces.onSpans);
    this.#config = parseStreamsConfig(options.config);
    this.#lifecycle = new StreamsLifecycle(options.logger);
    this.#kafka = createKafka(options.connection, options.logger);
    this.#cluster = new KafkaCluster(
      { ...options.connection, clientId: `${options.connection.clientId}-topics` },
      options.logger,
    );
  }

  get state(): StreamsState {
    return this.#lifecycle.state;
  }

  /** Why it is in ERROR. */
  get failure(): StreamsError | undefined {
    return this.#failure;
  }

  /** `listener` is called after every change of state; what it throws is logged. Returns how to stop listening. */
  onState(listener: StateListener): () => void {
    return this.#lifecycle.onState(listener);
  }

  /**
   * Locks a slot of the state directory, prepares topics, starts the threads. A broker that is away is waited for; a
   * name that does not resolve, failed authentication, failed TLS and contradictions between cluster and store are not.
   * Returns without an error when it is closed meanwhile.
   * @throws StreamsError with the reaction `exit`.
   */
  async start(): Promise<void> {
    // In a stream thread, which has loaded the program for its topology, it is not to run a second time.
    if (isStreamThread()) return new Promise(() => undefined);
    this.#lifecycle.to('STARTING');
    const { logger } = this.#options;
    const place = topologyPlaceOf(this.#options);
    const { applicationId, stateDir, statusIntervalMs } = this.#config;
    let spares: Worker[] = [];
    try {
      const declared = this.#options.topology ?? (await loadTopology(place));
      this.#topology = declared;
      const directory = await StateDirectory.lock(stateDir, applicationId, { log: logger });
      if (this.#isClosed) {
        directory.release();
        return;
      }
      this.#directory = directory;
      // Loading the code takes the threads longer than the topics: both at once.
      spares = this.#threadNames(directory).map((threadName) => loadStreamThread(threadName, place));
      const loading = spares.map((spare) => topologyBuilt(spare));
      void Promise.allSettled(loading);
      const topics = await this.#prepare(declared, (await directory.taskIds()).length > 0);
      // Now, and not when the first thread fails: what cannot be built again is a mistake of the caller's.
      if ('origin' in place) await loading[0];
      if (this.#isClosed) return;
      const topology = renumbered(declared, topics.numbers);
      this.#topology = topology;
      const layout = new TaskLayout(topology, applicationId, (topic) => topics.partitionCounts[topic] ?? 0);
      this.#layout = layout;
      this.#supervisor = new Supervisor(
        this.#threadInits(topology, directory, topics),
        logger,
        {
          onFatal: (error) => this.#fail(error),
          onChange: () => this.#settle(),
          onOwners: (owners) => {
            this.#owners = owners;
          },
          onRestore: (event) =>
            this.#restoreListeners.tell((listener) =>
              typeof listener === 'function' ? listener(event) : listener[event.kind]?.(event),
            ),
          onSpans: (spans) => this.#spanListeners.tell((onSpans) => onSpans(spans)),
          onProcessingError: this.#options.onProcessingError,
          onProductionError: this.#options.onProductionError,
        },
        place,
        spares,
      );
      this.#status = new StatusPublisher(this.#kafka, {
        applicationId,
        intervalMs: statusIntervalMs,
        logger,
        status: () => this.status(),
      });
      if (this.#paused) this.#supervisor.pause();
      this.#queries = new StoreQueries(layout, this.#supervisor, directory.processId, () => this.#owners);
      await this.#listen(layout, this.#supervisor);
      await threadsReady(loading);
      if (this.#isClosed) return;
      this.#lifecycle.to('REBALANCING');
      this.#watching = this.#watches(topology, topics, layout);
      this.#supervisor.start();
      this.#status.start();
    } catch (error) {
      if (this.#isClosed) return;
      const failure =
        error instanceof StreamsError ? error : new StreamsError('THREAD_FAILED', messageOf(error), { cause: error });
      this.#fail(failure);
      throw failure;
    } finally {
      for (const spare of spares) void spare.terminate();
      // What is asked of a broker connects again.
      if (this.#isClosed) await this.#cluster.disconnect();
    }
  }

  /** Commits, closes stores, leaves the group, and withdraws its report. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#lifecycle.to('PENDING_SHUTDOWN');
    for (const watch of this.#watching) watch.close();
    // First: who asks goes to a standby at once.
    await this.#asked?.listener.close();
    await this.#supervisor?.close();
    await this.#status?.close();
    await this.#cluster.disconnect();
    await this.#asked?.cluster.disconnect();
    this.#directory?.release();
    this.#lifecycle.to('NOT_RUNNING');
  }

  /**
   * `listener` is told of every store that is restored from its changelog when this instance takes over a task: that it
   * `started`, its `progress`, and that it `finished`, at once where there is nothing to restore. What it throws is
   * logged. Returns how to stop listening. Kafka Streams: StateRestoreListener.
   */
  onRestore(listener: RestoreListener): () => void {
    checkRestoreListener(listener);
    return this.#restoreListeners.add(listener);
  }

  /**
   * The metrics of this instance. Each is plain data, and what prom-client takes: for each of them
   * `registry.registerMetric(metric)`.
   */
  metrics(): StreamsMetric[] {
    return streamsMetrics({
      status: () => this.status(),
      records: () => this.records(),
      commits: () => this.#supervisor?.commits() ?? 0,
      notReadyReason: () => this.notReadyReason(),
      recordCache: () => this.#supervisor?.recordCache() ?? NO_CACHE_COUNTS,
    });
  }

  /**
   * Processes nothing more in this instance until `resume`, as in Kafka Streams: tasks and membership stay its own,
   * what is done is committed, punctuators stand still, and standbys follow their changelogs. It may be called before
   * `start`; the state stays as it is. Other instances go on.
   */
  pause(): void {
    this.#paused = true;
    this.#supervisor?.pause();
  }

  /** Goes on where `pause` has stopped. */
  resume(): void {
    this.#paused = false;
    this.#supervisor?.resume();
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /**
   * A read-only view of the committed rows of a store that this instance has, as Kafka Streams' interactive queries.
   * Reads of rows that it does not have, or not at the moment, are refused with STORE_NOT_HERE, which names the
   * instance that has them.
   * @throws StreamsError CONFIG_INVALID for a store that the topology does not have; STORE_NOT_HERE before `start`.
   */
  store<V = unknown, K = string>(name: string, options?: StoreQueryOptions<'key-value'>): KeyValueStoreView<K, V>;
  store<V = unknown, K = string>(name: string, options: StoreKind<'window'>): WindowStoreView<K, V>;
  store<V = unknown, K = string>(name: string, options: StoreKind<'session'>): SessionStoreView<K, V>;
  store<V = unknown, K = string>(name: string, options: StoreKind<'versioned'>): VersionedStoreView<K, V>;
  store(name: string, options: StoreQueryOptions = {}): StoreView<unknown, unknown> {
    // The store is of the type that the caller says, as with a topic's serde.
    return this.#queriesOf(`store("${name}")`).view(name, options);
  }

  /**
   * Which instances have the rows of a key, as of the last rebalance. `key` is what the store's key serde takes.
   * @throws StreamsError as `store`.
   */
  queryMetadata(store: string, key: unknown): KeyMetadata {
    return this.#queriesOf(`queryMetadata("${store}")`).metadata(store, key);
  }

  /** What this instance publishes about itself. */
  status(): InstanceStatus {
    const tasks = (this.#supervisor?.threads() ?? []).flatMap((thread) => thread.tasks);
    const active = new Set(tasks.flatMap(({ id, role }) => (role === 'ACTIVE' ? [id] : [])));
    const lags = this.#backlog?.lags;
    const waiting = lags === undefined ? undefined : Object.fromEntries([...lags].filter(([id]) => !active.has(id)));
    return {
      id: this.#directory?.processId ?? randomUUID(),
      applicationId: this.#config.applicationId,
      guarantee: this.#config.processingGuarantee,
      topology: this.#describe(),
      host: hostname(),
      startedAtMs: this.#startedAtMs,
      reportedAtMs: Date.now(),
      threads: this.#config.numStreamThreads,
      recordsPerSecond: this.#recordsPerSecond(),
      tasks: tasks.map((task) => this.#withBacklog(task)),
      allTasks: this.#layout?.taskIds() ?? [],
      ...(this.#asked === undefined ? {} : { queryAddress: this.#asked.address }),
      ...(this.#paused ? { paused: true } : {}),
      ...(waiting === undefined ? {} : { waiting }),
    };
  }

  #describe(): string {
    if (this.#topology === undefined) return '';
    if (this.#description?.of !== this.#topology)
      this.#description = { of: this.#topology, text: this.#topology.describe(this.#config.applicationId) };
    return this.#description.text;
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
    if (this.state === 'RUNNING') return null;
    const statuses = this.#supervisor?.threads().flatMap((t) => t.status ?? []) ?? [];
    const longWait = statuses.find((s) => s.longWait !== null)?.longWait ?? null;
    return this.#awayReason ?? `the processor is ${this.state}${longWait === null ? '' : ` (${longWait})`}`;
  }

  /**
   * What tasks wait for that this process cannot mend, a disk, a broker or a schema registry, in one line; null when
   * they wait for nothing.
   */
  waitingFor(): string | null {
    const statuses = this.#supervisor?.threads().flatMap((t) => t.status ?? []) ?? [];
    const disk = statuses.find((s) => s.diskTrouble !== null)?.diskTrouble ?? null;
    if (disk !== null) return disk;
    const registry = statuses.find((s) => s.registryAway !== null)?.registryAway ?? null;
    if (registry !== null) return `the schema registry is away: ${registry}`;
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

  /** Answers other processes from now on, where a `queryListener` is given. */
  async #listen(layout: TaskLayout, threads: Supervisor): Promise<void> {
    const { queryListener, connection, logger } = this.#options;
    if (queryListener === undefined) return;
    const cluster = new KafkaCluster({ ...connection, clientId: `${connection.clientId}-queries` }, logger);
    const gaps = new ChangelogGaps(cluster, logger);
    const answers = new OwnerAnswers({ layout, threads, owners: () => this.#owners, gaps });
    const listener = new QueryListener(queryListener, answers, logger);
    this.#asked = { listener, cluster, address: await listener.start() };
    if (this.#isClosed) await listener.close();
  }

  get #isClosed(): boolean {
    return this.state === 'PENDING_SHUTDOWN' || this.state === 'NOT_RUNNING';
  }

  #queriesOf(what: string): StoreQueries {
    if (this.#queries !== undefined && (this.state === 'RUNNING' || this.state === 'REBALANCING')) return this.#queries;
    throw new StreamsError(
      'STORE_NOT_HERE',
      `${what}: the application is ${this.state}; its stores can be read while it is RUNNING or REBALANCING`,
    );
  }

  #prepare(topology: Topology, hasLocalState: boolean): Promise<PreparedTopics> {
    const { connection, creatableTopics = {}, logger } = this.#options;
    return prepareTopicsWhenUp({
      kafka: this.#kafka,
      cluster: this.#cluster,
      connection,
      topology,
      applicationId: this.#config.applicationId,
      creatable: creatableTopics,
      hasLocalState,
      exactlyOnce: this.#config.processingGuarantee === 'exactly_once',
      replicationFactor: this.#config.internalReplicationFactor,
      logger,
      isWanted: () => this.state === 'STARTING',
      onAway: (reason) => {
        this.#awayReason = reason;
      },
    });
  }

  #threadInits(topology: Topology, directory: StateDirectory, topics: PreparedTopics): ThreadInit[] {
    const { connection, traces } = this.#options;
    const deadLettered = topology.nodes.flatMap((node) =>
      node.kind === 'source' && node.deadLetterTopic !== undefined ? node.topic : [],
    );
    return this.#threadNames(directory).map((threadName, index) => ({
      threadName,
      groupInstanceId: `${directory.processId}-${String(index + 1)}`,
      processId: directory.processId,
      slotDirectory: directory.path,
      connection,
      config: this.#config,
      partitionCounts: topics.partitionCounts,
      topicIds: topics.topicIds,
      subTopologyNumbers: topics.numbers,
      deadLettered,
      ...(traces === undefined ? {} : { traces: { sampleRatio: traces.sampleRatio ?? 0 } }),
      handlers: presentHandlers(this.#options),
    }));
  }

  #threadNames({ processId }: StateDirectory): string[] {
    const { applicationId, numStreamThreads } = this.#config;
    return Array.from(
      { length: numStreamThreads },
      (_, index) => `${applicationId}-${processId.slice(0, 8)}-StreamThread-${String(index + 1)}`,
    );
  }

  /** What looks after the application while it runs. */
  #watches(topology: Topology, known: KnownTopics, layout: TaskLayout): { readonly close: () => void }[] {
    const { logger } = this.#options;
    const { applicationId, statusIntervalMs } = this.#config;
    const backlog = new TaskBacklog({
      cluster: this.#cluster,
      layout,
      intervalMs: statusIntervalMs,
      logger,
      need: () => {
        if (this.state === 'REBALANCING' || (this.#paused && this.state === 'RUNNING')) return 'wanted';
        return this.state === 'RUNNING' ? 'known' : 'neither';
      },
    });
    this.#backlog = backlog;
    backlog.start();
    return [
      backlog,
      watchTopics({
        kafka: this.#kafka,
        cluster: this.#cluster,
        topology,
        applicationId,
        logger,
        known,
        onChanged: (error) => this.#fail(error),
      }),
      purgeBehindCommits(
        this.#kafka,
        () => new Map(this.#supervisor?.threads().flatMap(({ status }) => status?.purgeable ?? []) ?? []),
        logger,
      ),
    ];
  }

  /** A task that does not run, or stands still, does not know the ends of its inputs. */
  #withBacklog(task: TaskStatus): TaskStatus {
    if (task.role !== 'ACTIVE' || (task.state === 'RUNNING' && !this.#paused)) return task;
    const lag = this.#backlog?.lags?.get(task.id);
    if (task.state === 'RUNNING' && lag === undefined) return task;
    return lag === undefined ? { ...task, lagKnown: false } : { ...task, lag };
  }

  #settle(): void {
    if (this.state !== 'REBALANCING' && this.state !== 'RUNNING') return;
    const steady = this.#supervisor?.threads().every((t) => t.status?.steady === true) === true;
    if (steady && this.state === 'REBALANCING') {
      this.#lifecycle.to('RUNNING');
      // Node keeps what it has compiled (NODE_COMPILE_CACHE) when a process ends well; one that is killed should start
      // as fast.
      flushCompileCache();
    }
    if (!steady && this.state === 'RUNNING') this.#lifecycle.to('REBALANCING');
  }

  #fail(error: StreamsError): void {
    if (this.#failure !== undefined || this.#isClosed) return;
    this.#failure = error;
    this.#lifecycle.to('ERROR');
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
}
