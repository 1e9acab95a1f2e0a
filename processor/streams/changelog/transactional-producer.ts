import { describeTransaction, type TransactionState } from '../consumer/describe-transaction.ts';
import { COORDINATOR_OF_GROUP, COORDINATOR_OF_TRANSACTION, type Broker, type KafkaCluster, type TopicPartition, type TransactionIdentity } from '../consumer/kafka-cluster.ts';
import { asAccessDenied, CODE, hasCode, isBrokerAway, isFenced, isMisdirected } from '../consumer/kafka-errors.ts';
import { messageOf, StreamsError } from '../errors.ts';
import type { OffsetMap } from '../store/state-store.ts';
import { produce } from './produce.ts';
import { parseTopicPartition, topicPartition, type OutgoingRecord, type StreamsProducer } from './streams-producer.ts';

export interface TransactionalProducerOptions {
  /** `<applicationId>-<taskId>`, stable: the next owner of the task fences by it. */
  readonly transactionalId: string;
  readonly groupId: string;
  readonly transactionTimeoutMs: number;
  /** Every partition that a transaction of this id may write to: what a broker left open in them is ended by `init`. */
  readonly outputs?: readonly TopicPartition[];
}

/** While the previous transaction's markers are still being written the coordinator answers CONCURRENT_TRANSACTIONS. */
const CONCURRENT_RETRY_MS = 8;
const INIT_RETRY_MS = 150;
const REFUSED_RETRIES = 400;

/**
 * One transactional id spoken straight to the coordinator: InitProducerId, AddPartitionsToTxn, Produce,
 * AddOffsetsToTxn, TxnOffsetCommit, EndTxn. Coordinators are remembered (kafkajs asks four times a transaction).
 */
export class TransactionalProducer implements StreamsProducer {
  readonly #cluster: KafkaCluster;
  readonly #options: TransactionalProducerOptions;
  readonly #sequences = new Map<string, number>();
  #identity: TransactionIdentity | undefined;
  /** Partitions and the group added to the open transaction; empty when none is open. */
  readonly #added = new Set<string>();
  #broken = false;

  constructor(cluster: KafkaCluster, options: TransactionalProducerOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  get broken(): boolean {
    return this.#broken;
  }

  async init(signal: AbortSignal): Promise<void> {
    const before = await this.#fence(signal);
    const settled = await this.#guard('settling', () => this.#settle(before));
    // Ended is not yet visible: until its markers are written the group answers older offsets. The coordinator
    // grants the next producer id only when they are.
    if (settled) await this.#fence(signal);
  }

  /** Answers how the newest transaction stood before the fence. */
  async #fence(signal: AbortSignal): Promise<TransactionState> {
    const { transactionalId, transactionTimeoutMs } = this.#options;
    let before: TransactionState = 'none';
    for (;;) {
      signal.throwIfAborted();
      try {
        await this.#cluster.connect();
        const coordinator = await this.#cluster.coordinator(COORDINATOR_OF_TRANSACTION, transactionalId);
        before = await describeTransaction(coordinator, transactionalId);
        const answer = await coordinator.initProducerId({ transactionalId, transactionTimeout: transactionTimeoutMs });
        this.#identity = { transactionalId, producerId: answer.producerId, producerEpoch: answer.producerEpoch };
        return before;
      } catch (error) {
        // CONCURRENT_TRANSACTIONS: the open transaction of the fenced owner is being ended right now.
        if (!hasCode(error, CODE.CONCURRENT_TRANSACTIONS) && !isBrokerAway(error)) throw this.#failure('InitProducerId', error);
        this.#cluster.forgetCoordinator(COORDINATOR_OF_TRANSACTION, transactionalId);
        await new Promise((resolve) => setTimeout(resolve, INIT_RETRY_MS));
      }
    }
  }

  /**
   * Ends what the broker itself left open. A broker that is started again while its partitions have no leader counts a
   * transaction as complete without having written its markers (KAFKA-20734, Kafka 4.3): its records then stay behind the
   * last stable offset, its offsets pending, until a later transaction of this id ends them, whichever way that one goes.
   * So they are ended here, the way the coordinator had decided; with an abort when that is not known any more, because an
   * owner died between its fence and this.
   */
  async #settle(before: TransactionState): Promise<boolean> {
    if (before === 'none') return false;
    const { groupId, transactionalId, outputs = [] } = this.#options;
    const committed = before === 'PrepareCommit' || before === 'CompleteCommit';
    const identity = this.#ready();
    await this.#cluster.track([...new Set(outputs.map(({ topic }) => topic))]);
    const open = await this.#cluster.withOpenTransactions(outputs);
    // Whether offsets are pending cannot be seen.
    if (!committed && open.length === 0) return false;
    await this.#addPartitions(identity, open.map(({ topic, partition }) => topicPartition(topic, partition)));
    await this.#refusable(COORDINATOR_OF_TRANSACTION, transactionalId, (broker) => broker.addOffsetsToTxn({ ...identity, groupId }));
    await this.#refusable(COORDINATOR_OF_TRANSACTION, transactionalId, (broker) => broker.endTxn({ ...identity, transactionResult: committed }));
    this.#added.clear();
    return true;
  }

  async send(records: readonly OutgoingRecord[]): Promise<OffsetMap> {
    if (records.length === 0) return new Map();
    return this.#guard('send', async () => {
      const identity = this.#ready();
      const names = new Set(records.map((r) => topicPartition(r.topic, r.partition)));
      await this.#track(records);
      const topics = [...new Set(records.map(({ topic }) => topic))].join(', ');
      await this.#addPartitions(identity, [...names].filter((name) => !this.#added.has(name))).catch((error: unknown) => {
        throw asAccessDenied(error, `writing to ${topics} as ${identity.transactionalId}`) ?? error;
      });
      return produce(this.#cluster, records, { identity, sequences: this.#sequences });
    });
  }

  async commit(offsets: OffsetMap): Promise<void> {
    await this.#guard('commit', async () => {
      const identity = this.#ready();
      const { groupId, transactionalId } = this.#options;
      if (offsets.size > 0) {
        this.#added.add('group');
        await this.#refusable(COORDINATOR_OF_TRANSACTION, transactionalId, (broker) => broker.addOffsetsToTxn({ ...identity, groupId }));
        await this.#refusable(COORDINATOR_OF_GROUP, groupId, (broker) => broker.txnOffsetCommit({ ...identity, groupId, topics: toTopicOffsets(offsets) }));
      }
      if (this.#added.size === 0) return;
      await this.#refusable(COORDINATOR_OF_TRANSACTION, transactionalId, (broker) => broker.endTxn({ ...identity, transactionResult: true }));
      this.#added.clear();
    });
  }

  async abort(): Promise<void> {
    this.#broken = true;
    const identity = this.#identity;
    if (identity === undefined || this.#added.size === 0) return;
    try {
      const coordinator = await this.#cluster.coordinator(COORDINATOR_OF_TRANSACTION, identity.transactionalId);
      await coordinator.endTxn({ ...identity, transactionResult: false });
    } catch {
      // The next init of this transactional id settles what is still open.
    }
  }

  async close(): Promise<void> {
    this.#broken = true;
    await this.#cluster.disconnect();
  }

  #ready(): TransactionIdentity {
    if (this.#identity === undefined || this.#broken) throw new StreamsError('COMMIT_FAILED', `the producer ${this.#options.transactionalId} is closed or broken; a new one must take its place`);
    return this.#identity;
  }

  async #track(records: readonly OutgoingRecord[]): Promise<void> {
    await this.#cluster.track([...new Set(records.map((r) => r.topic))]);
  }

  async #addPartitions(identity: TransactionIdentity, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const topics = new Map<string, number[]>();
    for (const name of names) {
      const { topic, partition } = parseTopicPartition(name);
      topics.set(topic, [...(topics.get(topic) ?? []), partition]);
      this.#added.add(name);
    }
    const request = { ...identity, topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })) };
    await this.#refusable(COORDINATOR_OF_TRANSACTION, identity.transactionalId, (broker) => broker.addPartitionsToTxn(request));
  }

  /** Repeats what was refused without effect; every other failure is indefinite and passes on. */
  async #refusable(type: number, id: string, request: (broker: Broker) => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await request(await this.#cluster.coordinator(type, id));
        return;
      } catch (error) {
        const refused = hasCode(error, CODE.CONCURRENT_TRANSACTIONS) || isMisdirected(error);
        if (!refused || attempt >= REFUSED_RETRIES) throw error;
        if (isMisdirected(error)) this.#cluster.forgetCoordinator(type, id);
        await new Promise((resolve) => setTimeout(resolve, CONCURRENT_RETRY_MS));
      }
    }
  }

  async #guard<T>(step: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      this.#broken = true;
      throw this.#failure(step, error);
    }
  }

  #failure(step: string, error: unknown): StreamsError {
    if (error instanceof StreamsError) return error;
    const denied = asAccessDenied(error, `writing with the transactional id ${this.#options.transactionalId}`);
    if (denied !== undefined) return denied;
    const code = isFenced(error) ? 'TASK_FENCED' : isBrokerAway(error) ? 'BROKER_AWAY' : 'COMMIT_FAILED';
    return new StreamsError(code, `${this.#options.transactionalId}: ${step} failed: ${messageOf(error)}`, { cause: error });
  }
}

export function toTopicOffsets(offsets: OffsetMap): { topic: string; partitions: { partition: number; offset: string; metadata: string | null }[] }[] {
  const topics = new Map<string, { partition: number; offset: string; metadata: string | null }[]>();
  for (const [name, offset] of offsets) {
    const { topic, partition } = parseTopicPartition(name);
    topics.set(topic, [...(topics.get(topic) ?? []), { partition, offset: String(offset), metadata: null }]);
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
