import type { OutgoingRecord } from './streams-producer.ts';

/**
 * Records with their partitions: those for topics that were not known when they were made choose theirs now.
 * @throws RangeError for a partition that the topic does not have.
 */
export function choosePartitions(
  records: readonly OutgoingRecord[],
  countOf: (topic: string) => number,
): readonly OutgoingRecord[] {
  if (!records.some(({ choosePartition }) => choosePartition !== undefined)) return records;
  return records.map(({ choosePartition, ...record }) => {
    if (choosePartition === undefined) return record;
    const count = countOf(record.topic);
    return { ...record, partition: checkedPartition(choosePartition(count), record.topic, count) };
  });
}

export function checkedPartition(partition: number, topic: string, count: number): number {
  if (Number.isInteger(partition) && partition >= 0 && partition < count) return partition;
  throw new RangeError(`there is no partition ${String(partition)} of ${topic}, which has ${String(count)} partitions`);
}
