import { storeKeys } from '../../store/store-keys.ts';
import type { CombineNode } from '../graph.ts';
import { addOwn, emptyOf, givenOf } from '../own-values.ts';
import { OutgoingPartial } from '../outgoing-partial.ts';
import { partialHead, partialHeaders } from '../repartition-record.ts';
import { knownOf } from '../serdes.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { aggregated, bytesIn, failedAt, isNoKey } from '../user-code.ts';
import {
  closesMs,
  commonGrainMs,
  floorTo,
  isUnlimited,
  windowEndOf,
  windowStartsOf,
  type FixedWindows,
} from '../windows.ts';
import { withRecord } from './steps.ts';

interface Accumulator {
  aggregate: unknown;
  newestMs: number;
  records: number;
}

/** By start of the grain, then by id of the key: grains are few, and one map for each of a million keys is much. */
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
export function compileCombine(node: CombineNode, runtime: TaskRuntime): Emit {
  const { name, grouping, aggregate, feeds } = node;
  const keyOf = withRecord(node.keyOf, runtime);
  const keys = storeKeys(node.key);
  const empty = emptyOf(aggregate);
  const add = addOwn(aggregate, 'add');
  const given = givenOf(aggregate, runtime);
  const sender = runtime.senderTime(grouping);
  const windows = feeds.flatMap((fed) => fed.windows ?? []);
  const grainMs = commonGrainMs(windows);
  // Any store that it feeds is the address of all of them.
  const store = feeds[0]?.store ?? '';
  const shortestGraceMs = Math.min(...windows.map((one) => (isUnlimited(one) ? Infinity : one.graceMs)));
  const inTime: Partials = new Map();
  /** By the stream time that they are late by. */
  const behind = new Map<number, Partials>();
  /** Of records without a value: tables without windows do not count them. */
  const ofNulls: Partials = new Map();
  const skipsNulls = feeds.some((fed) => fed.windows === undefined);
  let count = 0;
  // Event time moves on slowly: nearly every record lies in the grain of the one before it.
  let lastGrainStartMs = NaN;
  let lastByKey: Map<string, Accumulator> | undefined;
  const { serde } = aggregate;
  const { isExact } = knownOf(serde);
  // With many keys nearly every partial is of one record, and every count is 1.
  let lastNumber: unknown;
  let lastBytes: Uint8Array = new Uint8Array();
  const bytesOf = (value: unknown): Uint8Array => {
    if (typeof value === 'number' && Object.is(value, lastNumber)) return lastBytes;
    try {
      const bytes = bytesIn(serde.serialize(value));
      if (typeof value === 'number' && isExact?.(value) === true) {
        lastNumber = value;
        lastBytes = bytes;
      }
      return bytes;
    } catch (error) {
      throw failedAt(name, error);
    }
  };
  const sendAll = (partials: Partials, lateByMs: number | undefined, windowedOnly = false): void => {
    if (partials.size === 0) return;
    const place = runtime.repartitionPlace(grouping);
    for (const [grainStartMs, byKey] of partials) {
      const head = partialHead({ store, grainStartMs });
      byKey.forEach(({ newestMs, records, aggregate: sum }, id) => {
        if (sum === null || sum === undefined) return;
        const value = { head, newestMs, aggregate: bytesOf(sum) };
        const headers = partialHeaders(records, windowedOnly);
        const partial =
          OutgoingPartial.ofText(place, id, value, headers) ??
          OutgoingPartial.of(place, keys.bytesOf(id), value, headers);
        runtime.sendPartial(partial, lateByMs);
      });
    }
  };
  runtime.onFlush(() => {
    sendAll(inTime, undefined);
    sendAll(ofNulls, undefined, true);
    for (const [lateByMs, partials] of behind) sendAll(partials, lateByMs);
    inTime.clear();
    behind.clear();
    ofNulls.clear();
    count = 0;
    lastByKey = undefined;
  });
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
  const partialsFor = (value: unknown, at: number): Partials => {
    // mutant: skip-nulls
    if (value === null && skipsNulls) return ofNulls;
    const streamTimeMs = sender === undefined ? runtime.streamTimeMs() : sender.reached(at);
    const isOld = streamTimeMs - at > shortestGraceMs && !runtime.isFlushing();
    return isOld ? partialsOf(at, streamTimeMs) : inTime;
  };
  const combine = (selected: unknown, value: unknown, at: number): void => {
    // mutant: count-null-key
    if (isNoKey(selected)) return runtime.drop('null-key');
    const partials = partialsFor(value, at);
    if (partials === ofNulls && windows.length === 0) return;
    const grainStartMs = grainMs === undefined ? NO_WINDOW : floorTo(at, grainMs);
    const byKey = byKeyOf(partials, grainStartMs);
    // A text that is none is never among the known ones: it is looked at when it is new.
    const id = keys.idOf(selected);
    const known = byKey.get(id);
    if (known !== undefined) {
      known.aggregate = aggregated(add(given(known.aggregate) ?? empty(), value, selected, at));
      known.records += 1;
      if (at > known.newestMs) known.newestMs = at;
      return;
    }
    keys.check(id);
    byKey.set(id, {
      aggregate: aggregated(add(empty(), value, selected, at)),
      newestMs: at,
      records: 1,
    });
    count += 1;
    if (count === MAX_PARTIALS) runtime.requestCommit();
  };
  return (key, value, at) => {
    try {
      combine(keyOf(value, key, at), value, at);
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}

/**
 * The stream time, up to the one that has been reached, at which the last window closed that a record is too late for.
 * Undefined: it is late for none. Infinity: for all.
 */
function lateBy(windows: readonly FixedWindows[], at: number, streamTimeMs: number): number | undefined {
  let lateByMs: number | undefined;
  let isInTime = false;
  for (const one of windows) {
    for (const start of windowStartsOf(one, at)) {
      const closes = closesMs(one, windowEndOf(one, start));
      if (closes > streamTimeMs) isInTime = true;
      else if (lateByMs === undefined || closes > lateByMs) lateByMs = closes;
    }
  }
  return lateByMs === undefined || isInTime ? lateByMs : Infinity;
}
