import type { StoreSpec } from '../../store/typed-store.ts';
import type { AggregateNode, Aggregation, MergePartialsNode } from '../graph.ts';
import { addOwn, copyThrough, emptyOf } from '../own-values.ts';
import type { PartialAggregate } from '../repartition-record.ts';
import { readStored } from '../stored-value.ts';
import { emitNothing, type Emit, type TaskRuntime } from '../task-runtime.ts';
import { aggregated, failedAt, groupingKey, settled } from '../user-code.ts';
import { windowStartsOf, type TimeWindows } from '../windows.ts';

/** Merges a partial of so many records, keyed by `key`, into a store. */
export type MergePartial = (key: string, partial: PartialAggregate, records: number) => void;

type Update<P> = (key: string, partial: P, timeMs: number, newestMs: number, records: number) => void;

/** Makes a value of a partial, one that nobody else has; `last`: nobody asks for another one. */
type OpenPartial<P> = (partial: P, last: boolean) => unknown;

/** Where the results of an aggregation go. */
export interface AggregationTargets {
  /** Its changed rows. */
  readonly next: Emit;
  /** What came too late for all of its windows. */
  readonly late: Emit;
}

/** A window whose end lies this far back is gone from the store: what belongs to it is late. */
function isExpired(windows: TimeWindows, windowStartMs: number, streamTimeMs: number): boolean {
  return windowStartMs + windows.sizeMs <= streamTimeMs - windows.retentionMs;
}

/** Merges the partials of a combine node into a store. */
export function compileMergePartials(
  node: MergePartialsNode,
  runtime: TaskRuntime,
  targets: AggregationTargets,
): MergePartial {
  const { serde } = node.aggregate;
  // A serde may return the bytes themselves.
  const open: OpenPartial<Buffer> = (bytes, last) => settled(readStored(serde, last ? bytes : Buffer.from(bytes)));
  const update = compileUpdate(node, runtime, open, targets);
  return (key, { grainStartMs, newestMs, aggregate: bytes }, records) => {
    try {
      update(key, bytes, grainStartMs, newestMs, records);
    } catch (error) {
      throw failedAt(node.name, error);
    }
  };
}

/**
 * Aggregates in the task that reads the source: the key is the source topic's own, so the partition already is the
 * owner.
 */
export function compileAggregate(node: AggregateNode, runtime: TaskRuntime, targets: AggregationTargets): Emit {
  const { name, aggregate, keyOf } = node;
  const empty = emptyOf(aggregate);
  // mutant: partial-of-each-window
  const open: OpenPartial<unknown> = (partial, last) => (last ? partial : copyThrough(aggregate.serde, partial));
  // mutant: tell-late
  const update = compileUpdate(node, runtime, open, targets);
  return (key, value, at) => {
    try {
      const groupKey = groupingKey(keyOf(value as never, key));
      if (groupKey === undefined) runtime.drop('null-key');
      else update(groupKey, aggregated(addOwn(aggregate, empty(), value, at)), at, at, 1);
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}

/** Merges into the store, and hands on one change a row and commit to whoever listens. */
function compileUpdate<P>(
  { aggregate, windows, store }: Aggregation,
  runtime: TaskRuntime,
  open: OpenPartial<P>,
  { next, late }: AggregationTargets,
): Update<P> {
  const empty = emptyOf(aggregate);
  const changed = new ChangedRows(runtime, store, next);
  if (windows === undefined) {
    const rows = runtime.keyValueStore(store.name);
    changed.valueOf = ({ key }) => rows.get(key);
    return (key, partial, _timeMs, newestMs) => {
      const value = aggregated(aggregate.merge(rows.get(key) ?? empty(), open(partial, true)));
      rows.put(key, value);
      if (changed.isRead) changed.add(key, null, value, newestMs);
    };
  }
  const rows = runtime.windowStore(store.name);
  changed.valueOf = ({ key, windowStartMs }) => rows.get(key, windowStartMs as number);
  const intake = runtime.intakeOf(store.name);
  return (key, partial, timeMs, newestMs, records) => {
    const starts = windowStartsOf(windows, timeMs);
    const streamTimeMs = runtime.streamTimeMs();
    const alive = starts.filter((start) => !isExpired(windows, start, streamTimeMs));
    if (alive.length > 0) intake.taken(alive.length * records);
    if (alive.length < starts.length)
      intake.leftOut((starts.length - alive.length) * records, {
        place: runtime.place(),
        timestampMs: newestMs,
        streamTimeMs,
      });
    if (alive.length === 0) late(key, open(partial, true), newestMs);
    for (let index = 0; index < alive.length; index += 1) {
      const start = alive[index] as number;
      const value = aggregated(
        aggregate.merge(rows.get(key, start) ?? empty(), open(partial, index === alive.length - 1)),
      );
      rows.put(key, start, value);
      if (changed.isRead) changed.add(key, start, value, newestMs);
    }
  };
}

interface ChangedRow {
  readonly key: string;
  readonly windowStartMs: number | null;
  /** As the aggregation left it: what is handed on of a row that a processor has deleted since. */
  value: unknown;
  newestMs: number;
}

/**
 * The rows that an aggregation has changed since the last commit, each handed on once with the next one, before any of
 * them expires.
 */
class ChangedRows {
  valueOf: (row: ChangedRow) => unknown = ({ value }) => value;
  /** Somebody reads the changes. */
  readonly isRead: boolean;
  readonly #rows = new Map<string, ChangedRow>();

  constructor(runtime: TaskRuntime, { name: store, serde }: StoreSpec<unknown>, next: Emit) {
    this.isRead = next !== emitNothing;
    if (!this.isRead) return;
    runtime.onFlush(() => {
      // The row itself stays with its store: who reads the change has a value of its own.
      for (const row of this.#rows.values()) {
        let value: unknown;
        try {
          // mutant: own-row
          value = copyThrough(serde, this.valueOf(row) ?? row.value);
        } catch (error) {
          throw failedAt(`the store "${store}"`, error);
        }
        next(row.key, { windowStartMs: row.windowStartMs, value }, row.newestMs);
      }
      this.#rows.clear();
    });
    runtime.onClear(() => this.#rows.clear());
  }

  add(key: string, windowStartMs: number | null, value: unknown, newestMs: number): void {
    const id = windowStartMs === null ? key : `${String(windowStartMs)}:${key}`;
    const row = this.#rows.get(id);
    if (row === undefined) {
      this.#rows.set(id, { key, windowStartMs, value, newestMs });
      return;
    }
    row.value = value;
    if (newestMs > row.newestMs) row.newestMs = newestMs;
  }
}
