import { groupingWrittenBy, type DeclaredNode, type GraphNode } from './graph.ts';
import { isUnlimited, type Windows } from './windows.ts';

/**
 * How far a record that is sent by itself may lie behind stream time without being late for any window behind its
 * repartition topic. Undefined: nobody there would say so, or it cannot be told in time, since something else is sent
 * to the topic with the commit, whose order means nothing.
 */
export function lateAfterMsOf(sender: DeclaredNode, nodes: readonly DeclaredNode[]): number | undefined {
  const grouping = groupingWrittenBy(sender as GraphNode)?.grouping;
  const isAlone = nodes.every((node) => node === sender || groupingWrittenBy(node as GraphNode)?.grouping !== grouping);
  if (!isAlone || reached(sender, (node) => parentsOf(node, nodes)).some(({ kind }) => kind === 'to-stream'))
    return undefined;
  const behind = nodes
    .filter(({ inputs }) => inputs.some((edge) => edge.carries === 'routed' && edge.sender === sender.index))
    .flatMap((node) => [node, ...reached(node, (at) => childrenOf(at, nodes))]);
  const windows = behind.flatMap((node) =>
    node.kind === 'aggregate' && node.windows !== undefined ? node.windows : [],
  );
  return windows.length === 0 ? undefined : Math.min(...windows.map(openForMs));
}

/** All windows of a record of so long ago are open, and so are all sessions that it can become part of. */
function openForMs(windows: Windows): number {
  return isUnlimited(windows) ? Infinity : windows.graceMs;
}

/** All that lies in front of a node, or behind it, by what `next` says. */
function reached(node: DeclaredNode, next: (node: DeclaredNode) => DeclaredNode[]): DeclaredNode[] {
  const found = new Set<DeclaredNode>();
  const visit = (at: DeclaredNode): void => {
    for (const other of next(at)) {
      if (found.has(other)) continue;
      found.add(other);
      visit(other);
    }
  };
  visit(node);
  return [...found];
}

function parentsOf({ inputs }: DeclaredNode, nodes: readonly DeclaredNode[]): DeclaredNode[] {
  return nodes.filter(({ index }) => inputs.some(({ from }) => from === index));
}

/** Those that are given records at once. */
function childrenOf({ index }: DeclaredNode, nodes: readonly DeclaredNode[]): DeclaredNode[] {
  return nodes.filter(({ inputs }) =>
    inputs.some(({ from, carries }) => from === index && (carries === 'records' || carries === 'branch')),
  );
}
