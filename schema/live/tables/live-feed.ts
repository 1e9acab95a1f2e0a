import { type GlobalTable, type GlobalTableOptions, isRuntimeRow, parseTopicPartition } from '@tributary/streams';
import { HeldChanges } from '../feed/held-changes.ts';
import type { LiveModel } from './live-model.ts';
import type { LiveTables } from './live-table.ts';

const TICK_MS = 1_000;

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
  let state = model.tableState;
  const held = new HeldChanges({ model, logger: model.logger, onReason: show });
  const table = createTable({
    topics: model.topics,
    onChanges: (changes) => held.apply(changes.filter(({ key }) => !isRuntimeRow(key))),
    onReset: (topic, partition) => {
      held.reset(topic, partition);
      model.reset(topic, partition);
    },
    onState: (newest) => {
      state = newest;
      if (state.complete) markCopied(model, table.positions());
      show();
    },
    onFatal,
  });
  model.followPositions(() => table.positions());
  table.start();
  const ticking = setInterval(() => model.tick(), TICK_MS);
  ticking.unref();

  function show(): void {
    model.setTableState(held.shown(state));
  }

  return {
    async close() {
      clearInterval(ticking);
      model.hub.close();
      held.close();
      await table.close();
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
