import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTopicPartition, topicPartition } from '../kafka/topic-partition.ts';
import { storedRow } from '../reading/changelog-row.ts';
import type { HeaderList } from '../topology/record.ts';
import { dataKey } from './data-key.ts';
import { openLevelDbStore } from './leveldb-store.ts';
import { digestsEqual, DigestSum } from './store-digest.ts';

/** A changelog as it was read, uncompacted. */
export interface ReadChangelog {
  /** The store that writes it. */
  readonly store: string;
  readonly topic: string;
  /** Committed records by partition, in offset order. */
  readonly partitions: readonly (readonly {
    readonly offset: number;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headerList?: HeaderList;
  }[])[];
}

/**
 * Compares every store that processors left on disk with one rebuilt from the changelogs: each must be exactly the
 * replay of its changelogs up to the offsets it names, however old it is, and of each changelog partition with records
 * one store must be at its end. No processor may run. Returns what is wrong.
 */
export async function compareStores(
  stateDir: string,
  applicationId: string,
  changelogs: readonly ReadChangelog[],
): Promise<string[]> {
  const problems: string[] = [];
  const behind = new Set<string>();
  for (const { topic, partitions } of changelogs) {
    for (const [partition, records] of partitions.entries())
      if (records.length > 0) behind.add(topicPartition(topic, partition));
  }

  for (const { directory, taskId, name } of await storesOnDisk(join(stateDir, applicationId))) {
    const store = await openLevelDbStore(directory, { identity: { applicationId, taskId } });
    try {
      if (!(await store.verify())) {
        problems.push(`store ${name} does not match its own digest`);
        continue;
      }
      // What is in memory is nowhere else.
      for (const { store: name, topic, partitions } of changelogs)
        if (store.layouts[name] === 'in memory')
          for (const partition of partitions.keys()) behind.delete(topicPartition(topic, partition));
      const rebuilt = new Map<string, { key: Buffer; value: Buffer }>();
      for (const [place, position] of store.offsets().changelog) {
        const { topic, partition } = parseTopicPartition(place);
        const found = changelogs.find((changelog) => changelog.topic === topic);
        if (found === undefined) {
          problems.push(`store ${name} names ${place}, which is no changelog of the application`);
          continue;
        }
        const records = found.partitions[partition] ?? [];
        const timed = store.layouts[found.store] === 'timed';
        for (const { offset, key, value: logged, headerList } of records) {
          if (offset >= position || key === null) continue;
          const whole = dataKey(found.store, key);
          const value = timed ? storedRow(key, logged, headerList) : logged;
          if (value === null) rebuilt.delete(whole.toString('latin1'));
          else rebuilt.set(whole.toString('latin1'), { key: whole, value });
        }
        if (position > (records.at(-1)?.offset ?? -1)) behind.delete(place);
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
  problems.push(...[...behind].map((place) => `no store on disk has reached the end of ${place}`));
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
