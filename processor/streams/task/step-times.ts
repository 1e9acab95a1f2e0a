import { StreamsError } from '../errors.ts';
import { STEP_TIME_KEY, STREAM_TIME_KEY } from '../store/runtime-rows.ts';
import type { StateStore, StoreChange } from '../store/state-store.ts';
import type { OwnTime, StepTime } from '../topology/task-runtime.ts';
import { storesOf } from '../topology/graph.ts';
import { holdInFrontOf } from '../topology/grouping-times.ts';
import { foreignGroupingsOf, type SubTopology } from '../topology/topology.ts';
import { decodeWatermark, encodeWatermark } from './watermark.ts';

export interface StepTimesOptions {
  readonly taskId: string;
  readonly subTopology: SubTopology;
  /** Absent when the sub-topology has no stores. */
  readonly store: StateStore | undefined;
  /** What the task as a whole has reached. */
  readonly streamTimeMs: () => number;
}

/**
 * Stream time of each step that has some of its own: of a windowed aggregation, and of what is held back behind it.
 *
 *   a task that reads        | stream time of a step
 *   topics of the user alone | the largest event time of the records that have reached it, kept in a row of the
 *                            | runtime's own in its store
 *   a repartition topic      | the watermark, one for all steps: records of one partition must not be late because
 *                            | another one ran ahead
 *   the same, where records  | the smaller of both: what joins, suppressions and processors hand on may be older than
 *   come that were held back | the watermark, and is not late for that
 */
export class StepTimes {
  readonly #options: StepTimesOptions;
  readonly #readsRepartition: boolean;
  /** Stores of steps that are reached by what was held back. */
  readonly #behindHolds: ReadonlySet<string>;
  readonly #steps = new Map<string, KeptTime>();
  readonly #shared: StepTime;

  constructor(options: StepTimesOptions) {
    const { subTopology, streamTimeMs } = options;
    this.#options = options;
    const { nodes, sources } = subTopology;
    const foreign = foreignGroupingsOf(nodes);
    this.#readsRepartition = sources.some((source) => 'grouping' in source && !foreign.has(source.grouping));
    this.#behindHolds = new Set(
      nodes.flatMap((node) => (holdInFrontOf(node, nodes) > 0 ? storesOf(node).map(({ name }) => name) : [])),
    );
    this.#shared = {
      get nowMs() {
        return streamTimeMs();
      },
      reached: () => streamTimeMs(),
    };
  }

  /** Of the step that has this store; the same one at each call. */
  of(store: string): StepTime {
    // mutant: own-step-time
    if (!this.#readsRepartition) return this.#keptOf(store, new KeptTime());
    if (!this.#behindHolds.has(store)) return this.#shared;
    return this.#keptOf(store, new KeptTime({ isNew: true, atMostMs: this.#options.streamTimeMs }));
  }

  /** Of a join, which has its own in every task: its sides may come from several partitions. */
  ownOf(store: string): OwnTime {
    return this.#keptOf(store, new KeptTime({ isNew: true }));
  }

  /** What the rows of a store expire by. */
  nowMs(store: string): number {
    return this.#steps.get(store)?.nowMs ?? this.#options.streamTimeMs();
  }

  /** A commit begins: what tables hand on with it comes in no order, and is late by what came before it only. */
  beginFlush(): void {
    for (const step of this.#steps.values()) step.isFlushing = true;
  }

  endFlush(): void {
    for (const step of this.#steps.values()) step.endFlush();
  }

  /** The rows that have changed. */
  takeChanges(): StoreChange[] {
    const changes: StoreChange[] = [];
    for (const [store, step] of this.#steps) {
      const watermarkMs = step.newestMs;
      if (watermarkMs === step.storedMs) continue;
      step.storedMs = watermarkMs;
      // mutant: store-step-time
      changes.push({ store, key: STEP_TIME_KEY, value: encodeWatermark({ watermarkMs, sources: {} }) });
    }
    return changes;
  }

  #keptOf(store: string, made: KeptTime): KeptTime {
    const known = this.#steps.get(store);
    if (known !== undefined) return known;
    this.#steps.set(store, made);
    this.#load(store, made);
    return made;
  }

  /** @throws StreamsError STORE_DAMAGED for a row that cannot be read. */
  #load(name: string, step: KeptTime): void {
    const { store, taskId } = this.#options;
    const bytes = store?.get(name, STEP_TIME_KEY);
    const row = bytes === undefined ? undefined : decodeWatermark(bytes);
    if (bytes !== undefined && row === undefined)
      throw new StreamsError(
        'STORE_DAMAGED',
        `the row of a step's stream time in the store "${name}" of task ${taskId} cannot be read`,
        { taskId },
      );
    // A release that knew no such rows has judged by the time of the task.
    const former = row === undefined && !step.isNew ? store?.get(name, STREAM_TIME_KEY) : undefined;
    step.set(row?.watermarkMs, former === undefined ? undefined : decodeWatermark(former)?.watermarkMs);
  }
}

/** Largest event time of what has reached one step; -1 before the first record. */
export class KeptTime implements StepTime, OwnTime {
  newestMs = -1;
  /** As of the commit before, while a commit hands on what tables have changed. */
  #settledMs = -1;
  /** What is in the row; undefined: there is none yet. */
  storedMs: number | undefined;
  isFlushing = false;
  /** No release has kept its time in another row: the time of the task, in the same store, is none of its own. */
  readonly isNew: boolean;
  readonly #atMostMs: () => number;

  constructor({
    isNew = false,
    atMostMs = () => Infinity,
  }: { readonly isNew?: boolean; readonly atMostMs?: () => number } = {}) {
    this.isNew = isNew;
    this.#atMostMs = atMostMs;
  }

  get nowMs(): number {
    return Math.min(this.newestMs, this.#atMostMs());
  }

  reached(timestampMs: number): number {
    if (timestampMs > this.newestMs) this.newestMs = timestampMs;
    if (!this.isFlushing) this.#settledMs = this.newestMs;
    return Math.min(this.#settledMs, this.#atMostMs());
  }

  advance(timestampMs: number): number {
    if (timestampMs > this.newestMs) this.newestMs = timestampMs;
    return this.newestMs;
  }

  endFlush(): void {
    this.isFlushing = false;
    this.#settledMs = this.newestMs;
  }

  set(storedMs: number | undefined, formerMs: number | undefined): void {
    this.storedMs = storedMs;
    this.newestMs = storedMs ?? formerMs ?? -1;
    this.#settledMs = this.newestMs;
    this.isFlushing = false;
  }
}
