import { READ_COMMITTED } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { RecordFetcher, type FetchCluster } from '../reading/record-fetcher.ts';
import { untilBrokerAnswers } from '../kafka/until-broker-answers.ts';
import { RESET_REMEDY, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { OffsetMap } from '../store/state-store.ts';
import type { OutgoingRecord } from '../writing/streams-producer.ts';
import { recordPlace, topicPartition, type TopicPartition } from '../kafka/topic-partition.ts';

/*
 * Where each task's input stands, kept by the application itself: a row in the very transaction that commits the
 * offsets. The group's offsets can be moved, deleted or expire, and a task without a store has nothing else to compare
 * them with (docs/decisions/0014-offsets-are-kept-twice.md).
 */

/** Where a task's row is: a partition of its own, so that no other task's open transaction hides it. */
export interface KeptOffsetsPlace extends TopicPartition {
  /** The task's id. */
  readonly key: string;
}

/** What a read needs of a KafkaCluster. */
interface KeptOffsetsCluster extends FetchCluster, Pick<KafkaCluster, 'offsetRange'> {}

/** A row and its marker are two offsets: the newest row is nearly always among so many. */
const TAIL_OFFSETS = 64;
const TAIL_GROWTH = 32;
const TAKE_TIMEOUT_MS = 250;
const LAST_POLL_MS = 5;
/** An end that is not reached for so long is asked for again: a broker that died may have lost what it had told. */
const ASK_AGAIN_MS = 1_000;

/** The row that says where the input stands with this commit; `undefined`: it takes an older one back. */
export function keptOffsetsRecord(
  { topic, partition, key }: KeptOffsetsPlace,
  offsets: OffsetMap | undefined,
): OutgoingRecord {
  return {
    topic,
    partition,
    key: Buffer.from(key),
    value: offsets === undefined ? null : Buffer.from(JSON.stringify(Object.fromEntries(offsets))),
  };
}

/**
 * Where the task's input stood with its newest commit, by `topic-partition`; undefined when nothing is kept. Final
 * after the fence. Read from behind: the topic holds a row for each commit that is not compacted yet.
 * `onUnanswered` is told of each time that no broker answers, and with undefined when one does after that.
 * @throws StreamsError INTERNAL_TOPIC_INVALID for a row that no release has written.
 */
export async function readKeptOffsets(
  cluster: KeptOffsetsCluster,
  place: KeptOffsetsPlace,
  signal: AbortSignal,
  logger: Logger,
  onUnanswered?: (error: unknown) => void,
): Promise<OffsetMap | undefined> {
  const { topic, partition } = place;
  await untilBrokerAnswers(signal, () => cluster.track([topic]), undefined, onUnanswered);
  const { first, end } = await untilBrokerAnswers(
    signal,
    () => cluster.offsetRange(topic, partition, READ_COMMITTED),
    () => cluster.refresh(),
    onUnanswered,
  );
  // The broker never moves the start of a compacted topic.
  if (first > 0)
    throw new StreamsError(
      'INTERNAL_TOPIC_INVALID',
      `${topicPartition(topic, partition)} begins at offset ${String(first)}: its first records were deleted, ` +
        `and with them what it says of the input of task ${place.key}. If starting over is meant, ${RESET_REMEDY}`,
      { taskId: place.key, topic, partition, remedy: 'reset' },
    );
  for (let span = TAIL_OFFSETS; end > 0; span *= TAIL_GROWTH) {
    const from = Math.max(0, end - span);
    const newest = await newestRow(cluster, place, { from, end, signal, logger, onUnanswered });
    if (newest !== undefined) return newest.value === null ? undefined : decodeRow(place, newest.offset, newest.value);
    if (from === 0) return undefined;
  }
  return undefined;
}

async function newestRow(
  cluster: KeptOffsetsCluster,
  { topic, partition, key: wanted }: KeptOffsetsPlace,
  {
    from,
    end: toldEnd,
    signal,
    logger,
    onUnanswered,
  }: {
    readonly from: number;
    readonly end: number;
    readonly signal: AbortSignal;
    readonly logger: Logger;
    readonly onUnanswered: ((error: unknown) => void) | undefined;
  },
): Promise<{ offset: number; value: Buffer | null } | undefined> {
  const fetcher = new RecordFetcher(cluster, logger, {
    maxWaitMs: LAST_POLL_MS,
    onAway: (away, reason) => onUnanswered?.(away ? new Error(reason) : undefined),
  });
  try {
    let newest: { offset: number; value: Buffer | null } | undefined;
    fetcher.seek(topic, partition, from);
    let end = toldEnd;
    let movedAt = performance.now();
    for (let position = from; position < end;) {
      signal.throwIfAborted();
      if (performance.now() - movedAt > ASK_AGAIN_MS) {
        const range = await untilBrokerAnswers(
          signal,
          () => cluster.offsetRange(topic, partition, READ_COMMITTED),
          () => cluster.refresh(),
          onUnanswered,
        );
        end = Math.min(end, range.end);
        movedAt = performance.now();
      }
      for (const part of await fetcher.take(TAKE_TIMEOUT_MS)) {
        if (part.outOfRange)
          throw new StreamsError(
            'INTERNAL_TOPIC_INVALID',
            `the topic ${topic} lost records of partition ${String(partition)} while they were read; it must ` +
              `not be truncated or deleted while the application runs`,
            { topic, partition },
          );
        for (const { key, value, offset } of part.records)
          if (key?.toString() === wanted) newest = { offset: Number(offset), value };
        if (part.nextOffset > position) movedAt = performance.now();
        position = part.nextOffset;
      }
    }
    return newest;
  } finally {
    await fetcher.close();
  }
}

function decodeRow({ topic, partition, key }: KeptOffsetsPlace, offset: number, value: Buffer): OffsetMap {
  const entries = entriesOf(value.toString('utf8'));
  if (entries !== undefined) return new Map(entries);
  throw new StreamsError(
    'INTERNAL_TOPIC_INVALID',
    `${recordPlace({ topic, partition, offset })} does not say where the input of task ${key} ` +
      `stands: somebody else has written it. Nobody but the application may write to this topic; take the record ` +
      `back (a record with the key ${key} and no value: offsets are then not compared at the next start) or, if ` +
      `starting over is meant, ${RESET_REMEDY}`,
    { taskId: key, topic, partition, offset, remedy: 'reset' },
  );
}

function entriesOf(text: string): [string, number][] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const entries = Object.entries(parsed);
  return entries.every((entry): entry is [string, number] => Number.isSafeInteger(entry[1]) && Number(entry[1]) >= 0)
    ? entries
    : undefined;
}
