import { StreamsError } from '../errors.ts';
import { KafkaCluster } from '../kafka/kafka-cluster.ts';
import type { Logger } from '../logger.ts';
import { topicPartition } from '../kafka/topic-partition.ts';
import type { LongWaits } from '../long-waits.ts';
import { LayeredStore } from '../store/layered-store.ts';
import type { StoreIdentity } from '../store/leveldb-store.ts';
import type { StoreIndexes } from '../store/load-indexes.ts';
import { storeBuffers } from '../store/store-buffers.ts';
import { taskDirectory } from '../store/state-directory.ts';
import type { RecordCache } from '../store/record-cache.ts';
import type { StateStore } from '../store/state-store.ts';
import type { ThreadInit } from '../streams-config.ts';
import type { DiskWait } from '../task/disk-wait.ts';
import type { ErrorHandlers } from '../task/error-decisions.ts';
import type { FenceGate } from '../task/fence-gate.ts';
import type { GlobalTables } from '../task/global-tables.ts';
import type { InitialiseContext, RestoreEvent } from '../task/initialise-task.ts';
import type { StoreLayouts } from '../store/reserved-records.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { openCheckedStore, setAsideStore } from '../task/open-store.ts';
import type { RecordWatch } from '../task/record-watch.ts';
import type { StreamTask } from '../task/stream-task.ts';
import { TaskGraph } from '../task/task-graph.ts';
import type { TaskId } from '../task/task-id.ts';
import { TaskLayout } from '../task/task-layout.ts';
import type { TaskLifeContext } from '../task/task-life.ts';
import { topologySignature } from '../topology/signature.ts';
import { inputTopicsOf, internalTopicsOf, outputsOf, statusTopic, type Topology } from '../topology/topology.ts';
import { PlainProducer, type Membership } from '../writing/plain-producer.ts';
import { ProduceLimits } from '../writing/produce-limits.ts';
import type { StreamsProducer } from '../writing/streams-producer.ts';
import { TransactionalProducer } from '../writing/transactional-producer.ts';

interface TaskFactoryOptions {
  readonly init: ThreadInit;
  readonly topology: Topology;
  readonly logger: Logger;
  /** Says which record user code is working on. */
  readonly watch: RecordWatch;
  readonly handlers: ErrorHandlers;
  readonly onRestore: (event: RestoreEvent) => void;
  readonly globalTables: GlobalTables;
  /** Of the thread, for all its tasks. */
  readonly cache: RecordCache;
  /** A task's buffers are full: it should commit before its time. */
  readonly requestCommit: () => void;
  /** The generation that this thread's assignment is of. */
  readonly membership: () => Membership;
  /** Of the thread. */
  readonly waits: LongWaits;
}

/** Makes what the tasks of a thread consist of: stores, producers and graphs. It keeps none of them. */
export class TaskFactory {
  readonly layout: TaskLayout;
  readonly #options: TaskFactoryOptions;
  readonly #produceLimits = new ProduceLimits();
  readonly #internalTopics: ReadonlySet<string>;

  constructor(options: TaskFactoryOptions) {
    this.#options = options;
    const { init, topology } = options;
    this.#internalTopics = internalTopicsOf(topology, init.config.applicationId);
    this.layout = new TaskLayout(topology, init.config.applicationId, (topic) => this.#partitionsOf(topic));
  }

  /** What the lives of active tasks and standbys need. */
  lifeContext(disk: DiskWait, onFatal: (error: unknown) => void): TaskLifeContext {
    const {
      init: { slotDirectory },
      logger,
    } = this.#options;
    const { layout } = this;
    const buffers = storeBuffers(layout.taskIds().filter((id) => layout.storesOf(id).length > 0).length);
    return {
      disk,
      logger,
      openStore: async (id, signal) => {
        const disk = await openCheckedStore({ identity: this.#identityOf(id), buffers, slotDirectory, signal, logger });
        return this.#withMemory(disk, id);
      },
      setStoreAside: (id) => setAsideStore(taskDirectory(slotDirectory, id)),
      onFatal,
    };
  }

  /** What initialising an active task needs. */
  initialiseContext(cluster: KafkaCluster, fences: FenceGate): InitialiseContext {
    const { init, topology, logger, waits } = this.#options;
    const { applicationId, processingGuarantee } = init.config;
    return {
      applicationId,
      inputTopics: inputTopicsOf(topology.subTopologies),
      cluster,
      logger,
      fences,
      waits,
      onRestore: this.#options.onRestore,
      exactlyOnce: processingGuarantee === 'exactly_once',
      createProducer: (task, onUnanswered) => this.#createProducer(task, onUnanswered),
      createGraph: (task, store, indexes) => this.#createGraph(task, store, indexes),
    };
  }

  #createGraph(task: StreamTask, store: StateStore | undefined, indexes: StoreIndexes): TaskGraph {
    const { init, watch, handlers, requestCommit, globalTables, cache } = this.#options;
    return new TaskGraph({
      globalTables,
      taskId: task.id,
      subTopology: task.spec.subTopology,
      applicationId: init.config.applicationId,
      store,
      indexes,
      cache,
      collector: task.collector,
      partitionsOf: (topic) => init.partitionCounts[topic],
      internalTopics: this.#internalTopics,
      time: task.time,
      nowMs: Date.now,
      requestCommit,
      dropped: task.dropped,
      watch,
      handlers,
    });
  }

  /** A producer with connections and, with exactly_once, a transactional id of its own. */
  #createProducer({ id, spec }: StreamTask, onUnanswered: (error: unknown) => void): StreamsProducer {
    const { init, logger, membership } = this.#options;
    const { config, connection, threadName } = init;
    const { applicationId } = config;
    const cluster = new KafkaCluster({ ...connection, clientId: `${threadName}-${id}` }, logger);
    if (config.processingGuarantee === 'at_least_once')
      return new PlainProducer(cluster, applicationId, membership, this.#produceLimits, onUnanswered);
    return new TransactionalProducer(cluster, {
      transactionalId: `${applicationId}-${id}`,
      groupId: applicationId,
      transactionTimeoutMs: config.transactionTimeoutMs,
      limits: this.#produceLimits,
      onUnanswered,
      probe: { topic: statusTopic(applicationId), partition: 0 },
      outputs: [
        spec.keptOffsets,
        ...spec.changelogs,
        ...outputsOf(spec.subTopology, applicationId).flatMap((topic) =>
          Array.from({ length: this.#partitionsOf(topic) }, (_, partition) => ({ topic, partition })),
        ),
      ],
    });
  }

  /** The stores that are to be in memory, over what is on disk. */
  #withMemory(disk: StateStore, taskId: TaskId): StateStore {
    const inMemory = new Set(
      this.layout.storesOf(taskId).flatMap(({ name, inMemory: is = false }) => (is ? name : [])),
    );
    if (inMemory.size === 0) return disk;
    const changelogs = this.layout.changelogsOf(taskId).filter(({ store }) => inMemory.has(store));
    const names = changelogs.map(({ topic, partition }) => topicPartition(topic, partition));
    return new LayeredStore(disk, inMemory, new Set(names));
  }

  /** What a store on disk must be of, to be this task's. */
  #identityOf(taskId: TaskId): StoreIdentity {
    const { init, topology } = this.#options;
    const topics = [...this.layout.topicsOf(taskId), ...this.layout.changelogsOf(taskId).map(({ topic }) => topic)];
    const topicIds: Record<string, string> = {};
    for (const topic of topics) {
      const topicId = init.topicIds[topic];
      if (topicId !== undefined) topicIds[topic] = topicId;
    }
    return {
      applicationId: init.config.applicationId,
      taskId,
      topology: topologySignature(topology),
      topicIds,
      layouts: storeLayouts(this.layout.storesOf(taskId)),
    };
  }

  #partitionsOf(topic: string): number {
    const count = this.#options.init.partitionCounts[topic];
    if (count === undefined)
      throw new StreamsError(
        'SOURCE_TOPIC_MISSING',
        `the topic ${topic} does not exist; create it before the application starts`,
      );
    return count;
  }
}

function storeLayouts(specs: readonly StoreSpec[]): StoreLayouts {
  return Object.fromEntries(
    specs.flatMap(({ name, timed = false, inMemory = false }): [string, StoreLayouts[string]][] => {
      if (inMemory) return [[name, 'in memory']];
      return timed ? [[name, 'timed']] : [];
    }),
  );
}
