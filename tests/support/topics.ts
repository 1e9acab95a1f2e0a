import { Kafka, logLevel } from 'kafkajs';

export interface TestTopic {
  readonly topic: string;
  /** 1 by default. */
  readonly partitions?: number;
  /** 1 by default. */
  readonly replicas?: number;
  /** Topic configuration, such as `cleanup.policy`. */
  readonly configs?: Readonly<Record<string, string>>;
}

/** Makes topics and waits until each partition has a leader. A topic that is there already is left alone. */
export async function createTopics(brokers: readonly string[], ...topics: readonly (string | TestTopic)[]): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], clientId: 'test-admin', logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
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
  } finally {
    await admin.disconnect();
  }
}
