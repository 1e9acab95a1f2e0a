import { countAggregate } from './aggregate.ts';
import { readersOf, type GraphNode, type NodeKind } from './graph.ts';

/** Hand on the very value that they were given. */
const PASSES: ReadonlySet<NodeKind> = new Set(['filter', 'branch', 'branch-child', 'merge', 'repartitioned']);
/** Hand a value to one of those that read them. */
const ONE_OF: ReadonlySet<NodeKind> = new Set(['branch', 'repartition-source']);
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
function keepsValues(node: GraphNode): boolean {
  return (node.kind === 'combine' || node.kind === 'aggregate') && node.aggregate !== countAggregate;
}

/**
 * Whether a node must be given a copy of each value: it may change the value, or keep it in an accumulator that changes
 * later, and others are given the same one. One that only keeps it may have the value itself if it is the last one.
 */
export function needsOwnValues(node: GraphNode, nodes: readonly GraphNode[]): boolean {
  if (!CHANGES.has(node.kind) && !keepsValues(node)) return false;
  // A function may return one object again and again, changed, and a processor forward what it goes on changing.
  // mutant: kept-behind-changes
  if (keepsValues(node) && originsOf(node, nodes).some(({ kind }) => CHANGES.has(kind))) return true;
  // mutant: shared-values
  if (!isShared(node, nodes)) return false;
  if (CHANGES.has(node.kind)) return true;
  // mutant: kept-before-readers
  return originsOf(node, nodes).some((origin) => placeBehind(origin, node, nodes) !== 'last');
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

/** Where a node stands among all that are handed one value, in the order in which they are. */
function placeBehind(from: GraphNode, node: GraphNode, nodes: readonly GraphNode[]): 'nowhere' | 'last' | 'followed' {
  let place: 'nowhere' | 'last' = 'nowhere';
  for (const child of childrenOf(from, nodes)) {
    if (place === 'last' && !ONE_OF.has(from.kind)) return 'followed';
    const found = child === node ? 'last' : PASSES.has(child.kind) ? placeBehind(child, node, nodes) : 'nowhere';
    if (found === 'followed') return found;
    if (found === 'last') place = found;
  }
  return place;
}

function parentsOf({ inputs }: GraphNode, nodes: readonly GraphNode[]): GraphNode[] {
  return nodes.filter(({ index }) => inputs.some(({ from }) => from === index));
}

/** Dead letters and late records are values of their own. */
function childrenOf(node: GraphNode, nodes: readonly GraphNode[]): GraphNode[] {
  return readersOf(node, nodes, ({ carries }) => carries !== 'dead-letters' && carries !== 'late');
}
