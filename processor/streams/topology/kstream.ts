import { aggregateNode, localAggregateNode, type AggregateSpec, type KeyOf, type lateNode } from './aggregate-node.ts';
import { countAggregate, type Aggregate } from './aggregate.ts';
import { combineNode } from './combine-node.ts';
import { emptyOf } from './own-values.ts';
import { eventTimeOf, whyNoEventTime } from './event-time.ts';
import type { Emit, Processor, SinkRecord, TaskRuntime } from './processor-context.ts';
import { StreamsError } from '../errors.ts';
import { checkFunctions, checkOptions } from '../options.ts';
import type { Serde } from './serdes.ts';
import type { GraphBuilder, PartialHandler } from './streams-builder.ts';
import { encodeKey } from '../store/key-text.ts';
import { STORE_OPTIONS, type StoreSpec } from '../store/typed-store.ts';
import type { TopologyNode } from './topology.ts';
import { isSerde } from './topology-checks.ts';
import {
  aggregated,
  checkedPair,
  failedAt,
  isTruthy,
  iterable,
  keyOrNull,
  serialized,
  settled,
  takesKey,
} from './user-code.ts';
import { checkedWindows, commonGrainMs, type TimeWindows } from './windows.ts';

/** A stream of values of one type. Every method adds a node and answers the stream behind it; nothing runs yet. */
export class KStream<V> {
  readonly graph: GraphBuilder;
  readonly #index: number;
  /** The keys are still those of the source topic: grouping by key needs no repartition. */
  readonly keyUnchanged: boolean;

  constructor(graph: GraphBuilder, node: TopologyNode, keyUnchanged = node.source !== undefined) {
    this.graph = graph;
    this.#index = node.index;
    this.keyUnchanged = keyUnchanged;
  }

  get node(): TopologyNode {
    return this.graph.nodes[this.#index] as TopologyNode;
  }

  filter(predicate: (value: V, key: string | null) => boolean): KStream<V> {
    return this.#then('FILTER', predicate, (next, name) => (key, value, at) => {
      let passes: boolean;
      try {
        passes = predicate(value as V, key);
        if (passes !== true && passes !== false) passes = isTruthy(passes);
      } catch (error) {
        throw failedAt(name, error);
      }
      if (passes) next(key, value, at);
    });
  }

  /** Only values of the narrower type pass. */
  filterType<W extends V>(predicate: (value: V) => value is W): KStream<W> {
    return this.filter(predicate) as unknown as KStream<W>;
  }

  mapValues<W>(map: (value: V, key: string | null) => W): KStream<W> {
    return this.#then('MAPVALUES', map, (next, name) => (key, value, at) => {
      let mapped: W;
      try {
        mapped = settled(map(value as V, key));
      } catch (error) {
        throw failedAt(name, error);
      }
      next(key, mapped, at);
    });
  }

  /** May change key and value. */
  map<W>(map: (value: V, key: string | null) => { key: string | null; value: W }): KStream<W> {
    return this.#then(
      'MAP',
      map,
      (next, name) => (key, value, at) => {
        let mapped: { key: string | null; value: W };
        let mappedKey: string | null;
        try {
          mapped = checkedPair(map(value as V, key));
          mappedKey = keyOrNull(mapped.key);
        } catch (error) {
          throw failedAt(name, error);
        }
        next(mappedKey, mapped.value, at);
      },
      false,
    );
  }

  flatMap<W>(map: (value: V, key: string | null) => Iterable<{ key: string | null; value: W }>): KStream<W> {
    return this.#then(
      'FLATMAP',
      map,
      (next, name) => (key, value, at) => {
        try {
          for (const mapped of iterable(map(value as V, key))) {
            checkedPair(mapped);
            next(keyOrNull(mapped.key), mapped.value, at);
          }
        } catch (error) {
          throw failedAt(name, error);
        }
      },
      false,
    );
  }

  flatMapValues<W>(map: (value: V, key: string | null) => Iterable<W>): KStream<W> {
    return this.#then('FLATMAPVALUES', map, (next, name) => (key, value, at) => {
      try {
        for (const mapped of iterable(map(value as V, key))) next(key, settled(mapped), at);
      } catch (error) {
        throw failedAt(name, error);
      }
    });
  }

  /** For side effects that may happen more than once: a transaction that aborts is processed again. */
  peek(look: (value: V, key: string | null, timestampMs: number) => void): KStream<V> {
    return this.#then('PEEK', look, (next, name) => (key, value, at) => {
      try {
        settled(look(value as V, key, at));
      } catch (error) {
        throw failedAt(name, error);
      }
      next(key, value, at);
    });
  }

  /**
   * One stream per predicate; each value goes to the first that takes it, values nobody takes are dropped. Predicates
   * are asked in order, each at most once a record.
   */
  branch(...predicates: ((value: V, key: string | null) => boolean)[]): KStream<V>[] {
    if (predicates.length === 0)
      this.graph.refuse(`branch() of ${this.node.name} needs a predicate: without one it has no branches`);
    checkFunctions('branch()', predicates, Object.keys(predicates));
    /** Which branch the record under way goes to, by task. */
    const chosen = new WeakMap<TaskRuntime, { branch: number }>();
    const chosenIn = (runtime: TaskRuntime): { branch: number } => {
      const known = chosen.get(runtime) ?? { branch: -1 };
      chosen.set(runtime, known);
      return known;
    };
    const node = this.graph.add({
      kind: 'BRANCH',
      parents: [this.node.index],
      readsKey: () => predicates.some(takesKey),
      attach: (runtime, next, name) => {
        const choice = chosenIn(runtime);
        return (key, value, at) => {
          try {
            // mutant: first-branch
            choice.branch = predicates.findIndex((predicate) => isTruthy(predicate(value as V, key)));
          } catch (error) {
            throw failedAt(name, error);
          }
          if (choice.branch >= 0) next(key, value, at);
        };
      },
    });
    return predicates.map((_, branch) => {
      const child = this.graph.add({
        kind: 'BRANCHCHILD',
        parents: [node.index],
        attach: (runtime, next) => {
          const choice = chosenIn(runtime);
          return (key, value, at) => {
            if (choice.branch === branch) next(key, value, at);
          };
        },
      });
      return new KStream<V>(this.graph, child, this.keyUnchanged);
    });
  }

  /** Both streams as one. They must be of one StreamsBuilder. */
  merge(other: KStream<V>): KStream<V> {
    if (!(other instanceof KStream)) {
      this.graph.refuse(`merge() of ${this.node.name} takes a stream, not ${String(other)}`);
      return this;
    }
    // mutant: one-builder
    if (other.graph !== this.graph) {
      for (const graph of [this.graph, other.graph])
        graph.refuse(
          `merge() of ${this.node.name} and ${other.node.name}, which is of another StreamsBuilder: its source ` +
            `would not be read. Declare both streams with one builder`,
        );
      return this;
    }
    const node = this.graph.add({
      kind: 'MERGE',
      parents: [this.node.index, other.node.index],
      attach: (_runtime, next) => next,
    });
    return new KStream<V>(this.graph, node, this.keyUnchanged && other.keyUnchanged);
  }

  /**
   * Groups by a new key, through the repartition topic `<applicationId>-<name>-repartition`. Groupings of one name
   * share it. A record for which the selector answers no key is dropped and counted.
   */
  groupBy(
    selector: (value: V, key: string | null) => string | null | undefined,
    options: { name: string },
  ): KGroupedStream<V> {
    checkOptions('groupBy()', options, ['name']);
    checkFunctions('groupBy()', { selector }, ['selector']);
    return new KGroupedStream<V>(this, selector, options.name);
  }

  /**
   * Groups by the key the records have. Repartitions only when an earlier step may have changed it. Records without a
   * key are dropped and counted.
   */
  groupByKey(options: { name: string }): KGroupedStream<V> {
    checkOptions('groupByKey()', options, ['name']);
    return new KGroupedStream<V>(this, (_value, key) => key, options.name, this.keyUnchanged);
  }

  /** Attaches a custom processor; `stores` are its own (a spec) or another node's (a name). */
  process<R>(
    supplier: () => Processor<V, R>,
    options: { stores?: readonly (StoreSpec<unknown> | string)[] } = {},
  ): KStream<R> {
    checkOptions('process()', options, ['stores']);
    checkFunctions('process()', { supplier }, ['supplier']);
    const { stores = [] } = options;
    for (const store of stores)
      if (typeof store !== 'string') checkOptions('a store of process()', store, STORE_OPTIONS);
    let readsKey = true;
    const node = this.graph.add({
      kind: 'PROCESSOR',
      parents: [this.node.index],
      readsKey: () => readsKey,
      changesKey: true,
      stores: stores.filter((store) => typeof store !== 'string'),
      attach: (runtime, next, name) => {
        const processor = settled(supplier());
        const connected = (name: string): string => {
          if (stores.some((store) => (typeof store === 'string' ? store : store.name) === name)) return name;
          throw new StreamsError(
            'TOPOLOGY_INVALID',
            `${node.name} uses the store "${name}" and does not say so: process(…, { stores: ["${name}"] })`,
            { taskId: runtime.taskId },
          );
        };
        if (typeof (processor as Partial<typeof processor> | undefined)?.process !== 'function')
          throw new TypeError('the supplier answered no processor: an object with process()');
        readsKey = takesKey(processor.process);
        settled(
          processor.init?.({
            taskId: runtime.taskId,
            nowMs: () => runtime.nowMs(),
            streamTimeMs: () => runtime.streamTimeMs(),
            // mutant: own-view
            keyValueStore: <S>(name: string) =>
              runtime.keyValueStore(connected(name)).ownView() as import('../store/typed-store.ts').KeyValueStore<S>,
            windowStore: <S>(name: string) =>
              runtime.windowStore(connected(name)).ownView() as import('../store/typed-store.ts').WindowStore<S>,
            forward: (key, value, timestampMs) => {
              const at = eventTimeOf(timestampMs);
              if (Number.isNaN(at)) throw failedAt(name, new TypeError(`forward: ${whyNoEventTime(timestampMs)}`));
              next(keyOrNull(key), settled(value), at);
            },
          }),
        );
        return (key, value, at) => {
          try {
            settled(processor.process(value as V, key, at));
          } catch (error) {
            throw failedAt(name, error);
          }
        };
      },
    });
    // A store may be declared after those that name it.
    this.graph.atBuild.push(() => {
      if (isOneForAll(supplier))
        this.graph.refuse(
          `the supplier of ${node.name} answers the same processor each time: tasks would write into each ` +
            `other's stores. Make a new one: process(() => new …())`,
        );
      const specs = stores.flatMap((store) =>
        typeof store === 'string' ? (this.graph.storeNamed(store) ?? []) : store,
      );
      const missing = stores.find((store) => typeof store === 'string' && this.graph.storeNamed(store) === undefined);
      if (missing !== undefined)
        this.graph.refuse(
          `${node.name} names the store "${String(missing)}", which nothing declares: process(…, { stores: ` +
            `[spec] }), or the table that keeps it`,
        );
      this.graph.replace(node.index, { stores: specs });
    });
    return new KStream<R>(this.graph, node, false);
  }

  /**
   * Writes to a topic, keyed as the stream is. The topic must exist. A value of null is a tombstone: the serde does not
   * see it.
   */
  to(topic: string, serde: Serde<Exclude<V, null>>): void {
    if (!isSerde(serde))
      this.graph.refuse(
        `to("${String(topic)}") of ${this.node.name} needs a serde: an object with serialize and deserialize`,
      );
    this.graph.add({
      kind: 'SINK',
      parents: [this.node.index],
      sinkTopic: { topic },
      readsKey: () => true,
      attach: (runtime, _next, name) => (key, value) => {
        let record: SinkRecord;
        try {
          record = {
            topic,
            key: key === null ? null : encodeKey(key),
            value: value === null ? null : serialized(serde.serialize(value as Exclude<V, null>)),
          };
        } catch (error) {
          throw failedAt(name, error);
        }
        runtime.send(record);
      },
    });
  }

  #then<W>(
    kind: string,
    callback: (...args: never[]) => unknown,
    attach: (next: Emit, name: string) => Emit,
    keepsKey = true,
  ): KStream<W> {
    checkFunctions(`the ${kind} behind ${this.node.name}`, { callback }, ['callback']);
    const node = this.graph.add({
      kind,
      parents: [this.node.index],
      readsKey: () => takesKey(callback),
      changesKey: !keepsKey,
      attach: (_runtime, next, name) => attach(next, name),
    });
    return new KStream<W>(this.graph, node, this.keyUnchanged && keepsKey);
  }
}

/** What all tables of one aggregate over one grouped stream share: each store is an address of it. */
interface Combiner {
  readonly node: TopologyNode;
  readonly stores: string[];
  readonly windows: (TimeWindows | undefined)[];
  readonly handlers: Set<PartialHandler>;
}

/** A stream grouped by key, waiting for an aggregation. */
export class KGroupedStream<V> {
  readonly stream: KStream<V>;
  readonly selector: (value: V, key: string | null) => string | null | undefined;
  readonly name: string;
  /** Aggregate in the same task: no combiner, no repartition. */
  readonly local: boolean;
  /** Aggregations of one aggregate share one combiner, whose grain fits all their windows. */
  readonly #combiners = new Map<Aggregate<V, never>, Combiner>();

  constructor(
    stream: KStream<V>,
    selector: (value: V, key: string | null) => string | null | undefined,
    name: string,
    local = false,
  ) {
    this.stream = stream;
    this.selector = selector;
    this.name = name;
    this.local = local;
  }

  aggregate<A>(aggregate: Aggregate<V, A>, options: { store: string }): KTable<A> {
    checkOptions('aggregate()', options, ['store']);
    return this.aggregateOver(aggregate, undefined, options.store);
  }

  /** Counts records per key. */
  count(options: { store: string }): KTable<number> {
    checkOptions('count()', options, ['store']);
    return this.aggregate(countAggregate as Aggregate<V, number>, options);
  }

  /** Combines values of one type; `reducer` must be associative and commutative. */
  reduce(reducer: (a: V, b: V) => V, options: { store: string; serde: Serde<V> }): KTable<V> {
    checkOptions('reduce()', options, ['store', 'serde']);
    checkFunctions('reduce()', { reducer }, ['reducer']);
    return this.aggregateOver(reduceAggregate(reducer, options.serde) as Aggregate<V, V>, undefined, options.store);
  }

  windowedBy(windows: TimeWindows): WindowedKGroupedStream<V> {
    return new WindowedKGroupedStream<V>(this, checkedWindows('windowedBy()', windows));
  }

  /** Used by both kinds of grouped stream. */
  aggregateOver<A>(aggregate: Aggregate<V, A>, windows: TimeWindows | undefined, store: string): KTable<A> {
    const { graph } = this.stream;
    const missing = (['empty', 'add', 'merge'] as const).find(
      (part) => typeof (aggregate as Partial<typeof aggregate> | undefined)?.[part] !== 'function',
    );
    let empty = (): unknown => undefined;
    if (missing === undefined) empty = emptyOf(aggregate as Aggregate<never, unknown>);
    else graph.refuse(`the aggregate of the store "${store}" behind ${this.stream.node.name} has no ${missing}()`);
    const spec: StoreSpec<unknown> = {
      name: store,
      kind: windows === undefined ? 'key-value' : 'window',
      serde: aggregate?.serde as Serde<unknown>,
      ...(windows === undefined
        ? {}
        : { retentionMs: windows.retentionMs, windowSizeMs: windows.sizeMs, windowAdvanceMs: windows.advanceMs }),
    };
    const parts: AggregateSpec = { aggregate: aggregate as Aggregate<unknown, unknown>, empty, windows, store: spec };
    if (this.local) {
      const { node, late } = localAggregateNode(graph, this.stream.node, this.selector as KeyOf, parts);
      return new KTable<A>(graph, node, late);
    }
    const grouping = graph.grouping(this.name);
    let combiner = this.#combiners.get(aggregate as Aggregate<V, never>);
    if (combiner === undefined) {
      const windowsOfAll: (TimeWindows | undefined)[] = [];
      const node = combineNode(graph, this.stream.node, {
        grouping: this.name,
        route: store,
        keyOf: this.selector as KeyOf,
        aggregate: parts.aggregate,
        empty,
        grainMs: () => commonGrainMs(definedOf(windowsOfAll)),
        windows: () => definedOf(windowsOfAll),
      });
      combiner = { node, stores: [], windows: windowsOfAll, handlers: new Set() };
      this.#combiners.set(aggregate as Aggregate<V, never>, combiner);
    }
    combiner.windows.push(windows);
    combiner.stores.push(store);
    graph.replace(combiner.node.index, { feeds: combiner.stores });
    const { node, late } = aggregateNode(graph, grouping, combiner.handlers, parts);
    return new KTable<A>(graph, node, late);
  }
}

export class WindowedKGroupedStream<V> {
  readonly #grouped: KGroupedStream<V>;
  readonly #windows: TimeWindows;

  constructor(grouped: KGroupedStream<V>, windows: TimeWindows) {
    this.#grouped = grouped;
    this.#windows = windows;
  }

  aggregate<A>(aggregate: Aggregate<V, A>, options: { store: string }): KTable<A> {
    checkOptions('aggregate()', options, ['store']);
    return this.#grouped.aggregateOver(aggregate, this.#windows, options.store);
  }

  count(options: { store: string }): KTable<number> {
    checkOptions('count()', options, ['store']);
    return this.aggregate(countAggregate as Aggregate<V, number>, options);
  }
}

/**
 * A changed row of a table: the value as it is after the commit. `windowStartMs` is null for a table without windows.
 */
export interface TableUpdate<A> {
  readonly windowStartMs: number | null;
  readonly value: A;
}

/** The result of an aggregation: a store, its changelog, and a stream of its changes. */
export class KTable<A> {
  readonly #graph: GraphBuilder;
  readonly #node: TopologyNode;
  readonly #late: ReturnType<typeof lateNode> | undefined;

  constructor(graph: GraphBuilder, node: TopologyNode, late: ReturnType<typeof lateNode> | undefined) {
    this.#graph = graph;
    this.#node = node;
    this.#late = late;
  }

  /** Each changed row, once a commit, keyed by the row's key. */
  toStream(): KStream<TableUpdate<A>> {
    return new KStream<TableUpdate<A>>(this.#graph, this.#node, false);
  }

  /** What came too late for all of its windows: the partial aggregate, once. Windowed tables only. */
  late(): KStream<A> {
    if (this.#late === undefined) {
      this.#graph.refuse(`late() of ${this.#node.name}: only a windowed aggregation has late records`);
      return new KStream<A>(this.#graph, this.#node, false);
    }
    return new KStream<A>(this.#graph, this.#late, false);
  }
}

/** Whether all tasks would be given one processor. A supplier that throws is heard of when the task is set up. */
function isOneForAll(supplier: () => unknown): boolean {
  try {
    const one = supplier();
    return typeof one === 'object' && one !== null && one === supplier();
  } catch {
    return false;
  }
}

function definedOf(windows: readonly (TimeWindows | undefined)[]): TimeWindows[] {
  return windows.filter((one) => one !== undefined);
}

function reduceAggregate<V>(reducer: (a: V, b: V) => V, serde: Serde<V>): Aggregate<V, V | undefined> {
  const merge = (a: V | undefined, b: V | undefined): V | undefined =>
    a === undefined ? b : b === undefined ? a : aggregated(reducer(a, b));
  return {
    empty: () => undefined,
    add: (acc, value) => merge(acc, value),
    merge,
    serde: serde as Serde<V | undefined>,
  };
}
