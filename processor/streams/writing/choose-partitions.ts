import { StreamsError } from '../errors.ts';
import type { OutgoingRecord } from './streams-producer.ts';

/**
 * Records with their partitions: those for topics that were not known when they were made choose theirs now. One whose
 * partitioner fails is `onRefused`, and left out when that comes back.
 * @throws what is no StreamsError.
 */
export function choosePartitions(
  records: readonly OutgoingRecord[],
  countOf: (topic: string) => number,
  onRefused: (record: OutgoingRecord, error: StreamsError) => void,
): readonly OutgoingRecord[] {
  if (!records.some(({ choosePartition }) => choosePartition !== undefined)) return records;
  return records.flatMap((unplaced) => {
    // One that has its partition stays the object that it is: a logged row is more than its own properties.
    if (unplaced.choosePartition === undefined) return unplaced;
    const { choosePartition, ...record } = unplaced;
    const count = countOf(record.topic);
    try {
      return { ...record, partition: choosePartition(count) };
    } catch (error) {
      if (!(error instanceof StreamsError)) throw error;
      onRefused(unplaced, error);
      return [];
    }
  });
}
