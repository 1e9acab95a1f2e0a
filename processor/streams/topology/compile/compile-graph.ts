import {
  addressOf,
  inputTopicOf,
  readersOf,
  type AggregateNode,
  type Edge,
  type ForeignJoinNode,
  type ForeignRespondNode,
  type GraphNode,
  type JoinSide,
  type MergePartialsNode,
  type RepartitionSourceNode,
  type StreamStreamJoinNode,
  type TableJoinNode,
} from '../graph.ts';
import { storeKeys } from '../../store/store-keys.ts';
import { canChange, copyOf } from '../own-values.ts';
import { emitNothing, type ChangeEmit, type Emit, type TableView, type TaskRuntime } from '../task-runtime.ts';
import { knownOf, type Serde } from '../serdes.ts';
import { foreignGroupingsOf, topicNameOf } from '../topology.ts';
import { failedAt, takesKey, userCodeFailed } from '../user-code.ts';
import { needsOwnValues } from '../value-sharing.ts';
import { compileAggregate, compileMergePartials, type MergePartial } from './aggregate.ts';
import type { AggregationTargets } from './aggregation-targets.ts';
import { compileCombine } from './combine.ts';
import {
  compileForeignJoin,
  compileForeignRespond,
  compileForeignSubscribe,
  type ForeignJoin,
  type ForeignRespond,
} from './foreign-key-join.ts';
import { compileProcess } from './process.ts';
import {
  compileRepartitionSource,
  type ChangeReader,
  type CombinedReader,
  type RoutedReader,
  type UpdateRow,
} from './repartition-source.ts';
import { compileSend } from './send.ts';
import { RowParts } from './row-parts.ts';
import { rowStoreOf } from './row-store.ts';
import { compileSink } from './sink.ts';
import { bothSources, compileSource, type CompiledSource } from './source.ts';
import { compileBranch, compileStep } from './steps.ts';
import { compileStreamStreamJoin } from './stream-stream-join.ts';
import { compileStreamGlobalJoin, compileStreamTableJoin } from './stream-table-join.ts';
import { compileSuppress, viewOfSuppressed } from './suppress.ts';
import {
  ChangedRows,
  compileTableStep,
  compileToStream,
  compileToTable,
  keptIn,
  passedOn,
  viewOfStep,
  viewOfStore,
} from './table.ts';
import { compileTableAggregate, compileTableGroup, updateAll } from './table-group.ts';
import { compileTableJoin, viewOfJoin, type JoinedTables } from './table-join.ts';

/** What reads one topic in one task. */
export interface TopicSource extends CompiledSource {
  /** What it reads moves the task's event time. */
  readonly movesTime: boolean;
}

/** A node's function, with what is known of it. */
interface Compiled {
  readonly emit: Emit;
  /** It looks at the keys that it is given, or something behind it looks at these same keys. */
  readonly readsKey: boolean;
}

/** Of messages that their readers take apart. */
const BYTES: Serde<unknown> = { serialize: (bytes) => bytes as Buffer, deserialize: (bytes) => bytes };

const NOTHING: Compiled = { emit: emitNothing, readsKey: false };

export interface CompileContext {
  readonly applicationId: string;
  /** Topics of the user's whose records move the task's event time. */
  readonly timedTopics: readonly string[];
  /** It reads tables only, whose rows move the task's event time. */
  readonly tablesAreTime: boolean;
  /** Moves the task's event time. */
  readonly observe: (timestampMs: number) => void;
}

/**
 * The one place where a graph becomes functions: the nodes of a sub-topology, for one task, joined by plain calls.
 * What is behind a node is compiled before it, so that flush hooks, run in reverse, go from upstream to downstream.
 * Returns what reads each topic.
 * @throws StreamsError USER_CODE_FAILED for a processor that cannot be set up.
 */
export function compileGraph(
  nodes: readonly GraphNode[],
  runtime: TaskRuntime,
  { applicationId, timedTopics, tablesAreTime, observe }: CompileContext,
): Map<string, TopicSource> {
  const known = new Map<string, Compiled>();
  const knownChanges = new Map<number, ChangeEmit>();
  const knownResponds = new Map<number, ForeignRespond>();
  const knownForeignJoins = new Map<number, ForeignJoin>();
  const knownJoins = new Map<number, Readonly<Record<JoinSide, ChangeEmit>>>();
  const knownStreamJoins = new Map<number, Readonly<Record<JoinSide, Emit>>>();
  const knownViews = new Map<number, TableView>();
  const knownChangedRows = new Map<number, ChangedRows>();

  /** A node that records are handed to; the same one for all edges that lead to it, or to one side of it. */
  const compiled = (node: GraphNode, side: JoinSide = 'left'): Compiled => {
    const id = `${String(node.index)} ${side}`;
    const before = known.get(id);
    if (before !== undefined) return before;
    const { emit: bare, readsKey } = named(node, () => compileNode(node, side));
    const emit = bare === emitNothing ? bare : runtime.guarded(node, bare);
    const own: Compiled = needsOwnValues(node, nodes)
      ? { readsKey, emit: (key, value, at) => emit(key, copyOf(value), at) }
      : { readsKey, emit };
    known.set(id, own);
    return own;
  };

  const named = <T>(node: GraphNode, compile: () => T): T => {
    try {
      return compile();
    } catch (error) {
      throw userCodeFailed(runtime.taskId, 'when it was set up', failedAt(node.name, error));
    }
  };

  /** All that reads what a node hands on along these edges, as one. */
  const behind = (node: GraphNode, carries: Edge['carries'], isOf: (edge: Edge) => boolean = () => true): Compiled => {
    const readers = readersOf(node, nodes, (edge) => edge.carries === carries && isOf(edge)).flatMap((reader) =>
      sidesOf(reader, node).map((side) => compiled(reader, side)),
    );
    // In the order of declaration: a join finds what an aggregation before it has made of the record.
    // mutant: declared-order
    const emits = readers.map(({ emit }) => emit).filter((emit) => emit !== emitNothing);
    return { emit: fanOut(emits), readsKey: readers.some(({ readsKey }) => readsKey) };
  };

  /** All that reads the changed rows of a table, as one; undefined: nobody does. */
  const changesBehind = (node: GraphNode): ChangeEmit | undefined => {
    const readers = readersOf(node, nodes).flatMap((reader) =>
      reader.inputs.flatMap((edge) =>
        edge.from === node.index && edge.carries === 'changes' ? compiledChanges(reader, edge.side) : [],
      ),
    );
    const [first, second] = readers;
    if (second === undefined) return first;
    return (change) => {
      for (const reader of readers)
        reader(canChange(change.value) ? { ...change, value: copyOf(change.value) } : change);
    };
  };

  /** A node that changed rows are handed to. */
  const compiledChanges = (node: GraphNode, side: JoinSide = 'left'): ChangeEmit => {
    if (node.kind === 'table-join') return named(node, () => joinOf(node)[side]);
    const before = knownChanges.get(node.index);
    if (before !== undefined) return before;
    const made = runtime.guardedChange(named(node, () => compileChanges(node)));
    knownChanges.set(node.index, made);
    return made;
  };

  const compileChanges = (node: GraphNode): ChangeEmit => {
    switch (node.kind) {
      case 'to-stream':
        return compileToStream(behind(node, 'records').emit);
      case 'table-filter':
      case 'table-map-values':
        return compileTableStep(node, runtime, changesBehind(node));
      case 'table-group':
        return compileTableGroup(node, runtime);
      case 'foreign-subscribe':
        return compileForeignSubscribe(node, runtime);
      case 'foreign-respond':
        return respondOf(node).changed;
      case 'foreign-join':
        return foreignJoinOf(node).changed;
      case 'table-suppress':
        return compileSuppress(node, runtime, {
          from: viewOf(tableBefore(node)),
          parts: partsOf(tableBefore(node)),
          next: changesBehind(node),
        });
      default:
        throw new Error(`${node.name} takes no changes of tables`);
    }
  };

  const joinOf = (node: TableJoinNode): Readonly<Record<JoinSide, ChangeEmit>> => {
    const before = knownJoins.get(node.index);
    if (before !== undefined) return before;
    const reader = changesBehind(node);
    const keep = node.store === undefined ? undefined : keptIn(node.store, runtime, reader);
    const next: ChangeEmit =
      keep === undefined
        ? (reader ?? (() => undefined))
        : ({ key, value, timestampMs }) => keep(key, value, timestampMs);
    const join = compileTableJoin(node, runtime, { tables: tablesOf(node), idOf: storeKeys(node.key).idOf, next });
    knownJoins.set(node.index, join);
    return join;
  };

  const respondOf = (node: ForeignRespondNode): ForeignRespond => {
    const known = knownResponds.get(node.index) ?? compileForeignRespond(node, runtime, viewOf(tableBefore(node)));
    knownResponds.set(node.index, known);
    return known;
  };

  const foreignJoinOf = (node: ForeignJoinNode): ForeignJoin => {
    const before = knownForeignJoins.get(node.index);
    if (before !== undefined) return before;
    const reader = changesBehind(node);
    const keep =
      node.store === undefined
        ? passedOn(runtime, reader, storeKeys(node.key).idOf)
        : keptIn(node.store, runtime, reader);
    const join = compileForeignJoin(node, viewOf(tableBefore(node)), keep);
    knownForeignJoins.set(node.index, join);
    return join;
  };

  /** Both tables of a join. */
  const tablesOf = (node: GraphNode): JoinedTables => ({
    left: viewOf(tableBefore(node, 'left')),
    right: viewOf(tableBefore(node, 'right')),
  });

  /** The rows of a table. */
  const viewOf = (node: GraphNode): TableView => {
    const before = knownViews.get(node.index);
    if (before !== undefined) return before;
    const view = makeView(node);
    knownViews.set(node.index, view);
    return view;
  };

  const makeView = (node: GraphNode): TableView => {
    const kept = 'store' in node && node.store !== undefined ? viewOfStore(node.store, runtime) : undefined;
    const made = madeBy(node, viewOf);
    if (kept !== undefined) return made === undefined ? kept : keptView(node, kept, made);
    if (made !== undefined) return made;
    if (node.kind === 'table-suppress') return viewOfSuppressed(node, runtime, viewOf(tableBefore(node)));
    throw new Error(`${node.name} is no table`);
  };

  /**
   * What an operator keeps it writes at the commit: a row is the one that it keeps but where that is older than what it
   * is made of. Made again, a row could have an older time than it has.
   */
  const keptView = (node: GraphNode, kept: TableView, made: TableView): TableView => {
    const isWritten = changedIn(node);
    const tables = rowsBefore(node).map(changesIn);
    return {
      row: (key, asOfMs) => {
        // mutant: kept-row
        if (isWritten(key) || !tables.some((isChanged) => isChanged(key))) return kept.row(key);
        return made.row(key, asOfMs);
      },
      before: kept.before,
    };
  };

  /** Whether a row of a table, or one that it is made of, has been written since the last commit. */
  const changesIn = (node: GraphNode): ((key: unknown) => boolean) => {
    const changed = [changedIn(node), ...rowsBefore(node).map(changesIn)];
    return (key) => changed.some((isChanged) => isChanged(key));
  };

  /** The same of the row that it keeps itself. Of a versioned table, any may be asked for as of another time. */
  const changedIn = (node: GraphNode): ((key: unknown) => boolean) => {
    if (!('store' in node) || node.store === undefined) return () => false;
    if (node.store.kind === 'versioned') return () => true;
    const rows = rowStoreOf(node.store, runtime);
    return (key) => rows.isChanged(key);
  };

  const rowsBefore = ({ inputs }: GraphNode): GraphNode[] =>
    nodes.filter(({ index }) => inputs.some(({ from, carries }) => from === index && carries === 'rows'));

  /** The rows that an operator, or a join, makes of those of its tables; undefined: it makes none. */
  const madeBy = (node: GraphNode, of: (table: GraphNode) => TableView): TableView | undefined => {
    switch (node.kind) {
      case 'table-filter':
      case 'table-map-values':
        return viewOfStep(node, runtime, of(tableBefore(node)));
      case 'table-join':
        return viewOfJoin(node, { left: of(tableBefore(node, 'left')), right: of(tableBefore(node, 'right')) });
      case 'table-cogroup':
        return of(tableBefore(node));
      default:
        return undefined;
    }
  };

  /** What the rows of a table are made of. */
  const partsOf = (node: GraphNode): RowParts =>
    new RowParts((partOf) => {
      const of = (table: GraphNode): TableView => {
        if ('store' in table && table.store !== undefined)
          return partOf(table.store, viewOfStore(table.store, runtime));
        return madeBy(table, of) ?? of(tableBefore(table));
      };
      return of(node);
    });

  /** The table whose rows a node looks at; of a join, the one on that side. */
  const tableBefore = ({ inputs }: GraphNode, side?: JoinSide): GraphNode => {
    const edge = inputs.find((one) => one.carries === 'rows' && one.side === side);
    return nodes.find(({ index }) => index === edge?.from) as GraphNode;
  };

  /** The processors behind one that have a name of their own. */
  const namedBehind = (node: GraphNode): Map<string, Emit> =>
    new Map(
      readersOf(node, nodes, ({ carries }) => carries === 'records').flatMap((reader) =>
        reader.kind === 'process' && reader.givenName !== undefined
          ? [[reader.givenName, compiled(reader).emit] as const]
          : [],
      ),
    );

  const targetsOf = (node: AggregateNode | MergePartialsNode): AggregationTargets => {
    const { emit: late } = behind(node, 'late');
    return { late, changed: changedRowsOf(node) };
  };

  /** The changed rows of the table that an aggregation is, or is one part of. */
  const changedRowsOf = (node: AggregateNode | MergePartialsNode): ChangedRows => {
    const [whole = node] = readersOf(node, nodes).filter(({ kind }) => kind === 'table-cogroup');
    const before = knownChangedRows.get(whole.index);
    if (before !== undefined) return before;
    const changed = ChangedRows.ofStore(node.store, runtime, changesBehind(whole));
    knownChangedRows.set(whole.index, changed);
    return changed;
  };

  const streamJoinOf = (node: StreamStreamJoinNode): Readonly<Record<JoinSide, Emit>> => {
    const before = knownStreamJoins.get(node.index);
    if (before !== undefined) return before;
    const join = compileStreamStreamJoin(node, runtime, behind(node, 'records').emit);
    knownStreamJoins.set(node.index, join);
    return join;
  };

  const compileNode = (node: GraphNode, side: JoinSide): Compiled => {
    switch (node.kind) {
      case 'filter': {
        const next = behind(node, 'records');
        return { emit: compileStep(node, runtime, next.emit), readsKey: takesKey(node.predicate) || next.readsKey };
      }
      case 'peek': {
        const next = behind(node, 'records');
        return { emit: compileStep(node, runtime, next.emit), readsKey: takesKey(node.look) || next.readsKey };
      }
      case 'map-values':
      case 'flat-map-values': {
        const next = behind(node, 'records');
        return { emit: compileStep(node, runtime, next.emit), readsKey: takesKey(node.map) || next.readsKey };
      }
      case 'map':
      case 'flat-map':
        return { emit: compileStep(node, runtime, behind(node, 'records').emit), readsKey: takesKey(node.map) };
      case 'branch': {
        const branches = node.predicates.map((_, index) =>
          behind(node, 'branch', (edge) => edge.carries === 'branch' && edge.predicate === index),
        );
        return {
          emit: compileBranch(
            node,
            runtime,
            branches.map(({ emit }) => emit),
          ),
          readsKey: node.predicates.some(takesKey) || branches.some(({ readsKey }) => readsKey),
        };
      }
      case 'branch-child':
      case 'merge':
      case 'dead-letters':
      case 'late':
      case 'repartitioned':
        return behind(node, 'records');
      case 'process':
        return compileProcess(node, runtime, { next: behind(node, 'records').emit, byName: namedBehind(node) });
      case 'combine':
        return { emit: compileCombine(node, runtime), readsKey: takesKey(node.keyOf) };
      case 'send':
        return { emit: compileSend(node, runtime), readsKey: takesKey(node.keyOf) };
      case 'aggregate':
        return { emit: compileAggregate(node, runtime, targetsOf(node)), readsKey: takesKey(node.keyOf) };
      case 'to-table':
        return { emit: compileToTable(node, runtime, changesBehind(node)), readsKey: true };
      case 'stream-table-join': {
        const table = viewOf(tableBefore(node));
        return { emit: compileStreamTableJoin(node, runtime, table, behind(node, 'records').emit), readsKey: true };
      }
      case 'stream-global-join':
        return { emit: compileStreamGlobalJoin(node, runtime, behind(node, 'records').emit), readsKey: true };
      case 'stream-stream-join':
        return { emit: streamJoinOf(node)[side], readsKey: true };
      case 'sink':
        return { emit: compileSink(node, runtime), readsKey: true };
      // No record is handed to them: sources read topics, partials have functions of their own, and so have changes.
      case 'source':
      case 'global-table':
      case 'repartition-source':
      case 'merge-partials':
      case 'to-stream':
      case 'table-filter':
      case 'table-map-values':
      case 'table-group':
      case 'table-aggregate':
      case 'table-join':
      case 'foreign-subscribe':
      case 'foreign-respond':
      case 'foreign-join':
      case 'table-cogroup':
      case 'table-suppress':
        return NOTHING;
    }
  };

  const compileSourceNode = (node: GraphNode): CompiledSource | undefined => {
    if (node.kind === 'repartition-source')
      return compileRepartitionSource(node, runtime, {
        merges: mergesOf(node),
        routed: routedOf(node),
        changes: changesOf(node),
      });
    if (node.kind !== 'source') return undefined;
    const { emit: next, readsKey: keysAreRead } = behind(node, 'records');
    const deadLetters = behind(node, 'dead-letters').emit;
    return compileSource(node, runtime, { next, deadLetters, keysAreRead, observe: observing(node.topic) });
  };

  /** Rows of a table do not move the time of a task that reads streams. */
  const observing = (topic: string): ((timestampMs: number) => void) =>
    timedTopics.includes(topic) ? observe : () => undefined;

  /** By the name of each store, what all aggregations do that share one combine node with it. */
  const mergesOf = (source: RepartitionSourceNode): Map<string, CombinedReader> => {
    const byCombine = new Map<number, MergePartial[]>();
    const byStore = new Map<string, CombinedReader>();
    for (const node of nodes) {
      if (node.kind !== 'merge-partials') continue;
      const edge = node.inputs.find(({ from, carries }) => from === source.index && carries === 'partials');
      if (edge?.carries !== 'partials') continue;
      const merges = byCombine.get(edge.combine) ?? [];
      byCombine.set(edge.combine, merges);
      merges.push(named(node, () => compileMergePartials(node, runtime, targetsOf(node))));
      // Those of one combine node are of one aggregate.
      const { leavesBytes = false } = knownOf(node.aggregate.serde);
      // mutant: merges-of-each-store
      byStore.set(addressOf(node), { key: node.key, merges, leavesBytes });
    }
    return byStore;
  };

  /** By each name that its records may have, what stands behind the topic for a sender of records. */
  const routedOf = (source: RepartitionSourceNode): Map<string, RoutedReader> => {
    const byRoute = new Map<string, RoutedReader>();
    for (const node of nodes) {
      const edge = node.inputs.find(({ from, carries }) => from === source.index && carries === 'routed');
      if (edge?.carries !== 'routed') continue;
      if (node.kind === 'foreign-respond') {
        const { subscribe } = named(node, () => respondOf(node));
        byRoute.set(node.route, { key: node.foreign, value: BYTES, emit: runtime.guarded(node, subscribe) });
      }
      if (node.kind === 'foreign-join') {
        const { answered } = named(node, () => foreignJoinOf(node));
        byRoute.set(node.route, { key: node.key, value: BYTES, emit: runtime.guarded(node, answered) });
      }
      if (node.kind !== 'repartitioned') continue;
      const { key, value, routes } = node;
      const { emit } = compiled(node);
      for (const route of routes.length === 0 ? [''] : routes) byRoute.set(route, { key, value, emit });
    }
    return byRoute;
  };

  /** By the name of each store, what all aggregations of one grouping of a table do. */
  const changesOf = (source: RepartitionSourceNode): Map<string, ChangeReader> => {
    const bySender = new Map<
      number,
      { updates: UpdateRow[]; stores: string[] } & Pick<ChangeReader, 'key' | 'value'>
    >();
    for (const node of nodes) {
      const edge = node.inputs.find(({ from, carries }) => from === source.index && carries === 'routed');
      if (edge?.carries !== 'routed' || node.kind !== 'table-aggregate') continue;
      const { key, value, store } = node;
      const group = bySender.get(edge.sender) ?? { key, value, updates: [], stores: [] };
      bySender.set(edge.sender, group);
      group.updates.push(named(node, () => compileTableAggregate(node, runtime, changesBehind(node))));
      group.stores.push(store.name);
    }
    return new Map(
      [...bySender.values()].flatMap(({ key, value, updates, stores }) => {
        const reader = { key, value, update: updateAll(updates) };
        return stores.map((store) => [store, reader] as const);
      }),
    );
  };

  // What the sides of a foreign-key join tell each other counts as their tables do.
  const timedGroupings = tablesAreTime ? foreignGroupingsOf(nodes) : new Set<string>();
  const compiledSources = nodes.flatMap((node) => {
    const from = inputTopicOf(node);
    const source = compileSourceNode(node);
    return from === undefined || source === undefined ? [] : [{ from, source, isTable: isTableSource(node) }];
  });
  const sources = new Map<string, TopicSource>();
  // A record is in a table of its topic before a stream of the same topic looks there.
  for (const { from, source } of compiledSources.sort((a, b) => Number(b.isTable) - Number(a.isTable))) {
    const topic = topicNameOf(from, applicationId);
    const earlier = sources.get(topic);
    sources.set(topic, {
      movesTime: 'topic' in from ? timedTopics.includes(from.topic) : timedGroupings.has(from.grouping),
      ...(earlier === undefined
        ? source
        : bothSources(earlier, source, 'topic' in from ? observing(from.topic) : observe)),
    });
  }
  return sources;
}

function isTableSource(node: GraphNode): boolean {
  return node.kind === 'source' && node.role === 'table';
}

/** The sides on which a node reads another one: of a stream that is joined with itself both, first the left one. */
function sidesOf(reader: GraphNode, { index }: GraphNode): readonly (JoinSide | undefined)[] {
  if (reader.kind !== 'stream-stream-join') return [undefined];
  return reader.inputs.flatMap((edge) => (edge.from === index && edge.carries === 'records' ? edge.side : []));
}

function fanOut(readers: readonly Emit[]): Emit {
  const [first, second] = readers;
  if (first === undefined) return emitNothing;
  if (second === undefined) return first;
  return (key, value, at) => {
    for (const reader of readers) reader(key, value, at);
  };
}
