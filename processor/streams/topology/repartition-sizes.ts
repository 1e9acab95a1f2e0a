import { repartitionTopic, topicNameOf, type Topology } from './topology.ts';

/**
 * Partition counts of the repartition topics: as many as the largest topic that the sub-topologies writing them read,
 * through other repartition topics too, also where those lead back to it. Left out: topics behind unknown ones only.
 */
export function repartitionSizes(
  topology: Topology,
  applicationId: string,
  sizeOf: (topic: string) => number | undefined,
): Map<string, number> {
  const sizes = new Map<string, number>();
  for (let grew = true; grew;) {
    grew = false;
    for (const { sources, writesGroupings } of topology.subTopologies) {
      const known = sources.flatMap(
        (source) => ('topic' in source ? sizeOf(source.topic) : sizes.get(topicNameOf(source, applicationId))) ?? [],
      );
      for (const grouping of known.length === 0 ? [] : writesGroupings) {
        const topic = repartitionTopic(applicationId, grouping);
        const size = Math.max(...known);
        if (size <= (sizes.get(topic) ?? 0)) continue;
        sizes.set(topic, size);
        grew = true;
      }
    }
  }
  return sizes;
}
