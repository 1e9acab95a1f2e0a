import type { StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { InstanceStatus } from '../task/instance-status.ts';
import type { KeyRange } from './key-range.ts';
import type { Ordering, OrderValue } from './order-text.ts';

/*
 * Reads of the committed rows of a running application from another process: each question goes to the instance that
 * has the task, or to one that has a standby of it.
 */

/** The rows of these keys, as they are in the changelog; at most 1,000. */
export interface RowsRead {
  readonly kind: 'rows';
  readonly keys: readonly Uint8Array[];
}

/** Rows in the order of the bytes of their keys; `reverse`: from the last to the first. */
export interface RangeRead extends KeyRange {
  readonly kind: 'range';
  readonly reverse?: boolean;
  /** From 1 on. An answer may have fewer rows, and then says in `next` where to go on. */
  readonly limit: number;
}

/**
 * Rows in the order of a field of their values, those without one last, ties by the bytes of the key. The owner keeps
 * the order in memory from the first such question on, which waits until it is made.
 */
export interface OrderRead extends Pick<KeyRange, 'from' | 'to'>, Ordering {
  readonly kind: 'order';
  readonly field: string;
  /** Only rows behind this place. */
  readonly after?: { readonly value: OrderValue; readonly key: Uint8Array };
  /** In place of `after`: `next` of the answer before. */
  readonly at?: string;
  readonly limit: number;
}

/** One question about rows of one partition of one store. */
export interface OwnerQuestion {
  readonly store: string;
  readonly partition: number;
  /** A standby, and a task that is being restored, may answer where the owner does not. */
  readonly allowStale: boolean;
  /** The answer must have seen the changelog up to here (exclusive offset); it is waited for. */
  readonly minPosition?: number;
  readonly read: RowsRead | RangeRead | OrderRead;
}

interface OfOneCommit {
  /**
   * An offset of the changelog: every committed record before it is in the rows, and none from it on. Rows and position
   * are of one commit.
   */
  readonly position: number;
  /** Of a standby, or of a task that is being restored: newer rows may be committed. */
  readonly stale: boolean;
  /** Each value begins with the 8 bytes (f64, big-endian) of its row's time, -1 for one that is not known. */
  readonly timed: boolean;
}

/** In the order of the keys; null: there is no such row. */
export interface RowsAnswer extends OfOneCommit {
  readonly kind: 'rows';
  readonly rows: readonly (Uint8Array | null)[];
}

export interface RangeAnswer extends OfOneCommit {
  readonly kind: 'range';
  readonly rows: readonly (readonly [key: Uint8Array, value: Uint8Array])[];
  /** There may be more: what the next question has as `from`, or with `reverse` as `to`. */
  readonly next?: Uint8Array;
}

/** An answer may have fewer rows than its limit, and then says in `next` where to go on. */
export interface OrderAnswer extends OfOneCommit {
  readonly kind: 'order';
  readonly rows: readonly (readonly [key: Uint8Array, value: Uint8Array])[];
  readonly next?: string;
}

export type OwnerAnswer = RowsAnswer | RangeAnswer | OrderAnswer;

export interface OwnerReads {
  /**
   * Answers in the order of the questions, with one round trip for all that go to one owner. In the place of an answer
   * stands a StreamsError: STORE_NOT_HERE where nobody answered for the partition within `waitMs` (default 5,000),
   * CONFIG_INVALID for a question that no owner could answer. Does not throw.
   */
  ask(questions: readonly OwnerQuestion[], waitMs?: number): Promise<readonly (OwnerAnswer | StreamsError)[]>;
  /** Ends the connections. What is asked and not answered ends in STORE_NOT_HERE. */
  close(): void;
}

export interface OwnersOptions {
  /** That of `queryListener` of the instances. */
  readonly token: string;
  /** The newest statuses of the application's instances, as its status topic has them. */
  readonly instances: () => readonly InstanceStatus[];
  /** By the application record; undefined: no such store is known. */
  readonly subTopologyOf: (store: string) => number | undefined;
  readonly logger: Logger;
}
