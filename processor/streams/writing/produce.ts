import { CompressionCodec } from '../kafka/compression.ts';
import type { TransactionIdentity } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { asAccessDenied, CODE, isConnectionCut, refusal, LeaderNotKnownError } from '../kafka/kafka-errors.ts';
import { dateText } from '../date-text.ts';
import { messageOf, StreamsError } from '../errors.ts';
import type { OffsetMap } from '../store/state-store.ts';
import { encodeBatch, type BatchToSend } from '../kafka/batch-encoder.ts';
import { shorterLetter } from './dead-letter.ts';
import { ProduceLimits } from './produce-limits.ts';
import { produceRequest, type ProduceResponse } from '../kafka/produce-protocol.ts';
import type { OutgoingRecord, RefuseRecord } from './streams-producer.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

const RECORD_OVERHEAD_BYTES = 64;
const BATCH_OVERHEAD_BYTES = 64;
const HEADER_OVERHEAD_BYTES = 8;
const PRODUCE_TIMEOUT_MS = 20_000;
const ACKS_ALL = -1;
/** In the place of producer id, epoch and sequence where there is no producer to know by. */
const NO_PRODUCER = -1;

/** Records that go together; packed when they are one record that is, or may be, too large as it is. */
interface Batch {
  readonly records: readonly OutgoingRecord[];
  readonly codec: number;
}

interface PartitionBatches {
  readonly topic: string;
  readonly partition: number;
  /** In order, the next one first. */
  readonly batches: Batch[];
}

interface PartitionGroup {
  readonly topic: string;
  readonly partition: number;
  readonly batches: OutgoingRecord[][];
  /** Of the last batch. */
  bytes: number;
  readonly limit: number;
}

/** Groups records by partition, in order, in batches a broker accepts. A single record may still be over the limit. */
export function toPartitionBatches(
  records: readonly OutgoingRecord[],
  limits: ProduceLimits = new ProduceLimits(),
): PartitionBatches[] {
  const groups: PartitionGroup[] = [];
  const ofTopics = new Map<string, Map<number, PartitionGroup>>();
  let lastTopic: string | undefined;
  let ofTopic = new Map<number, PartitionGroup>();
  for (const record of records) {
    const { topic, partition } = record;
    // Mostly that of the record before, unlike the partition of a record by its key.
    if (topic !== lastTopic) {
      lastTopic = topic;
      ofTopic = ofTopics.get(topic) ?? new Map<number, PartitionGroup>();
      ofTopics.set(topic, ofTopic);
    }
    let group = ofTopic.get(partition);
    if (group === undefined) {
      group = { topic, partition, batches: [[]], bytes: 0, limit: limits.batchBytes(topic) };
      ofTopic.set(partition, group);
      groups.push(group);
    }
    const bytes = sizeOf(record);
    let batch = group.batches.at(-1) as OutgoingRecord[];
    if (batch.length > 0 && group.bytes + bytes > group.limit) {
      batch = [];
      group.batches.push(batch);
      group.bytes = 0;
    }
    group.bytes += bytes;
    batch.push(record);
  }
  return groups.map(({ topic, partition, batches, limit }) => ({
    topic,
    partition,
    // A dead letter may have come out of a batch that a producer had packed to a thousandth of its size.
    batches: batches.map((batch) => ({
      records: batch,
      codec:
        batch.length === 1 && sizeOf(batch[0] as OutgoingRecord) > limit
          ? packingOf(batch[0] as OutgoingRecord)
          : CompressionCodec.none,
    })),
  }));
}

function sizeOf(record: Pick<OutgoingRecord, 'key' | 'value' | 'headers' | 'row'>): number {
  const { row } = record;
  if (row !== undefined) {
    const { keyBytes, valueBytes, header } = row;
    const ofHeader = header === undefined ? 0 : HEADER_OVERHEAD_BYTES + header.name.length + header.contentBytes;
    return RECORD_OVERHEAD_BYTES + keyBytes + Math.max(0, valueBytes) + ofHeader;
  }
  const { key, value, headers } = record;
  const ofHeaders =
    headers === undefined
      ? 0
      : headers.reduce(
          (sum, [name, content]) => sum + HEADER_OVERHEAD_BYTES + Buffer.byteLength(name) + (content?.length ?? 0),
          0,
        );
  return RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders;
}

/** What fitted into its topic with one codec may fit with no other. */
function packingOf({ codec }: OutgoingRecord): number {
  return codec === undefined || codec === CompressionCodec.none ? CompressionCodec.gzip : codec;
}

/** What sending needs of a KafkaCluster. */
export type ProduceCluster = Pick<KafkaCluster, 'leader' | 'broker'>;

interface ProduceIdentity {
  readonly identity: TransactionIdentity | undefined;
  /** Next sequence number per `topic-partition`; advanced here, and wrong for ever after a failure. */
  readonly sequences: Map<string, number>;
  /** By default limits that are not shared. */
  readonly limits?: ProduceLimits;
  /** Called for a record that its topic does not take, whatever is done; it is left out when this comes back. */
  readonly onRefused?: OnRefused;
}

type OnRefused = (record: OutgoingRecord, error: StreamsError) => void;

const throwIt: OnRefused = (_record, error) => {
  throw error;
};

const MAX_SEQUENCE = 0x7fffffff;

/**
 * Sends everything, in rounds of one batch a partition, and awaits every ack. A batch that its topic does not take is
 * split and sent again: it was refused without effect. Any other failure is indefinite.
 * @throws StreamsError RECORD_TOO_LARGE, RECORD_TIME_REFUSED or BROKER_ACCESS_DENIED naming the topics; else what
 * kafkajs throws.
 */
export async function produce(
  cluster: ProduceCluster,
  records: readonly OutgoingRecord[],
  { identity, sequences, limits = new ProduceLimits(), onRefused = throwIt }: ProduceIdentity,
): Promise<OffsetMap> {
  const nextOffsets = new Map<string, number>();
  const who = { identity, sequences, limits, onRefused };
  const partitions = toPartitionBatches(records, limits);
  for (;;) {
    const sending = partitions.filter(({ batches }) => batches.length > 0);
    if (sending.length === 0) return nextOffsets;
    const byLeader = new Map<number, PartitionBatches[]>();
    for (const part of sending) {
      const leader = cluster.leader(part.topic, part.partition);
      if (leader === undefined) throw new LeaderNotKnownError(part.topic, part.partition);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), part]);
    }
    await Promise.all([...byLeader].map(([leader, parts]) => produceTo(cluster, leader, parts, who, nextOffsets)));
  }
}

/** Sends the next batch of each of these partitions, or of as many of them as one request takes. */
async function produceTo(
  cluster: ProduceCluster,
  leader: number,
  parts: readonly PartitionBatches[],
  who: Required<ProduceIdentity>,
  nextOffsets: Map<string, number>,
): Promise<void> {
  const broker = await cluster.broker(leader);
  const of = {
    timestampMs: Date.now(),
    producerId: BigInt(who.identity?.producerId ?? NO_PRODUCER),
    producerEpoch: who.identity?.producerEpoch ?? NO_PRODUCER,
    isTransactional: who.identity !== undefined,
  };
  const topics = new Map<string, { partition: number; batch: Buffer }[]>();
  const sent = new Map<string, { part: PartitionBatches; bytes: number }>();
  let requestBytes = 0;
  for (const part of parts) {
    const { topic, partition, batches } = part;
    const name = topicPartition(topic, partition);
    const firstSequence = who.identity === undefined ? NO_PRODUCER : (who.sequences.get(name) ?? 0);
    const batch = encodeFirst(batches, { ...of, firstSequence }, who.limits.letterBytes);
    if (sent.size > 0 && requestBytes + batch.length > who.limits.requestBytes) break;
    requestBytes += batch.length;
    sent.set(name, { part, bytes: batch.length });
    const partitions = topics.get(topic) ?? [];
    partitions.push({ partition, batch });
    topics.set(topic, partitions);
  }
  const [only] = sent.size === 1 ? [...sent.values()] : [];
  const alone =
    only !== undefined && only.part.batches[0]?.records.length === 1 ? only.part.batches[0].records[0] : undefined;
  const least = alone === undefined ? undefined : topicPartition(alone.topic, alone.partition);
  const request = produceRequest({
    transactionalId: who.identity?.transactionalId ?? null,
    acks: ACKS_ALL,
    timeoutMs: PRODUCE_TIMEOUT_MS,
    topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
  });
  const answer = (await broker.connectionPool.send(request).catch((error: unknown) => {
    if (isConnectionCut(error) && who.limits.cut(requestBytes, least, alone?.isDeadLetter === true)) {
      throw new StreamsError(
        'RECORD_TOO_LARGE',
        `broker ${String(leader)} closes the connection on a request of ${String(requestBytes)} bytes, one ` +
          `record for ${[...topics.keys()].join(', ')}, and answers others: raise its socket.request.max.bytes ` +
          `(${messageOf(error)})`,
        { cause: error },
      );
    }
    if (isConnectionCut(error))
      throw new StreamsError(
        'BROKER_AWAY',
        `broker ${String(leader)} ended the connection on a request of ${String(requestBytes)} bytes for ` +
          `${[...topics.keys()].join(', ')} (${messageOf(error)})`,
        { cause: error },
      );
    throw asAccessDenied(error, `writing to ${[...topics.keys()].join(', ')}`) ?? error;
  })) as ProduceResponse;
  who.limits.passed(requestBytes, least);
  // Whoever answers has read all of it.
  request.free();

  for (const { topicName, partitions } of answer.topics) {
    for (const { partition, baseOffset, errorCode } of partitions) {
      const name = topicPartition(topicName, partition);
      const { part, bytes } = sent.get(name) as { part: PartitionBatches; bytes: number };
      if (errorCode === CODE.MESSAGE_TOO_LARGE || errorCode === CODE.RECORD_LIST_TOO_LARGE) {
        makeSmaller(part, bytes, who.limits, who.onRefused);
        continue;
      }
      if (errorCode === CODE.INVALID_TIMESTAMP) {
        isolateTime(part, of.timestampMs, who.onRefused);
        continue;
      }
      if (errorCode !== 0) throw asAccessDenied({ code: errorCode }, `writing to ${topicName}`) ?? refusal(errorCode);
      const { length } = (part.batches.shift() as Batch).records;
      if (who.identity !== undefined) who.sequences.set(name, nextSequence(who.sequences.get(name) ?? 0, length));
      nextOffsets.set(name, Number(baseOffset) + length);
    }
  }
}

/** A dead letter is made shorter until it packs to no more than `letterBytes`. */
function encodeFirst(batches: Batch[], of: Omit<BatchToSend, 'records' | 'codec'>, letterBytes: number): Buffer {
  for (;;) {
    const { records, codec } = batches[0] as Batch;
    const batch = encodeBatch({ ...of, codec, records });
    const [only, ...more] = records;
    const shorter =
      batch.length > letterBytes && only !== undefined && more.length === 0 ? shorterLetter(only) : undefined;
    if (shorter === undefined) return batch;
    batches[0] = { records: [shorter], codec: CompressionCodec.none };
  }
}

/**
 * In place of a batch that was refused without effect: its halves, or its one record packed, or what is left of a dead
 * letter. A record that cannot be made smaller is `onRefused`.
 */
function makeSmaller(
  { topic, batches }: PartitionBatches,
  bytes: number,
  limits: ProduceLimits,
  onRefused: OnRefused = throwIt,
): void {
  const { codec } = batches[0] as Batch;
  const only = onlyOrHalves(batches);
  if (only === undefined) {
    limits.refused(topic, bytes);
    return;
  }
  if (codec === CompressionCodec.none) {
    batches.unshift({ records: [only], codec: packingOf(only) });
    return;
  }
  const shorter = shorterLetter(only);
  if (shorter !== undefined) {
    batches.unshift({ records: [shorter], codec: CompressionCodec.none });
    return;
  }
  onRefused(
    only,
    new StreamsError(
      'RECORD_TOO_LARGE',
      `a record for ${topic} is larger than the topic takes, ${String(bytes)} bytes as it was packed: raise ` +
        `its max.message.bytes`,
      { topic },
    ),
  );
}

/**
 * In place of a batch that was refused without effect for the time of one of its records: its halves, until the record
 * is alone and `onRefused`.
 */
function isolateTime({ topic, batches }: PartitionBatches, nowMs: number, onRefused: OnRefused): void {
  const only = onlyOrHalves(batches);
  if (only !== undefined) onRefused(only, timeRefused(topic, only.timestampMs, nowMs));
}

/** Takes the first batch out. Answers its record when that is alone; else its halves are in its place. */
function onlyOrHalves(batches: Batch[]): OutgoingRecord | undefined {
  const { records, codec } = batches.shift() as Batch;
  if (records.length === 1) return records[0];
  const middle = Math.ceil(records.length / 2);
  // mutant: halves-in-order
  batches.unshift({ records: records.slice(0, middle), codec }, { records: records.slice(middle), codec });
  return undefined;
}

function timeRefused(topic: string, timestampMs: number | undefined, nowMs: number): StreamsError {
  const remedy =
    timestampMs === undefined
      ? 'that is the clock of this machine, and the broker has another: set both right'
      : timestampMs > nowMs
        ? `raise its message.timestamp.after.max.ms (an hour by default), or mend the event times`
        : `raise its message.timestamp.before.max.ms, or mend the event times`;
  return new StreamsError(
    'RECORD_TIME_REFUSED',
    `a record for ${topic} has the time ${dateText(timestampMs ?? nowMs)}, which the topic does not take at ` +
      `${dateText(nowMs)}: ${remedy}`,
    { topic },
  );
}

/**
 * A record as a topic takes it whose `max.message.bytes` is this: as it is, packed, or what is left of a dead letter.
 * @throws StreamsError RECORD_TOO_LARGE
 */
export function fitRecord(record: OutgoingRecord, maxBytes: number): OutgoingRecord {
  if (sizeOf(record) + BATCH_OVERHEAD_BYTES <= maxBytes) return record;
  const [part] = toPartitionBatches([record]) as [PartitionBatches];
  const limits = new ProduceLimits();
  const of = {
    timestampMs: Date.now(),
    producerId: BigInt(NO_PRODUCER),
    producerEpoch: NO_PRODUCER,
    isTransactional: true,
    firstSequence: NO_PRODUCER,
  };
  for (;;) {
    const batch = encodeFirst(part.batches, of, limits.letterBytes);
    if (batch.length <= maxBytes) return (part.batches[0] as Batch).records[0] as OutgoingRecord;
    makeSmaller(part, batch.length, limits);
  }
}

/**
 * Sends with `send` until nothing is left: records that their topics do not take are replaced by what `refuse` answers,
 * which goes out after them.
 */
export async function sendWithReplacements(
  records: readonly OutgoingRecord[],
  refuse: RefuseRecord | undefined,
  send: (records: readonly OutgoingRecord[], onRefused: OnRefused) => Promise<OffsetMap>,
): Promise<OffsetMap> {
  const offsets = new Map<string, number>();
  for (let rest = records; rest.length > 0;) {
    const replacements: OutgoingRecord[] = [];
    const sent = await send(rest, (record, error) => {
      if (refuse === undefined || record.origin === undefined) throw error;
      replacements.push(...refuse(record, error));
    });
    for (const [name, offset] of sent) offsets.set(name, offset);
    rest = replacements;
  }
  return offsets;
}

/** Sequence numbers wrap from 2^31 - 1 to 0 (KIP-98). */
function nextSequence(first: number, count: number): number {
  const next = first + count;
  return next > MAX_SEQUENCE ? next - MAX_SEQUENCE - 1 : next;
}
