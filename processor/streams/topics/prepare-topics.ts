import type kafkajs from '#kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { RESET_REMEDY, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { checkCopartitioned, checkTopicNames } from '../topology/copartitioning.ts';
import { namesIn, topologySignature } from '../topology/signature.ts';
import { renumbered, subTopologyNumbers, type SubTopologyNumbers } from '../topology/sub-topology-numbers.ts';
import {
  changelogTopic,
  globalTopicsOf,
  inputTopicsOf,
  offsetsTopic,
  repartitionTopic,
  statusTopic,
  userOutputsOf,
  type Topology,
} from '../topology/topology.ts';
import {
  hasNewerFormats,
  readApplicationRecord,
  refuseNewerFormats,
  refuseOtherTopology,
  TOPIC_FORMATS,
  writeApplicationRecord,
  type ApplicationRecord,
} from './application-record.ts';
import { addPartitions, createTopic } from './create-topic.ts';
import { refuseForgottenSources, topicsWithOffsets } from './forgotten-sources.ts';
import { internalTopics, type TopicPlan } from './internal-topics.ts';
import {
  findTruncatedChangelog,
  findWrongPolicy,
  recreatedTopic,
  topicsWithIdentity,
  type KnownTopics,
} from './topic-check.ts';

/** The topics of an application, and the numbers that its sub-topologies have. */
export interface PreparedTopics extends KnownTopics {
  readonly numbers: SubTopologyNumbers;
}

/** Source topics that may be made on a first start, with their partition count. */
export interface CreatableTopics {
  readonly [topic: string]: { readonly partitions: number; readonly config?: Readonly<Record<string, string>> };
}

const MOST_ID_QUESTIONS = 50;
const ID_QUESTION_INTERVAL_MS = 100;

/**
 * Finds or makes every topic that the topology touches, and returns the partition count and the id of each.
 *
 * Source topics that are missing are made only on a first start (no committed offsets, no local store, no record of the
 * application), and only those in `creatable`. Internal topics that are missing later are refused: their contents are
 * gone. What a release has added to the topology gets its topics at its first start. Refused are also topics that were
 * deleted and made anew, cut, or configured so that records are lost, and another topology than the application's.
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
}): Promise<PreparedTopics> {
  const { kafka, cluster, applicationId, creatable, hasLocalState, exactlyOnce, replicationFactor, logger } = options;
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
    if (record !== undefined) refuseNewerFormats(record, statusTopic(applicationId));
    const numbers = subTopologyNumbers(options.topology, record?.topology);
    const topology = renumbered(options.topology, numbers);
    const before = record === undefined ? undefined : namesIn(record.topology);
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
      ...globalTopicsOf(topology),
      ...topology.subTopologies.flatMap(userOutputsOf),
    ]);
    // Before the first topic is made: a topology that is refused leaves nothing behind.
    checkTopicNames(topology, applicationId);
    checkCopartitioned(topology, applicationId, (topic) => found.get(topic) ?? creatable[topic]?.partitions);
    for (const topic of external) {
      if (existing.has(topic)) continue;
      const plan = creatable[topic];
      if (sources.includes(topic) && !isFirstStart && before?.topics.has(topic) !== false)
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

    /** How many tasks the release of before had, by the partition counts of today. */
    const tasksOf = (known: typeof before): number | undefined => {
      if (known === undefined || known.subTopologies >= topology.subTopologies.length) return undefined;
      const part = { ...topology, subTopologies: topology.subTopologies.slice(0, known.subTopologies) };
      const offsets = offsetsTopic(applicationId);
      return internalTopics(part, applicationId, counts).find(({ topic }) => topic === offsets)?.partitions;
    };
    /** The topic of a store or grouping that the release of before did not have. */
    const isNew = (topic: string): boolean =>
      before !== undefined &&
      topology.subTopologies.some(
        ({ stores, writesGroupings }) =>
          stores.some(({ name }) => !before.logged.has(name) && changelogTopic(applicationId, name) === topic) ||
          writesGroupings.some(
            (name) => !before.groupings.has(name) && repartitionTopic(applicationId, name) === topic,
          ),
      );
    for (const plan of internalTopics(topology, applicationId, counts)) {
      counts[plan.topic] = plan.partitions;
      if (!existing.has(plan.topic)) {
        // Earlier releases made no topic for offsets, and there is none in their record.
        const mayBeNew =
          isNew(plan.topic) ||
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
      if (has !== plan.partitions && plan.topic === offsetsTopic(applicationId) && has === tasksOf(before)) {
        await addPartitions(admin, plan);
        logger.info({ topic: plan.topic, partitions: plan.partitions }, 'added partitions for new tasks');
        continue;
      }
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
    return { partitionCounts: counts, topicIds: await recordTopics({ ...options, topology }, record), numbers };
  } finally {
    await admin.disconnect();
  }
}

/**
 * Writes the application's record at the first start, and completes it when the brokers have ids that they did not have
 * before, or when this release knows more of a topology, or writes newer forms, than the one that wrote it.
 */
async function recordTopics(
  { kafka, cluster, topology, applicationId, logger }: Parameters<typeof prepareTopics>[0],
  record: ApplicationRecord | undefined,
): Promise<Readonly<Record<string, string>>> {
  const wanted = topicsWithIdentity(topology, applicationId);
  let ids = await cluster.topicIds(wanted);
  // A broker may hear of a new topic a moment after the controller has answered.
  for (let attempt = 1; ids.size > 0 && ids.size < wanted.length && attempt < MOST_ID_QUESTIONS; attempt += 1) {
    await delay(ID_QUESTION_INTERVAL_MS);
    ids = await cluster.topicIds(wanted);
  }
  const topicIds = { ...Object.fromEntries(ids), ...record?.topicIds };
  const signature = topologySignature(topology);
  if (
    record === undefined ||
    hasNewerFormats(record) ||
    Object.keys(topicIds).length > Object.keys(record.topicIds).length ||
    Object.entries(signature).some(([part, text]) => record.topology[part] !== text)
  ) {
    const complete = { topology: signature, topicIds, formats: TOPIC_FORMATS };
    await writeApplicationRecord(kafka, cluster, applicationId, complete, logger);
  }
  return topicIds;
}

async function partitionCounts(admin: kafkajs.Admin, topics: readonly string[]): Promise<Record<string, number>> {
  if (topics.length === 0) return {};
  const { topics: found } = await admin.fetchTopicMetadata({ topics: [...topics] });
  return Object.fromEntries(found.map(({ name, partitions }) => [name, partitions.length]));
}

/** The partition counts of all topics. */
async function allPartitionCounts(admin: kafkajs.Admin): Promise<Map<string, number>> {
  const { topics } = await admin.fetchTopicMetadata();
  return new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
}
