import { READ_COMMITTED } from '../kafka/broker.ts';
import { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { asAccessDenied, asFatalConnectionError, awayReason, hasCode, CODE } from '../kafka/kafka-errors.ts';
import { RecordFetcher } from '../reading/record-fetcher.ts';
import type { FetchedPartition } from '../reading/fetched-partition.ts';
import { messageOf, StreamsError } from '../errors.ts';
import { checkConnection, type KafkaConnectionConfig } from '../kafka/kafka-connection-config.ts';
import { checkFunctions, checkLogger, checkOptions, textOf } from '../options.ts';
import type { Logger } from '../logger.ts';
import type { GlobalTable, GlobalTableOptions, GlobalTableState, TableChange } from './global-table-types.ts';
import { parseTopicPartition, topicPartition } from '../kafka/topic-partition.ts';

const RETRY_MS = 500;
const TAKE_TIMEOUT_MS = 250;
const MAX_WAIT_MS = 500;
/** A broker answers every half second: one that is silent for so long may have records that are not seen here. */
const SILENT_AFTER_MS = 3_000;

const TABLE_LISTENERS = ['onChanges', 'onReset', 'onState', 'onFatal'];

/** A live copy of compacted topics. Topics that do not exist yet are waited for. @throws StreamsError CONFIG_INVALID */
export function createGlobalTable(
  connection: KafkaConnectionConfig,
  options: GlobalTableOptions,
  logger: Logger,
): GlobalTable {
  checkConnection(connection);
  checkOptions('createGlobalTable', options, ['topics', ...TABLE_LISTENERS]);
  checkFunctions('createGlobalTable', options, TABLE_LISTENERS);
  checkLogger('createGlobalTable', logger);
  const { topics } = options;
  if (
    !Array.isArray(topics) ||
    topics.length === 0 ||
    !topics.every((topic) => typeof topic === 'string' && topic !== '')
  )
    throw new StreamsError('CONFIG_INVALID', `createGlobalTable takes topics, a list of names, not ${textOf(topics)}`);
  return new FetchedGlobalTable(connection, options, logger);
}

interface PartitionProgress {
  position: number;
  /** End of the committed records, as last heard; undefined before the first answer. */
  end: number | undefined;
  heardAtMs: number;
}

/**
 * Reads every partition of its topics from the beginning, without a group, read_committed: the source of truth for how
 * far this copy has come. It is complete when each position has reached the end as the broker last returned it.
 */
class FetchedGlobalTable implements GlobalTable {
  readonly #options: GlobalTableOptions;
  readonly #brokers: readonly string[];
  readonly #logger: Logger;
  readonly #cluster: KafkaCluster;
  #fetcher: RecordFetcher;
  readonly #progress = new Map<string, PartitionProgress>();
  #running: Promise<void> | undefined;
  #closed = false;
  #caughtUpOnce = false;
  #away: string | null = null;
  #waitingFor: string | null = 'not started';
  /** Bytes that cannot be read; forgotten when every partition has been heard of again. */
  #unreadable: string | null = null;
  #reported = '';

  constructor(connection: KafkaConnectionConfig, options: GlobalTableOptions, logger: Logger) {
    this.#options = options;
    this.#brokers = connection.brokers;
    this.#logger = logger;
    this.#cluster = new KafkaCluster({ ...connection, clientId: `${connection.clientId}-global-table` }, logger);
    this.#fetcher = this.#openFetcher();
  }

  /** What `onChanges` throws ends the process as an unhandled rejection: a copy with a hole must not be served. */
  start(): void {
    this.#running ??= this.#run();
  }

  state(): GlobalTableState {
    const reason = this.#reason();
    return { caughtUpOnce: this.#caughtUpOnce, complete: reason === null, reason };
  }

  positions(): ReadonlyMap<string, number> {
    return new Map([...this.#progress].map(([name, { position }]) => [name, position]));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#fetcher.close();
    await this.#running;
    await this.#cluster.disconnect();
  }

  async #run(): Promise<void> {
    await this.#waitForTopics();
    while (!this.#closed) {
      for (const part of await this.#take()) {
        if (part.outOfRange) await this.#relocate(part);
        else this.#apply(part);
      }
      if ([...this.#progress.values()].every(({ end }) => end !== undefined)) this.#unreadable = null;
      if (!this.#caughtUpOnce && this.#reason() === null) this.#caughtUpOnce = true;
      this.#report();
    }
  }

  #openFetcher(): RecordFetcher {
    return new RecordFetcher(this.#cluster, this.#logger, {
      maxWaitMs: MAX_WAIT_MS,
      isolationLevel: READ_COMMITTED,
      onAway: (away, reason) => {
        this.#away = away ? `Kafka is away: ${reason}` : null;
        this.#report();
      },
    });
  }

  /** Bytes that cannot be read are asked for again, for ever: they may have been damaged on their way. */
  async #take(): Promise<readonly FetchedPartition[]> {
    try {
      return await this.#fetcher.take(TAKE_TIMEOUT_MS);
    } catch (error) {
      const denied = asAccessDenied(error, 'reading the results');
      if (denied !== undefined && !this.#caughtUpOnce) {
        this.#fatal(denied);
        return [];
      }
      this.#unreadable = messageOf(error);
      this.#logger.error({ error: this.#unreadable }, 'a result topic cannot be read');
      await this.#fetcher.close();
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      this.#away = null;
      this.#fetcher = this.#openFetcher();
      for (const [name, progress] of this.#progress) {
        const { topic, partition } = parseTopicPartition(name);
        progress.end = undefined;
        if (!this.#closed) this.#fetcher.seek(topic, partition, progress.position);
      }
      return [];
    }
  }

  /**
   * The partition does not hold the position: it was deleted and made anew, or its oldest records were deleted. From
   * its start, then.
   */
  async #relocate({ topic, partition }: FetchedPartition): Promise<void> {
    const progress = this.#progress.get(topicPartition(topic, partition)) as PartitionProgress;
    progress.end = undefined;
    this.#report();
    while (!this.#closed) {
      try {
        const { first } = await this.#cluster.offsetRange(topic, partition, READ_COMMITTED);
        if (progress.position > 0) this.#options.onReset(topic, partition);
        progress.position = first;
        this.#fetcher.seek(topic, partition, first);
        return;
      } catch (error) {
        this.#logger.debug(
          { topic, partition, error: messageOf(error) },
          'the offsets of a result topic could not be asked for',
        );
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        await this.#cluster.refresh().catch(() => undefined);
      }
    }
  }

  async #waitForTopics(): Promise<void> {
    for (const topic of this.#options.topics) {
      while (!this.#closed) {
        try {
          await this.#cluster.track([topic]);
          const partitions = this.#cluster.partitionCount(topic);
          if (partitions > 0) {
            for (let partition = 0; partition < partitions; partition += 1) {
              this.#progress.set(topicPartition(topic, partition), {
                position: 0,
                end: undefined,
                heardAtMs: performance.now(),
              });
              this.#fetcher.seek(topic, partition, 0);
            }
            break;
          }
          // Seen while it was being made: tracked already, so only a refresh asks again.
          this.#waitingFor = `waiting for the topic ${topic}, which the processor creates`;
          await this.#cluster.refresh();
        } catch (error) {
          const fatal = asFatalConnectionError(error, this.#brokers);
          // A name that does not resolve may be a name server that is away.
          if (fatal !== undefined && fatal.code !== 'BROKER_NAME_UNKNOWN') {
            this.#fatal(fatal);
            return;
          }
          const missing = hasCode(error, CODE.UNKNOWN_TOPIC_OR_PARTITION);
          this.#waitingFor = missing
            ? `waiting for the topic ${topic}, which the processor creates`
            : `Kafka is away: ${fatal?.message ?? awayReason(this.#brokers, error)}`;
          if (!missing) await this.#cluster.refresh().catch(() => undefined);
        }
        this.#report();
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    this.#waitingFor = null;
  }

  #fatal(error: StreamsError): void {
    this.#closed = true;
    this.#options.onFatal(error);
  }

  #apply(part: FetchedPartition): void {
    const { topic, partition } = part;
    const progress = this.#progress.get(topicPartition(topic, partition));
    if (progress === undefined) return;
    const changes: TableChange[] = [];
    for (const { offset, timestampMs, key, value } of part.records)
      if (key !== null) changes.push({ topic, partition, offset, timestampMs, key, value });
    progress.position = part.nextOffset;
    progress.end = part.lastStableOffset;
    progress.heardAtMs = performance.now();
    if (changes.length > 0) this.#options.onChanges(changes);
  }

  #reason(): string | null {
    if (this.#waitingFor !== null) return this.#waitingFor;
    if (this.#away !== null) return this.#away;
    let behind = 0;
    const silentSinceMs = performance.now() - SILENT_AFTER_MS;
    for (const { position, end, heardAtMs } of this.#progress.values()) {
      if (end === undefined) return this.#unreadable ?? 'reading the result topics for the first time';
      if (heardAtMs < silentSinceMs) return `Kafka has not answered for over ${String(SILENT_AFTER_MS / 1_000)} s`;
      behind += Math.max(0, end - position);
    }
    return behind === 0 ? null : `catching up: ${String(behind)} records of the result topics to go`;
  }

  #report(): void {
    const state = this.state();
    const text = JSON.stringify(state);
    if (text === this.#reported) return;
    this.#reported = text;
    this.#options.onState(state);
  }
}
