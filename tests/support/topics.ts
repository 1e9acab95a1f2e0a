import { Kafka, logLevel, type Admin } from 'kafkajs';
import { isBrokerAway } from '@tributary/streams/operations';
import { until } from './until.ts';

export interface TestTopic {
  readonly topic: string;
  /** 1 by default. */
  readonly partitions?: number;
  /** 1 by default. */
  readonly replicas?: number;
  /** Topic configuration, such as `cleanup.policy`. */
  readonly configs?: Readonly<Record<string, string>>;
}

/**
 * Makes topics and waits until each partition has a leader that acts as one. A topic that is there already is left
 * alone. A broker that says that it has started may know no controller yet, or not even itself ("Broker -1 not found"):
 * it is asked again.
 */
export async function createTopics(
  brokers: readonly string[],
  ...topics: readonly (string | TestTopic)[]
): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], clientId: 'test-admin', logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    let failure: unknown;
    await until(
      async () => {
        try {
          await create(admin, topics);
          // A broker is named as leader a moment before it acts as one, and refuses requests until then.
          for (const named of topics) await admin.fetchTopicOffsets(typeof named === 'string' ? named : named.topic);
          return true;
        } catch (error) {
          if (!isBrokerAway(error) && !isNotYetLeader(error)) throw error;
          failure = error;
          return false;
        }
      },
      () => `topics are made: ${String(failure)}`,
    );
  } finally {
    await admin.disconnect();
  }
}

/** kafkajs wraps what a broker refuses, and keeps the broker's words. */
function isNotYetLeader(error: unknown): boolean {
  return error instanceof Error && /not the leader|no leader|does not host/i.test(error.message);
}

async function create(admin: Admin, topics: readonly (string | TestTopic)[]): Promise<void> {
  await admin.createTopics({
    waitForLeaders: true,
    topics: topics.map((named) => {
      const topic: TestTopic = typeof named === 'string' ? { topic: named } : named;
      return {
        topic: topic.topic,
        numPartitions: topic.partitions ?? 1,
        replicationFactor: topic.replicas ?? 1,
        configEntries: Object.entries(topic.configs ?? {}).map(([name, value]) => ({ name, value })),
      };
    }),
  });
}
