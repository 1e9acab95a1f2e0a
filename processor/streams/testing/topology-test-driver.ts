import type { OutgoingRecord } from '../writing/streams-producer.ts';
import { StreamsError } from '../errors.ts';
import { checkFunctions, checkOptions, didYouMean, textOf } from '../options.ts';
import { encodeKey } from '../store/key-text.ts';
import { isRuntimeRow } from '../store/runtime-rows.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import type { StateStore } from '../store/state-store.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { sumOfDrops, type DropCounts } from '../task/dropped-records.ts';
import { StreamTask, type TaskRecord } from '../task/stream-task.ts';
import { TaskGraph } from '../task/task-graph.ts';
import { lifeInMemory } from '../task/task-life.ts';
import { TaskLayout, type TaskSpec } from '../task/task-layout.ts';
import { parseTaskId } from '../task/task-id.ts';
import { checkCopartitioned, checkTopicNames } from '../topology/copartitioning.ts';
import { partitionOf } from '../topology/partitioner.ts';
import { headersByName, type ConsumerRecord, type RecordHeaders } from '../topology/record.ts';
import { isTimeReport } from '../topology/repartition-record.ts';
import { repartitionSizes } from '../topology/repartition-sizes.ts';
import { changelogTopic, outputsOf, topicNameOf, type SubTopology, type Topology } from '../topology/topology.ts';
import { topicPartition } from '../kafka/topic-partition.ts';

export interface TestRecord {
  readonly key?: string | Buffer | null;
  readonly value: string | Buffer | null;
  readonly timestampMs?: number;
  /** Default: by key as Kafka's partitioner does, 0 without one. */
  readonly partition?: number;
  readonly headers?: RecordHeaders;
}

/** What the topology wrote to a topic. */
export interface WrittenRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
}

export interface TopologyTestDriverOptions {
  readonly applicationId?: string;
  /** Partitions of topics; 1 for those not named. Repartition topics have as many as their sources. */
  readonly partitions?: Readonly<Record<string, number>>;
  /** The wall clock, epoch ms. Default: a fixed instant, so that tests repeat. */
  readonly nowMs?: () => number;
}

interface DrivenTask {
  readonly task: StreamTask;
  readonly graph: TaskGraph;
  readonly store: StateStore;
  /** Written, and not fetched yet. */
  readonly inbox: TaskRecord[];
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
 * commits through all sub-topologies before it returns; what the topology wrote is read with `output` and `store`.
 */
export class TopologyTestDriver {
  readonly #topology: Topology;
  readonly #applicationId: string;
  readonly #nowMs: () => number;
  readonly #partitions: Readonly<Record<string, number>>;
  readonly #reads: ReadonlySet<string>;
  readonly #writes: ReadonlySet<string>;
  readonly #tasks = new Map<string, DrivenTask>();
  readonly #log = new Map<string, WrittenRecord[]>();
  /** Committed rows per store: key bytes as latin1 text, value bytes. */
  readonly #committed = new Map<string, Map<string, Buffer>>();
  readonly #nextOffsets = new Map<string, number>();
  /** Time that reports are paced by: it never stands still, so that none has to wait. */
  #paceMs = 0;
  #started = false;

  constructor(topology: Topology, options: TopologyTestDriverOptions = {}) {
    checkOptions('TopologyTestDriver', options, ['applicationId', 'partitions', 'nowMs']);
    if (options.nowMs !== undefined) checkFunctions('TopologyTestDriver', options, ['nowMs']);
    if (options.partitions !== undefined && Object.getPrototypeOf(Object(options.partitions)) !== Object.prototype)
      throw new StreamsError(
        'CONFIG_INVALID',
        `partitions of TopologyTestDriver: an object of counts by topic, not ${textOf(options.partitions)}`,
      );
    this.#topology = topology;
    this.#applicationId = options.applicationId ?? 'test';
    this.#partitions = options.partitions ?? {};
    this.#nowMs = options.nowMs ?? (() => FIXED_NOW_MS);
    const partitionsOf = (topic: string): number => this.partitionsOf(topic);
    this.#reads = new Set(
      topology.subTopologies.flatMap(({ sources }) =>
        sources.map((source) => topicNameOf(source, this.#applicationId)),
      ),
    );
    this.#writes = new Set(
      topology.subTopologies.flatMap((sub) => [
        ...outputsOf(sub, this.#applicationId),
        ...sub.stores.map(({ name }) => changelogTopic(this.#applicationId, name)),
      ]),
    );
    for (const [topic, count] of Object.entries(this.#partitions)) {
      this.#checkTopic('partitions', topic, this.#topics());
      if (!Number.isSafeInteger(count) || count < 1)
        throw new StreamsError(
          'CONFIG_INVALID',
          `partitions of ${topic}: a whole number above 0, not ${textOf(count)}`,
        );
    }
    checkTopicNames(topology, this.#applicationId);
    checkCopartitioned(topology, this.#applicationId, (topic) => this.#partitions[topic] ?? 1);
    const layout = new TaskLayout(topology, this.#applicationId, partitionsOf);
    for (const id of layout.taskIds()) this.#tasks.set(id, this.#open(layout.spec(id)));
  }

  /** Sends records to a source topic and runs everything they cause. @throws what user code throws. */
  async pipe(topic: string, ...records: readonly TestRecord[]): Promise<void> {
    this.#checkTopic('pipe', topic, [...this.#reads]);
    for (const record of records) {
      checkOptions(`a record of pipe("${topic}")`, record, RECORD_OPTIONS);
      const { key = null, value, timestampMs = this.#nowMs(), partition, headers = {} } = record;
      for (const [name, part] of Object.entries({ key, value })) {
        if (part !== null && typeof part !== 'string' && !Buffer.isBuffer(part))
          throw new StreamsError(
            'CONFIG_INVALID',
            `the ${name} of a record of pipe("${topic}") is text, a Buffer or null, not ${textOf(part)}`,
          );
      }
      const keyBytes = typeof key === 'string' ? encodeKey(key) : key;
      const target = partition ?? (keyBytes === null ? 0 : partitionOf(keyBytes, this.partitionsOf(topic)));
      if (!Number.isSafeInteger(target) || target < 0 || target >= this.partitionsOf(topic))
        throw new StreamsError(
          'CONFIG_INVALID',
          `pipe("${topic}"): there is no partition ${textOf(target)}, it has ${String(this.partitionsOf(topic))}`,
        );
      this.#deliver(topic, target, {
        key: keyBytes,
        value: typeof value === 'string' ? Buffer.from(value) : value,
        timestampMs,
        headers,
      });
    }
    await this.#settle();
  }

  /** What has been written to a topic since the last call, in order. */
  output(topic: string): WrittenRecord[] {
    this.#checkTopic('output', topic, this.#topics());
    const written = this.#log.get(topic) ?? [];
    this.#log.set(topic, []);
    return written;
  }

  /**
   * A key-value store's committed rows over all partitions, by key; of a key that several partitions have, the row
   * written last (`entries` has all).
   */
  store<V>(name: string): Map<string, V> {
    return this.#rows(name, (key) => key.toString('utf8'));
  }

  /** The committed entries of a store over all partitions, in bytes: `[partition, key, value]`. */
  async entries(name: string): Promise<[number, Buffer, Buffer][]> {
    this.#specOf(name);
    const found: [number, Buffer, Buffer][] = [];
    for (const [id, { store }] of this.#tasks) {
      for await (const [key, value] of store.entries(name))
        if (!isRuntimeRow(key)) found.push([parseTaskId(id).partition, key, value]);
    }
    return found;
  }

  /** Records that were passed over since the start, by reason. */
  dropped(): DropCounts {
    return sumOfDrops([...this.#tasks.values()].map(({ task }) => task.dropped.counts()));
  }

  partitionsOf(topic: string): number {
    const given = this.#partitions[topic];
    if (given !== undefined) return given;
    return (
      repartitionSizes(this.#topology, this.#applicationId, (source) => this.#partitions[source] ?? 1).get(topic) ?? 1
    );
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

  #topics(): string[] {
    return [...new Set([...this.#reads, ...this.#writes])];
  }

  #checkTopic(what: string, topic: string, known: readonly string[]): void {
    if (known.includes(topic)) return;
    throw new StreamsError(
      'CONFIG_INVALID',
      `${what}: the topology does not ${what === 'pipe' ? 'read' : 'read or write'} the topic "${topic}": ` +
        `${didYouMean(topic, known)}`,
    );
  }

  #rows<V>(name: string, decode: (key: Buffer) => string): Map<string, V> {
    const spec = this.#specOf(name);
    if (spec.kind === 'window')
      throw new StreamsError(
        'CONFIG_INVALID',
        `store("${name}") is a window store, whose keys are no text: read it with entries("${name}") and ` +
          `decodeWindowKey`,
      );
    const rows = new Map<string, V>();
    for (const [key, value] of this.#committed.get(name) ?? [])
      rows.set(decode(Buffer.from(key, 'latin1')), spec.serde.deserialize(value) as V);
    return rows;
  }

  #deliver(
    topic: string,
    partition: number,
    record: Pick<ConsumerRecord, 'key' | 'value' | 'timestampMs' | 'headers'>,
  ): void {
    const name = topicPartition(topic, partition);
    const offset = this.#nextOffsets.get(name) ?? 0;
    this.#nextOffsets.set(name, offset + 1);
    for (const { task, inbox } of this.#tasks.values()) {
      if (task.inputs.some((input) => input.topic === topic && input.partition === partition))
        inbox.push({ topic, partition, offset, sizeBytes: 0, ...record });
    }
  }

  #open(spec: TaskSpec): DrivenTask {
    const store = openMemoryStore();
    const task = new StreamTask(spec, lifeInMemory(store), { exactlyOnce: true });
    const graph = new TaskGraph({
      dropped: task.dropped,
      taskId: spec.id,
      subTopology: spec.subTopology,
      applicationId: this.#applicationId,
      store,
      collector: task.collector,
      partitionsOf: (topic) => this.partitionsOf(topic),
      time: task.time,
      nowMs: this.#nowMs,
      requestCommit: () => undefined,
    });
    task.graph = graph;
    return { task, graph, store, inbox: [] };
  }

  /** One commit per round and task until nothing is under way. */
  async #settle(): Promise<void> {
    this.#start();
    for (let moved = true; moved;) {
      moved = false;
      for (const { id: subTopologyId } of this.#topology.subTopologies) {
        const waiting = [...this.#tasks.values()].filter(
          ({ task, inbox, graph }) =>
            task.spec.subTopology.id === subTopologyId && (inbox.length > 0 || graph.hasUncommitted),
        );
        // They work side by side: what the first one has to say must not make the others' records late. Words on
        // progress alone are no backlog: where tasks feed themselves they would be answered by more of them, without
        // end.
        const working = waiting.filter(({ task, inbox }) =>
          inbox.some(({ topic, value }) => !this.#isTimeReport(task.spec.subTopology, topic, value)),
        );
        if (working.length > 1) for (const driven of working) this.#reportBacklog(driven);
        for (const driven of waiting) {
          moved = true;
          const { task, graph, store } = driven;
          processInbox(driven);
          const changes = await graph.flush();
          this.#report(task);
          for (const record of task.collector.take()) this.#write(record);
          for (const { store: name, key, value } of changes) {
            this.#write({ topic: changelogTopic(this.#applicationId, name), partition: 0, key, value });
            this.#remember(name, key, value);
          }
          await store.commit({ changes, changelogOffsets: new Map(), inputOffsets: new Map() });
          graph.committed();
        }
      }
    }
  }

  /**
   * Before the first record every input is empty and read to its end. A source without a record says so once, as a real
   * task does when it starts: it must not hold the watermark back. What reads a repartition topic hears of its own
   * sources first.
   */
  #start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const { task, inbox } of this.#tasks.values()) {
      for (const input of task.inputs) task.expectRecords(input, 0);
      if (inbox.length > 0 || task.spec.subTopology.sources.some((source) => 'grouping' in source)) continue;
      this.#report(task);
      for (const record of task.collector.take()) this.#write(record);
    }
  }

  #isTimeReport({ sources }: SubTopology, topic: string, value: Buffer | null): boolean {
    return (
      isTimeReport(value) &&
      sources.some((source) => 'grouping' in source && topicNameOf(source, this.#applicationId) === topic)
    );
  }

  /** A task that has more to read than was told holds the watermark back until it has read it. */
  #reportBacklog({ task, inbox }: DrivenTask): void {
    for (const { topic, partition, offset } of inbox) task.expectRecords({ topic, partition }, offset + 1);
    this.#report(task);
    for (const record of task.collector.take()) this.#write(record);
  }

  #report(task: StreamTask): void {
    this.#paceMs += 1_000;
    task.time.sendReport(this.#paceMs);
  }

  #remember(store: string, key: Buffer, value: Buffer | null): void {
    if (isRuntimeRow(key)) return;
    const rows = this.#committed.get(store) ?? new Map<string, Buffer>();
    this.#committed.set(store, rows);
    if (value === null) rows.delete(key.toString('latin1'));
    else rows.set(key.toString('latin1'), value);
  }

  #write({ topic, partition, key, value, headers = [] }: OutgoingRecord): void {
    const record = { key, value, headers: headersByName(headers) };
    const written = this.#log.get(topic) ?? [];
    written.push({ topic, partition, ...record });
    this.#log.set(topic, written);
    this.#deliver(topic, partition, { ...record, timestampMs: this.#nowMs() });
  }
}

/** As a real task does. Nothing is under way but what is in the inbox, so every partition counts as read to its end. */
function processInbox({ task, inbox }: DrivenTask): void {
  for (const record of inbox.splice(0)) {
    const { topic, partition, offset } = record;
    task.accept({ topic, partition, records: [record], nextOffset: offset + 1, lastStableOffset: offset + 1 });
  }
  task.processWaiting(0, Infinity);
}
