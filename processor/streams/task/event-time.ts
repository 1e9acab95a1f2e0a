import { StreamsError } from '../errors.ts';
import { hasChangelog } from '../store/typed-store.ts';
import { formerStreamTimeKey, STREAM_TIME_KEY } from '../store/runtime-rows.ts';
import type { StateStore, StoreChange } from '../store/state-store.ts';
import type { ConsumerRecord } from '../topology/record.ts';
import { encodeTimeReport, type TimeReport } from '../topology/repartition-record.ts';
import type { ReadRecord } from '../topology/compile/source.ts';
import type { GroupingTime } from '../topology/grouping-times.ts';
import type { StepTime } from '../topology/task-runtime.ts';
import { storesByTimeOf, type SubTopology } from '../topology/topology.ts';
import type { RecordCollector } from '../writing/record-collector.ts';
import type { OutgoingRecord } from '../writing/streams-producer.ts';
import { topicPartition, type TopicPartition } from '../kafka/topic-partition.ts';
import { PartitionGroup, type Arrival } from './partition-group.ts';
import { KeptTime } from './step-times.ts';
import { decodeWatermark, encodeWatermark, Watermark, type StoredWatermark } from './watermark.ts';

/** A record that has been read and waits for its turn. */
export type WaitingRecord = ReadRecord;

/** A task behind a repartition topic that this one reads. */
export interface TimeSource {
  readonly grouping: string;
  readonly taskId: string;
  /**
   * It reads, itself or through others, what this task hands on: what it reports must not hold back what it is made of.
   */
  readonly cyclic: boolean;
  /** It goes by reports itself, which reach all tasks like it. */
  readonly relays?: boolean;
}

/** How a task's event time hangs together with that of other tasks. */
export interface TimeLinks {
  /** The tasks behind the repartition topics that it reads; empty when it reads none. */
  readonly sources: readonly TimeSource[];
  /** Every partition of the repartition topics that it writes: where its reports go. */
  readonly reportsTo: readonly (TopicPartition & { readonly time?: GroupingTime })[];
  /** A task with windows, directly behind such a topic or behind those that read it, waits for its reports. */
  readonly isAwaited: boolean;
}

export interface EventTimeOptions {
  readonly taskId: string;
  readonly subTopology: SubTopology;
  readonly links: TimeLinks;
  /** The task's input partitions by name, in the order of declaration. */
  readonly inputs: readonly string[];
  /** Those of them that are the user's topics. */
  readonly userInputs: readonly string[];
  /** Where reports wait for the commit. */
  readonly collector: RecordCollector;
  /** Reads a record of a task with several inputs when it is at the head of its queue. */
  readonly read: (record: ConsumerRecord) => WaitingRecord;
  /** How long an input that is read to its end is waited for while others have records. */
  readonly maxIdleMs: number;
  readonly onFull?: (input: string) => void;
  readonly onRoom?: (input: string) => void;
}

/** The user's topics as one source, where repartition topics are read beside them. No task id looks like it. */
const OWN_TOPICS = '!own';

/** A task reports at most this often, unless partials wait behind the report. */
const REPORT_INTERVAL_MS = 1_000;

interface RowPlace {
  readonly store: string;
  /** Where former releases kept the row. */
  readonly formerKey: Buffer;
}

/**
 * Event time in one task. Everything that a task knows of it is here; runtime and TopologyTestDriver use this class.
 *
 *   observed    | newest event time of the user's records that the task has handed on; rows of tables do not count
 *   watermark   | minimum over the task's sources (watermark.ts): the tasks behind each repartition topic that it reads
 *               | and, where it also reads topics of the user, those together as one source more
 *   stream time | what the steps of the graph read: `observed` where no repartition topic is read, else the
 *               | watermark
 *   progress    | what this task reports: stream time, without the sources that are downstream themselves; less, or
 *               | something else, where records are held back in front of a topic (topology/grouping-times.ts)
 *
 * None of them goes back, except to what is committed after an abort.
 *
 *   a record    fetched -> waits in its queue (partition-group.ts) -> observed -> handed on to the graph
 *   a report    arrives in a repartition topic -> moves the watermark -> stored with the next commit
 *   own report  is due -> sent in the commit behind its partials; a partial that is late by it waits behind it
 *
 * A report is due when the inputs have been fetched for the first time, then when progress or "caught up" has changed,
 * at most once a second, and whenever a partial waits behind it or another one was sent ahead of a record. "Caught up":
 * all inputs are read to their end, and so are those of the sources.
 */
export class EventTime {
  /** What has been fetched and waits, and how far each input is read. */
  readonly inputs: PartitionGroup<ConsumerRecord, WaitingRecord>;
  readonly #taskId: string;
  readonly #links: TimeLinks;
  readonly #userInputs: readonly string[];
  readonly #collector: RecordCollector;
  readonly #readsRepartition: boolean;
  readonly #mixed: boolean;
  readonly #watermark: Watermark;
  /** What this task reports: the watermark without the sources that are downstream themselves. */
  readonly #progress: Watermark;
  /** A report's name in the stored row: the source's id, before which the topic stands where there are several. */
  readonly #nameOf: (grouping: string, source: string) => string;
  /** Where the row of event time may lie, first the store that has it now. */
  readonly #rowPlaces: readonly RowPlace[];
  #observedMs = -1;
  /** The row as a former release kept it: moved with the next commit. */
  #formerRow:
    | { readonly row: StoredWatermark; readonly places: readonly { readonly store: string; readonly key: Buffer }[] }
    | undefined;
  /** Partials that are late by the next report: sent behind it. */
  #behind: { readonly record: OutgoingRecord; readonly lateByMs: number }[] = [];
  /** How far the reports have come that were sent in this commit before a record, by `topic-partition`. */
  readonly #reportedAhead = new Map<string, number>();
  /** Newest event time of what was sent to topics that are told another time than the task's own, by topic. */
  readonly #sent = new Map<string, KeptTime>();
  #lastReport: { readonly atMs: number; readonly times: string; readonly caughtUp: boolean } | undefined;

  constructor(options: EventTimeOptions) {
    const { taskId, subTopology, links, inputs, read, maxIdleMs, onFull, onRoom } = options;
    const { sources } = links;
    this.#taskId = taskId;
    this.#links = links;
    this.#userInputs = options.userInputs;
    this.#collector = options.collector;
    this.inputs = new PartitionGroup({
      inputs,
      read,
      maxIdleMs,
      ...(onFull === undefined ? {} : { onFull }),
      ...(onRoom === undefined ? {} : { onRoom }),
    });
    this.#readsRepartition = sources.length > 0;
    this.#mixed = this.#readsRepartition && subTopology.sources.some((source) => 'topic' in source);
    const several = new Set(sources.map(({ grouping }) => grouping)).size > 1;
    this.#nameOf = (grouping, source) => (several ? `${grouping} ${source}` : source);
    const own = this.#mixed ? [OWN_TOPICS] : [];
    const namesOf = (some: readonly TimeSource[]): string[] =>
      some.map(({ grouping, taskId: id }) => this.#nameOf(grouping, id));
    const over = (expected: readonly TimeSource[]): Watermark =>
      new Watermark([...own, ...namesOf(expected)], namesOf(expected.filter(({ relays = false }) => relays)));
    this.#watermark = this.#readsRepartition ? over(sources) : new Watermark([taskId]);
    this.#progress = sources.some(({ cyclic }) => cyclic)
      ? over(sources.filter(({ cyclic }) => !cyclic))
      : this.#watermark;
    this.#rowPlaces = rowPlacesOf(subTopology, this.#readsRepartition);
  }

  /** What the steps of the graph read; -1 before it is known. */
  get streamTimeMs(): number {
    return this.#readsRepartition ? this.#watermark.nowMs : Math.max(this.#watermark.nowMs, this.#observedMs);
  }

  /** What this task reports; -1 before it is known. */
  get progressMs(): number {
    return this.#progress === this.#watermark ? this.streamTimeMs : this.#progress.nowMs;
  }

  /** This task and those that it reads the partials of have read all there is. */
  get caughtUp(): boolean {
    return (!this.#readsRepartition || this.#progress.allCaughtUp) && this.inputs.isDrained();
  }

  /** A record of the user's topics is about to be handed on. */
  observe(timestampMs: number): void {
    if (timestampMs <= this.#observedMs) return;
    this.#observedMs = timestampMs;
    if (this.#mixed) this.#reportOwn(false);
  }

  /**
   * What a step that sends to this repartition topic is late by: its own time, where records are held back in front of
   * it; undefined: stream time.
   */
  senderTime(topic: string): StepTime | undefined {
    const time = this.#links.reportsTo.find((place) => place.topic === topic)?.time;
    // mutant: held-back
    if (time === undefined || (time.by === 'progress' && time.holdMs === 0)) return undefined;
    const known = this.#sent.get(topic) ?? new KeptTime();
    this.#sent.set(topic, known);
    return known;
  }

  /** A commit hands on what tables have changed: it is late by what was sent before it only. */
  beginFlush(): void {
    for (const sent of this.#sent.values()) sent.isFlushing = true;
  }

  endFlush(): void {
    for (const sent of this.#sent.values()) sent.endFlush();
  }

  /** A source's report has arrived through this repartition topic. False: no such task writes to it. */
  report(grouping: string, { source, watermarkMs, caughtUp }: TimeReport): boolean {
    // mutant: report-of-a-source
    if (!this.#links.sources.some((known) => known.grouping === grouping && known.taskId === source)) return false;
    this.#report({ source: this.#nameOf(grouping, source), watermarkMs, caughtUp });
    return true;
  }

  /** Reading goes on from here, with nothing waiting. */
  start(offsets: ReadonlyMap<string, number>): void {
    this.inputs.seek(offsets);
    this.#lastReport = undefined;
  }

  /** What a fetch brought of an input. Records that have been processed already are left out of it. */
  arrived(input: string, arrival: Arrival<ConsumerRecord>): void {
    this.inputs.add(input, arrival);
    this.processed();
  }

  /** Records that waited have been handed on. */
  processed(): void {
    if (this.#mixed) this.#reportOwn(this.inputs.isDrained(this.#userInputs));
  }

  /** Sent behind a report that has come to `lateByMs`, and no further; Infinity: behind the last one of the commit. */
  sendBehind(record: OutgoingRecord, lateByMs: number): void {
    this.#behind.push({ record, lateByMs });
  }

  /**
   * A record that may be late by what was read before it is about to be sent there by itself: the report in front of it
   * tells how far that is. Else it would be judged by the report of some commit before.
   */
  reportAhead(place: TopicPartition): void {
    const name = topicPartition(place.topic, place.partition);
    const progressMs = this.#sent.get(place.topic)?.newestMs ?? this.progressMs;
    if (!this.#links.isAwaited || (this.#reportedAhead.get(name) ?? -1) >= progressMs) return;
    this.#reportedAhead.set(name, progressMs);
    this.#send(place, { watermarkMs: progressMs, caughtUp: false });
  }

  isReportDue(nowMs: number): boolean {
    if (!this.#links.isAwaited || !this.inputs.allFetched) return false;
    const last = this.#lastReport;
    if (last === undefined) return true;
    return nowMs - last.atMs >= REPORT_INTERVAL_MS && (last.times !== this.#times() || last.caughtUp !== this.caughtUp);
  }

  /**
   * Sends the report to every task behind the repartition topics, when it is due. Called after the flush: partials of
   * the same commit are before it in the topic and are judged by the time before it, except for those that are late by
   * it. Those that are late for some of their windows only are sent in between, behind a report of the time that they
   * are late by.
   */
  sendReport(nowMs: number): void {
    if (!this.isReportDue(nowMs) && this.#behind.length === 0 && this.#reportedAhead.size === 0) return;
    const { caughtUp } = this;
    const behind = this.#behind.sort((a, b) => a.lateByMs - b.lateByMs);
    const reportedMs = new Map<string, number>();
    const isBehindAll = ({ record, lateByMs }: (typeof behind)[number]): boolean =>
      lateByMs === Infinity && !this.#sent.has(record.topic);
    for (const late of behind) {
      if (isBehindAll(late)) continue;
      const { record, lateByMs } = late;
      const place = topicPartition(record.topic, record.partition);
      const reachedMs = this.#sent.get(record.topic)?.newestMs ?? this.progressMs;
      if (reportedMs.get(place) !== lateByMs)
        this.#send(record, { watermarkMs: Math.min(lateByMs, reachedMs), caughtUp: false });
      reportedMs.set(place, lateByMs);
      this.#collector.add(record);
    }
    for (const { topic, partition, time } of this.#links.reportsTo)
      this.#send({ topic, partition }, { watermarkMs: this.#toldMs(topic, time), caughtUp });
    for (const late of behind) if (isBehindAll(late)) this.#collector.add(late.record);
    this.#behind = [];
    this.#reportedAhead.clear();
    this.#lastReport = { atMs: nowMs, times: this.#times(), caughtUp };
  }

  /** How far this task has come for those behind a repartition topic. */
  #toldMs(topic: string, time: GroupingTime | undefined): number {
    if (time === undefined) return this.progressMs;
    if (time.by === 'sent') return this.#sent.get(topic)?.newestMs ?? -1;
    return Math.max(-1, this.progressMs - time.holdMs);
  }

  /** All that `#toldMs` depends on. */
  #times(): string {
    return [this.progressMs, ...Array.from(this.#sent.values(), ({ newestMs }) => newestMs)].join(' ');
  }

  /** What the commit has to store of event time, in a row of the runtime's own. */
  takeChanges(): StoreChange[] {
    const store = this.#rowPlaces[0]?.store;
    if (store === undefined) return [];
    if (!this.#readsRepartition)
      this.#watermark.report({ source: this.#taskId, watermarkMs: this.#observedMs, caughtUp: false });
    const row = this.#watermark.takeChange() ?? this.#formerRow?.row;
    const changes: StoreChange[] = [];
    if (row !== undefined) changes.push({ store, key: STREAM_TIME_KEY, value: encodeWatermark(row) });
    for (const { store: former, key } of this.#formerRow?.places ?? [])
      changes.push({ store: former, key, value: null });
    return changes;
  }

  /** What `takeChanges` gave is stored. */
  committed(): void {
    this.#formerRow = undefined;
  }

  /**
   * Back to what is committed. How far the user's topics are read is to be found out again.
   * @throws StreamsError STORE_DAMAGED for a row that cannot be read.
   */
  load(store: StateStore | undefined): void {
    this.#behind = [];
    this.#reportedAhead.clear();
    this.#sent.clear();
    this.#observedMs = -1;
    const row = this.#storedRow(store);
    for (const watermark of new Set([this.#watermark, this.#progress])) {
      watermark.load(row);
      watermark.forget(OWN_TOPICS);
    }
  }

  /** Goes on from the time that was committed beside the offsets; -1: none. What comes of reports is in the store. */
  resume(streamTimeMs: number): void {
    if (!this.#readsRepartition) this.observe(streamTimeMs);
  }

  #reportOwn(caughtUp: boolean): void {
    this.#report({ source: OWN_TOPICS, watermarkMs: this.#observedMs, caughtUp });
  }

  #report(report: TimeReport): void {
    this.#watermark.report(report);
    if (this.#progress !== this.#watermark) this.#progress.report(report);
  }

  #send(place: TopicPartition, report: Omit<TimeReport, 'source'>): void {
    const { topic, partition } = place;
    this.#collector.add({ topic, partition, key: null, value: encodeTimeReport({ source: this.#taskId, ...report }) });
  }

  #storedRow(store: StateStore | undefined): StoredWatermark | undefined {
    let newest: StoredWatermark | undefined;
    const formerPlaces: { store: string; key: Buffer }[] = [];
    for (const { store: name, formerKey } of this.#rowPlaces) {
      let bytes = store?.get(name, STREAM_TIME_KEY);
      const isFormer = bytes === undefined;
      if (isFormer) bytes = store?.get(name, formerKey);
      const row = bytes === undefined ? undefined : decodeWatermark(bytes);
      if (row === undefined && bytes !== undefined && !isFormer)
        throw new StreamsError(
          'STORE_DAMAGED',
          `the row of stream time in the store "${name}" of task ${this.#taskId} cannot be read`,
          { taskId: this.#taskId },
        );
      if (row !== undefined && isFormer) formerPlaces.push({ store: name, key: formerKey });
      if (row !== undefined && (newest === undefined || row.watermarkMs > newest.watermarkMs)) newest = row;
    }
    this.#formerRow =
      newest === undefined || formerPlaces.length === 0 ? undefined : { row: newest, places: formerPlaces };
    return newest;
  }
}

/**
 * The stores that may hold the row, the one that does first: by name, so that it stays when stores are declared in
 * another order. One that goes by stream time, or any store of a task that hands event time on; one with a changelog
 * before others.
 */
function rowPlacesOf(subTopology: SubTopology, readsRepartition: boolean): RowPlace[] {
  const { stores, writesGroupings } = subTopology;
  const byTime = storesByTimeOf(subTopology);
  const handsOn = byTime.length === 0 && readsRepartition && writesGroupings.length > 0;
  return (handsOn ? stores : byTime)
    .toSorted((a, b) => Number(hasChangelog(b)) - Number(hasChangelog(a)) || (a.name < b.name ? -1 : 1))
    .map(({ name: store, kind }) => ({
      store,
      formerKey: formerStreamTimeKey(kind === 'key-value' ? 'key-value' : 'window'),
    }));
}
