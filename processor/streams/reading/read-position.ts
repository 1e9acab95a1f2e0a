import type { RecordPiece } from '../kafka/batch-stream.ts';
import type { TopicPartition } from '../kafka/topic-partition.ts';
import type { PartitionEnds } from './fetched-partition.ts';

/** A partition that is read, and how far. */
export interface ReadPosition extends TopicPartition {
  offset: number;
  /** Raised by every seek: an answer to an older fetch is dropped. */
  epoch: number;
  stopped: boolean;
  /** The caller has enough of it for now. */
  held: boolean;
  /** Since when leaders say that they do not hold the offset, `performance.now()`. */
  refusedAtMs: number | undefined;
  /** How often in a row it got bytes without a batch that could be read. */
  attempts: number;
  /** A batch that is read piece by piece: nothing is fetched before it has ended. */
  pieces: AsyncGenerator<RecordPiece> | undefined;
  /** As of the answer that the pieces come from. */
  ends: PartitionEnds | undefined;
}

const NOTHING_UNDER_WAY = {
  stopped: false,
  held: false,
  refusedAtMs: undefined,
  attempts: 0,
  pieces: undefined,
  ends: undefined,
} as const;

export function newPosition(topic: string, partition: number, offset: number): ReadPosition {
  return { topic, partition, offset, epoch: 0, ...NOTHING_UNDER_WAY };
}

/** Goes on from another offset; what is under way for the old one is dropped. */
export function movePosition(position: ReadPosition, offset: number): void {
  endPieces(position);
  Object.assign(position, { offset, epoch: position.epoch + 1, ...NOTHING_UNDER_WAY });
}

/** Releases what a batch that is read piece by piece holds. */
export function endPieces(position: ReadPosition | undefined): void {
  position?.pieces?.return(undefined).catch(() => undefined);
}
