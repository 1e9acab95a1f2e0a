import {
  type GlobalTableState,
  type KafkaConnectionConfig,
  type Logger,
  parseTopicPartition,
  type StreamsError,
} from '@tributary/streams';
import type { DeclaredTable } from '../tables/declared-table.ts';
import type { TablesModel } from '../tables/table-reads.ts';
import { FedModel } from './fed-model.ts';
import type { FeedSources } from './feed-source.ts';
import { releaseMemory } from './release-memory.ts';
import { openTableFeed, type TableFeed } from './table-feed.ts';

/** What the copy of fewer rows has left behind is not worth a collection. */
const MANY_ROWS = 20_000;
/** By how much the copies grow between two collections: together they cost a few times what the last one does. */
const GROWN = 1.5;
/** How far the times of records may run ahead of the clock by which brokers keep tombstones, as topics take them. */
const AHEAD_MS = 3_600_000;

export interface TableRowsOptions {
  readonly connection: KafkaConnectionConfig;
  readonly logger: Logger;
  readonly model: TablesModel;
  readonly tables: readonly DeclaredTable[];
  /** Told where the tables are, also those that are not copied. */
  readonly onSources?: ((sources: FeedSources) => void) | undefined;
  /** The brokers refuse this process for good. */
  readonly onFatal: (error: StreamsError) => void;
  /** Default: `openTableFeed`. */
  readonly openFeed?: typeof openTableFeed;
  /**
   * Called where the copies have many rows, before anything is served: now and then while they are read, so that
   * garbage does not make the process larger than it is later, and when all are. Never beside tables that are held by
   * their owners: those are served from the start, and nothing else runs meanwhile. Default: `releaseMemory`.
   */
  readonly release?: () => void;
}

export interface TableRows {
  close(): Promise<void>;
}

/** Feeds a model with the rows of its tables, from now on. */
export function openTableRows(options: TableRowsOptions): TableRows {
  const { connection, logger, model, tables, onSources, onFatal } = options;
  const { openFeed = openTableFeed, release = releaseMemory } = options;
  /** Somebody may wait for an answer. */
  let isReleaseOver = tables.some(({ held }) => held === 'owner');
  let releasedRows = 0;
  let releaseAtRows = MANY_ROWS;
  const fed = new FedModel(model, logger);
  const feed: TableFeed = openFeed({
    connection,
    applicationId: model.applicationId,
    tables,
    logger,
    onSources: (sources) => {
      follow(model, tables, sources);
      onSources?.(sources);
    },
    onChanges: (changes) => {
      const waiting = fed.apply(changes);
      if (!isReleaseOver && rowCount() >= releaseAtRows) releaseNow();
      return waiting;
    },
    onReset: (topic, partition) => fed.reset(topic, partition),
    onState: (state) => {
      markCopied(state);
      releaseOnce(state);
      fed.setState(state);
    },
    onFatal,
  });
  model.followPositions(() => feed.positions());

  /** Each partition that has been read to its end is a copy from then on. */
  function markCopied({ complete }: GlobalTableState): void {
    if (!complete) return;
    const ends = positionsByTopic(feed.positions());
    for (const [name, { topic, deleteRetentionMs }] of feed.sources()) {
      const caughtUpAtMs = feed.caughtUpAtMs(topic) ?? model.now();
      model.tables[name]?.copied(ends.get(topic) ?? new Map(), caughtUpAtMs - deleteRetentionMs + AHEAD_MS);
    }
  }

  /** Once all are copied, nothing is given back any more. */
  function releaseOnce({ caughtUpOnce }: GlobalTableState): void {
    if (!caughtUpOnce || isReleaseOver) return;
    isReleaseOver = true;
    const rows = rowCount();
    if (rows >= MANY_ROWS && rows > releasedRows) releaseNow();
  }

  function releaseNow(): void {
    release();
    releasedRows = rowCount();
    releaseAtRows = releasedRows * GROWN;
  }

  function rowCount(): number {
    return Object.values(model.tables).reduce((rows, table) => rows + table.size, 0);
  }

  return {
    close() {
      fed.close();
      return feed.close();
    },
  };
}

function follow(model: TablesModel, tables: readonly DeclaredTable[], sources: FeedSources): void {
  for (const { name, held } of tables) {
    const source = sources.get(name);
    if (source === undefined || held === 'owner') continue;
    model.tables[name]?.follow(source.layout);
    model.follow(name, source.topic);
  }
}

function positionsByTopic(positions: ReadonlyMap<string, number>): Map<string, Map<number, number>> {
  const byTopic = new Map<string, Map<number, number>>();
  for (const [name, offset] of positions) {
    const { topic, partition } = parseTopicPartition(name);
    const ofTopic = byTopic.get(topic) ?? new Map<number, number>();
    byTopic.set(topic, ofTopic.set(partition, offset));
  }
  return byTopic;
}
