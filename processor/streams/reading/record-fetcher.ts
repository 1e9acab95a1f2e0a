import type { Logger } from '../logger.ts';
import { messageOf, RESET_REMEDY, StreamsError } from '../errors.ts';
import {
  fetchRequest,
  type decodeFetchResponse,
  type FetchedBytes,
  type FetchOptions,
} from '../kafka/fetch-protocol.ts';
import { READ_COMMITTED, type Broker } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { UnsupportedCompressionError } from '../kafka/compression.ts';
import { asAccessDenied, CODE } from '../kafka/kafka-errors.ts';
import { CorruptRecordError, UnsupportedRecordFormatError } from '../kafka/batch-errors.ts';
import { streamBatch, type RecordPiece } from '../kafka/batch-stream.ts';
import type { FetchedRecord } from '../kafka/fetched-record.ts';
import { decodeRecordSet, type DecodedRecordSet } from '../kafka/record-set.ts';
import { topicPartition, type TopicPartition } from '../kafka/topic-partition.ts';

/** What one fetch brought of one partition. `records` may be empty: the position and the end still say something. */
export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly FetchedRecord[];
  /** The position after these records, past transaction markers and compacted gaps. */
  readonly nextOffset: number;
  /** -1 when out of range, as are the two below: a broker that refuses a position does not say where the log is. */
  readonly highWatermark: number;
  /** End of what read_committed may see. */
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** The partition does not hold the position asked for; nothing is fetched until a new seek. */
  readonly outOfRange: boolean;
}

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

interface Position {
  readonly topic: string;
  readonly partition: number;
  offset: number;
  /** Raised by every seek: an answer to an older fetch is dropped. */
  epoch: number;
  stopped: boolean;
  /** The caller has enough of it for now. */
  held: boolean;
  /** Since when leaders say that they do not hold the offset, `performance.now()`. */
  refusedAt: number | undefined;
  /** How often in a row it has got bytes and no batch that could be read. */
  attempts: number;
  /** A batch that is read piece by piece: nothing is fetched until it has ended. */
  pieces: AsyncGenerator<RecordPiece> | undefined;
  /** As of the answer that the pieces come from. */
  ends: Pick<FetchedPartition, 'highWatermark' | 'lastStableOffset' | 'logStartOffset'> | undefined;
}

const UNPACKED_BYTES = 32 * 1024 * 1024;
/** What arrives damaged is asked for again: it may have happened on its way. */
const DAMAGED_ATTEMPTS = 3;
/**
 * An answer may end in a part of a batch; but a broker gives the partition that is asked for first at least one whole.
 */
const PARTIAL_ATTEMPTS = 50;
const OUT_OF_RANGE_AFTER_MS = 2_000;
const NOTHING_UNDER_WAY = { refusedAt: undefined, attempts: 0, pieces: undefined, ends: undefined } as const;
/** A partition that is released waits for the long poll of the others to end: that one is shorter while any is held. */
const HELD_WAIT_MS = 20;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1_000;
const DEFAULTS: FetchOptions = {
  maxWaitMs: 250,
  minBytes: 1,
  maxBytes: 16 * 1024 * 1024,
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
  readonly #onAway: ((away: boolean, reason: string) => void) | undefined;
  readonly #checkTopics: ((topics: readonly string[]) => Promise<void>) | undefined;
  /** A topic that is deleted and made anew between two fetches would be read on as if nothing had happened. */
  readonly #doubtful = new Set<string>();
  readonly #outOfRangeAfterMs: number;
  readonly #maxRecordBytes: (topic: string) => number | undefined;
  readonly #unpackedBytes: number;
  readonly #logger: Logger;
  readonly #positions = new Map<string, Position>();
  readonly #loops = new Map<number, Promise<void>>();
  #arrived: FetchedPartition[] = [];
  #wakeTaker: (() => void) | undefined;
  #wakeFetchers: (() => void)[] = [];
  #resolving: Promise<void> | undefined;
  #closed = false;
  #failure: Error | undefined;
  /** What is in the way, by broker or by partition: a broker that answers says nothing about the others. */
  readonly #troubles = new Map<string, string>();
  #told: string | undefined;

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
    this.#maxRecordBytes = maxRecordBytes;
    this.#unpackedBytes = unpackedBytes;
    this.#cluster = cluster;
    this.#logger = logger;
    this.#onAway = onAway;
    this.#checkTopics = checkTopics;
    this.#options = { ...DEFAULTS, ...options };
  }

  /** Starts, or moves, the reading of a partition. Answers of an earlier position are dropped from here on. */
  seek(topic: string, partition: number, offset: number): void {
    const key = topicPartition(topic, partition);
    const known = this.#positions.get(key);
    endPieces(known);
    if (known === undefined)
      this.#positions.set(key, {
        topic,
        partition,
        offset,
        epoch: 0,
        stopped: false,
        held: false,
        ...NOTHING_UNDER_WAY,
      });
    else Object.assign(known, { offset, epoch: known.epoch + 1, stopped: false, held: false, ...NOTHING_UNDER_WAY });
    this.#forget(topic, partition);
    this.#kick();
  }

  /**
   * Fetches no more of this partition until `release`; what is under way still arrives. Other partitions are read on.
   */
  hold(topic: string, partition: number): void {
    const position = this.#positions.get(nameOf({ topic, partition }));
    if (position === undefined) return;
    position.held = true;
    this.#clear(nameOf(position));
    this.#clear(leaderOf(position));
  }

  release(topic: string, partition: number): void {
    const position = this.#positions.get(nameOf({ topic, partition }));
    if (position === undefined || !position.held) return;
    position.held = false;
    if (!this.#loops.has(this.#leaderOf(position) ?? -1)) this.#kick();
  }

  remove(topic: string, partition: number): void {
    endPieces(this.#positions.get(nameOf({ topic, partition })));
    this.#positions.delete(nameOf({ topic, partition }));
    this.#forget(topic, partition);
    this.#clear(nameOf({ topic, partition }));
    this.#clear(leaderOf({ topic, partition }));
  }

  /**
   * What has arrived, or [] after `timeoutMs` or `wake`.
   * @throws StreamsError RECORDS_UNREADABLE, COMPRESSION_UNKNOWN: bytes that cannot be read must not be skipped;
   *   BROKER_ACCESS_DENIED.
   */
  async take(timeoutMs: number): Promise<readonly FetchedPartition[]> {
    if (this.#arrived.length === 0 && this.#failure === undefined && timeoutMs > 0 && !this.#closed) {
      await this.#untilWoken(timeoutMs);
    }
    if (this.#arrived.length === 0 && this.#failure !== undefined) throw this.#failure;
    const taken = this.#arrived;
    this.#arrived = [];
    this.#wakeAllFetchers();
    return taken;
  }

  /** Waits like `take`, and leaves what arrives where it is. */
  async pause(timeoutMs: number): Promise<void> {
    if (!this.#closed) await this.#untilWoken(timeoutMs);
  }

  /** Lets a waiting `take` or `pause` return now. */
  wake(): void {
    this.#wakeTaker?.();
  }

  /** Ends after the fetches under way have come back, at most `maxWaitMs` later. */
  async close(): Promise<void> {
    this.#closed = true;
    this.wake();
    this.#wakeAllFetchers();
    await Promise.allSettled([...this.#loops.values()]);
    for (const position of this.#positions.values()) endPieces(position);
  }

  async #untilWoken(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wakeTaker = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeTaker = undefined;
  }

  #forget(topic: string, partition: number): void {
    if (this.#arrived.length > 0)
      this.#arrived = this.#arrived.filter((f) => f.topic !== topic || f.partition !== partition);
  }

  #wakeAllFetchers(): void {
    const waiting = this.#wakeFetchers;
    this.#wakeFetchers = [];
    for (const wake of waiting) wake();
  }

  /** Sees to it that each leader of a wanted partition has a loop. */
  #kick(): void {
    this.#wakeAllFetchers();
    if (this.#resolving !== undefined || this.#closed) return;
    this.#resolving = this.#resolveLeaders().finally(() => {
      this.#resolving = undefined;
      if (!this.#closed && this.#wanted().some((p) => !this.#loops.has(this.#leaderOf(p) ?? -1))) this.#kick();
    });
  }

  #wanted(): Position[] {
    return [...this.#positions.values()].filter((p) => !p.stopped && !p.held);
  }

  #holdsOf(nodeId: number): boolean {
    for (const position of this.#positions.values())
      if (position.held && this.#leaderOf(position) === nodeId) return true;
    return false;
  }

  #leaderOf(position: Position): number | undefined {
    try {
      return this.#cluster.leader(position.topic, position.partition);
    } catch {
      return undefined;
    }
  }

  async #resolveLeaders(): Promise<void> {
    let delayMs = RETRY_MIN_MS;
    while (!this.#closed) {
      try {
        await this.#cluster.track([...new Set(this.#wanted().map((p) => p.topic))]);
        this.#clear(METADATA);
        let leaderless = false;
        for (const position of this.#wanted()) {
          const leader = this.#leaderOf(position);
          if (leader === undefined) {
            leaderless = true;
            this.#trouble(leaderOf(position), `${nameOf(position)} has no leader`);
            continue;
          }
          this.#clear(leaderOf(position));
          if (!this.#loops.has(leader)) this.#start(leader);
        }
        if (!leaderless) return;
        await this.#cluster.refresh();
      } catch (error) {
        if (error instanceof StreamsError) return this.#failWith(error);
        this.#trouble(METADATA, messageOf(error));
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
        this.#clear(self);
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
          this.#clear(self);
        }
        delayMs = RETRY_MIN_MS;
        for (const { topic, errorCode } of answer) if (errorCode !== 0) this.#doubtful.add(topic);
        if (answer.some(({ errorCode }) => errorCode === CODE.OFFSET_OUT_OF_RANGE)) await this.#settleDoubts(fetched);
        const misdirected = this.#deliver(answer, fetched, epochs);
        if (misdirected) {
          await sleep(RETRY_MIN_MS);
          await this.#cluster.refresh();
          this.#kick();
        }
      } catch (error) {
        if (this.#closed) return;
        if (error instanceof StreamsError) return this.#failWith(error);
        this.#logger.debug({ nodeId, error: messageOf(error) }, 'fetch failed');
        for (const { topic } of asked) this.#doubtful.add(topic);
        this.#trouble(self, messageOf(error));
        await sleep(delayMs);
        delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
        await this.#cluster.refresh().catch(() => undefined);
        // Its partitions may have gone to a broker that has no loop yet, and this loop ends when it leads none.
        this.#kick();
        // Tried again also while nobody takes what others have brought: that the broker is back must be told.
        continue;
      }
      while (this.#arrived.length > 0 && !this.#closed) {
        await new Promise<void>((resolve) => this.#wakeFetchers.push(resolve));
      }
    }
  }

  /** @throws StreamsError of `checkTopics`, which nobody can wait away; other errors while it is not known. */
  async #settleDoubts(asked: readonly Position[]): Promise<void> {
    const topics = [...new Set(asked.map(({ topic }) => topic))].filter((topic) => this.#doubtful.has(topic));
    if (topics.length === 0) return;
    await this.#checkTopics?.(topics);
    for (const topic of topics) this.#doubtful.delete(topic);
  }

  /** Decodes and queues an answer. True when a part of it is to be asked for again, perhaps of another leader. */
  #deliver(answer: readonly FetchedBytes[], asked: readonly Position[], epochs: readonly number[]): boolean {
    let misdirected = false;
    let roomBytes = this.#unpackedBytes;
    for (const part of answer) {
      const index = asked.findIndex((p) => p.topic === part.topic && p.partition === part.partition);
      const position = asked[index];
      if (position === undefined || position.epoch !== epochs[index]) continue;
      if (this.#positions.get(nameOf(part)) !== position) continue;
      const outOfRange = part.errorCode === CODE.OFFSET_OUT_OF_RANGE;
      const denied = asAccessDenied({ code: part.errorCode }, `reading the topic ${part.topic}`);
      if (denied !== undefined) throw denied;
      if (!outOfRange) position.refusedAt = undefined;
      else position.refusedAt ??= performance.now();
      const confirmed = performance.now() - (position.refusedAt ?? Infinity) >= this.#outOfRangeAfterMs;
      if (part.errorCode !== 0 && !confirmed) {
        // Nobody asks for it again before it is released, so nobody would say that the trouble is over.
        if (position.held) continue;
        misdirected = true;
        this.#trouble(
          nameOf(position),
          `${nameOf(position)} cannot be read: the broker answers with error ${String(part.errorCode)}`,
        );
        continue;
      }
      this.#clear(nameOf(position));
      this.#clear(leaderOf(position));
      if (outOfRange) position.stopped = true;
      const { topic, partition, highWatermark, lastStableOffset, logStartOffset } = part;
      const ends = { highWatermark, lastStableOffset, logStartOffset };
      if (outOfRange) {
        this.#arrived.push({ topic, partition, records: [], nextOffset: position.offset, ...ends, outOfRange });
        continue;
      }
      const decoded = this.#decode(part, position, roomBytes);
      if (decoded === undefined) {
        misdirected = true;
        continue;
      }
      if (decoded.tooLarge !== undefined && roomBytes === this.#unpackedBytes && decoded.takenBytes === 0) {
        position.pieces = streamBatch(Buffer.from(decoded.tooLarge), {
          topic,
          partition,
          fromOffset: decoded.nextOffset,
          maxRecordBytes: this.#maxRecordBytes(topic) ?? MOST_RECORD_BYTES,
        });
        position.ends = ends;
      }
      roomBytes -= decoded.takenBytes;
      if (decoded.nextOffset > position.offset) {
        // To the end of the line: a broker fills an answer in the order asked, and the last of many would get nothing.
        this.#positions.delete(nameOf(position));
        this.#positions.set(nameOf(position), position);
      }
      position.offset = decoded.nextOffset;
      this.#arrived.push({
        topic,
        partition,
        records: decoded.records,
        nextOffset: decoded.nextOffset,
        ...ends,
        outOfRange,
      });
    }
    if (this.#arrived.length > 0) this.wake();
    return misdirected;
  }

  /** Reads on in a batch that is too large to be unpacked at once. */
  async #deliverPiece(position: Position): Promise<void> {
    const { topic, partition, epoch, pieces, ends } = position;
    if (pieces === undefined || ends === undefined) return;
    const { done, value } = await pieces.next().catch((error: unknown) => {
      position.pieces = undefined;
      throw unreadable(position, error);
    });
    if (position.epoch !== epoch || this.#positions.get(nameOf(position)) !== position) return;
    if (done === true) {
      position.pieces = undefined;
      return;
    }
    // Without a limit nobody knows of records that are cut.
    const cut =
      this.#maxRecordBytes(topic) === undefined ? value.records.find((record) => record.cut !== undefined) : undefined;
    if (cut !== undefined)
      throw new StreamsError(
        'RECORDS_UNREADABLE',
        `${nameOf(position)} offset ${String(cut.offset)}: ${String(cut.unreadable?.message)}. ${UNREADABLE_REMEDY}`,
        { topic, partition: position.partition, offset: cut.offset, remedy: 'reset' },
      );
    position.offset = value.nextOffset;
    this.#arrived.push({
      topic,
      partition,
      records: value.records,
      nextOffset: value.nextOffset,
      ...ends,
      outOfRange: false,
    });
    this.wake();
  }

  /**
   * Undefined when it must be asked for again.
   * @throws StreamsError COMPRESSION_UNKNOWN, RECORDS_UNREADABLE
   */
  #decode(
    { topic, partition, recordSet, abortedTransactions }: FetchedBytes,
    position: Position,
    roomBytes: number,
  ): DecodedRecordSet | undefined {
    try {
      const maxRecordBytes = this.#maxRecordBytes(topic);
      const decoded = decodeRecordSet(recordSet, {
        topic,
        partition,
        fromOffset: position.offset,
        abortedTransactions,
        readCommitted: this.#options.isolationLevel === READ_COMMITTED,
        roomBytes,
        ...(maxRecordBytes === undefined ? {} : { maxRecordBytes }),
      });
      const isStuck = recordSet.length > 0 && decoded.nextOffset === position.offset && decoded.tooLarge === undefined;
      position.attempts = isStuck ? position.attempts + 1 : 0;
      if (position.attempts < PARTIAL_ATTEMPTS) return decoded;
      throw new CorruptRecordError(
        { topic, partition, offset: position.offset },
        `the broker answers ${String(recordSet.length)} bytes that hold no whole batch`,
      );
    } catch (error) {
      position.attempts += 1;
      const failure = unreadable(position, error);
      if (failure.code !== 'RECORDS_UNREADABLE' || position.attempts >= DAMAGED_ATTEMPTS) throw failure;
      this.#logger.warn(
        { topic, partition, error: messageOf(error) },
        'what was fetched cannot be read; asking for it again',
      );
      return undefined;
    }
  }

  #failWith(error: Error): void {
    this.#failure = error;
    this.wake();
  }

  #trouble(source: string, reason: string): void {
    this.#troubles.set(source, reason);
    this.#tellTrouble();
  }

  #clear(source: string): void {
    if (this.#troubles.delete(source)) this.#tellTrouble();
  }

  #tellTrouble(): void {
    const [reason] = this.#troubles.values();
    if (reason === this.#told) return;
    this.#told = reason;
    this.#onAway?.(reason !== undefined, reason ?? '');
  }
}

const METADATA = 'metadata';
/** Where no limit is set. */
const MOST_RECORD_BYTES = 256 * 1024 * 1024;
const UNREADABLE_REMEDY =
  `Nothing has been skipped. Mend the partition at the broker, from a replica that has it whole; if starting ` +
  `over is meant, ${RESET_REMEDY}`;

function unreadable(position: Position, error: unknown): StreamsError {
  if (error instanceof StreamsError) return error;
  const { topic, partition, offset } = position;
  if (error instanceof UnsupportedCompressionError) {
    return new StreamsError(
      'COMPRESSION_UNKNOWN',
      `${nameOf(position)} holds a batch behind offset ${String(position.offset)} that cannot be unpacked: ` +
        `${error.message}. Start a release that reads it; nothing is lost meanwhile`,
      { topic, partition, offset, cause: error },
    );
  }
  const isNamed = error instanceof CorruptRecordError || error instanceof UnsupportedRecordFormatError;
  return new StreamsError(
    'RECORDS_UNREADABLE',
    `${isNamed ? '' : `${nameOf(position)} behind offset ${String(position.offset)}: `}${messageOf(error)}. ` +
      `${UNREADABLE_REMEDY}`,
    {
      topic,
      partition,
      offset: error instanceof CorruptRecordError ? error.offset : offset,
      remedy: 'reset',
      cause: error,
    },
  );
}

function endPieces(position: Position | undefined): void {
  position?.pieces?.return(undefined).catch(() => undefined);
}

function nameOf({ topic, partition }: TopicPartition): string {
  return topicPartition(topic, partition);
}

/** Its own source of trouble: over as soon as a leader is known, whatever that one answers. */
function leaderOf(position: TopicPartition): string {
  return `the leader of ${nameOf(position)}`;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
