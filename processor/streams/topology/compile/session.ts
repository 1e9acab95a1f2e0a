import type { AggregateNode } from '../graph.ts';
import { addOwn, emptyOf, givenOf } from '../own-values.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { aggregated } from '../user-code.ts';
import { closesMs, type SessionWindows } from '../windows.ts';
import type { AggregationTargets } from './aggregation-targets.ts';

/**
 * Adds records to sessions. A record joins all sessions of its key within the gap before and behind it: they are merged
 * in order of time, then it is added. The old bounds are told as deleted, at their own end, then the new row.
 */
export function compileSessions(
  { aggregate, store }: Pick<AggregateNode, 'aggregate' | 'store'>,
  windows: SessionWindows,
  runtime: TaskRuntime,
  { changed, late }: AggregationTargets,
): Emit {
  const sessions = runtime.sessionStore(store.name);
  const intake = runtime.intakeOf(store.name);
  const time = runtime.stepTimeOf(store.name);
  const empty = emptyOf(aggregate);
  const add = addOwn(aggregate, 'add');
  const merge = addOwn(aggregate, 'merge');
  const given = givenOf(aggregate, runtime);
  return (key, value, at) => {
    const streamTimeMs = time.reached(at);
    // One that is closed has been told for the last time, however long it is kept.
    const isOpen = ({ endMs }: { readonly endMs: number }): boolean => closesMs(windows, endMs) > streamTimeMs;
    // mutant: open-sessions
    const found = sessions.find(key, at - windows.gapMs, at + windows.gapMs).filter(isOpen);
    const startMs = Math.min(at, found[0]?.startMs ?? at);
    const endMs = Math.max(at, found.at(-1)?.endMs ?? at);
    if (closesMs(windows, endMs) <= streamTimeMs) {
      intake.leftOut(1, { place: runtime.place(), timestampMs: at, streamTimeMs });
      late(key, aggregated(add(empty(), value, key, at)), at);
      return;
    }
    intake.taken(1);
    // As in Kafka Streams the oldest is merged into an empty one.
    let acc: unknown = empty();
    for (const one of found) acc = aggregated(merge(acc ?? empty(), given(one.value), key, one.endMs));
    const next = aggregated(add(acc ?? empty(), value, key, at));
    for (const one of found) {
      if (one.startMs === startMs && one.endMs === endMs) continue;
      sessions.delete(key, one.startMs, one.endMs);
      // mutant: old-bounds-told
      if (changed.isRead) changed.add({ key, startMs: one.startMs, endMs: one.endMs }, one.endMs);
    }
    if (next === null || next === undefined) sessions.delete(key, startMs, endMs);
    else sessions.put(key, startMs, endMs, next, endMs);
    if (changed.isRead) changed.add({ key, startMs, endMs }, endMs);
  };
}
