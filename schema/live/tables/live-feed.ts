import type { GlobalTable, GlobalTableOptions } from '../../../processor/streams/table/global-table-types.ts';
import { LiveModel, type LiveModelOptions } from './live-model.ts';

const TICK_MS = 1_000;

export interface LiveFeed {
  readonly model: LiveModel;
  close(): Promise<void>;
}

/** A live model and the global table that feeds it, started. `onFatal`: the brokers refuse this process for good. */
export function openLiveFeed(
  options: LiveModelOptions,
  createTable: (options: GlobalTableOptions) => GlobalTable,
  onFatal: GlobalTableOptions['onFatal'],
): LiveFeed {
  const model = new LiveModel(options);
  const table = createTable({
    topics: model.topics,
    onChanges: (changes) => model.apply(changes),
    onReset: (topic, partition) => model.reset(topic, partition),
    onState: (state) => model.setTableState(state),
    onFatal,
  });
  model.followPositions(() => table.positions());
  table.start();
  const ticking = setInterval(() => model.tick(), TICK_MS);
  ticking.unref();
  return {
    model,
    async close() {
      clearInterval(ticking);
      model.hub.close();
      await table.close();
    },
  };
}
