import type { AggregateNode, Aggregation, MergePartialsNode } from '../graph.ts';
import { addOwn, canChange, copyOf, emptyOf, givenOf } from '../own-values.ts';
import type { PartialAggregate } from '../repartition-record.ts';
import { readStored } from '../stored-value.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { aggregated, failedAt, isNoKey, settled } from '../user-code.ts';
import { closesMs, isFixed, isSession, isSliding, windowEndOf, windowStartsOf } from '../windows.ts';
import { compileSessions } from './session.ts';
import { compileSliding } from './sliding.ts';
import { withRecord } from './steps.ts';
import type { AggregationTargets } from './aggregation-targets.ts';

/** Merges a partial of so many records into a store. `windowedOnly`: of records without a value. */
export type MergePartial = (key: unknown, partial: PartialAggregate, records: number, windowedOnly: boolean) => void;

/** What goes into rows: of so many records of one key and grain, the newest of which has this time. */
interface Item<P> {
  readonly part: P;
  readonly timeMs: number;
  readonly newestMs: number;
  readonly records: number;
}

/** The row's next value; undefined and null: none. `last`: nobody asks for another one with this part. */
type NextValue<P> = (value: unknown, part: P, key: unknown, timestampMs: number, last: boolean) => unknown;

/** Merges the partials of a combine node into a store. */
export function compileMergePartials(
  node: MergePartialsNode,
  runtime: TaskRuntime,
  targets: AggregationTargets,
): MergePartial {
  const { aggregate, windows } = node;
  const { serde } = aggregate;
  const empty = emptyOf(aggregate);
  const merge = aggregate.merge as (a: unknown, b: unknown) => unknown;
  // A serde may return the bytes themselves.
  const open = (bytes: Buffer, last: boolean): unknown => settled(readStored(serde, last ? bytes : Buffer.from(bytes)));
  const update = compileUpdate<Buffer>(node, runtime, targets, {
    nextValue: (value, bytes, _key, _at, last) => merge.call(aggregate, value ?? empty(), open(bytes, last)),
    lateValue: (bytes) => open(bytes, true),
  });
  return (key, { grainStartMs, newestMs, aggregate: bytes }, records, windowedOnly) => {
    if (windowedOnly && windows === undefined) return;
    try {
      update(key, { part: bytes, timeMs: grainStartMs, newestMs, records });
    } catch (error) {
      throw failedAt(node.name, error);
    }
  };
}

/** Adds records one by one: this task owns their keys. */
export function compileAggregate(node: AggregateNode, runtime: TaskRuntime, targets: AggregationTargets): Emit {
  const { name, windows } = node;
  const keyOf = withRecord(node.keyOf, runtime);
  const add = compileAdd(node, runtime, targets);
  // Sliding windows take no records without a value, as in Kafka Streams; other windows do.
  const countsNulls = windows !== undefined && !isSliding(windows);
  return (key, value, at) => {
    try {
      const selected = keyOf(value, key, at);
      if (isNoKey(selected)) runtime.drop('null-key');
      // mutant: skip-null-values
      else if (value !== null || countsNulls) add(selected, value, at);
      else if (windows !== undefined) runtime.drop('null-value');
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}

function compileAdd(node: AggregateNode, runtime: TaskRuntime, targets: AggregationTargets): Emit {
  const { aggregate, windows } = node;
  if (windows !== undefined && isSession(windows)) return compileSessions(node, windows, runtime, targets);
  if (windows !== undefined && isSliding(windows)) return compileSliding(node, windows, runtime, targets);
  const empty = emptyOf(aggregate);
  const add = addOwn(aggregate, 'add');
  // mutant: partial-of-each-window
  const nextValue: NextValue<unknown> = (value, part, key, at, last) =>
    add(value ?? empty(), last || !canChange(part) ? part : copyOf(part), key, at);
  const lateValue = (part: unknown, key: unknown, at: number): unknown => add(empty(), part, key, at);
  // mutant: tell-late
  const update = compileUpdate(node, runtime, targets, { nextValue, lateValue });
  return (key, value, at) => update(key, { part: value, timeMs: at, newestMs: at, records: 1 });
}

/** Puts items into rows of the store, and hands on each changed row once a commit. */
function compileUpdate<P>(
  { aggregate, windows, store }: Aggregation,
  runtime: TaskRuntime,
  { changed, late }: AggregationTargets,
  {
    nextValue,
    lateValue,
  }: {
    readonly nextValue: NextValue<P>;
    readonly lateValue: (part: P, key: unknown, timestampMs: number) => unknown;
  },
): (key: unknown, item: Item<P>) => void {
  const isTimed = store.timed === true;
  const given = givenOf(aggregate, runtime);
  if (windows === undefined) {
    const rows = runtime.keyValueStore(store.name);
    return (key, { part, newestMs }) => {
      const row = isTimed ? rows.row(key) : undefined;
      const before = isTimed ? row?.value : rows.get(key);
      const timestampMs = Math.max(row?.timestampMs ?? -1, newestMs);
      const value = aggregated(nextValue(given(before), part, key, newestMs, true));
      if (value === null || value === undefined) rows.delete(key);
      else rows.put(key, value, timestampMs);
      changed.add(key, timestampMs);
    };
  }
  if (!isFixed(windows)) throw new TypeError('partials go into windows whose bounds are known, and into no others');
  const rows = runtime.windowStore(store.name);
  const intake = runtime.intakeOf(store.name);
  const time = runtime.stepTimeOf(store.name);
  return (key, { part, timeMs, newestMs, records }) => {
    const starts = windowStartsOf(windows, timeMs);
    const streamTimeMs = time.reached(newestMs);
    const open = starts.filter((start) => closesMs(windows, windowEndOf(windows, start)) > streamTimeMs);
    if (open.length > 0) intake.taken(open.length * records);
    if (open.length < starts.length)
      intake.leftOut((starts.length - open.length) * records, {
        place: runtime.place(),
        timestampMs: newestMs,
        streamTimeMs,
      });
    // Of before the start of an unlimited window there is no window to be late for.
    if (open.length === 0 && starts.length > 0) late(key, aggregated(lateValue(part, key, newestMs)), newestMs);
    for (let index = 0; index < open.length; index += 1) {
      const startMs = open[index] as number;
      const row = isTimed ? rows.row(key, startMs) : undefined;
      const before = isTimed ? row?.value : rows.get(key, startMs);
      const timestampMs = Math.max(row?.timestampMs ?? -1, newestMs);
      const value = aggregated(nextValue(given(before), part, key, newestMs, index === open.length - 1));
      if (value === null || value === undefined) rows.delete(key, startMs);
      else rows.put(key, startMs, value, timestampMs);
      if (changed.isRead) changed.add({ key, startMs, endMs: windowEndOf(windows, startMs) }, timestampMs);
    }
  };
}
