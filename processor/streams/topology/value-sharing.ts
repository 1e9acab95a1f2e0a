import { countAggregate } from './aggregate.ts';
import { readersOf, type GraphNode, type NodeKind } from './graph.ts';

/** Hand on the very value that they were given. */
const PASSES: ReadonlySet<NodeKind> = new Set(['filter', 'branch', 'branch-child', 'merge', 'repartitioned']);
/** Hand the value to a function that may change it. */
const CHANGES: ReadonlySet<NodeKind> = new Set([
  'map-values',
  'map',
  'flat-map',
  'flat-map-values',
  'peek',
  'process',
  'stream-table-join',
  'stream-global-join',
  'stream-stream-join',
]);

/** An aggregation that may keep values, or parts of them, in its accumulators. */
export function keepsValues(node: GraphNode): boolean {
  return (node.kind === 'combine' || node.kind === 'aggregate') && node.aggregate !== countAggregate;
}

/**
 * Whether a node must be given a copy of each value: it may change the value, or keep it in an accumulator that changes
 * later, and others are given the same one. Of those that only keep it, one may have the value itself.
 */
export function needsOwnValues(node: GraphNode, nodes: readonly GraphNode[]): boolean {
  if (!CHANGES.has(node.kind) && !keepsValues(node)) return false;
  // A function may return one object again and again, changed, and a processor forward what it goes on changing.
  // mutant: kept-behind-changes
  if (keepsValues(node) && originsOf(node, nodes).some(({ kind }) => CHANGES.has(kind))) return true;
  // mutant: shared-values
  if (!isShared(node, nodes)) return false;
  if (CHANGES.has(node.kind)) return true;
  return originsOf(node, nodes).some((origin) => firstKeeperBehind(origin, nodes) !== node);
}

function isShared(node: GraphNode, nodes: readonly GraphNode[]): boolean {
  return parentsOf(node, nodes).some(
    (parent) =>
      childrenOf(parent, nodes).length > 1 ||
      // A stream that is joined with itself.
      node.inputs.filter(({ from }) => from === parent.index).length > 1 ||
      (PASSES.has(parent.kind) && isShared(parent, nodes)),
  );
}

/** Where the values that reach a node were made. */
function originsOf(node: GraphNode, nodes: readonly GraphNode[]): GraphNode[] {
  return parentsOf(node, nodes).flatMap((parent) => (PASSES.has(parent.kind) ? originsOf(parent, nodes) : [parent]));
}

function firstKeeperBehind(origin: GraphNode, nodes: readonly GraphNode[]): GraphNode | undefined {
  const keepers = childrenOf(origin, nodes).flatMap((child) =>
    keepsValues(child) ? [child] : PASSES.has(child.kind) ? (firstKeeperBehind(child, nodes) ?? []) : [],
  );
  return keepers.sort((a, b) => a.index - b.index)[0];
}

function parentsOf({ inputs }: GraphNode, nodes: readonly GraphNode[]): GraphNode[] {
  return nodes.filter(({ index }) => inputs.some(({ from }) => from === index));
}

/** Dead letters and late records are values of their own. */
function childrenOf(node: GraphNode, nodes: readonly GraphNode[]): GraphNode[] {
  return readersOf(node, nodes, ({ carries }) => carries !== 'dead-letters' && carries !== 'late');
}
