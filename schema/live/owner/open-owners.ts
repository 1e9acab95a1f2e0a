import { type InstanceStatus, type KafkaConnectionConfig, type Logger, StreamsError } from '@tributary/streams';
import { connectOwners, KafkaCluster, messageOf, RecordFetcher } from '@tributary/streams/operations';
import type { TailFetcher } from './changelog-tails.ts';
import type { OwnerLinks } from './owner-tables.ts';

export interface OpenOwnersOptions {
  readonly connection: KafkaConnectionConfig;
  /** That of `queryListener` of the processors. */
  readonly token: string;
  readonly instances: () => readonly InstanceStatus[];
  readonly subTopologyOf: (store: string) => number | undefined;
  readonly logger: Logger;
}

/** Owners over their query listeners, changelogs from the brokers. Nothing is connected before it is needed. */
export function openOwners(options: OpenOwnersOptions): OwnerLinks {
  const { connection, token, instances, subTopologyOf, logger } = options;
  return {
    reads: connectOwners({ token, instances, subTopologyOf, logger }),
    openTail: () => {
      const clientId = `${connection.clientId}-owner-changelogs`;
      return new ClusterTail(new KafkaCluster({ ...connection, clientId }, logger), logger);
    },
  };
}

/** Reads changelogs over connections of its own: a long poll holds up what follows it on the same one. */
class ClusterTail implements TailFetcher {
  readonly #cluster: KafkaCluster;
  readonly #fetcher: RecordFetcher;
  readonly #logger: Logger;
  /** As of the first record that was asked for; without an id where the brokers did not tell. */
  readonly #ids = new Map<string, Promise<string | undefined>>();

  constructor(cluster: KafkaCluster, logger: Logger) {
    this.#cluster = cluster;
    this.#logger = logger;
    this.#fetcher = new RecordFetcher(cluster, logger, { checkTopics: (topics) => this.#checkTopics(topics) });
  }

  seek(topic: string, partition: number, offset: number): void {
    if (!this.#ids.has(topic)) this.#ids.set(topic, this.#idOf(topic));
    this.#fetcher.seek(topic, partition, offset);
  }

  remove(topic: string, partition: number): void {
    this.#fetcher.remove(topic, partition);
  }

  take(timeoutMs: number): ReturnType<RecordFetcher['take']> {
    return this.#fetcher.take(timeoutMs);
  }

  wake(): void {
    this.#fetcher.wake();
  }

  async close(): Promise<void> {
    await this.#fetcher.close();
    await this.#cluster.disconnect();
  }

  async #idOf(topic: string): Promise<string | undefined> {
    try {
      await this.#cluster.connect();
      return (await this.#cluster.topicIds([topic])).get(topic);
    } catch (error) {
      this.#logger.debug({ topic, error: messageOf(error) }, 'the id of a changelog is not known');
      return undefined;
    }
  }

  /** One that was made anew has other offsets: all is read anew then, and also where that is not known. */
  async #checkTopics(topics: readonly string[]): Promise<void> {
    const found = await this.#cluster.topicIds(topics);
    for (const topic of topics) {
      const now = found.get(topic);
      if (now === undefined || (await this.#ids.get(topic)) === now) continue;
      throw new StreamsError('SOURCE_TOPIC_RECREATED', `the changelog ${topic} is another one than was read`);
    }
  }
}
