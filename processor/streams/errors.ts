/**
 * What a caller must do about an error:
 * - `exit`: nobody but an operator can help; the process stops with this line and changes no offset.
 * - `replace`: the thread is in an unknown state; it is replaced after a back-off, up to ten times without progress.
 * - `restore`: the task's local store cannot be trusted; it is set aside and restored from its changelog.
 * - `retake`: the task lost its place (fenced, aborted); it goes through fence-restore-seek-resume again.
 * - `wait`: what the work stands on, the broker, the disk or the schema registry, is away; try again for ever, counting
 *   nothing.
 */
export type Reaction = 'exit' | 'replace' | 'restore' | 'retake' | 'wait';

/**
 * The table of stable codes. Messages may change, codes do not (docs/errors.md lists the same codes; a test compares).
 */
export const ERROR_TABLE = {
  CONFIG_INVALID: 'exit',
  TOPOLOGY_INVALID: 'exit',
  NOT_COPARTITIONED: 'exit',
  TOPOLOGY_CHANGED: 'exit',
  FORMAT_UNKNOWN: 'exit',
  SOURCE_TOPIC_MISSING: 'exit',
  SOURCE_TOPIC_RECREATED: 'exit',
  INTERNAL_TOPIC_INVALID: 'exit',
  PARTITIONS_CHANGED: 'exit',
  OFFSETS_MISSING: 'exit',
  OFFSETS_MOVED: 'exit',
  OFFSET_OUT_OF_RANGE: 'exit',
  STORE_AHEAD_OF_GROUP: 'exit',
  RECORD_TOO_LARGE: 'exit',
  RECORD_TIME_REFUSED: 'exit',
  COMPRESSION_UNKNOWN: 'exit',
  RECORDS_UNREADABLE: 'exit',
  KAFKAJS_NOT_MENDED: 'exit',
  BROKER_NAME_UNKNOWN: 'exit',
  BROKER_AUTHENTICATION_FAILED: 'exit',
  BROKER_TLS_FAILED: 'exit',
  BROKER_ACCESS_DENIED: 'exit',
  SCHEMA_REGISTRY_REFUSED: 'exit',
  STATE_DIRECTORY_UNUSABLE: 'exit',
  INSTANCE_ID_IN_USE: 'exit',
  THREADS_EXHAUSTED: 'exit',
  USER_CODE_FAILED: 'replace',
  THREAD_FAILED: 'replace',
  STORE_DAMAGED: 'restore',
  STORE_IO_FAILED: 'wait',
  STORE_NOT_HERE: 'wait',
  TASK_FENCED: 'retake',
  COMMIT_FAILED: 'retake',
  BROKER_AWAY: 'wait',
  SCHEMA_REGISTRY_AWAY: 'wait',
} as const satisfies Record<string, Reaction>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/**
 * What an error is about, beside its words: an application can say it in its own. Plain data, so that it crosses
 * threads.
 */
export interface ErrorDetails {
  readonly taskId?: string | undefined;
  /** The topic, the partition and the record that the message names. */
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
  readonly offset?: number | undefined;
  /**
   * The options that the message names: those of `config` by their names (`stateDir`), those of the connection as
   * `connection.brokers`.
   */
  readonly settings?: readonly string[] | undefined;
  /** `reset`: the message ends with the advice to reset the application. */
  readonly remedy?: 'reset' | undefined;
}

/**
 * Every error that leaves the runtime is one of these. The message names the thing and, where there is one, the remedy.
 */
export class StreamsError extends Error implements ErrorDetails {
  override readonly name = 'StreamsError';
  readonly code: ErrorCode;
  readonly taskId: string | undefined;
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  readonly offset: number | undefined;
  readonly settings: readonly string[];
  readonly remedy: 'reset' | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorDetails & { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.taskId = options.taskId;
    this.topic = options.topic;
    this.partition = options.partition;
    this.offset = options.offset;
    this.settings = options.settings ?? [];
    this.remedy = options.remedy;
  }

  get reaction(): Reaction {
    return ERROR_TABLE[this.code];
  }

  /** What it is about, as plain data. */
  get details(): ErrorDetails {
    const { taskId, topic, partition, offset, settings, remedy } = this;
    return { taskId, topic, partition, offset, settings, remedy };
  }
}

/** The end of a message whose contradiction only starting over resolves; goes with `remedy: 'reset'`. */
export const RESET_REMEDY = 'reset the application';

/** Any thrown thing as one line of text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
