import type { StoreSpec } from '../store/typed-store.ts';
import type { ProcessorStore } from './processor-context.ts';
import { StreamsError } from '../errors.ts';
import { isFixed, type FixedWindows, type Windows } from './windows.ts';
import { filtersThatKnow } from './knows-before.ts';
import { addressOf, nodeName, storesOfJoin, type DeclaredNode, type GraphNode, type NodeDeclaration } from './graph.ts';
import { findGraphProblem, findNodeProblem, findStoreProblem } from './topology-checks.ts';
import { lateAfterMsOf } from './late-after.ts';
import { cutIntoSubTopologies } from './sub-topologies.ts';
import type { Topology } from './topology.ts';

/** The graph under construction. Streams, groupings and tables add nodes here; nothing that is added ever changes. */
export class GraphBuilder {
  readonly #nodes: DeclaredNode[] = [];
  /** Those of no node. */
  readonly #stores: StoreSpec[] = [];
  /** What is wrong with the declarations so far: thrown when the topology is built, with the stack of the first. */
  readonly #problems: StreamsError[] = [];
  #built = false;

  /** The number that the next node gets. */
  get size(): number {
    return this.#nodes.length;
  }

  /** @throws StreamsError TOPOLOGY_INVALID after `build`. */
  add(declaration: NodeDeclaration): DeclaredNode {
    if (this.#built)
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        'the topology is built already: what is added now would be in none. Declare everything before build()',
      );
    const index = this.#nodes.length;
    const node: DeclaredNode = { ...declaration, index, name: nodeName(declaration.kind, index) };
    this.#nodes.push(node);
    const problem = findNodeProblem(node, this.#nodes);
    if (problem !== undefined) this.refuse(problem);
    return node;
  }

  /** A store that several processors share, by its name. */
  addStore(spec: StoreSpec): void {
    this.#stores.push(spec);
    const problem = findStoreProblem('addStore()', spec);
    if (problem !== undefined) this.refuse(problem);
  }

  /** The first node that a test takes. */
  find(test: (node: DeclaredNode) => boolean): DeclaredNode | undefined {
    return this.#nodes.find(test);
  }

  /** Remembers a declaration that cannot become a node, for `build` to refuse; the caller goes on. */
  refuse(problem: string): void {
    this.#problems.push(new StreamsError('TOPOLOGY_INVALID', problem));
  }

  /** The source of a repartition topic; groupings of one name share it. */
  repartitionSource(grouping: string): DeclaredNode {
    return (
      this.find((node) => node.kind === 'repartition-source' && node.grouping === grouping) ??
      this.add({ kind: 'repartition-source', inputs: [], grouping })
    );
  }

  /** @throws StreamsError TOPOLOGY_INVALID */
  build(): Topology {
    if (this.#nodes.length === 0)
      throw new StreamsError('TOPOLOGY_INVALID', 'the topology is empty: call builder.stream(topic, …) first');
    const [refused] = this.#problems;
    if (refused !== undefined) throw refused;
    const knowing = filtersThatKnow(this.#nodes);
    const declared = this.#nodes.map((node) => withRows(node, this.#nodes, knowing));
    const stores = completedStores(declared, this.#stores);
    const nodes = declared.map((node) => completedNode(node, { nodes: declared, stores, knowing }));
    const problem = findGraphProblem(nodes, this.#stores);
    if (problem !== undefined) throw new StreamsError('TOPOLOGY_INVALID', problem);
    this.#built = true;
    return cutIntoSubTopologies(nodes);
  }
}

/** A foreign-key join keeps its rows if somebody looks at them: they cannot be made of what this task has. */
function withRows(node: DeclaredNode, nodes: readonly DeclaredNode[], knowing: ReadonlySet<number>): DeclaredNode {
  return node.kind === 'foreign-join' && node.store === undefined && isLookedInto(node, nodes, knowing)
    ? { ...node, store: node.resultStore }
    : node;
}

/** Whether somebody looks at the rows of a table, or at those that an operator behind it makes of them. */
function isLookedInto({ index }: DeclaredNode, nodes: readonly DeclaredNode[], knowing: ReadonlySet<number>): boolean {
  return nodes.some(
    (node) =>
      node.inputs.some(({ from, carries }) => from === index && carries === 'rows') &&
      ((node.kind !== 'table-filter' && node.kind !== 'table-map-values') ||
        knowing.has(node.index) ||
        isLookedInto(node, nodes, knowing)),
  );
}

/** Of a declared store, what follows from how it is used. */
type CompletedStores = ReadonlyMap<StoreSpec, StoreSpec>;

/** Keeps the keys of stores that processors use in order, and the times of rows that somebody else reads. */
function completedStores(nodes: readonly DeclaredNode[], added: readonly StoreSpec[]): CompletedStores {
  const used = new Set(nodes.flatMap((node) => (node.kind === 'process' ? node.uses : [])));
  const isRead = ({ index }: DeclaredNode): boolean =>
    nodes.some(({ inputs }) =>
      inputs.some(({ from, carries }) => from === index && (carries === 'changes' || carries === 'rows')),
    );
  const completed = new Map<StoreSpec, StoreSpec>(added.map((spec) => [spec, { ...spec, indexed: true }]));
  for (const node of nodes) {
    for (const spec of declaredStores(node)) {
      const isUsed = used.has(spec) || used.has(spec.name);
      // A version has its time in its key.
      const isTimed = node.kind !== 'process' && spec.kind !== 'versioned' && isRead(node);
      completed.set(spec, {
        ...spec,
        ...(isTimed ? { timed: true } : {}),
        ...(isUsed ? { indexed: true } : {}),
      });
    }
  }
  return completed;
}

function declaredStores(node: DeclaredNode): StoreSpec[] {
  if (node.kind === 'process') return node.uses.filter((use) => typeof use === 'object' && use !== null);
  if (node.kind === 'stream-stream-join') return storesOfJoin(node);
  if (node.kind === 'stream-table-join') return node.held === undefined ? [] : [node.held.store];
  return 'store' in node && typeof node.store === 'object' ? [node.store] : [];
}

/** A node with what follows from others, which may be declared after it. */
function completedNode(
  node: DeclaredNode,
  {
    nodes,
    stores,
    knowing,
  }: {
    readonly nodes: readonly DeclaredNode[];
    readonly stores: CompletedStores;
    readonly knowing: ReadonlySet<number>;
  },
): GraphNode {
  switch (node.kind) {
    case 'combine':
      return { ...node, feeds: feedsOf(node.index, nodes) };
    case 'send':
      return {
        ...node,
        nullKeys: isJoinedWithoutKeys(node, nodes) ? 'keep' : node.nullKeys,
        routes: routesOf(node.index, nodes),
        lateAfterMs: lateAfterMsOf(node, nodes),
      };
    case 'table-filter': {
      const store = node.store === undefined ? undefined : (stores.get(node.store) ?? node.store);
      return { ...node, store, knowsBefore: knowing.has(node.index) };
    }
    case 'table-group':
      return { ...node, routes: routesOf(node.index, nodes) };
    case 'repartitioned': {
      const edge = node.inputs.find(({ carries }) => carries === 'routed');
      return { ...node, routes: edge?.carries === 'routed' ? routesOf(edge.sender, nodes) : [] };
    }
    case 'process':
      return { ...node, stores: node.uses.flatMap((use) => storeInUse(use, stores)) };
    case 'stream-table-join': {
      const { held } = node;
      return held === undefined ? node : { ...node, held: { ...held, store: stores.get(held.store) ?? held.store } };
    }
    case 'stream-stream-join': {
      const [left, right, unmatched] = storesOfJoin(node).map((store) => stores.get(store) ?? store);
      return { ...node, left: left ?? node.left, right: right ?? node.right, unmatched };
    }
    default:
      return 'store' in node && node.store !== undefined
        ? ({ ...node, store: stores.get(node.store) ?? node.store } as GraphNode)
        : (node as GraphNode);
  }
}

function storeInUse(use: ProcessorStore, stores: CompletedStores): StoreSpec[] {
  if (typeof use !== 'string') return [stores.get(use) ?? use];
  const found = [...stores.values()].find(({ name }) => name === use);
  return found === undefined ? [] : [found];
}

function feedsOf(
  combine: number,
  nodes: readonly DeclaredNode[],
): { store: string; windows: FixedWindows | undefined }[] {
  return nodes.flatMap((node) =>
    node.kind === 'merge-partials' &&
    node.inputs.some((edge) => edge.carries === 'partials' && edge.combine === combine)
      ? { store: addressOf(node), windows: fixed(node.windows) }
      : [],
  );
}

/** Partials go into no others. */
function fixed(windows: Windows | undefined): FixedWindows | undefined {
  return windows !== undefined && isFixed(windows) ? windows : undefined;
}

/**
 * What the records of a sender may be known by: the stores of the aggregations directly behind its repartition topic,
 * since their names stay when statements change places.
 */
function routesOf(sender: number, nodes: readonly DeclaredNode[]): string[] {
  const behind = nodes.filter(({ inputs }) =>
    inputs.some((edge) => edge.carries === 'routed' && edge.sender === sender),
  );
  return behind.flatMap((reader) =>
    reader.kind === 'table-aggregate'
      ? reader.store.name
      : nodes.flatMap((node) =>
          node.kind === 'aggregate' && node.inputs.some(({ from }) => from === reader.index) ? addressOf(node) : [],
        ),
  );
}

/** Steps behind which a record still has the key that it came with. */
const KEEPS_KEY: ReadonlySet<string> = new Set([
  'repartitioned',
  'filter',
  'peek',
  'map-values',
  'flat-map-values',
  'branch',
  'branch-child',
  'merge',
]);

/** A join behind the repartition topic hands on records without a key: they must get there. */
function isJoinedWithoutKeys(sender: DeclaredNode, nodes: readonly DeclaredNode[]): boolean {
  const reaches = (from: number): boolean =>
    nodes.some(({ kind, index, inputs, ...node }) => {
      const edges = inputs.filter(
        (edge) => edge.from === from && (edge.carries === 'records' || edge.carries === 'branch'),
      );
      if (edges.length === 0) return false;
      if (kind === 'stream-table-join' || kind === 'stream-stream-join' || kind === 'stream-global-join')
        return (node as { readonly joins: string }).joins !== 'inner';
      return KEEPS_KEY.has(kind) && reaches(index);
    });
  return nodes.some(
    ({ index, inputs }) =>
      inputs.some((edge) => edge.carries === 'routed' && edge.sender === sender.index) && reaches(index),
  );
}
