import { hasChangelog } from '../store/typed-store.ts';
import { checkCopartitioned, checkTopicNames } from '../topology/copartitioning.ts';
import { repartitionSizes } from '../topology/repartition-sizes.ts';
import { changelogTopic, offsetsTopic, statusTopic, topicNameOf, type Topology } from '../topology/topology.ts';

/** A topic as it is made. */
export interface TopicPlan {
  readonly topic: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

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
    for (const store of stores.filter(hasChangelog))
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
