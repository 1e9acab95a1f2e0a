import { COORDINATOR_OF_GROUP, type Broker } from './broker.ts';
import { fetchCommitted, type CommittedOffset } from './group-offsets.ts';
import { ClientSockets, createKafka, createKafkajsCluster, type KafkajsCluster } from './kafka-client.ts';
import type { KafkaConnectionConfig } from './kafka-connection-config.ts';
import { asAccessDenied, asAdvertisedAddress } from './kafka-errors.ts';
import { offsetRange, offsetsAt, withOpenTransactions } from './list-offsets.ts';
import { shareMetadata } from './shared-metadata.ts';
import { topicIds } from './topic-ids.ts';
import type { TopicPartition } from './topic-partition.ts';
import type { StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';

/** Of DescribeConfigs. */
const TOPIC_RESOURCE = 2;
const BROKER_RESOURCE = 4;

/**
 * One set of connections to a cluster. A broker answers the requests of one connection in order, so whatever waits long
 * (joining a group, fetching) has a KafkaCluster of its own.
 */
export class KafkaCluster {
  readonly #cluster: KafkajsCluster;
  readonly #coordinators = new Map<string, Broker>();
  readonly #sockets = new ClientSockets();
  readonly #brokers: readonly string[];
  #connected: Promise<void> | undefined;
  /** That is shared with other clients. */
  #sharedMetadata: KafkajsCluster['brokerPool']['metadata'] = null;

  constructor(config: KafkaConnectionConfig, logger: Logger) {
    this.#brokers = config.brokers;
    this.#cluster = createKafkajsCluster(createKafka(config, logger, this.#sockets));
  }

  connect(): Promise<void> {
    this.#connected ??= this.#cluster.connect().catch((error: unknown) => {
      this.#connected = undefined;
      throw error;
    });
    return this.#connected;
  }

  /** For good: what is still under way, or asked from here on, fails as with a broker that is away. */
  async disconnect(): Promise<void> {
    await this.#cluster.disconnect().catch(() => undefined);
    this.#sockets.end();
  }

  /** Makes the cluster keep metadata of these topics. @throws when one does not exist. */
  async track(topics: readonly string[]): Promise<void> {
    await this.connect();
    try {
      await this.#cluster.addMultipleTargetTopics(topics);
    } catch (error) {
      throw asAccessDenied(error, `seeing the topics ${topics.join(', ')}`) ?? error;
    }
    this.#shareMetadata();
  }

  /** After NOT_LEADER and its like: forget what was known of leaders and coordinators. */
  async refresh(): Promise<void> {
    this.#coordinators.clear();
    await this.connect();
    await this.#cluster.refreshMetadata();
    this.#shareMetadata();
  }

  #shareMetadata(): void {
    const { metadata } = this.#cluster.brokerPool;
    if (metadata === null || metadata === this.#sharedMetadata) return;
    shareMetadata(metadata.topicMetadata);
    this.#sharedMetadata = metadata;
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
   * The first offset of a tracked partition and its end: the high watermark or, read committed, the last stable offset.
   */
  offsetRange(topic: string, partition: number, isolationLevel: number): Promise<{ first: number; end: number }> {
    return offsetRange(this, { topic, partition }, isolationLevel);
  }

  /** Offsets of tracked partitions at a time, in the order asked, by one request to each leader. */
  offsetsAt(partitions: readonly TopicPartition[], timestamp: number, isolationLevel: number): Promise<number[]> {
    return offsetsAt(this, partitions, timestamp, isolationLevel);
  }

  /** Those of the tracked partitions in which a transaction is open. */
  withOpenTransactions(partitions: readonly TopicPartition[]): Promise<TopicPartition[]> {
    return withOpenTransactions(this, partitions);
  }

  /**
   * Settings of the brokers by name, as one of them has them; of those that this user may see. @throws where it may see
   * none.
   */
  async brokerSettings(names: readonly string[]): Promise<Map<string, string>> {
    return this.#settings(BROKER_RESOURCE, undefined, names);
  }

  /** Settings of a topic by name. @throws where there is no such topic, or this user may not see them. */
  async topicSettings(topic: string, names: readonly string[]): Promise<Map<string, string>> {
    return this.#settings(TOPIC_RESOURCE, topic, names);
  }

  async #settings(type: number, name: string | undefined, names: readonly string[]): Promise<Map<string, string>> {
    await this.connect();
    const broker = await this.#cluster.findControllerBroker();
    const { resources } = await broker.describeConfigs({
      resources: [{ type, name: name ?? String(broker.nodeId), configNames: names }],
    });
    return new Map(
      resources.flatMap(({ configEntries }) =>
        configEntries.flatMap(({ configName, configValue }): [string, string][] =>
          configValue === null ? [] : [[configName, configValue]],
        ),
      ),
    );
  }

  /** Ids of the topics that exist; empty where the brokers have none. */
  async topicIds(topics: readonly string[]): Promise<Map<string, string>> {
    await this.connect();
    try {
      await this.#cluster.refreshMetadataIfNecessary();
      return await topicIds(await this.#cluster.findControllerBroker(), topics);
    } catch (error) {
      throw asAdvertisedAddress(this.#brokers, error) ?? error;
    }
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
