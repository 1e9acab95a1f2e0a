import type { StoreSpec } from '../store/typed-store.ts';
import type { Aggregate } from './aggregate.ts';
import type { Processor } from './processor-context.ts';
import type { Decoder } from './record.ts';
import type { Serde } from './serdes.ts';
import type { TimeWindows } from './windows.ts';

/*
 * The graph of a topology as plain data. It is checked in topology-checks.ts, cut into sub-topologies in topology.ts,
 * printed in describe.ts, signed in signature.ts and turned into functions in compile/: all from these nodes and edges.
 */

/** What a node gets, and from which one. */
export type Edge =
  /** Whatever that node hands on. */
  | { readonly from: number; readonly carries: 'records' }
  /** Of a branch node: the records that this predicate is the first to take. */
  | { readonly from: number; readonly carries: 'branch'; readonly predicate: number }
  /** Of a source: what could not be read. */
  | { readonly from: number; readonly carries: 'dead-letters' }
  /** Of a repartition source: the partials that this combine node sends. */
  | { readonly from: number; readonly carries: 'partials'; readonly combine: number }
  /** Of a windowed aggregation: what came too late for all of its windows. */
  | { readonly from: number; readonly carries: 'late' };

/** A user's topic by its name, or an internal repartition topic by its grouping name. */
export type TopicName = { readonly topic: string } | { readonly grouping: string };

/** A function of the user's that is given a value and a key. Values of any type pass the graph. */
type ValueFunction<R> = (value: never, key: string | null) => R;

/** The key that a record is grouped by. Null and undefined: it has none, and is dropped and counted. */
type KeyOf = ValueFunction<string | null | undefined>;

interface KeyValue {
  readonly key: string | null;
  readonly value: unknown;
}

interface NodeOf<Kind extends string> {
  readonly kind: Kind;
  readonly index: number;
  /** `KSTREAM-FILTER-0000000003`, as Kafka Streams numbers them. */
  readonly name: string;
  /** In the order in which they were declared. */
  readonly inputs: readonly Edge[];
}

/** Reads a topic of the user's. */
export interface SourceNode extends NodeOf<'source'> {
  readonly topic: string;
  readonly decode: Decoder<unknown>;
  readonly timestampMs: ((value: never) => number) | undefined;
  readonly deadLetterTopic: string | undefined;
}

/** Reads the repartition topic of a grouping; groupings of one name share it. */
export interface RepartitionSourceNode extends NodeOf<'repartition-source'> {
  readonly grouping: string;
}

/** Steps that look at one record at a time and keep nothing. */
export type StepNode =
  | (NodeOf<'filter'> & { readonly predicate: ValueFunction<boolean> })
  | (NodeOf<'map-values'> & { readonly map: ValueFunction<unknown> })
  | (NodeOf<'map'> & { readonly map: ValueFunction<KeyValue> })
  | (NodeOf<'flat-map'> & { readonly map: ValueFunction<Iterable<KeyValue>> })
  | (NodeOf<'flat-map-values'> & { readonly map: ValueFunction<Iterable<unknown>> })
  | (NodeOf<'peek'> & { readonly look: (value: never, key: string | null, timestampMs: number) => void });

/** Each record goes to the first predicate that takes it. */
export interface BranchNode extends NodeOf<'branch'> {
  readonly predicates: readonly ValueFunction<boolean>[];
}

/** Nodes that hand on what they get: one branch, several streams as one, dead letters, late records. */
type PassingNode = NodeOf<'branch-child'> | NodeOf<'merge'> | NodeOf<'dead-letters'> | NodeOf<'late'>;

export interface ProcessNode extends NodeOf<'process'> {
  readonly supplier: () => Processor<never, unknown>;
  /** As they are given: its own ones, and names of other nodes' stores. */
  readonly uses: readonly (StoreSpec<unknown> | string)[];
  /** The same, each with its declaration. */
  readonly stores: readonly StoreSpec<unknown>[];
}

/** Adds records up by key and grain for one commit, and sends one partial each to the repartition topic. */
export interface CombineNode extends NodeOf<'combine'> {
  readonly grouping: string;
  readonly keyOf: KeyOf;
  readonly aggregate: Aggregate<unknown, unknown>;
  /** The aggregations that each of its partials goes into, in the order in which they were declared. */
  readonly feeds: readonly { readonly store: string; readonly windows: TimeWindows | undefined }[];
}

export interface Aggregation {
  readonly aggregate: Aggregate<unknown, unknown>;
  readonly windows: TimeWindows | undefined;
  readonly store: StoreSpec<unknown>;
}

/** Aggregates in the task that reads the source: the partition of the source topic already is the key's owner. */
export interface AggregateNode extends NodeOf<'aggregate'>, Aggregation {
  readonly keyOf: KeyOf;
}

/** Merges the partials of a combine node into its store. */
export interface MergePartialsNode extends NodeOf<'merge-partials'>, Aggregation {}

export interface SinkNode extends NodeOf<'sink'> {
  readonly topic: string;
  readonly serde: Serde<unknown>;
}

export type GraphNode =
  | SourceNode
  | RepartitionSourceNode
  | StepNode
  | BranchNode
  | PassingNode
  | ProcessNode
  | CombineNode
  | AggregateNode
  | MergePartialsNode
  | SinkNode;

export type NodeKind = GraphNode['kind'];

type WithoutEach<N, Fields extends string> = N extends unknown ? Omit<N, Fields> : never;

/** A node as it is declared: its number and what follows from other nodes are not known yet. */
export type NodeDeclaration = WithoutEach<GraphNode, 'index' | 'name' | 'feeds' | 'stores'>;

/** A node that is declared and has its number. */
export type DeclaredNode = NodeDeclaration & Pick<GraphNode, 'index' | 'name'>;

/** The middle of a node's name. */
const LABELS: Readonly<Record<NodeKind, string>> = {
  source: 'SOURCE',
  'repartition-source': 'SOURCE',
  'dead-letters': 'DEAD-LETTERS',
  filter: 'FILTER',
  map: 'MAP',
  'map-values': 'MAPVALUES',
  'flat-map': 'FLATMAP',
  'flat-map-values': 'FLATMAPVALUES',
  peek: 'PEEK',
  branch: 'BRANCH',
  'branch-child': 'BRANCHCHILD',
  merge: 'MERGE',
  process: 'PROCESSOR',
  combine: 'COMBINE',
  aggregate: 'AGGREGATE',
  'merge-partials': 'AGGREGATE',
  late: 'LATE',
  sink: 'SINK',
};

export function labelOf(kind: NodeKind): string {
  return LABELS[kind];
}

export function nodeName(kind: NodeKind, index: number): string {
  return `KSTREAM-${LABELS[kind]}-${String(index).padStart(10, '0')}`;
}

/** The topic that a source reads. */
export function inputTopicOf(node: GraphNode): TopicName | undefined {
  if (node.kind === 'source') return { topic: node.topic };
  return node.kind === 'repartition-source' ? { grouping: node.grouping } : undefined;
}

/** The topic that a node writes its records to; dead letters and changelogs are not among them. */
export function outputTopicOf(node: GraphNode): TopicName | undefined {
  if (node.kind === 'sink') return { topic: node.topic };
  return node.kind === 'combine' ? { grouping: node.grouping } : undefined;
}

/** The stores that a node reads or writes. */
export function storesOf(node: GraphNode): readonly StoreSpec<unknown>[] {
  switch (node.kind) {
    case 'process':
      return node.stores;
    case 'aggregate':
    case 'merge-partials':
      return [node.store];
    default:
      return [];
  }
}

/** The nodes that an edge leads to from this one, in the order in which they were declared. */
export function readersOf(
  { index }: GraphNode,
  nodes: readonly GraphNode[],
  carries: (edge: Edge) => boolean = () => true,
): GraphNode[] {
  return nodes.filter(({ inputs }) => inputs.some((edge) => edge.from === index && carries(edge)));
}
