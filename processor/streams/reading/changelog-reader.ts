import { READ_UNCOMMITTED } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { RecordFetcher, type FetchCluster } from './record-fetcher.ts';
import { settledRange } from './settled-range.ts';
import { untilBrokerAnswers } from '../kafka/until-broker-answers.ts';
import { RESET_REMEDY, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { UNHEARD, type StepsThatWait } from '../long-waits.ts';
import type { FetchedRecord } from '../kafka/fetched-record.ts';
import type { LoadedStore, OffsetMap, StateStore, StoreChange, StoreLoad } from '../store/state-store.ts';
import type { TaskChangelog } from '../task/task-layout.ts';
import { crashPoint } from '../task/crash-point.ts';
import { loadRow, storedRow } from './changelog-row.ts';
import type { RowCheck } from './row-check.ts';
import { changelogTruncated } from '../topics/topic-check.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

export interface RestoreProgress {
  readonly restored: number;
  readonly total: number;
  /** Null until a rate is known. */
  readonly remainingMs: number | null;
}

/** How the restore of one store goes. */
export interface StoreRestore {
  readonly kind: 'started' | 'progress' | 'finished';
  readonly store: string;
  readonly partition: number;
  /** Where in its changelog the restore began, and where it ends. */
  readonly startingOffset: number;
  readonly endingOffset: number;
  /** Offsets so far. */
  readonly restored: number;
}

/** What a restore needs of a KafkaCluster. */
export interface RestoreCluster extends FetchCluster, Pick<KafkaCluster, 'offsetRange'> {}

const TAKE_TIMEOUT_MS = 250;
/**
 * What is to be restored is there, so no fetch has to wait, but for the one that is under way when the end is reached:
 * it holds up every other request of the connection, which all tasks of a thread share.
 */
const LAST_POLL_MS = 5;
/** Small rows of a larger answer would outlive the young generation of the heap before they are loaded. */
const BYTES_AT_ONCE = 512 << 10;
/** What the loads of all tasks of a thread may take in memory together. */
const LOADS_BYTES = 64 << 20;
/** A load that takes more of it without overwritten rows would soon be full again, and be sorted for little. */
const SHRUNK_SHARE = 0.75;
/** A load is not ended before its time for less than this. */
const LEAST_LOAD_BYTES = 4 << 20;
const loads = new Set<StoreLoad>();

/** Each answer would be a message to the main thread, and wake it on a core that the restore has a use for. */
const TELL_EVERY_MS = 100;

/** A restore that does not move for this long while every partition can be read is stuck. */
const STUCK_AFTER_MS = 60_000;

/**
 * Brings a store up to its changelogs. Call it after the fence: the end offsets are read first, and are final then.
 * Done means the *position* reached the end, markers and compacted gaps counted, never "the last record was seen".
 * @throws StreamsError INTERNAL_TOPIC_INVALID when the changelog does not hold what the store says it should.
 */
export async function restoreStore(options: {
  readonly cluster: RestoreCluster;
  readonly store: StateStore;
  readonly changelogs: readonly TaskChangelog[];
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly onProgress: (progress: RestoreProgress) => void;
  /** For each store `started`, `progress` with what has been committed to it, and `finished`. */
  readonly onStore?: (restore: StoreRestore) => void;
  /** What the last commit says of its changelogs' ends: less than that is no end. */
  readonly reach?: OffsetMap;
  readonly stuckAfterMs?: number;
  /** Looks at each row before the store has it. */
  readonly check?: RowCheck;
  /** Says what is waited for; a restore that goes on waits for nothing. */
  readonly waiting?: StepsThatWait;
}): Promise<void> {
  const {
    cluster,
    store,
    changelogs,
    signal,
    logger,
    onProgress,
    onStore = () => undefined,
    reach = new Map(),
    stuckAfterMs = STUCK_AFTER_MS,
    check,
    waiting = UNHEARD,
  } = options;
  if (changelogs.length === 0) return;
  const changelogOf = new Map(changelogs.map((c) => [topicPartition(c.topic, c.partition), c]));
  let away = false;
  const fetcher = new RecordFetcher(cluster, logger, {
    maxWaitMs: LAST_POLL_MS,
    maxBytesPerPartition: BYTES_AT_ONCE,
    onAway: (isAway, reason) => {
      if (isAway) {
        waiting.step('changelogs that it cannot read');
        waiting.unanswered(new Error(reason));
      } else waiting.end();
      away = isAway;
    },
  });
  let load: StoreLoad | undefined;
  try {
    waiting.step('the ends of its changelogs');
    await untilBrokerAnswers(
      signal,
      () => cluster.track(changelogs.map((c) => c.topic)),
      undefined,
      waiting.unanswered,
    );
    const ends = new Map<string, number>();
    const positions = new Map<string, number>();
    for (const { topic, partition } of changelogs) {
      const name = topicPartition(topic, partition);
      const from = store.offsets().changelog.get(name) ?? 0;
      const least = Math.max(from, reach.get(name) ?? 0);
      const { first, end } = await settledRange(cluster, {
        topic,
        partition,
        isolationLevel: READ_UNCOMMITTED,
        signal,
        plausible: (range) => range.end >= least,
        onUnanswered: waiting.unanswered,
      });
      if (first > 0) throw changelogTruncated({ topic, partition }, first);
      if (least > end) {
        const isStore = from === least;
        throw new StreamsError(
          'INTERNAL_TOPIC_INVALID',
          `the changelog ${name} holds offsets ${String(first)} to ${String(end)}, but ` +
            `${isStore ? 'the local store ends' : 'the committed offsets of the group say that it ends'} at ` +
            `${String(least)}: the topic was deleted, recreated or ` +
            `truncated${isStore ? '' : ', or something else commits offsets for the group'}. Restore ` +
            `the topic or, if starting over is meant, ${RESET_REMEDY}`,
          { topic, partition, remedy: 'reset' },
        );
      }
      positions.set(name, from);
      // mutant: restore-to-the-end
      ends.set(name, end);
      if (from < end) fetcher.seek(topic, partition, from);
    }
    if (!away) waiting.end();
    if ([...positions.values()].every((from) => from === 0)) load = await store.beginLoad?.();
    if (load !== undefined) loads.add(load);
    const starts = new Map(positions);
    const tell = (kind: StoreRestore['kind'], name: string): void => {
      const { store: told, partition } = changelogOf.get(name) as TaskChangelog;
      const [startingOffset, endingOffset] = [starts.get(name) as number, ends.get(name) as number];
      const restored = Math.min(positions.get(name) as number, endingOffset) - startingOffset;
      onStore({ kind, store: told, partition, startingOffset, endingOffset, restored });
    };
    const toldAt = new Map<string, number>();
    const unfinished = new Set(ends.keys());
    const finish = (): void => {
      for (const name of unfinished) {
        if ((positions.get(name) as number) < (ends.get(name) as number)) continue;
        unfinished.delete(name);
        tell('finished', name);
      }
    };
    for (const name of ends.keys()) tell('started', name);
    finish();
    const begun = [...positions.values()].reduce((a, b) => a + b, 0);
    const total = [...ends.values()].reduce((a, b) => a + b, 0) - begun;
    const startedAt = performance.now();
    let movedAt = startedAt;
    while ([...ends].some(([name, end]) => (positions.get(name) as number) < end)) {
      signal.throwIfAborted();
      const fetched = await fetcher.take(TAKE_TIMEOUT_MS);
      const changes: StoreChange[] = [];
      for (const part of fetched) {
        const name = topicPartition(part.topic, part.partition);
        const named = changelogOf.get(name);
        if (named === undefined) continue;
        if (part.outOfRange)
          throw new StreamsError(
            'INTERNAL_TOPIC_INVALID',
            `the changelog ${name} lost records while it was being restored from; it must not be truncated or ` +
              `deleted while the application runs`,
          );
        if (load === undefined) addChanges(changes, part.records, named, check);
        else {
          const into = load.rowsOf(named.store);
          const [from, end] = [positions.get(name) as number, ends.get(name) as number];
          const share = (part.nextOffset - from) / Math.max(1, end - from);
          if (share > 0) into.expect(part.records.length / share, LOADS_BYTES / (2 * loads.size * changelogs.length));
          loadRows(into, part.records, named, check);
        }
        if (part.nextOffset > (positions.get(name) as number)) movedAt = performance.now();
        positions.set(name, part.nextOffset);
      }
      if (load === undefined) {
        if (fetched.length > 0) await store.commit({ changes, changelogOffsets: positions, inputOffsets: new Map() });
      } else if (isFull(load) || [...ends].every(([name, end]) => (positions.get(name) as number) >= end)) {
        signal.throwIfAborted();
        await load.finish(positions);
        loads.delete(load);
        load = undefined;
      }
      crashPoint('inRestore');
      for (const { topic, partition, records } of fetched) {
        const name = topicPartition(topic, partition);
        if (records.length === 0 || !ends.has(name)) continue;
        const now = performance.now();
        const isAtEnd = (positions.get(name) as number) >= (ends.get(name) as number);
        if (!isAtEnd && now - (toldAt.get(name) ?? -Infinity) < TELL_EVERY_MS) continue;
        toldAt.set(name, now);
        tell('progress', name);
      }
      finish();
      const restored = [...positions.values()].reduce((a, b) => a + b, 0) - begun;
      const elapsedMs = performance.now() - startedAt;
      onProgress({
        restored,
        total,
        remainingMs: restored === 0 ? null : Math.round(((total - restored) * elapsedMs) / restored),
      });
      // A broker that is away is waited for, for ever.
      if (away) movedAt = performance.now();
      if (performance.now() - movedAt > stuckAfterMs) {
        throw new StreamsError(
          'THREAD_FAILED',
          `the restore from ${[...ends.keys()].join(', ')} has not moved for ${String(stuckAfterMs)} ms`,
        );
      }
    }
    if (total > 0)
      logger.info({ changelogs: [...ends.keys()], offsets: total }, 'restored the store from its changelogs');
  } finally {
    if (load !== undefined) loads.delete(load);
    load?.drop();
    await fetcher.close();
  }
}

/*
 * The loops over rows are functions of their own: V8 compiles what runs a million times together with all that is
 * around it.
 */

function loadRows(
  into: LoadedStore,
  records: readonly FetchedRecord[],
  { store, timed = false }: TaskChangelog,
  check: RowCheck | undefined,
): void {
  for (const record of records) {
    check?.(store, record);
    if (record.keyLength >= 0) loadRow(into, record, timed);
  }
}

function addChanges(
  changes: StoreChange[],
  records: readonly FetchedRecord[],
  { store, timed = false }: TaskChangelog,
  check: RowCheck | undefined,
): void {
  for (const record of records) {
    check?.(store, record);
    if (record.keyLength < 0) continue;
    const key = record.key as Buffer;
    const { value } = record;
    changes.push({ store, key, value: timed ? storedRow(key, value, record.headerList) : value });
  }
}

/** Also without the rows that later ones have replaced. */
function isFull(load: StoreLoad): boolean {
  if (!isLarge(load, LOADS_BYTES)) return false;
  load.shrink();
  return isLarge(load, LOADS_BYTES * SHRUNK_SHARE);
}

function isLarge({ sizeBytes }: StoreLoad, mostBytes: number): boolean {
  if (sizeBytes < LEAST_LOAD_BYTES) return false;
  let all = 0;
  for (const load of loads) all += load.sizeBytes;
  return all > mostBytes;
}
