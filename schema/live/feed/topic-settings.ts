import type { Logger } from '@tributary/streams';
import { asAccessDenied, type KafkaCluster } from '@tributary/streams/operations';

const NAMES = ['cleanup.policy', 'delete.retention.ms'] as const;

export interface TopicSettings {
  /** False: it forgets by age or size alone. Undefined where the brokers do not tell. */
  readonly isCompacted: boolean | undefined;
  /** 0 where the brokers do not tell. */
  readonly deleteRetentionMs: number;
}

/** Asks for the settings of topics, and says once of each one that they may not be seen. */
export class TopicSettingsReader {
  readonly #cluster: Pick<KafkaCluster, 'topicSettings'>;
  readonly #logger: Logger;
  readonly #refused = new Set<string>();

  constructor(cluster: Pick<KafkaCluster, 'topicSettings'>, logger: Logger) {
    this.#cluster = cluster;
    this.#logger = logger;
  }

  /** @throws what the brokers say, but for a refusal. */
  async read(topic: string): Promise<TopicSettings> {
    try {
      const settings = await this.#cluster.topicSettings(topic, NAMES);
      const policy = settings.get('cleanup.policy');
      const deleteRetentionMs = Number(settings.get('delete.retention.ms') ?? 0);
      return {
        isCompacted: policy === undefined ? undefined : policy.split(',').some((one) => one.trim() === 'compact'),
        deleteRetentionMs: Number.isFinite(deleteRetentionMs) ? Math.max(0, deleteRetentionMs) : 0,
      };
    } catch (error) {
      if (asAccessDenied(error, `reading the settings of ${topic}`) === undefined) throw error;
      if (!this.#refused.has(topic)) {
        this.#refused.add(topic);
        this.#logger.warn(
          { topic },
          'the settings of a topic may not be read: how long it keeps tombstones is not known, so that no ' +
            'subscription is resumed and each interruption has the topic read anew; allow DescribeConfigs on it',
        );
      }
      return { isCompacted: undefined, deleteRetentionMs: 0 };
    }
  }
}
