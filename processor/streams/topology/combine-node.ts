import type { KeyOf } from './aggregate-node.ts';
import { countAggregate, type Aggregate } from './aggregate.ts';
import { addOwn } from './own-values.ts';
import { encodePartial } from './repartition-record.ts';
import type { GraphBuilder } from './streams-builder.ts';
import type { TopologyNode } from './topology.ts';
import { aggregated, failedAt, groupingKey, serialized, takesKey } from './user-code.ts';
import { floorTo } from './windows.ts';

export interface CombineSpec {
  readonly grouping: string;
  /** The name of any store that it feeds. */
  readonly route: string;
  readonly keyOf: KeyOf;
  readonly aggregate: Aggregate<unknown, unknown>;
  /** Of the aggregate: each call a value of its own. */
  readonly empty: () => unknown;
  /** Known once all aggregations are declared; undefined: none of them has windows. */
  readonly grainMs: () => number | undefined;
  /** The shortest retention among its windows; undefined as above. */
  readonly retentionMs: () => number | undefined;
}

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
 * Combining forgets the order within a commit, and order decides what is late. So a record that is too old for its windows
 * by what this task has read before it is kept apart: its partial is sent behind the task's word on stream time, all others
 * before it. None is late for what was read after it.
 */
export function combineNode(graph: GraphBuilder, parent: TopologyNode, spec: CombineSpec): TopologyNode {
  const { grouping, route, keyOf, aggregate, empty } = spec;
  return graph.add({
    kind: 'COMBINE',
    parents: [parent.index],
    readsKey: () => takesKey(keyOf),
    sinkTopic: { grouping },
    keepsValues: aggregate !== countAggregate,
    attach: (runtime, _next, name) => {
      const grainMs = spec.grainMs();
      const retentionMs = spec.retentionMs() ?? Infinity;
      const inTime: Partials = new Map();
      const behind: Partials = new Map();
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
      runtime.onSeal(() => {
        for (const partials of [inTime, behind]) {
          for (const byKey of partials.values()) {
            for (const { key, grainStartMs, newestMs, records, aggregate: value } of byKey.values()) {
              runtime.sendPartial(grouping, key, encodePartial({ route, grainStartMs, newestMs, aggregate: bytesOf(value) }), partials === behind, records);
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
      const combine = (answered: string | null | undefined, value: unknown, at: number): void => {
        const partials = runtime.streamTimeMs() - at > retentionMs ? behind : inTime;
        const grainStartMs = grainMs === undefined ? NO_WINDOW : floorTo(at, grainMs);
        const byKey = byKeyOf(partials, grainStartMs);
        const known = byKey.get(answered as string);
        if (known !== undefined) {
          known.aggregate = addOwn(aggregate, known.aggregate, value, at);
          known.records += 1;
          if (at > known.newestMs) known.newestMs = at;
          return;
        }
        // A key that is none is never among the known ones: it is looked at when it is new.
        const groupKey = groupingKey(answered);
        if (groupKey === undefined) {
          runtime.drop('null-key');
          return;
        }
        byKey.set(groupKey, { key: groupKey, grainStartMs, aggregate: aggregated(addOwn(aggregate, empty(), value, at)), newestMs: at, records: 1 });
        count += 1;
        if (count === MAX_PARTIALS) runtime.requestCommit();
      };
      return (key, value, at) => {
        try {
          combine(keyOf(value, key), value, at);
        } catch (error) {
          throw failedAt(name, error);
        }
      };
    },
  });
}
