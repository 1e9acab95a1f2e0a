import { CompressionCodec } from '../consumer/compression.ts';
import type { KafkaCluster, TransactionIdentity } from '../consumer/kafka-cluster.ts';
import { LeaderNotKnownError } from '../consumer/kafka-cluster.ts';
import { asAccessDenied, CODE, hasCode } from '../consumer/kafka-errors.ts';
import { messageOf, StreamsError } from '../errors.ts';
import type { OffsetMap } from '../store/state-store.ts';
import { encodeBatch, type RecordToSend } from './batch-encoder.ts';
import { produceRequest, type ProduceResponse } from './produce-protocol.ts';
import { topicPartition, type OutgoingRecord } from './streams-producer.ts';

/** One batch of one partition; a broker refuses batches over `max.message.bytes` (1 MiB by default). */
const MAX_BATCH_BYTES = 700_000;
const RECORD_OVERHEAD_BYTES = 64;
const HEADER_OVERHEAD_BYTES = 8;
const PRODUCE_TIMEOUT_MS = 20_000;
const ACKS_ALL = -1;
/** In the place of producer id, epoch and sequence where there is no producer to know by. */
const NO_PRODUCER = -1;

interface PartitionBatches {
  readonly topic: string;
  readonly partition: number;
  readonly batches: RecordToSend[][];
}

/** Groups records by partition, in order, in batches a broker accepts. A single record may still be over the limit. */
export function toPartitionBatches(records: readonly OutgoingRecord[]): PartitionBatches[] {
  const groups = new Map<string, PartitionBatches & { bytes: number }>();
  for (const record of records) {
    const name = topicPartition(record.topic, record.partition);
    let group = groups.get(name);
    if (group === undefined) {
      group = { topic: record.topic, partition: record.partition, batches: [[]], bytes: 0 };
      groups.set(name, group);
    }
    const bytes = sizeOf(record);
    let batch = group.batches.at(-1) as RecordToSend[];
    if (batch.length > 0 && group.bytes + bytes > MAX_BATCH_BYTES) {
      batch = [];
      group.batches.push(batch);
      group.bytes = 0;
    }
    group.bytes += bytes;
    batch.push(record);
  }
  return [...groups.values()];
}

function sizeOf({ key, value, headers }: Pick<OutgoingRecord, 'key' | 'value' | 'headers'>): number {
  const ofHeaders = headers === undefined ? 0 : headers.reduce((sum, [name, content]) => sum + HEADER_OVERHEAD_BYTES + Buffer.byteLength(name) + (content?.length ?? 0), 0);
  return RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders;
}

/** Alone in its batch, and perhaps too large for its topic as it is. */
function isOversized(messages: readonly RecordToSend[]): boolean {
  const [only, ...more] = messages;
  return only !== undefined && more.length === 0 && sizeOf(only) > MAX_BATCH_BYTES;
}

/** What sending needs of a KafkaCluster. */
export type ProduceCluster = Pick<KafkaCluster, 'leader' | 'broker'>;

export interface ProduceIdentity {
  readonly identity: TransactionIdentity | undefined;
  /** Next sequence number per `topic-partition`; advanced here, and wrong for ever after a failure. */
  readonly sequences: Map<string, number>;
}

const MAX_SEQUENCE = 0x7fffffff;

/**
 * Sends everything, one round of requests per batch number, and awaits every ack. Any failure is indefinite.
 * @throws StreamsError RECORD_TOO_LARGE or BROKER_ACCESS_DENIED naming the topics; else what kafkajs throws.
 */
export async function produce(cluster: ProduceCluster, records: readonly OutgoingRecord[], who: ProduceIdentity): Promise<OffsetMap> {
  const nextOffsets = new Map<string, number>();
  const partitions = toPartitionBatches(records);
  for (let round = 0; ; round += 1) {
    const sending = partitions.filter((p) => p.batches.length > round);
    if (sending.length === 0) return nextOffsets;
    const byLeader = new Map<number, PartitionBatches[]>();
    for (const part of sending) {
      const leader = cluster.leader(part.topic, part.partition);
      if (leader === undefined) throw new LeaderNotKnownError(part.topic, part.partition);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), part]);
    }
    await Promise.all([...byLeader].map(([leader, parts]) => produceTo(cluster, leader, parts, round, who, nextOffsets)));
  }
}

async function produceTo(cluster: ProduceCluster, leader: number, parts: readonly PartitionBatches[], round: number, who: ProduceIdentity, nextOffsets: Map<string, number>): Promise<void> {
  const broker = await cluster.broker(leader);
  // A dead letter may have come out of a batch that a producer had packed to a thousandth of its size.
  const oversized = parts.filter(({ batches }) => isOversized(batches[round] ?? [])).map(({ topic }) => topic);
  const of = {
    timestampMs: Date.now(),
    producerId: BigInt(who.identity?.producerId ?? NO_PRODUCER),
    producerEpoch: who.identity?.producerEpoch ?? NO_PRODUCER,
    isTransactional: who.identity !== undefined,
    codec: oversized.length > 0 ? CompressionCodec.gzip : CompressionCodec.none,
  };
  const topics = new Map<string, { partition: number; batch: Buffer }[]>();
  const sent = new Map<string, number>();
  for (const { topic, partition, batches } of parts) {
    const name = topicPartition(topic, partition);
    const messages = batches[round] ?? [];
    const firstSequence = who.identity === undefined ? NO_PRODUCER : (who.sequences.get(name) ?? 0);
    who.sequences.set(name, nextSequence(Math.max(0, firstSequence), messages.length));
    sent.set(name, messages.length);
    const partitions = topics.get(topic) ?? [];
    partitions.push({ partition, batch: encodeBatch({ ...of, records: messages, firstSequence }) });
    topics.set(topic, partitions);
  }
  const request = produceRequest({
    transactionalId: who.identity?.transactionalId ?? null,
    acks: ACKS_ALL,
    timeoutMs: PRODUCE_TIMEOUT_MS,
    topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
  });
  const answer = (await broker.connectionPool.send(request).catch((error: unknown) => {
    if (!hasCode(error, CODE.MESSAGE_TOO_LARGE)) throw asAccessDenied(error, `writing to ${[...topics.keys()].join(', ')}`) ?? error;
    const named = [...new Set(oversized.length > 0 ? oversized : topics.keys())].join(', ');
    throw new StreamsError('RECORD_TOO_LARGE', `a record for ${named} is larger than the topic takes: raise its max.message.bytes (${messageOf(error)})`, { cause: error });
  })) as ProduceResponse;
  for (const { topicName, partitions } of answer.topics) {
    for (const { partition, baseOffset } of partitions) {
      const name = topicPartition(topicName, partition);
      nextOffsets.set(name, Number(baseOffset) + (sent.get(name) ?? 0));
    }
  }
}

/** Sequence numbers wrap from 2^31 - 1 to 0 (KIP-98). */
function nextSequence(first: number, count: number): number {
  const next = first + count;
  return next > MAX_SEQUENCE ? next - MAX_SEQUENCE - 1 : next;
}
