import { messageOf, StreamsError } from '../errors.ts';
import { checkFunctions, textOf } from '../options.ts';
import { headersByName, type ConsumerRecord, type RecordHeaders } from '../topology/record.ts';

/** What is done with a record at which user code failed, or that a topic does not take. */
const DECISIONS = ['fail', 'skip', 'dead-letter'] as const;
export type ErrorDecision = (typeof DECISIONS)[number];

/** The record that was being processed. */
export interface FailedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Its own Kafka timestamp, epoch ms. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
}

/** A record that could not be written. */
export interface FailedOutput {
  /** Undefined: it was not known yet. */
  readonly topic: string | undefined;
  /** Undefined: it was not known yet. */
  readonly partition: number | undefined;
  readonly timestampMs: number | undefined;
  /** Null also where the serde failed. */
  readonly key: Buffer | null;
  /** Null also where the serde failed. */
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
  /** The record that it was made of; undefined for what a table hands on at the commit. */
  readonly source: FailedRecord | undefined;
}

/** Functions of the user's that decide about failures. Without one every failure is one of the task. */
export interface ErrorHandlers {
  /**
   * A function of the topology threw, or answered wrongly, at this record; undefined: at the commit, where a table
   * handed on its rows. Must answer at once, and may be asked again for the same record.
   */
  readonly onProcessingError?: ((error: StreamsError, record: FailedRecord | undefined) => ErrorDecision) | undefined;
  /** What a sink was to write cannot be: its serde threw, or the topic does not take it. As `onProcessingError`. */
  readonly onProductionError?: ((error: StreamsError, record: FailedOutput) => ErrorDecision) | undefined;
}

export const ERROR_HANDLERS = ['onProcessingError', 'onProductionError'] as const satisfies (keyof ErrorHandlers)[];

/** @throws StreamsError CONFIG_INVALID */
export function checkErrorHandlers(what: string, handlers: ErrorHandlers): void {
  checkFunctions(
    what,
    handlers,
    ERROR_HANDLERS.filter((name) => handlers[name] !== undefined),
  );
}

/** Why a handler has not answered, in words that follow its name. */
export class NoDecision extends Error {
  override readonly name = 'NoDecision';
}

/**
 * What the handler answers.
 * @throws StreamsError `error` in other words when it throws, or answers something else.
 */
export function decisionOf(name: keyof ErrorHandlers, error: StreamsError, ask: () => unknown): ErrorDecision {
  const failed = (why: string): StreamsError =>
    new StreamsError(error.code, `${error.message}; ${name} ${why}`, { ...error.details, cause: error.cause });
  let answer: unknown;
  try {
    answer = ask();
  } catch (thrown) {
    throw failed(thrown instanceof NoDecision ? thrown.message : `threw: ${messageOf(thrown)}`);
  }
  const decision = DECISIONS.find((known) => known === answer);
  if (decision !== undefined) return decision;
  throw failed(`answers ${DECISIONS.map((known) => `"${known}"`).join(', ')}, not ${textOf(answer)}`);
}

export function failedRecordOf(record: ConsumerRecord): FailedRecord {
  const { topic, partition, offset, timestampMs } = record;
  return { topic, partition, offset, timestampMs, ...copiedParts(record) };
}

/** The handler's own: those of a record are views on all of its fetch, and are written to dead letters afterwards. */
export function copiedParts({ key, value, headers }: Parts): Parts {
  const copies = Object.entries(headers).map(([name, content]) => [name, Buffer.from(content)] as const);
  return { key: copied(key), value: copied(value), headers: headersByName(copies) };
}

type Parts = Pick<FailedRecord, 'key' | 'value' | 'headers'>;

function copied(bytes: Buffer | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}
