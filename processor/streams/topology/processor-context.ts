import type { ConsumerRecord, DeadLetter } from './record.ts';
import type { DropReason, WindowIntake } from '../task/dropped-records.ts';
import type { TimeReport } from './repartition-record.ts';
import type { KeyValueStore, LiveStore, WindowStore } from '../store/typed-store.ts';

/** Hands one record to the next node: key, value, event time in epoch ms. Synchronous: the record loop never waits. */
export type Emit = (key: string | null, value: unknown, timestampMs: number) => void;

/** A record for a sink topic, its partition not yet chosen. */
export interface SinkRecord {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** What a node is given when a task is built. One per task: nodes of two tasks share nothing. */
export interface TaskRuntime {
  readonly taskId: string;
  nowMs(): number;
  /** Event time that this task has reached; -1 before it knows. Never goes back. */
  streamTimeMs(): number;
  keyValueStore(name: string): KeyValueStore<unknown> & LiveStore<KeyValueStore<unknown>>;
  windowStore(name: string): WindowStore<unknown> & LiveStore<WindowStore<unknown>>;
  send(record: SinkRecord): void;
  /** What tables have changed is being told at a commit: it is of the whole commit, not of the moment. */
  isSealing(): boolean;
  /**
   * A partial of so many records for the repartition topic of this grouping name. `lateByMs`: it travels behind a word
   * on stream time that has come so far; Infinity: behind the last one of the commit.
   */
  sendPartial(grouping: string, key: string, value: Buffer, records: number, lateByMs?: number): void;
  /**
   * A source task's word on its progress has arrived in the repartition topic of this grouping name. False: no such
   * task writes to it.
   */
  reportTime(grouping: string, report: TimeReport): boolean;
  deadLetter(record: ConsumerRecord, letter: DeadLetter, topic: string): void;
  /** Counts a record, or several, that go no further: in the task's status, the metrics and the log. */
  drop(reason: DropReason, count?: number): void;
  /** Where the window table of this store says what it takes and what comes too late for it. */
  intakeOf(store: string): WindowIntake;
  /** `topic-partition` of the record that is being processed. */
  place(): string;
  /** Runs at every commit, before anything is sent; nodes upstream first. */
  onSeal(seal: () => void): void;
  /** Runs when a transaction was aborted: forget what has not been committed. */
  onClear(clear: () => void): void;
  /** A node that buffers asks for an early commit, so that memory stays bounded. */
  requestCommit(): void;
}

/** What a custom processor sees. `R` is what it forwards. */
export interface ProcessorContext<R> {
  readonly taskId: string;
  nowMs(): number;
  streamTimeMs(): number;
  keyValueStore<V>(name: string): KeyValueStore<V>;
  windowStore<V>(name: string): WindowStore<V>;
  forward(key: string | null, value: R, timestampMs: number): void;
}

/**
 * A custom processor. `process` is called once a record, in offset order within a partition; it must be synchronous. An
 * exception aborts the transaction and replaces the thread.
 */
export interface Processor<V, R> {
  init?(context: ProcessorContext<R>): void;
  process(value: V, key: string | null, timestampMs: number): void;
}
