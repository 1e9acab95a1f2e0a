import type kafkajs from '#kafkajs';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { asAccessDenied, hasCode, isBrokerAway } from '../kafka/kafka-errors.ts';
import { messageOf, RESET_REMEDY, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { checkCopartitioned, checkTopicNames } from '../topology/copartitioning.ts';
import { repartitionSizes } from '../topology/repartition-sizes.ts';
import { topologySignature } from '../topology/signature.ts';
import {
  changelogTopic,
  inputTopicsOf,
  offsetsTopic,
  repartitionTopic,
  statusTopic,
  topicNameOf,
  type Topology,
} from '../topology/topology.ts';
import {
  readApplicationRecord,
  refuseOtherTopology,
  writeApplicationRecord,
  type ApplicationRecord,
} from './application-record.ts';
import {
  findTruncatedChangelog,
  findWrongPolicy,
  recreatedTopic,
  topicsWithIdentity,
  type KnownTopics,
} from './topic-check.ts';

export interface TopicPlan {
  readonly topic: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

/** Source topics that may be made on a first start, with their partition count. */
export interface CreatableTopics {
  readonly [topic: string]: { readonly partitions: number; readonly config?: Readonly<Record<string, string>> };
}

const TOPIC_ALREADY_EXISTS = 36;
const OFFSETS_SETTLE_MS = 2_000;
const MOST_ID_QUESTIONS = 50;
const ID_QUESTION_INTERVAL_MS = 100;
const MIB = 1024 * 1024;

/** Small segments and an eager cleaner: a restore reads what the cleaner has not yet merged. */
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(32 * MIB),
  'min.cleanable.dirty.ratio': '0.1',
  'max.compaction.lag.ms': String(10 * 60 * 1000),
  'delete.retention.ms': String(24 * 3_600_000),
};
/** A handful of keys that are written again and again. */
const FEW_ROWS = { ...COMPACTED, 'segment.bytes': String(4 * MIB), 'segment.ms': String(10 * 60 * 1000) };
/** Kept for ever by the broker; Tributary purges behind the committed offset. */
const REPARTITION = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'segment.bytes': String(64 * MIB) };

/**
 * Finds or makes every topic the topology touches; answers the partition count and the id of each.
 *
 * Source topics that are missing are made only on a first start (no committed offsets, no local store, no record of the
 * application), and only those in `creatable`. Internal topics that are missing later are refused: their contents are
 * gone. So are topics that were made anew, cut or configured so that they forget, and a topology other than the
 * application's.
 * @throws StreamsError naming the topic and the remedy.
 */
export async function prepareTopics(options: {
  readonly kafka: kafkajs.Kafka;
  readonly cluster: KafkaCluster;
  readonly topology: Topology;
  readonly applicationId: string;
  readonly creatable: CreatableTopics;
  readonly hasLocalState: boolean;
  readonly exactlyOnce: boolean;
  readonly replicationFactor: number | undefined;
  readonly logger: Logger;
}): Promise<KnownTopics> {
  const { kafka, cluster, topology, applicationId, creatable, hasLocalState, exactlyOnce, replicationFactor, logger } =
    options;
  const admin = kafka.admin();
  await admin.connect();
  try {
    // In this order: an instance that has committed has made all topics before.
    const withOffsets = await topicsWithOffsets(admin, applicationId);
    // All topics in one answer: a start that asks for each waits for each.
    const found = await allPartitionCounts(admin);
    const existing = new Set(found.keys());
    const record = existing.has(statusTopic(applicationId))
      ? await readApplicationRecord(cluster, applicationId, logger)
      : undefined;
    if (record !== undefined) refuseOtherTopology(record, topologySignature(topology), applicationId);
    const isFirstStart = !hasLocalState && withOffsets.size === 0 && record === undefined;
    const recreated =
      record === undefined
        ? undefined
        : recreatedTopic(
            topology,
            applicationId,
            record.topicIds,
            await cluster.topicIds(Object.keys(record.topicIds)),
          );
    if (recreated !== undefined) throw recreated;
    const counts: Record<string, number> = {};
    const create = async (plan: TopicPlan): Promise<void> => {
      await createTopic(admin, plan, replicationFactor);
      logger.info({ topic: plan.topic, partitions: plan.partitions }, 'created topic');
      existing.add(plan.topic);
      counts[plan.topic] = plan.partitions;
    };

    const sources = inputTopicsOf(topology.subTopologies);
    const external = new Set([
      ...sources,
      ...topology.subTopologies.flatMap((s) => [
        ...s.nodes.flatMap((n) => (n.sinkTopic !== undefined && 'topic' in n.sinkTopic ? [n.sinkTopic.topic] : [])),
        ...s.nodes.flatMap((n) => (n.source?.deadLetterTopic === undefined ? [] : [n.source.deadLetterTopic])),
      ]),
    ]);
    // Before the first topic is made: a topology that is refused leaves nothing behind.
    checkTopicNames(topology, applicationId);
    checkCopartitioned(topology, applicationId, (topic) => found.get(topic) ?? creatable[topic]?.partitions);
    for (const topic of external) {
      if (existing.has(topic)) continue;
      const plan = creatable[topic];
      if (sources.includes(topic) && !isFirstStart)
        throw new StreamsError(
          'SOURCE_TOPIC_MISSING',
          `the topic ${topic} does not exist any more, but ${applicationId} has read from it before. Restore ` +
            `the topic or, if starting over is meant, ${RESET_REMEDY}`,
          { topic, remedy: 'reset' },
        );
      if (plan === undefined)
        throw new StreamsError(
          'SOURCE_TOPIC_MISSING',
          `the topic ${topic} does not exist; create it before the application starts`,
          { topic },
        );
      await create({ topic, partitions: plan.partitions, config: plan.config ?? {} });
    }
    if (exactlyOnce) await refuseForgottenSources(admin, topology, applicationId, withOffsets);
    // What was made just now may have been made by another instance, in another size.
    const made = Object.keys(counts);
    for (const topic of external) counts[topic] = found.get(topic) ?? counts[topic] ?? 0;
    Object.assign(counts, await partitionCounts(admin, made));

    for (const plan of internalTopics(topology, applicationId, counts)) {
      counts[plan.topic] = plan.partitions;
      if (!existing.has(plan.topic)) {
        // A release of before it made no topic for offsets, and its record knows none.
        const mayBeNew =
          plan.topic === statusTopic(applicationId) ||
          (plan.topic === offsetsTopic(applicationId) && record?.topicIds[plan.topic] === undefined);
        if (!isFirstStart && !mayBeNew)
          throw new StreamsError(
            'INTERNAL_TOPIC_INVALID',
            `the internal topic ${plan.topic} does not exist any more, but ${applicationId} has worked with it ` +
              `before. Restore the topic or, if starting over is meant, ${RESET_REMEDY}`,
            { topic: plan.topic, remedy: 'reset' },
          );
        await create(plan);
        continue;
      }
      const has = found.get(plan.topic);
      if (has !== plan.partitions)
        throw new StreamsError(
          'PARTITIONS_CHANGED',
          `the topic ${plan.topic} has ${String(has)} partitions, but the source topics make it ` +
            `${String(plan.partitions)}: partitions were added, and keys would land elsewhere. Go back to the ` +
            `old partition count with a new topic, or ${RESET_REMEDY}`,
          { topic: plan.topic, remedy: 'reset' },
        );
    }
    const context = { admin, cluster, topology, applicationId, logger };
    const damaged = (await findWrongPolicy(context)) ?? (await findTruncatedChangelog(context));
    if (damaged !== undefined) throw damaged;
    return { partitionCounts: counts, topicIds: await recordTopics(options, record) };
  } finally {
    await admin.disconnect();
  }
}

/**
 * Writes the application's record at the first start, and completes it when the brokers tell ids that they did not tell
 * before, or when this release tells more of a topology than the one that wrote it.
 */
async function recordTopics(
  { kafka, cluster, topology, applicationId, logger }: Parameters<typeof prepareTopics>[0],
  record: ApplicationRecord | undefined,
): Promise<Readonly<Record<string, string>>> {
  const wanted = topicsWithIdentity(topology, applicationId);
  let ids = await cluster.topicIds(wanted);
  // A broker may hear of a new topic a moment after the controller has answered.
  for (let attempt = 1; ids.size > 0 && ids.size < wanted.length && attempt < MOST_ID_QUESTIONS; attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, ID_QUESTION_INTERVAL_MS));
    ids = await cluster.topicIds(wanted);
  }
  const topicIds = { ...Object.fromEntries(ids), ...record?.topicIds };
  const signature = topologySignature(topology);
  if (
    record === undefined ||
    Object.keys(topicIds).length > Object.keys(record.topicIds).length ||
    Object.keys(signature).some((part) => !(part in record.topology))
  ) {
    await writeApplicationRecord(kafka, cluster, applicationId, { topology: signature, topicIds }, logger);
  }
  return topicIds;
}

/**
 * Repartition, changelog, offsets and status topics, sized after the user's topics in `counts`.
 * @throws StreamsError NOT_COPARTITIONED when keys of one store would lie in two tasks; TOPOLOGY_INVALID for names that
 * cannot be.
 */
export function internalTopics(
  topology: Topology,
  applicationId: string,
  counts: Readonly<Record<string, number>>,
): TopicPlan[] {
  checkTopicNames(topology, applicationId);
  checkCopartitioned(topology, applicationId, (topic) => counts[topic]);
  const repartitions = repartitionSizes(topology, applicationId, (topic) => counts[topic]);
  const plans = [...repartitions].map(([topic, partitions]): TopicPlan => ({ topic, partitions, config: REPARTITION }));
  let tasks = 0;
  for (const { sources, stores } of topology.subTopologies) {
    const sizes = sources.map(
      (source) =>
        ('topic' in source ? counts[source.topic] : repartitions.get(topicNameOf(source, applicationId))) ?? 1,
    );
    for (const store of stores)
      plans.push({
        topic: changelogTopic(applicationId, store.name),
        partitions: Math.max(...sizes),
        config: COMPACTED,
      });
    tasks += Math.max(...sizes);
  }
  plans.push(
    { topic: offsetsTopic(applicationId), partitions: tasks, config: FEW_ROWS },
    { topic: statusTopic(applicationId), partitions: 1, config: FEW_ROWS },
  );
  return plans;
}

async function createTopic(
  admin: kafkajs.Admin,
  plan: TopicPlan,
  replicationFactor: number | undefined,
): Promise<void> {
  try {
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic: plan.topic,
          numPartitions: plan.partitions,
          replicationFactor: replicationFactor ?? -1,
          configEntries: Object.entries(plan.config).map(([name, value]) => ({ name, value })),
        },
      ],
    });
  } catch (error) {
    // Another instance that starts at the same moment made it.
    if (isTopicExists(error)) return;
    if (isBrokerAway(error)) throw error;
    throw (
      asAccessDenied(error, `making the topic ${plan.topic}, which is not there or must not be seen`) ??
      new StreamsError('INTERNAL_TOPIC_INVALID', `the topic ${plan.topic} cannot be created: ${messageOf(error)}`, {
        topic: plan.topic,
        cause: error,
      })
    );
  }
}

function isTopicExists(error: unknown): boolean {
  if (hasCode(error, TOPIC_ALREADY_EXISTS)) return true;
  const errors = (error as { errors?: unknown }).errors;
  return Array.isArray(errors) && errors.every((e) => hasCode(e, TOPIC_ALREADY_EXISTS));
}

async function partitionCounts(admin: kafkajs.Admin, topics: readonly string[]): Promise<Record<string, number>> {
  if (topics.length === 0) return {};
  const { topics: found } = await admin.fetchTopicMetadata({ topics: [...topics] });
  return Object.fromEntries(found.map(({ name, partitions }) => [name, partitions.length]));
}

/** Of every topic there is. */
async function allPartitionCounts(admin: kafkajs.Admin): Promise<Map<string, number>> {
  const { topics } = await admin.fetchTopicMetadata();
  return new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
}

async function topicsWithOffsets(admin: kafkajs.Admin, groupId: string): Promise<Set<string>> {
  const offsets = await admin.fetchOffsets({ groupId });
  return new Set(
    offsets.filter(({ partitions }) => partitions.some(({ offset }) => Number(offset) >= 0)).map(({ topic }) => topic),
  );
}

/**
 * Kafka forgets a group's offsets with the topic: one that was deleted and made anew would be read as if for the first
 * time.
 */
async function refuseForgottenSources(
  admin: kafkajs.Admin,
  topology: Topology,
  applicationId: string,
  withOffsets: ReadonlySet<string>,
): Promise<void> {
  if (forgottenSources(topology, applicationId, withOffsets).length === 0) return;
  // The offsets of a transaction may become visible a moment after its records, and after what was made of these.
  await new Promise((resolve) => setTimeout(resolve, OFFSETS_SETTLE_MS));
  const forgotten = forgottenSources(topology, applicationId, await topicsWithOffsets(admin, applicationId));
  if (forgotten.length > 0)
    throw new StreamsError(
      'OFFSETS_MISSING',
      `the group ${applicationId} has no committed offset for any partition of ${forgotten.join(', ')}, but it ` +
        `has processed what was read from there: the topic was deleted and made anew, or its offsets were ` +
        `deleted. If starting over is meant, ${RESET_REMEDY}`,
      { topic: forgotten[0], remedy: 'reset' },
    );
}

/** Source topics without any offset in sub-topologies whose output has been processed further on. */
export function forgottenSources(
  topology: Topology,
  applicationId: string,
  withOffsets: ReadonlySet<string>,
): string[] {
  return topology.subTopologies.flatMap((s) => {
    const others = new Set(topology.subTopologies.flatMap((other) => (other === s ? [] : other.writesGroupings)));
    const isRead = s.writesGroupings.some(
      (grouping) => !others.has(grouping) && withOffsets.has(repartitionTopic(applicationId, grouping)),
    );
    return isRead && !s.sources.some((source) => withOffsets.has(topicNameOf(source, applicationId)))
      ? inputTopicsOf([s])
      : [];
  });
}
