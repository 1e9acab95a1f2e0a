import { deadLetterRecord } from '../writing/dead-letter.ts';
import type { RecordCollector } from '../writing/record-collector.ts';
import { StreamsError } from '../errors.ts';
import { createKeyValueStore, type BufferedKeyValueStore } from '../store/key-value-store.ts';
import { encodeKey } from '../store/key-text.ts';
import type { StateStore, StoreChange } from '../store/state-store.ts';
import { createWindowStore, type BufferedWindowStore } from '../store/window-store.ts';
import { emitNothing } from '../topology/aggregate-node.ts';
import { copyOf } from '../topology/own-values.ts';
import { partitionOf } from '../topology/partitioner.ts';
import type { Emit, SinkRecord, TaskRuntime } from '../topology/processor-context.ts';
import type { ConsumerRecord, DeadLetter } from '../topology/record.ts';
import { recordCountHeaders, type TimeReport } from '../topology/repartition-record.ts';
import {
  repartitionTopic,
  topicNameOf,
  type OpenSource,
  type ReadRecord,
  type SubTopology,
  type TopologyNode,
} from '../topology/topology.ts';
import { failedAt, NodeFailure, userCodeFailed } from '../topology/user-code.ts';
import { needsOwnValues } from '../topology/value-sharing.ts';
import { RecordWatch } from './record-watch.ts';
import { DroppedRecords, type DropReason, type WindowIntake } from './dropped-records.ts';
import type { EventTime, WaitingRecord } from './event-time.ts';
import { recordPlace, topicPartition } from '../kafka/topic-partition.ts';

export interface TaskGraphOptions {
  readonly taskId: string;
  readonly subTopology: SubTopology;
  readonly applicationId: string;
  /** Absent when the sub-topology has no stores. */
  readonly store: StateStore | undefined;
  readonly collector: RecordCollector;
  readonly partitionsOf: (topic: string) => number;
  readonly time: EventTime;
  readonly nowMs: () => number;
  readonly requestCommit: () => void;
  /** Told of each record before it is worked on. */
  readonly watch?: RecordWatch;
  /** Outlives the graph: the task counts on when it is taken anew. */
  readonly dropped?: DroppedRecords;
}

interface Source extends OpenSource {
  /** Its topic is the user's: what it reads moves event time. */
  readonly ofUser: boolean;
}

/** Expired windows deleted in one commit: bounds the tombstones of a transaction. */
const EXPIRY_LIMIT = 5_000;

/**
 * One task's live copy of its sub-topology: nodes joined by plain calls, stores, and what the commit asks of them.
 * It knows no Kafka: the TopologyTestDriver runs the same class.
 */
export class TaskGraph implements TaskRuntime {
  readonly taskId: string;
  readonly requestCommit: () => void;
  readonly #options: TaskGraphOptions;
  readonly #dropped: DroppedRecords;
  readonly #watch: RecordWatch;
  readonly #sources = new Map<string, Source>();
  readonly #keyValueStores = new Map<string, BufferedKeyValueStore<unknown>>();
  readonly #windowStores = new Map<string, BufferedWindowStore<unknown>>();
  readonly #time: EventTime;
  /** Of the record that is being processed. */
  #topic = '';
  /** The wall clock while a batch is processed; undefined between batches. */
  #batchMs: number | undefined;
  /** The last seal has expired as many windows as it may, and there may be more. */
  #expiryLeft = false;
  #sealing = false;
  #sealHooks: (() => void)[] = [];
  #clearHooks: (() => void)[] = [];

  constructor(options: TaskGraphOptions) {
    const { subTopology, store, taskId } = options;
    this.#options = options;
    this.#dropped = options.dropped ?? new DroppedRecords();
    this.#watch = options.watch ?? new RecordWatch([]);
    this.taskId = taskId;
    this.requestCommit = options.requestCommit;
    this.#time = options.time;
    for (const spec of subTopology.stores) {
      if (store === undefined)
        throw new StreamsError('THREAD_FAILED', `task ${taskId} has stores but no place to keep them`, { taskId });
      if (spec.kind === 'key-value') this.#keyValueStores.set(spec.name, createKeyValueStore(spec, store));
      else this.#windowStores.set(spec.name, createWindowStore(spec, store));
    }
    this.#time.load(store);
    this.#connect(subTopology.nodes);
  }

  /** Runs one record through the graph. @throws StreamsError USER_CODE_FAILED naming the record and the node. */
  process(record: ConsumerRecord): void {
    this.processAll(record.topic, [record]);
  }

  /**
   * Runs records of one topic through the graph, the wall clock standing still: asking for it costs a tenth of a
   * record.
   * @throws StreamsError USER_CODE_FAILED naming the record and the node.
   */
  processAll(topic: string, records: readonly ConsumerRecord[]): void {
    const { process } = this.#sourceOf(topic);
    this.#topic = topic;
    this.#batchMs = this.#options.nowMs();
    const watch = this.#watch;
    watch.enter(topic, records[0]?.partition ?? 0);
    let index = 0;
    try {
      for (; index < records.length; index += 1) {
        const record = records[index] as ConsumerRecord;
        watch.at(record.offset);
        process(record);
      }
    } catch (error) {
      throw this.#failed(error, records[index] as ConsumerRecord);
    } finally {
      watch.leave();
      this.#batchMs = undefined;
    }
  }

  /** Reads a record of one of several inputs. What user code throws at it is thrown when it is handed on. */
  read(record: ConsumerRecord): WaitingRecord {
    this.#watch.enter(record.topic, record.partition);
    this.#watch.at(record.offset);
    try {
      return { record, ...this.#sourceOf(record.topic).read(record) };
    } catch (error) {
      return {
        record,
        timestampMs: undefined,
        handOn: () => {
          throw error;
        },
      };
    } finally {
      this.#watch.leave();
    }
  }

  /**
   * Runs records of several inputs through the graph in the order in which `next` gives them, at most `limit`; answers
   * how many.
   * @throws as `processAll`.
   */
  processInOrder(next: () => WaitingRecord | undefined, limit: number): number {
    this.#batchMs = this.#options.nowMs();
    let count = 0;
    try {
      for (; count < limit; count += 1) {
        const waiting = next();
        if (waiting === undefined) break;
        try {
          const { timestampMs, record, handOn } = waiting;
          this.#topic = record.topic;
          this.#watch.enter(record.topic, record.partition);
          this.#watch.at(record.offset);
          if (timestampMs !== undefined && this.#sourceOf(record.topic).ofUser) this.#time.observe(timestampMs);
          handOn();
        } catch (error) {
          throw this.#failed(error, waiting.record);
        }
      }
    } finally {
      this.#watch.leave();
      this.#batchMs = undefined;
    }
    return count;
  }

  nowMs(): number {
    return this.#batchMs ?? this.#options.nowMs();
  }

  /**
   * Step 1 of the commit: flushes combiners and pending changes to the collector, answers the stores' changes. What has
   * changed is told and logged first, then it expires: a window is never gone that nobody has heard of.
   * @throws StreamsError USER_CODE_FAILED naming the node, for what user code throws behind `toStream`, in an aggregate
   * or a serde.
   */
  async flush(): Promise<StoreChange[]> {
    // mutant: seal
    const changes: StoreChange[] = [];
    try {
      this.#sealing = true;
      for (let index = this.#sealHooks.length - 1; index >= 0; index -= 1) (this.#sealHooks[index] as () => void)();
      for (const store of [...this.#keyValueStores.values(), ...this.#windowStores.values()])
        for (const change of store.flush()) changes.push(change);
    } catch (error) {
      // mutant: name-at-commit
      throw error instanceof NodeFailure ? userCodeFailed(this.taskId, 'at the commit', error) : error;
    } finally {
      this.#sealing = false;
    }
    // mutant: expire-after-seal
    for (const tombstone of await this.#expire()) changes.push(tombstone);
    for (const change of this.#time.takeChanges()) changes.push(change);
    return changes;
  }

  /** After the commit: the stores read from disk again. */
  committed(): void {
    this.#clearStores();
    this.#time.committed();
    this.#dropped.committed();
  }

  /** After an abort: everything since the last commit never happened. */
  aborted(): void {
    this.#clearStores();
    this.#dropped.aborted();
    for (const clear of this.#clearHooks) clear();
    this.#options.collector.clear();
    this.#time.load(this.#options.store);
  }

  /**
   * Something waits for a commit although no record came: what is to be sent, or windows beyond the limit of the last
   * one.
   */
  get hasUncommitted(): boolean {
    return this.#options.collector.size > 0 || this.#expiryLeft;
  }

  streamTimeMs(): number {
    return this.#time.streamTimeMs;
  }

  keyValueStore(name: string): BufferedKeyValueStore<unknown> {
    return this.#storeOf(this.#keyValueStores, name, 'key-value');
  }

  windowStore(name: string): BufferedWindowStore<unknown> {
    return this.#storeOf(this.#windowStores, name, 'window');
  }

  send({ topic, key, value }: SinkRecord): void {
    const partitions = this.#options.partitionsOf(topic);
    const partition = key === null ? this.#ownPartition() % partitions : partitionOf(key, partitions);
    this.#options.collector.add({ topic, partition, key, value });
  }

  isSealing(): boolean {
    return this.#sealing;
  }

  sendPartial(grouping: string, key: string, value: Buffer, records: number, lateByMs?: number): void {
    const topic = repartitionTopic(this.#options.applicationId, grouping);
    const keyBytes = encodeKey(key);
    const record = {
      topic,
      partition: partitionOf(keyBytes, this.#options.partitionsOf(topic)),
      key: keyBytes,
      value,
      headers: recordCountHeaders(records),
    };
    if (lateByMs !== undefined) this.#time.sendBehind(record, lateByMs);
    else this.#options.collector.add(record);
  }

  reportTime(grouping: string, report: TimeReport): boolean {
    return this.#time.report(grouping, report);
  }

  deadLetter(record: ConsumerRecord, letter: DeadLetter, topic: string): void {
    this.#options.collector.add(deadLetterRecord(record, letter, topic, this.#options.partitionsOf(topic)));
  }

  drop(reason: DropReason, count?: number): void {
    this.#dropped.add(reason, count);
  }

  intakeOf(store: string): WindowIntake {
    return this.#dropped.intakeOf(store);
  }

  place(): string {
    return topicPartition(this.#topic, this.#ownPartition());
  }

  onSeal(seal: () => void): void {
    this.#sealHooks.push(seal);
  }

  onClear(clear: () => void): void {
    this.#clearHooks.push(clear);
  }

  /** Deletes windows that stream time has left behind, a bounded number at a time. */
  async #expire(): Promise<StoreChange[]> {
    this.#expiryLeft = false;
    const streamTimeMs = this.streamTimeMs();
    if (streamTimeMs < 0) return [];
    const tombstones: StoreChange[] = [];
    for (const store of this.#windowStores.values()) {
      const expired = await store.expireBefore(streamTimeMs - store.retentionMs, EXPIRY_LIMIT);
      if (expired.length === EXPIRY_LIMIT) this.#expiryLeft = true;
      for (const tombstone of expired) tombstones.push(tombstone);
    }
    return tombstones;
  }

  /** Children before parents, so that seal hooks, run in reverse, go from upstream to downstream. */
  #connect(nodes: readonly TopologyNode[]): void {
    const attached = new Map<number, Emit>();
    const attach = (node: TopologyNode): Emit => {
      const known = attached.get(node.index);
      if (known !== undefined) return known;
      const children = nodes
        .filter((n) => n.parents.includes(node.index))
        .map((child) => ({ emit: attach(child), isKeeper: child.keepsValues === true }))
        .filter(({ emit }) => emit !== emitNothing);
      // An aggregation that is given the value itself may change parts of it that it keeps: the others look first.
      const emits = [
        ...children.filter(({ isKeeper }) => !isKeeper),
        ...children.filter(({ isKeeper }) => isKeeper).reverse(),
      ].map(({ emit }) => emit);
      const emit = this.#attach(node, fanOut(emits));
      const own: Emit = needsOwnValues(node, nodes) ? (key, value, at) => emit(key, copyOf(value), at) : emit;
      attached.set(node.index, own);
      return own;
    };
    for (const node of nodes) attach(node);
    for (const node of nodes) {
      if (node.source === undefined) continue;
      const topic = topicNameOf(node.source.from, this.#options.applicationId);
      const deadLetters =
        node.source.deadLettersTo === undefined ? emitNothing : (attached.get(node.source.deadLettersTo) as Emit);
      const opened = {
        ...node.source.open(this, attached.get(node.index) as Emit, deadLetters, (at) => this.#time.observe(at)),
        ofUser: 'topic' in node.source.from,
      };
      const earlier = this.#sources.get(topic);
      this.#sources.set(
        topic,
        earlier === undefined ? opened : bothSources(earlier, opened, (at) => this.#time.observe(at)),
      );
    }
  }

  /** @throws StreamsError USER_CODE_FAILED for a processor that cannot be set up. */
  #attach(node: TopologyNode, next: Emit): Emit {
    try {
      return node.attach(this, next, node.name);
    } catch (error) {
      throw userCodeFailed(this.taskId, 'when it was set up', failedAt(node.name, error));
    }
  }

  #failed(error: unknown, record: ConsumerRecord): Error {
    return userCodeFailed(this.taskId, recordPlace(record), error);
  }

  #clearStores(): void {
    for (const store of [...this.#keyValueStores.values(), ...this.#windowStores.values()]) store.clear();
  }

  #sourceOf(topic: string): Source {
    const source = this.#sources.get(topic);
    if (source === undefined)
      throw new StreamsError('THREAD_FAILED', `task ${this.taskId} got a record of ${topic}, which it does not read`, {
        taskId: this.taskId,
      });
    return source;
  }

  #storeOf<S>(stores: ReadonlyMap<string, S>, name: string, kind: string): S {
    const store = stores.get(name);
    if (store === undefined)
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        `task ${this.taskId} has no ${kind} store "${name}"; name it in process(…, { stores: ["${name}"] })`,
        { taskId: this.taskId },
      );
    return store;
  }

  #ownPartition(): number {
    return Number(this.taskId.slice(this.taskId.indexOf('_') + 1));
  }
}

/**
 * One topic read twice, perhaps by two kinds of time: the record moves event time by the older one, so that neither
 * runs ahead.
 */
function bothSources(a: Source, b: Source, observe: (timestampMs: number) => void): Source {
  const read = (record: ConsumerRecord): ReadRecord => {
    // A decoder may answer the bytes themselves, which may be changed behind it.
    // mutant: own-bytes
    const [one, other] = [a.read(record), b.read(withOwnValue(record))];
    const timestampMs =
      one.timestampMs === undefined || (other.timestampMs !== undefined && other.timestampMs < one.timestampMs)
        ? other.timestampMs
        : one.timestampMs;
    return { timestampMs, handOn: () => (one.handOn(), other.handOn()) };
  };
  return {
    ofUser: a.ofUser,
    read,
    process: (record) => {
      const { timestampMs, handOn } = read(record);
      if (timestampMs !== undefined && a.ofUser) observe(timestampMs);
      handOn();
    },
  };
}

/** Only the value is another one: a record of a fetch makes the rest when it is asked. */
function withOwnValue(record: ConsumerRecord): ConsumerRecord {
  const { value } = record;
  return value === null || record.unreadable !== undefined
    ? record
    : (Object.create(record, { value: { value: Buffer.from(value), enumerable: true } }) as ConsumerRecord);
}

function fanOut(children: readonly Emit[]): Emit {
  const [first, second] = children;
  if (first === undefined) return emitNothing;
  if (second === undefined) return first;
  return (key, value, at) => {
    for (const child of children) child(key, value, at);
  };
}
