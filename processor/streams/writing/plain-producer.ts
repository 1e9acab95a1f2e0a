import { asBrokerLimit } from '../kafka/broker-limits.ts';
import { COORDINATOR_OF_GROUP } from '../kafka/broker.ts';
import type { CommittedOffset } from '../kafka/group-offsets.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { asAccessDenied, CODE, hasCode, isBrokerAway, isMisdirected } from '../kafka/kafka-errors.ts';
import { untilBrokerAnswers } from '../kafka/until-broker-answers.ts';
import { messageOf, StreamsError } from '../errors.ts';
import type { OffsetMap } from '../store/state-store.ts';
import { choosePartitions } from './choose-partitions.ts';
import { produce, sendWithReplacements } from './produce.ts';
import { ProduceLimits } from './produce-limits.ts';
import { toTopicOffsets } from './transactional-producer.ts';
import type { InputCommit, OutgoingRecord, RefuseRecord, StreamsProducer } from './streams-producer.ts';
import type { TopicPartition } from '../kafka/topic-partition.ts';

/**
 * Who commits: the broker refuses offsets of a member that is not of the current generation. It must be the generation
 * that gave the task to this thread, not one that took it away and is not acted upon yet.
 */
export interface Membership {
  readonly memberId: string;
  readonly generationId: number;
}

const REFUSED_RETRY_MS = 50;
const REFUSED_RETRIES = 100;

/** At-least-once: plain sends, then offsets through the group, fenced by the generation. */
export class PlainProducer implements StreamsProducer {
  readonly #cluster: KafkaCluster;
  readonly #groupId: string;
  readonly #membership: () => Membership;
  readonly #limits: ProduceLimits;
  /** Told of each time that `init` and `committed` find no broker. */
  readonly #onUnanswered: (error: unknown) => void;
  #broken = false;

  constructor(
    cluster: KafkaCluster,
    groupId: string,
    membership: () => Membership,
    limits: ProduceLimits = new ProduceLimits(),
    onUnanswered: (error: unknown) => void = () => undefined,
  ) {
    this.#cluster = cluster;
    this.#groupId = groupId;
    this.#membership = membership;
    this.#limits = limits;
    this.#onUnanswered = onUnanswered;
  }

  get broken(): boolean {
    return this.#broken;
  }

  async init(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      try {
        await this.#cluster.connect();
        return;
      } catch (error) {
        if (!isBrokerAway(error)) throw this.#failure('connect', error);
        this.#onUnanswered(error);
        await new Promise((resolve) => setTimeout(resolve, REFUSED_RETRY_MS));
      }
    }
  }

  /** An older answer than the newest counts some records twice, which is allowed here. */
  async committed(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<readonly CommittedOffset[]> {
    return untilBrokerAnswers(
      signal,
      () => this.#cluster.committed(this.#groupId, partitions),
      () => this.#cluster.refresh(),
      this.#onUnanswered,
    );
  }

  async send(records: readonly OutgoingRecord[], _input?: InputCommit, refuse?: RefuseRecord): Promise<OffsetMap> {
    try {
      return await sendWithReplacements(records, refuse, async (some, onRefused) => {
        await this.#cluster.track([...new Set(some.map((r) => r.topic))]);
        const who = { identity: undefined, sequences: new Map<string, number>(), limits: this.#limits, onRefused };
        const placed = choosePartitions(some, (topic) => this.#cluster.partitionCount(topic), onRefused);
        return produce(this.#cluster, placed, who);
      });
    } catch (error) {
      this.#broken = true;
      throw this.#failure('send', error);
    }
  }

  async commit(input: InputCommit): Promise<void> {
    if (input.offsets.size === 0) return;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const coordinator = await this.#cluster.coordinator(COORDINATOR_OF_GROUP, this.#groupId);
        const { memberId, generationId } = this.#membership();
        await coordinator.offsetCommit({
          groupId: this.#groupId,
          groupGenerationId: generationId,
          memberId,
          topics: toTopicOffsets(input),
        });
        return;
      } catch (error) {
        if (!isMisdirected(error) || attempt >= REFUSED_RETRIES) {
          this.#broken = true;
          throw (
            (await asBrokerLimit(error, this.#cluster, { groupId: this.#groupId })) ??
            this.#failure('offset commit', error)
          );
        }
        this.#cluster.forgetCoordinator(COORDINATOR_OF_GROUP, this.#groupId);
        await new Promise((resolve) => setTimeout(resolve, REFUSED_RETRY_MS));
      }
    }
  }

  async abort(): Promise<void> {
    this.#broken = true;
  }

  async close(): Promise<void> {
    this.#broken = true;
    await this.#cluster.disconnect();
  }

  #failure(step: string, error: unknown): StreamsError {
    if (error instanceof StreamsError) return error;
    const denied = asAccessDenied(error, `${step} of ${this.#groupId}`);
    if (denied !== undefined) return denied;
    const lost = hasCode(
      error,
      CODE.ILLEGAL_GENERATION,
      CODE.UNKNOWN_MEMBER_ID,
      CODE.FENCED_INSTANCE_ID,
      CODE.REBALANCE_IN_PROGRESS,
    );
    const code = lost ? 'TASK_FENCED' : isBrokerAway(error) ? 'BROKER_AWAY' : 'COMMIT_FAILED';
    return new StreamsError(code, `${this.#groupId}: ${step} failed: ${messageOf(error)}`, { cause: error });
  }
}
