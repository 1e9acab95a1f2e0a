import type kafkajs from 'kafkajs';
import { messageOf } from '../errors.ts';
import { parseTopicPartition } from '../kafka/topic-partition.ts';
import type { Logger } from '../logger.ts';
import { repeatEvery } from '../repeat-every.ts';

const PURGE_INTERVAL_MS = 30_000;

/**
 * Deletes, again and again, the records of repartition topics that are behind the committed offsets: the brokers keep
 * them for ever. Returns how to end it.
 * @param committed `topic-partition` to the offset before which everything is processed.
 */
export function purgeBehindCommits(
  kafka: kafkajs.Kafka,
  committed: () => ReadonlyMap<string, number>,
  logger: Logger,
): { readonly close: () => void } {
  return { close: repeatEvery(PURGE_INTERVAL_MS, () => purge(kafka, committed(), logger)) };
}

/** A failure only costs disk. */
async function purge(kafka: kafkajs.Kafka, committed: ReadonlyMap<string, number>, logger: Logger): Promise<void> {
  if (committed.size === 0) return;
  const topics = new Map<string, { partition: number; offset: string }[]>();
  for (const [name, offset] of committed) {
    const { topic, partition } = parseTopicPartition(name);
    topics.set(topic, [...(topics.get(topic) ?? []), { partition, offset: String(offset) }]);
  }
  const admin = kafka.admin();
  try {
    await admin.connect();
    for (const [topic, partitions] of topics) await admin.deleteTopicRecords({ topic, partitions });
  } catch (error) {
    logger.debug({ error: messageOf(error) }, 'purging repartition topics failed');
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
