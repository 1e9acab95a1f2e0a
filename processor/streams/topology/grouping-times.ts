import { groupingWrittenBy, type GraphNode } from './graph.ts';
import { closesMs, isSession, isUnlimited, windowEndOf, type Windows } from './windows.ts';

/**
 * By what event time a task tells the tasks behind a repartition topic how far it has come.
 *
 *   progress | as far as the task itself has come, less `holdMs`: what joins, suppressions and closing windows in front
 *            | of the topic hand on is that much older than the record that makes them do so
 *   sent     | the newest that it has sent there: nobody knows how old what processors hand on is, and
 *            | tables beside streams
 */
export type GroupingTime = { readonly by: 'progress'; readonly holdMs: number } | { readonly by: 'sent' };

/** Of each repartition topic that these nodes write to, by its grouping. */
export function groupingTimesOf(nodes: readonly GraphNode[]): ReadonlyMap<string, GroupingTime> {
  const holdMs = new Map<string, number>();
  for (const node of nodes) {
    const written = groupingWrittenBy(node);
    // Changes of tables are late for nobody.
    if (written === undefined || node.kind === 'table-group') continue;
    holdMs.set(written.grouping, Math.max(holdMs.get(written.grouping) ?? 0, holdInFrontOf(node, nodes)));
  }
  return new Map(
    [...holdMs].map(([grouping, ms]) => [grouping, ms === Infinity ? { by: 'sent' } : { by: 'progress', holdMs: ms }]),
  );
}

/**
 * How far what reaches a node may lie behind the event time of its task although it is in order; Infinity: nobody
 * knows.
 */
export function holdInFrontOf({ inputs }: GraphNode, nodes: readonly GraphNode[]): number {
  const parents = nodes.filter(({ index }) =>
    inputs.some(({ from, carries }) => from === index && carries !== 'rows' && carries !== 'partials'),
  );
  return Math.max(0, ...parents.map((parent) => holdOf(parent, nodes) + holdInFrontOf(parent, nodes)));
}

function holdOf(node: GraphNode, nodes: readonly GraphNode[]): number {
  switch (node.kind) {
    case 'source':
      // Rows of a table do not move the time of a task that also reads streams.
      return node.role === 'table' && nodes.some((other) => other.kind === 'source' && other.role === 'stream')
        ? Infinity
        : 0;
    case 'process':
    case 'foreign-join':
      return Infinity;
    case 'stream-stream-join':
      return Math.max(0, node.windows.beforeMs) + Math.max(0, node.windows.afterMs) + node.windows.graceMs;
    case 'stream-table-join':
      return node.held?.graceMs ?? 0;
    case 'table-suppress':
      return node.until.kind === 'time-limit' ? node.until.limitMs : openForMs(node.until.windows);
    default:
      return 0;
  }
}

/** From the start of a window to when it closes; of a session from its newest record. */
function openForMs(windows: Windows): number {
  if (isUnlimited(windows)) return Infinity;
  return closesMs(windows, isSession(windows) ? 0 : windowEndOf(windows, 0));
}
