import { describeGraph } from './describe.ts';
import { groupingWrittenBy, inputTopicOf, storesOf, type GraphNode } from './graph.ts';
import type { SubTopology, Topology } from './topology.ts';

/** Cuts the graph into sub-topologies: what is joined by an edge or by a shared store belongs together. */
export function cutIntoSubTopologies(nodes: readonly GraphNode[]): Topology {
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
  const topicHome = new Map<string, number>();
  const joinAtHome = (homes: Map<string, number>, name: string, index: number): void => {
    const home = homes.get(name);
    if (home === undefined) homes.set(name, index);
    else join(home, index);
  };
  for (const node of nodes) {
    for (const { from, carries } of node.inputs) if (carries !== 'global') join(from, node.index);
    for (const { name } of storesOf(node)) joinAtHome(storeHome, name, node.index);
    const topic = inputTopicOf(node);
    if (topic !== undefined) joinAtHome(topicHome, JSON.stringify(topic), node.index);
  }
  const globalTables = nodes.flatMap((node) => (node.kind === 'global-table' ? node : []));
  const inTasks = nodes.filter(({ kind }) => kind !== 'global-table');
  const roots = [...new Set(inTasks.map((node) => find(node.index)))].sort((a, b) => a - b);
  const subTopologies = roots.map((root, id): SubTopology => {
    const members = nodes.filter((node) => find(node.index) === root);
    const stores = new Map(members.flatMap(storesOf).map((store) => [store.name, store]));
    const sources = new Map(
      // At equal event times a row of a table goes before a record of a stream.
      [...members]
        .sort((a, b) => Number(isTable(b)) - Number(isTable(a)) || a.index - b.index)
        .flatMap((node) => inputTopicOf(node) ?? [])
        .map((topic) => [JSON.stringify(topic), topic]),
    );
    return {
      id,
      nodes: members,
      sources: [...sources.values()],
      stores: [...stores.values()],
      writesGroupings: [...new Set(members.flatMap((node) => groupingWrittenBy(node)?.grouping ?? []))],
    };
  });
  return {
    nodes,
    subTopologies,
    globalTables,
    describe: (applicationId) => describeGraph(nodes, subTopologies, applicationId),
  };
}

function isTable(node: GraphNode): boolean {
  return node.kind === 'source' && node.role === 'table';
}
