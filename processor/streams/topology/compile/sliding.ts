import type { WindowRow } from '../../store/typed-store.ts';
import type { AggregateNode } from '../graph.ts';
import { addOwn, canChange, copyOf, copyThrough, emptyOf, givenOf } from '../own-values.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { aggregated } from '../user-code.ts';
import { closesMs, windowEndOf, type SlidingWindows } from '../windows.ts';
import type { AggregationTargets } from './aggregation-targets.ts';

type Row = WindowRow<unknown>;

/**
 * Adds records to sliding windows. With d for the difference, a key has these windows, each with all its records:
 *
 *   [t - d, t]          of each record at t; [0, d] for all that are younger than d
 *   [t + 1, t + 1 + d]  behind each record at t, where another one lies in it
 *
 * A record goes into all windows that are there and hold it. Those that come with it are its own left one, the right
 * one of the record before it, and its own right one: that has what the last window around it has, since all windows
 * with a record before it begin earlier.
 */
export function compileSliding(
  { aggregate, store }: Pick<AggregateNode, 'aggregate' | 'store'>,
  windows: SlidingWindows,
  runtime: TaskRuntime,
  { changed, late }: AggregationTargets,
): Emit {
  const { differenceMs } = windows;
  const rows = runtime.windowStore(store.name);
  const intake = runtime.intakeOf(store.name);
  const time = runtime.stepTimeOf(store.name);
  const empty = emptyOf(aggregate);
  const add = addOwn(aggregate, 'add');
  const given = givenOf(aggregate, runtime);

  return (key, value, at) => {
    const streamTimeMs = time.reached(at);
    const isClosed = (startMs: number): boolean => closesMs(windows, windowEndOf(windows, startMs)) <= streamTimeMs;
    let [taken, leftOut] = [0, 0];
    const put = (startMs: number, acc: unknown, timestampMs: number): void => {
      if (acc === null || acc === undefined) rows.delete(key, startMs);
      else rows.put(key, startMs, acc, timestampMs);
      if (changed.isRead) changed.add({ key, startMs, endMs: windowEndOf(windows, startMs) }, timestampMs);
    };
    /** `acc`: what the window has by now; undefined: nothing. */
    const addTo = (startMs: number, acc: unknown, timestampMs: number): void => {
      if (isClosed(startMs)) {
        leftOut += 1;
        return;
      }
      taken += 1;
      const own = canChange(value) ? copyOf(value) : value;
      put(startMs, aggregated(add(acc ?? empty(), own, key, at)), timestampMs);
    };
    const update = (row: Row): void => addTo(row.startMs, given(row.value), Math.max(row.timestampMs, at));
    const ownValue = (row: Row): unknown => copyThrough(aggregate.serde, row.value);

    /** The window behind the record, which is made only now, has these records already. */
    const addRight = (around: Row | undefined, isThere: boolean): (() => void) => {
      if (isThere || around === undefined || around.timestampMs <= at) return () => undefined;
      const acc = ownValue(around);
      return () => put(at + 1, acc, around.timestampMs);
    };

    // The last window that holds it, [at, at + d], is closed, and so are all before it.
    if (isClosed(at)) {
      leftOut = 1;
    } else {
      const isEarly = at < differenceMs;
      const found = rows.fetch(key, Math.max(0, at - 2 * differenceMs), at + 1);
      const starts = new Set(found.map(({ startMs }) => startMs));
      const ownStartMs = isEarly ? 0 : at - differenceMs;
      const holding = found.filter(({ startMs }) => startMs <= at && startMs >= ownStartMs);
      const own = holding.find(({ startMs }) => startMs === ownStartMs);
      const last = found.findLast(({ startMs }) => startMs < ownStartMs);
      // Of the record before it: the newest one in the windows that end in front of it, or with it.
      const previous =
        own !== undefined && own.timestampMs < at ? own : own === undefined && !isEarly ? last : undefined;
      const around = holding.findLast(({ startMs }) => isEarly || startMs > ownStartMs);
      const right = addRight(around, starts.has(at + 1));
      const before = !isEarly && own === undefined && last !== undefined && last.timestampMs >= ownStartMs;
      const acc = before ? ownValue(last) : undefined;
      for (const row of holding) update(row);
      if (previous !== undefined) {
        const startMs = previous.timestampMs + 1;
        if (!starts.has(startMs) && startMs > ownStartMs && startMs + differenceMs >= at) addTo(startMs, undefined, at);
      }
      if (own === undefined) addTo(ownStartMs, acc, at);
      // mutant: right-window
      right();
    }
    if (taken > 0) intake.taken(taken);
    if (leftOut > 0) intake.leftOut(leftOut, { place: runtime.place(), timestampMs: at, streamTimeMs });
    if (taken === 0) late(key, aggregated(add(empty(), value, key, at)), at);
  };
}
