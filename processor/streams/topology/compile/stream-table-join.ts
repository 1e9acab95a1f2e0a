import type { StreamTableJoinNode } from '../graph.ts';
import type { Emit, TableView, TaskRuntime } from '../task-runtime.ts';
import { failedAt, settled } from '../user-code.ts';

/** Joins each record with the row that a table has of its key now. */
export function compileStreamTableJoin(
  { name, joins, joiner }: StreamTableJoinNode,
  runtime: TaskRuntime,
  table: TableView,
  next: Emit,
): Emit {
  const join = joiner as (left: unknown, right: unknown, key: unknown) => unknown;
  const isInner = joins === 'inner';
  return (key, value, at) => {
    if (value === null || value === undefined) return runtime.drop('null-value');
    if (key === null && isInner) return runtime.drop('null-key');
    let result: unknown;
    try {
      const row = key === null ? undefined : table.row(key, at);
      if (row === undefined && isInner) return;
      result = settled(join(value, row === undefined ? null : row.value, key));
    } catch (error) {
      throw failedAt(name, error);
    }
    next(key, result, at);
  };
}
