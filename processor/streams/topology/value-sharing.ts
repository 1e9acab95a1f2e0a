import type { TopologyNode } from './topology.ts';

/** Hand on the very value that they were given. */
const PASSES = new Set(['FILTER', 'BRANCH', 'BRANCHCHILD', 'MERGE']);
/** Hand the value to a function that may change it. */
const CHANGES = new Set(['MAPVALUES', 'MAP', 'FLATMAP', 'FLATMAPVALUES', 'PEEK', 'PROCESSOR']);

/**
 * Whether a node must be given a copy of each value: it may change the value, or keep it in an accumulator that changes
 * later, and others are given the same one. Of those that only keep it, one may have the value itself.
 */
export function needsOwnValues(node: TopologyNode, nodes: readonly TopologyNode[]): boolean {
  if (!CHANGES.has(node.kind) && node.keepsValues !== true) return false;
  // A function may answer one object again and again, changed, and a processor forward what it goes on changing.
  // mutant: kept-behind-changes
  if (node.keepsValues === true && originsOf(node, nodes).some(({ kind }) => CHANGES.has(kind))) return true;
  // mutant: shared-values
  if (!isShared(node, nodes)) return false;
  if (CHANGES.has(node.kind)) return true;
  return originsOf(node, nodes).some((origin) => firstKeeperBehind(origin, nodes) !== node);
}

function isShared(node: TopologyNode, nodes: readonly TopologyNode[]): boolean {
  return parentsOf(node, nodes).some(
    (parent) => childrenOf(parent, nodes).length > 1 || (PASSES.has(parent.kind) && isShared(parent, nodes)),
  );
}

/** Where the values that reach a node were made. */
function originsOf(node: TopologyNode, nodes: readonly TopologyNode[]): TopologyNode[] {
  return parentsOf(node, nodes).flatMap((parent) => (PASSES.has(parent.kind) ? originsOf(parent, nodes) : [parent]));
}

function firstKeeperBehind(origin: TopologyNode, nodes: readonly TopologyNode[]): TopologyNode | undefined {
  const keepers = childrenOf(origin, nodes).flatMap((child) =>
    child.keepsValues === true ? [child] : PASSES.has(child.kind) ? (firstKeeperBehind(child, nodes) ?? []) : [],
  );
  return keepers.sort((a, b) => a.index - b.index)[0];
}

function parentsOf({ parents }: TopologyNode, nodes: readonly TopologyNode[]): TopologyNode[] {
  return nodes.filter(({ index }) => parents.includes(index));
}

/** What a late node hands on comes from its aggregation, not from its parent. */
function childrenOf({ index }: TopologyNode, nodes: readonly TopologyNode[]): TopologyNode[] {
  return nodes.filter(({ kind, parents }) => kind !== 'LATE' && parents.includes(index));
}
