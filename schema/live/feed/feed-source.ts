/** How the keys and values of a table's topic are put together. */
export type SourceLayout = 'key-value' | 'window' | 'session' | 'versioned';

/** Where the records of a table come from. */
export interface FeedSource {
  readonly topic: string;
  readonly layout: SourceLayout;
  /** A changelog has rows of the runtime's own, too; a topic of the user's has none. */
  readonly isChangelog: boolean;
  /** Of a store: by the tasks of which sub-topology it is processed, where the record says so. */
  readonly subTopology?: number | undefined;
  /** When it was found; those that are added later are in the feed's positions. */
  readonly partitions: number;
  /** How long the topic keeps tombstones, at least; 0 where the brokers do not tell. */
  readonly deleteRetentionMs: number;
}

/** By the names of the tables. */
export type FeedSources = ReadonlyMap<string, FeedSource>;
