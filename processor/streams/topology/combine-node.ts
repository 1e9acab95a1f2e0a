import type { Aggregate } from './aggregate.ts';
import { encodePartial } from './repartition-record.ts';
import type { GraphBuilder } from './streams-builder.ts';
import type { TopologyNode } from './topology.ts';

export interface CombineSpec {
  readonly grouping: string;
  readonly route: string;
  readonly keyOf: (value: unknown, key: string | null) => string;
  readonly aggregate: Aggregate<unknown, unknown>;
  /** Known once all aggregations are declared; undefined: none of them has windows. */
  readonly grainMs: () => number | undefined;
  /** The shortest retention among its windows; undefined as above. */
  readonly retentionMs: () => number | undefined;
}

interface Accumulator {
  aggregate: unknown;
  newestMs: number;
}

/** By key, then by start of the grain. */
type Partials = Map<string, Map<number, Accumulator>>;

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
  const { grouping, route, keyOf, aggregate } = spec;
  return graph.add({
    kind: 'COMBINE',
    parents: [parent.index],
    sinkTopic: { grouping },
    attach: (runtime) => {
      const grainMs = spec.grainMs();
      const retentionMs = spec.retentionMs() ?? Infinity;
      const inTime: Partials = new Map();
      const behind: Partials = new Map();
      let count = 0;
      const clear = (): void => {
        inTime.clear();
        behind.clear();
        count = 0;
      };
      runtime.onSeal(() => {
        for (const partials of [inTime, behind]) {
          for (const [key, byGrain] of partials) {
            for (const [grainStartMs, { aggregate: value, newestMs }] of byGrain) {
              runtime.sendPartial(grouping, key, encodePartial({ route, grainStartMs, newestMs, aggregate: aggregate.serde.serialize(value) }), partials === behind);
            }
          }
        }
        clear();
      });
      runtime.onClear(clear);
      return (key, value, at) => {
        const groupKey = keyOf(value, key);
        const partials = runtime.streamTimeMs() - at > retentionMs ? behind : inTime;
        const grainStartMs = grainMs === undefined ? NO_WINDOW : at - (at % grainMs);
        let byGrain = partials.get(groupKey);
        if (byGrain === undefined) partials.set(groupKey, (byGrain = new Map()));
        const known = byGrain.get(grainStartMs);
        if (known !== undefined) {
          known.aggregate = aggregate.add(known.aggregate, value, at);
          if (at > known.newestMs) known.newestMs = at;
          return;
        }
        byGrain.set(grainStartMs, { aggregate: aggregate.add(aggregate.empty(), value, at), newestMs: at });
        count += 1;
        if (count === MAX_PARTIALS) runtime.requestCommit();
      };
    },
  });
}
