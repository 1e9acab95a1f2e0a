import { PlainProducer, type Membership } from '../writing/plain-producer.ts';
import { rowCheckOf } from '../reading/row-check.ts';
import { ProduceLimits } from '../writing/produce-limits.ts';
import type { StreamsProducer } from '../writing/streams-producer.ts';
import { TransactionalProducer } from '../writing/transactional-producer.ts';
import { GroupMember } from '../group/group-member.ts';
import { topicRecreated } from '../topics/topic-check.ts';
import { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { LeaderNotKnownError } from '../kafka/kafka-errors.ts';
import { placeTasks } from '../group/partition-assignor.ts';
import { RecordFetcher } from '../reading/record-fetcher.ts';
import {
  decodeAssignmentInfo,
  decodeSubscriptionInfo,
  encodeAssignmentInfo,
  encodeSubscriptionInfo,
} from '../group/subscription-info.ts';
import { RESET_REMEDY, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { ThreadInit } from '../streams-config.ts';
import type { StoreIdentity } from '../store/leveldb-store.ts';
import { crashPoint } from '../task/crash-point.ts';
import { DiskWait } from '../task/disk-wait.ts';
import { openCheckedStore, setAsideStore } from '../task/open-store.ts';
import type { TaskLifeContext } from '../task/task-life.ts';
import { taskDirectory } from '../store/state-directory.ts';
import { FenceGate } from '../task/fence-gate.ts';
import type { StreamTask } from '../task/stream-task.ts';
import { TaskGraph } from '../task/task-graph.ts';
import type { RecordWatch } from '../task/record-watch.ts';
import type { WithheldRecords } from '../task/withheld-records.ts';
import { StandbyTasks } from '../task/standby-tasks.ts';
import { parseTaskId, type TaskId } from '../task/task-id.ts';
import { TaskLayout } from '../task/task-layout.ts';
import { TaskManager } from '../task/task-manager.ts';
import { topologySignature } from '../topology/signature.ts';
import { inputTopicsOf, outputsOf, statusTopic, type Topology } from '../topology/topology.ts';
import type { MemberShare } from '../group/group-member.ts';
import { CommitPace } from './commit-pace.ts';
import type { FromThread } from './thread-messages.ts';
import { parseTopicPartition, topicPartition } from '../kafka/topic-partition.ts';

export const PROTOCOL_NAME = 'tributary';
const IDLE_WAIT_MS = 250;
const MAX_REJOIN_WAIT_MS = 3_000;
/** Of a task with several inputs, before others and the commit have their turn. */
const RECORDS_A_TURN = 1_000;
/** So much to send asks for a commit before its time. */
const MAX_COLLECTED_BYTES = 16 * 1024 * 1024;

export interface StreamThreadParts {
  readonly logger: Logger;
  readonly storesOnDisk: () => readonly string[];
  /** Says which record user code is working on. */
  readonly watch: RecordWatch;
  readonly withheld: WithheldRecords;
}

/**
 * One stream thread: one group member, one fetcher, one loop. The loop is the mutex of the design: records are
 * processed and commits are made in it and nowhere else, so neither ever sees the other half done.
 */
export class StreamThread {
  readonly #init: ThreadInit;
  readonly #topology: Topology;
  readonly #layout: TaskLayout;
  readonly #logger: Logger;
  readonly #storesOnDisk: () => readonly string[];
  readonly #withheld: WithheldRecords;
  readonly #groupCluster: KafkaCluster;
  readonly #fetchCluster: KafkaCluster;
  readonly #queryCluster: KafkaCluster;
  readonly #fetcher: RecordFetcher;
  readonly #member: GroupMember;
  readonly #tasks: TaskManager;
  readonly #standbys: StandbyTasks;
  readonly #fences = new FenceGate();
  readonly #produceLimits = new ProduceLimits();
  readonly #disk: DiskWait;
  readonly #repartitionTopics: ReadonlySet<string>;
  #assignment: MemberShare | undefined;
  #lost = false;
  #settled = false;
  #closing = false;
  /** The loop has ended: a thread without tasks that is about to fail is not one that has nothing to do. */
  #ending = false;
  #failure: unknown;
  #commitRequested: (() => void)[] = [];
  readonly #pace: CommitPace;
  /** Told to join again, and not yet told what for. */
  #rejoining = false;
  /** The generation whose assignment this thread works on: what at_least_once commits by. */
  #membership: Membership = { memberId: '', generationId: -1 };
  /** Of the user's topics; partials between sub-topologies do not count. */
  #records = 0;
  #commits = 0;
  /** As the fetches and the group tell it. */
  #fetchAway: string | null = null;
  #groupAway: string | null = null;

  constructor(init: ThreadInit, topology: Topology, { logger, storesOnDisk, watch, withheld }: StreamThreadParts) {
    this.#init = init;
    this.#topology = topology;
    this.#logger = logger;
    this.#storesOnDisk = storesOnDisk;
    this.#withheld = withheld;
    this.#disk = new DiskWait(init.slotDirectory, logger);
    const { connection, config } = init;
    this.#pace = new CommitPace(config.commitIntervalMs);
    const partitionsOf = (topic: string): number => this.#partitionsOf(topic);
    this.#layout = new TaskLayout(topology, config.applicationId, partitionsOf);
    this.#repartitionTopics = this.#layout.repartitionTopics();
    const clusterFor = (role: string): KafkaCluster =>
      new KafkaCluster({ ...connection, clientId: `${init.threadName}-${role}` }, logger);
    this.#groupCluster = clusterFor('group');
    this.#fetchCluster = clusterFor('fetch');
    this.#queryCluster = clusterFor('restore');
    this.#fetcher = new RecordFetcher(this.#fetchCluster, logger, {
      maxBytesPerPartition: config.maxBytesPerPartition,
      maxRecordBytes: (topic) => (this.#repartitionTopics.has(topic) ? undefined : config.maxRecordBytes),
      onAway: (away, reason) => {
        this.#fetchAway = away ? reason : null;
      },
      checkTopics: (topics) => this.#checkTopics(topics),
    });
    const { slotDirectory } = init;
    const life: TaskLifeContext = {
      disk: this.#disk,
      logger,
      openStore: (id, signal) => openCheckedStore({ identity: this.#identityOf(id), slotDirectory, signal, logger }),
      setStoreAside: (id) => setAsideStore(taskDirectory(slotDirectory, id)),
      onFatal: (error) => this.#fail(error),
    };
    this.#tasks = new TaskManager({
      layout: this.#layout,
      life,
      initialise: {
        applicationId: config.applicationId,
        inputTopics: inputTopicsOf(topology.subTopologies),
        cluster: this.#queryCluster,
        logger,
        fences: this.#fences,
        exactlyOnce: config.processingGuarantee === 'exactly_once',
        createProducer: (task) => this.#createProducer(task),
        createGraph: (task, store) =>
          new TaskGraph({
            taskId: task.id,
            subTopology: task.spec.subTopology,
            applicationId: config.applicationId,
            store,
            collector: task.collector,
            partitionsOf,
            time: task.time,
            nowMs: Date.now,
            requestCommit: () => this.#pace.demand(),
            dropped: task.dropped,
            watch,
          }),
      },
      onRunning: (_task, offsets) => {
        for (const [name, offset] of offsets) {
          const { topic, partition } = parseTopicPartition(name);
          this.#fetcher.seek(topic, partition, offset);
        }
      },
      onStopped: (task) => {
        for (const { topic, partition } of task.inputs) this.#fetcher.remove(topic, partition);
      },
      queues: {
        maxTaskIdleMs: config.maxTaskIdleMs,
        onFull: ({ topic, partition }) => this.#fetcher.hold(topic, partition),
        onRoom: ({ topic, partition }) => this.#fetcher.release(topic, partition),
      },
    });
    this.#standbys = new StandbyTasks({
      life,
      cluster: clusterFor('standby'),
      changelogsOf: (id) => this.#layout.changelogsOf(id),
      checkOf: (id) => rowCheckOf(topology.subTopologies[parseTaskId(id).subTopology]?.stores ?? []),
    });
    this.#member = new GroupMember(this.#groupCluster, logger, {
      groupId: config.applicationId,
      // mutant: static-member
      groupInstanceId: init.groupInstanceId,
      topics: this.#layout.sourceTopics(),
      protocolName: PROTOCOL_NAME,
      sessionTimeoutMs: config.sessionTimeoutMs,
      rebalanceTimeoutMs: config.rebalanceTimeoutMs,
      heartbeatIntervalMs: config.heartbeatIntervalMs,
      userData: () =>
        encodeSubscriptionInfo({
          processId: init.processId,
          active: this.#tasks.tasks.map((t) => t.id),
          standby: this.#standbys.ids(),
          stores: this.#storesOnDisk(),
        }),
      assign: (members) => this.#assign(members),
      beforeRejoin: async () => {
        this.#rejoining = true;
        // No heartbeat is sent meanwhile: a wait as long as the session would cost the membership.
        const waitMs = Math.min(MAX_REJOIN_WAIT_MS, config.sessionTimeoutMs / 3);
        await Promise.all([this.#commitSoon(waitMs), this.#fences.close(waitMs)]);
      },
      onAssigned: (share) => {
        crashPoint('inRebalance');
        this.#assignment = share;
        this.#rejoining = false;
        this.#settled = true;
        this.#fetcher.wake();
      },
      onLost: () => {
        this.#lost = true;
        this.#assignment = undefined;
        this.#rejoining = true;
        void this.#fences.close(0);
        this.#settled = false;
        this.#fetcher.wake();
      },
      onFatal: (error) => this.#fail(error),
      onAway: (reason) => {
        this.#groupAway = reason;
      },
    });
  }

  /** Runs until `close` or a failure. @throws what ended it. */
  async run(): Promise<void> {
    this.#member.start();
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
      await this.#member.leave();
      await this.#fetcher.close();
      await Promise.all([
        this.#groupCluster.disconnect(),
        this.#fetchCluster.disconnect(),
        this.#queryCluster.disconnect(),
      ]);
    }
  }

  /** Asks the loop to end after a last commit. */
  close(): void {
    this.#closing = true;
    this.#fetcher.wake();
  }

  status(): Extract<FromThread, { kind: 'status' }> {
    const tasks = this.#tasks.tasks;
    return {
      kind: 'status',
      tasks: [...tasks.map((t) => t.status()), ...this.#standbys.status()],
      records: this.#records,
      commits: this.#commits,
      brokerAway: this.#fetchAway ?? this.#groupAway ?? this.#tasks.awayReason,
      diskTrouble: this.#disk.reason,
      steady:
        !this.#ending &&
        this.#settled &&
        this.#assignment === undefined &&
        tasks.every((t) => t.life.state === 'RUNNING'),
      purgeable: tasks.flatMap((t) =>
        t.inputs
          .filter((i) => this.#repartitionTopics.has(i.topic))
          .flatMap((i) => {
            const offset = t.committedOffsets().get(topicPartition(i.topic, i.partition));
            return offset === undefined ? [] : [[topicPartition(i.topic, i.partition), offset] as const];
          }),
      ),
    };
  }

  async #runOnce(): Promise<void> {
    this.#throwFailure();
    if (this.#lost) {
      // The tasks may be somebody else's: nothing may be committed for them, not even what is done.
      this.#lost = false;
      await this.#tasks.closeAll(true);
    }
    const assignment = this.#assignment;
    if (assignment !== undefined) {
      const { memberId, generationId } = this.#member;
      const { standby } = decodeAssignmentInfo(assignment.userData);
      // A store has one owner: what changes its role is closed in the old one before it is opened in the new one.
      await this.#standbys.assign(standby.filter((id) => this.#standbys.ids().includes(id)));
      await this.#tasks.assign(assignment.partitions);
      await this.#standbys.assign(standby);
      if (this.#assignment === assignment) {
        this.#assignment = undefined;
        this.#membership = { memberId, generationId };
        if (!this.#rejoining) this.#fences.open();
      }
    }
    if (
      this.#init.config.processingGuarantee === 'at_least_once' &&
      this.#rejoining &&
      this.#commitRequested.length === 0
    ) {
      // No fence keeps two owners apart: what may be somebody else's rests from the last commit to the new assignment.
      await this.#fetcher.pause(IDLE_WAIT_MS);
      return;
    }
    const now = performance.now();
    const running = this.#tasks.running();
    for (const task of running) task.dropped.tell(this.#logger, task.id, now);
    const pending = running.filter((t) => t.needsCommit(now));
    const dueAt = Math.min(
      ...pending.map((t) => this.#pace.dueAt(t.spec.subTopology.id)),
      ...running.map((t) => t.readyAtMs(now)),
    );
    const fetched = await this.#fetcher.take(Math.min(IDLE_WAIT_MS, Math.max(0, dueAt - now)));
    for (const part of fetched) {
      const task = this.#tasks.taskOf(part.topic, part.partition);
      if (task === undefined) continue;
      if (part.outOfRange)
        throw new StreamsError(
          'OFFSET_OUT_OF_RANGE',
          `${topicPartition(part.topic, part.partition)} does not hold offset ${String(part.nextOffset)} any more: ` +
            `records were deleted before they were processed. If starting over is meant, ${RESET_REMEDY}`,
          { taskId: task.id, topic: part.topic, partition: part.partition, offset: part.nextOffset, remedy: 'reset' },
        );
      const accepted = task.accept(this.#withheld.applyTo(part));
      await this.#processed(task, accepted, this.#repartitionTopics.has(part.topic) ? 0 : accepted);
    }
    for (const task of this.#tasks.running()) {
      if (task.inputs.length < 2) continue;
      const { records, ofUser } = task.processWaiting(performance.now(), RECORDS_A_TURN);
      await this.#processed(task, records, ofUser);
    }
    // First close what is not this thread's any more.
    if (this.#lost || this.#assignment !== undefined) return;
    const requested = this.#commitRequested;
    const startedAt = performance.now();
    const due = this.#tasks
      .running()
      .filter(
        (t) =>
          t.needsCommit(startedAt) && (requested.length > 0 || this.#pace.dueAt(t.spec.subTopology.id) <= startedAt),
      );
    if (requested.length > 0 || due.length > 0) {
      this.#commitRequested = [];
      this.#commits += await this.#tasks.commit(startedAt, due);
      this.#pace.committed(new Set(due.map((t) => t.spec.subTopology.id)), startedAt, performance.now());
      for (const done of requested) done();
    }
  }

  async #processed(task: StreamTask, records: number, ofUser: number): Promise<void> {
    if (records === 0) return;
    this.#pace.processed(records);
    if (task.collector.bytes >= MAX_COLLECTED_BYTES) this.#pace.demand();
    this.#records += ofUser;
    await new Promise((resolve) => setImmediate(resolve));
  }

  #commitSoon(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, timeoutMs).unref();
      this.#commitRequested.push(resolve);
      this.#fetcher.wake();
    });
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#fetcher.wake();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #partitionsOf(topic: string): number {
    const count = this.#init.partitionCounts[topic];
    if (count === undefined)
      throw new StreamsError(
        'SOURCE_TOPIC_MISSING',
        `the topic ${topic} does not exist; create it before the application starts`,
      );
    return count;
  }

  /** @throws StreamsError when one was made anew; LeaderNotKnownError while one is not there. */
  async #checkTopics(topics: readonly string[]): Promise<void> {
    const { topicIds } = this.#init;
    const known = topics.filter((topic) => topicIds[topic] !== undefined);
    const found = await this.#queryCluster.topicIds(known);
    for (const topic of known) {
      const [before, now] = [topicIds[topic] as string, found.get(topic)];
      if (now === undefined) throw new LeaderNotKnownError(topic, 0);
      if (now !== before) throw topicRecreated(topic, before, now, this.#repartitionTopics.has(topic));
    }
  }

  #identityOf(taskId: TaskId): StoreIdentity {
    const {
      topicIds,
      config: { applicationId },
    } = this.#init;
    const inputs = this.#layout.topicsOf(taskId);
    const changelogs = this.#layout.changelogsOf(taskId).map(({ topic }) => topic);
    const ids = [...inputs, ...changelogs].flatMap((topic) =>
      topicIds[topic] === undefined ? [] : [[topic, topicIds[topic]]],
    );
    return {
      applicationId,
      taskId,
      topology: topologySignature(this.#topology),
      topicIds: Object.fromEntries(ids) as Record<string, string>,
    };
  }

  #assign(members: readonly { memberId: string; userData: Buffer | null }[]): Map<string, MemberShare> {
    const tasks = this.#layout.taskIds();
    const placed = placeTasks(
      tasks,
      members.map(({ memberId, userData }) => ({ memberId, info: decodeSubscriptionInfo(userData) })),
      {
        stateful: tasks.filter((id) => this.#layout.isStateful(id)),
        numStandbyReplicas: this.#init.config.numStandbyReplicas,
      },
    );
    return new Map(
      [...placed].map(([memberId, { active, standby }]) => [
        memberId,
        { partitions: this.#layout.assignmentOf(active), userData: encodeAssignmentInfo({ standby }) },
      ]),
    );
  }

  #createProducer(task: StreamTask): StreamsProducer {
    const { config, connection, threadName } = this.#init;
    const cluster = new KafkaCluster({ ...connection, clientId: `${threadName}-${task.id}` }, this.#logger);
    if (config.processingGuarantee === 'at_least_once')
      return new PlainProducer(cluster, config.applicationId, () => this.#membership, this.#produceLimits);
    return new TransactionalProducer(cluster, {
      transactionalId: `${config.applicationId}-${task.id}`,
      groupId: config.applicationId,
      transactionTimeoutMs: config.transactionTimeoutMs,
      limits: this.#produceLimits,
      probe: { topic: statusTopic(config.applicationId), partition: 0 },
      outputs: [
        task.spec.keptOffsets,
        ...task.spec.changelogs,
        ...outputsOf(task.spec.subTopology, config.applicationId).flatMap((topic) =>
          Array.from({ length: this.#partitionsOf(topic) }, (_, partition) => ({ topic, partition })),
        ),
      ],
    });
  }
}
