import type { TableJoinNode } from '../graph.ts';
import type { CurrentRecord } from '../record.ts';
import type { ChangeEmit, RowChange, TableRow, TableView, TaskRuntime } from '../task-runtime.ts';
import { failedAt, settled } from '../user-code.ts';

/** The tables that a join looks into. */
export interface JoinedTables {
  readonly left: TableView;
  readonly right: TableView;
}

/** A key of which one side has changed, or both. */
interface ChangedKey {
  readonly key: unknown;
  left: RowChange | undefined;
  right: RowChange | undefined;
  current: CurrentRecord;
}

/** What a join makes of the rows of both sides; undefined: it has no such row. */
type RowJoin = (key: unknown, left: TableRow | undefined, right: TableRow | undefined) => TableRow | undefined;

function rowJoinOf({ name, joins, joiner }: TableJoinNode): RowJoin {
  const join = joiner as (left: unknown, right: unknown, key: unknown) => unknown;
  return (key, left, right) => {
    if ((left === undefined && joins !== 'outer') || (right === undefined && joins === 'inner')) return undefined;
    if (left === undefined && right === undefined) return undefined;
    try {
      const value = settled(
        join(left === undefined ? null : left.value, right === undefined ? null : right.value, key),
      );
      if (value === null || value === undefined) return undefined;
      return { value, timestampMs: Math.max(left?.timestampMs ?? -1, right?.timestampMs ?? -1) };
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}

/** The rows of a join, made of those of its tables. */
export function viewOfJoin(node: TableJoinNode, { left, right }: JoinedTables): TableView {
  const join = rowJoinOf(node);
  return {
    row: (key) => join(key, left.row(key), right.row(key)),
    before: (key) => join(key, left.before(key), right.before(key)),
  };
}

/**
 * Joins the changed rows of two tables. A key is handed on once a commit, with the rows that both sides have by then:
 * a change that has met the other side's change before it has been told already.
 */
export function compileTableJoin(
  node: TableJoinNode,
  runtime: TaskRuntime,
  {
    tables,
    idOf,
    next,
  }: { readonly tables: JoinedTables; readonly idOf: (key: unknown) => string; readonly next: ChangeEmit },
): { readonly left: ChangeEmit; readonly right: ChangeEmit } {
  const changed = new Map<string, ChangedKey>();
  const join = rowJoinOf(node);
  const view = viewOfJoin(node, tables);
  runtime.onFlush(() => {
    for (const row of changed.values()) runtime.attempt(() => tell(row));
    changed.clear();
  });
  const tell = ({ key, left: leftChange, right: rightChange, current }: ChangedKey): void => {
    runtime.current = current;
    const left = rowNow(leftChange) ?? (leftChange === undefined ? tables.left.row(key) : undefined);
    const right = rowNow(rightChange) ?? (rightChange === undefined ? tables.right.row(key) : undefined);
    const was = (side: 'left' | 'right'): boolean =>
      side === 'left'
        ? (leftChange === undefined ? left : leftChange.before()) !== undefined
        : (rightChange === undefined ? right : rightChange.before()) !== undefined;
    const row = join(key, left, right);
    if (row === undefined && !tellsTombstone(node, leftChange !== undefined, { left, right }, was)) return;
    next({
      key,
      value: row === undefined ? null : row.value,
      // Of a side that is deleted it is the time of the deletion.
      timestampMs: Math.max(
        left?.timestampMs ?? -1,
        right?.timestampMs ?? -1,
        leftChange?.timestampMs ?? -1,
        rightChange?.timestampMs ?? -1,
      ),
      before: () => view.before(key),
    });
  };
  const side =
    (name: 'left' | 'right'): ChangeEmit =>
    (change) => {
      if (change.isOutOfOrder === true) return;
      const id = idOf(change.key);
      const known = changed.get(id);
      const { current } = runtime;
      if (known === undefined)
        changed.set(id, { key: change.key, left: undefined, right: undefined, [name]: change, current });
      else Object.assign(known, { [name]: change, current });
    };
  return { left: side('left'), right: side('right') };
}

function rowNow(change: RowChange | undefined): TableRow | undefined {
  return change === undefined || change.value === null
    ? undefined
    : { value: change.value, timestampMs: change.timestampMs };
}

/**
 * Whether a key that has no joined row, or none any more, is handed on as deleted. `was`: whether a side had a row
 * before this commit.
 */
function tellsTombstone(
  { joins }: TableJoinNode,
  leftChanged: boolean,
  { left, right }: { readonly left: TableRow | undefined; readonly right: TableRow | undefined },
  was: (side: 'left' | 'right') => boolean,
): boolean {
  switch (joins) {
    case 'inner':
      return (left !== undefined && right !== undefined) || (was('left') && was('right'));
    case 'left':
      return left !== undefined || (leftChanged && (right !== undefined || was('left')));
    case 'outer':
      return left !== undefined || right !== undefined || was('left') || was('right');
  }
}
