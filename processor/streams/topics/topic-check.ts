import type kafkajs from '#kafkajs';
import { hasChangelog } from '../store/typed-store.ts';
import { READ_UNCOMMITTED } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { hasCode, LeaderNotKnownError } from '../kafka/kafka-errors.ts';
import { messageOf, RESET_REMEDY, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import {
  changelogTopic,
  inputTopicsOf,
  offsetsTopic,
  repartitionTopic,
  statusTopic,
  type Topology,
} from '../topology/topology.ts';
import { topicPartition, type TopicPartition } from '../kafka/topic-partition.ts';

/** What the topics of an application were when it last looked. */
export interface KnownTopics {
  /** Of every topic that the topology touches. */
  readonly partitionCounts: Readonly<Record<string, number>>;
  /** Of those that it reads or keeps state in, as far as the brokers have ids. */
  readonly topicIds: Readonly<Record<string, string>>;
}

interface TopicCheckContext {
  readonly admin: kafkajs.Admin;
  readonly cluster: KafkaCluster;
  readonly topology: Topology;
  readonly applicationId: string;
  readonly logger: Logger;
}

/** Numbers of DescribeConfigs. */
const TOPIC_RESOURCE = 2;
const TOPIC_AUTHORIZATION_FAILED = 29;
const STARTING_OVER = `If starting over is meant, ${RESET_REMEDY}`;

/** Topics whose contents cannot be made again: one that was made anew under the same name is another topic. */
export function topicsWithIdentity(topology: Topology, applicationId: string): string[] {
  return [
    ...new Set([
      ...inputTopicsOf(topology.subTopologies),
      ...repartitionsOf(topology, applicationId),
      ...changelogsOf(topology, applicationId),
      offsetsTopic(applicationId),
    ]),
  ];
}

/**
 * Asks whether every topic is still the one that it was, whole, and configured so that it stays whole. Undefined: yes.
 * @throws when the broker is away.
 */
export async function findChangedTopic(
  context: TopicCheckContext,
  known: KnownTopics,
): Promise<StreamsError | undefined> {
  const { admin, cluster, topology, applicationId } = context;
  const { partitionCounts: expected, topicIds } = known;
  const existing = new Set(await admin.listTopics());
  const internal = internalNames(topology, applicationId);
  for (const topic of Object.keys(expected)) {
    if (!existing.has(topic))
      return new StreamsError(
        internal.has(topic) ? 'INTERNAL_TOPIC_INVALID' : 'SOURCE_TOPIC_MISSING',
        `the topic ${topic} was deleted while the application ran. Restore the topic or, if starting over is ` +
          `meant, ${RESET_REMEDY}`,
        { topic, remedy: 'reset' },
      );
  }
  const recreated = recreatedTopic(topology, applicationId, topicIds, await cluster.topicIds(Object.keys(topicIds)));
  if (recreated !== undefined) return recreated;
  const { topics } = await admin.fetchTopicMetadata({ topics: Object.keys(expected) });
  for (const { name, partitions } of topics) {
    if (partitions.length !== expected[name])
      return new StreamsError(
        'PARTITIONS_CHANGED',
        `the topic ${name} has ${String(partitions.length)} partitions and had ${String(expected[name])}: the ` +
          `new ones would not be read and keys would land elsewhere. Go back to the old partition count with a ` +
          `new topic, or ${RESET_REMEDY}`,
        { topic: name, remedy: 'reset' },
      );
  }
  return (await findWrongPolicy(context)) ?? (await findTruncatedChangelog(context));
}

/** Compares ids that are known on both sides. */
export function recreatedTopic(
  topology: Topology,
  applicationId: string,
  before: Readonly<Record<string, string>>,
  now: ReadonlyMap<string, string>,
): StreamsError | undefined {
  for (const [topic, id] of Object.entries(before)) {
    const found = now.get(topic);
    if (found !== undefined && found !== id)
      return topicRecreated(topic, id, found, internalNames(topology, applicationId).has(topic));
  }
  return undefined;
}

/**
 * Checks topics that a fetch had trouble with: whether they still are those whose ids are known.
 * @throws StreamsError when one was made anew; LeaderNotKnownError while one is not there.
 */
export async function checkTopicIds(
  cluster: Pick<KafkaCluster, 'topicIds'>,
  topics: readonly string[],
  topicIds: Readonly<Record<string, string>>,
  isInternal: (topic: string) => boolean,
): Promise<void> {
  const known = topics.filter((topic) => topicIds[topic] !== undefined);
  const found = await cluster.topicIds(known);
  for (const topic of known) {
    const [before, now] = [topicIds[topic] as string, found.get(topic)];
    if (now === undefined) throw new LeaderNotKnownError(topic, 0);
    if (now !== before) throw topicRecreated(topic, before, now, isInternal(topic));
  }
}

function topicRecreated(topic: string, before: string, now: string, internal: boolean): StreamsError {
  const what = internal ? 'what the application kept in it is gone' : 'its offsets are those of other records';
  return new StreamsError(
    internal ? 'INTERNAL_TOPIC_INVALID' : 'SOURCE_TOPIC_RECREATED',
    `the topic ${topic} was deleted and made anew (its id was ${before} and is ${now}): ${what}. ${STARTING_OVER}`,
    { topic, remedy: 'reset' },
  );
}

/** A changelog that forgets by age, or a repartition topic that is compacted, loses counts in silence. */
export async function findWrongPolicy({
  admin,
  topology,
  applicationId,
  logger,
}: TopicCheckContext): Promise<StreamsError | undefined> {
  const wanted = new Map([
    ...changelogsOf(topology, applicationId).map((topic) => [topic, 'compact'] as const),
    [statusTopic(applicationId), 'compact'] as const,
    [offsetsTopic(applicationId), 'compact'] as const,
    ...repartitionsOf(topology, applicationId).map((topic) => [topic, 'delete'] as const),
  ]);
  for (const [topic, policy] of await cleanupPolicies(admin, [...wanted.keys()], logger)) {
    const right = wanted.get(topic);
    if (right === undefined || policy === right) continue;
    return new StreamsError(
      'INTERNAL_TOPIC_INVALID',
      `the topic ${topic} has cleanup.policy=${policy} in place of ${right}: Kafka may delete what the ` +
        `application has kept in it. Set it back (kafka-configs.sh --alter --entity-type topics --entity-name ` +
        `${topic} --add-config cleanup.policy=${right}). If records are missing already, ${RESET_REMEDY}`,
      { topic, remedy: 'reset' },
    );
  }
  return undefined;
}

async function cleanupPolicies(
  admin: kafkajs.Admin,
  topics: readonly string[],
  logger: Logger,
): Promise<Map<string, string>> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: topics.map((name) => ({ type: TOPIC_RESOURCE, name, configNames: ['cleanup.policy'] })),
    });
    return new Map(
      resources.flatMap(({ resourceName, configEntries }) =>
        configEntries.flatMap(({ configName, configValue }) =>
          configName === 'cleanup.policy' ? [[resourceName, configValue] as const] : [],
        ),
      ),
    );
  } catch (error) {
    if (!hasCode(error, TOPIC_AUTHORIZATION_FAILED)) throw error;
    logger.debug(
      { error: messageOf(error) },
      'the configuration of internal topics may not be read, and is not checked',
    );
    return new Map();
  }
}

/**
 * The broker never moves the start of a compacted topic: somebody deleted records, and a restore would miss their rows.
 */
export async function findTruncatedChangelog({
  cluster,
  topology,
  applicationId,
}: Pick<TopicCheckContext, 'cluster' | 'topology' | 'applicationId'>): Promise<StreamsError | undefined> {
  const topics = changelogsOf(topology, applicationId);
  if (topics.length === 0) return undefined;
  // Not by kafkajs' admin client: it stumbles over partitions without a leader.
  await cluster.track(topics);
  const partitions = topics.flatMap((topic) =>
    Array.from({ length: cluster.partitionCount(topic) }, (_, partition) => ({ topic, partition })),
  );
  const firsts = await Promise.all(
    partitions.map(async ({ topic, partition }) => ({
      where: { topic, partition },
      ...(await cluster.offsetRange(topic, partition, READ_UNCOMMITTED)),
    })),
  );
  const cut = firsts.find(({ first }) => first > 0);
  return cut === undefined ? undefined : changelogTruncated(cut.where, cut.first);
}

export function changelogTruncated(where: TopicPartition, first: number): StreamsError {
  return new StreamsError(
    'INTERNAL_TOPIC_INVALID',
    `the changelog ${topicPartition(where.topic, where.partition)} begins at offset ` +
      (`${String(first)}: its first records were deleted, and a store restored from it would miss their rows. ` +
        `${STARTING_OVER}`),
    { ...where, remedy: 'reset' },
  );
}

function internalNames(topology: Topology, applicationId: string): ReadonlySet<string> {
  return new Set([
    ...repartitionsOf(topology, applicationId),
    ...changelogsOf(topology, applicationId),
    offsetsTopic(applicationId),
    statusTopic(applicationId),
  ]);
}

function changelogsOf({ subTopologies }: Topology, applicationId: string): string[] {
  return subTopologies.flatMap(({ stores }) =>
    stores.filter(hasChangelog).map(({ name }) => changelogTopic(applicationId, name)),
  );
}

function repartitionsOf({ subTopologies }: Topology, applicationId: string): string[] {
  return [
    ...new Set(
      subTopologies.flatMap((s) => s.writesGroupings.map((grouping) => repartitionTopic(applicationId, grouping))),
    ),
  ];
}
