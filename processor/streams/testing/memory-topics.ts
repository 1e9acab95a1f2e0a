import type { CommittedOffset } from '../kafka/group-offsets.ts';
import { topicPartition, type TopicPartition } from '../kafka/topic-partition.ts';
import { StreamsError } from '../errors.ts';
import { didYouMean } from '../options.ts';
import type { OffsetMap } from '../store/state-store.ts';
import { headersByName, type ConsumerRecord, type RecordHeaders } from '../topology/record.ts';
import { choosePartitions } from '../writing/choose-partitions.ts';
import { fitRecord, sendWithReplacements } from '../writing/produce.ts';
import type { InputCommit, OutgoingRecord, RefuseRecord, StreamsProducer } from '../writing/streams-producer.ts';

/** Kafka's default of `max.message.bytes`. */
const MAX_MESSAGE_BYTES = 1_048_588;

/** What the topology wrote to a topic. */
export interface WrittenRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
  /** Its Kafka timestamp, epoch ms. */
  readonly timestampMs: number;
}

export interface MemoryTopicsOptions {
  /** Every topic there is. */
  readonly partitions: ReadonlyMap<string, number>;
  /** Topics that are not among them have one partition; undefined: there are none. */
  readonly others?: boolean;
  readonly nowMs: () => number;
  /** Looks at each record before it is written. @throws what refuses it. */
  readonly check: (record: OutgoingRecord, offset: number) => void;
  /** Records of a transaction, once it has committed. */
  readonly onCommitted: (records: readonly OutgoingRecord[]) => void;
}

/** Topics in memory: records by partition, and the offsets of one group. */
export class MemoryTopics {
  readonly #options: MemoryTopicsOptions;
  readonly #records = new Map<string, ConsumerRecord[]>();
  readonly #written = new Map<string, WrittenRecord[]>();
  readonly #committed = new Map<string, CommittedOffset>();

  constructor(options: MemoryTopicsOptions) {
    this.#options = options;
  }

  has(topic: string): boolean {
    return this.#options.partitions.has(topic);
  }

  /** @throws StreamsError SOURCE_TOPIC_MISSING */
  partitionsOf(topic: string): number {
    const { partitions, others = false } = this.#options;
    const count = partitions.get(topic) ?? (others ? 1 : undefined);
    if (count === undefined)
      throw new StreamsError(
        'SOURCE_TOPIC_MISSING',
        `the topic "${topic}" does not exist: ${didYouMean(topic, [...partitions.keys()])}`,
      );
    return count;
  }

  end({ topic, partition }: TopicPartition): number {
    return this.#records.get(topicPartition(topic, partition))?.length ?? 0;
  }

  /** All records from this offset on. */
  from({ topic, partition }: TopicPartition, offset: number): readonly ConsumerRecord[] {
    return this.#records.get(topicPartition(topic, partition))?.slice(offset) ?? [];
  }

  append({ topic, partition, ...record }: Omit<ConsumerRecord, 'offset'>): void {
    const name = topicPartition(topic, partition);
    const records = this.#records.get(name) ?? [];
    this.#records.set(name, records);
    records.push({ topic, partition, offset: records.length, ...record });
  }

  /** What transactions wrote to a topic since the last call, in order. */
  takeWritten(topic: string): WrittenRecord[] {
    const written = this.#written.get(topic) ?? [];
    this.#written.delete(topic);
    return written;
  }

  committed(name: string): CommittedOffset | undefined {
    return this.#committed.get(name);
  }

  /** @throws StreamsError for a record that Kafka would not take, or that could not be read back. */
  check(record: OutgoingRecord, offset: number): OutgoingRecord {
    const { topic, partition } = record;
    const partitions = this.partitionsOf(topic);
    if (!Number.isInteger(partition) || partition < 0 || partition >= partitions)
      throw new StreamsError(
        'COMMIT_FAILED',
        `a record for partition ${String(partition)} of ${topic}, which has ${String(partitions)}`,
      );
    const fitted = fitRecord(record, MAX_MESSAGE_BYTES);
    this.#options.check(fitted, offset);
    return fitted;
  }

  commit(records: readonly OutgoingRecord[], { offsets, metadata }: InputCommit): void {
    const nowMs = this.#options.nowMs();
    for (const { topic, partition, key, value, headers = [], timestampMs = nowMs } of records) {
      const record = { topic, partition, key, value, headers: headersByName(headers), timestampMs };
      this.append({ ...record, headerList: headers });
      const written = this.#written.get(topic) ?? [];
      this.#written.set(topic, written);
      written.push(record);
    }
    for (const [name, offset] of offsets) this.#committed.set(name, { offset, metadata });
    this.#options.onCommitted(records);
  }
}

/** A task's producer over topics in memory: what it sends is there for others once it commits. */
export class MemoryProducer implements StreamsProducer {
  readonly #topics: MemoryTopics;
  #sent: OutgoingRecord[] = [];
  /** The offset after what is sent, by partition. */
  readonly #next = new Map<string, number>();
  #broken = false;

  constructor(topics: MemoryTopics) {
    this.#topics = topics;
  }

  get broken(): boolean {
    return this.#broken;
  }

  async init(): Promise<void> {}

  async committed(partitions: readonly TopicPartition[]): Promise<readonly CommittedOffset[]> {
    return partitions.map(
      ({ topic, partition }) =>
        this.#topics.committed(topicPartition(topic, partition)) ?? { offset: -1, metadata: null },
    );
  }

  async send(records: readonly OutgoingRecord[], _input?: InputCommit, refuse?: RefuseRecord): Promise<OffsetMap> {
    this.#checkUsable();
    try {
      return await sendWithReplacements(records, refuse, async (some, onRefused) => {
        for (const record of choosePartitions(some, (topic) => this.#topics.partitionsOf(topic), onRefused))
          this.#send(record, onRefused);
        return new Map(this.#next);
      });
    } catch (error) {
      this.#broken = true;
      throw error;
    }
  }

  async commit(input: InputCommit): Promise<void> {
    this.#checkUsable();
    const records = this.#sent;
    this.#sent = [];
    this.#next.clear();
    this.#topics.commit(records, input);
  }

  async abort(): Promise<void> {
    this.#broken = true;
    this.#sent = [];
  }

  async close(): Promise<void> {
    this.#broken = true;
  }

  #send(record: OutgoingRecord, onRefused: (record: OutgoingRecord, error: StreamsError) => void): void {
    const name = topicPartition(record.topic, record.partition);
    const offset = this.#next.get(name) ?? this.#topics.end(record);
    let checked: OutgoingRecord;
    try {
      checked = this.#topics.check(record, offset);
    } catch (error) {
      if (!(error instanceof StreamsError) || error.code !== 'RECORD_TOO_LARGE') throw error;
      onRefused(record, error);
      return;
    }
    this.#sent.push(checked);
    this.#next.set(name, offset + 1);
  }

  #checkUsable(): void {
    if (this.#broken)
      throw new StreamsError('COMMIT_FAILED', 'the producer is closed or broken; a new one must take its place');
  }
}
