import { StreamsError } from '../errors.ts';
import { isKeyedJoin, storesOf, type GraphNode } from './graph.ts';
import { topicsInFrontOf } from './joined-topics.ts';
import { repartitionSizes } from './repartition-sizes.ts';
import {
  globalTopicsOf,
  inputTopicsOf,
  internalTopicsOf,
  topicNameOf,
  userOutputsOf,
  type Topology,
} from './topology.ts';

const LONGEST_TOPIC_NAME = 249;

/**
 * Refuses a topology whose topics cannot be: an internal one whose name is too long or is that of a topic of the
 * user's.
 * @throws StreamsError TOPOLOGY_INVALID
 */
export function checkTopicNames(topology: Topology, applicationId: string): void {
  const users = new Set([
    ...topology.subTopologies.flatMap((sub) => [...inputTopicsOf([sub]), ...userOutputsOf(sub)]),
    ...globalTopicsOf(topology),
  ]);
  for (const topic of internalTopicsOf(topology, applicationId)) {
    if (topic.length > LONGEST_TOPIC_NAME)
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        `the internal topic ${topic} would have a name of ${String(topic.length)} characters, and Kafka takes ` +
          `${String(LONGEST_TOPIC_NAME)}: use a shorter application id, store or grouping name`,
      );
    if (users.has(topic))
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        `the topology reads or writes ${topic} as a topic of its user's, and it is the application's own: use ` +
          `another topic, or another name for the store or grouping`,
      );
  }
}

/**
 * A key's rows must lie in one task. So all topics that reach one store or one join by key, by any way, must have as
 * many partitions.
 * @throws StreamsError NOT_COPARTITIONED naming the store or the join, the topics and their counts.
 */
export function checkCopartitioned(
  topology: Topology,
  applicationId: string,
  sizeOf: (topic: string) => number | undefined,
): void {
  const repartitions = repartitionSizes(topology, applicationId, sizeOf);
  for (const subTopology of topology.subTopologies) {
    const countsInFrontOf = (nodes: readonly GraphNode[]): (readonly [string, number])[] =>
      [
        ...new Set(
          nodes.flatMap((node) => topicsInFrontOf(node, subTopology).map((topic) => topicNameOf(topic, applicationId))),
        ),
      ].flatMap((topic) => {
        const count = repartitions.get(topic) ?? sizeOf(topic);
        return count === undefined ? [] : [[topic, count] as const];
      });
    for (const node of subTopology.nodes.filter(isKeyedJoin)) {
      const counted = countsInFrontOf([node]);
      if (new Set(counted.map(([, count]) => count)).size <= 1) continue;
      throw new StreamsError(
        'NOT_COPARTITIONED',
        `${node.name} joins by the keys of ${sizesOf(counted)}: with different partition counts the two sides of one ` +
          `key lie in two tasks, which never meet. Give the topics equal partition counts, or send one side through ` +
          `repartition, which then has as many partitions as the other`,
      );
    }
    for (const { name } of subTopology.stores) {
      const users = subTopology.nodes.filter((node) => storesOf(node).some((store) => store.name === name));
      const counted = countsInFrontOf(users);
      // mutant: equal-counts
      if (new Set(counted.map(([, count]) => count)).size <= 1) continue;
      const holds = users.some(({ kind }) => kind !== 'process')
        ? 'counts by the keys of'
        : 'holds what belongs to the keys of';
      throw new StreamsError(
        'NOT_COPARTITIONED',
        `the store "${name}" ${holds} ${sizesOf(counted)}: with different partition counts one key lies in two ` +
          `tasks, each with a part of its rows (${users.map((node) => node.name).join(', ')}). Give the topics equal ` +
          `partition counts, or send what comes from them through groupBy, which repartitions`,
      );
    }
  }
}

function sizesOf(counted: readonly (readonly [string, number])[]): string {
  return counted.map(([topic, count]) => `${topic} (${String(count)})`).join(', ');
}
