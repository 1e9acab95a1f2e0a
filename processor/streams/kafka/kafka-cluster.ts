import kafkajs from 'kafkajs';
import type { KafkaConnectionConfig } from './kafka-connection-config.ts';
import type { StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { asAccessDenied, asAdvertisedAddress } from './kafka-errors.ts';
import type { HeaderList } from '../topology/record.ts';
import { topicIds } from './topic-ids.ts';
import { topicPartition, type TopicPartition } from './topic-partition.ts';

const { Kafka, logLevel } = kafkajs;

/**
 * The seam to kafkajs: its connections, authentication and protocol encoders, and nothing above them. Its consumer and
 * producer are not used by the runtime (docs/decisions/0001-kafkajs-below-the-client.md says why).
 */
export interface Broker {
  readonly nodeId: number;
  /** By request number; null before the connection. */
  readonly versions?: Readonly<Record<number, { minVersion: number; maxVersion: number }>> | null;
  readonly connectionPool: { send(request: ProtocolRequest): Promise<unknown> };
  joinGroup(request: JoinGroupRequest & StaticMember): Promise<JoinGroupResponse>;
  syncGroup(request: SyncGroupRequest & StaticMember): Promise<{ memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string } & StaticMember): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string } & StaticMember): Promise<unknown>;
  listOffsets(request: ListOffsetsRequest): Promise<ListOffsetsResponse>;
  offsetFetch(request: OffsetFetchRequest): Promise<OffsetFetchResponse>;
  offsetCommit(request: OffsetCommitRequest): Promise<unknown>;
  initProducerId(request: { transactionalId?: string; transactionTimeout?: number }): Promise<ProducerIdentity>;
  addPartitionsToTxn(request: TransactionIdentity & { topics: TopicPartitions[] }): Promise<unknown>;
  addOffsetsToTxn(request: TransactionIdentity & { groupId: string }): Promise<unknown>;
  txnOffsetCommit(request: TransactionIdentity & { groupId: string; topics: TopicOffsets[] }): Promise<unknown>;
  findGroupCoordinator(request: { groupId: string; coordinatorType: number }): Promise<unknown>;
  describeConfigs(request: {
    resources: { type: number; name: string; configNames: readonly string[] }[];
  }): Promise<DescribeConfigsResponse>;
  endTxn(request: TransactionIdentity & { transactionResult: boolean }): Promise<unknown>;
  produce(request: ProduceRequest): Promise<ProduceResponse>;
}

export interface ProtocolRequest {
  readonly request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<unknown> };
  readonly response: { decode(bytes: Buffer): Promise<unknown>; parse(data: unknown): Promise<unknown> };
  readonly requestTimeout?: number;
}

export interface ProducerIdentity {
  producerId: string;
  producerEpoch: number;
}
export interface TransactionIdentity extends ProducerIdentity {
  transactionalId: string;
}
export interface TopicPartitions {
  topic: string;
  partitions: number[];
}
export interface TopicOffsets {
  topic: string;
  partitions: { partition: number; offset: string; metadata?: string | null }[];
}
/** Static membership (KIP-345), which the kafkajs patch passes on. */
interface StaticMember {
  groupInstanceId?: string;
}
export interface GroupMemberInfo {
  memberId: string;
  memberMetadata: Buffer;
}
interface JoinGroupRequest {
  groupId: string;
  sessionTimeout: number;
  rebalanceTimeout: number;
  memberId: string;
  groupProtocols: { name: string; metadata: Buffer }[];
}
interface JoinGroupResponse {
  generationId: number;
  leaderId: string;
  memberId: string;
  groupProtocol: string;
  members: GroupMemberInfo[];
}
interface SyncGroupRequest {
  groupId: string;
  generationId: number;
  memberId: string;
  groupAssignment: { memberId: string; memberAssignment: Buffer }[];
}
interface ListOffsetsRequest {
  replicaId: number;
  isolationLevel: number;
  topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
}
interface ListOffsetsResponse {
  responses: { topic: string; partitions: { partition: number; offset: string }[] }[];
}
interface OffsetFetchRequest {
  groupId: string;
  topics: { topic: string; partitions: { partition: number }[] }[];
}
interface OffsetFetchResponse {
  responses: { topic: string; partitions: { partition: number; offset: string; metadata: string | null }[] }[];
}
/** What a group has committed for one partition: offset -1 when nothing. */
export interface CommittedOffset {
  readonly offset: number;
  readonly metadata: string | null;
}
interface OffsetCommitRequest {
  groupId: string;
  groupGenerationId: number;
  memberId: string;
  topics: TopicOffsets[];
}
export interface ProduceMessage {
  key: Buffer | null;
  value: Buffer | null;
  timestamp: string;
  /** A list: patches/ teaches kafkajs to write headers as they came. */
  headers?: HeaderList;
}
interface ProduceRequest {
  topicData: {
    topic: string;
    partitions: { partition: number; firstSequence: number; messages: ProduceMessage[] }[];
  }[];
  transactionalId?: string;
  producerId?: string;
  producerEpoch?: number;
  acks: number;
  timeout: number;
  /** Of the whole request; none by default. */
  compression?: number;
}
interface ProduceResponse {
  topics: { topicName: string; partitions: { partition: number; errorCode: number; baseOffset: string }[] }[];
}

interface DescribeConfigsResponse {
  resources: { configEntries: { configName: string; configValue: string | null }[] }[];
}

interface PartitionMetadata {
  partitionId: number;
  leader: number;
  partitionErrorCode: number;
}
interface KafkajsCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findBroker(node: { nodeId: number }): Promise<Broker>;
  findControllerBroker(): Promise<Broker>;
  findTopicPartitionMetadata(topic: string): PartitionMetadata[];
  findGroupCoordinator(request: { groupId: string; coordinatorType: number }): Promise<Broker>;
  removeBroker(address: { host: string; port: number }): void;
}

/** A kafkajs client, for its admin and plain producer. */
export type Kafka = kafkajs.Kafka;

export const COORDINATOR_OF_GROUP = 0;
export const COORDINATOR_OF_TRANSACTION = 1;
export const READ_UNCOMMITTED = 0;
export const READ_COMMITTED = 1;
const CONSUMER_REPLICA_ID = -1;
/** Of DescribeConfigs. */
const BROKER_RESOURCE = 4;
/** Times of ListOffsets: the end of a partition, and its first record. */
export const LATEST_TIMESTAMP = -1;
export const EARLIEST_TIMESTAMP = -2;
const REQUEST_TIMEOUT_MS = 30_000;

/** The one place where a kafkajs client is made. kafkajs' own chatter goes to debug: the runtime says what matters. */
export function createKafka(config: KafkaConnectionConfig, logger: Logger): kafkajs.Kafka {
  const saslConfig = config.sasl;
  return new Kafka({
    clientId: config.clientId,
    brokers: [...config.brokers],
    ...(config.tls === undefined ? {} : { ssl: config.tls.ca === undefined ? true : { ca: [config.tls.ca] } }),
    ...(saslConfig === undefined ? {} : { sasl: saslOptions(saslConfig) }),
    connectionTimeout: 3_000,
    requestTimeout: config.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 2 },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log }) => {
        const { message, timestamp: _timestamp, logger: _logger, ...fields } = log;
        logger.debug({ ...fields, namespace }, `kafkajs: ${message}`);
      },
  });
}

function saslOptions(sasl: NonNullable<KafkaConnectionConfig['sasl']>): kafkajs.SASLOptions {
  const { mechanism, username, password } = sasl;
  if (mechanism === 'plain') return { mechanism, username, password };
  if (mechanism === 'scram-sha-256') return { mechanism, username, password };
  return { mechanism, username, password };
}

function createKafkajsCluster(kafka: kafkajs.Kafka): KafkajsCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find((s) => s.description === 'private:Kafka:createCluster');
  if (symbol === undefined) throw new Error('kafkajs 2.2.4 is required: its cluster factory was not found');
  const create = Reflect.get(kafka, symbol) as (options: object) => KafkajsCluster;
  return create({ metadataMaxAge: 300_000, allowAutoTopicCreation: false, maxInFlightRequests: null });
}

/**
 * One set of connections to a cluster. A broker answers the requests of one connection in order, so whatever waits long
 * (joining a group, fetching) has a KafkaCluster of its own.
 */
export class KafkaCluster {
  readonly #cluster: KafkajsCluster;
  readonly #coordinators = new Map<string, Broker>();
  #connected: Promise<void> | undefined;

  readonly #brokers: readonly string[];

  constructor(config: KafkaConnectionConfig, logger: Logger) {
    this.#brokers = config.brokers;
    this.#cluster = createKafkajsCluster(createKafka(config, logger));
  }

  connect(): Promise<void> {
    this.#connected ??= this.#cluster.connect().catch((error: unknown) => {
      this.#connected = undefined;
      throw error;
    });
    return this.#connected;
  }

  async disconnect(): Promise<void> {
    await this.#cluster.disconnect().catch(() => undefined);
  }

  /** Makes the cluster keep metadata of these topics. @throws when one does not exist. */
  async track(topics: readonly string[]): Promise<void> {
    await this.connect();
    try {
      await this.#cluster.addMultipleTargetTopics(topics);
    } catch (error) {
      throw asAccessDenied(error, `seeing the topics ${topics.join(', ')}`) ?? error;
    }
  }

  /** After NOT_LEADER and its like: forget what was known of leaders and coordinators. */
  async refresh(): Promise<void> {
    this.#coordinators.clear();
    await this.connect();
    await this.#cluster.refreshMetadata();
  }

  partitionCount(topic: string): number {
    return this.#cluster.findTopicPartitionMetadata(topic).length;
  }

  /** The node that leads a tracked partition, or undefined while there is none. */
  leader(topic: string, partition: number): number | undefined {
    const found = this.#cluster.findTopicPartitionMetadata(topic).find((p) => p.partitionId === partition);
    return found === undefined || found.leader < 0 ? undefined : found.leader;
  }

  async broker(nodeId: number): Promise<Broker> {
    return this.#cluster.findBroker({ nodeId }).catch((error: unknown) => {
      throw asAdvertisedAddress(this.#brokers, error) ?? error;
    });
  }

  /** The coordinator of a group or a transactional id, remembered until `forgetCoordinator` or a refresh. */
  async coordinator(type: number, id: string): Promise<Broker> {
    const key = `${type}/${id}`;
    const known = this.#coordinators.get(key);
    if (known !== undefined) return known;
    await this.connect();
    const found = await this.#cluster
      .findGroupCoordinator({ groupId: id, coordinatorType: type })
      .catch(async (error: unknown) => {
        throw (await this.#whyNoCoordinator(type, id)) ?? error;
      });
    this.#coordinators.set(key, found);
    return found;
  }

  /** kafkajs says only that there is none, and keeps to itself that the broker forbids to ask. */
  async #whyNoCoordinator(type: number, id: string): Promise<StreamsError | undefined> {
    try {
      const broker = await this.#cluster.findControllerBroker();
      await broker.findGroupCoordinator({ groupId: id, coordinatorType: type });
    } catch (error) {
      return asAccessDenied(
        error,
        type === COORDINATOR_OF_GROUP ? `joining the group ${id}` : `writing with the transactional id ${id}`,
      );
    }
    return undefined;
  }

  forgetCoordinator(type: number, id: string): void {
    this.#coordinators.delete(`${type}/${id}`);
  }

  /**
   * `[first, end)` offsets of partitions of one tracked topic; `end` is the high watermark or, read committed, the last
   * stable offset.
   */
  async offsetRange(topic: string, partition: number, isolationLevel: number): Promise<{ first: number; end: number }> {
    const leader = this.leader(topic, partition);
    if (leader === undefined) throw new LeaderNotKnownError(topic, partition);
    const broker = await this.broker(leader);
    const ask = async (timestamp: number): Promise<number> => {
      const answer = await broker.listOffsets({
        replicaId: CONSUMER_REPLICA_ID,
        isolationLevel,
        topics: [{ topic, partitions: [{ partition, timestamp }] }],
      });
      return Number(answer.responses[0]?.partitions[0]?.offset);
    };
    const [first, end] = await Promise.all([ask(EARLIEST_TIMESTAMP), ask(LATEST_TIMESTAMP)]);
    return { first, end };
  }

  /**
   * Of tracked partitions, those in which a transaction is open: their last stable offset lies before the high
   * watermark.
   */
  async withOpenTransactions(partitions: readonly TopicPartition[]): Promise<TopicPartition[]> {
    // The last stable offset last: what is committed between the two answers is not open.
    const highWatermarks = await this.offsetsAt(partitions, LATEST_TIMESTAMP, READ_UNCOMMITTED);
    const stable = await this.offsetsAt(partitions, LATEST_TIMESTAMP, READ_COMMITTED);
    return partitions.filter((_, index) => (stable[index] as number) < (highWatermarks[index] as number));
  }

  /** Offsets of tracked partitions at a time, in the order asked, by one request a leader. */
  async offsetsAt(partitions: readonly TopicPartition[], timestamp: number, isolationLevel: number): Promise<number[]> {
    const byLeader = new Map<number, TopicPartition[]>();
    for (const { topic, partition } of partitions) {
      const leader = this.leader(topic, partition);
      if (leader === undefined) throw new LeaderNotKnownError(topic, partition);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), { topic, partition }]);
    }
    const offsets = new Map<string, number>();
    for (const [leader, asked] of byLeader) {
      const broker = await this.broker(leader);
      const topics = [...new Set(asked.map(({ topic }) => topic))].map((topic) => ({
        topic,
        partitions: asked.filter((p) => p.topic === topic).map(({ partition }) => ({ partition, timestamp })),
      }));
      const { responses } = await broker.listOffsets({ replicaId: CONSUMER_REPLICA_ID, isolationLevel, topics });
      for (const { topic, partitions: answers } of responses)
        for (const { partition, offset } of answers) offsets.set(topicPartition(topic, partition), Number(offset));
    }
    return partitions.map(({ topic, partition }) => offsets.get(topicPartition(topic, partition)) as number);
  }

  /**
   * Settings of the brokers by name, as one of them has them; of those that this user may see. @throws where it may see
   * none.
   */
  async brokerSettings(names: readonly string[]): Promise<Map<string, string>> {
    await this.connect();
    const broker = await this.#cluster.findControllerBroker();
    const { resources } = await broker.describeConfigs({
      resources: [{ type: BROKER_RESOURCE, name: String(broker.nodeId), configNames: names }],
    });
    return new Map(
      resources.flatMap(({ configEntries }) =>
        configEntries.flatMap(({ configName, configValue }): [string, string][] =>
          configValue === null ? [] : [[configName, configValue]],
        ),
      ),
    );
  }

  /** Ids of the topics that exist; empty where the brokers tell none. */
  async topicIds(topics: readonly string[]): Promise<Map<string, string>> {
    await this.connect();
    await this.#cluster.refreshMetadataIfNecessary();
    return topicIds(await this.#cluster.findControllerBroker(), topics);
  }

  /** What a group has committed, in the order asked; as its coordinator says, be it one that has just been replaced. */
  async committed(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly CommittedOffset[]> {
    const coordinator = await this.coordinator(COORDINATOR_OF_GROUP, groupId);
    return fetchCommitted(coordinator, groupId, partitions).catch((error: unknown) => {
      this.forgetCoordinator(COORDINATOR_OF_GROUP, groupId);
      throw asAccessDenied(error, `reading the offsets of the group ${groupId}`) ?? error;
    });
  }

  /** The offsets alone, -1 where there is none. */
  async committedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<number[]> {
    return (await this.committed(groupId, partitions)).map(({ offset }) => offset);
  }
}

/** Asks this coordinator what a group has committed, in the order asked. */
export async function fetchCommitted(
  coordinator: Broker,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<readonly CommittedOffset[]> {
  const topics = new Map<string, { partition: number }[]>();
  for (const { topic, partition } of partitions) topics.set(topic, [...(topics.get(topic) ?? []), { partition }]);
  const { responses } = await coordinator.offsetFetch({
    groupId,
    topics: [...topics].map(([topic, list]) => ({ topic, partitions: list })),
  });
  return partitions.map(({ topic, partition }) => {
    const found = responses.find((r) => r.topic === topic)?.partitions.find((p) => p.partition === partition);
    return { offset: found === undefined ? -1 : Number(found.offset), metadata: found?.metadata ?? null };
  });
}

export class LeaderNotKnownError extends Error {
  override readonly name = 'LeaderNotKnownError';
  readonly retriable = true;
  constructor(topic: string, partition: number) {
    super(`${topicPartition(topic, partition)} has no leader at the moment`);
  }
}
