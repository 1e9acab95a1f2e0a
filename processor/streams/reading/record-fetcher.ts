import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../logger.ts';
import { messageOf, StreamsError } from '../errors.ts';
import {
  fetchRequest,
  type decodeFetchResponse,
  type FetchedBytes,
  type FetchOptions,
} from '../kafka/fetch-protocol.ts';
import { READ_COMMITTED, type Broker } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { asAccessDenied, CODE } from '../kafka/kafka-errors.ts';
import { topicPartition, type TopicPartition } from '../kafka/topic-partition.ts';
import { AnswerDecoder } from './answer-decoder.ts';
import { Arrivals } from './arrivals.ts';
import { FetchTroubles } from './fetch-troubles.ts';
import type { FetchedPartition, PartitionEnds } from './fetched-partition.ts';
import { endPieces, movePosition, newPosition, type ReadPosition } from './read-position.ts';

/** What the fetcher needs of a KafkaCluster. */
export interface FetchCluster extends Pick<KafkaCluster, 'track' | 'leader' | 'refresh'> {
  broker(nodeId: number): Promise<Pick<Broker, 'connectionPool'>>;
}

export interface RecordFetcherOptions extends Partial<FetchOptions> {
  /**
   * Called when some wanted partition cannot be read (its broker does not answer, it has no leader, the broker refuses
   * it), whenever the reason changes, and again (false) when all of them can.
   */
  readonly onAway?: (away: boolean, reason: string) => void;
  /**
   * Asked before a partition is read again that could not be read for a while: is its topic still the same one?
   * A StreamsError ends the fetcher, any other one is a reason to wait and ask again.
   */
  readonly checkTopics?: (topics: readonly string[]) => Promise<void>;
  /**
   * An offset that no leader holds for so long is out of range: a broker that has just lost a partition, and has not
   * heard of it, does not hold the newest ones. 2,000 by default.
   */
  readonly outOfRangeAfterMs?: number;
  /**
   * By topic: the largest record that is read whole, unpacked. A larger one comes cut. By default one that no memory
   * holds.
   */
  readonly maxRecordBytes?: (topic: string) => number | undefined;
  /** What the packed batches of one answer may take in memory. 32 MiB by default. */
  readonly unpackedBytes?: number;
}

const UNPACKED_BYTES = 32 * 1024 * 1024;
const OUT_OF_RANGE_AFTER_MS = 2_000;
/** A partition that is released waits for the long poll of the others to end: that one is shorter while any is held. */
const HELD_WAIT_MS = 20;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1_000;
const DEFAULTS: FetchOptions = {
  maxWaitMs: 250,
  minBytes: 1,
  // Of many partitions: the next answer begins with those that this one has left out.
  maxBytes: 4 * 1024 * 1024,
  maxBytesPerPartition: 1024 * 1024,
  // mutant: read-committed
  isolationLevel: READ_COMMITTED,
};

/**
 * Reads chosen partitions from chosen offsets without a consumer group: the source of truth for fetch positions.
 * One long poll per leader is under way while the caller works on the last answer; a further answer waits until the
 * caller took the one before, so memory holds at most two answers per broker.
 */
export class RecordFetcher {
  readonly #cluster: FetchCluster;
  readonly #options: FetchOptions;
  readonly #checkTopics: ((topics: readonly string[]) => Promise<void>) | undefined;
  /** A topic that is deleted and made anew between two fetches would be read on as if nothing had happened. */
  readonly #doubtful = new Set<string>();
  readonly #outOfRangeAfterMs: number;
  readonly #unpackedBytes: number;
  readonly #logger: Logger;
  readonly #positions = new Map<string, ReadPosition>();
  readonly #loops = new Map<number, Promise<void>>();
  readonly #arrivals = new Arrivals();
  readonly #troubles: FetchTroubles;
  readonly #decoder: AnswerDecoder;
  #resolving: Promise<void> | undefined;
  #closed = false;
  #failure: Error | undefined;

  constructor(
    cluster: FetchCluster,
    logger: Logger,
    {
      onAway,
      checkTopics,
      outOfRangeAfterMs = OUT_OF_RANGE_AFTER_MS,
      maxRecordBytes = () => undefined,
      unpackedBytes = UNPACKED_BYTES,
      ...options
    }: RecordFetcherOptions = {},
  ) {
    this.#outOfRangeAfterMs = outOfRangeAfterMs;
    this.#unpackedBytes = unpackedBytes;
    this.#cluster = cluster;
    this.#logger = logger;
    this.#troubles = new FetchTroubles((reason) => onAway?.(reason !== undefined, reason ?? ''));
    this.#checkTopics = checkTopics;
    const wanted = { ...DEFAULTS, ...options };
    this.#options = { ...wanted, maxBytes: Math.max(wanted.maxBytes, wanted.maxBytesPerPartition) };
    this.#decoder = new AnswerDecoder({
      readCommitted: this.#options.isolationLevel === READ_COMMITTED,
      maxRecordBytes,
      logger,
    });
  }

  /** Reads a partition, or reads it from another offset. Answers for the earlier offset are dropped. */
  seek(topic: string, partition: number, offset: number): void {
    const key = topicPartition(topic, partition);
    const known = this.#positions.get(key);
    if (known === undefined) this.#positions.set(key, newPosition(topic, partition, offset));
    else movePosition(known, offset);
    this.#arrivals.drop(topic, partition);
    this.#kick();
  }

  /**
   * Fetches no more of this partition until `release`; what is under way still arrives. Other partitions are read on.
   */
  hold(topic: string, partition: number): void {
    const position = this.#positions.get(nameOf({ topic, partition }));
    if (position === undefined) return;
    position.held = true;
    this.#troubles.clear(nameOf(position));
    this.#troubles.clear(leaderOf(position));
  }

  release(topic: string, partition: number): void {
    const position = this.#positions.get(nameOf({ topic, partition }));
    if (position === undefined || !position.held) return;
    position.held = false;
    if (!this.#loops.has(this.#leaderOf(position) ?? -1)) this.#kick();
  }

  /** Reads a partition no more; what has arrived of it is dropped. */
  remove(topic: string, partition: number): void {
    const position = this.#positions.get(topicPartition(topic, partition));
    if (position !== undefined) {
      endPieces(position);
      position.epoch += 1;
      this.#positions.delete(nameOf(position));
    }
    this.#arrivals.drop(topic, partition);
    this.#troubles.clear(nameOf({ topic, partition }));
    this.#troubles.clear(leaderOf({ topic, partition }));
  }

  /**
   * What has arrived, or [] after `timeoutMs` or `wake`.
   * @throws StreamsError RECORDS_UNREADABLE, COMPRESSION_UNKNOWN: bytes that cannot be read must not be skipped;
   *   BROKER_ACCESS_DENIED.
   */
  async take(timeoutMs: number): Promise<readonly FetchedPartition[]> {
    await this.arrival(timeoutMs);
    if (this.#arrivals.isEmpty && this.#failure !== undefined) throw this.#failure;
    return this.#arrivals.takeAll();
  }

  /** Waits like `take` for something to take, and leaves it where it is. */
  async arrival(timeoutMs: number): Promise<void> {
    if (this.#arrivals.isEmpty && this.#failure === undefined && timeoutMs > 0 && !this.#closed)
      await this.#arrivals.waitAsCaller(timeoutMs);
  }

  /** Waits for `wake`, `timeoutMs` or what else arrives, and leaves it where it is. */
  async pause(timeoutMs: number): Promise<void> {
    if (!this.#closed) await this.#arrivals.waitAsCaller(timeoutMs);
  }

  /** Lets a waiting `take`, `arrival` or `pause` return now. */
  wake(): void {
    this.#arrivals.wakeCaller();
  }

  /** Ends after the fetches under way have come back, at most `maxWaitMs` later. */
  async close(): Promise<void> {
    this.#closed = true;
    this.wake();
    this.#arrivals.wakeFetchers();
    await Promise.allSettled([...this.#loops.values()]);
    for (const position of this.#positions.values()) endPieces(position);
  }

  /** Starts a loop for each leader of a wanted partition that has none. */
  #kick(): void {
    this.#arrivals.wakeFetchers();
    if (this.#resolving !== undefined || this.#closed) return;
    this.#resolving = this.#resolveLeaders().finally(() => {
      this.#resolving = undefined;
      if (!this.#closed && this.#wanted().some((p) => !this.#loops.has(this.#leaderOf(p) ?? -1))) this.#kick();
    });
  }

  #wanted(): ReadPosition[] {
    return [...this.#positions.values()].filter((p) => !p.stopped && !p.held);
  }

  #holdsOf(nodeId: number): boolean {
    for (const position of this.#positions.values())
      if (position.held && this.#leaderOf(position) === nodeId) return true;
    return false;
  }

  #leaderOf(position: ReadPosition): number | undefined {
    try {
      return this.#cluster.leader(position.topic, position.partition);
    } catch {
      return undefined;
    }
  }

  async #resolveLeaders(): Promise<void> {
    let delayMs = RETRY_MIN_MS;
    // What is known may be of the moment in which the topic was made: a leader is missed when a refresh has none, too.
    let isRefreshed = false;
    while (!this.#closed) {
      try {
        await this.#cluster.track([...new Set(this.#wanted().map((p) => p.topic))]);
        this.#troubles.clear(METADATA);
        let leaderless = false;
        for (const position of this.#wanted()) {
          const leader = this.#leaderOf(position);
          if (leader === undefined) {
            leaderless = true;
            if (isRefreshed) this.#troubles.set(leaderOf(position), `${nameOf(position)} has no leader`);
            continue;
          }
          this.#troubles.clear(leaderOf(position));
          if (!this.#loops.has(leader)) this.#start(leader);
        }
        if (!leaderless) return;
        await this.#cluster.refresh();
        isRefreshed = true;
      } catch (error) {
        if (error instanceof StreamsError) return this.#failWith(error);
        this.#troubles.set(METADATA, messageOf(error));
        await this.#cluster.refresh().catch(() => undefined);
      }
      await sleep(delayMs);
      delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
    }
  }

  #start(leader: number): void {
    const loop = this.#run(leader).finally(() => {
      this.#loops.delete(leader);
      // A partition that came to this leader while its loop was ending found a loop and no reader.
      if (!this.#closed && this.#failure === undefined && this.#wanted().some((p) => this.#leaderOf(p) === leader))
        this.#kick();
    });
    this.#loops.set(leader, loop);
  }

  /** One leader's loop; it ends when the leader leads none of the wanted partitions any more. */
  async #run(nodeId: number): Promise<void> {
    const self = `broker ${String(nodeId)}`;
    let delayMs = RETRY_MIN_MS;
    while (!this.#closed) {
      const asked = this.#wanted().filter((p) => this.#leaderOf(p) === nodeId);
      if (asked.length === 0) {
        this.#troubles.clear(self);
        return;
      }
      const inPieces = asked.filter((p) => p.pieces !== undefined);
      const fetched = asked.filter((p) => p.pieces === undefined);
      const epochs = fetched.map((p) => p.epoch);
      try {
        await this.#settleDoubts(asked);
        for (const position of inPieces) await this.#deliverPiece(position);
        let answer: ReturnType<typeof decodeFetchResponse> = [];
        if (fetched.length > 0) {
          const broker = await this.#cluster.broker(nodeId);
          // Nobody waits for news while there is something to read.
          const maxWaitMs =
            inPieces.length > 0
              ? 0
              : Math.min(this.#options.maxWaitMs, this.#holdsOf(nodeId) ? HELD_WAIT_MS : Infinity);
          const options = { ...this.#options, maxWaitMs };
          answer = (await broker.connectionPool.send(
            fetchRequest(
              fetched.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
              options,
            ),
          )) as typeof answer;
          this.#troubles.clear(self);
        }
        delayMs = RETRY_MIN_MS;
        for (const { topic, errorCode } of answer) if (errorCode !== 0) this.#doubtful.add(topic);
        if (answer.some(({ errorCode }) => errorCode === CODE.OFFSET_OUT_OF_RANGE)) await this.#settleDoubts(fetched);
        const mustAskAgain = this.#deliver(answer, fetched, epochs);
        if (mustAskAgain) {
          await sleep(RETRY_MIN_MS);
          await this.#cluster.refresh();
          this.#kick();
        }
      } catch (error) {
        if (this.#closed) return;
        if (error instanceof StreamsError) return this.#failWith(error);
        this.#logger.debug({ nodeId, error: messageOf(error) }, 'fetch failed');
        for (const { topic } of asked) this.#doubtful.add(topic);
        this.#troubles.set(self, messageOf(error));
        await sleep(delayMs);
        delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
        await this.#cluster.refresh().catch(() => undefined);
        // Its partitions may have gone to a broker that has no loop yet, and this loop ends when it leads none.
        this.#kick();
        // Tried again also while nobody takes what others have brought: the caller must hear that the broker is back.
        continue;
      }
      while (!this.#arrivals.isEmpty && !this.#closed) await this.#arrivals.waitAsFetcher();
    }
  }

  /** @throws StreamsError of `checkTopics`, which nobody can wait away; other errors while it is not known. */
  async #settleDoubts(asked: readonly ReadPosition[]): Promise<void> {
    const topics = [...new Set(asked.map(({ topic }) => topic))].filter((topic) => this.#doubtful.has(topic));
    if (topics.length === 0) return;
    await this.#checkTopics?.(topics);
    for (const topic of topics) this.#doubtful.delete(topic);
  }

  /** Decodes and queues an answer. True when a part of it is to be asked for again, perhaps of another leader. */
  #deliver(answer: readonly FetchedBytes[], asked: readonly ReadPosition[], epochs: readonly number[]): boolean {
    let mustAskAgain = false;
    let roomBytes = this.#unpackedBytes;
    for (const part of answer) {
      const index = asked.findIndex((p) => p.topic === part.topic && p.partition === part.partition);
      const position = asked[index];
      if (position === undefined || position.epoch !== epochs[index]) continue;
      const outOfRange = part.errorCode === CODE.OFFSET_OUT_OF_RANGE;
      const denied = asAccessDenied({ code: part.errorCode }, `reading the topic ${part.topic}`);
      if (denied !== undefined) throw denied;
      if (!outOfRange) position.refusedAtMs = undefined;
      else position.refusedAtMs ??= performance.now();
      const confirmed = performance.now() - (position.refusedAtMs ?? Infinity) >= this.#outOfRangeAfterMs;
      if (part.errorCode !== 0 && !confirmed) {
        // A held partition is not asked for, so nothing would report that the trouble is over.
        if (position.held) continue;
        mustAskAgain = true;
        this.#troubles.set(
          nameOf(position),
          `${nameOf(position)} cannot be read: the broker answers with error ${String(part.errorCode)}`,
        );
        continue;
      }
      this.#troubles.clear(nameOf(position));
      this.#troubles.clear(leaderOf(position));
      const { topic, partition, highWatermark, lastStableOffset, logStartOffset } = part;
      const ends: PartitionEnds = { highWatermark, lastStableOffset, logStartOffset };
      if (outOfRange) {
        position.stopped = true;
        this.#arrivals.add({ topic, partition, records: [], nextOffset: position.offset, ...ends, outOfRange });
        continue;
      }
      const decoded = this.#decoder.decode(part, position, roomBytes);
      if (decoded === undefined) {
        mustAskAgain = true;
        continue;
      }
      const { records, nextOffset, tooLarge, takenBytes } = decoded;
      if (tooLarge !== undefined && roomBytes === this.#unpackedBytes && takenBytes === 0)
        this.#decoder.startPieces(position, tooLarge, nextOffset, ends);
      roomBytes -= takenBytes;
      if (nextOffset > position.offset) {
        // To the end of the line: a broker fills an answer in the order asked, and the last of many would get nothing.
        this.#positions.delete(nameOf(position));
        this.#positions.set(nameOf(position), position);
      }
      position.offset = nextOffset;
      this.#arrivals.add({ topic, partition, records, nextOffset, ...ends, outOfRange });
    }
    if (!this.#arrivals.isEmpty) this.#arrivals.wakeCaller();
    return mustAskAgain;
  }

  /** Reads on in a batch that is too large to be decompressed at once. */
  async #deliverPiece(position: ReadPosition): Promise<void> {
    const { topic, partition, ends } = position;
    const piece = await this.#decoder.nextPiece(position);
    if (piece === undefined || ends === undefined) return;
    const { records, nextOffset } = piece;
    position.offset = nextOffset;
    this.#arrivals.add({ topic, partition, records, nextOffset, ...ends, outOfRange: false });
    this.#arrivals.wakeCaller();
  }

  #failWith(error: Error): void {
    this.#failure = error;
    this.wake();
  }
}

const METADATA = 'metadata';
function nameOf({ topic, partition }: TopicPartition): string {
  return topicPartition(topic, partition);
}

/** Its own source of trouble: over as soon as a leader is known, whatever that one answers. */
function leaderOf(position: TopicPartition): string {
  return `the leader of ${nameOf(position)}`;
}
