import { emptyOf, addOwn } from '../own-values.ts';
import type { CombineNode } from '../graph.ts';
import { encodePartial } from '../repartition-record.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { aggregated, failedAt, groupingKey, serialized } from '../user-code.ts';
import { commonGrainMs, floorTo, windowStartsOf, type TimeWindows } from '../windows.ts';

interface Accumulator {
  readonly key: string;
  readonly grainStartMs: number;
  aggregate: unknown;
  newestMs: number;
  records: number;
}

/** By start of the grain, then by key: grains are few, and one map a key would be a map for each of a million. */
type Partials = Map<number, Map<string, Accumulator>>;

/** So many partials in memory ask for a commit before its time. */
const MAX_PARTIALS = 50_000;
const NO_WINDOW = -1;

/**
 * Adds records up per (key, grain) for one commit interval, then sends one partial each: the shuffle carries a few
 * hundred partials a commit in place of one record a login.
 *
 * Combining forgets the order within a commit, and order decides what is late. So records that are too late for a
 * window by what this task has read before them are kept apart, by the moment at which the last of those windows
 * closed: their partial is sent behind a time report that has come so far and no further, all others before any. None
 * is late for what was read after it. The order in which tables hand on their changes at the commit means nothing here:
 * these are late by earlier commits only.
 */
export function compileCombine({ name, grouping, keyOf, aggregate, feeds }: CombineNode, runtime: TaskRuntime): Emit {
  const empty = emptyOf(aggregate);
  const windows = feeds.flatMap((fed) => fed.windows ?? []);
  const grainMs = commonGrainMs(windows);
  // Any store that it feeds is the address of all of them.
  const store = feeds[0]?.store ?? '';
  const shortestRetentionMs = Math.min(...windows.map(({ retentionMs }) => retentionMs));
  const inTime: Partials = new Map();
  /** By the stream time that they are late by. */
  const behind = new Map<number, Partials>();
  let count = 0;
  // Event time moves on slowly: nearly every record lies in the grain of the one before it.
  let lastGrainStartMs = NaN;
  let lastByKey: Map<string, Accumulator> | undefined;
  const clear = (): void => {
    inTime.clear();
    behind.clear();
    count = 0;
    lastByKey = undefined;
  };
  const bytesOf = (value: unknown): Buffer => {
    try {
      return serialized(aggregate.serde.serialize(aggregated(value)));
    } catch (error) {
      throw failedAt(name, error);
    }
  };
  runtime.onFlush(() => {
    for (const [lateByMs, partials] of [[undefined, inTime] as const, ...behind]) {
      for (const byKey of partials.values()) {
        for (const { key, grainStartMs, newestMs, records, aggregate: value } of byKey.values()) {
          runtime.sendPartial(
            grouping,
            key,
            encodePartial({ store, grainStartMs, newestMs, aggregate: bytesOf(value) }),
            records,
            lateByMs,
          );
        }
      }
    }
    clear();
  });
  runtime.onClear(clear);
  const byKeyOf = (partials: Partials, grainStartMs: number): Map<string, Accumulator> => {
    if (partials === inTime && grainStartMs === lastGrainStartMs && lastByKey !== undefined) return lastByKey;
    let byKey = partials.get(grainStartMs);
    if (byKey === undefined) partials.set(grainStartMs, (byKey = new Map()));
    if (partials === inTime) {
      lastGrainStartMs = grainStartMs;
      lastByKey = byKey;
    }
    return byKey;
  };
  const partialsOf = (at: number, streamTimeMs: number): Partials => {
    const lateByMs = lateBy(windows, at, streamTimeMs);
    if (lateByMs === undefined) return inTime;
    let partials = behind.get(lateByMs);
    if (partials === undefined) behind.set(lateByMs, (partials = new Map()));
    return partials;
  };
  const combine = (selected: string | null | undefined, value: unknown, at: number): void => {
    const streamTimeMs = runtime.streamTimeMs();
    const isOld = streamTimeMs - at > shortestRetentionMs && !runtime.isFlushing();
    const partials = isOld ? partialsOf(at, streamTimeMs) : inTime;
    const grainStartMs = grainMs === undefined ? NO_WINDOW : floorTo(at, grainMs);
    const byKey = byKeyOf(partials, grainStartMs);
    const known = byKey.get(selected as string);
    if (known !== undefined) {
      known.aggregate = addOwn(aggregate, known.aggregate, value, at);
      known.records += 1;
      if (at > known.newestMs) known.newestMs = at;
      return;
    }
    // A key that is none is never among the known ones: it is looked at when it is new.
    const groupKey = groupingKey(selected);
    if (groupKey === undefined) {
      // mutant: count-null-key
      runtime.drop('null-key');
      return;
    }
    byKey.set(groupKey, {
      key: groupKey,
      grainStartMs,
      aggregate: aggregated(addOwn(aggregate, empty(), value, at)),
      newestMs: at,
      records: 1,
    });
    count += 1;
    if (count === MAX_PARTIALS) runtime.requestCommit();
  };
  return (key, value, at) => {
    try {
      combine(keyOf(value as never, key), value, at);
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}

/**
 * The stream time, up to the one that has been reached, at which the last window closed that a record is too late for.
 * Undefined: it is late for none. Infinity: for all.
 */
function lateBy(windows: readonly TimeWindows[], at: number, streamTimeMs: number): number | undefined {
  let lateByMs: number | undefined;
  let isInTime = false;
  for (const one of windows) {
    for (const start of windowStartsOf(one, at)) {
      const closesMs = start + one.sizeMs + one.retentionMs;
      if (closesMs > streamTimeMs) isInTime = true;
      else if (lateByMs === undefined || closesMs > lateByMs) lateByMs = closesMs;
    }
  }
  return lateByMs === undefined || isInTime ? lateByMs : Infinity;
}
