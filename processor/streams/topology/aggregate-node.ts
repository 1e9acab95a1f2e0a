import type { StoreSpec, WindowStore } from '../store/typed-store.ts';
import { countAggregate, type Aggregate } from './aggregate.ts';
import { addOwn, copyThrough } from './own-values.ts';
import type { Emit, TaskRuntime } from './processor-context.ts';
import type { GraphBuilder, Grouping, PartialHandler } from './streams-builder.ts';
import { readStored } from './stored-value.ts';
import type { TopologyNode } from './topology.ts';
import { aggregated, failedAt, groupingKey, settled, takesKey } from './user-code.ts';
import { windowStartsOf, type TimeWindows } from './windows.ts';

/** Null and undefined: the record has no key, and is dropped and counted. */
export type KeyOf = (value: unknown, key: string | null) => string | null | undefined;

type Update<P> = (key: string, partial: P, timeMs: number, newestMs: number, records: number) => void;

/** What an aggregation is made of. */
export interface AggregateSpec {
  readonly aggregate: Aggregate<unknown, unknown>;
  /** Of the aggregate: each call a value of its own. */
  readonly empty: () => unknown;
  readonly windows: TimeWindows | undefined;
  readonly store: StoreSpec<unknown>;
}

/** Makes a value of a partial, one that nobody else has; `last`: nobody asks for another one. */
type OpenPartial<P> = (partial: P, last: boolean) => unknown;

/** A window whose end lies this far back is gone from the store: what belongs to it is late. */
export function isExpired(windows: TimeWindows, windowStartMs: number, streamTimeMs: number): boolean {
  return windowStartMs + windows.sizeMs <= streamTimeMs - windows.retentionMs;
}

/** Merges the partials of a combiner into a store; answers the node of its changes and that of its late partials. */
export function aggregateNode(
  graph: GraphBuilder,
  grouping: Grouping,
  handlers: Set<PartialHandler>,
  spec: AggregateSpec,
): { node: TopologyNode; late: TopologyNode | undefined } {
  const { aggregate, windows, store } = spec;
  const late = windows === undefined ? undefined : lateNode(graph, grouping.node);
  const changes = new WeakMap<TaskRuntime, Emit>();
  const lateEmits = new WeakMap<TaskRuntime, Emit>();
  const node = graph.add({
    kind: 'AGGREGATE',
    parents: [grouping.node.index],
    stores: [store],
    attach: (runtime, next) => {
      changes.set(runtime, next);
      return ignore;
    },
  });
  if (late !== undefined) listenTo(graph, late, lateEmits);
  handlers.add({
    open: (runtime) => {
      // A serde may hand out the bytes themselves.
      const open: OpenPartial<Buffer> = (bytes, last) =>
        settled(readStored(aggregate.serde, last ? bytes : Buffer.from(bytes)));
      const update = updater(runtime, spec, open, changes.get(runtime) ?? ignore, lateEmits.get(runtime) ?? ignore);
      return (key, { grainStartMs, newestMs, aggregate: bytes }, records) => {
        try {
          update(key, bytes, grainStartMs, newestMs, records);
        } catch (error) {
          throw failedAt(node.name, error);
        }
      };
    },
  });
  // mutant: route-of-each-store
  grouping.handlers.set(store.name, handlers);
  return { node, late };
}

/** A node that only the aggregation it belongs to feeds. */
export function lateNode(graph: GraphBuilder, parent: TopologyNode): TopologyNode {
  return graph.add({ kind: 'LATE', parents: [parent.index], attach: (_runtime, next) => next });
}

/** Keeps what comes behind the node, so that the aggregation can hand on to it. */
function listenTo(graph: GraphBuilder, late: TopologyNode, emits: WeakMap<TaskRuntime, Emit>): void {
  graph.replace(late.index, {
    attach: (runtime, next) => {
      emits.set(runtime, next);
      return ignore;
    },
  });
}

/**
 * Aggregates in the task that reads the source: the key is the source topic's own, so the partition already is the
 * owner.
 */
export function localAggregateNode(
  graph: GraphBuilder,
  parent: TopologyNode,
  keyOf: KeyOf,
  spec: AggregateSpec,
): { node: TopologyNode; late: TopologyNode | undefined } {
  const { aggregate, empty, windows, store } = spec;
  const late = windows === undefined ? undefined : lateNode(graph, parent);
  const lateEmits = new WeakMap<TaskRuntime, Emit>();
  const node = graph.add({
    kind: 'AGGREGATE',
    parents: [parent.index],
    stores: [store],
    keepsValues: aggregate !== countAggregate,
    readsKey: () => takesKey(keyOf),
    changesKey: true,
    attach: (runtime, next, name) => {
      // mutant: partial-of-each-window
      const open: OpenPartial<unknown> = (partial, last) => (last ? partial : copyThrough(aggregate.serde, partial));
      // mutant: tell-late
      const update = updater(runtime, spec, open, next, (key, value, at) =>
        (lateEmits.get(runtime) ?? ignore)(key, value, at),
      );
      return (key, value, at) => {
        try {
          const groupKey = groupingKey(keyOf(value, key));
          if (groupKey === undefined) runtime.drop('null-key');
          else update(groupKey, aggregated(addOwn(aggregate, empty(), value, at)), at, at, 1);
        } catch (error) {
          throw failedAt(name, error);
        }
      };
    },
  });
  if (late !== undefined) listenTo(graph, late, lateEmits);
  return { node, late };
}

/** Merging into the store, and one change a row and commit to whoever listens. */
function updater<P>(
  runtime: TaskRuntime,
  { aggregate, empty, windows, store }: AggregateSpec,
  open: OpenPartial<P>,
  next: Emit,
  late: Emit,
): Update<P> {
  const changed = new ChangedRows(runtime, { ...store, serde: aggregate.serde }, next);
  if (windows === undefined) {
    const rows = runtime.keyValueStore(store.name);
    changed.valueOf = ({ key }) => rows.get(key);
    return (key, partial, _timeMs, newestMs) => {
      const value = aggregated(aggregate.merge(rows.get(key) ?? empty(), open(partial, true)));
      rows.put(key, value);
      if (changed.heard) changed.note(key, null, value, newestMs);
    };
  }
  const rows: WindowStore<unknown> = runtime.windowStore(store.name);
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
      if (changed.heard) changed.note(key, start, value, newestMs);
    }
  };
}

interface ChangedRow {
  readonly key: string;
  readonly windowStartMs: number | null;
  /** As the aggregation left it: what is told of a row that a processor has deleted since. */
  value: unknown;
  newestMs: number;
}

/**
 * The rows that an aggregation has changed since the last commit, each told once at the seal, before any of them
 * expires.
 */
class ChangedRows {
  valueOf: (row: ChangedRow) => unknown = ({ value }) => value;
  /** Somebody listens. */
  readonly heard: boolean;
  readonly #rows = new Map<string, ChangedRow>();

  constructor(runtime: TaskRuntime, { name: store, serde }: StoreSpec<unknown>, next: Emit) {
    this.heard = next !== ignore;
    if (!this.heard) return;
    runtime.onSeal(() => {
      // The row itself stays with its store: who is told of it has a value of its own.
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

  note(key: string, windowStartMs: number | null, value: unknown, newestMs: number): void {
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

const ignore: Emit = () => undefined;
/** For building tasks: a node with no children emits into this. */
export { ignore as emitNothing };
