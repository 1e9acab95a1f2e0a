import {
  createGlobalTable,
  type GlobalTable,
  type GlobalTableOptions,
  type GlobalTableState,
  type KafkaConnectionConfig,
  type Logger,
  parseTopicPartition,
  StreamsError,
  type TableChange,
} from '@tributary/streams';
import {
  APPLICATION_RECORD_KEY,
  type ApplicationRecord,
  parseApplicationRecord,
  refuseNewerFormats,
  statusTopic,
} from '@tributary/streams/operations';
import type { DeclaredTable } from '../tables/declared-table.ts';
import { ChangeFilter } from './change-filter.ts';
import type { FeedSources } from './feed-source.ts';
import { resolveSources } from './resolve-sources.ts';
import { checkTables } from './source-check.ts';

export interface TableFeedOptions {
  readonly connection: KafkaConnectionConfig;
  readonly applicationId: string;
  readonly tables: readonly DeclaredTable[];
  readonly logger: Logger;
  /**
   * Told which topics the tables are read from: before the first record of any, and again when the application has
   * become another one under its id. Several tables may share a topic.
   */
  onSources(sources: FeedSources): void;
  /**
   * Records of the tables' topics and of the status topic, of one partition, in offset order. Rows of the runtime's own
   * are left out, and versions that are not the newest of their key. No others of the partition come before a promise
   * that it returns is fulfilled.
   */
  onChanges(changes: readonly TableChange[]): Promise<void> | undefined;
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
  readonly #statusTopic: string;
  /** Of an API without stores no application need ever exist. */
  readonly #needsApplication: boolean;
  readonly #closing = new AbortController();
  #sources: FeedSources = new Map();
  #table: GlobalTable | undefined;
  #status: GlobalTable | undefined;
  #waiting = 'looking for the topics of the tables';
  #running: Promise<void> | undefined;
  /** The newest that the status topic has, when it has not been looked at yet. */
  #record: ApplicationRecord | undefined;

  constructor(options: TableFeedOptions) {
    const { connection, applicationId, tables, logger } = options;
    this.#options = options;
    this.#createTable = options.createTable ?? ((given) => createGlobalTable(connection, given, logger));
    this.#statusTopic = statusTopic(applicationId);
    this.#needsApplication = tables.some(({ source }) => source.kind === 'store');
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
    const { connection, applicationId, tables, logger, onSources, onFatal } = this.#options;
    const { findSources = resolveSources } = this.#options;
    const { signal } = this.#closing;
    const onWaiting = (reason: string): void => this.#wait(reason);
    try {
      const sources = await findSources({ connection, applicationId, tables, logger, signal, onWaiting });
      if (signal.aborted) return;
      this.#sources = sources;
      onSources(sources);
      this.#follow();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof StreamsError)) throw error;
      onFatal(error);
    }
  }

  #wait(reason: string): void {
    this.#waiting = reason;
    this.#options.onState(this.state());
  }

  #follow(): void {
    const { tables, onState, onFatal, onReset, onChanges } = this.#options;
    const copied = tables.flatMap(({ name, held }) => (held === 'owner' ? [] : (this.#sources.get(name) ?? [])));
    const topics = [...new Set(copied.map(({ topic }) => topic))];
    const filter = new ChangeFilter(this.#sources);
    /** One that is being closed still says what it has fetched. */
    const isCurrent = (): boolean => this.#table === table;
    const table = this.#createTable({
      topics: this.#needsApplication ? [...topics, this.#statusTopic] : topics,
      deleteRetentionMs: (topic) => this.#deleteRetentionMs(topic),
      onChanges: (changes) => {
        if (!isCurrent()) return undefined;
        const kept = filter.filter(changes);
        const applied = kept.length > 0 ? onChanges(kept) : undefined;
        this.#noteRecord(changes);
        this.#lookAtRecord();
        return applied;
      },
      onReset: (topic, partition) => {
        if (!isCurrent()) return;
        filter.reset(topic, partition);
        onReset(topic, partition);
      },
      onState: (state) => {
        if (!isCurrent()) return;
        onState(state);
        this.#lookAtRecord();
      },
      onFatal,
    });
    this.#table = table;
    table.start();
    if (!this.#needsApplication) this.#followStatus();
  }

  /** Beside the tables, which are complete without it. */
  #followStatus(): void {
    const { logger, onReset, onChanges } = this.#options;
    const topic = this.#statusTopic;
    this.#status = this.#createTable({
      topics: [topic],
      onChanges,
      onReset,
      onState: () => undefined,
      onFatal: (error) => {
        logger.warn(
          { topic, error: error.message },
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

  #noteRecord(changes: readonly TableChange[]): void {
    for (const { topic, key, value } of changes)
      if (topic === this.#statusTopic && value !== null && key.toString() === APPLICATION_RECORD_KEY)
        this.#record = parseApplicationRecord(value);
  }

  /**
   * An application that was reset may have another topology under the same id: its stores are of other kinds then. Of
   * the records that the topic has only the newest counts.
   */
  #lookAtRecord(): void {
    const record = this.#record;
    if (record === undefined || !this.#needsApplication || this.caughtUpAtMs(this.#statusTopic) === null) return;
    this.#record = undefined;
    const { tables, applicationId, logger, onFatal } = this.#options;
    try {
      refuseNewerFormats(record, this.#statusTopic);
    } catch (error) {
      onFatal(error as StreamsError);
      return;
    }
    const checks = checkTables(tables, applicationId, record.topology);
    const isSame = [...this.#sources].every(([name, { topic, layout, isChangelog }]) => {
      const check = checks.get(name);
      if (check === undefined || 'problem' in check) return false;
      const { source } = check;
      return source.topic === topic && source.layout === layout && source.isChangelog === isChangelog;
    });
    if (isSame) return;
    logger.warn(
      { applicationId },
      'the application has another topology: the sources of the tables are looked up anew',
    );
    this.#running = this.#startOver();
  }

  async #startOver(): Promise<void> {
    const before = this.#table;
    this.#table = undefined;
    this.#wait('the application has another topology: looking for the topics of the tables anew');
    const places = [...(before?.positions().keys() ?? [])].map(parseTopicPartition);
    await before?.close();
    for (const { topic, partition } of places) this.#options.onReset(topic, partition);
    if (!this.#closing.signal.aborted) await this.#run();
  }
}
