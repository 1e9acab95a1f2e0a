import type { StoreSpec } from '../store/typed-store.ts';
import { StreamsError } from '../errors.ts';
import type { TimeWindows } from './windows.ts';
import { nodeName, type DeclaredNode, type GraphNode, type NodeDeclaration } from './graph.ts';
import { findGraphProblem, findNodeProblem } from './topology-checks.ts';
import { cutIntoSubTopologies } from './sub-topologies.ts';
import type { Topology } from './topology.ts';

/** The graph under construction. Streams, groupings and tables add nodes here; nothing that is added ever changes. */
export class GraphBuilder {
  readonly #nodes: DeclaredNode[] = [];
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
    const nodes = this.#nodes.map((node) => completed(node, this.#nodes));
    const problem = findGraphProblem(nodes);
    if (problem !== undefined) throw new StreamsError('TOPOLOGY_INVALID', problem);
    this.#built = true;
    return cutIntoSubTopologies(nodes);
  }
}

/** A node with what follows from others, which may be declared after it. */
function completed(node: DeclaredNode, nodes: readonly DeclaredNode[]): GraphNode {
  if (node.kind === 'combine') return { ...node, feeds: feedsOf(node.index, nodes) };
  if (node.kind !== 'process') return node;
  const stores = node.uses.flatMap((store) =>
    typeof store === 'string' ? (declaredStore(store, nodes) ?? []) : store,
  );
  return { ...node, stores };
}

function feedsOf(
  combine: number,
  nodes: readonly DeclaredNode[],
): { store: string; windows: TimeWindows | undefined }[] {
  return nodes.flatMap((node) =>
    node.kind === 'merge-partials' &&
    node.inputs.some((edge) => edge.carries === 'partials' && edge.combine === combine)
      ? { store: node.store.name, windows: node.windows }
      : [],
  );
}

function declaredStore(name: string, nodes: readonly DeclaredNode[]): StoreSpec<unknown> | undefined {
  for (const node of nodes) {
    if ((node.kind === 'aggregate' || node.kind === 'merge-partials') && node.store.name === name) return node.store;
    if (node.kind !== 'process') continue;
    const spec = node.uses.find((store) => typeof store !== 'string' && store.name === name);
    if (typeof spec === 'object') return spec;
  }
  return undefined;
}
