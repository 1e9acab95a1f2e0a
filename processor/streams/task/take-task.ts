import { restoreStore, type RestoreCluster } from '../changelog/changelog-reader.ts';
import { decodeOffsetNote } from '../changelog/offset-note.ts';
import { topicPartition, type StreamsProducer } from '../changelog/streams-producer.ts';
import { READ_COMMITTED, READ_UNCOMMITTED, type CommittedOffset } from '../consumer/kafka-cluster.ts';
import { settledRange } from '../consumer/settled-range.ts';
import { untilBrokerAnswers } from '../consumer/until-broker-answers.ts';
import { RESET_REMEDY, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { StoreIdentity } from '../store/leveldb-store.ts';
import type { OffsetMap, StateStore } from '../store/state-store.ts';
import type { FenceGate } from './fence-gate.ts';
import { openCheckedStore } from './open-store.ts';
import type { StreamTask, TaskInput } from './stream-task.ts';
import type { TaskGraph } from './task-graph.ts';
import type { TaskId } from './task-id.ts';

/** Nobody says how long an older answer lasts; this is well within the ten seconds of a refusal. */
const GROUP_SETTLE_MS = 5_000;
const ASK_AGAIN_MS = 200;

/** What taking a task needs of a KafkaCluster. */
export type TakeCluster = RestoreCluster;

export interface TakeContext {
  readonly applicationId: string;
  /** The topics of the user that the application reads: what is said of an internal topic names them too. */
  readonly inputTopics: readonly string[];
  readonly slotDirectory: string;
  readonly identityOf: (id: TaskId) => StoreIdentity;
  /** For offsets and restores: never the connection that fetches or joins. */
  readonly cluster: TakeCluster;
  readonly logger: Logger;
  readonly fences: FenceGate;
  /** Offsets and changelog are committed in one transaction: neither is there without the other. */
  readonly exactlyOnce: boolean;
  readonly createProducer: (task: StreamTask) => StreamsProducer;
  readonly createGraph: (task: StreamTask, store: StateStore | undefined) => TaskGraph;
}

/**
 * Taking a task, in the one order that is safe (docs/commit.md). Cancelled at any arrow by `task.life`:
 * 1 fence -> 2 read committed offsets -> 3 open and check the store -> 4 restore -> 5 compare -> the caller seeks and resumes.
 *
 * Answers the offsets to read from.
 * @throws StreamsError; `exit` ones when the cluster and the store contradict each other: never reset silently.
 */
export async function takeTask(task: StreamTask, context: TakeContext): Promise<ReadonlyMap<string, number>> {
  const { signal } = task.life;

  // 1. Fence: whoever had the task can commit nothing from here on, and what it left open is settled.
  task.producer = context.createProducer(task);
  const { producer } = task;
  await context.fences.pass(signal, () => producer.init(signal));

  // 2. Committed offsets, after the fence, and before the changelogs' ends: where nothing is fenced (at_least_once), what
  //    the old owner commits in between is counted again. The other way round it would be missing from the store.
  const committed = await committedOffsets(task, context);
  await expectLag(task, context, committed);

  // 3. Open the store and check it before its first commit, so that damage never reaches the changelog.
  if (task.subTopology.stores.length > 0 && task.store === undefined) task.store = await openCheckedStore({ ...context, identity: context.identityOf(task.id), signal });
  signal.throwIfAborted();

  // 4. Restore from the stored offset to the end as it is after the fence.
  if (task.store !== undefined) {
    await restoreStore({
      cluster: context.cluster,
      store: task.store,
      changelogs: task.changelogs,
      signal,
      logger: context.logger,
      reach: reachOf(committed),
      onProgress: (progress) => {
        task.restore = progress;
      },
    });
  }
  task.restore = undefined;

  // 5. The group's offsets against the store's and the topic's.
  const offsets = await startOffsets(task, context, committed);
  signal.throwIfAborted();
  task.graph = context.createGraph(task, task.store);
  return offsets;
}

/** In the order of the inputs. */
async function committedOffsets(task: StreamTask, { cluster }: TakeContext): Promise<readonly CommittedOffset[]> {
  const { signal } = task.life;
  await untilBrokerAnswers(signal, () => cluster.track(task.inputs.map((i) => i.topic)));
  return (task.producer as StreamsProducer).committed(task.inputs, signal);
}

/** How far the changelogs reach at least, as the newest commit has noted beside its offsets. */
function reachOf(committed: readonly CommittedOffset[]): OffsetMap {
  const reach = new Map<string, number>();
  for (const { metadata } of committed) {
    for (const [name, offset] of decodeOffsetNote(metadata)) reach.set(name, Math.max(offset, reach.get(name) ?? 0));
  }
  return reach;
}

/** For the status only: how much waits for this task while it is being restored. */
async function expectLag(task: StreamTask, { cluster }: TakeContext, committed: readonly CommittedOffset[]): Promise<void> {
  const { signal } = task.life;
  const offsets = new Map<string, number>();
  const ends = new Map<string, number>();
  for (const [index, { topic, partition }] of task.inputs.entries()) {
    const { first, end } = await untilBrokerAnswers(signal, () => cluster.offsetRange(topic, partition, READ_COMMITTED), () => cluster.refresh());
    offsets.set(topicPartition(topic, partition), Math.max(first, committed[index]?.offset ?? -1));
    ends.set(topicPartition(topic, partition), end);
  }
  task.expect(offsets, ends);
}

async function startOffsets(task: StreamTask, { applicationId, inputTopics, cluster, exactlyOnce }: TakeContext, committed: readonly CommittedOffset[]): Promise<Map<string, number>> {
  const { signal } = task.life;
  const offsets = new Map<string, number>();
  for (const [index, { topic, partition }] of task.inputs.entries()) {
    const name = topicPartition(topic, partition);
    const inGroup = committed[index]?.offset ?? -1;
    const { first, end } = await settledRange(cluster, { topic, partition, isolationLevel: READ_UNCOMMITTED, signal, plausible: (range) => inGroup <= range.end });
    const inStore = task.store?.offsets().input.get(name);
    const named = inputTopics.includes(topic) ? name : `${name} (behind ${inputTopics.join(', ')})`;
    const remedy = `If starting over is meant, ${RESET_REMEDY}`;
    if (inGroup < 0) {
      // An empty disk and offsets that expired would look like a first start, but for what was restored from the changelog.
      const restored = task.store?.digest().entries ?? 0;
      if (inStore === undefined && (!exactlyOnce || restored === 0)) {
        offsets.set(name, first);
        continue;
      }
      await waitOutOlderAnswer(task, { topic, partition }, inStore ?? 0);
      const counted = inStore === undefined ? `the changelogs of task ${task.id} hold ${String(restored)} rows counted from it` : `the local store of task ${task.id} has counted it up to ${String(inStore)}`;
      throw new StreamsError('OFFSETS_MISSING', `the group ${applicationId} has no committed offset for ${named}, but ${counted}. ${remedy}`, { taskId: task.id });
    }
    if (inStore !== undefined && inStore > inGroup) {
      await waitOutOlderAnswer(task, { topic, partition }, inStore);
      throw new StreamsError('STORE_AHEAD_OF_GROUP', `the local store of task ${task.id} has counted ${named} up to ${String(inStore)}, but the group ${applicationId} has committed only ${String(inGroup)}: the offsets were moved back. ${remedy}`, { taskId: task.id });
    }
    if (inGroup < first || inGroup > end) throw new StreamsError('OFFSET_OUT_OF_RANGE', `the group ${applicationId} stands at offset ${String(inGroup)} of ${named}, which holds ${String(first)} to ${String(end)}: records were deleted before they were processed, or the topic was recreated. ${remedy}`, { taskId: task.id });
    offsets.set(name, inGroup);
  }
  return offsets;
}

/**
 * A coordinator that has lost its partition, or has loaded it from an older state (docs/chaos.md), answers older offsets than the
 * group has, until another takes over or it loads again: before a contradiction is believed the group is given a moment.
 *
 * @throws COMMIT_FAILED when it turns out to have committed `offset` after all: what was read with the older one is void.
 */
async function waitOutOlderAnswer({ id, producer, life }: StreamTask, input: TaskInput, offset: number): Promise<void> {
  for (const deadline = performance.now() + GROUP_SETTLE_MS; performance.now() < deadline; ) {
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    const [found] = await (producer as StreamsProducer).committed([input], life.signal);
    if (found !== undefined && found.offset >= offset) throw new StreamsError('COMMIT_FAILED', `the group answered an older offset of ${topicPartition(input.topic, input.partition)} than it has`, { taskId: id });
  }
}
