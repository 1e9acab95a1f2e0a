import {
  fetchRequest,
  type decodeFetchResponse,
  type FetchedBytes,
  type FetchOptions,
} from '../../kafka/fetch-protocol.ts';
import {
  COORDINATOR_OF_GROUP,
  COORDINATOR_OF_TRANSACTION,
  READ_COMMITTED,
  READ_UNCOMMITTED,
  type Broker,
  type TransactionIdentity,
} from '../../kafka/broker.ts';
import { KafkaCluster } from '../../kafka/kafka-cluster.ts';
import { CODE, hasCode, isBrokerAway, kafkaCode } from '../../kafka/kafka-errors.ts';
import type { FetchedRecord } from '../../kafka/fetched-record.ts';
import { decodeRecordSet } from '../../kafka/record-set.ts';
import type { KafkaConnectionConfig } from '../../kafka/kafka-connection-config.ts';
import { until } from '../../../../tests/support/until.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export interface RawRecord {
  readonly key?: Buffer | null;
  readonly value: string | null;
  readonly timestampMs?: number;
}

export interface Fetched extends FetchedBytes {
  readonly records: readonly FetchedRecord[];
  readonly values: readonly (string | null)[];
  readonly nextOffset: number;
}

/** What the runtime does without: kafkajs' own produce requests. */
interface RawBroker {
  produce(request: object): Promise<{
    topics: { partitions: { partition: number; errorCode: number; baseOffset: string }[] }[];
  }>;
}

/** Requests one at a time, without any client's retries, so that a test sees what the broker itself answers. */
export class RawKafka {
  readonly cluster: KafkaCluster;

  private constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
  }

  /** Connects and waits until the broker's coordinators work: a new cluster makes their topics on first use. */
  static async open(connection: KafkaConnectionConfig, clientId = 'raw'): Promise<RawKafka> {
    const cluster = new KafkaCluster({ ...connection, clientId }, quiet);
    const raw = new RawKafka(cluster);
    await cluster.connect();
    const { producerId, producerEpoch } = await raw.patiently(() => raw.#tryInit('raw-warm-up'));
    if (producerId === '' || producerEpoch < 0) throw new Error('no producer id');
    await raw.patiently(() => raw.committed('raw-warm-up', 'none'));
    return raw;
  }

  close(): Promise<void> {
    return this.cluster.disconnect();
  }

  /** Repeats what a broker that is still starting refuses. */
  async patiently<T>(ask: () => Promise<T>): Promise<T> {
    let answer: T | undefined;
    let failure: unknown;
    await until(
      async () => {
        try {
          answer = await ask();
          return true;
        } catch (error) {
          if (!(isBrokerAway(error) || hasCode(error, CODE.CONCURRENT_TRANSACTIONS))) throw error;
          failure = error;
          await this.cluster.refresh().catch(() => undefined);
          return false;
        }
      },
      () => `the broker takes it: ${String(failure)}`,
    );
    return answer as T;
  }

  async leader(topic: string): Promise<Broker> {
    await this.cluster.track([topic]);
    const nodeId = this.cluster.leader(topic, 0);
    if (nodeId === undefined) throw new Error(`${topic} has no leader`);
    return this.cluster.broker(nodeId);
  }

  groupCoordinator(groupId: string): Promise<Broker> {
    return this.cluster.coordinator(COORDINATOR_OF_GROUP, groupId);
  }

  transactionCoordinator(transactionalId: string): Promise<Broker> {
    return this.cluster.coordinator(COORDINATOR_OF_TRANSACTION, transactionalId);
  }

  /** InitProducerId, again while the transaction of the id's last owner is being aborted. */
  async init(transactionalId: string, transactionTimeoutMs = 60_000): Promise<TransactionIdentity> {
    return this.patiently(() => this.#tryInit(transactionalId, transactionTimeoutMs));
  }

  async #tryInit(transactionalId: string, transactionTimeout = 60_000): Promise<TransactionIdentity> {
    const coordinator = await this.transactionCoordinator(transactionalId);
    const { producerId, producerEpoch } = await coordinator.initProducerId({ transactionalId, transactionTimeout });
    return { transactionalId, producerId, producerEpoch };
  }

  /** Adds partition 0 of each topic to the transaction; again while the markers of the last one are being written. */
  async begin(identity: TransactionIdentity, ...topics: readonly string[]): Promise<void> {
    const coordinator = await this.transactionCoordinator(identity.transactionalId);
    await this.patiently(() =>
      coordinator.addPartitionsToTxn({ ...identity, topics: topics.map((topic) => ({ topic, partitions: [0] })) }),
    );
  }

  async end(identity: TransactionIdentity, outcome: 'commit' | 'abort'): Promise<void> {
    const coordinator = await this.transactionCoordinator(identity.transactionalId);
    await coordinator.endTxn({ ...identity, transactionResult: outcome === 'commit' });
  }

  /** One batch to partition 0. Answers the base offset. */
  async produce(
    topic: string,
    records: readonly (string | RawRecord)[],
    identity?: TransactionIdentity,
    firstSequence = 0,
  ): Promise<number> {
    const leader = await this.leader(topic);
    const messages = records.map((record) => {
      const {
        key = Buffer.from('k'),
        value,
        timestampMs = Date.now(),
      }: RawRecord = typeof record === 'string' ? { value: record } : record;
      return { key, value: value === null ? null : Buffer.from(value), timestamp: String(timestampMs) };
    });
    const answer = await (leader as unknown as RawBroker).produce({
      ...identity,
      acks: -1,
      timeout: 10_000,
      topicData: [{ topic, partitions: [{ partition: 0, firstSequence, messages }] }],
    });
    return Number(answer.topics[0]?.partitions[0]?.baseOffset);
  }

  /** One Fetch of partition 0, read_committed unless said otherwise. Error codes are in the answer. */
  async fetch(topic: string, offset: number, options: Partial<FetchOptions> = {}): Promise<Fetched> {
    const leader = await this.leader(topic);
    const all: FetchOptions = {
      maxWaitMs: 200,
      minBytes: 1,
      maxBytes: 1 << 20,
      maxBytesPerPartition: 1 << 20,
      isolationLevel: READ_COMMITTED,
      ...options,
    };
    const answer = (await leader.connectionPool.send(
      fetchRequest([{ topic, partition: 0, offset }], all),
    )) as ReturnType<typeof decodeFetchResponse>;
    const [part] = answer;
    if (part === undefined) throw new Error('an empty Fetch response');
    const { records, nextOffset } = decodeRecordSet(part.recordSet, {
      topic,
      partition: 0,
      fromOffset: offset,
      abortedTransactions: part.abortedTransactions,
      readCommitted: all.isolationLevel === READ_COMMITTED,
    });
    return { ...part, records, nextOffset, values: records.map((it) => it.valueText()) };
  }

  /** Every committed value of partition 0, from `offset` to the end there is now. */
  async readAll(topic: string, offset = 0): Promise<(string | null)[]> {
    const values: (string | null)[] = [];
    // A commit is acknowledged before its markers are written, and no test reads so beside a transaction that it leaves
    // open.
    const written = async (): Promise<boolean> =>
      (await this.range(topic)).end === (await this.range(topic, READ_UNCOMMITTED)).end;
    await until(written, `the markers of ${topic} are written`);
    const { end } = await this.range(topic);
    for (let position = offset; position < end;) {
      const fetched = await this.fetch(topic, position);
      values.push(...fetched.values);
      if (fetched.nextOffset === position)
        throw new Error(`nothing more after ${position}, though ${topic} ends at ${end}`);
      position = fetched.nextOffset;
    }
    return values;
  }

  async range(topic: string, isolationLevel: number = READ_COMMITTED): Promise<{ first: number; end: number }> {
    await this.cluster.track([topic]);
    return this.cluster.offsetRange(topic, 0, isolationLevel);
  }

  /** The group's committed offset of partition 0, -1 if there is none. */
  async committed(groupId: string, topic: string): Promise<number> {
    const [offset] = await this.cluster.committedOffsets(groupId, [{ topic, partition: 0 }]);
    return offset ?? -1;
  }

  async addOffsets(identity: TransactionIdentity, groupId: string): Promise<void> {
    const coordinator = await this.transactionCoordinator(identity.transactionalId);
    await this.patiently(() => coordinator.addOffsetsToTxn({ ...identity, groupId }));
  }

  async commitOffsetInTransaction(
    identity: TransactionIdentity,
    groupId: string,
    topic: string,
    offset: number,
  ): Promise<void> {
    const coordinator = await this.groupCoordinator(groupId);
    await coordinator.txnOffsetCommit({
      ...identity,
      groupId,
      topics: [{ topic, partitions: [{ partition: 0, offset: String(offset) }] }],
    });
  }
}

/** The broker's error number of a request that must fail. */
export const codeOf = async (request: Promise<unknown>): Promise<number | undefined> => {
  try {
    await request;
  } catch (error) {
    return kafkaCode(error) ?? NaN;
  }
  return 0;
};
