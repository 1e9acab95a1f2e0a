import {
  createGlobalTable,
  type GlobalTable,
  type GlobalTableOptions,
  type GlobalTableState,
  isRuntimeRow,
  type KafkaConnectionConfig,
  type Logger,
  StreamsError,
  type TableChange,
} from '@tributary/streams';
import { messageOf, statusTopic } from '@tributary/streams/operations';
import type { DeclaredTable } from '../tables/declared-table.ts';
import type { FeedSources } from './feed-source.ts';
import { NewestVersions } from './newest-versions.ts';
import { resolveSources } from './resolve-sources.ts';

export interface TableFeedOptions {
  readonly connection: KafkaConnectionConfig;
  readonly applicationId: string;
  readonly tables: readonly DeclaredTable[];
  readonly logger: Logger;
  /** Told which topics the tables are read from: before the first record of any. Several tables may share one. */
  onSources(sources: FeedSources): void;
  /**
   * Records of the tables' topics and of the status topic, in offset order within a partition; synchronous. Rows of the
   * runtime's own are left out, and versions that are not the newest of their key.
   */
  onChanges(changes: readonly TableChange[]): void;
  /** Forget everything read from that partition: it is read anew from its start. */
  onReset(topic: string, partition: number): void;
  /** Called whenever the feed's `state()` may have changed. */
  onState(state: GlobalTableState): void;
  /** Credentials, TLS or rights that no waiting mends: the feed gives up; so should the process. */
  onFatal(error: StreamsError): void;
  /** Default: `createGlobalTable` over `connection`. */
  readonly createTable?: (options: GlobalTableOptions) => GlobalTable;
  /** Default: `resolveSources`. */
  readonly findSources?: typeof resolveSources;
}

/** The records of all tables of an API, and of the application's status topic. */
export interface TableFeed {
  /** `complete` and `caughtUpOnce` are of the tables; where they are all of topics, the status topic may be missing. */
  state(): GlobalTableState;
  /** `topic-partition` to the next offset to read; empty before the topics are known. */
  positions(): ReadonlyMap<string, number>;
  /** As `onSources` was told; empty before. */
  sources(): FeedSources;
  /**
   * Wall clock, epoch milliseconds, of when the copy of a topic last came from its start to its end: all that was
   * deleted since then, and up to `deleteRetentionMs` before it, the copy knows. Null while it is on its way.
   */
  caughtUpAtMs(topic: string): number | null;
  close(): Promise<void>;
}

/** Finds where the tables' records are, then follows them; it has started when this returns. */
export function openTableFeed(options: TableFeedOptions): TableFeed {
  const feed = new OpenTableFeed(options);
  feed.start();
  return feed;
}

class OpenTableFeed implements TableFeed {
  readonly #options: TableFeedOptions;
  readonly #createTable: (options: GlobalTableOptions) => GlobalTable;
  readonly #closing = new AbortController();
  #sources: FeedSources = new Map();
  #table: GlobalTable | undefined;
  /** Of an API without stores: no application need ever exist. */
  #status: GlobalTable | undefined;
  #waiting = 'looking for the topics of the tables';
  #running: Promise<void> | undefined;

  constructor(options: TableFeedOptions) {
    this.#options = options;
    const { connection, logger } = options;
    this.#createTable = options.createTable ?? ((given) => createGlobalTable(connection, given, logger));
  }

  start(): void {
    this.#running = this.#run();
  }

  state(): GlobalTableState {
    return this.#table?.state() ?? { caughtUpOnce: false, complete: false, reason: this.#waiting };
  }

  positions(): ReadonlyMap<string, number> {
    return new Map([...(this.#table?.positions() ?? []), ...(this.#status?.positions() ?? [])]);
  }

  sources(): FeedSources {
    return this.#sources;
  }

  caughtUpAtMs(topic: string): number | null {
    return this.#table?.caughtUpAtMs(topic) ?? null;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await Promise.all([this.#table?.close(), this.#status?.close()]);
  }

  async #run(): Promise<void> {
    const { onState, onSources, onFatal, findSources = resolveSources, ...options } = this.#options;
    const { signal } = this.#closing;
    try {
      this.#sources = await findSources({
        ...options,
        signal,
        onWaiting: (reason) => {
          this.#waiting = reason;
          onState(this.state());
        },
      });
    } catch (error) {
      if (signal.aborted) return;
      onFatal(error instanceof StreamsError ? error : new StreamsError('BROKER_AWAY', messageOf(error)));
      return;
    }
    if (signal.aborted) return;
    onSources(this.#sources);
    this.#follow();
  }

  #follow(): void {
    const { applicationId, tables, logger, onState, onFatal, onReset, onChanges } = this.#options;
    const status = statusTopic(applicationId);
    const topics = [...new Set([...this.#sources.values()].map(({ topic }) => topic))];
    const needsApplication = tables.some(({ source }) => source.kind === 'store');
    const filter = new ChangeFilter(this.#sources);
    this.#table = this.#createTable({
      topics: needsApplication ? [...topics, status] : topics,
      deleteRetentionMs: (topic) => this.#deleteRetentionMs(topic),
      onChanges: (changes) => {
        const kept = filter.filter(changes);
        if (kept.length > 0) onChanges(kept);
      },
      onReset: (topic, partition) => {
        filter.reset(topic, partition);
        onReset(topic, partition);
      },
      onState,
      onFatal,
    });
    this.#table.start();
    if (needsApplication) return;
    this.#status = this.#createTable({
      topics: [status],
      onChanges,
      onReset,
      onState: () => undefined,
      onFatal: (error) => {
        logger.warn(
          { topic: status, error: error.message },
          'the status topic of the application is not followed: its instances and their lag are not known',
        );
      },
    });
    this.#status.start();
  }

  #deleteRetentionMs(topic: string): number | undefined {
    for (const source of this.#sources.values()) if (source.topic === topic) return source.deleteRetentionMs;
    return undefined;
  }
}

/** Leaves out what says nothing of a table's rows. */
class ChangeFilter {
  readonly #changelogs: ReadonlySet<string>;
  readonly #versions: ReadonlyMap<string, NewestVersions>;

  constructor(sources: FeedSources) {
    const all = [...sources.values()];
    this.#changelogs = new Set(all.filter(({ isChangelog }) => isChangelog).map(({ topic }) => topic));
    this.#versions = new Map(
      all.filter(({ layout }) => layout === 'versioned').map(({ topic }) => [topic, new NewestVersions()]),
    );
  }

  filter(changes: readonly TableChange[]): TableChange[] {
    return changes.filter(
      (change) =>
        !(this.#changelogs.has(change.topic) && isRuntimeRow(change.key)) &&
        (this.#versions.get(change.topic)?.isChange(change) ?? true),
    );
  }

  reset(topic: string, partition: number): void {
    this.#versions.get(topic)?.reset(partition);
  }
}
