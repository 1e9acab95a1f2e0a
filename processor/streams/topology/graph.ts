import type { StoreSpec } from '../store/typed-store.ts';
import type { Aggregate } from './aggregate.ts';
import type { AnyProcessorSupplier } from './processor-context.ts';
import type { ConsumerRecord, Decoder, RecordContext } from './record.ts';
import type { Serde } from './serdes.ts';
import type { JoinWindows } from './join-windows.ts';
import type { FixedWindows, Windows } from './windows.ts';

/*
 * The graph of a topology as plain data. It is checked in topology-checks.ts, cut into sub-topologies in topology.ts,
 * printed in describe.ts, signed in signature.ts and turned into functions in compile/: all from these nodes and edges.
 */

/** What a node gets, and from which one. */
export type Edge =
  /** Whatever that node hands on. A join gets it on two sides. */
  | { readonly from: number; readonly carries: 'records'; readonly side?: JoinSide }
  /** Of a branch node: the records that this predicate is the first to take. */
  | { readonly from: number; readonly carries: 'branch'; readonly predicate: number }
  /** Of a source: what could not be read. */
  | { readonly from: number; readonly carries: 'dead-letters' }
  /** Of a repartition source: the partials that this combine node sends. */
  | { readonly from: number; readonly carries: 'partials'; readonly combine: number }
  /** Of a repartition source: the records that this node sends, one by one. */
  | { readonly from: number; readonly carries: 'routed'; readonly sender: number }
  /** Of a table: its changed rows, each once a commit. A join gets them on two sides. */
  | { readonly from: number; readonly carries: 'changes'; readonly side?: JoinSide }
  /** Of a table: nothing is handed on, its rows are looked at. */
  | { readonly from: number; readonly carries: 'rows'; readonly side?: JoinSide }
  /** Of a global table: nothing is handed on, its rows are looked at. It is in no sub-topology. */
  | { readonly from: number; readonly carries: 'global' }
  /** Of a windowed aggregation: what came too late for all of its windows. */
  | { readonly from: number; readonly carries: 'late' };

export type JoinSide = 'left' | 'right';

/** Which rows a join has: of keys that both sides have, that the left side has, or that one of them has. */
export type JoinKind = 'inner' | 'left' | 'outer';

/** Makes a joined value of those of both sides; null stands for the side that is missing. */
export type Joiner = (left: never, right: never, key: never) => unknown;

/** A user's topic by its name, or an internal repartition topic by its grouping name. */
export type TopicName = { readonly topic: string } | { readonly grouping: string };

/** A function of the user's that is given a value and a key. Values and keys of any type pass the graph. */
export type ValueFunction<R> = (value: never, key: never, record: RecordContext) => R;

/** The key that a record is grouped by. Null and undefined: it has none, and is dropped and counted. */
type KeyOf = ValueFunction<unknown>;

interface KeyValue {
  readonly key: unknown;
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

/** Where a source starts in a group that has no offsets yet. */
export type StartAt = 'earliest' | 'latest';

/** Reads a topic of the user's. */
export interface SourceNode extends NodeOf<'source'> {
  readonly topic: string;
  /** Rows of a table do not move the event time of a task that also reads streams. */
  readonly role: 'stream' | 'table';
  readonly key: Serde<unknown>;
  readonly decode: Decoder<unknown>;
  /** A null that `decode` returns is dropped and counted, or goes on. */
  readonly nulls: 'drop' | 'keep';
  readonly timestampMs: ((value: never, record: ConsumerRecord) => number) | undefined;
  readonly deadLetterTopic: string | undefined;
  readonly startAt: StartAt;
}

/** A topic of which every instance has all rows. No task reads it, and its changes trigger nothing. */
export interface GlobalTableNode extends NodeOf<'global-table'> {
  readonly topic: string;
  readonly key: Serde<unknown>;
  readonly decode: Decoder<unknown>;
  /** The name that its rows are known by: as that of a store, but nothing is kept. */
  readonly table: string;
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
  | (NodeOf<'peek'> & { readonly look: ValueFunction<void> });

/** Each record goes to the first predicate that takes it. */
export interface BranchNode extends NodeOf<'branch'> {
  readonly predicates: readonly ValueFunction<boolean>[];
}

/** Nodes that hand on what they get: one branch, several streams as one, dead letters, late records. */
type PassingNode = NodeOf<'branch-child'> | NodeOf<'merge'> | NodeOf<'dead-letters'> | NodeOf<'late'>;

/** What one sender has sent, behind the repartition topic. */
interface RepartitionedNode extends NodeOf<'repartitioned'> {
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  /** As its sender has them. */
  readonly routes: readonly string[];
}

export interface ProcessNode extends NodeOf<'process'> {
  readonly supplier: AnyProcessorSupplier;
  /** What it forwards has the key of the record that it is given. */
  readonly keepsKey: boolean;
  /** By which the processor in front of it may forward to it alone. */
  readonly givenName: string | undefined;
  /** As they are given: its own ones, and names of other nodes' stores. */
  readonly uses: readonly (StoreSpec<unknown> | string)[];
  /** The same, each with its declaration. */
  readonly stores: readonly StoreSpec<unknown>[];
}

/** Adds records up by key and grain for one commit, and sends one partial each to the repartition topic. */
export interface CombineNode extends NodeOf<'combine'> {
  readonly grouping: string;
  readonly keyOf: KeyOf;
  readonly key: Serde<unknown>;
  readonly aggregate: Aggregate<unknown, unknown>;
  /** The aggregations that each of its partials goes into, in the order in which they were declared. */
  readonly feeds: readonly { readonly store: string; readonly windows: FixedWindows | undefined }[];
}

/** Sends records one by one, in order, to the repartition topic. */
export interface SendNode extends NodeOf<'send'> {
  readonly grouping: string;
  readonly keyOf: KeyOf;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  /** A record without a key is dropped and counted, or sent. */
  readonly nullKeys: 'drop' | 'keep';
  /** Of the repartition topic. Undefined: as many as what is read in front of it has. */
  readonly partitions: number | undefined;
  /** What its records are known by behind the topic: any store that they reach; '' of a repartition(). */
  readonly routes: readonly string[];
  /** A record that lies further behind stream time may be late for a window that it reaches; undefined: for none. */
  readonly lateAfterMs: number | undefined;
}

export interface Aggregation {
  readonly aggregate: Aggregate<unknown, unknown>;
  readonly windows: Windows | undefined;
  readonly store: StoreSpec<unknown>;
  /** One of several groupings that are aggregated into one store, by its place among them. */
  readonly part?: number | undefined;
}

/** Aggregates in the task that reads the source: the partition of the source topic already is the key's owner. */
export interface AggregateNode extends NodeOf<'aggregate'>, Aggregation {
  readonly keyOf: KeyOf;
}

/** Merges the partials of a combine node into its store. */
export interface MergePartialsNode extends NodeOf<'merge-partials'>, Aggregation {
  readonly key: Serde<unknown>;
}

/** Keeps the newest value of each key: a stream, or a topic of the user's, as a table. */
export interface ToTableNode extends NodeOf<'to-table'> {
  /** The user named its store: it is kept whoever reads it. */
  readonly isNamed: boolean;
  readonly store: StoreSpec<unknown>;
}

/** Operators of tables; each is a table itself. Its rows are kept in a store, or made when they are asked for. */
export type TableStepNode =
  | (NodeOf<'table-filter'> & {
      readonly predicate: ValueFunction<boolean>;
      /** It tells nothing of rows that were never there. */
      readonly knowsBefore: boolean;
      readonly store: StoreSpec<unknown> | undefined;
    })
  | (NodeOf<'table-map-values'> & {
      readonly map: ValueFunction<unknown>;
      readonly store: StoreSpec<unknown> | undefined;
    });

/**
 * Sends each changed row of a table to the repartition topic of a grouping: what it adds under its new key, what it
 * takes away under the old one.
 */
export interface TableGroupNode extends NodeOf<'table-group'> {
  readonly grouping: string;
  /** Null: the row belongs to no group. */
  readonly pairOf: ValueFunction<KeyValue | null | undefined>;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  /** What its changes are known by behind the topic: any store that they reach. */
  readonly routes: readonly string[];
}

/** Adds and takes away, behind the repartition topic, what the rows of a grouped table are made of. */
export interface TableAggregateNode extends NodeOf<'table-aggregate'> {
  readonly key: Serde<unknown>;
  /** Of what arrives. */
  readonly value: Serde<unknown>;
  readonly aggregate: Aggregate<unknown, unknown>;
  readonly store: StoreSpec<unknown>;
}

/** Two tables of one kind of key as one. Without a store its rows are made when they are asked for. */
export interface TableJoinNode extends NodeOf<'table-join'> {
  readonly joins: JoinKind;
  readonly joiner: Joiner;
  /** Of whole keys. */
  readonly key: Serde<unknown>;
  readonly store: StoreSpec<unknown> | undefined;
}

/** Left side of a foreign-key join: each changed row subscribes to the row of the right side that it refers to. */
export interface ForeignSubscribeNode extends NodeOf<'foreign-subscribe'>, ForeignKey {
  readonly grouping: string;
  /** What its records are known by behind the topic. */
  readonly route: string;
  readonly joins: Exclude<JoinKind, 'outer'>;
  /** Of the left table. */
  readonly key: Serde<unknown>;
}

/** What a left row refers to. */
interface ForeignKey {
  readonly foreignKey: ValueFunction<unknown>;
  readonly foreign: Serde<unknown>;
  /** Of the left values: a subscription has a digest of one. */
  readonly left: Serde<unknown>;
}

/** Right side of it: keeps the subscriptions in a store by foreign key, and answers them. */
export interface ForeignRespondNode extends NodeOf<'foreign-respond'> {
  readonly grouping: string;
  readonly route: string;
  readonly foreign: Serde<unknown>;
  readonly right: Serde<unknown>;
  readonly store: StoreSpec<unknown>;
}

/** Left side again: joins answers with the rows that they are for. */
export interface ForeignJoinNode extends NodeOf<'foreign-join'>, ForeignKey {
  readonly route: string;
  readonly joins: Exclude<JoinKind, 'outer'>;
  readonly joiner: Joiner;
  readonly key: Serde<unknown>;
  readonly right: Serde<unknown>;
  /** Where its rows are kept if somebody looks at them. */
  readonly resultStore: StoreSpec<unknown>;
  /** Undefined: nobody does. */
  readonly store: StoreSpec<unknown> | undefined;
}

/** What several groupings are aggregated into: its inputs are aggregations that share one store. */
type CogroupNode = NodeOf<'table-cogroup'>;

/** Holds back what a table hands on. */
export interface SuppressNode extends NodeOf<'table-suppress'> {
  /** Of the rows of the table. */
  readonly key: Serde<unknown>;
  /** Of the rows of the table; not asked for where rows are held until their windows close. */
  readonly value: Serde<unknown> | undefined;
  /** The newest value is kept with a held row; false: the table has it for as long as it is held. */
  readonly keepsNewest: boolean;
  /** What is held. */
  readonly held: StoreSpec<HeldRow, Buffer>;
  readonly until:
    | {
        readonly kind: 'window-closes';
        readonly windows: Windows;
        /** The stores of the aggregations: the windows close when the stream time of each has come so far. */
        readonly stores: readonly string[];
      }
    | { readonly kind: 'time-limit'; readonly limitMs: number; readonly maxRows: number };
}

/** What is kept of a row that is held back. */
export interface HeldRow {
  /** Event time of its newest update; where rows are found by their key, of the first one that is held. */
  readonly timestampMs: number;
  /** The row as it was handed on last; null: never, or deleted. */
  readonly last: HeldValue | null;
  /** Its newest value: null is deleted; undefined: it is in the table. */
  readonly newest: HeldNewest | null | undefined;
}

/** The value itself or, where nobody has named a serde for it, the rows that it is made of, by their stores. */
export type HeldNewest =
  | { readonly kind: 'value'; readonly value: Buffer }
  | { readonly kind: 'parts'; readonly parts: ReadonlyMap<string, HeldValue> };

/** A row in bytes. */
export interface HeldValue {
  readonly value: Buffer;
  readonly timestampMs: number;
}

/** A stream with the row that a table has of its key when a record comes. Only the stream triggers. */
export interface StreamTableJoinNode extends NodeOf<'stream-table-join'> {
  readonly joins: Exclude<JoinKind, 'outer'>;
  readonly joiner: Joiner;
  /** Records wait until stream time has passed them by the grace; undefined: they are joined as they come. */
  readonly held:
    { readonly store: StoreSpec<unknown>; readonly graceMs: number; readonly key: Serde<unknown> } | undefined;
}

/** A stream with the row that a global table has of a key which is made of the record. */
export interface StreamGlobalJoinNode extends NodeOf<'stream-global-join'> {
  readonly joins: Exclude<JoinKind, 'outer'>;
  readonly joiner: Joiner;
  readonly keyOf: ValueFunction<unknown>;
  /** The name that the table's rows are known by. */
  readonly table: string;
}

/** Two streams: records of one key that lie so close to each other. */
export interface StreamStreamJoinNode extends NodeOf<'stream-stream-join'> {
  readonly joins: JoinKind;
  readonly joiner: Joiner;
  readonly windows: JoinWindows;
  readonly key: Serde<unknown>;
  /** What either side has had, for the other one to meet. */
  readonly left: StoreSpec<unknown>;
  readonly right: StoreSpec<unknown>;
  /** What has met nothing yet, and comes when it can no longer; undefined of an inner join. */
  readonly unmatched: StoreSpec<unknown> | undefined;
}

/** A table's changed rows as records. */
type ToStreamNode = NodeOf<'to-stream'>;

/** The topic of a record. */
export type TopicOf = ValueFunction<string>;

/** The partition of a record, by its key, its value and the partition count of the topic. */
type Partitioner = (key: never, value: never, partitions: number) => number;

export interface SinkNode extends NodeOf<'sink'> {
  readonly topic: string | TopicOf;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  readonly partitioner: Partitioner | undefined;
}

export type GraphNode =
  | SourceNode
  | GlobalTableNode
  | RepartitionSourceNode
  | StepNode
  | BranchNode
  | PassingNode
  | ProcessNode
  | CombineNode
  | SendNode
  | RepartitionedNode
  | AggregateNode
  | MergePartialsNode
  | ToTableNode
  | TableStepNode
  | TableGroupNode
  | TableAggregateNode
  | TableJoinNode
  | ForeignSubscribeNode
  | ForeignRespondNode
  | ForeignJoinNode
  | CogroupNode
  | SuppressNode
  | StreamTableJoinNode
  | StreamGlobalJoinNode
  | StreamStreamJoinNode
  | ToStreamNode
  | SinkNode;

export type NodeKind = GraphNode['kind'];

type WithoutEach<N, Fields extends string> = N extends unknown ? Omit<N, Fields> : never;

/** A node as it is declared: its number and what follows from other nodes are not known yet. */
export type NodeDeclaration = WithoutEach<
  GraphNode,
  'index' | 'name' | 'feeds' | 'stores' | 'routes' | 'lateAfterMs' | 'knowsBefore'
>;

/** A node that is declared and has its number. */
export type DeclaredNode = NodeDeclaration & Pick<GraphNode, 'index' | 'name'>;

/** The middle of a node's name. */
const LABELS: Readonly<Record<NodeKind, string>> = {
  source: 'SOURCE',
  'global-table': 'GLOBALTABLE',
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
  send: 'REPARTITION',
  repartitioned: 'REPARTITIONED',
  'to-table': 'TOTABLE',
  'table-filter': 'FILTER',
  'table-map-values': 'MAPVALUES',
  'table-group': 'GROUPBY',
  'table-aggregate': 'AGGREGATE',
  'table-join': 'JOIN',
  'foreign-subscribe': 'FK-JOIN-SUBSCRIPTION-REGISTRATION',
  'foreign-respond': 'FK-JOIN-SUBSCRIPTION-PROCESSOR',
  'foreign-join': 'FK-JOIN-OUTPUT',
  'table-cogroup': 'COGROUP',
  'table-suppress': 'SUPPRESS',
  'stream-table-join': 'JOIN',
  'stream-global-join': 'JOIN',
  'stream-stream-join': 'JOIN',
  'to-stream': 'TOSTREAM',
  late: 'LATE',
  sink: 'SINK',
};

export function labelOf(kind: NodeKind): string {
  return LABELS[kind];
}

export function nodeName(kind: NodeKind, index: number): string {
  const isTable = /^(table|foreign|global)-/.test(kind) || kind === 'to-stream';
  return `${isTable ? 'KTABLE' : 'KSTREAM'}-${LABELS[kind]}-${String(index).padStart(10, '0')}`;
}

/** The topic that a source reads. */
export function inputTopicOf(node: GraphNode): TopicName | undefined {
  if (node.kind === 'source') return { topic: node.topic };
  return node.kind === 'repartition-source' ? { grouping: node.grouping } : undefined;
}

/** The topic that a node writes its records to; dead letters and changelogs are not among them. */
export function outputTopicOf(node: GraphNode): TopicName | undefined {
  if (node.kind === 'sink') return typeof node.topic === 'string' ? { topic: node.topic } : undefined;
  return groupingWrittenBy(node);
}

/** The repartition topic that a node writes to. */
export function groupingWrittenBy(node: GraphNode): { readonly grouping: string } | undefined {
  return 'grouping' in node && node.kind !== 'repartition-source' ? { grouping: node.grouping } : undefined;
}

/** The stores that a node reads or writes. */
export function storesOf(node: GraphNode): readonly StoreSpec<unknown>[] {
  switch (node.kind) {
    case 'process':
      return node.stores;
    case 'stream-stream-join':
      return storesOfJoin(node);
    case 'stream-table-join':
      return node.held === undefined ? [] : [node.held.store];
    case 'aggregate':
    case 'merge-partials':
    case 'to-table':
    case 'table-aggregate':
    case 'foreign-respond':
      return [node.store];
    case 'table-filter':
    case 'table-map-values':
    case 'table-join':
    case 'foreign-join':
      return node.store === undefined ? [] : [node.store];
    case 'table-suppress':
      return [node.held as StoreSpec<unknown>];
    default:
      return [];
  }
}

export function storesOfJoin({
  left,
  right,
  unmatched,
}: Pick<StreamStreamJoinNode, 'left' | 'right' | 'unmatched'>): StoreSpec<unknown>[] {
  return unmatched === undefined ? [left, right] : [left, right, unmatched];
}

/** What records of a repartition topic are known by that go into an aggregation. */
export function addressOf({ store, part }: Pick<Aggregation, 'store' | 'part'>): string {
  // No store has a slash in its name.
  return part === undefined ? store.name : `${store.name}/${String(part)}`;
}

/** A join whose sides meet by their keys: both must lie in one task. */
export function isKeyedJoin({ kind }: GraphNode): boolean {
  return KEYED_JOINS.has(kind);
}

const KEYED_JOINS: ReadonlySet<NodeKind> = new Set([
  'table-join',
  'foreign-respond',
  'foreign-join',
  'stream-table-join',
  'stream-stream-join',
]);

/** The nodes that an edge leads to from this one, in the order in which they were declared. */
export function readersOf(
  { index }: GraphNode,
  nodes: readonly GraphNode[],
  carries: (edge: Edge) => boolean = () => true,
): GraphNode[] {
  return nodes.filter(({ inputs }) => inputs.some((edge) => edge.from === index && carries(edge)));
}
