import { hasChangelog, type StoreSpec } from '../store/typed-store.ts';
import { outputTopicOf, type GlobalTableNode, type GraphNode, type TopicName } from './graph.ts';

/** A connected part of the graph: as many tasks as its source topics have partitions. */
export interface SubTopology {
  readonly id: number;
  readonly nodes: readonly GraphNode[];
  readonly sources: readonly TopicName[];
  readonly stores: readonly StoreSpec<unknown>[];
  /** Grouping names of the repartition topics it writes. */
  readonly writesGroupings: readonly string[];
}

export interface Topology {
  readonly nodes: readonly GraphNode[];
  readonly subTopologies: readonly SubTopology[];
  /** In no sub-topology. */
  readonly globalTables: readonly GlobalTableNode[];
  /** The graph as text, in the form of Kafka Streams' describe(). */
  describe(applicationId: string): string;
}

/** `<applicationId>-<grouping>-repartition` */
export function repartitionTopic(applicationId: string, grouping: string): string {
  return `${applicationId}-${grouping}-repartition`;
}

/** `<applicationId>-<store>-changelog` */
export function changelogTopic(applicationId: string, store: string): string {
  return `${applicationId}-${store}-changelog`;
}

/** `<applicationId>-status` */
export function statusTopic(applicationId: string): string {
  return `${applicationId}-status`;
}

/** `<applicationId>-offsets`: where each task's input stands, beside the group's own offsets. */
export function offsetsTopic(applicationId: string): string {
  return `${applicationId}-offsets`;
}

/** Every topic that nobody but the runtime writes. */
export function internalTopicsOf({ subTopologies }: Topology, applicationId: string): ReadonlySet<string> {
  return new Set([
    statusTopic(applicationId),
    offsetsTopic(applicationId),
    ...subTopologies.flatMap(({ stores, writesGroupings }) => [
      ...stores.filter(hasChangelog).map(({ name }) => changelogTopic(applicationId, name)),
      ...writesGroupings.map((name) => repartitionTopic(applicationId, name)),
    ]),
  ]);
}

export function topicNameOf(name: TopicName, applicationId: string): string {
  return 'topic' in name ? name.topic : repartitionTopic(applicationId, name.grouping);
}

/** The user's topics that these sub-topologies read, each once: no repartition topic is among them. */
export function inputTopicsOf(subTopologies: readonly SubTopology[]): string[] {
  return [
    ...new Set(
      subTopologies.flatMap(({ sources }) => sources.flatMap((source) => ('topic' in source ? [source.topic] : []))),
    ),
  ];
}

/** The topics of global tables, each once. */
export function globalTopicsOf({ globalTables }: Pick<Topology, 'globalTables'>): string[] {
  return [...new Set(globalTables.map(({ topic }) => topic))];
}

/**
 * The user's topics whose records move the event time of a task: those of streams; where a sub-topology reads tables
 * only, theirs.
 */
export function timedTopicsOf(subTopology: SubTopology): string[] {
  const sourceNodes = subTopology.nodes.flatMap((node) => (node.kind === 'source' ? node : []));
  const timed = readsTablesOnly(subTopology) ? sourceNodes : sourceNodes.filter(({ role }) => role === 'stream');
  return [...new Set(timed.map(({ topic }) => topic))];
}

/** What it reads are rows of tables, or what the other side of a foreign-key join says of them. */
export function readsTablesOnly({ nodes, sources }: Pick<SubTopology, 'nodes' | 'sources'>): boolean {
  const foreign = foreignGroupingsOf(nodes);
  return (
    !nodes.some((node) => node.kind === 'source' && node.role === 'stream') &&
    !sources.some((source) => 'grouping' in source && !foreign.has(source.grouping))
  );
}

/** The repartition topics, by their grouping names, through which the sides of foreign-key joins talk to each other. */
export function foreignGroupingsOf(nodes: readonly GraphNode[]): ReadonlySet<string> {
  const ownTopics = new Set(
    nodes.flatMap((node) =>
      node.kind === 'foreign-respond' || node.kind === 'foreign-join'
        ? node.inputs.flatMap(({ from, carries }) => (carries === 'routed' ? from : []))
        : [],
    ),
  );
  return new Set(
    nodes.flatMap((node) => (node.kind === 'repartition-source' && ownTopics.has(node.index) ? node.grouping : [])),
  );
}

/** The stores of a sub-topology that forget with stream time, or give back with it what they hold. */
export function storesByTimeOf({ nodes, stores }: Pick<SubTopology, 'nodes' | 'stores'>): StoreSpec<unknown>[] {
  const held = new Set(nodes.flatMap((node) => (node.kind === 'table-suppress' ? node.held.name : [])));
  return stores.filter(({ kind, name }) => kind !== 'key-value' || held.has(name));
}

/** Topics that a sub-topology writes to besides its changelogs: sinks, repartition topics, dead letters. */
export function outputsOf({ nodes }: SubTopology, applicationId: string): string[] {
  const written = nodes.flatMap((node) => {
    const topic = outputTopicOf(node);
    return topic === undefined ? [] : [topicNameOf(topic, applicationId)];
  });
  return [...new Set([...written, ...nodes.flatMap(deadLetterTopicOf)])];
}

/** The topics of its user's that a sub-topology writes to: sinks and dead letters. */
export function userOutputsOf({ nodes }: SubTopology): string[] {
  return [
    ...new Set(
      nodes.flatMap((node) =>
        node.kind === 'sink' ? (typeof node.topic === 'string' ? [node.topic] : []) : deadLetterTopicOf(node),
      ),
    ),
  ];
}

function deadLetterTopicOf(node: GraphNode): string[] {
  return node.kind === 'source' && node.deadLetterTopic !== undefined ? [node.deadLetterTopic] : [];
}
