import { messageOf, StreamsError } from '../errors.ts';
import { recordPlace } from '../kafka/topic-partition.ts';
import { checkFunctions, checkOptions, didYouMean, textOf } from '../options.ts';
import { rowCheckOf, type RowCheck } from '../reading/row-check.ts';
import { encodeKey } from '../store/key-text.ts';
import { isIndexed } from '../store/load-indexes.ts';
import { isRuntimeRow } from '../store/runtime-rows.ts';
import type { StoreChange } from '../store/state-store.ts';
import { storeKeys } from '../store/store-keys.ts';
import { NO_TIME, timedBytes, untimed } from '../store/timed-row.ts';
import { hasChangelog, type StoreSpec } from '../store/typed-store.ts';
import { storedSerde } from '../store/versioned-store.ts';
import { parseStreamsConfig } from '../streams-config.ts';
import { sumOfDrops, type DropCounts } from '../task/dropped-records.ts';
import { checkErrorHandlers, ERROR_HANDLERS, type ErrorHandlers } from '../task/error-decisions.ts';
import { GlobalTables } from '../task/global-tables.ts';
import { parseTaskId, taskId } from '../task/task-id.ts';
import { TaskLayout } from '../task/task-layout.ts';
import { isTopology } from '../thread/load-topology.ts';
import { internalTopics } from '../topics/internal-topics.ts';
import { partitionOf } from '../topology/partitioner.ts';
import { checkHeaders, type ConsumerRecord, type RecordHeaders } from '../topology/record.ts';
import { changelogTopic, outputsOf, type Topology } from '../topology/topology.ts';
import { storedBytes } from '../topology/user-code.ts';
import type { OutgoingRecord } from '../writing/streams-producer.ts';
import { CommittedRows, type StoreRow } from './committed-rows.ts';
import { DrivenTasks, type DrivenTask } from './driven-tasks.ts';
import { MemoryTopics, type WrittenRecord } from './memory-topics.ts';
import { encodeSeedKey, seedKey, type SeedRow } from './seed-rows.ts';
import {
  fromBytes,
  serdesOf,
  toBytes,
  type TestInput,
  type TestInputTopic,
  type TestOutputTopic,
  type TestTopicSerdes,
} from './test-topics.ts';

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

interface SeedChange extends StoreChange {
  readonly value: Buffer;
  readonly timestampMs: number;
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
  readonly #topology: Topology;
  readonly #topics: MemoryTopics;
  readonly #reads: ReadonlySet<string>;
  readonly #globalTables: GlobalTables;
  /** All that the topology reads or writes. */
  readonly #known: ReadonlySet<string>;
  /** A sink chooses the topic of each record. */
  readonly #writesAny: boolean;
  readonly #storeOfChangelog: ReadonlyMap<string, string>;
  readonly #checkRow: RowCheck;
  readonly #tasks: DrivenTasks;
  readonly #rows = new CommittedRows();
  #advancedMs = 0;
  /** The call before: calls do not overlap. */
  #last: Promise<unknown> = Promise.resolve();

  /** @throws StreamsError as `KafkaStreams` when it starts, and CONFIG_INVALID for unknown options. */
  constructor(topology: Topology, options: TopologyTestDriverOptions = {}) {
    if (!isTopology(topology))
      throw new StreamsError(
        'CONFIG_INVALID',
        `TopologyTestDriver takes what build() of a StreamsBuilder has returned, not ${textOf(topology)}`,
      );
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
    const { subTopologies } = topology;
    const stores = subTopologies.flatMap((sub) => sub.stores);
    this.#storeOfChangelog = new Map(
      stores.filter(hasChangelog).map(({ name }) => [changelogTopic(applicationId, name), name]),
    );
    this.#checkRow = rowCheckOf(stores);

    const counts = new Map<string, number>();
    const layout = new TaskLayout(topology, applicationId, (topic) => this.#topics.partitionsOf(topic));
    const repartitionTopics = layout.repartitionTopics();
    this.#globalTables = new GlobalTables(topology.globalTables);
    this.#reads = new Set([...layout.sourceTopics(), ...this.#globalTables.topics]);
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
    const own = (topic: string): boolean => repartitionTopics.has(topic) || this.#storeOfChangelog.has(topic);
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
    this.#tasks = new DrivenTasks({
      topology,
      applicationId,
      layout,
      topics: this.#topics,
      globalTables: this.#globalTables,
      rows: this.#rows,
      handlers: options,
      nowMs: () => this.nowMs(),
    });
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
      await this.#tasks.settle();
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
    return this.#rows.of(this.#specOf(name));
  }

  /**
   * A key-value store's committed rows over all partitions, by key; of a key that several partitions have, the row
   * written last (`rows` has all).
   */
  store<V, K = string>(name: string): Map<K, V> {
    const global = this.#globalTables.entries(name);
    if (global !== undefined) return new Map(global.map(({ key, value }) => [key as K, value as V]));
    return this.#rows.byKey(this.#specOf(name));
  }

  /** The committed rows of a store over all partitions, in bytes: `[partition, key, value]`. */
  async entries(name: string): Promise<[number, Buffer, Buffer][]> {
    const { timed = false } = this.#specOf(name);
    const found: [number, Buffer, Buffer][] = [];
    for (const { task } of this.#tasks.all()) {
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
    if (!Array.isArray(rows))
      throw new StreamsError('CONFIG_INVALID', `seed("${name}") takes a list of rows, not ${textOf(rows)}`);
    await this.#serial(async () => {
      if (this.#tasks.started)
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
        for (const { store, key, value } of batch) this.#rows.keep(store, parseTaskId(task.id).partition, key, value);
        const changes = batch.map(({ timestampMs, ...change }) =>
          spec.timed ? { ...change, value: timedBytes(timestampMs, change.value) } : change,
        );
        await task.store?.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
        // What the task has open was made for an empty store.
        if (isIndexed(spec)) await this.#tasks.reopen(driven);
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
      await this.#tasks.start();
      this.#advancedMs += ms;
      await this.#tasks.punctuate();
      await this.#tasks.settle();
    });
  }

  /** Records that were passed over since the start, by reason. */
  dropped(): DropCounts {
    return sumOfDrops(this.#tasks.all().map(({ task }) => task.dropped.counts()));
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
    checkHeaders(`the headers of ${what}`, headers);
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
    if (spec === undefined && this.#globalTables.entries(name) !== undefined)
      throw new StreamsError(
        'CONFIG_INVALID',
        `"${name}" is a global table: its rows come by its topic, and \`rows\` and \`store\` have them`,
      );
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
    const tasks = this.#tasks.all().filter(({ task }) => task.spec.subTopology === sub);
    const target = partition ?? partitionOf(encodeSeedKey(name, storeKeys(serde), key), tasks.length);
    const driven = this.#tasks.get(taskId(sub?.id ?? 0, target));
    if (driven === undefined)
      throw new StreamsError(
        'CONFIG_INVALID',
        `seed("${name}"): there is no partition ${textOf(target)}, the store has ${String(tasks.length)}`,
      );
    return driven;
  }

  #serial<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last.then(work);
    this.#last = run.catch(() => undefined);
    return run;
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
      if (store !== undefined && key !== null) this.#rows.keep(store, partition, key, value);
    }
  }
}
