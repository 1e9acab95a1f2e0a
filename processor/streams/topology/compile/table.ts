import type { StoreSpec } from '../../store/typed-store.ts';
import type { TableStepNode, ToTableNode, ValueFunction } from '../graph.ts';
import { copyThrough } from '../own-values.ts';
import type { CurrentRecord } from '../record.ts';
import type { ChangeEmit, Emit, RowChange, TableRow, TableView, TaskRuntime } from '../task-runtime.ts';
import { failedAt, isTruthy, settled } from '../user-code.ts';
import { rowStoreOf } from './row-store.ts';
import { withRecord, type Call } from './steps.ts';

/*
 * Tables in one task. A table hands on what has changed once a commit, and can be looked into at any time: `row` as it
 * is now, `before` as of the last commit. So no old value travels: what a change replaces is what the store still has.
 */

/** The table that is kept in a store. Each value that it gives is the asker's own. */
export function viewOfStore(spec: StoreSpec<unknown>, runtime: TaskRuntime): TableView {
  const own = (row: TableRow | undefined): TableRow | undefined => {
    if (row === undefined) return undefined;
    try {
      // mutant: own-row
      return { value: copyThrough(spec.serde, row.value), timestampMs: row.timestampMs };
    } catch (error) {
      throw failedAt(`the store "${spec.name}"`, error);
    }
  };
  if (spec.kind === 'versioned') {
    const rows = runtime.versionedStore(spec.name);
    return { row: (key, asOfMs) => own(rows.row(key, asOfMs)), before: (key) => rows.committedRow(key) };
  }
  const rows = rowStoreOf(spec, runtime);
  return {
    // A row that is not written since the last commit is read anew each time.
    row: (key) => (rows.isChanged(key) ? own(rows.row(key)) : rows.row(key)),
    before: (key) => rows.committedRow(key),
  };
}

/** Rows of before their store had times have that of the change. */
function timedBefore(row: TableRow | undefined, timestampMs: number): TableRow | undefined {
  return row === undefined || row.timestampMs >= 0 ? row : { value: row.value, timestampMs };
}

interface ChangedRow {
  readonly key: unknown;
  timestampMs: number;
  /** Event time of its first update, and the newest. */
  readonly firstMs: number;
  newestMs: number;
  current: CurrentRecord;
}

/**
 * The rows of a table that have changed since the last commit. Each is handed on once with the next one, with the value
 * that it has by then, before any of them expires.
 */
export class ChangedRows {
  /** Somebody reads the changes. */
  readonly isRead: boolean;
  readonly #idOf: (key: unknown) => string;
  readonly #runtime: TaskRuntime;
  readonly #rows = new Map<string, ChangedRow>();

  /** `idOf`: of rows that are in no store; default: by the store's key. */
  constructor(
    runtime: TaskRuntime,
    view: TableView,
    { next, idOf }: { readonly next: ChangeEmit | undefined; readonly idOf: (key: unknown) => string },
  ) {
    this.isRead = next !== undefined;
    this.#idOf = idOf;
    this.#runtime = runtime;
    if (next === undefined) return;
    runtime.onFlush(() => {
      for (const { key, timestampMs, firstMs, newestMs, current } of this.#rows.values()) {
        const row = view.row(key);
        runtime.current = current;
        next({
          key,
          value: row === undefined ? null : row.value,
          timestampMs: row === undefined || row.timestampMs < 0 ? timestampMs : row.timestampMs,
          times: { firstMs, newestMs },
          before: () => timedBefore(view.before(key), timestampMs),
        });
      }
      this.#rows.clear();
    });
  }

  /** Of a table that is kept in a store. */
  static ofStore(spec: StoreSpec<unknown>, runtime: TaskRuntime, next: ChangeEmit | undefined): ChangedRows {
    const rows = spec.kind === 'versioned' ? runtime.versionedStore(spec.name) : rowStoreOf(spec, runtime);
    return new ChangedRows(runtime, viewOfStore(spec, runtime), { next, idOf: (key) => rows.idOf(key) });
  }

  /** The row has been replaced: it has this time, whatever it had before. */
  set(key: unknown, timestampMs: number): void {
    if (!this.isRead) return;
    const id = this.#idOf(key);
    const { firstMs = timestampMs, newestMs = timestampMs } = this.#rows.get(id) ?? {};
    const { current } = this.#runtime;
    this.#rows.set(id, { key, timestampMs, firstMs, newestMs: Math.max(newestMs, timestampMs), current });
  }

  /** Something has gone into the row: it has the newest time of all that has. */
  add(key: unknown, timestampMs: number): void {
    if (!this.isRead) return;
    const id = this.#idOf(key);
    const { current } = this.#runtime;
    const known = this.#rows.get(id);
    if (known === undefined) {
      this.#rows.set(id, { key, timestampMs, firstMs: timestampMs, newestMs: timestampMs, current });
      return;
    }
    if (timestampMs > known.timestampMs) known.timestampMs = known.newestMs = timestampMs;
    known.current = current;
  }
}

/**
 * A stream as a table: the newest value of each key; null deletes. The row's time is that of the record which it is,
 * also where the row before was newer, as in Kafka Streams' KTableSource.
 */
export function compileToTable(node: ToTableNode, runtime: TaskRuntime, next: ChangeEmit | undefined): Emit {
  if (node.store.kind === 'versioned') return compileToVersionedTable(node, runtime, next);
  const { name, store } = node;
  const rows = runtime.keyValueStore(store.name);
  const changed = ChangedRows.ofStore(store, runtime, next);
  return (key, value, at) => {
    if (key === null) return runtime.drop('null-key');
    try {
      if (value === null) rows.delete(key);
      else rows.put(key, value, at);
      changed.set(key, at);
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}

/**
 * A version that comes behind newer ones changes what was valid before them: it is handed on too, and told apart. One
 * older than the history is dropped and counted.
 */
function compileToVersionedTable(
  { name, store }: ToTableNode,
  runtime: TaskRuntime,
  next: ChangeEmit | undefined,
): Emit {
  const rows = runtime.versionedStore(store.name);
  const changed = ChangedRows.ofStore(store, runtime, next);
  const older = new Map<string, Omit<RowChange, 'before'> & { readonly current: CurrentRecord }>();
  runtime.onFlush(() => {
    for (const { current, ...change } of older.values()) {
      runtime.current = current;
      const { value } = change;
      next?.({
        ...change,
        value: value === null ? null : copyThrough(store.serde, value),
        before: () => rows.row(change.key, change.timestampMs - 1),
      });
    }
    older.clear();
  });
  return (key, value, at) => {
    if (key === null) return runtime.drop('null-key');
    try {
      const put = rows.put(key, value, at);
      if (put === 'dropped') return runtime.drop('late');
      if (put === 'newest') return changed.set(key, at);
      const { current } = runtime;
      older.set(`${String(at)} ${rows.idOf(key)}`, { key, value, timestampMs: at, isOutOfOrder: true, current });
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}

/** What an operator makes of a row; undefined: no row. */
type RowStep = (value: unknown, key: unknown, timestampMs: number) => unknown;

function rowStepOf(node: TableStepNode, runtime: TaskRuntime): RowStep {
  const call: Call<unknown> = withRecord(
    (node.kind === 'table-filter' ? node.predicate : node.map) as ValueFunction<unknown>,
    runtime,
  );
  const step: RowStep =
    node.kind === 'table-filter'
      ? (value, key, at) => (isTruthy(call(value, key, at)) ? value : undefined)
      : (value, key, at) => settled(call(value, key, at)) ?? undefined;
  return (value, key, at) => {
    try {
      return step(value, key, at);
    } catch (error) {
      throw failedAt(node.name, error);
    }
  };
}

/** The table behind an operator without a store: its rows are made of those of the table that it reads. */
export function viewOfStep(node: TableStepNode, runtime: TaskRuntime, from: TableView): TableView {
  const made = rowMadeBy(rowStepOf(node, runtime));
  return { row: (key, asOfMs) => made(key, from.row(key, asOfMs)), before: (key) => made(key, from.before(key)) };
}

/** A row with its own time. */
function rowMadeBy(step: RowStep): (key: unknown, row: TableRow | undefined) => TableRow | undefined {
  return (key, row) => {
    if (row === undefined) return undefined;
    const value = step(row.value, key, row.timestampMs);
    return value === undefined ? undefined : { value, timestampMs: row.timestampMs };
  };
}

/** Hands on what an operator makes of changed rows, and keeps it where it has a store. */
export function compileTableStep(node: TableStepNode, runtime: TaskRuntime, next: ChangeEmit | undefined): ChangeEmit {
  const step = rowStepOf(node, runtime);
  const made = rowMadeBy(step);
  const keep = node.store === undefined ? undefined : keptIn(node.store, runtime, next);
  return (change: RowChange) => {
    const { key, timestampMs } = change;
    const value = change.value === null ? null : (step(change.value, key, timestampMs) ?? null);
    // mutant: own-time-before
    const before = (): TableRow | undefined => made(key, change.before());
    // mutant: filter-unknown-rows
    if (node.kind === 'table-filter' && node.knowsBefore && value === null && before() === undefined) return;
    if (keep === undefined) next?.({ ...change, value, before });
    // Its store has the newest rows only.
    else if (change.isOutOfOrder !== true) keep(key, value, timestampMs);
  };
}

/** Writes rows to a store; what has changed is handed on with the commit. */
export function keptIn(
  spec: StoreSpec<unknown>,
  runtime: TaskRuntime,
  next: ChangeEmit | undefined,
): (key: unknown, value: unknown, timestampMs: number) => void {
  const changed = ChangedRows.ofStore(spec, runtime, next);
  const rows = rowStoreOf(spec, runtime);
  // Rows with windows are kept as long as those that they are made of: by the time of what arrives here.
  const time = spec.kind === 'key-value' ? undefined : runtime.stepTimeOf(spec.name);
  return (key, value, timestampMs) => {
    time?.reached(timestampMs);
    if (value === null) rows.delete(key);
    else rows.put(key, value, timestampMs);
    changed.add(key, timestampMs);
  };
}

/** The same of rows that nobody looks at: the last one of each key is handed on with the commit, and none is kept. */
export function passedOn(
  runtime: TaskRuntime,
  next: ChangeEmit | undefined,
  idOf: (key: unknown) => string,
): (key: unknown, value: unknown, timestampMs: number) => void {
  const rows = new Map<string, Omit<RowChange, 'before'> & { readonly current: CurrentRecord }>();
  runtime.onFlush(() => {
    for (const { current, ...row } of rows.values()) {
      runtime.current = current;
      next?.({ ...row, before: () => undefined });
    }
    rows.clear();
  });
  return (key, value, timestampMs) => rows.set(idOf(key), { key, value, timestampMs, current: runtime.current });
}

/** A table's changed rows as records. */
export function compileToStream(next: Emit): ChangeEmit {
  return ({ key, value, timestampMs }) => next(key, value, timestampMs);
}
