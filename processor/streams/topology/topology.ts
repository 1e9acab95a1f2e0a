import type { StoreSpec } from '../store/typed-store.ts';
import type { Emit, TaskRuntime } from './processor-context.ts';
import type { ConsumerRecord } from './record.ts';

/** A node of the graph. `attach` makes its live part for one task, given what comes after it. */
export interface TopologyNode {
  readonly index: number;
  /** FILTER, AGGREGATE and so on: the middle of the name. */
  readonly kind: string;
  /** `KSTREAM-FILTER-0000000003`, as Kafka Streams numbers them. */
  readonly name: string;
  readonly parents: readonly number[];
  readonly stores: readonly StoreSpec<unknown>[];
  /** `name`: the node's own, for what it throws. */
  readonly attach: (runtime: TaskRuntime, next: Emit, name: string) => Emit;
  /** It does something with the key of what it gets. Asked when all nodes of a task are attached. */
  readonly readsKey?: () => boolean;
  /** What it hands on has a key of its own. */
  readonly changesKey?: boolean;
  /** Sources only. */
  readonly source?: SourceSpec;
  /** Nodes that write to a topic. */
  readonly sinkTopic?: TopicName;
  /** An aggregation that may keep values, or parts of them, in its accumulators. */
  readonly keepsValues?: boolean;
  /** Combiners only: the stores that each of their partials goes into. */
  readonly feeds?: readonly string[];
}

/** A user's topic by its name, or an internal repartition topic by its grouping name. */
export type TopicName = { readonly topic: string } | { readonly grouping: string };

/** A source's live part in one task. */
export interface OpenSource {
  /** Reads a record and hands it on, for a task with nothing to put in order. */
  readonly process: (record: ConsumerRecord) => void;
  /** Reads a record and does nothing with it yet: its event time decides when it is its turn. */
  readonly read: (record: ConsumerRecord) => ReadRecord;
}

export interface ReadRecord {
  /** What the record is put in order by; undefined (a dead letter, a word on progress): at once. */
  readonly timestampMs: number | undefined;
  /** Hands on what was read. Says nothing to `time`: whoever chose the record knows its time. */
  readonly handOn: () => void;
}

export interface SourceSpec {
  readonly from: TopicName;
  readonly open: (
    runtime: TaskRuntime,
    next: Emit,
    deadLetters: Emit,
    time: (timestampMs: number) => void,
  ) => OpenSource;
  readonly deadLetterTopic?: string;
  /** The node that receives what this source could not read, if any. */
  readonly deadLettersTo?: number;
}

/** Whether any node behind this one does something with the keys that it hands on. */
export function keysAreRead(nodes: readonly TopologyNode[], index: number): boolean {
  return nodes.some(
    (node) =>
      node.parents.includes(index) &&
      (node.readsKey?.() === true || (node.changesKey !== true && keysAreRead(nodes, node.index))),
  );
}

/** A connected part of the graph: as many tasks as its source topics have partitions. */
export interface SubTopology {
  readonly id: number;
  readonly nodes: readonly TopologyNode[];
  readonly sources: readonly TopicName[];
  readonly stores: readonly StoreSpec<unknown>[];
  /** Grouping names of the repartition topics it writes. */
  readonly writesGroupings: readonly string[];
}

export interface Topology {
  readonly nodes: readonly TopologyNode[];
  readonly subTopologies: readonly SubTopology[];
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

/** Topics that a sub-topology writes to besides its changelogs: sinks, repartition topics, dead letters. */
export function outputsOf({ nodes }: SubTopology, applicationId: string): string[] {
  const sinks = nodes.flatMap(({ sinkTopic }) =>
    sinkTopic === undefined ? [] : [topicNameOf(sinkTopic, applicationId)],
  );
  const deadLetters = nodes.flatMap(({ source }) =>
    source?.deadLetterTopic === undefined ? [] : [source.deadLetterTopic],
  );
  return [...new Set([...sinks, ...deadLetters])];
}

/** Cuts the graph into sub-topologies: what is joined by an edge or by a shared store belongs together. */
export function buildTopology(nodes: readonly TopologyNode[]): Topology {
  const owner = nodes.map((_, index) => index);
  const find = (index: number): number => {
    let root = index;
    while (owner[root] !== root) root = owner[root] as number;
    return root;
  };
  const join = (a: number, b: number): void => {
    const [low, high] = [find(a), find(b)].sort((x, y) => x - y) as [number, number];
    owner[high] = low;
  };
  const storeHome = new Map<string, number>();
  const sourceHome = new Map<string, number>();
  for (const node of nodes) {
    for (const parent of node.parents) join(parent, node.index);
    if (node.source?.deadLettersTo !== undefined) join(node.index, node.source.deadLettersTo);
    for (const { name } of node.stores) {
      const home = storeHome.get(name);
      if (home === undefined) storeHome.set(name, node.index);
      else join(home, node.index);
    }
    if (node.source !== undefined) {
      const key = JSON.stringify(node.source.from);
      const home = sourceHome.get(key);
      if (home === undefined) sourceHome.set(key, node.index);
      else join(home, node.index);
    }
  }
  const roots = [...new Set(nodes.map((n) => find(n.index)))].sort((a, b) => a - b);
  const subTopologies = roots.map((root, id): SubTopology => {
    const members = nodes.filter((n) => find(n.index) === root);
    const stores = new Map(members.flatMap((n) => n.stores).map((s) => [s.name, s]));
    const sources = new Map(
      members.flatMap((n) => (n.source === undefined ? [] : [n.source.from])).map((s) => [JSON.stringify(s), s]),
    );
    const groupings = members.flatMap((n) =>
      n.sinkTopic !== undefined && 'grouping' in n.sinkTopic ? [n.sinkTopic.grouping] : [],
    );
    return {
      id,
      nodes: members,
      sources: [...sources.values()],
      stores: [...stores.values()],
      writesGroupings: [...new Set(groupings)],
    };
  });
  return { nodes, subTopologies, describe: (applicationId) => describe(nodes, subTopologies, applicationId) };
}

function describe(
  nodes: readonly TopologyNode[],
  subTopologies: readonly SubTopology[],
  applicationId: string,
): string {
  const lines = ['Topologies:'];
  for (const { id, nodes: members } of subTopologies) {
    lines.push(`   Sub-topology: ${String(id)}`);
    for (const node of members) {
      const children = nodes.filter((n) => n.parents.includes(node.index)).map((n) => n.name);
      const deadLetters =
        node.source?.deadLettersTo === undefined ? [] : [nodes[node.source.deadLettersTo]?.name ?? ''];
      const parents = [
        ...node.parents.map((p) => nodes[p]?.name ?? ''),
        ...nodes.filter((n) => n.source?.deadLettersTo === node.index).map((n) => n.name),
      ];
      if (node.source !== undefined)
        lines.push(`    Source: ${node.name} (topics: [${topicNameOf(node.source.from, applicationId)}])`);
      else if (node.sinkTopic !== undefined)
        lines.push(`    Sink: ${node.name} (topic: ${topicNameOf(node.sinkTopic, applicationId)})`);
      else lines.push(`    Processor: ${node.name} (stores: [${node.stores.map((s) => s.name).join(', ')}])`);
      if (node.sinkTopic === undefined) lines.push(`      --> ${[...children, ...deadLetters].join(', ') || 'none'}`);
      if (node.source === undefined) lines.push(`      <-- ${parents.join(', ') || 'none'}`);
    }
    lines.push('');
  }
  return lines.join('\n');
}
