import type { KeyValueStore } from '../../store/typed-store.ts';
import type { StreamGlobalJoinNode, StreamTableJoinNode } from '../graph.ts';
import type { HeldRecord } from '../held-record.ts';
import { headersByName } from '../record.ts';
import type { Emit, TableRow, TableView, TaskRuntime } from '../task-runtime.ts';
import { failedAt, isNoKey, keyBytesOf, orNull, settled } from '../user-code.ts';
import { HeldRecords } from './held-records.ts';

/** Joins each record with the row that a table has of its key: at once, or when stream time has come so far. */
export function compileStreamTableJoin(
  node: StreamTableJoinNode,
  runtime: TaskRuntime,
  table: TableView,
  next: Emit,
): Emit {
  const join = joinWith(node, next, (key, _value, at) => (key === null ? undefined : table.row(key, at)));
  const held = node.held === undefined ? undefined : holdBack(node, node.held, runtime, join);
  return (key, value, at) => {
    held?.observe(at);
    if (value === null || value === undefined) return runtime.drop('null-value');
    if (key === null && node.joins === 'inner') return runtime.drop('null-key');
    if (held === undefined || key === null) join(key, value, at);
    else held.take(key, value, at);
  };
}

/** Joins each record with the row that a global table has of the key which is made of it. */
export function compileStreamGlobalJoin(node: StreamGlobalJoinNode, runtime: TaskRuntime, next: Emit): Emit {
  const table = runtime.globalTable(node.table);
  const keyOf = node.keyOf as (value: unknown, key: unknown) => unknown;
  const join = joinWith(node, next, (key, value) => {
    const mapped = settled(keyOf(value, key));
    if (!isNoKey(mapped)) return table.row(mapped);
    if (node.joins === 'inner') runtime.drop('null-key');
    return undefined;
  });
  return (key, value, at) => {
    if (value === null || value === undefined) runtime.drop('null-value');
    else join(key, value, at);
  };
}

/** Hands on what the joiner makes of a record and its row; an inner join nothing where there is none. */
function joinWith(
  { name, joins, joiner }: Pick<StreamTableJoinNode, 'name' | 'joins' | 'joiner'>,
  next: Emit,
  rowOf: (key: unknown, value: unknown, timestampMs: number) => TableRow | undefined,
): Emit {
  const join = joiner as (left: unknown, right: unknown, key: unknown) => unknown;
  return (key, value, at) => {
    let result: unknown;
    try {
      const row = rowOf(key, value, at);
      if (row === undefined && joins === 'inner') return;
      result = orNull(join(value, row === undefined ? null : row.value, key));
    } catch (error) {
      throw failedAt(name, error);
    }
    next(key, result, at);
  };
}

/**
 * Keeps records until stream time has passed them by the grace, and joins them in order of time then. One that comes
 * later than that is joined at once.
 */
function holdBack(
  node: StreamTableJoinNode,
  { store, graceMs, key: keys }: NonNullable<StreamTableJoinNode['held']>,
  runtime: TaskRuntime,
  join: Emit,
): { observe(timestampMs: number): void; take(key: unknown, value: unknown, timestampMs: number): void } {
  const rows = runtime.keyValueStore(store.name).ownView() as KeyValueStore<unknown, unknown>;
  const held = new HeldRecords<HeldRecord>(rows as KeyValueStore<Buffer, HeldRecord>);
  const time = runtime.ownTimeOf(store.name);
  /** As the record that it was, and a failure that is let pass does not take the others with it. */
  const tell = runtime.guarded(node, (key, record, at) => {
    const { topic, partition, offset, headers, value } = record as HeldRecord;
    const { current } = runtime;
    runtime.current = { topic, partition, offset, headers: headersByName(headers), headerList: headers };
    try {
      join(key, value, at);
    } finally {
      runtime.current = current;
    }
  });
  return {
    observe: (at) => {
      time.advance(at);
    },
    take: (key, value, at) => {
      const dueMs = time.nowMs - graceMs;
      if (at < dueMs) return join(key, value, at);
      try {
        const { topic, partition, offset } = runtime.current;
        const record = { topic, partition, offset, headers: runtime.headers(), value };
        held.put(at, keyBytesOf(keys, key), record);
      } catch (error) {
        throw failedAt(node.name, error);
      }
      // The one that has come so far is not late yet, but nothing that is still to come goes before it.
      for (const due of takeDue(dueMs + 1)) tell(due.key, due.record, due.at);
    },
  };

  function takeDue(beforeMs: number): { key: unknown; record: HeldRecord; at: number }[] {
    try {
      return held
        .takeBefore(beforeMs)
        .map(({ key, value: record, timestampMs: at }) => ({ key: settled(keys.deserialize(key)), record, at }));
    } catch (error) {
      throw failedAt(node.name, error);
    }
  }
}
