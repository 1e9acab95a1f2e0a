import { changelogTopic, STORES } from '../../processor/logins/names.ts';
import type { KafkaConnectionConfig } from '../../processor/streams/kafka-connection-config.ts';
import { readTopic } from './topic-reader.ts';

/**
 * How much the login application's changelogs hold: committed records in all, and, summed over the partitions, the offsets
 * of the largest commit with its marker. A commit's records stand together in a partition, a marker between two commits.
 */
export async function changelogEnds(connection: KafkaConnectionConfig, applicationId: string): Promise<{ records: number; largestCommit: number }> {
  let records = 0;
  let largestCommit = 0;
  for (const store of STORES) {
    for (const partition of (await readTopic(connection, changelogTopic(applicationId, store))).partitions) {
      let largest = 0;
      let run = 0;
      let next = -1;
      for (const { offset } of partition) {
        run = offset === next ? run + 1 : 1;
        next = offset + 1;
        largest = Math.max(largest, run);
      }
      records += partition.length;
      largestCommit += largest + 1;
    }
  }
  return { records, largestCommit };
}
