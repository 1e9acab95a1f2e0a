import type { RowBytes } from '../kafka/batch-encoder.ts';
import type { CommittedOffset } from '../kafka/group-offsets.ts';
import type { OffsetMap } from '../store/state-store.ts';
import type { StreamsError } from '../errors.ts';
import type { ConsumerRecord, HeaderList } from '../topology/record.ts';
import type { TopicPartition } from '../kafka/topic-partition.ts';

/** Of a record for a topic whose partition count is not known yet. */
export const UNKNOWN_PARTITION = -1;

/** A record on its way out. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: HeaderList | undefined;
  /** All of it in one piece, for those who write it: nothing else than `key`, `value` and `headers`. */
  readonly row?: RowBytes | undefined;
  /**
   * Its Kafka timestamp, epoch milliseconds: the event time of what a sink writes. Without one it is the wall clock, as
   * in internal topics: brokers delete by it and refuse what is more than an hour ahead of their own.
   */
  readonly timestampMs?: number | undefined;
  /** Of a topic whose partition count was not known when the record was made: it takes the place of `partition`. */
  readonly choosePartition?: ((count: number) => number) | undefined;
  /** Number of the codec that it came packed with: where it must be packed, it is by this one. */
  readonly codec?: number;
  /** When the topic does not take it whole, a part of it is written. */
  readonly isDeadLetter?: boolean;
  /**
   * Of what a sink writes, where the application decides about what cannot be written: the record that it was made of;
   * null: a row that a table handed on at the commit. It keeps the record in memory.
   */
  readonly origin?: ConsumerRecord | null | undefined;
}

/**
 * Decides about a record that its topic does not take. Answers what is written in its place: a dead letter, or nothing.
 * @throws StreamsError the error, when the task must fail by it.
 */
export type RefuseRecord = (record: OutgoingRecord, error: StreamsError) => readonly OutgoingRecord[];

/** The part of a commit that is about the task's input. */
export interface InputCommit {
  /** Input positions, the next offset to read by `topic-partition`. */
  readonly offsets: OffsetMap;
  /** The offset metadata for the task's next owner (offset-metadata.ts). */
  readonly metadata: string | null;
}

export const NO_INPUT: InputCommit = { offsets: new Map(), metadata: null };

/**
 * The producer of one task. `exactly_once` and `at_least_once` are two implementations, not two branches of the commit.
 *
 * After any failed call the producer is `broken`: nothing may be sent on it again. A failed send or commit is
 * indefinite (the broker may have done it), and a transactional id that goes on after one can commit or abort a later
 * transaction instead (KAFKA-17754). Close it and open a new one: its `init` fences and settles what was left open.
 */
export interface StreamsProducer {
  /**
   * Fences every earlier producer of this task and settles its open transaction; then reads of committed offsets and
   * changelogs are final. Waits for a broker that is away until `signal` aborts.
   */
  init(signal: AbortSignal): Promise<void>;
  /**
   * What the group has committed, after `init`, in the order asked. Where there are transactions, the coordinator that
   * answers has shown that it still is the coordinator: one that was replaced, and has not heard of it yet, would
   * answer older offsets. Waits for a broker that is away until `signal` aborts.
   */
  committed(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<readonly CommittedOffset[]>;
  /**
   * Sends, within the open transaction where there are transactions, and awaits every ack. Answers the next offset per
   * `topic-partition` sent to. `input`: what `commit` will be called with; a transaction takes them on meanwhile, where
   * they count for nothing before it commits. `refuse` is asked for records that have an `origin`.
   */
  send(records: readonly OutgoingRecord[], input?: InputCommit, refuse?: RefuseRecord): Promise<OffsetMap>;
  /** Commits the input offsets, and the transaction with them. */
  commit(input: InputCommit): Promise<void>;
  /** Best effort; the producer is broken afterwards. */
  abort(): Promise<void>;
  close(): Promise<void>;
  readonly broken: boolean;
}
