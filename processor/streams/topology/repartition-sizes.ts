import { joinedTopics } from './joined-topics.ts';
import { foreignGroupingsOf, repartitionTopic, topicNameOf, type Topology } from './topology.ts';

/**
 * Partition counts of the repartition topics. One may be given; one that meets topics of the user's in a join by key
 * has as many as they have, or as the one among them that is given. All others: as many as the largest topic that the
 * sub-topologies writing them read, through other repartition topics too, also where those lead back to it; where
 * several meet in a join, as many as the largest of them. Those of a foreign-key join only follow the table that they
 * lead to. Left out: topics behind unknown ones only.
 */
export function repartitionSizes(
  topology: Topology,
  applicationId: string,
  sizeOf: (topic: string) => number | undefined,
): Map<string, number> {
  const sizes = new Map<string, number>();
  const written = new Set(
    topology.subTopologies.flatMap(({ writesGroupings }) =>
      writesGroupings.map((grouping) => repartitionTopic(applicationId, grouping)),
    ),
  );
  const foreign = foreignGroupingsOf(topology.nodes);
  const groups = joinedTopics(topology, applicationId);
  const fixed = new Set<string>();
  const given = new Map(
    topology.nodes.flatMap((node) =>
      node.kind === 'send' && node.partitions !== undefined
        ? [[repartitionTopic(applicationId, node.grouping), node.partitions] as const]
        : [],
    ),
  );
  for (const group of [...groups, ...[...given.keys()].map((topic) => [topic])]) {
    const ofUsers = [...group].flatMap((topic) => (written.has(topic) ? [] : (sizeOf(topic) ?? [])));
    const known = ofUsers.length > 0 ? ofUsers : [...group].flatMap((topic) => given.get(topic) ?? []);
    if (known.length === 0) continue;
    for (const topic of group) {
      if (!written.has(topic) || fixed.has(topic)) continue;
      // One that is given another size than those it meets have is told of where that is checked.
      sizes.set(topic, given.get(topic) ?? Math.max(...known));
      fixed.add(topic);
    }
  }
  for (let grew = true; grew;) {
    grew = false;
    for (const { sources, writesGroupings } of topology.subTopologies) {
      const known = sources.flatMap(
        (source) => ('topic' in source ? sizeOf(source.topic) : sizes.get(topicNameOf(source, applicationId))) ?? [],
      );
      for (const grouping of known.length === 0 ? [] : writesGroupings) {
        const topic = repartitionTopic(applicationId, grouping);
        const size = Math.max(...known);
        if (fixed.has(topic) || foreign.has(grouping) || size <= (sizes.get(topic) ?? 0)) continue;
        for (const joined of groups.find((group) => group.has(topic)) ?? [topic]) sizes.set(joined, size);
        grew = true;
      }
    }
  }
  return sizes;
}
