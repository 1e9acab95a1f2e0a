import { messageOf, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { checkFunctions, checkOptions, didYouMean, textOf } from '../options.ts';
import { rowCheckOf, type RowCheck } from '../reading/row-check.ts';
import { encodeKey } from '../store/key-text.ts';
import { isRuntimeRow } from '../store/runtime-rows.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { storeKeys, type StoreKeys } from '../store/store-keys.ts';
import { NO_TIME, timedBytes, untimed } from '../store/timed-row.ts';
import { CompositeIds } from '../store/composite-ids.ts';
import { emptyIndexes, isIndexed, layoutOf, loadIndexes, type StoreIndexes } from '../store/load-indexes.ts';
import { rowKeyOf, type RowKey } from '../store/row-key.ts';
import type { StateStore, StoreChange } from '../store/state-store.ts';
import { hasChangelog, type StoreSpec } from '../store/typed-store.ts';
import { storedSerde } from '../store/versioned-store.ts';
import { parseStreamsConfig } from '../streams-config.ts';
import { commitTask } from '../task/commit.ts';
import { checkErrorHandlers, ERROR_HANDLERS, type ErrorHandlers } from '../task/error-decisions.ts';
import { GlobalTables } from '../task/global-tables.ts';
import { sumOfDrops, type DropCounts } from '../task/dropped-records.ts';
import { StreamTask } from '../task/stream-task.ts';
import { TaskGraph } from '../task/task-graph.ts';
import { lifeInMemory } from '../task/task-life.ts';
import { TaskLayout, type TaskInput, type TaskSpec } from '../task/task-layout.ts';
import { parseTaskId, taskId } from '../task/task-id.ts';
import { internalTopics } from '../topics/internal-topics.ts';
import { partitionOf } from '../topology/partitioner.ts';
import type { ConsumerRecord, RecordHeaders } from '../topology/record.ts';
import { isTimeReport } from '../topology/repartition-record.ts';
import { storedBytes } from '../topology/user-code.ts';
import { changelogTopic, internalTopicsOf, outputsOf, type Topology } from '../topology/topology.ts';
import { recordPlace, topicPartition } from '../kafka/topic-partition.ts';
import { decodeOffsetMetadata } from '../writing/offset-metadata.ts';
import type { OutgoingRecord } from '../writing/streams-producer.ts';
import { MemoryProducer, MemoryTopics, type WrittenRecord } from './memory-topics.ts';
import {
  fromBytes,
  serdesOf,
  toBytes,
  type TestInput,
  type TestInputTopic,
  type TestOutputTopic,
  type TestTopicSerdes,
} from './test-topics.ts';

export type { WrittenRecord } from './memory-topics.ts';

export interface TestRecord {
  readonly key?: string | Buffer | null;
  readonly value: string | Buffer | null;
  readonly timestampMs?: number;
  /** Default: by key as Kafka's partitioner does, 0 without one. */
  readonly partition?: number;
  readonly headers?: RecordHeaders;
}

export interface TopologyTestDriverOptions extends ErrorHandlers {
  readonly applicationId?: string;
  /** Partitions of topics; 1 for those not named. The runtime's own topics follow from those of the user. */
  readonly partitions?: Readonly<Record<string, number>>;
  /** Where the driver's clock starts, epoch ms. Default: a fixed instant, so that tests repeat. */
  readonly nowMs?: () => number;
}

/** A committed row of a store. */
export interface StoreRow<V, K = string> {
  readonly key: K;
  /** Of window stores. */
  readonly startMs?: number;
  readonly endMs?: number;
  readonly value: V;
}

/** A row for a store before the first record. */
export interface SeedRow<V, K = string> extends StoreRow<V, K> {
  /** Of the event time of its row; of a store whose rows have times. */
  readonly timestampMs?: number;
  /** Default: by key, as Kafka's partitioner does. */
  readonly partition?: number;
}

interface DrivenTask {
  readonly task: StreamTask;
  graph: TaskGraph;
  /** How far each input is fetched, by `topic-partition`. */
  readonly fetchedTo: Map<string, number>;
}

interface SeedChange extends StoreChange {
  readonly value: Buffer;
  readonly timestampMs: number;
}

/** A committed row, in bytes. */
interface Row {
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** A written record may be piped on, too. */
const RECORD_OPTIONS: readonly (keyof TestRecord | keyof WrittenRecord)[] = [
  'key',
  'value',
  'timestampMs',
  'partition',
  'headers',
  'topic',
];

const FIXED_NOW_MS = Date.UTC(2026, 0, 1);
/** What a task logs beside the error that the call fails with. */
const WARNINGS: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields, message) => process.emitWarning(`${message}: ${JSON.stringify(fields)}`),
  error: (fields, message) => process.emitWarning(`${message}: ${JSON.stringify(fields)}`),
};
/** More than reports of event time have to wait for each other. */
const PACE_MS = 1_000;

/**
 * Runs a topology without a broker: every partition, every sub-topology, repartitioning included. `pipe` processes and
 * commits through all sub-topologies before it returns; what the topology wrote is read with `output` and `rows`.
 *
 * Tasks, their event time and their commit are the runtime's own; topics, producer and stores are in memory. What a
 * task did not commit because it failed is dropped, and the next call reads its records again, as a new thread would.
 */
export class TopologyTestDriver {
  readonly #applicationId: string;
  readonly #startMs: () => number;
  readonly #handlers: ErrorHandlers;
  readonly #topology: Topology;
  readonly #layout: TaskLayout;
  readonly #topics: MemoryTopics;
  readonly #reads: ReadonlySet<string>;
  readonly #globalTables: GlobalTables;
  /** How far the topics of global tables are read, by `topic-partition`. */
  readonly #globalPositions = new Map<string, number>();
  /** All that the topology reads or writes. */
  readonly #known: ReadonlySet<string>;
  /** A sink chooses the topic of each record. */
  readonly #writesAny: boolean;
  readonly #repartitionTopics: ReadonlySet<string>;
  readonly #storeOfChangelog: ReadonlyMap<string, string>;
  readonly #checkRow: RowCheck;
  readonly #tasks = new Map<string, DrivenTask>();
  /** Committed rows by store, then by partition and key, the one written last at the end. */
  readonly #rows = new Map<string, Map<string, Row>>();
  #advancedMs = 0;
  /** Time that commits are paced by. */
  #paceMs = 0;
  #started = false;
  /** The call before: calls do not overlap. */
  #last: Promise<unknown> = Promise.resolve();

  /** @throws StreamsError as `KafkaStreams` when it starts, and CONFIG_INVALID for unknown options. */
  constructor(topology: Topology, options: TopologyTestDriverOptions = {}) {
    checkOptions('TopologyTestDriver', options, ['applicationId', 'partitions', 'nowMs', ...ERROR_HANDLERS]);
    checkErrorHandlers('TopologyTestDriver', options);
    if (options.nowMs !== undefined) checkFunctions('TopologyTestDriver', options, ['nowMs']);
    const { applicationId = 'test', partitions = {}, nowMs = () => FIXED_NOW_MS } = options;
    if (Object.getPrototypeOf(Object(partitions)) !== Object.prototype)
      throw new StreamsError(
        'CONFIG_INVALID',
        `partitions of TopologyTestDriver: an object of counts by topic, not ${textOf(partitions)}`,
      );
    parseStreamsConfig({ applicationId, stateDir: '.' });
    this.#topology = topology;
    this.#applicationId = applicationId;
    this.#startMs = nowMs;
    this.#handlers = options;
    const { subTopologies } = topology;
    const stores = subTopologies.flatMap((sub) => sub.stores);
    this.#storeOfChangelog = new Map(
      stores.filter(hasChangelog).map(({ name }) => [changelogTopic(applicationId, name), name]),
    );
    this.#checkRow = rowCheckOf(stores);

    const counts = new Map<string, number>();
    this.#layout = new TaskLayout(topology, applicationId, (topic) => this.#topics.partitionsOf(topic));
    this.#repartitionTopics = this.#layout.repartitionTopics();
    this.#globalTables = new GlobalTables(topology.globalTables);
    this.#reads = new Set([...this.#layout.sourceTopics(), ...this.#globalTables.topics]);
    this.#known = new Set([
      ...this.#reads,
      ...subTopologies.flatMap((sub) => outputsOf(sub, applicationId)),
      ...this.#storeOfChangelog.keys(),
    ]);
    this.#writesAny = topology.nodes.some((node) => node.kind === 'sink' && typeof node.topic === 'function');
    for (const [topic, count] of Object.entries(partitions)) {
      this.#checkTopic('partitions', topic, this.#known);
      if (!Number.isSafeInteger(count) || count < 1)
        throw new StreamsError(
          'CONFIG_INVALID',
          `partitions of ${topic}: a whole number above 0, not ${textOf(count)}`,
        );
    }
    const own = (topic: string): boolean => this.#repartitionTopics.has(topic) || this.#storeOfChangelog.has(topic);
    for (const topic of new Set([...this.#known, ...Object.keys(partitions)]))
      if (!own(topic)) counts.set(topic, partitions[topic] ?? 1);
    for (const plan of internalTopics(topology, applicationId, Object.fromEntries(counts))) {
      const given = partitions[plan.topic];
      if (given !== undefined && given !== plan.partitions)
        throw new StreamsError(
          'CONFIG_INVALID',
          `partitions of ${plan.topic}: the runtime makes this topic, with ${String(plan.partitions)} ` +
            `partitions, as many as those it follows from; not ${String(given)}`,
        );
      counts.set(plan.topic, plan.partitions);
    }
    this.#topics = new MemoryTopics({
      partitions: counts,
      others: this.#writesAny,
      nowMs: () => this.nowMs(),
      check: (record, offset) => this.#checkChange(record, offset),
      onCommitted: (records) => this.#keepRows(records),
    });
    for (const id of this.#layout.taskIds()) this.#tasks.set(id, this.#open(this.#layout.spec(id)));
  }

  /**
   * Sends records to a source topic and runs everything they cause. Afterwards every partition is read to its end.
   * @throws StreamsError CONFIG_INVALID for a topic that the topology does not read; what user code throws; what the
   * runtime would stop for.
   */
  async pipe(topic: string, ...records: readonly TestRecord[]): Promise<void> {
    this.#checkTopic('pipe', topic, this.#reads);
    const sent = records.map((record) => this.#inputRecord(topic, record));
    await this.#serial(async () => {
      for (const record of sent) this.#topics.append(record);
      await this.#settle();
    });
  }

  /**
   * A source topic whose records are written by serdes; keys are text where none is given.
   * @throws StreamsError CONFIG_INVALID for a topic that the topology does not read.
   */
  inputTopic<V, K = string>(topic: string, serdes: TestTopicSerdes<K, V>): TestInputTopic<K, V> {
    this.#checkTopic('inputTopic', topic, this.#reads);
    const checked = serdesOf(`inputTopic("${topic}")`, serdes);
    return {
      pipe: async (...records: readonly TestInput<K, V>[]) =>
        this.pipe(topic, ...records.map((record) => toBytes(`a record of inputTopic("${topic}")`, checked, record))),
    };
  }

  /**
   * A topic whose records are read by serdes; keys are text where none is given. It reads what `output` would.
   * @throws StreamsError CONFIG_INVALID for a topic that the topology neither reads nor writes.
   */
  outputTopic<V, K = string>(topic: string, serdes: TestTopicSerdes<K, V>): TestOutputTopic<K, V> {
    this.#checkTopic('outputTopic', topic, this.#known);
    const checked = serdesOf(`outputTopic("${topic}")`, serdes);
    return {
      read: () =>
        this.#topics.takeWritten(topic).map((record) => fromBytes(`outputTopic("${topic}")`, checked, record)),
    };
  }

  /**
   * What the topology has written to a topic since the last call, in order.
   * @throws StreamsError CONFIG_INVALID for a topic that the topology neither reads nor writes.
   */
  output(topic: string): WrittenRecord[] {
    this.#checkTopic('output', topic, this.#known);
    return this.#topics.takeWritten(topic);
  }

  /**
   * The committed rows of a store over all partitions, by the bytes of their keys, then by window start. Rows of the
   * runtime's own are not among them.
   * @throws StreamsError CONFIG_INVALID for a store that the topology does not have.
   */
  rows<V = unknown, K = string>(name: string): StoreRow<V, K>[] {
    const global = this.#globalTables.entries(name);
    if (global !== undefined)
      return global
        .sort((a, b) => a.keyBytes.compare(b.keyBytes))
        .map(({ key, value }) => ({ key: key as K, value: value as V }));
    const spec = this.#specOf(name);
    const keys = storeKeys(spec.key);
    const valueOf = storedSerde(spec);
    const found = [...(this.#rows.get(name)?.values() ?? [])].map(({ partition, key, value }) => {
      const { key: keyBytes, ...window } = rowKeyOf(spec, key) as RowKey;
      return { partition, keyBytes, window, value };
    });
    found.sort(
      (a, b) =>
        a.keyBytes.compare(b.keyBytes) ||
        (a.window.startMs ?? 0) - (b.window.startMs ?? 0) ||
        (a.window.endMs ?? 0) - (b.window.endMs ?? 0) ||
        a.partition - b.partition,
    );
    const rows = found.map(({ keyBytes, window, value }) => ({
      key: keys.keyOf(keyBytes) as K,
      ...window,
      value: valueOf.deserialize(value) as V | null,
    }));
    if (spec.kind !== 'versioned') return rows as StoreRow<V, K>[];
    // The newest of each key, where that has a value.
    return rows.flatMap(({ key, value }, at) => {
      const [row, next] = [found[at], found[at + 1]];
      const isNewest = next === undefined || row === undefined || !next.keyBytes.equals(row.keyBytes);
      return isNewest && value !== null ? [{ key, value }] : [];
    });
  }

  /**
   * A key-value store's committed rows over all partitions, by key; of a key that several partitions have, the row
   * written last (`rows` has all).
   */
  store<V, K = string>(name: string): Map<K, V> {
    const global = this.#globalTables.entries(name);
    if (global !== undefined) return new Map(global.map(({ key, value }) => [key as K, value as V]));
    const { kind, serde, key: keySerde } = this.#specOf(name);
    if (kind !== 'key-value')
      throw new StreamsError(
        'CONFIG_INVALID',
        `store("${name}") is a ${kind} store, whose rows have a key and a window: read them with rows("${name}")`,
      );
    const keys = storeKeys(keySerde);
    const rows = new Map<K, V>();
    for (const { key, value } of this.#rows.get(name)?.values() ?? [])
      rows.set(keys.keyOf(key) as K, serde.deserialize(value) as V);
    return rows;
  }

  /** The committed rows of a store over all partitions, in bytes: `[partition, key, value]`. */
  async entries(name: string): Promise<[number, Buffer, Buffer][]> {
    const { timed = false } = this.#specOf(name);
    const found: [number, Buffer, Buffer][] = [];
    for (const { task } of this.#tasks.values()) {
      for await (const [key, value] of task.store?.entries(name) ?? [])
        if (!isRuntimeRow(key)) found.push([parseTaskId(task.id).partition, key, timed ? untimed(value) : value]);
    }
    return found;
  }

  /**
   * Puts rows into a store before the first record.
   * @throws StreamsError CONFIG_INVALID after the first record, for a store that the topology does not have, and for
   * rows that the store cannot hold.
   */
  async seed<V, K = string>(name: string, rows: readonly SeedRow<V, K>[]): Promise<void> {
    const spec = this.#specOf(name) as StoreSpec<V, K>;
    await this.#serial(async () => {
      if (this.#started)
        throw new StreamsError(
          'CONFIG_INVALID',
          `seed("${name}"): rows are put in before the first record, not after it`,
        );
      const changes = new Map<DrivenTask, SeedChange[]>();
      for (const row of rows) {
        const driven = this.#ownerOf(spec, row);
        const key = seedKey(spec, row, changes.get(driven)?.length ?? 0);
        const { timestampMs = NO_TIME } = row;
        const change = { store: name, key, value: storedBytes(name, storedSerde(spec), row.value), timestampMs };
        const { partition } = parseTaskId(driven.task.id);
        this.#checkChange({ topic: changelogTopic(this.#applicationId, name), partition, ...change }, 0);
        changes.set(driven, [...(changes.get(driven) ?? []), change]);
      }
      for (const [driven, batch] of changes) {
        const { task } = driven;
        for (const { store, key, value } of batch) this.#keepRow(store, parseTaskId(task.id).partition, key, value);
        const changes = batch.map(({ timestampMs, ...change }) =>
          spec.timed ? { ...change, value: timedBytes(timestampMs, change.value) } : change,
        );
        await task.store?.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
        // What the task has open was made for an empty store.
        if (isIndexed(spec)) await this.#reopen(driven);
      }
    });
  }

  /** The driver's clock, epoch ms. */
  nowMs(): number {
    return this.#startMs() + this.#advancedMs;
  }

  /**
   * Moves the driver's clock on, and commits what is due by then.
   * @throws StreamsError CONFIG_INVALID for what is no number of milliseconds from 0 on.
   */
  async advanceWallClock(ms: number): Promise<void> {
    if (!Number.isSafeInteger(ms) || ms < 0)
      throw new StreamsError(
        'CONFIG_INVALID',
        `advanceWallClock takes whole milliseconds from 0 on, not ${textOf(ms)}: a clock does not go back`,
      );
    await this.#serial(async () => {
      await this.#start();
      this.#advancedMs += ms;
      for (const driven of this.#tasks.values()) {
        if (driven.task.punctuationDueMs > this.nowMs()) continue;
        await this.#attempt(driven, async () => {
          driven.task.punctuate();
          await this.#commit(driven);
        });
      }
      await this.#settle();
    });
  }

  /** Records that were passed over since the start, by reason. */
  dropped(): DropCounts {
    return sumOfDrops([...this.#tasks.values()].map(({ task }) => task.dropped.counts()));
  }

  /** @throws StreamsError CONFIG_INVALID for a topic that the topology neither reads nor writes. */
  partitionsOf(topic: string): number {
    this.#checkTopic('partitionsOf', topic, this.#known);
    return this.#topics.partitionsOf(topic);
  }

  #inputRecord(topic: string, record: TestRecord): Omit<ConsumerRecord, 'offset'> {
    const what = `a record of pipe("${topic}")`;
    checkOptions(what, record, RECORD_OPTIONS);
    const { key = null, value, timestampMs = this.nowMs(), partition, headers = {} } = record;
    for (const [name, part] of Object.entries({ key, value })) {
      if (part !== null && typeof part !== 'string' && !Buffer.isBuffer(part))
        throw new StreamsError(
          'CONFIG_INVALID',
          `the ${name} of ${what} is text, a Buffer or null, not ${textOf(part)}`,
        );
    }
    if (typeof timestampMs !== 'number')
      throw new StreamsError(
        'CONFIG_INVALID',
        `timestampMs of ${what} is a number of milliseconds, not ${textOf(timestampMs)}`,
      );
    for (const [name, header] of Object.entries(headers)) {
      if (!Buffer.isBuffer(header))
        throw new StreamsError('CONFIG_INVALID', `the header "${name}" of ${what} is a Buffer, not ${textOf(header)}`);
    }
    const keyBytes = typeof key === 'string' ? encodeKey(key) : key;
    const partitions = this.#topics.partitionsOf(topic);
    const target = partition ?? (keyBytes === null ? 0 : partitionOf(keyBytes, partitions));
    if (!Number.isSafeInteger(target) || target < 0 || target >= partitions)
      throw new StreamsError(
        'CONFIG_INVALID',
        `pipe("${topic}"): there is no partition ${textOf(target)}, it has ${String(partitions)}`,
      );
    return {
      topic,
      partition: target,
      key: keyBytes,
      value: typeof value === 'string' ? Buffer.from(value) : value,
      timestampMs,
      headers,
    };
  }

  #specOf(name: string): StoreSpec<unknown> {
    const stores = this.#topology.subTopologies.flatMap((sub) => sub.stores);
    const spec = stores.find((store) => store.name === name);
    if (spec === undefined)
      throw new StreamsError(
        'CONFIG_INVALID',
        `the topology has no store "${name}": ${didYouMean(
          name,
          stores.map((store) => store.name),
        )}`,
      );
    return spec;
  }

  #checkTopic(what: string, topic: string, known: ReadonlySet<string>): void {
    if (known.has(topic) || (known === this.#known && this.#writesAny)) return;
    throw new StreamsError(
      'CONFIG_INVALID',
      `${what}: the topology does not ${known === this.#reads ? 'read' : 'read or write'} the topic "${topic}": ` +
        didYouMean(topic, [...known]),
    );
  }

  /** The task whose store has this row. */
  #ownerOf<V, K>({ name, key: serde }: StoreSpec<V, K>, { key, partition }: SeedRow<V, K>): DrivenTask {
    const sub = this.#topology.subTopologies.find(({ stores }) => stores.some((store) => store.name === name));
    const tasks = [...this.#tasks.values()].filter(({ task }) => task.spec.subTopology === sub);
    const target = partition ?? partitionOf(encodeSeedKey(name, storeKeys(serde), key), tasks.length);
    const driven = this.#tasks.get(taskId(sub?.id ?? 0, target));
    if (driven === undefined)
      throw new StreamsError(
        'CONFIG_INVALID',
        `seed("${name}"): there is no partition ${textOf(target)}, the store has ${String(tasks.length)}`,
      );
    return driven;
  }

  #open(spec: TaskSpec): DrivenTask {
    const store = spec.subTopology.stores.length > 0 ? openMemoryStore() : undefined;
    if (store !== undefined) this.#keepUnlogged(spec, store);
    const task = new StreamTask(spec, lifeInMemory(store), { exactlyOnce: true });
    task.producer = new MemoryProducer(this.#topics);
    const graph = this.#makeGraph(task, emptyIndexes(spec.subTopology.stores));
    task.start(new Map(spec.inputs.map(({ topic, partition }) => [topicPartition(topic, partition), 0])));
    return { task, graph, fetchedTo: new Map() };
  }

  /** Rows are known from the changelogs; those of a store that has none from what is committed to it. */
  #keepUnlogged({ id, subTopology }: TaskSpec, store: StateStore): void {
    const unlogged = new Set(subTopology.stores.flatMap((spec) => (hasChangelog(spec) ? [] : spec.name)));
    if (unlogged.size === 0) return;
    const timed = new Set(subTopology.stores.flatMap((spec) => (spec.timed ? spec.name : [])));
    const commit = store.commit.bind(store);
    store.commit = async (batch) => {
      await commit(batch);
      for (const { store: name, key, value } of batch.changes)
        if (unlogged.has(name))
          this.#keepRow(
            name,
            parseTaskId(id).partition,
            key,
            value !== null && timed.has(name) ? untimed(value) : value,
          );
    };
  }

  #makeGraph(task: StreamTask, indexes: StoreIndexes): TaskGraph {
    const { spec } = task;
    const graph = new TaskGraph({
      dropped: task.dropped,
      globalTables: this.#globalTables,
      taskId: spec.id,
      subTopology: spec.subTopology,
      applicationId: this.#applicationId,
      store: task.store,
      indexes,
      collector: task.collector,
      partitionsOf: (topic) => (this.#topics.has(topic) ? this.#topics.partitionsOf(topic) : undefined),
      internalTopics: internalTopicsOf(this.#topology, this.#applicationId),
      time: task.time,
      nowMs: () => this.nowMs(),
      requestCommit: () => undefined,
      handlers: this.#handlers,
    });
    task.graph = graph;
    return graph;
  }

  #serial<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last.then(work);
    this.#last = run.catch(() => undefined);
    return run;
  }

  /** Every copy of a global table has what was written before anything else is read. */
  #readGlobalTables(): void {
    for (const topic of this.#globalTables.topics) {
      for (let partition = 0; partition < this.#topics.partitionsOf(topic); partition += 1) {
        const name = topicPartition(topic, partition);
        for (const record of this.#topics.from({ topic, partition }, this.#globalPositions.get(name) ?? 0)) {
          this.#globalTables.apply(record, this.nowMs());
          this.#globalPositions.set(name, record.offset + 1);
        }
      }
    }
  }

  /** One commit per round and task until nothing is under way. */
  async #settle(): Promise<void> {
    await this.#start();
    this.#readGlobalTables();
    for (let moved = true; moved;) {
      moved = false;
      for (const { id: subTopologyId } of this.#topology.subTopologies) {
        const waiting = [...this.#tasks.values()].filter(
          (driven) =>
            driven.task.spec.subTopology.id === subTopologyId &&
            (this.#unread(driven).length > 0 || driven.graph.hasUncommitted),
        );
        // They work side by side: the report of the first one must not make the others' records late. Reports alone are
        // no backlog: where tasks feed themselves they would be answered by more of them, without end.
        const working = waiting.filter((driven) =>
          this.#unread(driven).some(({ topic, value }) => !(this.#repartitionTopics.has(topic) && isTimeReport(value))),
        );
        if (working.length > 1) for (const driven of working) await this.#reportBacklog(driven);
        for (const driven of waiting) {
          moved = true;
          this.#readGlobalTables();
          await this.#attempt(driven, async () => {
            this.#process(driven);
            await this.#commit(driven);
          });
        }
      }
    }
    this.#readGlobalTables();
  }

  /**
   * Before the first record every input is empty and read to its end. A source without a record reports so once, as a
   * real task does when it starts: it must not hold the watermark back. What reads a repartition topic waits for the
   * reports of its own sources first.
   */
  async #start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    for (const driven of this.#tasks.values()) {
      const { task } = driven;
      for (const input of task.inputs) task.expectRecords(input, this.#topics.end(input));
      if (this.#unread(driven).length > 0 || task.spec.timeLinks.sources.length > 0) continue;
      await this.#report(driven);
    }
  }

  /** A task that has more to read than it reported holds the watermark back until it has read it. */
  async #reportBacklog(driven: DrivenTask): Promise<void> {
    const { task } = driven;
    for (const input of task.inputs) task.expectRecords(input, this.#topics.end(input));
    await this.#report(driven);
  }

  async #report(driven: DrivenTask): Promise<void> {
    if (driven.task.time.isReportDue(this.#paceMs + PACE_MS)) await this.#attempt(driven, () => this.#commit(driven));
  }

  async #commit({ task }: DrivenTask): Promise<void> {
    this.#paceMs += PACE_MS;
    await commitTask(task, this.#paceMs);
  }

  /** As a real task does: fetches until everything there is has been processed. */
  #process(driven: DrivenTask): void {
    const { task, fetchedTo } = driven;
    do {
      for (const input of task.inputs) {
        const { topic, partition } = input;
        const name = topicPartition(topic, partition);
        const records = this.#topics
          .from(input, this.#fetchedTo(driven, input))
          .map((record) => ({ ...record, sizeBytes: 0 }));
        const end = this.#topics.end(input);
        fetchedTo.set(name, end);
        task.accept({ topic, partition, records, nextOffset: end, lastStableOffset: end });
      }
      task.processWaiting(0, Infinity);
    } while (
      task.inputs.some(({ topic, partition }) => task.time.inputs.waiting(topicPartition(topic, partition)) > 0)
    );
  }

  /** What waits for this task, in the order of its inputs. */
  #unread(driven: DrivenTask): ConsumerRecord[] {
    return driven.task.inputs.flatMap((input) => this.#topics.from(input, this.#fetchedTo(driven, input)));
  }

  #fetchedTo({ task, fetchedTo }: DrivenTask, { topic, partition }: TaskInput): number {
    const name = topicPartition(topic, partition);
    return fetchedTo.get(name) ?? task.committedOffsets().get(name) ?? 0;
  }

  /** What fails is undone, and read again by the next call. */
  async #attempt(driven: DrivenTask, work: () => void | Promise<void>): Promise<void> {
    try {
      if (driven.task.graph === undefined) await this.#reopen(driven);
      await work();
    } catch (error) {
      const { task, fetchedTo } = driven;
      await task.producer?.abort();
      task.producer = new MemoryProducer(this.#topics);
      fetchedTo.clear();
      task.abort();
      task.close(WARNINGS);
      const committed = task.committedOffsets();
      const metadata = [...committed.keys()].map((name) => this.#topics.committed(name)?.metadata ?? null);
      task.time.resume(Math.max(-1, ...metadata.map((text) => decodeOffsetMetadata(text).streamTimeMs)));
      task.start(committed);
      await this.#reopen(driven).catch((another: unknown) => {
        WARNINGS.warn({ taskId: task.id, error: messageOf(another) }, 'a task cannot be initialised again');
      });
      throw error;
    }
  }

  async #reopen(driven: DrivenTask): Promise<void> {
    const { task } = driven;
    driven.graph = this.#makeGraph(task, await loadIndexes(task.spec.subTopology.stores, task.store));
  }

  /** A row that a restore would refuse is refused when it is written. */
  #checkChange({ topic, partition, key, value }: OutgoingRecord, offset: number): void {
    const store = this.#storeOfChangelog.get(topic);
    if (store === undefined) return;
    try {
      this.#checkRow(store, { topic, partition, offset, key, value });
    } catch (error) {
      throw new StreamsError(
        'USER_CODE_FAILED',
        `a row of the store "${store}" is one that it could not be restored from, as ` +
          `${recordPlace({ topic, partition, offset })}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  #keepRows(records: readonly OutgoingRecord[]): void {
    for (const { topic, partition, key, value } of records) {
      const store = this.#storeOfChangelog.get(topic);
      if (store !== undefined && key !== null) this.#keepRow(store, partition, key, value);
    }
  }

  #keepRow(store: string, partition: number, key: Buffer, value: Buffer | null): void {
    if (isRuntimeRow(key)) return;
    const rows = this.#rows.get(store) ?? new Map<string, Row>();
    this.#rows.set(store, rows);
    const id = `${String(partition)} ${key.toString('latin1')}`;
    rows.delete(id);
    if (value !== null) rows.set(id, { partition, key, value });
  }
}

const SEED_OPTIONS: readonly (keyof SeedRow<unknown>)[] = [
  'key',
  'startMs',
  'endMs',
  'value',
  'partition',
  'timestampMs',
];

function encodeSeedKey<K>(name: string, keys: StoreKeys<K>, key: K): Buffer {
  try {
    return keys.bytesOf(keys.idOf(key));
  } catch (error) {
    throw new StreamsError('CONFIG_INVALID', `seed("${name}"): ${messageOf(error)}`, { cause: error });
  }
}

/** @throws StreamsError CONFIG_INVALID for a row that is none of this store. `number`: of rows before it. */
function seedKey<V, K>(spec: StoreSpec<V, K>, row: SeedRow<V, K>, number: number): Buffer {
  const { name, kind, key: serde, windowSizeMs = 0 } = spec;
  const what = `a row of seed("${name}")`;
  checkOptions(what, row, SEED_OPTIONS);
  const { key, startMs, endMs, value } = row;
  const keys = storeKeys(serde);
  const refused = (why: string): StreamsError => new StreamsError('CONFIG_INVALID', `${what} ${why}`);
  if (value === null || value === undefined) throw refused('has no value');
  const layout = layoutOf(spec);
  if (layout === undefined) {
    if (startMs !== undefined || endMs !== undefined) throw refused('has a window, and the store has none');
    return encodeSeedKey(name, keys, key);
  }
  if (startMs === undefined)
    throw refused(`has no startMs, and the store has ${kind === 'window' ? 'windows' : `${kind} rows`}`);
  if (kind === 'session' && endMs === undefined) throw refused('has no endMs, and the store has sessions');
  if (kind === 'window' && endMs !== undefined && endMs !== startMs + windowSizeMs)
    throw refused(
      `ends at ${String(endMs)}: a window of ${String(windowSizeMs)} ms ends at ${String(startMs + windowSizeMs)}`,
    );
  const ids = new CompositeIds(keys, layout);
  const numbers = kind === 'session' ? [endMs as number, startMs] : [startMs, number].slice(0, layout.numbers);
  try {
    return ids.bytesOf(ids.idOf(key, ...numbers));
  } catch (error) {
    throw refused(messageOf(error));
  }
}
