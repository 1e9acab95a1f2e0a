import { inputTopicOf, isKeyedJoin, type GraphNode, type TopicName } from './graph.ts';
import { topicNameOf, type SubTopology, type Topology } from './topology.ts';

/** The topics whose records, or dead letters, reach a node. */
export function topicsInFrontOf(node: GraphNode, { nodes }: SubTopology): TopicName[] {
  const found = new Set<GraphNode>();
  const visit = (at: GraphNode): void => {
    if (found.has(at)) return;
    found.add(at);
    for (const { from } of at.inputs) for (const other of nodes) if (other.index === from) visit(other);
  };
  visit(node);
  return [...found].sort((a, b) => a.index - b.index).flatMap((at) => inputTopicOf(at) ?? []);
}

/** The topics that meet in joins by key, directly or through others: each group has one partition count. */
export function joinedTopics({ subTopologies }: Topology, applicationId: string): ReadonlySet<string>[] {
  const groups: Set<string>[] = [];
  for (const sub of subTopologies) {
    for (const node of sub.nodes.filter(isKeyedJoin)) {
      const joined = new Set(topicsInFrontOf(node, sub).map((topic) => topicNameOf(topic, applicationId)));
      for (let at = groups.length - 1; at >= 0; at -= 1) {
        if ([...(groups[at] as Set<string>)].every((topic) => !joined.has(topic))) continue;
        for (const topic of groups.splice(at, 1)[0] as Set<string>) joined.add(topic);
      }
      groups.push(joined);
    }
  }
  return groups;
}
