import { changelogTopic, STORES } from '../../processor/logins/names.ts';
import type { KafkaConnectionConfig } from '@tributary/streams';
import { readTopic } from './topic-reader.ts';

/** How many committed records the login application's changelogs hold. */
export async function changelogRecords(connection: KafkaConnectionConfig, applicationId: string): Promise<number> {
  let records = 0;
  for (const store of STORES) {
    for (const partition of (await readTopic(connection, changelogTopic(applicationId, store))).partitions)
      records += partition.length;
  }
  return records;
}
