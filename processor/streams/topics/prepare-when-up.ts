import { setTimeout as sleep } from 'node:timers/promises';
import { StreamsError } from '../errors.ts';
import type { KafkaConnectionConfig } from '../kafka/kafka-connection-config.ts';
import { COORDINATOR_OF_GROUP } from '../kafka/broker.ts';
import { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { fatalConnectionError, isBrokerAway, isCoordinatorNotFound, waitingForKafka } from '../kafka/kafka-errors.ts';
import { prepareTopics, type PreparedTopics } from './prepare-topics.ts';

const RETRY_MS = 1_000;
/** A broker that is just starting answers within this; only a longer wait is worth a line. */
const AWAY_LOG_DELAY_MS = 3_000;
const AWAY_LOG_INTERVAL_MS = 60_000;

type PrepareOptions = Parameters<typeof prepareTopics>[0] & {
  readonly connection: KafkaConnectionConfig;
  /** The application is still to be started. */
  readonly isWanted: () => boolean;
  /** Why the topics cannot be prepared yet; null when they are. */
  readonly onAway: (reason: string | null) => void;
};

/**
 * `prepareTopics`, with a broker that is away waited for, for ever.
 * @throws StreamsError for a name that does not resolve, failed authentication and failed TLS; as `prepareTopics`.
 */
export async function prepareTopicsWhenUp(options: PrepareOptions): Promise<PreparedTopics> {
  const { connection, isWanted, onAway, logger } = options;
  const { brokers } = connection;
  let logDueAt = performance.now() + AWAY_LOG_DELAY_MS;
  for (;;) {
    try {
      const topics = await prepareTopics(options);
      onAway(null);
      return topics;
    } catch (error) {
      const fatal = (await fatalConnectionError(error, brokers)) ?? (await refusedGroup(error, options));
      if (fatal !== undefined) throw fatal;
      if (!isBrokerAway(error) || !isWanted()) throw error;
      const reason = waitingForKafka(brokers, error);
      onAway(reason);
      if (performance.now() >= logDueAt) {
        logDueAt = performance.now() + AWAY_LOG_INTERVAL_MS;
        logger.warn({ brokers }, reason);
      }
      await sleep(RETRY_MS);
    }
  }
}

/** A group that this user may not join looks to kafkajs' admin like one whose coordinator is away. */
async function refusedGroup(
  error: unknown,
  { connection, applicationId, logger }: PrepareOptions,
): Promise<StreamsError | undefined> {
  if (!isCoordinatorNotFound(error)) return undefined;
  const cluster = new KafkaCluster(connection, logger);
  try {
    await cluster.coordinator(COORDINATOR_OF_GROUP, applicationId);
  } catch (cause) {
    if (cause instanceof StreamsError) return cause;
  } finally {
    await cluster.disconnect();
  }
  return undefined;
}
