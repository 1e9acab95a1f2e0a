import type kafkajs from 'kafkajs';
import { topicPartition } from '@tributary/streams';
import { changelogTopic, offsetsTopic, repartitionTopic, statusTopic } from '@tributary/streams/operations';
import type { Environment } from '../../processor/logins/environment.ts';
import { buildTopology } from '../../processor/logins/topology.ts';
import { redrivenTopic } from '../dead-letters/dead-letters-topic.ts';
import type { LocalState } from './reset-local-state.ts';

/** What a reset finds: all that it deletes, and what it leaves. */
export interface ResetPlan {
  readonly applicationId: string;
  readonly group: {
    readonly exists: boolean;
    /** Client id and host of each member. */
    readonly members: readonly string[];
    /** `topic-partition` to offset. */
    readonly offsets: ReadonlyMap<string, number>;
  };
  /** Internal topics that exist, in the order in which they must go. */
  readonly topics: readonly string[];
  readonly localState: LocalState;
  /** Topics named like internal ones of the application that this topology does not make: they stay. */
  readonly foreignTopics: readonly string[];
  readonly input: { readonly topic: string; readonly records: number | null };
  readonly deadLetters: { readonly topic: string; readonly records: number | null };
  /** Dead letters were sent to the input again: their originals and their copies will both be read. */
  readonly redriven: boolean;
}

/**
 * In the order in which they must go. A processor that finds one missing refuses to start while the group has offsets
 * or its slot has stores. Where neither is left, the rows of a changelog tell it that this is no first start. So the
 * repartition topics go before the changelogs: alone, they would be counted once more by a start that looks like a
 * first one.
 */
export function internalTopics({
  applicationId,
  inputTopic,
  deadLetterTopic,
}: Pick<Environment, 'applicationId' | 'inputTopic' | 'deadLetterTopic'>): string[] {
  const { subTopologies } = buildTopology({ inputTopic, deadLetterTopic });
  const repartitions = subTopologies.flatMap((s) =>
    s.writesGroupings.map((name) => repartitionTopic(applicationId, name)),
  );
  const changelogs = subTopologies.flatMap((s) =>
    s.stores.filter(({ changelog = true }) => changelog).map(({ name }) => changelogTopic(applicationId, name)),
  );
  return [...new Set([...repartitions, ...changelogs, offsetsTopic(applicationId), statusTopic(applicationId)])];
}

/** Changes nothing. @throws what kafkajs throws */
export async function planReset(
  admin: kafkajs.Admin,
  environment: Environment,
  localState: LocalState,
): Promise<ResetPlan> {
  const { applicationId, inputTopic, deadLetterTopic } = environment;
  const existing = new Set(await admin.listTopics());
  const internal = internalTopics(environment);
  const recordsOf = async (topic: string): Promise<number | null> => {
    if (!existing.has(topic)) return null;
    const partitions = await admin.fetchTopicOffsets(topic);
    return partitions.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
  };
  return {
    applicationId,
    group: await groupOf(admin, applicationId),
    topics: internal.filter((topic) => existing.has(topic)),
    localState,
    foreignTopics: [...existing]
      .filter(
        (topic) =>
          topic.startsWith(`${applicationId}-`) && /-(changelog|repartition)$/.test(topic) && !internal.includes(topic),
      )
      .sort(),
    input: { topic: inputTopic, records: await recordsOf(inputTopic) },
    deadLetters: { topic: deadLetterTopic, records: await recordsOf(deadLetterTopic) },
    redriven: ((await recordsOf(redrivenTopic(deadLetterTopic))) ?? 0) > 0,
  };
}

async function groupOf(admin: kafkajs.Admin, groupId: string): Promise<ResetPlan['group']> {
  const { groups } = await admin.describeGroups([groupId]);
  const found = groups[0];
  const offsets = await committedOffsets(admin, groupId);
  return {
    exists: offsets.size > 0 || (found !== undefined && found.state !== 'Dead'),
    members: (found?.members ?? [])
      .map(({ clientId, clientHost }) => `${clientId} at ${clientHost.replace(/^\//, '')}`)
      .sort(),
    offsets,
  };
}

export async function committedOffsets(admin: kafkajs.Admin, groupId: string): Promise<Map<string, number>> {
  const topics = await admin.fetchOffsets({ groupId });
  const named = topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, offset }): [string, number] => [topicPartition(topic, partition), Number(offset)]),
  );
  return new Map(named.filter(([, offset]) => offset >= 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function isEmpty({ group, topics, localState }: ResetPlan): boolean {
  return !group.exists && topics.length === 0 && localState.slots.every(({ contents }) => contents.length === 0);
}

/** Who uses the application now, one line each; empty: it may be reset. */
export function usersOf({ applicationId, group, localState }: ResetPlan): string[] {
  return [
    ...group.members.map((member) => `the group ${applicationId} has the member ${member}`),
    ...localState.slots.flatMap(({ lock, path }) =>
      lock === null ? [`a running process has the state directory ${path}`] : [],
    ),
  ];
}
