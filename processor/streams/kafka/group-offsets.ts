import type { Broker } from './broker.ts';
import type { TopicPartition } from './topic-partition.ts';

/** What a group has committed for one partition: offset -1 when nothing. */
export interface CommittedOffset {
  readonly offset: number;
  readonly metadata: string | null;
}

/** Asks this coordinator what a group has committed, in the order asked. */
export async function fetchCommitted(
  coordinator: Broker,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<readonly CommittedOffset[]> {
  const topics = new Map<string, { partition: number }[]>();
  for (const { topic, partition } of partitions) topics.set(topic, [...(topics.get(topic) ?? []), { partition }]);
  const { responses } = await coordinator.offsetFetch({
    groupId,
    topics: [...topics].map(([topic, list]) => ({ topic, partitions: list })),
  });
  return partitions.map(({ topic, partition }) => {
    const found = responses.find((r) => r.topic === topic)?.partitions.find((p) => p.partition === partition);
    return { offset: found === undefined ? -1 : Number(found.offset), metadata: found?.metadata ?? null };
  });
}
