import { loggedRecord } from '../reading/changelog-row.ts';
import type { RecordCollector } from '../writing/record-collector.ts';
import { keptOffsetsRecord } from '../topics/kept-offsets.ts';
import { encodeOffsetMetadata } from '../writing/offset-metadata.ts';
import type { InputCommit, StreamsProducer } from '../writing/streams-producer.ts';
import type { OffsetMap, StateStore, StoreChange } from '../store/state-store.ts';
import { crashPoint } from './crash-point.ts';
import type { EventTime } from './event-time.ts';
import type { TaskGraph } from './task-graph.ts';
import type { TaskChangelog, TaskSpec } from './task-layout.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

/** What the commit needs of a task. */
export interface CommitTarget {
  readonly spec: Pick<TaskSpec, 'changelogs' | 'keptOffsets'>;
  readonly graph: TaskGraph | undefined;
  readonly time: EventTime;
  readonly store: StateStore | undefined;
  readonly producer: StreamsProducer | undefined;
  readonly collector: RecordCollector;
  /** Offsets are kept a second time only where a transaction holds both together. */
  readonly exactlyOnce: boolean;
  offsets(): ReadonlyMap<string, number>;
  onCommitted(offsets: ReadonlyMap<string, number>): void;
}

const NOTHING_SENT: OffsetMap = new Map();

/**
 * THE commit. The order is the guarantee; docs/commit.md uses the same numbers.
 *
 *   dies between | on disk                | on restart
 *   1 and 4      | old state, old offset  | the next fence aborts the transaction, the input is read again
 *   4 and 5      | old state, old offset  | the changelog is replayed from the stored offset: one commit interval
 *   5 and 6      | new state              | nothing is missing; listeners read the state afresh
 *
 * Nothing else may run in the task meanwhile; the caller is the thread's one loop. Returns where what was sent ends, by
 * partition.
 * @throws StreamsError; the caller suspends the task, which drops its buffers and initialises it again.
 */
export async function commitTask(task: CommitTarget, nowMs: number): Promise<OffsetMap> {
  const { graph, store, producer, collector } = task;
  const { changelogs, keptOffsets } = task.spec;
  if (graph === undefined || producer === undefined) return NOTHING_SENT;

  // 1. Flush the task's buffers: what combiners and `toStream` send is in the collector, changed rows and then expired
  // windows are in `changes`.
  const changes = await graph.flush();
  task.time.sendReport(nowMs);
  const records = collector.take();
  let changelog: TaskChangelog | undefined;
  for (const change of changes) {
    const { store: name } = change;
    if (changelog?.store !== name) changelog = changelogs.find((c) => c.store === name);
    if (changelog !== undefined) records.push(loggedRecord(changelog, changelog.timed === true, change));
  }

  const offsets = task.offsets();
  if (task.exactlyOnce) records.push(keptOffsetsRecord(keptOffsets, offsets));
  const input: InputCommit = {
    offsets,
    metadata: encodeOffsetMetadata({ reach: changelogReach(task, changes), streamTimeMs: graph.streamTimeMs() }),
  };

  // 2. Begin; send partials, sink, dead-letter and changelog records, and where the input stands.  3. Await every ack.
  // mutant: send-with-offsets
  const acked = await producer.send(records, input, (record, error) => graph.refused(record, error));
  crashPoint('afterProduce');

  // 4. Add the input offsets to the transaction and commit it.
  // mutant: commit-transaction
  await producer.commit(input);
  crashPoint('afterCommit');

  // 5. One LevelDB batch: data, changelog offsets, input offsets, digest.
  if (store !== undefined) {
    const changelogOffsets = new Map<string, number>();
    for (const { topic, partition } of changelogs) {
      const next = acked.get(topicPartition(topic, partition));
      if (next !== undefined) changelogOffsets.set(topicPartition(topic, partition), next);
    }
    // mutant: store-commit
    await store.commit({ changes, changelogOffsets, inputOffsets: offsets });
  }
  // mutant: store-committed
  crashPoint('afterBatch');

  // 6. Tell listeners.
  task.onCommitted(offsets);
  return acked;
}

/**
 * How far each changelog reaches with this commit, at least: only the task appends to it, one record for each change.
 */
function changelogReach({ store, spec }: CommitTarget, changes: readonly StoreChange[]): Map<string, number> {
  const added = new Map<string, number>();
  for (let first = 0, end = 0; first < changes.length; first = end) {
    const name = (changes[first] as StoreChange).store;
    // Those of one store are together, mostly.
    while (changes[end]?.store === name) end += 1;
    added.set(name, (added.get(name) ?? 0) + end - first);
  }
  const reach = new Map<string, number>();
  for (const { store: name, topic, partition } of spec.changelogs) {
    const end = (store?.offsets().changelog.get(topicPartition(topic, partition)) ?? 0) + (added.get(name) ?? 0);
    if (end > 0) reach.set(topicPartition(topic, partition), end);
  }
  return reach;
}
