import { setTimeout as delay } from 'node:timers/promises';
import type kafkajs from '#kafkajs';
import { RESET_REMEDY, StreamsError } from '../errors.ts';
import { inputTopicsOf, topicNameOf, type Topology } from '../topology/topology.ts';

const OFFSETS_SETTLE_MS = 2_000;

/** The topics of which a group has committed an offset. */
export async function topicsWithOffsets(admin: kafkajs.Admin, groupId: string): Promise<Set<string>> {
  const offsets = await admin.fetchOffsets({ groupId });
  return new Set(
    offsets.filter(({ partitions }) => partitions.some(({ offset }) => Number(offset) >= 0)).map(({ topic }) => topic),
  );
}

/**
 * Kafka forgets a group's offsets with the topic: one that was deleted and made anew would be read as if for the first
 * time.
 */
export async function refuseForgottenSources(
  admin: kafkajs.Admin,
  topology: Topology,
  applicationId: string,
  withOffsets: ReadonlySet<string>,
): Promise<void> {
  if (forgottenSources(topology, applicationId, withOffsets).length === 0) return;
  // The offsets of a transaction may become visible a moment after its records, and after what was made of these.
  await delay(OFFSETS_SETTLE_MS);
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

/**
 * Source topics without any offset in sub-topologies whose output has been processed further on. Who reads from others,
 * too, commits an offset for all of its inputs, whether it has had anything from this one or not: it proves nothing.
 */
export function forgottenSources(
  topology: Topology,
  applicationId: string,
  withOffsets: ReadonlySet<string>,
): string[] {
  const { subTopologies } = topology;
  return subTopologies.flatMap((s) => {
    const others = new Set(subTopologies.flatMap((other) => (other === s ? [] : other.writesGroupings)));
    const ofIt = new Set(s.writesGroupings.filter((grouping) => !others.has(grouping)));
    const readers = subTopologies.filter(({ sources }) =>
      sources.every((source) => 'grouping' in source && ofIt.has(source.grouping)),
    );
    const isRead = readers.some(({ sources }) =>
      sources.some((source) => withOffsets.has(topicNameOf(source, applicationId))),
    );
    return isRead && !s.sources.some((source) => withOffsets.has(topicNameOf(source, applicationId)))
      ? inputTopicsOf([s])
      : [];
  });
}
