import { setTimeout as sleep } from 'node:timers/promises';
import { restoreStore, type RestoreCluster, type StoreRestore } from '../reading/changelog-reader.ts';
import { keptOffsetsRecord, readKeptOffsets } from '../topics/kept-offsets.ts';
import { decodeOffsetMetadata } from '../writing/offset-metadata.ts';
import { rowCheckOf } from '../reading/row-check.ts';
import type { StreamsProducer } from '../writing/streams-producer.ts';
import { READ_COMMITTED, READ_UNCOMMITTED } from '../kafka/broker.ts';
import type { CommittedOffset } from '../kafka/group-offsets.ts';
import { settledRange } from '../reading/settled-range.ts';
import { untilBrokerAnswers } from '../kafka/until-broker-answers.ts';
import { RESET_REMEDY, StreamsError, type ErrorCode } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { UNHEARD, type LongWaits, type StepsThatWait } from '../long-waits.ts';
import { loadIndexes, type StoreIndexes } from '../store/load-indexes.ts';
import type { OffsetMap, StateStore } from '../store/state-store.ts';
import type { FenceGate } from './fence-gate.ts';
import type { StreamTask } from './stream-task.ts';
import type { TaskGraph } from './task-graph.ts';
import type { TaskInput } from './task-layout.ts';
import { dropUnlogged } from './unlogged-stores.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

/** How long a coordinator may go on with an older answer is not specified; a refusal may take ten seconds. */
const SETTLE_MS = 5_000;
const ASK_AGAIN_MS = 200;

/** How the restore of one store of a task goes. One that is interrupted begins again with `started`. */
export interface RestoreEvent extends StoreRestore {
  readonly taskId: string;
}

/** Told of restores: a function of all that happens, or one for each kind. */
export type RestoreListener =
  | ((event: RestoreEvent) => void)
  | {
      started?(event: RestoreEvent): void;
      progress?(event: RestoreEvent): void;
      finished?(event: RestoreEvent): void;
    };

export interface InitialiseContext {
  readonly applicationId: string;
  /** The user's topics that the application reads: messages about an internal topic name them, too. */
  readonly inputTopics: readonly string[];
  /** For offsets and restores: never the connection that fetches or joins. */
  readonly cluster: RestoreCluster;
  readonly logger: Logger;
  readonly fences: FenceGate;
  /** Where its steps say what they wait for; without it nobody hears. */
  readonly waits?: Pick<LongWaits, 'of'>;
  /** Told how restores go. */
  readonly onRestore?: (event: RestoreEvent) => void;
  /** Offsets and changelogs are committed in one transaction: none is there without the others. */
  readonly exactlyOnce: boolean;
  /** How long brokers are asked again before a contradiction is believed. */
  readonly settleMs?: number;
  readonly createProducer: (task: StreamTask, onUnanswered: (error: unknown) => void) => StreamsProducer;
  readonly createGraph: (task: StreamTask, store: StateStore | undefined, indexes: StoreIndexes) => TaskGraph;
}

/**
 * Initialises a task, in the one order that is safe (docs/commit.md). Ended between any two steps by
 * `task.life.signal`: 1 fence -> 2 read committed offsets -> 3 open and check the store -> 4 restore -> 5 compare. The
 * caller then seeks to the offsets that it returns, and reads.
 * @throws StreamsError; `exit` ones when the cluster and the store contradict each other: never reset silently.
 */
export async function initialiseTask(
  task: StreamTask,
  context: InitialiseContext,
): Promise<ReadonlyMap<string, number>> {
  const waiting = context.waits?.of(`task ${task.id}`) ?? UNHEARD;
  try {
    return await initialise(task, { ...context, waiting });
  } finally {
    waiting.end();
  }
}

interface Initialising extends InitialiseContext {
  readonly waiting: StepsThatWait;
}

async function initialise(task: StreamTask, context: Initialising): Promise<ReadonlyMap<string, number>> {
  const { waiting } = context;
  const { signal } = task.life;

  // 1. Fence: an old owner can commit nothing from here on, and what it left open is settled.
  // mutant: new-producer
  task.producer = context.createProducer(task, waiting.unanswered);
  const { producer } = task;
  waiting.step('the next assignment of the group');
  // mutant: fence
  await context.fences.pass(signal, () => {
    waiting.step('its producer: what an earlier owner has left open is ended first');
    return producer.init(signal);
  });

  // 2. Read the committed offsets after the fence, and before the ends of the changelogs: without a fence
  // (at_least_once) what the old owner commits in between is counted again. In the other order the store would miss it.
  waiting.step('the committed offsets of its inputs');
  // mutant: offsets-after-fence
  const committed = await committedOffsets(task, context);
  waiting.step('the ends of its inputs');
  await expectLag(task, context, committed);
  waiting.step(`the offsets that it has kept in ${task.spec.keptOffsets.topic}`);
  // mutant: offsets-kept
  const kept = await keptOffsets(task, context);

  // 3. Open the store and check it before its first commit, so that damage never reaches the changelog.
  waiting.step('its store to be opened and checked');
  if (task.spec.subTopology.stores.length > 0) await task.life.openStore();
  signal.throwIfAborted();

  // 4. Restore from the stored offset to the end as it is after the fence.
  if (task.store !== undefined) {
    await restoreStore({
      cluster: context.cluster,
      store: task.store,
      changelogs: task.spec.changelogs,
      signal,
      logger: context.logger,
      waiting,
      reach: reachOf(committed),
      // mutant: rows-checked
      check: rowCheckOf(task.spec.subTopology.stores),
      onProgress: (progress) => {
        task.restore = progress;
      },
      onStore: (restore) => context.onRestore?.({ taskId: task.id, ...restore }),
    });
  }
  task.restore = undefined;

  // 5. Compare the group's offsets with the store's and the topic's.
  waiting.step('the ends of its inputs');
  const offsets = await startOffsets(task, context, committed, kept);
  signal.throwIfAborted();
  waiting.step('its stores without a changelog to be compared with its inputs');
  await dropUnlogged(task, offsets, context.logger);
  waiting.step('the keys of its stores to be loaded');
  const indexes = await loadIndexes(task.spec.subTopology.stores, task.store);
  signal.throwIfAborted();
  // mutant: new-graph
  task.graph = context.createGraph(task, task.store, indexes);
  task.time.resume(Math.max(...committed.map(({ metadata }) => decodeOffsetMetadata(metadata).streamTimeMs)));
  return offsets;
}

/** In the order of the inputs. */
async function committedOffsets(
  task: StreamTask,
  { cluster, waiting }: Initialising,
): Promise<readonly CommittedOffset[]> {
  const { signal } = task.life;
  await untilBrokerAnswers(signal, () => cluster.track(task.inputs.map((i) => i.topic)), undefined, waiting.unanswered);
  return (task.producer as StreamsProducer).committed(task.inputs, signal);
}

/**
 * The offsets that the application has kept itself. Without transactions they would soon differ from the group's: they
 * are deleted.
 */
async function keptOffsets(
  task: StreamTask,
  { cluster, logger, exactlyOnce, waiting }: Initialising,
): Promise<OffsetMap | undefined> {
  const kept = await readKeptOffsets(cluster, task.spec.keptOffsets, task.life.signal, logger, waiting.unanswered);
  if (exactlyOnce || kept === undefined) return kept;
  await (task.producer as StreamsProducer).send([keptOffsetsRecord(task.spec.keptOffsets, undefined)]);
  return undefined;
}

/** How far the changelogs reach at least, as the metadata of the committed offsets say. */
function reachOf(committed: readonly CommittedOffset[]): OffsetMap {
  const reach = new Map<string, number>();
  for (const { metadata } of committed) {
    for (const [name, offset] of decodeOffsetMetadata(metadata).reach)
      reach.set(name, Math.max(offset, reach.get(name) ?? 0));
  }
  return reach;
}

/** For the status only: how much waits for this task while it is being restored. */
async function expectLag(
  task: StreamTask,
  { cluster, waiting }: Initialising,
  committed: readonly CommittedOffset[],
): Promise<void> {
  const { signal } = task.life;
  const offsets = new Map<string, number>();
  const ends = new Map<string, number>();
  for (const [index, { topic, partition }] of task.inputs.entries()) {
    const { first, end } = await untilBrokerAnswers(
      signal,
      () => cluster.offsetRange(topic, partition, READ_COMMITTED),
      () => cluster.refresh(),
      waiting.unanswered,
    );
    offsets.set(topicPartition(topic, partition), Math.max(first, committed[index]?.offset ?? -1));
    ends.set(topicPartition(topic, partition), end);
  }
  task.expect(offsets, ends);
}

async function startOffsets(
  task: StreamTask,
  context: Initialising,
  committed: readonly CommittedOffset[],
  kept: OffsetMap | undefined,
): Promise<Map<string, number>> {
  const { inputTopics, cluster, exactlyOnce } = context;
  const { signal } = task.life;
  const offsets = new Map<string, number>();
  for (const [index, input] of task.inputs.entries()) {
    const { topic, partition } = input;
    const name = topicPartition(topic, partition);
    const inGroup = committed[index]?.offset ?? -1;
    const { first, end } = await settledRange(cluster, {
      topic,
      partition,
      isolationLevel: READ_UNCOMMITTED,
      signal,
      plausible: (range) => inGroup <= range.end,
      onUnanswered: context.waiting.unanswered,
    });
    const counted = countedUpTo(task, name, kept);
    const described: DescribedInput = {
      ...input,
      name: inputTopics.includes(topic) ? name : `${name} (behind ${inputTopics.join(', ')})`,
    };
    if (inGroup < 0) {
      // An empty disk and offsets that expired would look like a first start, but for what was restored from the
      // changelog.
      const restored = task.store?.digest().entries ?? 0;
      if (counted === undefined && (!exactlyOnce || restored === 0)) {
        const atEnd = startsAtEnd(task, topic);
        offsets.set(name, atEnd ? await lastStableEnd(task, context, input) : first);
        if (atEnd) task.commitStart();
        continue;
      }
      await waitOutOlderAnswer(task, context, input, { least: counted?.offset ?? 0 });
      const what =
        counted === undefined
          ? `the changelogs of task ${task.id} hold ${String(restored)} rows counted from it`
          : counted.words;
      throw contradiction(
        'OFFSETS_MISSING',
        task,
        context,
        described,
        `the group has no committed offset for it, but ${what}`,
        counted?.offset,
      );
    }
    if (counted !== undefined && counted.offset > inGroup) {
      await waitOutOlderAnswer(task, context, input, { least: counted.offset });
      throw contradiction(
        'STORE_AHEAD_OF_GROUP',
        task,
        context,
        described,
        `${counted.words}, but the group has committed only ${String(inGroup)}: its offsets were moved back, ` +
          `and records would be counted twice`,
        counted.offset,
      );
    }
    if (inGroup < first || inGroup > end)
      throw contradiction(
        'OFFSET_OUT_OF_RANGE',
        task,
        context,
        described,
        `the group stands at offset ${String(inGroup)} of it, which holds ${String(first)} to ${String(end)}: ` +
          `records were deleted before they were processed, or the topic was recreated`,
      );
    const keptOffset = kept?.get(name);
    if (keptOffset !== undefined && keptOffset < inGroup) {
      await waitOutOlderAnswer(task, context, input, { least: inGroup, inTopic: true });
      throw contradiction(
        'OFFSETS_MOVED',
        task,
        context,
        described,
        `the group stands at offset ${String(inGroup)} of it, but ${keptWords(task, keptOffset)}: its offsets ` +
          `were moved forward, and the records between would never be counted`,
        keptOffset,
      );
    }
    offsets.set(name, inGroup);
  }
  return offsets;
}

/** In a group without offsets. All sources of one topic start at one place: the topology has been checked. */
function startsAtEnd({ spec }: StreamTask, topic: string): boolean {
  return spec.subTopology.nodes.some(
    (node) => node.kind === 'source' && node.topic === topic && node.startAt === 'latest',
  );
}

/** Where consumers start that read committed records: what an open transaction has written is not behind them. */
async function lastStableEnd(
  { life: { signal } }: StreamTask,
  { cluster, waiting }: Initialising,
  { topic, partition }: TaskInput,
): Promise<number> {
  const { end } = await untilBrokerAnswers(
    signal,
    () => cluster.offsetRange(topic, partition, READ_COMMITTED),
    () => cluster.refresh(),
    waiting.unanswered,
  );
  return end;
}

interface DescribedInput extends TaskInput {
  /** As an operator knows it: of an internal topic with the input behind it. */
  readonly name: string;
}

function keptWords({ id, spec }: StreamTask, offset: number): string {
  return `${spec.keptOffsets.topic} says that task ${id} has processed it up to ${String(offset)}`;
}

/** How far the task is known to have counted one of its inputs, and how that is known. */
function countedUpTo(
  task: StreamTask,
  name: string,
  kept: OffsetMap | undefined,
): { readonly offset: number; readonly words: string } | undefined {
  const inStore = task.store?.offsets().input.get(name);
  const inTopic = kept?.get(name);
  if (inTopic !== undefined && inTopic >= (inStore ?? 0)) return { offset: inTopic, words: keptWords(task, inTopic) };
  return inStore === undefined
    ? undefined
    : { offset: inStore, words: `the local store of task ${task.id} has counted it up to ${String(inStore)}` };
}

/** `right`: the offset at which the group would agree with everything else. */
function contradiction(
  code: ErrorCode,
  { id }: StreamTask,
  { applicationId }: InitialiseContext,
  { topic, partition, name }: DescribedInput,
  what: string,
  right?: number,
): StreamsError {
  const putBack =
    right === undefined
      ? ''
      : `Put the offset back (kafka-consumer-groups.sh --group ${applicationId} --topic ` +
        `${topic}:${String(partition)} --reset-offsets --to-offset ${String(right)} --execute). `;
  return new StreamsError(
    code,
    `${name} in the group ${applicationId}: ${what}. ${putBack}If starting over is meant, ${RESET_REMEDY}`,
    { taskId: id, topic, partition, remedy: 'reset' },
  );
}

/**
 * A coordinator that has lost its partition, or has loaded it from an older state (docs/chaos.md), returns older
 * offsets than the group has, until another one takes over or it loads again. So may the leader of the topic in which
 * they are kept. Both are asked again for a while before a contradiction is believed.
 *
 * @throws COMMIT_FAILED when `least` turns out to have been committed after all: what was read with the older answer is
 *   void.
 */
async function waitOutOlderAnswer(
  task: StreamTask,
  { cluster, logger, settleMs = SETTLE_MS, waiting }: Initialising,
  input: TaskInput,
  { least, inTopic = false }: { readonly least: number; readonly inTopic?: boolean },
): Promise<void> {
  const {
    id,
    producer,
    life: { signal },
  } = task;
  const name = topicPartition(input.topic, input.partition);
  const newest = async (): Promise<number> => {
    if (inTopic) {
      await cluster.refresh().catch(() => undefined);
      const kept = await readKeptOffsets(cluster, task.spec.keptOffsets, signal, logger, waiting.unanswered);
      return kept?.get(name) ?? -1;
    }
    return (await (producer as StreamsProducer).committed([input], signal))[0]?.offset ?? -1;
  };
  waiting.step(`an offset of ${name} that agrees with what else is known of it`);
  for (const deadline = performance.now() + settleMs; performance.now() < deadline;) {
    await sleep(ASK_AGAIN_MS);
    if ((await newest()) >= least)
      throw new StreamsError('COMMIT_FAILED', `Kafka returned an older offset of ${name} than was committed`, {
        taskId: id,
      });
  }
}
