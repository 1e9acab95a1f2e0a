import { addOwn, canChange, copyOf, emptyOf, givenOf } from '../own-values.ts';
import type { TableAggregateNode, TableGroupNode } from '../graph.ts';
import { encodeRoutedChange } from '../repartition-record.ts';
import type { ChangeEmit, TaskRuntime } from '../task-runtime.ts';
import { aggregated, failedAt, isNoKey, keyBytesOf, serialized, settled } from '../user-code.ts';
import type { UpdateRow } from './repartition-source.ts';
import { withRecord } from './steps.ts';
import { ChangedRows } from './table.ts';

/** One side of a change: what a row belongs to, and what it counts there. */
interface Part {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * Sends what a changed row adds and takes away to the owners of its keys. One record where both have one key, which is
 * then updated once; else the old one first.
 */
export function compileTableGroup(node: TableGroupNode, runtime: TaskRuntime): ChangeEmit {
  const { name, grouping, key: keys, value: values, routes } = node;
  const pairOf = withRecord(node.pairOf, runtime);
  // Any store that its changes reach is the address of all of them.
  const route = routes[0] ?? '';
  const partOf = (value: unknown, key: unknown, at: number, isNew: boolean): Part | undefined => {
    if (value === null || value === undefined) return undefined;
    const pair = settled(pairOf(value, key, at));
    if (pair === null || pair === undefined || pair.value === null || pair.value === undefined) return undefined;
    if (isNoKey(pair.key)) {
      if (isNew) runtime.drop('null-key');
      return undefined;
    }
    return { key: keyBytesOf(keys, pair.key), value: serialized(values.serialize(settled(pair.value))) };
  };
  const send = (key: Buffer, timestampMs: number, added: Buffer | null, subtracted: Buffer | null): void =>
    runtime.sendRouted(grouping, {
      key,
      value: encodeRoutedChange({ route, timestampMs, added, subtracted }),
      headers: runtime.headers(),
    });
  return ({ key, value, timestampMs, before, isOutOfOrder }) => {
    // mutant: newest-versions
    if (isOutOfOrder === true) return;
    try {
      const old = before();
      const was = old === undefined ? undefined : partOf(old.value, key, old.timestampMs, false);
      const is = partOf(value, key, timestampMs, true);
      if (was !== undefined && is !== undefined && was.key.equals(is.key))
        return send(is.key, timestampMs, is.value, was.value);
      // mutant: subtract-moved
      if (was !== undefined) send(was.key, timestampMs, null, was.value);
      if (is !== undefined) send(is.key, timestampMs, is.value, null);
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}

/** Subtracts, then adds; the changed row is handed on with the commit. */
export function compileTableAggregate(
  node: TableAggregateNode,
  runtime: TaskRuntime,
  next: ChangeEmit | undefined,
): UpdateRow {
  const { name, aggregate, store } = node;
  const rows = runtime.keyValueStore(store.name);
  const changed = ChangedRows.ofStore(store, runtime, next);
  const isTimed = store.timed === true;
  const empty = emptyOf(aggregate);
  const add = addOwn(aggregate, 'add');
  const subtract = addOwn(aggregate, 'subtract');
  const given = givenOf(aggregate, runtime);
  const update: UpdateRow = (key, added, subtracted, at) => {
    try {
      const row = isTimed ? rows.row(key) : undefined;
      const before = given(isTimed ? row?.value : rows.get(key));
      let value: unknown = before;
      // mutant: subtract
      if (subtracted !== undefined && before !== undefined)
        value = aggregated(subtract(before, subtracted, key, at)) ?? undefined;
      if (added !== undefined) value = aggregated(add(value ?? empty(), added, key, at)) ?? undefined;
      const timestampMs = Math.max(row?.timestampMs ?? -1, at);
      if (value === undefined) rows.delete(key);
      else rows.put(key, value, timestampMs);
      changed.add(key, timestampMs);
    } catch (error) {
      throw failedAt(name, error);
    }
  };
  const guarded = runtime.guarded(node, (key, change, at) => {
    const [added, subtracted] = change as readonly [unknown, unknown];
    update(key, added, subtracted, at);
  });
  return (key, added, subtracted, at) => guarded(key, [added, subtracted], at);
}

/** All aggregations of one grouping; each has values of its own. */
export function updateAll(updates: readonly UpdateRow[]): UpdateRow {
  const [first, second] = updates;
  if (first !== undefined && second === undefined) return first;
  const own = (value: unknown): unknown => (canChange(value) ? copyOf(value) : value);
  return (key, added, subtracted, at) => {
    for (let index = 0; index < updates.length; index += 1) {
      const isLast = index === updates.length - 1;
      (updates[index] as UpdateRow)(key, isLast ? added : own(added), isLast ? subtracted : own(subtracted), at);
    }
  };
}
