import { setTimeout as delay } from 'node:timers/promises';
import type kafkajs from '#kafkajs';
import { messageOf, StreamsError } from '../errors.ts';
import { asAccessDenied, hasCode, isBrokerAway } from '../kafka/kafka-errors.ts';
import type { TopicPlan } from './internal-topics.ts';

const TOPIC_ALREADY_EXISTS = 36;

/**
 * Makes a topic; it is no error when another instance that starts at the same moment has made it.
 * @throws StreamsError INTERNAL_TOPIC_INVALID, BROKER_ACCESS_DENIED
 */
export async function createTopic(
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

const INVALID_PARTITIONS = 37;
const LEADER_RETRY_MS = 100;
const LEADER_RETRIES = 100;

/**
 * Gives a topic that has fewer partitions as many as the plan has, and waits for their leaders; it is no error when
 * another instance has done it.
 * @throws StreamsError as `createTopic`.
 */
export async function addPartitions(admin: kafkajs.Admin, { topic, partitions }: TopicPlan): Promise<void> {
  try {
    await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] });
  } catch (error) {
    if (isBrokerAway(error)) throw error;
    if (!hasCode(error, INVALID_PARTITIONS))
      throw (
        asAccessDenied(error, `adding partitions to ${topic}`) ??
        new StreamsError('INTERNAL_TOPIC_INVALID', `no partitions can be added to ${topic}: ${messageOf(error)}`, {
          topic,
          cause: error,
        })
      );
  }
  for (let attempt = 1; attempt <= LEADER_RETRIES; attempt += 1) {
    const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
    if (found?.partitions.length === partitions && found.partitions.every(({ leader }) => leader >= 0)) return;
    await delay(LEADER_RETRY_MS);
  }
  throw new StreamsError('INTERNAL_TOPIC_INVALID', `the new partitions of ${topic} have no leaders`, { topic });
}
