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
