import { StreamsError } from '../errors.ts';
import type { GraphNode, SinkNode } from '../topology/graph.ts';
import { DeadLetter, headersByName, type ConsumerRecord, type HeaderList } from '../topology/record.ts';
import { UnreadableValueError } from '../topology/stored-value.ts';
import type { ChangeEmit, Emit } from '../topology/task-runtime.ts';
import { inputTopicsOf, type SubTopology } from '../topology/topology.ts';
import { userCodeFailed } from '../topology/user-code.ts';
import { deadLetterRecord } from '../writing/dead-letter.ts';
import { UNKNOWN_PARTITION, type OutgoingRecord } from '../writing/streams-producer.ts';
import type { DropReason } from './dropped-records.ts';
import { copiedParts, decisionOf, failedRecordOf, type ErrorHandlers, type FailedOutput } from './error-decisions.ts';

/** Reasons of dead letters that the application's handlers ask for. */
const PROCESSING_FAILED = 'PROCESSING_FAILED';
const PRODUCTION_FAILED = 'PRODUCTION_FAILED';

export interface UserCodeFailuresOptions {
  readonly taskId: string;
  readonly subTopology: SubTopology;
  readonly handlers: ErrorHandlers;
  /** @throws StreamsError for a topic that the task does not know. */
  readonly partitionsOf: (topic: string) => number;
  /** By the stream of the record. */
  readonly deadLetter: (record: ConsumerRecord, letter: DeadLetter) => void;
  readonly drop: (reason: DropReason) => void;
  /** Of the record that is worked on. */
  readonly headers: () => HeaderList;
}

/** Failures of user code in a task: the record that they are of, and what the application's handlers decide. */
export class UserCodeFailures {
  readonly #options: UserCodeFailuresOptions;
  /** The record that is being processed; undefined at the commit. */
  record: ConsumerRecord | undefined;
  /** What is done while there is no record. */
  doing = 'at the commit';
  /** Records that a failure has dead-lettered: one that fails at several nodes is one letter. */
  readonly #lettered = new WeakSet<ConsumerRecord>();

  constructor(options: UserCodeFailuresOptions) {
    this.#options = options;
  }

  /** Does what has nothing to do with the record that it comes behind. `doing`: what it is, for errors. */
  without(doing: string, work: () => void): void {
    const before = [this.record, this.doing] as const;
    [this.record, this.doing] = [undefined, doing];
    try {
      this.attempt(work);
    } finally {
      [this.record, this.doing] = before;
    }
  }

  guarded(node: GraphNode, emit: Emit): Emit {
    const { onProcessingError, onProductionError } = this.#options.handlers;
    if (onProcessingError === undefined && onProductionError === undefined) return emit;
    const name = node.kind === 'sink' ? 'onProductionError' : 'onProcessingError';
    return (key, value, timestampMs) => {
      try {
        emit(key, value, timestampMs);
      } catch (error) {
        this.decide(name, error, node.kind === 'sink' ? this.#outputOf(node, timestampMs) : undefined);
      }
    };
  }

  guardedChange(emit: ChangeEmit): ChangeEmit {
    if (this.#options.handlers.onProcessingError === undefined) return emit;
    return (change) => this.attempt(() => emit(change));
  }

  attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.decide('onProcessingError', error);
    }
  }

  /** When it is called, the task works on another record, or on none. */
  naming(choosePartition: (count: number) => number): (count: number) => number {
    const place = this.record ?? this.doing;
    return (count) => {
      try {
        return choosePartition(count);
      } catch (error) {
        throw userCodeFailed(this.#options.taskId, place, error);
      }
    };
  }

  /**
   * A record of a sink that its topic does not take: what is sent in its place.
   * @throws StreamsError the error, when the task must fail by it.
   */
  refused(record: OutgoingRecord, error: StreamsError): OutgoingRecord[] {
    const { onProductionError } = this.#options.handlers;
    if (onProductionError === undefined) throw error;
    const { topic, partition, key, value, timestampMs, headers = [], origin = null } = record;
    const decision = decisionOf('onProductionError', error, () =>
      onProductionError(error, {
        topic,
        partition: partition === UNKNOWN_PARTITION ? undefined : partition,
        timestampMs,
        ...copiedParts({ key, value, headers: headersByName(headers) }),
        source: origin === null ? undefined : failedRecordOf(origin),
      }),
    );
    if (decision === 'fail') throw error;
    this.#options.drop('production-error');
    if (decision === 'skip') return [];
    const letterTopic = this.#letterTopic(origin ?? undefined, 'onProductionError', error);
    if (!this.#isFirstLetter(origin as ConsumerRecord)) return [];
    return [
      deadLetterRecord(
        origin as ConsumerRecord,
        new DeadLetter(PRODUCTION_FAILED, error.message),
        letterTopic,
        this.#options.partitionsOf(letterTopic),
      ),
    ];
  }

  /**
   * Lets a failure of user code pass, if the application's handler says so.
   * @throws StreamsError USER_CODE_FAILED naming the record and the node; what is no failure of user code.
   */
  decide(name: keyof ErrorHandlers, error: unknown, output?: Omit<FailedOutput, 'source'>): void {
    const record = this.record;
    const failure = userCodeFailed(this.#options.taskId, record ?? this.doing, error);
    const handler = this.#options.handlers[name];
    // What the runtime itself refuses, and rows that are damaged, are nobody's to pass over.
    if (handler === undefined || error instanceof StreamsError || error instanceof UnreadableValueError) throw failure;
    const source = record === undefined ? undefined : failedRecordOf(record);
    const decision = decisionOf(name, failure, () =>
      output === undefined
        ? this.#options.handlers.onProcessingError?.(failure, source)
        : this.#options.handlers.onProductionError?.(failure, { ...output, source }),
    );
    if (decision === 'fail') throw failure;
    if (decision === 'dead-letter') {
      this.#letterTopic(record, name, failure);
      const reason = name === 'onProductionError' ? PRODUCTION_FAILED : PROCESSING_FAILED;
      if (record !== undefined && this.#isFirstLetter(record))
        this.#options.deadLetter(record, new DeadLetter(reason, failure.message));
    }
    this.#options.drop(name === 'onProductionError' ? 'production-error' : 'processing-error');
  }

  /** What is known of a record that a sink could not make. */
  #outputOf({ topic }: SinkNode, timestampMs: number): Omit<FailedOutput, 'source'> {
    return {
      topic: typeof topic === 'string' ? topic : undefined,
      partition: undefined,
      timestampMs,
      ...copiedParts({ key: null, value: null, headers: headersByName(this.#options.headers()) }),
    };
  }

  #isFirstLetter(record: ConsumerRecord): boolean {
    const isFirst = !this.#lettered.has(record);
    this.#lettered.add(record);
    return isFirst;
  }

  /** @throws StreamsError in the words of `error` when there is none. */
  #letterTopic(record: ConsumerRecord | undefined, name: keyof ErrorHandlers, error: StreamsError): string {
    const source = this.#options.subTopology.nodes.find(
      (node) => node.kind === 'source' && node.topic === record?.topic && node.deadLetterTopic !== undefined,
    );
    if (source?.kind === 'source' && source.deadLetterTopic !== undefined) return source.deadLetterTopic;
    const why =
      record === undefined
        ? `there is no record ${this.doing} that could be dead-lettered`
        : inputTopicsOf([this.#options.subTopology]).includes(record.topic)
          ? `the stream of ${record.topic} has no deadLetterTopic`
          : `records of ${record.topic}, an internal topic, have no dead-letter topic`;
    throw new StreamsError(error.code, `${error.message}; ${name} answered "dead-letter", but ${why}`, {
      ...error.details,
      cause: error.cause,
    });
  }
}
