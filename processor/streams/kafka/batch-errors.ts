import { UnsupportedCompressionError } from './compression.ts';
import { topicPartition, type TopicPartition } from './topic-partition.ts';

/** A partition and the base offset of a batch in it. */
export interface BatchPlace extends TopicPartition {
  readonly offset: number;
}

/**
 * Bytes of a record batch that cannot be what a producer sent: a wrong checksum, a length that leaves its frame, or
 * a compressed block that does not unpack. Reading on would skip or invent records, so the reader must stop.
 */
export class CorruptRecordError extends Error {
  override readonly name = 'CorruptRecordError';
  readonly code = 'CORRUPT_RECORD';
  readonly topic: string;
  readonly partition: number;
  /** Base offset of the damaged batch. */
  readonly offset: number;

  constructor(where: BatchPlace, what: string, options?: ErrorOptions) {
    super(`${topicPartition(where.topic, where.partition)}, batch at offset ${where.offset}: ${what}`, options);
    this.topic = where.topic;
    this.partition = where.partition;
    this.offset = where.offset;
  }
}

/** A record set in a format that this release does not know. */
export class UnsupportedRecordFormatError extends Error {
  override readonly name = 'UnsupportedRecordFormatError';
  readonly code = 'UNSUPPORTED_RECORD_FORMAT';

  constructor(where: BatchPlace, magic: number) {
    super(
      `${topicPartition(where.topic, where.partition)}, offset ${where.offset}: record format ${magic} is unknown; ` +
        `this client reads 0, 1 and 2`,
    );
  }
}

/** What to throw when the records of a batch could not be decompressed or decoded. */
export function decompressionFailed(error: unknown, where: BatchPlace): unknown {
  if (error instanceof UnsupportedCompressionError || error instanceof CorruptRecordError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new CorruptRecordError(where, `the compressed records do not unpack: ${why}`, { cause: error });
}
