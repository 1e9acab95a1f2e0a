import { streamBatch, type RecordPiece } from '../kafka/batch-stream.ts';
import { CorruptRecordError, UnsupportedRecordFormatError } from '../kafka/batch-errors.ts';
import { UnsupportedCompressionError } from '../kafka/compression.ts';
import type { FetchedBytes } from '../kafka/fetch-protocol.ts';
import { decodeRecordSet, type DecodedRecordSet } from '../kafka/record-set.ts';
import { recordPlace, topicPartition } from '../kafka/topic-partition.ts';
import { messageOf, RESET_REMEDY, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { PartitionEnds } from './fetched-partition.ts';
import { endPieces, type ReadPosition } from './read-position.ts';

/** Bytes that arrive damaged are asked for again: it may have happened on their way. */
const DAMAGED_ATTEMPTS = 3;
/**
 * An answer may end in a part of a batch; but a broker gives the partition that is asked for first at least one whole.
 */
const PARTIAL_ATTEMPTS = 50;
/** The largest record that is read whole where no limit is set. */
const MOST_RECORD_BYTES = 256 * 1024 * 1024;
const UNREADABLE_REMEDY =
  `Nothing has been skipped. Mend the partition at the broker, from a replica that has it whole; if starting ` +
  `over is meant, ${RESET_REMEDY}`;

/** Decodes the answers for partitions, and decides what bytes that cannot be read mean. */
export class AnswerDecoder {
  readonly #readCommitted: boolean;
  readonly #maxRecordBytes: (topic: string) => number | undefined;
  readonly #logger: Logger;

  constructor(options: {
    readonly readCommitted: boolean;
    /** By topic: a larger record comes cut. */
    readonly maxRecordBytes: (topic: string) => number | undefined;
    readonly logger: Logger;
  }) {
    this.#readCommitted = options.readCommitted;
    this.#maxRecordBytes = options.maxRecordBytes;
    this.#logger = options.logger;
  }

  /**
   * Undefined when the partition must be asked for again.
   * @param roomBytes how much memory decompressed batches may take.
   * @throws StreamsError COMPRESSION_UNKNOWN, RECORDS_UNREADABLE
   */
  decode(
    { topic, partition, recordSet, abortedTransactions }: FetchedBytes,
    position: ReadPosition,
    roomBytes: number,
  ): DecodedRecordSet | undefined {
    try {
      const maxRecordBytes = this.#maxRecordBytes(topic);
      const decoded = decodeRecordSet(recordSet, {
        topic,
        partition,
        fromOffset: position.offset,
        abortedTransactions,
        readCommitted: this.#readCommitted,
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

  /** From now on the position is read in pieces of this batch, which is too large to be decompressed at once. */
  startPieces(position: ReadPosition, batch: Buffer, fromOffset: number, ends: PartitionEnds): void {
    const { topic, partition } = position;
    const maxRecordBytes = this.#maxRecordBytes(topic) ?? MOST_RECORD_BYTES;
    // A copy: the answer that the batch lies in is much larger.
    position.pieces = streamBatch(Buffer.from(batch), { topic, partition, fromOffset, maxRecordBytes });
    position.ends = ends;
  }

  /**
   * The next piece of the batch that the position is in; undefined when it has ended, or when there was a seek
   * meanwhile.
   * @throws StreamsError COMPRESSION_UNKNOWN, RECORDS_UNREADABLE
   */
  async nextPiece(position: ReadPosition): Promise<RecordPiece | undefined> {
    const { topic, partition, epoch, pieces } = position;
    if (pieces === undefined) return undefined;
    const { done, value } = await pieces.next().catch((error: unknown) => {
      position.pieces = undefined;
      throw unreadable(position, error);
    });
    if (position.epoch !== epoch) return undefined;
    if (done === true) {
      position.pieces = undefined;
      return undefined;
    }
    // Without a limit the caller does not know of records that are cut.
    const cut =
      this.#maxRecordBytes(topic) === undefined ? value.records.find((record) => record.cut !== undefined) : undefined;
    if (cut === undefined) return value;
    endPieces(position);
    throw new StreamsError(
      'RECORDS_UNREADABLE',
      `${recordPlace(cut)}: ${String(cut.unreadable?.message)}. ${UNREADABLE_REMEDY}`,
      { topic, partition, offset: cut.offset, remedy: 'reset' },
    );
  }
}

function unreadable({ topic, partition, offset }: ReadPosition, error: unknown): StreamsError {
  if (error instanceof StreamsError) return error;
  const name = topicPartition(topic, partition);
  if (error instanceof UnsupportedCompressionError)
    return new StreamsError(
      'COMPRESSION_UNKNOWN',
      `${name} holds a batch behind offset ${String(offset)} that cannot be unpacked: ${error.message}. Start a ` +
        `release that reads it; nothing is lost meanwhile`,
      { topic, partition, offset, cause: error },
    );
  const isNamed = error instanceof CorruptRecordError || error instanceof UnsupportedRecordFormatError;
  return new StreamsError(
    'RECORDS_UNREADABLE',
    `${isNamed ? '' : `${name} behind offset ${String(offset)}: `}${messageOf(error)}. ${UNREADABLE_REMEDY}`,
    {
      topic,
      partition,
      offset: error instanceof CorruptRecordError ? error.offset : offset,
      remedy: 'reset',
      cause: error,
    },
  );
}
