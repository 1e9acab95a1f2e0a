import type { Logger } from '../logger.ts';
import type { FetchedPartition } from '../reading/fetched-partition.ts';
import type { GlobalTableOptions } from './global-table-types.ts';
import { SILENT_AFTER_MS, type Clock, type PartitionProgress } from './partition-progress.ts';

type Place = Pick<FetchedPartition, 'topic' | 'partition' | 'lastStableOffset'>;

/** Whether a topic may have forgotten deletions that a copy has not read: rows that they delete would stay for ever. */
export class MissedTombstones {
  readonly #deleteRetentionMs: NonNullable<GlobalTableOptions['deleteRetentionMs']>;
  readonly #logger: Logger;
  readonly #clock: Clock;

  constructor(deleteRetentionMs: GlobalTableOptions['deleteRetentionMs'], logger: Logger, clock: Clock) {
    this.#deleteRetentionMs = deleteRetentionMs ?? (() => undefined);
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Of a partition that has been read to its end before: then it must be read anew. */
  mayBeMissed({ topic, partition, lastStableOffset }: Place, progress: PartitionProgress): boolean {
    const deleteRetentionMs = this.#deleteRetentionMs(topic);
    if (deleteRetentionMs === undefined) return false;
    // Nothing has been written meanwhile.
    if (lastStableOffset <= progress.position) return false;
    const awayMs = progress.awayMs(this.#clock);
    if (awayMs === null || awayMs <= Math.max(deleteRetentionMs, SILENT_AFTER_MS)) return false;
    this.#logger.warn(
      { topic, partition, awayMs: Math.round(awayMs), deleteRetentionMs },
      'a partition has not been read for longer than it keeps tombstones, and is read anew from its start',
    );
    return true;
  }

  /** Of one that has just been read from its start to its end: what was forgotten meanwhile cannot be known. */
  lookAtScan({ topic, partition }: Place, { scanMs }: PartitionProgress): void {
    const deleteRetentionMs = this.#deleteRetentionMs(topic);
    if (deleteRetentionMs === undefined || scanMs <= Math.max(deleteRetentionMs, SILENT_AFTER_MS)) return;
    this.#logger.warn(
      { topic, partition, scanMs: Math.round(scanMs), deleteRetentionMs },
      'a partition took longer to be read than it keeps tombstones: rows that were deleted meanwhile may have ' +
        'stayed; set delete.retention.ms of the topic higher',
    );
  }
}
