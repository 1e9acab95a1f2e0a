import { StreamsError } from './errors.ts';
import type { KafkaConnectionConfig } from './kafka/kafka-connection-config.ts';
import { didYouMean, textOf } from './options.ts';

/** What an application is told. */
export interface StreamsConfigInput {
  /** Group id, and prefix of every internal topic, transactional id and state directory. */
  applicationId: string;
  stateDir: string;
  processingGuarantee?: 'exactly_once' | 'at_least_once' | undefined;
  numStreamThreads?: number | undefined;
  /** Copies of each task's stores on other processes, fed from the changelogs. */
  numStandbyReplicas?: number | undefined;
  commitIntervalMs?: number | undefined;
  /** Of internal topics; undefined: the brokers' default. */
  internalReplicationFactor?: number | undefined;
  sessionTimeoutMs?: number | undefined;
  rebalanceTimeoutMs?: number | undefined;
  /** Default: 700, and not more than a third of the session. */
  heartbeatIntervalMs?: number | undefined;
  /**
   * After this the coordinator aborts what a dead process left open. Default: three commit intervals, at least 15 s.
   */
  transactionTimeoutMs?: number | undefined;
  statusIntervalMs?: number | undefined;
  /** Back-off before a failed thread is replaced; doubles up to 30 s. */
  threadReplaceBackoffMs?: number | undefined;
  /** Replacements without a commit in between, then the process gives up. */
  threadReplacements?: number | undefined;
  /** A thread that sends no message for this long hangs in user code: it is terminated and replaced. */
  threadHangTimeoutMs?: number | undefined;
  /** A thread that commits nothing for this long, while it has lag and a broker, is replaced. */
  noProgressTimeoutMs?: number | undefined;
  maxBytesPerPartition?: number | undefined;
  /** A larger record of the user's topics, unpacked, is not handed to its decoder: a part of it is dead-lettered. */
  maxRecordBytes?: number | undefined;
  /**
   * Of committed rows that the process keeps in memory, so that a key that comes again is not read from disk; shared by
   * all stores but those of sessions and of joined streams. 0: none. Kafka Streams' statestore.cache.max.bytes.
   */
  cacheMaxBytes?: number | undefined;
  /**
   * How long a task with several input partitions waits for one that is read to its end, while others have records:
   * what comes in it meanwhile is processed in its order. Kafka Streams' max.task.idle.ms.
   */
  maxTaskIdleMs?: number | undefined;
}

type SettingName = keyof StreamsConfigInput;
/** What is undefined unless it is given, or follows from others. */
type WithoutDefault = 'internalReplicationFactor' | 'heartbeatIntervalMs' | 'transactionTimeoutMs';

type Parsed = { readonly [N in Exclude<SettingName, WithoutDefault>]-?: Exclude<StreamsConfigInput[N], undefined> } & {
  readonly [N in WithoutDefault]?: number | undefined;
};

export type StreamsConfig = Parsed & {
  readonly transactionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
};

/** One setting: what it is when it is not given, and what is wrong with a value; null: nothing. */
interface Setting {
  readonly default?: string | number;
  readonly optional?: true;
  wrong(value: unknown): string | null;
}

const MOST_LETTERS = 200;

function whole(from: number, to: number, byDefault?: number): Setting {
  const range = to === Number.MAX_SAFE_INTEGER ? `from ${String(from)}` : `from ${String(from)} to ${String(to)}`;
  return {
    ...(byDefault === undefined ? { optional: true } : { default: byDefault }),
    wrong: (value) =>
      Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to
        ? null
        : `takes a whole number ${range}, not ${textOf(value)}`,
  };
}

const positive = (byDefault?: number, most = Number.MAX_SAFE_INTEGER): Setting => whole(1, most, byDefault);
const notNegative = (byDefault: number, most = Number.MAX_SAFE_INTEGER): Setting => whole(0, most, byDefault);

/* Checked by hand: a library for it would be loaded in each thread, and take as long as a tenth of a start. */
const SETTINGS: Readonly<Record<SettingName, Setting>> = {
  applicationId: {
    wrong: (value) =>
      typeof value === 'string' && value.length <= MOST_LETTERS && /^[a-zA-Z0-9._-]+$/.test(value)
        ? null
        : `may hold letters, digits, dot, dash and underscore, at least one and at most ${String(MOST_LETTERS)}: ` +
          `not ${textOf(value)}`,
  },
  stateDir: {
    wrong: (value) => (typeof value === 'string' && value !== '' ? null : `takes a path, not ${textOf(value)}`),
  },
  processingGuarantee: {
    default: 'exactly_once',
    wrong: (value) =>
      value === 'exactly_once' || value === 'at_least_once'
        ? null
        : `takes "exactly_once" or "at_least_once", not ${textOf(value)}`,
  },
  numStreamThreads: positive(1, 64),
  numStandbyReplicas: notNegative(0, 100),
  commitIntervalMs: positive(100),
  internalReplicationFactor: positive(),
  sessionTimeoutMs: positive(8_000),
  rebalanceTimeoutMs: positive(20_000),
  heartbeatIntervalMs: positive(),
  transactionTimeoutMs: positive(undefined, 900_000),
  statusIntervalMs: positive(1_000),
  threadReplaceBackoffMs: positive(500),
  threadReplacements: notNegative(10),
  threadHangTimeoutMs: positive(20_000),
  noProgressTimeoutMs: positive(60_000),
  maxBytesPerPartition: positive(524_288),
  maxRecordBytes: whole(1_024, 268_435_456, 33_554_432),
  cacheMaxBytes: notNegative(10_485_760),
  maxTaskIdleMs: notNegative(0),
};

/**
 * Parses once, fills in defaults, cross-checks, freezes. Plain data: it crosses threads.
 * @throws StreamsError CONFIG_INVALID naming each wrong field.
 */
export function parseStreamsConfig(input: StreamsConfigInput): StreamsConfig {
  const data = parse(input);
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

/** Each setting that there is, checked or by default. @throws StreamsError CONFIG_INVALID */
function parse(input: unknown): Parsed {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new StreamsError('CONFIG_INVALID', `streams configuration: it takes an object, not ${textOf(input)}`);
  const given = input as Readonly<Record<string, unknown>>;
  const parsed: Record<string, unknown> = {};
  const issues: string[] = [];
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const value = given[name] === undefined ? setting.default : given[name];
    if (value === undefined && setting.optional === true) continue;
    const wrong = setting.wrong(value);
    if (wrong !== null) issues.push(`${name}: ${wrong}`);
    parsed[name] = value;
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(SETTINGS, name))
      issues.push(`there is no setting "${name}": ${didYouMean(name, Object.keys(SETTINGS))}`);
  }
  if (issues.length > 0) throw new StreamsError('CONFIG_INVALID', `streams configuration: ${issues.join('; ')}`);
  return parsed as unknown as Parsed;
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
