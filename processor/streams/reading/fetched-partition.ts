import type { FetchedRecord } from '../kafka/fetched-record.ts';

/** Where a partition ends and begins, as of one answer; -1 when the broker refused the offset and does not say. */
export interface PartitionEnds {
  readonly highWatermark: number;
  /** The end of what read_committed may see. */
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
}

/** What one fetch brought of one partition. `records` may be empty: the offset and the ends still say something. */
export interface FetchedPartition extends PartitionEnds {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly FetchedRecord[];
  /** The offset to read next: after these records, transaction markers and compacted gaps. */
  readonly nextOffset: number;
  /** The partition does not hold the offset asked for; nothing is fetched before a new seek. */
  readonly outOfRange: boolean;
}
