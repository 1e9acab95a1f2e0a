import type { DropReason, WindowIntake } from '../task/dropped-records.ts';
import type { Cancellable, Schedule } from '../task/punctuators.ts';
import type {
  LiveKeyValueStore,
  LiveSessionStore,
  LiveVersionedStore,
  LiveWindowStore,
  TableRow as StoredRow,
} from '../store/typed-store.ts';
import type { ConsumerRecord, CurrentRecord, DeadLetter, HeaderList, RecordContext } from './record.ts';
import type { GraphNode } from './graph.ts';
import type { OutgoingPartial, RepartitionPlace } from './outgoing-partial.ts';
import type { TimeReport } from './repartition-record.ts';

/** Hands one record to the next node: key, value, event time in epoch ms. Synchronous: the record loop never waits. */
export type Emit = (key: unknown, value: unknown, timestampMs: number) => void;

/** What stands behind a node that nobody reads. */
export const emitNothing: Emit = () => undefined;

/** A row of a table, with its time: the largest event time that has gone into it. */
export type TableRow = StoredRow<unknown>;

/** A table as other nodes see it. Keys of a windowed table are `Windowed`. */
export interface TableView {
  /**
   * The row as it is now, with what is not committed yet. `asOfMs`: of a versioned table, the one that was valid then;
   * others do not look at it.
   */
  row(key: unknown, asOfMs?: number): TableRow | undefined;
  /** The row as the table has handed it on last: as of the last commit. */
  before(key: unknown): TableRow | undefined;
}

/** A row that has changed since the last commit. */
export interface RowChange {
  readonly key: unknown;
  /** Null: the row is deleted. */
  readonly value: unknown;
  readonly timestampMs: number;
  /** Of a versioned table: a version that is not the newest one. Neither groupings nor joins of tables look at it. */
  readonly isOutOfOrder?: boolean;
  /** Of the updates since the last commit: event time of the first, and the newest. Absent: there was one. */
  readonly times?: { readonly firstMs: number; readonly newestMs: number };
  /** The row as of the last commit, with its own time; undefined: there was none, or the table cannot know. */
  before(): TableRow | undefined;
}

/** Hands one changed row to a node that reads a table. */
export type ChangeEmit = (change: RowChange) => void;

/** Stream time of one step, as of the records that have reached it. */
export interface StepTime {
  /** -1 before the first record. */
  readonly nowMs: number;
  /** A record of this event time has reached the step: answers the time that it may be late by. */
  reached(timestampMs: number): number;
}

/** Stream time of one step: the largest event time of the records that have reached it. */
export interface OwnTime {
  /** -1 before the first record. */
  readonly nowMs: number;
  /** A record of this event time has reached the step: answers the stream time by now. */
  advance(timestampMs: number): number;
}

/** A record for a sink topic. */
export interface SinkRecord {
  readonly topic: string;
  readonly key: Buffer | null;
  /** A text: its bytes in UTF-8. */
  readonly value: Buffer | string | null;
  /** Event time, epoch ms: the Kafka timestamp of the record. */
  readonly timestampMs: number;
  readonly headers?: HeaderList | undefined;
  /** Default: by key, as Kafka's partitioner does; without a key that of the task, by the size of the topic. */
  readonly choosePartition?: ((count: number) => number) | undefined;
}

/**
 * A record for a repartition topic, sent by itself. Its event time is in the value: the Kafka timestamp of internal
 * topics is the wall clock, which no broker refuses.
 */
export interface RoutedRecord {
  /** Default: by key. */
  readonly partition?: number;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: HeaderList;
  /** Behind the topic it may be late by what this task has read before it. */
  readonly mayBeLate?: boolean;
}

/** What a node is given when a task is built. One per task: nodes of two tasks share nothing. */
export interface TaskRuntime {
  readonly taskId: string;
  /** Of the topics that it reads. */
  readonly partition: number;
  /** The record that is being processed. At a commit: the last one that changed the row which is handed on. */
  current: CurrentRecord;
  /** The same for a callback, with an event time. */
  context(timestampMs: number): RecordContext;
  /** Its headers, in order. */
  headers(): HeaderList;
  nowMs(): number;
  /** Event time that this task has reached; -1 before it knows. Never goes back. */
  streamTimeMs(): number;
  /** Stream time of the step that has this store. */
  stepTimeOf(store: string): StepTime;
  /** Stream time of the step that has this store, whatever else the task reads. */
  ownTimeOf(store: string): OwnTime;
  /** What a step that sends to this grouping is late by, where records are held back; undefined: stream time. */
  senderTime(grouping: string): StepTime | undefined;
  keyValueStore(name: string): LiveKeyValueStore<unknown, unknown>;
  windowStore(name: string): LiveWindowStore<unknown, unknown>;
  sessionStore(name: string): LiveSessionStore<unknown, unknown>;
  versionedStore(name: string): LiveVersionedStore<unknown, unknown>;
  /** The rows of a global table, by the name of its store: of all partitions, as far as this thread has read them. */
  globalTable(name: string): TableView;
  send(record: SinkRecord): void;
  /** @throws TypeError for what is no name of a topic, and for a topic that the runtime alone writes. */
  checkTopic(topic: string): void;
  /** The same, but for failures of the node's own that the application's handlers let pass. */
  guarded(node: GraphNode, emit: Emit): Emit;
  guardedChange(emit: ChangeEmit): ChangeEmit;
  /** Runs what a node does for one row at the commit. Failures as in `guarded`. */
  attempt(work: () => void): void;
  /** A commit hands on what tables have changed: these values are of the whole commit, not of the moment. */
  isFlushing(): boolean;
  /**
   * A failure of user code may be let pass, so that the task goes on with the rows as they are: what such code changes
   * must not be one of them.
   */
  readonly letsFailuresPass: boolean;
  /** The repartition topic of this grouping name. */
  repartitionPlace(grouping: string): RepartitionPlace;
  /**
   * A partial for a repartition topic. `lateByMs`: it travels behind a time report that has come so far; Infinity:
   * behind the last one of the commit.
   */
  sendPartial(partial: OutgoingPartial, lateByMs?: number): void;
  /** A record by itself for the repartition topic of this grouping name. */
  sendRouted(grouping: string, record: RoutedRecord): void;
  /**
   * A source task's time report has arrived in the repartition topic of this grouping name. False: no such task writes
   * to it.
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
  onFlush(flush: () => void): void;
  /** Calls a function now and then, with the time that its clock has reached. */
  schedule(schedule: Schedule, call: (timestampMs: number) => void): Cancellable;
  /** Runs when the task is closed. */
  onClose(close: () => void): void;
  /** A node that buffers asks for an early commit, so that memory stays bounded. */
  requestCommit(): void;
}
