import { describeTransaction, type TransactionState } from '../kafka/describe-transaction.ts';
import { asBrokerLimit } from '../kafka/broker-limits.ts';
import {
  COORDINATOR_OF_GROUP,
  COORDINATOR_OF_TRANSACTION,
  type Broker,
  type TransactionIdentity,
} from '../kafka/broker.ts';
import { fetchCommitted, type CommittedOffset } from '../kafka/group-offsets.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { asAccessDenied, CODE, hasCode, isBrokerAway, isFenced, isMisdirected } from '../kafka/kafka-errors.ts';
import { untilBrokerAnswers } from '../kafka/until-broker-answers.ts';
import { messageOf, StreamsError } from '../errors.ts';
import type { OffsetMap } from '../store/state-store.ts';
import { choosePartitions } from './choose-partitions.ts';
import { produce, sendWithReplacements, type ProduceCluster } from './produce.ts';
import { ProduceLimits } from './produce-limits.ts';
import {
  NO_INPUT,
  type InputCommit,
  type OutgoingRecord,
  type RefuseRecord,
  type StreamsProducer,
} from './streams-producer.ts';
import { parseTopicPartition, topicPartition, type TopicPartition } from '../kafka/topic-partition.ts';

/** What a transactional producer needs of a KafkaCluster. */
export interface TransactionCluster
  extends
    ProduceCluster,
    Pick<
      KafkaCluster,
      | 'connect'
      | 'coordinator'
      | 'forgetCoordinator'
      | 'partitionCount'
      | 'track'
      | 'refresh'
      | 'withOpenTransactions'
      | 'disconnect'
    >,
    Partial<Pick<KafkaCluster, 'brokerSettings'>> {}

interface TransactionalProducerOptions {
  /** `<applicationId>-<taskId>`, stable: the next owner of the task fences by it. */
  readonly transactionalId: string;
  readonly groupId: string;
  readonly transactionTimeoutMs: number;
  /** Every partition that a transaction of this id may write to: what a broker left open in them is ended by `init`. */
  readonly outputs?: readonly TopicPartition[];
  /**
   * A partition of a topic that exists and whose offsets the group has no use for. Needed for `committed`: an offset of
   * it that is written, and taken back, shows that a coordinator still is one. `init` asks for its topic alone.
   */
  readonly probe?: TopicPartition;
  /** By default its own. */
  readonly limits?: ProduceLimits;
  /**
   * Told of each answer after which `init` and `committed` ask again, of each time that there is none, and with
   * undefined when they go on after that.
   */
  readonly onUnanswered?: (error: unknown) => void;
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
  readonly #cluster: TransactionCluster;
  readonly #options: TransactionalProducerOptions;
  readonly #sequences = new Map<string, number>();
  readonly #limits: ProduceLimits;
  #identity: TransactionIdentity | undefined;
  /** Partitions and the group added to the open transaction; empty when none is open. */
  readonly #added = new Set<string>();
  /** The input offsets that the open transaction has taken on. */
  #taken: InputCommit | undefined;
  #broken = false;

  constructor(cluster: TransactionCluster, options: TransactionalProducerOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#limits = options.limits ?? new ProduceLimits();
  }

  get broken(): boolean {
    return this.#broken;
  }

  async init(signal: AbortSignal): Promise<void> {
    // mutant: init
    const before = await this.#fence(signal);
    const settled = await this.#guard('settling', () => this.#settle(before, signal));
    // Ended is not yet visible: until its markers are written the group answers older offsets. The coordinator
    // grants the next producer id only when they are.
    if (settled) await this.#fence(signal);
  }

  /**
   * Answers how the newest transaction stood before the first fence that was tried: one whose answer was lost hides it.
   */
  async #fence(signal: AbortSignal): Promise<TransactionState> {
    const { transactionalId, transactionTimeoutMs, probe } = this.#options;
    let before: TransactionState = 'none';
    for (;;) {
      signal.throwIfAborted();
      try {
        // A client that tracks no topic asks for all topics of the brokers, and each task has a client of its own.
        if (probe === undefined) await this.#cluster.connect();
        else await this.#cluster.track([probe.topic]);
        const coordinator = await this.#cluster.coordinator(COORDINATOR_OF_TRANSACTION, transactionalId);
        const found = await describeTransaction(coordinator, transactionalId);
        if (found !== 'Empty' || before === 'none') before = found;
        const answer = await coordinator.initProducerId({ transactionalId, transactionTimeout: transactionTimeoutMs });
        this.#identity = { transactionalId, producerId: answer.producerId, producerEpoch: answer.producerEpoch };
        this.#options.onUnanswered?.(undefined);
        return before;
      } catch (error) {
        // CONCURRENT_TRANSACTIONS: the open transaction of the fenced owner is being ended right now.
        if (!hasCode(error, CODE.CONCURRENT_TRANSACTIONS) && !isBrokerAway(error))
          throw await this.#failure('InitProducerId', error);
        this.#options.onUnanswered?.(error);
        const concurrent = hasCode(error, CODE.CONCURRENT_TRANSACTIONS);
        if (!concurrent) this.#cluster.forgetCoordinator(COORDINATOR_OF_TRANSACTION, transactionalId);
        await new Promise((resolve) => setTimeout(resolve, concurrent ? CONCURRENT_RETRY_MS : INIT_RETRY_MS));
      }
    }
  }

  /**
   * Ends what the broker itself left open. A broker that is started again while its partitions have no leader counts a
   * transaction as complete without having written its markers (KAFKA-20734, Kafka 4.3): its records then stay behind
   * the last stable offset, its offsets pending, until a later transaction of this id ends them, whichever way that one
   * goes. So they are ended here, the way the coordinator had decided; with an abort when that is not known any more,
   * because an owner died between its fence and this. Nobody but this producer knows it any more, so it does not give
   * up while a broker is away; each of the requests may be repeated.
   */
  async #settle(before: TransactionState, signal: AbortSignal): Promise<boolean> {
    if (before === 'none') return false;
    const { groupId, transactionalId, outputs = [] } = this.#options;
    const committed = before === 'PrepareCommit' || before === 'CompleteCommit';
    const identity = this.#ready();
    const answered = <T>(request: () => Promise<T>): Promise<T> =>
      untilBrokerAnswers(signal, request, () => this.#cluster.refresh(), this.#options.onUnanswered);
    await answered(() => this.#cluster.track([...new Set(outputs.map(({ topic }) => topic))]));
    const open = await answered(() => this.#cluster.withOpenTransactions(outputs));
    // Whether offsets are pending cannot be seen.
    if (!committed && open.length === 0) return false;
    await answered(() =>
      this.#addPartitions(
        identity,
        open.map(({ topic, partition }) => topicPartition(topic, partition)),
      ),
    );
    await answered(() =>
      this.#refusable(COORDINATOR_OF_TRANSACTION, transactionalId, (broker) =>
        broker.addOffsetsToTxn({ ...identity, groupId }),
      ),
    );
    await answered(() =>
      this.#refusable(COORDINATOR_OF_TRANSACTION, transactionalId, (broker) =>
        broker.endTxn({ ...identity, transactionResult: committed }),
      ),
    );
    this.#added.clear();
    return true;
  }

  async committed(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<readonly CommittedOffset[]> {
    const { groupId, transactionalId, probe } = this.#options;
    if (probe === undefined) throw new StreamsError('COMMIT_FAILED', `the producer ${transactionalId} has no probe`);
    return this.#guard('reading the offsets', async () => {
      const identity = this.#ready();
      const topics = toTopicOffsets({
        offsets: new Map([[topicPartition(probe.topic, probe.partition), 0]]),
        metadata: null,
      });
      let found: readonly CommittedOffset[] = [];
      const answered = (type: number, id: string, request: (broker: Broker) => Promise<unknown>): Promise<void> =>
        untilBrokerAnswers(
          signal,
          () => this.#refusable(type, id, request),
          () => this.#cluster.refresh(),
          this.#options.onUnanswered,
        );
      this.#added.add('group');
      await answered(COORDINATOR_OF_TRANSACTION, transactionalId, (broker) =>
        broker.addOffsetsToTxn({ ...identity, groupId }),
      );
      await answered(COORDINATOR_OF_GROUP, groupId, async (broker) => {
        // Acknowledged by every replica in sync, so no other coordinator has written anything before; the answer has
        // all of it.
        await broker.txnOffsetCommit({ ...identity, groupId, topics });
        found = await fetchCommitted(broker, groupId, partitions);
      });
      await answered(COORDINATOR_OF_TRANSACTION, transactionalId, (broker) =>
        broker.endTxn({ ...identity, transactionResult: false }),
      );
      this.#added.clear();
      return found;
    });
  }

  async send(
    records: readonly OutgoingRecord[],
    input: InputCommit = NO_INPUT,
    refuse?: RefuseRecord,
  ): Promise<OffsetMap> {
    return sendWithReplacements(records, refuse, (some, onRefused) => this.#send(some, input, onRefused));
  }

  async #send(
    unplaced: readonly OutgoingRecord[],
    input: InputCommit,
    onRefused: (record: OutgoingRecord, error: StreamsError) => void,
  ): Promise<OffsetMap> {
    return this.#guard('send', async () => {
      const identity = this.#ready();
      await this.#track(unplaced);
      const records = choosePartitions(unplaced, (topic) => this.#cluster.partitionCount(topic), onRefused);
      const names = new Set(placesOf(records).map(({ topic, partition }) => topicPartition(topic, partition)));
      const topics = topicsOf(records).join(', ');
      await this.#addPartitions(
        identity,
        [...names].filter((name) => !this.#added.has(name)),
      ).catch((error: unknown) => {
        throw asAccessDenied(error, `writing to ${topics} as ${identity.transactionalId}`) ?? error;
      });
      // Side by side: two round trips less. Both have ended when this one does, whether it fails or not.
      const [produced, taken] = await Promise.allSettled([
        produce(this.#cluster, records, { identity, sequences: this.#sequences, limits: this.#limits, onRefused }),
        this.#takeOffsets(identity, input),
      ]);
      if (produced.status === 'rejected') throw produced.reason;
      if (taken.status === 'rejected') throw taken.reason;
      return produced.value;
    });
  }

  async commit(input: InputCommit): Promise<void> {
    await this.#guard('commit', async () => {
      const identity = this.#ready();
      await this.#takeOffsets(identity, input);
      if (this.#added.size === 0) return;
      await this.#refusable(COORDINATOR_OF_TRANSACTION, identity.transactionalId, (broker) =>
        broker.endTxn({ ...identity, transactionResult: true }),
      );
      this.#added.clear();
      this.#taken = undefined;
    });
  }

  /** Adds input offsets to the open transaction, unless these are in it already. */
  async #takeOffsets(identity: TransactionIdentity, input: InputCommit): Promise<void> {
    if (input.offsets.size === 0 || this.#taken === input) return;
    const { groupId, transactionalId } = this.#options;
    this.#added.add('group');
    await this.#refusable(COORDINATOR_OF_TRANSACTION, transactionalId, (broker) =>
      broker.addOffsetsToTxn({ ...identity, groupId }),
    );
    await this.#refusable(COORDINATOR_OF_GROUP, groupId, (broker) =>
      broker.txnOffsetCommit({ ...identity, groupId, topics: toTopicOffsets(input) }),
    );
    this.#taken = input;
  }

  async abort(): Promise<void> {
    this.#broken = true;
    const identity = this.#identity;
    if (identity === undefined || this.#added.size === 0) return;
    try {
      const coordinator = await this.#cluster.coordinator(COORDINATOR_OF_TRANSACTION, identity.transactionalId);
      // mutant: abort
      await coordinator.endTxn({ ...identity, transactionResult: false });
    } catch {
      // The next init of this transactional id settles what is still open.
    }
  }

  async close(): Promise<void> {
    this.#broken = true;
    // mutant: disconnect
    await this.#cluster.disconnect();
  }

  #ready(): TransactionIdentity {
    // mutant: broken-for-good
    if (this.#identity === undefined || this.#broken)
      throw new StreamsError(
        'COMMIT_FAILED',
        `the producer ${this.#options.transactionalId} is closed or broken; a new one must take its place`,
      );
    return this.#identity;
  }

  async #track(records: readonly OutgoingRecord[]): Promise<void> {
    await this.#cluster.track(topicsOf(records));
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
    await this.#refusable(COORDINATOR_OF_TRANSACTION, identity.transactionalId, (broker) =>
      broker.addPartitionsToTxn(request),
    );
  }

  /** Repeats what was refused without effect; every other failure is indefinite and passes on. */
  async #refusable(type: number, id: string, request: (broker: Broker) => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await request(await this.#cluster.coordinator(type, id));
        if (attempt > 1) this.#options.onUnanswered?.(undefined);
        return;
      } catch (error) {
        const refused = hasCode(error, CODE.CONCURRENT_TRANSACTIONS) || isMisdirected(error);
        if (!refused || attempt >= REFUSED_RETRIES) throw error;
        this.#options.onUnanswered?.(error);
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
      throw await this.#failure(step, error);
    }
  }

  async #failure(step: string, error: unknown): Promise<StreamsError> {
    if (error instanceof StreamsError) return error;
    const denied =
      asAccessDenied(error, `writing with the transactional id ${this.#options.transactionalId}`) ??
      (await asBrokerLimit(error, this.#cluster, this.#options));
    if (denied !== undefined) return denied;
    const code = isFenced(error) ? 'TASK_FENCED' : isBrokerAway(error) ? 'BROKER_AWAY' : 'COMMIT_FAILED';
    return new StreamsError(code, `${this.#options.transactionalId}: ${step} failed: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

export function toTopicOffsets({
  offsets,
  metadata,
}: InputCommit): { topic: string; partitions: { partition: number; offset: string; metadata: string | null }[] }[] {
  const topics = new Map<string, { partition: number; offset: string; metadata: string | null }[]>();
  for (const [name, offset] of offsets) {
    const { topic, partition } = parseTopicPartition(name);
    topics.set(topic, [...(topics.get(topic) ?? []), { partition, offset: String(offset), metadata }]);
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}

/** Each partition that records go to, once. */
function placesOf(records: readonly OutgoingRecord[]): TopicPartition[] {
  const places: TopicPartition[] = [];
  const ofTopics = new Map<string, Set<number>>();
  let lastTopic: string | undefined;
  let ofTopic = new Set<number>();
  for (const { topic, partition } of records) {
    // Mostly that of the record before, unlike the partition of a record by its key.
    if (topic !== lastTopic) {
      lastTopic = topic;
      ofTopic = ofTopics.get(topic) ?? new Set();
      ofTopics.set(topic, ofTopic);
    }
    if (ofTopic.has(partition)) continue;
    ofTopic.add(partition);
    places.push({ topic, partition });
  }
  return places;
}

function topicsOf(records: readonly OutgoingRecord[]): string[] {
  return [...new Set(placesOf(records).map(({ topic }) => topic))];
}
