import type { StoreSpec, WindowStore } from '../store/typed-store.ts';
import type { Aggregate } from './aggregate.ts';
import type { Emit, TaskRuntime } from './processor-context.ts';
import type { GraphBuilder, PartialHandler } from './streams-builder.ts';
import type { TopologyNode } from './topology.ts';
import { windowStartsOf, type TimeWindows } from './windows.ts';

type Update = (key: string, partial: unknown, timeMs: number, newestMs: number) => void;

/** A window whose end lies this far back is gone from the store: what belongs to it is late. */
export function isExpired(windows: TimeWindows, windowStartMs: number, streamTimeMs: number): boolean {
  return windowStartMs + windows.sizeMs <= streamTimeMs - windows.retentionMs;
}

/** Merges the partials of a route into a store; answers the node of its changes and that of its late partials. */
export function aggregateNode(
  graph: GraphBuilder,
  grouping: { node: TopologyNode; handlers: Map<string, Set<PartialHandler>> },
  route: string,
  aggregate: Aggregate<unknown, unknown>,
  windows: TimeWindows | undefined,
  spec: StoreSpec<unknown>,
): { node: TopologyNode; late: TopologyNode | undefined } {
  const late = windows === undefined ? undefined : lateNode(graph, grouping.node);
  const changes = new WeakMap<TaskRuntime, Emit>();
  const lateEmits = new WeakMap<TaskRuntime, Emit>();
  const node = graph.add({
    kind: 'AGGREGATE',
    parents: [grouping.node.index],
    stores: [spec],
    attach: (runtime, next) => {
      changes.set(runtime, next);
      return ignore;
    },
  });
  if (late !== undefined) {
    graph.replace(late.index, {
      attach: (runtime, next) => {
        lateEmits.set(runtime, next);
        return ignore;
      },
    });
  }
  const handler: PartialHandler = {
    route,
    open: (runtime) => {
      const update = updater(runtime, aggregate, windows, spec.name, changes.get(runtime) ?? ignore, lateEmits.get(runtime) ?? ignore);
      return (key, { grainStartMs, newestMs, aggregate: bytes }) => update(key, aggregate.serde.deserialize(bytes), grainStartMs, newestMs);
    },
  };
  const handlers = grouping.handlers.get(route) ?? new Set();
  handlers.add(handler);
  grouping.handlers.set(route, handlers);
  return { node, late };
}

/** A node that only the aggregation it belongs to feeds. */
export function lateNode(graph: GraphBuilder, parent: TopologyNode): TopologyNode {
  return graph.add({ kind: 'LATE', parents: [parent.index], attach: (_runtime, next) => next });
}

/** Aggregates in the task that reads the source: the key is the source topic's own, so the partition already is the owner. */
export function localAggregateNode(
  graph: GraphBuilder,
  parent: TopologyNode,
  keyOf: (value: unknown, key: string | null) => string,
  aggregate: Aggregate<unknown, unknown>,
  windows: TimeWindows | undefined,
  spec: StoreSpec<unknown>,
): TopologyNode {
  return graph.add({
    kind: 'AGGREGATE',
    parents: [parent.index],
    stores: [spec],
    attach: (runtime, next) => {
      const update = updater(runtime, aggregate, windows, spec.name, next, ignore);
      return (key, value, at) => update(keyOf(value, key), aggregate.add(aggregate.empty(), value, at), at, at);
    },
  });
}

/** Merging into the store, and one change a row and commit to whoever listens. */
function updater(runtime: TaskRuntime, aggregate: Aggregate<unknown, unknown>, windows: TimeWindows | undefined, store: string, next: Emit, late: Emit): Update {
  if (windows === undefined) {
    const rows = runtime.keyValueStore(store);
    const changed = new Map<string, number>();
    whenSealed(runtime, changed, next, (key) => ({ key, windowStartMs: null, value: rows.get(key) }));
    return (key, partial, _timeMs, newestMs) => {
      rows.put(key, aggregate.merge(rows.get(key) ?? aggregate.empty(), partial));
      if (next !== ignore) changed.set(key, Math.max(newestMs, changed.get(key) ?? newestMs));
    };
  }
  const rows: WindowStore<unknown> = runtime.windowStore(store);
  const changed = new Map<string, number>();
  whenSealed(runtime, changed, next, (id) => {
    const colon = id.indexOf(':');
    const windowStartMs = Number(id.slice(0, colon));
    const key = id.slice(colon + 1);
    return { key, windowStartMs, value: rows.get(key, windowStartMs) };
  });
  return (key, partial, timeMs, newestMs) => {
    const starts = windowStartsOf(windows, timeMs);
    const alive = starts.filter((start) => !isExpired(windows, start, runtime.streamTimeMs()));
    if (alive.length === 0 && starts.length > 0) late(key, partial, newestMs);
    for (const start of alive) {
      rows.put(key, start, aggregate.merge(rows.get(key, start) ?? aggregate.empty(), partial));
      if (next !== ignore) {
        const id = `${String(start)}:${key}`;
        changed.set(id, Math.max(newestMs, changed.get(id) ?? newestMs));
      }
    }
  };
}

function whenSealed(
  runtime: TaskRuntime,
  changed: Map<string, number>,
  next: Emit,
  row: (id: string) => { key: string; windowStartMs: number | null; value: unknown },
): void {
  if (next === ignore) return;
  runtime.onSeal(() => {
    for (const [id, newestMs] of changed) {
      const { key, windowStartMs, value } = row(id);
      // A window that changed and expired in one commit: there is no row to tell of.
      if (value === undefined) continue;
      next(key, { windowStartMs, value }, newestMs);
    }
    changed.clear();
  });
  runtime.onClear(() => changed.clear());
}

const ignore: Emit = () => undefined;
/** For building tasks: a node with no children emits into this. */
export { ignore as emitNothing };
