import type { Logger } from '../logger.ts';
import type { OffsetMap, StoreChange } from '../store/state-store.ts';
import { hasChangelog } from '../store/typed-store.ts';
import type { StreamTask } from './stream-task.ts';

/**
 * What a store without a changelog holds is of the moment at which its disk was written last. If the group has gone on
 * since, here or elsewhere, nothing can bring it up: it begins empty, as in Kafka Streams.
 */
export async function dropUnlogged(
  { id, spec, store }: Pick<StreamTask, 'id' | 'spec' | 'store'>,
  offsets: OffsetMap,
  logger: Logger,
): Promise<void> {
  const stored = store?.offsets().input;
  if (store === undefined || [...offsets].every(([name, offset]) => stored?.get(name) === offset)) return;
  for (const { name } of spec.subTopology.stores.filter((one) => !hasChangelog(one))) {
    const changes: StoreChange[] = [];
    for await (const keys of store.keys(name)) for (const key of keys) changes.push({ store: name, key, value: null });
    if (changes.length === 0) continue;
    // mutant: drop-unlogged
    await store.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
    logger.warn(
      { taskId: id, store: name, rows: changes.length },
      'a store without a changelog is not of where its input stands: it begins empty',
    );
  }
}
