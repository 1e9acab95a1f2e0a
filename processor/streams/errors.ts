/**
 * What a caller must do about an error:
 * - `exit`: nobody but an operator can help; the process stops with this line and changes no offset.
 * - `replace`: the thread is in an unknown state; it is replaced after a back-off, up to ten times without progress.
 * - `restore`: the task's local store cannot be trusted; it is set aside and restored from its changelog.
 * - `retake`: the task lost its place (fenced, aborted); it goes through fence-restore-seek-resume again.
 * - `wait`: what the work stands on, the broker or the disk, is away; try again for ever, counting nothing.
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
  SOURCE_TOPIC_MISSING: 'exit',
  SOURCE_TOPIC_RECREATED: 'exit',
  INTERNAL_TOPIC_INVALID: 'exit',
  PARTITIONS_CHANGED: 'exit',
  OFFSETS_MISSING: 'exit',
  OFFSETS_MOVED: 'exit',
  OFFSET_OUT_OF_RANGE: 'exit',
  STORE_AHEAD_OF_GROUP: 'exit',
  RECORD_TOO_LARGE: 'exit',
  COMPRESSION_UNKNOWN: 'exit',
  RECORDS_UNREADABLE: 'exit',
  BROKER_NAME_UNKNOWN: 'exit',
  BROKER_AUTHENTICATION_FAILED: 'exit',
  BROKER_TLS_FAILED: 'exit',
  BROKER_ACCESS_DENIED: 'exit',
  STATE_DIRECTORY_UNUSABLE: 'exit',
  INSTANCE_ID_IN_USE: 'exit',
  THREADS_EXHAUSTED: 'exit',
  USER_CODE_FAILED: 'replace',
  THREAD_FAILED: 'replace',
  STORE_DAMAGED: 'restore',
  STORE_IO_FAILED: 'wait',
  TASK_FENCED: 'retake',
  COMMIT_FAILED: 'retake',
  BROKER_AWAY: 'wait',
} as const satisfies Record<string, Reaction>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/**
 * Every error that leaves the runtime is one of these. The message names the thing and, where there is one, the remedy.
 */
export class StreamsError extends Error {
  override readonly name = 'StreamsError';
  readonly code: ErrorCode;
  readonly taskId: string | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; taskId?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.taskId = options.taskId;
  }

  get reaction(): Reaction {
    return ERROR_TABLE[this.code];
  }
}

/** The remedy of a contradiction that only starting over resolves, as the end of a sentence. */
export const RESET_REMEDY = 'reset the application (npm run reset for the login application; docs/operations.md)';

/** Any thrown thing as one line of text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
