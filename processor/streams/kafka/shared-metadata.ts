import { isDeepStrictEqual } from 'node:util';

/** What kafkajs keeps of a partition, and more that it has been told. */
export interface PartitionMetadata {
  readonly partitionId: number;
  readonly leader: number;
}

export interface TopicMetadata {
  readonly topic: string;
  partitionMetadata: PartitionMetadata[];
}

/** By topic what was told last. Nobody changes it: what is told anew is in objects of its own. */
const told = new Map<string, PartitionMetadata[]>();

/**
 * Lets clients of this thread that were told the same of a topic keep it once: with a producer a task and 64 partitions
 * their copies were a fifth of all objects of a thread.
 */
export function shareMetadata(topics: readonly TopicMetadata[]): void {
  for (const one of topics) {
    const known = told.get(one.topic);
    if (known !== undefined && isDeepStrictEqual(known, one.partitionMetadata)) one.partitionMetadata = known;
    else told.set(one.topic, one.partitionMetadata);
  }
}
