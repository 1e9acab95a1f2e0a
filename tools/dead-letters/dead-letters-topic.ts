import { createHash } from 'node:crypto';
import { type HeaderList, topicPartition } from '@tributary/streams';
import {
  CODE,
  CUT_HEADERS,
  DEAD_LETTER_HEADERS,
  type FetchedRecord,
  hasCode,
  isCut,
  type KafkaCluster,
  originalHeaders,
  READ_COMMITTED,
  RecordFetcher,
} from '@tributary/streams/operations';
import { silentLogger } from '../command-line/command-line.ts';
import { UserError } from '../command-line/user-error.ts';

/** The compacted topic that remembers which dead letters were redriven. */
export function redrivenTopic(deadLetterTopic: string): string {
  return `${deadLetterTopic}-redriven`;
}

/** A record of the dead-letter topic. Its bytes are views: they hold only until the next record is read. */
export interface DeadLetter {
  /** `partition:offset` in the dead-letter topic. */
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  /** When it was dead-lettered, epoch milliseconds. */
  readonly timestampMs: number;
  /** Null where the headers do not say it: some other program wrote this record. */
  readonly origin: Origin | null;
  /** Empty where the headers do not say it. */
  readonly reason: string;
  readonly message: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Without those that say why and whence. */
  readonly headers: HeaderList;
  /** The codec that its record came packed with. */
  readonly codec: number;
  /** Of a letter that holds a part of its record only; null where it holds all of it. */
  readonly cut: CutLetter | null;
}

/** What the whole was. Undefined where that part is whole. */
export interface CutLetter {
  readonly valueBytes: number | undefined;
  readonly valueSha256: string | undefined;
  readonly keySha256: string | undefined;
}

export interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export function deadLetterOf(record: FetchedRecord): DeadLetter {
  const { partition, offset, timestampMs, key, value, headers, headerList, codec } = record;
  const text = (name: string): string => headers[name]?.toString('utf8') ?? '';
  const wholeNumber = (name: string): number => (/^\d{1,15}$/.test(text(name)) ? Number(text(name)) : NaN);
  const origin = {
    topic: text(DEAD_LETTER_HEADERS.topic),
    partition: wholeNumber(DEAD_LETTER_HEADERS.partition),
    offset: wholeNumber(DEAD_LETTER_HEADERS.offset),
  };
  const isWhole = origin.topic !== '' && !Number.isNaN(origin.partition) && !Number.isNaN(origin.offset);
  return {
    id: `${String(partition)}:${String(offset)}`,
    partition,
    offset,
    timestampMs,
    origin: isWhole ? origin : null,
    reason: text(DEAD_LETTER_HEADERS.reason),
    message: text(DEAD_LETTER_HEADERS.message),
    key,
    value,
    headers: originalHeaders(headerList),
    codec,
    cut: isCut(headerList)
      ? {
          valueBytes: Number(text(CUT_HEADERS.valueBytes)) || undefined,
          valueSha256: text(CUT_HEADERS.valueSha256) || undefined,
          keySha256: text(CUT_HEADERS.keySha256) || undefined,
        }
      : null,
  };
}

/**
 * A letter that holds a part of its record, made whole from where that record lies. Undefined when it lies there no
 * more, or what lies there is another one.
 */
export async function wholeLetter(cluster: KafkaCluster, letter: DeadLetter): Promise<DeadLetter | undefined> {
  const { cut, origin } = letter;
  if (cut === null) return letter;
  if (origin === null) return undefined;
  let whole: DeadLetter | undefined;
  await scanTopic(
    cluster,
    origin.topic,
    ({ offset, key, value, headerList, codec }) => {
      const isSame =
        offset === origin.offset &&
        [
          [cut.valueSha256, value],
          [cut.keySha256, key],
        ].every(
          ([wanted, bytes]) =>
            wanted === undefined ||
            (Buffer.isBuffer(bytes) && createHash('sha256').update(bytes).digest('hex') === wanted),
        );
      if (isSame) whole = { ...letter, key, value, headers: headerList, codec, cut: null };
    },
    { only: { partition: origin.partition, offset: origin.offset } },
  );
  return whole;
}

/**
 * The key under which a redrive of this dead letter is remembered. The time is part of it: in a topic that was deleted
 * and made anew another record has the same offset.
 */
export function markerKey({
  partition,
  offset,
  timestampMs,
}: Pick<DeadLetter, 'partition' | 'offset' | 'timestampMs'>): string {
  return `${String(partition)}:${String(offset)}@${String(timestampMs)}`;
}

/** When each dead letter was redriven, RFC 3339, by marker key. */
export async function readMarkers(cluster: KafkaCluster, deadLetterTopic: string): Promise<Map<string, string>> {
  const markers = new Map<string, string>();
  await scanTopic(cluster, redrivenTopic(deadLetterTopic), ({ key, timestampMs }) => {
    if (key !== null) markers.set(key.toString('utf8'), new Date(timestampMs).toISOString());
  });
  return markers;
}

const TAKE_TIMEOUT_MS = 250;
const STUCK_AFTER_MS = 30_000;

export interface ScanOptions {
  /** The ends that an earlier scan answered: go no further. */
  readonly upTo?: readonly number[];
  /** This record alone. */
  readonly only?: { readonly partition: number; readonly offset: number };
}

/**
 * Reads the committed records of a topic in the order of each partition, from the first to the end it has now. Answers
 * the ends.
 * @throws UserError when the topic does not exist or cannot be read on
 */
export async function scanTopic(
  cluster: KafkaCluster,
  topic: string,
  onRecord: (record: FetchedRecord) => void | Promise<void>,
  { upTo, only }: ScanOptions = {},
): Promise<readonly number[]> {
  await cluster.track([topic]).catch((error: unknown) => {
    if (hasCode(error, CODE.UNKNOWN_TOPIC_OR_PARTITION))
      throw new UserError('TOPIC_MISSING', `the topic ${topic} does not exist`);
    throw error;
  });
  const ranges = await Promise.all(
    Array.from({ length: cluster.partitionCount(topic) }, (_, partition) =>
      cluster.offsetRange(topic, partition, READ_COMMITTED),
    ),
  );
  const ends = ranges.map(({ end }, partition) =>
    Math.min(end, upTo?.[partition] ?? end, only === undefined ? end : only.offset + 1),
  );
  const positions = ranges.map(({ first, end }, partition) =>
    only === undefined ? first : only.partition === partition ? Math.max(first, only.offset) : end,
  );
  const fetcher = new RecordFetcher(cluster, silentLogger, { maxWaitMs: 100 });
  try {
    const isBehind = (partition: number): boolean => (positions[partition] as number) < (ends[partition] as number);
    for (const [partition, position] of positions.entries())
      if (isBehind(partition)) fetcher.seek(topic, partition, position);
    let movedAt = performance.now();
    while (positions.some((_, partition) => isBehind(partition))) {
      for (const { partition, records, nextOffset, outOfRange } of await fetcher.take(TAKE_TIMEOUT_MS)) {
        if (outOfRange)
          throw new UserError(
            'TOPIC_CHANGED',
            `records of ${topicPartition(topic, partition)} were deleted while it was read: try again`,
          );
        for (const record of records) if (record.offset < (ends[partition] as number)) await onRecord(record);
        positions[partition] = nextOffset;
        if (!isBehind(partition)) fetcher.remove(topic, partition);
        movedAt = performance.now();
      }
      if (performance.now() - movedAt > STUCK_AFTER_MS)
        throw new UserError('TOPIC_STUCK', `${topic} could not be read on for ${String(STUCK_AFTER_MS / 1_000)} s`);
    }
    return ends;
  } finally {
    await fetcher.close();
  }
}
