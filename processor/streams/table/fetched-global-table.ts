import { READ_COMMITTED } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import {
  asAccessDenied,
  asAdvertisedAddress,
  asFatalConnectionError,
  awayReason,
  hasCode,
  CODE,
} from '../kafka/kafka-errors.ts';
import { RecordFetcher, type FetchCluster } from '../reading/record-fetcher.ts';
import type { FetchedPartition } from '../reading/fetched-partition.ts';
import { messageOf, type StreamsError } from '../errors.ts';
import { isThenable } from '../store/key-text.ts';
import type { Logger } from '../logger.ts';
import type { GlobalTable, GlobalTableOptions, GlobalTableState, TableChange } from './global-table-types.ts';
import { parseTopicPartition, topicPartition, type TopicPartition } from '../kafka/topic-partition.ts';
import { HeldRuns } from './held-runs.ts';
import { MissedTombstones } from './missed-tombstones.ts';
import { PartitionProgress, SILENT_AFTER_MS, type Clock } from './partition-progress.ts';
import { TopicIdentities } from './topic-identities.ts';

const RETRY_MS = 500;
const TAKE_TIMEOUT_MS = 250;
const MAX_WAIT_MS = 500;
const LOOK_AT_TOPICS_MS = 5_000;
/** A broker that begins beside it, or a short break, is nothing to be told. */
const WAIT_LOG_DELAY_MS = 3_000;
const WAIT_LOG_INTERVAL_MS = 60_000;

/** What a global table needs of a KafkaCluster. */
export interface TableCluster
  extends FetchCluster, Pick<KafkaCluster, 'partitionCount' | 'offsetRange' | 'topicIds' | 'disconnect'> {}

/**
 * Reads every partition of its topics from the beginning, without a group, read_committed: the source of truth for how
 * far this copy has come. It is complete when each position has reached the end as the broker last returned it.
 */
export class FetchedGlobalTable implements GlobalTable {
  readonly #options: GlobalTableOptions;
  readonly #brokers: readonly string[];
  readonly #logger: Logger;
  readonly #cluster: TableCluster;
  readonly #clock: Clock;
  readonly #identities: TopicIdentities;
  readonly #tombstones: MissedTombstones;
  #fetcher: RecordFetcher;
  readonly #progress = new Map<string, PartitionProgress>();
  readonly #held = new HeldRuns();
  #running: Promise<void> | undefined;
  #closed = false;
  #caughtUpOnce = false;
  #away: string | null = null;
  #waitingFor: string | null = 'not started';
  /** Bytes that cannot be read; forgotten when every partition has been heard of again. */
  #unreadable: string | null = null;
  #reported = '';
  /** When what is waited for is logged next; undefined: nothing is. */
  #waitLogDueMs: number | undefined;
  #hasLoggedWait = false;
  /** When the topics were last looked at; undefined while that is under way. */
  #lookedAtMs: number | undefined;

  /** `brokers`: as they are set, for what is said of them. */
  constructor(
    cluster: TableCluster,
    brokers: readonly string[],
    options: GlobalTableOptions,
    logger: Logger,
    clock: Clock = { wallMs: Date.now, elapsedMs: () => performance.now() },
  ) {
    this.#options = options;
    this.#brokers = brokers;
    this.#logger = logger;
    this.#clock = clock;
    this.#cluster = cluster;
    this.#identities = new TopicIdentities(cluster);
    this.#tombstones = new MissedTombstones(options.deleteRetentionMs, logger, clock);
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

  caughtUpAtMs(topic: string): number | null {
    let newestMs: number | null = null;
    for (const [name, { caughtUpAtMs }] of this.#progress) {
      if (parseTopicPartition(name).topic !== topic) continue;
      if (caughtUpAtMs === null) return null;
      newestMs = Math.max(newestMs ?? caughtUpAtMs, caughtUpAtMs);
    }
    return newestMs;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#held.clear();
    await this.#fetcher.close();
    await this.#running;
    await this.#cluster.disconnect();
  }

  async #run(): Promise<void> {
    await this.#waitForTopics();
    while (!this.#closed) {
      for (const topic of this.#identities.madeAnew) await this.#readAnew(topic);
      const relocated = new Set<string>();
      for (const part of await this.#take()) {
        const name = topicPartition(part.topic, part.partition);
        const progress = this.#progress.get(name);
        // What was fetched before from another place, or behind what is not applied yet.
        if (progress === undefined || relocated.has(name) || this.#held.has(name)) continue;
        if (part.outOfRange || this.#tombstones.mayBeMissed(part, progress)) {
          relocated.add(name);
          await this.#relocate(part, progress);
        } else this.#apply(part, progress);
      }
      if ([...this.#progress.values()].every(({ end }) => end !== undefined)) this.#unreadable = null;
      if (!this.#caughtUpOnce && this.#reason() === null) this.#caughtUpOnce = true;
      this.#report();
      if (this.#clock.elapsedMs() - (this.#lookedAtMs ?? Infinity) >= LOOK_AT_TOPICS_MS) void this.#lookAtTopics();
    }
  }

  /** Partitions that were added to a topic hold rows like the others, and one that was made anew holds others. */
  async #lookAtTopics(): Promise<void> {
    const { topics } = this.#options;
    this.#lookedAtMs = undefined;
    try {
      await this.#cluster.refresh();
      if (!this.#closed) for (const topic of topics) this.#addPartitions(topic);
      await this.#identities.check(topics);
    } catch {
      // Looked at again: whoever is away is told of by what reads.
    }
    this.#lookedAtMs = this.#clock.elapsedMs();
  }

  /** Begins to read those partitions of a tracked topic that are not read yet; answers how many it has. */
  #addPartitions(topic: string): number {
    const partitions = this.#cluster.partitionCount(topic);
    for (let partition = 0; partition < partitions; partition += 1) {
      const name = topicPartition(topic, partition);
      if (this.#progress.has(name)) continue;
      this.#progress.set(name, new PartitionProgress(this.#clock));
      this.#fetcher.seek(topic, partition, 0);
    }
    return partitions;
  }

  /** Forgets a topic in whose place there is another one, as soon as that has partitions. */
  async #readAnew(topic: string): Promise<void> {
    const partitions = await this.#cluster.refresh().then(
      () => this.#cluster.partitionCount(topic),
      () => 0,
    );
    if (partitions === 0) return;
    this.#logger.warn({ topic }, 'a result topic was made anew, and is read from its start');
    for (const [name, progress] of [...this.#progress]) {
      const place = parseTopicPartition(name);
      if (place.topic !== topic) continue;
      if (place.partition < partitions) await this.#relocate(place, progress);
      else this.#forget(place, progress);
    }
    this.#addPartitions(topic);
    this.#identities.accept(topic);
  }

  /** There is no such partition any more. */
  #forget({ topic, partition }: TopicPartition, { position }: PartitionProgress): void {
    const name = topicPartition(topic, partition);
    const wasHeld = this.#held.drop(name);
    this.#fetcher.remove(topic, partition);
    this.#progress.delete(name);
    if (position > 0 || wasHeld) this.#options.onReset(topic, partition);
  }

  #openFetcher(): RecordFetcher {
    return new RecordFetcher(this.#cluster, this.#logger, {
      checkTopics: (topics) => this.#identities.check(topics),
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
        if (!this.#closed && !this.#held.has(name)) this.#fetcher.seek(topic, partition, progress.position);
      }
      return [];
    }
  }

  /**
   * The partition does not hold the position (it was deleted and made anew, or its oldest records were deleted), or
   * what was read of it cannot be relied on. From its start, then.
   */
  async #relocate({ topic, partition }: TopicPartition, progress: PartitionProgress): Promise<void> {
    progress.startAnew(this.#clock);
    const wasHeld = this.#held.drop(topicPartition(topic, partition));
    this.#report();
    while (!this.#closed) {
      try {
        const { first } = await this.#cluster.offsetRange(topic, partition, READ_COMMITTED);
        if (progress.position > 0 || wasHeld) this.#options.onReset(topic, partition);
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
          await this.#identities.check([topic]);
          if (this.#addPartitions(topic) > 0) break;
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
          // Brokers that answer are where they were looked for: what they tell of themselves is at fault.
          const advertised = asAdvertisedAddress(this.#brokers, error);
          this.#waitingFor = missing
            ? `waiting for the topic ${topic}, which the processor creates`
            : `Kafka is away: ${advertised?.message ?? fatal?.message ?? awayReason(this.#brokers, error)}`;
          if (!missing) await this.#cluster.refresh().catch(() => undefined);
        }
        this.#report();
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    this.#waitingFor = null;
    this.#lookedAtMs = this.#clock.elapsedMs();
  }

  #fatal(error: StreamsError): void {
    this.#closed = true;
    this.#options.onFatal(error);
  }

  #apply(part: FetchedPartition, progress: PartitionProgress): void {
    const { topic, partition } = part;
    const changes: TableChange[] = [];
    for (const { offset, timestampMs, key, value } of part.records)
      if (key !== null) changes.push({ topic, partition, offset, timestampMs, key, value });
    const applied = changes.length === 0 ? undefined : this.#options.onChanges(changes);
    if (isThenable(applied)) this.#hold(part, progress, applied as PromiseLike<unknown>);
    else this.#heard(part, progress);
  }

  #heard(part: FetchedPartition, progress: PartitionProgress): void {
    const wasCaughtUp = progress.caughtUpAtMs !== null;
    progress.heard(part.nextOffset, part.lastStableOffset, this.#clock);
    if (!wasCaughtUp && progress.caughtUpAtMs !== null) this.#tombstones.lookAtScan(part, progress);
  }

  /** Memory holds no more than this run of the partition, and the others are read on. */
  #hold(part: FetchedPartition, progress: PartitionProgress, applied: PromiseLike<unknown>): void {
    const { topic, partition, lastStableOffset } = part;
    progress.end = lastStableOffset;
    this.#fetcher.remove(topic, partition);
    this.#held.add(topicPartition(topic, partition), applied, () => {
      this.#heard(part, progress);
      this.#fetcher.seek(topic, partition, progress.position);
    });
  }

  #reason(): string | null {
    if (this.#waitingFor !== null) return this.#waitingFor;
    if (this.#away !== null) return this.#away;
    if (this.#held.size > 0) return 'what was read last is not applied yet';
    let behind = 0;
    const silentSinceMs = this.#clock.elapsedMs() - SILENT_AFTER_MS;
    for (const { position, end, heardAtMs } of this.#progress.values()) {
      if (end === undefined)
        return this.#unreadable ?? `reading the result topics ${this.#caughtUpOnce ? 'anew' : 'for the first time'}`;
      if (heardAtMs < silentSinceMs) return `Kafka has not answered for over ${String(SILENT_AFTER_MS / 1_000)} s`;
      behind += Math.max(0, end - position);
    }
    return behind === 0 ? null : `catching up: ${String(behind)} records of the result topics to go`;
  }

  #report(): void {
    this.#logWait();
    const state = this.state();
    const text = JSON.stringify(state);
    if (text === this.#reported) return;
    this.#reported = text;
    this.#options.onState(state);
  }

  /** Who reads the log alone is to find there why nothing comes. */
  #logWait(): void {
    const reason = this.#waitingFor ?? this.#away ?? this.#unreadable;
    const brokers = this.#brokers;
    const { topics } = this.#options;
    const nowMs = this.#clock.elapsedMs();
    if (reason === null) {
      if (this.#hasLoggedWait)
        this.#logger.info({ brokers, topics }, 'what the copy waited for is there: it is read again');
      this.#waitLogDueMs = undefined;
      this.#hasLoggedWait = false;
      return;
    }
    this.#waitLogDueMs ??= nowMs + WAIT_LOG_DELAY_MS;
    if (nowMs < this.#waitLogDueMs) return;
    this.#waitLogDueMs = nowMs + WAIT_LOG_INTERVAL_MS;
    this.#hasLoggedWait = true;
    this.#logger.warn({ brokers, topics }, `the copy of ${topics.join(', ')} waits, and goes on by itself: ${reason}`);
  }
}
