import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, READ_COMMITTED, READ_UNCOMMITTED, type Broker } from './broker.ts';
import { LeaderNotKnownError } from './kafka-errors.ts';
import { topicPartition, type TopicPartition } from './topic-partition.ts';

const CONSUMER_REPLICA_ID = -1;

/** Who leads what, as a KafkaCluster knows it of the topics that it tracks. */
interface Leaders {
  leader(topic: string, partition: number): number | undefined;
  broker(nodeId: number): Promise<Broker>;
}

/**
 * The first offset of a partition and its end: the high watermark or, read committed, the last stable offset.
 * @throws LeaderNotKnownError; what the broker says.
 */
export async function offsetRange(
  leaders: Leaders,
  { topic, partition }: TopicPartition,
  isolationLevel: number,
): Promise<{ first: number; end: number }> {
  const broker = await leaders.broker(leaderOf(leaders, { topic, partition }));
  const ask = async (timestamp: number): Promise<number> => {
    const answer = await broker.listOffsets({
      replicaId: CONSUMER_REPLICA_ID,
      isolationLevel,
      topics: [{ topic, partitions: [{ partition, timestamp }] }],
    });
    return Number(answer.responses[0]?.partitions[0]?.offset);
  };
  const [first, end] = await Promise.all([ask(EARLIEST_TIMESTAMP), ask(LATEST_TIMESTAMP)]);
  return { first, end };
}

/**
 * Offsets of partitions at a time, in the order asked, by one request to each leader.
 * @throws as `offsetRange`.
 */
export async function offsetsAt(
  leaders: Leaders,
  partitions: readonly TopicPartition[],
  timestamp: number,
  isolationLevel: number,
): Promise<number[]> {
  const byLeader = new Map<number, TopicPartition[]>();
  for (const one of partitions) {
    const leader = leaderOf(leaders, one);
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), one]);
  }
  const offsets = new Map<string, number>();
  for (const [leader, asked] of byLeader) {
    const broker = await leaders.broker(leader);
    const topics = [...new Set(asked.map(({ topic }) => topic))].map((topic) => ({
      topic,
      partitions: asked.filter((p) => p.topic === topic).map(({ partition }) => ({ partition, timestamp })),
    }));
    const { responses } = await broker.listOffsets({ replicaId: CONSUMER_REPLICA_ID, isolationLevel, topics });
    for (const { topic, partitions: answers } of responses)
      for (const { partition, offset } of answers) offsets.set(topicPartition(topic, partition), Number(offset));
  }
  return partitions.map(({ topic, partition }) => offsets.get(topicPartition(topic, partition)) as number);
}

/** Those of the partitions in which a transaction is open: their last stable offset is before the high watermark. */
export async function withOpenTransactions(
  leaders: Leaders,
  partitions: readonly TopicPartition[],
): Promise<TopicPartition[]> {
  // The last stable offset is asked for last: what is committed between the two answers is not open.
  const highWatermarks = await offsetsAt(leaders, partitions, LATEST_TIMESTAMP, READ_UNCOMMITTED);
  const stable = await offsetsAt(leaders, partitions, LATEST_TIMESTAMP, READ_COMMITTED);
  return partitions.filter((_, index) => (stable[index] as number) < (highWatermarks[index] as number));
}

function leaderOf(leaders: Leaders, { topic, partition }: TopicPartition): number {
  const leader = leaders.leader(topic, partition);
  if (leader === undefined) throw new LeaderNotKnownError(topic, partition);
  return leader;
}
