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
    const { choosePartition, ...record } = unplaced;
    if (choosePartition === undefined) return record;
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
