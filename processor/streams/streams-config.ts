import { z } from 'zod';
import { StreamsError } from './errors.ts';
import type { KafkaConnectionConfig } from './kafka/kafka-connection-config.ts';
import { didYouMean } from './options.ts';

const name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[a-zA-Z0-9._-]+$/, 'may hold letters, digits, dot, dash and underscore');
const positive = z.int().positive();

const schema = z.strictObject({
  /** Group id, and prefix of every internal topic, transactional id and state directory. */
  applicationId: name,
  stateDir: z.string().min(1),
  processingGuarantee: z.enum(['exactly_once', 'at_least_once']).default('exactly_once'),
  numStreamThreads: positive.max(64).default(1),
  /** Copies of each task's stores on other processes, fed from the changelogs. */
  numStandbyReplicas: z.int().min(0).max(100).default(0),
  commitIntervalMs: positive.default(100),
  /** Of internal topics; undefined: the brokers' default. */
  internalReplicationFactor: positive.optional(),
  sessionTimeoutMs: positive.default(8_000),
  rebalanceTimeoutMs: positive.default(20_000),
  /** Default: 700, and not more than a third of the session. */
  heartbeatIntervalMs: positive.optional(),
  /**
   * After this the coordinator aborts what a dead process left open. Default: three commit intervals, at least 15 s.
   */
  transactionTimeoutMs: positive.max(900_000).optional(),
  statusIntervalMs: positive.default(1_000),
  /** Back-off before a failed thread is replaced; doubles up to 30 s. */
  threadReplaceBackoffMs: positive.default(500),
  /** Replacements without a commit in between, then the process gives up. */
  threadReplacements: z.int().min(0).default(10),
  /** A thread that sends no message for this long hangs in user code: it is terminated and replaced. */
  threadHangTimeoutMs: positive.default(20_000),
  /** A thread that commits nothing for this long, while it has lag and a broker, is replaced. */
  noProgressTimeoutMs: positive.default(60_000),
  maxBytesPerPartition: positive.default(524_288),
  /** A larger record of the user's topics, unpacked, is not handed to its decoder: a part of it is dead-lettered. */
  maxRecordBytes: z.int().min(1_024).max(268_435_456).default(33_554_432),
  /**
   * Of committed rows that the process keeps in memory, so that a key that comes again is not read from disk; shared by
   * all stores. 0: none. Kafka Streams' statestore.cache.max.bytes.
   */
  cacheMaxBytes: z.int().min(0).default(10_485_760),
  /**
   * How long a task with several input partitions waits for one that is read to its end, while others have records:
   * what comes in it meanwhile is processed in its order. Kafka Streams' max.task.idle.ms.
   */
  maxTaskIdleMs: z.int().min(0).default(0),
});

export type StreamsConfigInput = z.input<typeof schema>;
export type StreamsConfig = Readonly<z.output<typeof schema>> & {
  readonly transactionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
};

/**
 * Parses once, fills in defaults, cross-checks, freezes. Plain data: it crosses threads.
 * @throws StreamsError CONFIG_INVALID naming each wrong field.
 */
export function parseStreamsConfig(input: StreamsConfigInput): StreamsConfig {
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(sayIssue).join('; ');
    throw new StreamsError('CONFIG_INVALID', `streams configuration: ${issues}`);
  }
  const { data } = parsed;
  const config = {
    ...data,
    transactionTimeoutMs: data.transactionTimeoutMs ?? Math.max(15_000, data.commitIntervalMs * 3),
    heartbeatIntervalMs: data.heartbeatIntervalMs ?? Math.max(1, Math.min(700, Math.floor(data.sessionTimeoutMs / 3))),
  };
  if (config.heartbeatIntervalMs * 3 > config.sessionTimeoutMs) {
    throw new StreamsError(
      'CONFIG_INVALID',
      `streams configuration: sessionTimeoutMs ${String(config.sessionTimeoutMs)} must be at least three ` +
        `heartbeats of ${String(config.heartbeatIntervalMs)} ms`,
    );
  }
  if (config.transactionTimeoutMs < config.commitIntervalMs * 2) {
    throw new StreamsError(
      'CONFIG_INVALID',
      `streams configuration: transactionTimeoutMs ${String(config.transactionTimeoutMs)} must be at least two ` +
        `commit intervals of ${String(config.commitIntervalMs)} ms`,
    );
  }
  return Object.freeze(config);
}

function sayIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return issue.keys
      .map((key) => `there is no setting "${key}": ${didYouMean(key, Object.keys(schema.shape))}`)
      .join('; ');
  const path = issue.path.join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

/** Everything a stream thread needs, as plain data. */
export interface ThreadInit {
  readonly threadName: string;
  /** `<processId>-<thread number>`: the static member this thread is, also after a restart. */
  readonly groupInstanceId: string;
  readonly processId: string;
  /** `<stateDir>/<applicationId>/<slot>`, locked by the main thread. */
  readonly slotDirectory: string;
  readonly connection: KafkaConnectionConfig;
  readonly config: StreamsConfig;
  /** Partition counts of every topic the topology touches. */
  readonly partitionCounts: Readonly<Record<string, number>>;
  /** Ids of the topics that it reads or keeps state in, as far as the brokers have ids. */
  readonly topicIds: Readonly<Record<string, string>>;
  /** What the sub-topologies are known by, in the order in which they are built. */
  readonly subTopologyNumbers: readonly number[];
  /** Topics whose records can be dead-lettered. */
  readonly deadLettered: readonly string[];
  /** The handlers of the application that there are, in the main thread. */
  readonly handlers: readonly ('onProcessingError' | 'onProductionError')[];
  /** Where the application traces records. */
  readonly traces?: { readonly sampleRatio: number };
}
