import { setTimeout as delay } from 'node:timers/promises';
import { type KafkaConnectionConfig, type Logger, StreamsError } from '@tributary/streams';
import {
  ApplicationRecordReader,
  asFatalConnectionError,
  awayReason,
  CODE,
  hasCode,
  KafkaCluster,
  type TopologySignature,
} from '@tributary/streams/operations';
import type { FeedSource, FeedSources } from './feed-source.ts';
import { type CheckedTable, checkTables, type SourceTopic } from './source-check.ts';
import { TopicSettingsReader } from './topic-settings.ts';

const LOOK_AGAIN_MS = 1_000;
/** So many tables are named in one line; of the others it says how many they are. */
const NAMED_PROBLEMS = 5;

/** What the sources are looked up with. */
export interface SourceLookup {
  /** What the application's record says; undefined while there is none. */
  readonly readRecord: () => Promise<TopologySignature | undefined>;
  readonly settings: Pick<TopicSettingsReader, 'read'>;
  /** How many partitions a topic has. @throws where it does not exist. */
  readonly partitionCount: (topic: string) => Promise<number>;
  /** Forgets what is known of leaders and topics. */
  readonly refresh: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface ResolveSourcesOptions {
  readonly connection: KafkaConnectionConfig;
  readonly applicationId: string;
  readonly tables: readonly CheckedTable[];
  readonly logger: Logger;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Told, whenever that changes, what is waited for: one line for /ready. */
  onWaiting(reason: string): void;
  /** What the brokers are asked with, and how long is waited before they are asked again. */
  readonly lookup?: SourceLookup;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/**
 * Finds the topic of each table, and waits for what is not there yet or is declared as it is not: a processor may come,
 * or come with another topology.
 * @throws StreamsError for what no waiting mends; the reason of `signal`.
 */
export async function resolveSources(options: ResolveSourcesOptions): Promise<FeedSources> {
  const { connection, applicationId, logger, signal, onWaiting } = options;
  const { pause = (ms: number) => delay(ms, undefined, { signal }) } = options;
  const lookup = options.lookup ?? openLookup(connection, applicationId, logger);
  let told: string | undefined;
  try {
    for (;;) {
      signal.throwIfAborted();
      const found = await lookUp(options, lookup).catch((error: unknown) => waitingFor(error, connection.brokers));
      if (typeof found !== 'string') return found;
      if (found !== told) {
        told = found;
        logger.warn({ applicationId, reason: found }, 'the tables of the API wait for their sources');
        onWaiting(found);
      }
      await pause(LOOK_AGAIN_MS, signal);
      await lookup.refresh().catch(() => undefined);
    }
  } finally {
    await lookup.close();
  }
}

function openLookup(connection: KafkaConnectionConfig, applicationId: string, logger: Logger): SourceLookup {
  const cluster = new KafkaCluster({ ...connection, clientId: `${connection.clientId}-table-sources` }, logger);
  const records = new ApplicationRecordReader(cluster, applicationId, logger);
  return {
    readRecord: async () => {
      try {
        return (await records.read())?.topology;
      } catch (error) {
        if (hasCode(error, CODE.UNKNOWN_TOPIC_OR_PARTITION)) return undefined;
        throw error;
      }
    },
    settings: new TopicSettingsReader(cluster, logger),
    partitionCount: async (topic) => {
      await cluster.track([topic]);
      return cluster.partitionCount(topic);
    },
    refresh: () => cluster.refresh(),
    close: () => cluster.disconnect(),
  };
}

/** The sources, or what is waited for. */
async function lookUp(options: ResolveSourcesOptions, lookup: SourceLookup): Promise<FeedSources | string> {
  const { tables, applicationId } = options;
  const record = tables.some(({ source }) => source.kind === 'store') ? await lookup.readRecord() : undefined;
  const checks = checkTables(tables, applicationId, record);
  const problems = new Set<string>();
  const found = new Map<string, FeedSource>();
  for (const [name, check] of checks) {
    const source = 'problem' in check ? check.problem : await lookUpTopic(name, check.source, lookup);
    if (typeof source === 'string') problems.add(source);
    else found.set(name, source);
  }
  if (problems.size === 0) return found;
  const more = problems.size > NAMED_PROBLEMS ? `; and ${String(problems.size - NAMED_PROBLEMS)} more` : '';
  return [...problems].slice(0, NAMED_PROBLEMS).join('; ') + more;
}

async function lookUpTopic(
  table: string,
  source: SourceTopic,
  { partitionCount, settings }: SourceLookup,
): Promise<FeedSource | string> {
  const { topic, isChangelog } = source;
  try {
    const partitions = await partitionCount(topic);
    const { isCompacted, deleteRetentionMs } = await settings.read(topic);
    if (isCompacted !== false) return { ...source, partitions, deleteRetentionMs };
    return (
      `the table ${table} cannot be read from the topic ${topic}: it is not compacted and forgets rows by age; ` +
      'set its cleanup.policy to compact (kafka-configs.sh --alter --entity-type topics --entity-name ' +
      `${topic} --add-config cleanup.policy=compact)`
    );
  } catch (error) {
    if (!hasCode(error, CODE.UNKNOWN_TOPIC_OR_PARTITION)) throw error;
    return `waiting for the topic ${topic}, which ${isChangelog ? 'the processor creates' : 'does not exist'}`;
  }
}

/** @throws StreamsError for what no waiting mends. */
function waitingFor(error: unknown, brokers: readonly string[]): string {
  const fatal = asFatalConnectionError(error, brokers);
  // A name that does not resolve may be a name server that is away.
  if (fatal !== undefined && fatal.code !== 'BROKER_NAME_UNKNOWN') throw fatal;
  if (error instanceof StreamsError && error.code === 'INTERNAL_TOPIC_INVALID') return error.message;
  return `Kafka is away: ${fatal?.message ?? awayReason(brokers, error)}`;
}
