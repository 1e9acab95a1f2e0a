import { type GlobalTable, type GlobalTableOptions, isRuntimeRow, parseTopicPartition } from '@tributary/streams';
import { FedModel } from '../feed/fed-model.ts';
import type { LiveModel } from './live-model.ts';
import type { LiveTables } from './live-table.ts';

export interface LiveFeed {
  close(): Promise<void>;
}

/**
 * Starts the global table that feeds `model`. What needs a schema that its registry does not give waits for it, and the
 * model is not complete meanwhile. `onFatal`: the brokers refuse this process for good.
 */
export function openLiveFeed<Tables extends LiveTables>(
  model: LiveModel<Tables>,
  createTable: (options: GlobalTableOptions) => GlobalTable,
  onFatal: GlobalTableOptions['onFatal'],
): LiveFeed {
  const fed = new FedModel(model, model.logger);
  const table = createTable({
    topics: model.topics,
    onChanges: (changes) => fed.apply(changes.filter(({ key }) => !isRuntimeRow(key))),
    onReset: (topic, partition) => fed.reset(topic, partition),
    onState: (state) => {
      if (state.complete) markCopied(model, table.positions());
      fed.setState(state);
    },
    onFatal,
  });
  model.followPositions(() => table.positions());
  table.start();

  return {
    close() {
      fed.close();
      return table.close();
    },
  };
}

/** Of these tables every tombstone is known by what is there, whenever it was written. */
function markCopied<Tables extends LiveTables>(model: LiveModel<Tables>, positions: ReadonlyMap<string, number>): void {
  for (const [name, table] of Object.entries(model.tables)) {
    const topic = model.changelogOf(name);
    const ends = [...positions].map(([place, end]) => ({ ...parseTopicPartition(place), end }));
    const ofTopic = ends.filter((one) => one.topic === topic);
    table.copied?.(new Map(ofTopic.map(({ partition, end }) => [partition, end])), Number.NEGATIVE_INFINITY);
  }
}
