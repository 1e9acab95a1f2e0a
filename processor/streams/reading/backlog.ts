import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, READ_COMMITTED } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import type { TopicPartition } from '../kafka/topic-partition.ts';

/** What reading a backlog needs of a KafkaCluster. */
export interface BacklogCluster extends Pick<KafkaCluster, 'track' | 'committedOffsets' | 'offsetsAt'> {}

/**
 * What the group has not committed of each partition, in the order asked: for partitions that nobody reads right now,
 * whoever read them last. A transaction's marker behind the last record may count.
 * @throws when a broker does not answer.
 */
export async function readBacklog(
  cluster: BacklogCluster,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<number[]> {
  await cluster.track([...new Set(partitions.map(({ topic }) => topic))]);
  const committed = await cluster.committedOffsets(groupId, partitions);
  const [firsts, ends] = await Promise.all([
    cluster.offsetsAt(partitions, EARLIEST_TIMESTAMP, READ_COMMITTED),
    cluster.offsetsAt(partitions, LATEST_TIMESTAMP, READ_COMMITTED),
  ]);
  return partitions.map((_, index) =>
    Math.max(0, (ends[index] as number) - Math.max(firsts[index] as number, committed[index] as number)),
  );
}
