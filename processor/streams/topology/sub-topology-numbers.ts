import { describeGraph } from './describe.ts';
import type { TopologySignature } from './signature.ts';
import { sourceText } from './signature.ts';
import type { SubTopology, Topology } from './topology.ts';

/** The number of each sub-topology, in the order in which they are built. */
export type SubTopologyNumbers = readonly number[];

const READS = /^sub-topology (\d+) reads$/;
const STORE = /^store (.+)$/;
const HOME = /, in sub-topology (\d+)$/;

/**
 * Numbers are in the names of tasks, transactional ids and directories, so they stay when a release declares the same
 * in another order, or more than before: a sub-topology is known again by a store of its own, one without stores by
 * what it reads. New ones get the next numbers. Without a signature of before, and where one of before is gone: as
 * built.
 */
export function subTopologyNumbers(
  { subTopologies }: Topology,
  before: TopologySignature | undefined,
): SubTopologyNumbers {
  const asBuilt = subTopologies.map(({ id }) => id);
  if (before === undefined) return asBuilt;
  const homes = new Map<string, number>();
  const readers = new Map<string, number>();
  for (const [part, text] of Object.entries(before)) {
    const [, reader] = READS.exec(part) ?? [];
    if (reader !== undefined) readers.set(text, Number(reader));
    const [, store] = STORE.exec(part) ?? [];
    const [, home] = HOME.exec(text) ?? [];
    if (store !== undefined && home !== undefined) homes.set(store, Number(home));
  }
  const known = subTopologies.map((subTopology) => {
    const home = subTopology.stores.map(({ name }) => homes.get(name)).find((number) => number !== undefined);
    return home ?? readers.get(readText(subTopology));
  });
  let next = Math.max(-1, ...readers.values()) + 1;
  const numbers = known.map((number) => number ?? next++);
  const isWhole = [...numbers].sort((a, b) => a - b).every((number, index) => number === index);
  return isWhole ? numbers : asBuilt;
}

/** The topology with its sub-topologies under these numbers. */
export function renumbered(topology: Topology, numbers: SubTopologyNumbers): Topology {
  if (numbers.every((number, index) => number === index)) return topology;
  const { nodes } = topology;
  const subTopologies = topology.subTopologies
    .map((subTopology, index): SubTopology => ({ ...subTopology, id: numbers[index] as number }))
    .sort((a, b) => a.id - b.id);
  return { ...topology, subTopologies, describe: (id) => describeGraph(nodes, subTopologies, id) };
}

function readText({ sources }: SubTopology): string {
  return [...sources].map(sourceText).sort().join(', ');
}
