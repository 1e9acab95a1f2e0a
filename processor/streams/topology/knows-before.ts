import type { DeclaredNode, JoinSide } from './graph.ts';

/**
 * The filters of tables that know what a row was before: they tell nothing of one that was never there. Kafka Streams
 * decides it statement by statement (`KTableImpl.enableSendingOldValues`), so that what is declared behind a filter may
 * count, and what is declared in front of it: a filter asks the table that it reads, and a table that nobody has named
 * answers only if it is kept for somebody else by then. Who cannot do without makes it kept.
 */
export function filtersThatKnow(nodes: readonly DeclaredNode[]): ReadonlySet<number> {
  const knowing = new Set<number>();
  const telling = new Set<number>();
  const kept = new Set(nodes.flatMap((node) => (isNamed(node) ? node.index : [])));

  const tablesOf = ({ inputs }: DeclaredNode, carries: 'changes' | 'rows'): DeclaredNode[] =>
    nodes.filter(({ index }) => inputs.some((edge) => edge.from === index && edge.carries === carries));

  /** Whether a table tells what its rows were before. */
  const tells = (table: DeclaredNode, isNeeded: boolean): boolean => {
    if (telling.has(table.index)) return true;
    const before = tablesOf(table, 'changes');
    switch (table.kind) {
      case 'to-table':
      case 'foreign-join':
        if (!isNeeded && !kept.has(table.index)) return false;
        kept.add(table.index);
        break;
      case 'table-filter':
      case 'table-map-values':
        if (table.store === undefined && !before.every((one) => tells(one, isNeeded))) return false;
        if (table.kind === 'table-filter') knowing.add(table.index);
        break;
      case 'table-suppress':
        if (!before.every((one) => tells(one, isNeeded))) return false;
        break;
      case 'table-join':
        // It has nowhere else to look.
        for (const one of before) tells(one, true);
        break;
      default:
        // Aggregations always have their rows.
        break;
    }
    telling.add(table.index);
    return true;
  };

  /** Somebody looks at the rows of a table: its source is kept. */
  const look = (table: DeclaredNode): void => {
    if (table.kind === 'to-table' || table.kind === 'foreign-join') kept.add(table.index);
    else if (!('store' in table) || table.store === undefined) for (const one of tablesOf(table, 'rows')) look(one);
  };

  for (const node of nodes) {
    switch (node.kind) {
      case 'table-filter':
        if (tablesOf(node, 'changes').every((one) => tells(one, false))) knowing.add(node.index);
        break;
      case 'table-join': {
        const needs: readonly (JoinSide | undefined)[] =
          node.joins === 'inner' ? [] : node.joins === 'left' ? ['left'] : ['left', 'right'];
        // mutant: needed-by-a-join
        for (const edge of node.inputs)
          if (edge.carries === 'changes' && needs.includes(edge.side)) tells(nodes[edge.from] as DeclaredNode, true);
        tablesOf(node, 'rows').forEach(look);
        break;
      }
      case 'table-group':
      case 'foreign-subscribe':
      case 'foreign-respond':
      case 'table-suppress':
        for (const one of tablesOf(node, 'changes')) tells(one, true);
        break;
      case 'stream-table-join':
        tablesOf(node, 'rows').forEach(look);
        break;
      default:
        break;
    }
  }

  const isVersioned = (table: DeclaredNode): boolean =>
    table.kind === 'to-table'
      ? table.store.kind === 'versioned'
      : (table.kind === 'table-filter' || table.kind === 'table-map-values') &&
        table.store === undefined &&
        tablesOf(table, 'changes').some(isVersioned);
  // Of a versioned table Kafka Streams hands on what does not pass a filter, whatever was there before.
  const isSpared = (index: number): boolean => tablesOf(nodes[index] as DeclaredNode, 'changes').some(isVersioned);
  return new Set([...knowing].filter((index) => !isSpared(index)));
}

/** It keeps its rows in a store that the user named. */
function isNamed(node: DeclaredNode): boolean {
  return (node.kind === 'to-table' && node.isNamed) || (node.kind === 'foreign-join' && node.store !== undefined);
}
