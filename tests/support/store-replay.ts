import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { dataKey } from '../../processor/streams/store/data-key.ts';
import { openLevelDbStore } from '../../processor/streams/store/leveldb-store.ts';
import { digestsEqual, DigestSum } from '../../processor/streams/store/store-digest.ts';
import { changelogTopic } from '../../processor/streams/topology/topology.ts';
import type { ReadTopic } from './topic-reader.ts';

/**
 * Compares every store that processors left on disk with one rebuilt from the changelogs: each must be exactly the
 * replay of its changelogs up to the offsets it names, however old it is, and of each changelog partition with records
 * one store must be at its end. No processor may run. `changelogs`: by store name, uncompacted. Answers what is wrong.
 */
export async function compareStores(
  stateDir: string,
  applicationId: string,
  changelogs: ReadonlyMap<string, ReadTopic>,
): Promise<string[]> {
  const problems: string[] = [];
  const behind = new Set<string>();
  for (const [store, { partitions }] of changelogs) {
    for (const [partition, records] of partitions.entries())
      if (records.length > 0) behind.add(`${changelogTopic(applicationId, store)}-${String(partition)}`);
  }

  for (const { directory, taskId, name } of await storesOnDisk(join(stateDir, applicationId))) {
    const store = await openLevelDbStore(directory, { identity: { applicationId, taskId } });
    try {
      if (!(await store.verify())) {
        problems.push(`store ${name} does not match its own digest`);
        continue;
      }
      const rebuilt = new Map<string, { key: Buffer; value: Buffer }>();
      for (const [topicPartition, position] of store.offsets().changelog) {
        const found = [...changelogs].find(([storeName]) =>
          topicPartition.startsWith(`${changelogTopic(applicationId, storeName)}-`),
        );
        if (found === undefined) {
          problems.push(`store ${name} names ${topicPartition}, which is no changelog of the application`);
          continue;
        }
        const records = found[1].partitions[Number(topicPartition.slice(topicPartition.lastIndexOf('-') + 1))] ?? [];
        for (const { offset, key, value } of records) {
          if (offset >= position || key === null) continue;
          const whole = dataKey(found[0], key);
          if (value === null) rebuilt.delete(whole.toString('latin1'));
          else rebuilt.set(whole.toString('latin1'), { key: whole, value });
        }
        if (position > (records.at(-1)?.offset ?? -1)) behind.delete(topicPartition);
      }
      const digest = new DigestSum();
      for (const { key, value } of rebuilt.values()) digest.add(key, value);
      if (!digestsEqual(digest.get(), store.digest())) {
        problems.push(
          `store ${name} has ${String(store.digest().entries)} entries and digest ` +
            `${store.digest().sum.toString(16)}; rebuilt from its changelog it has ` +
            `${String(digest.get().entries)} and ${digest.get().sum.toString(16)}`,
        );
      }
    } finally {
      await store.close();
    }
  }
  problems.push(...[...behind].map((topicPartition) => `no store on disk has reached the end of ${topicPartition}`));
  return problems;
}

/** `<slot>/<taskId>` of each store; those set aside do not count. */
async function storesOnDisk(root: string): Promise<{ directory: string; taskId: string; name: string }[]> {
  const stores: { directory: string; taskId: string; name: string }[] = [];
  for (const slot of await readdir(root).catch(() => [])) {
    for (const taskId of await readdir(join(root, slot))) {
      if (/^\d+_\d+$/.test(taskId))
        stores.push({ directory: join(root, slot, taskId), taskId, name: `${slot}/${taskId}` });
    }
  }
  return stores;
}
