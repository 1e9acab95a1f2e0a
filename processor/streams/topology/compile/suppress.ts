import type { LiveKeyValueStore } from '../../store/typed-store.ts';
import { encodeWindowKey, WINDOW_START_BYTES, windowStartOf } from '../../store/window-key.ts';
import type { HeldNewest, HeldRow, HeldValue, SuppressNode } from '../graph.ts';
import type { CurrentRecord } from '../record.ts';
import { readStored } from '../stored-value.ts';
import type { ChangeEmit, TableRow, TableView, TaskRuntime } from '../task-runtime.ts';
import { failedAt, keyBytesOf, serialized } from '../user-code.ts';
import type { Serde } from '../serdes.ts';
import type { Windowed } from '../windowed-serdes.ts';
import { closesMs } from '../windows.ts';
import type { RowParts } from './row-parts.ts';

/*
 * What a table hands on is held back: which rows, in the order in which they are due, and the newest value of each, in
 * a store of the node's own. The table may no longer have a row when it is due, or not be able to make it: its
 * retention is another one, and so are those of the tables that it is joined of. Of what an aggregation itself hands on
 * when its windows close the value is in the table.
 *
 *   until its window closes   8 bytes of the window's end, the key
 *   until a time limit        00, 8 bytes of the time of its first held update, the key; and by its key:
 *                             01, the key
 */

/** A held row belongs to no record any more, and has no headers. */
const NO_RECORD: CurrentRecord = { topic: '', partition: -1, offset: -1, headers: {}, headerList: [] };

type HeldRows = LiveKeyValueStore<Buffer, HeldRow>;

interface Tables {
  /** The table whose rows are held back. */
  readonly from: TableView;
  /** What its rows are made of. */
  readonly parts: RowParts;
  readonly next: ChangeEmit | undefined;
}

export function compileSuppress(node: SuppressNode, runtime: TaskRuntime, tables: Tables): ChangeEmit {
  const { name, until } = node;
  const hold =
    until.kind === 'window-closes'
      ? holdUntilWindowCloses(node, until, runtime, tables)
      : holdUntilTimeLimit(node, until, runtime, tables);
  return (change) => {
    // The row stays as it is.
    if (change.isOutOfOrder === true) return;
    try {
      hold(change);
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}

/** The table as it has been handed on: a row that is held is as it was before. */
export function viewOfSuppressed(node: SuppressNode, runtime: TaskRuntime, from: TableView): TableView {
  const held = heldRowsOf(node, runtime);
  const { key: keys, until } = node;
  const rowKey = (key: unknown): Buffer =>
    until.kind === 'window-closes' ? closingKey(key, keyBytesOf(keys, key)) : byKey(keyBytesOf(keys, key));
  const lastOf = lastRowOf(node);
  const view =
    (heldRow: (key: Buffer) => HeldRow | undefined, row: (key: unknown) => TableRow | undefined) =>
    (key: unknown): TableRow | undefined => {
      const one = heldRow(rowKey(key));
      return one === undefined ? row(key) : lastOf(one);
    };
  return {
    row: view((key) => held.get(key), from.row),
    before: view((key) => held.committedRow(key)?.value, from.before),
  };
}

function heldRowsOf({ held }: SuppressNode, runtime: TaskRuntime): HeldRows {
  return runtime.keyValueStore(held.name) as unknown as HeldRows;
}

type Until<Kind> = Extract<SuppressNode['until'], { readonly kind: Kind }>;

function holdUntilWindowCloses(
  node: SuppressNode,
  { windows, stores }: Until<'window-closes'>,
  runtime: TaskRuntime,
  tables: Tables,
): ChangeEmit {
  const held = heldRowsOf(node, runtime);
  const { next } = tables;
  const { keep, valueOf } = newestOf(node, tables);
  const times = stores.map((store) => runtime.stepTimeOf(store));
  const { key: keys } = node;
  runtime.onFlush(() => {
    const due: [Buffer, HeldRow][] = [];
    const streamTimeMs = Math.min(...times.map(({ nowMs }) => nowMs));
    for (const [rowKey, row] of held.all()) {
      // mutant: told-when-closed
      if (closesMs(windows, windowStartOf(rowKey)) > streamTimeMs) break;
      due.push([rowKey, row]);
    }
    for (const [rowKey, row] of due) attempt(node, runtime, () => handOn(rowKey, row));
  });
  const handOn = (rowKey: Buffer, row: HeldRow): void => {
    held.delete(rowKey);
    const key = keys.deserialize(Buffer.from(rowKey.subarray(WINDOW_START_BYTES)));
    const value = valueOf(key, row);
    // Held without its value, and deleted in the table since then.
    if (value === null) return runtime.drop('late');
    next?.({ key, value, timestampMs: row.timestampMs, before: () => undefined });
  };
  return ({ key, value, timestampMs }) => {
    const rowKey = closingKey(key, keyBytesOf(keys, key));
    // A session that has become part of another one: it is no window any more.
    if (value !== null) held.put(rowKey, { timestampMs, last: null, newest: keep(key, value) });
    else if (held.get(rowKey) !== undefined) held.delete(rowKey);
  };
}

function holdUntilTimeLimit(
  node: SuppressNode,
  { limitMs, maxRows }: Until<'time-limit'>,
  runtime: TaskRuntime,
  tables: Tables,
): ChangeEmit {
  const held = heldRowsOf(node, runtime);
  const { from, next } = tables;
  const { keep, valueOf } = newestOf(node, tables);
  const size = held.ownView();
  const time = runtime.stepTimeOf(node.held.name);
  const { key: keys, value: values } = node;
  const lastOf = lastRowOf(node);
  const handOn = (rowKey: Buffer, row: HeldRow): void => {
    const keyBytes = rowKey.subarray(1 + WINDOW_START_BYTES);
    held.delete(rowKey);
    held.delete(byKey(keyBytes));
    const key = keys.deserialize(Buffer.from(keyBytes));
    const value = valueOf(key, row);
    next?.({ key, value, timestampMs: row.timestampMs, before: () => lastOf(row) });
  };
  runtime.onFlush(() => {
    let excess = size.approximateSize() / 2 - maxRows;
    const due: [Buffer, HeldRow][] = [];
    for (const [rowKey, row] of held.prefix(IN_ORDER)) {
      if (windowStartOf(rowKey.subarray(1)) + limitMs > time.nowMs && excess <= 0) break;
      excess -= 1;
      due.push([rowKey, row]);
    }
    for (const [rowKey, row] of due) attempt(node, runtime, () => handOn(rowKey, row));
  });
  /** As it was handed on before it is held. */
  const before = (key: unknown): HeldValue | null => {
    let row: TableRow | undefined;
    // Of a value that an operator has refused nothing was handed on.
    runtime.attempt(() => {
      row = from.before(key);
    });
    return row === undefined || values === undefined
      ? null
      : { value: serialized(values.serialize(row.value)), timestampMs: row.timestampMs };
  };
  return ({ key, value, timestampMs, times = { firstMs: timestampMs, newestMs: timestampMs } }) => {
    time.reached(times.newestMs);
    const keyBytes = keyBytesOf(keys, key);
    const known = held.get(byKey(keyBytes));
    const firstMs = known?.timestampMs ?? times.firstMs;
    const rowKey = Buffer.concat([IN_ORDER, encodeWindowKey(firstMs, keyBytes)]);
    const last = known === undefined ? before(key) : known.last;
    held.put(rowKey, { timestampMs, last, newest: value === null ? null : keep(key, value) });
    if (known === undefined) held.put(byKey(keyBytes), { timestampMs: firstMs, last, newest: undefined });
  };
}

/** How the newest value of a row is kept, and what was kept: null is deleted. */
interface Newest {
  readonly keep: (key: unknown, value: unknown) => HeldNewest | undefined;
  readonly valueOf: (key: unknown, row: HeldRow) => unknown;
}

function newestOf({ value: values, keepsNewest }: SuppressNode, { from, parts }: Tables): Newest {
  return {
    keep: (key, value) => {
      // mutant: keep-newest
      if (!keepsNewest) return undefined;
      return values === undefined
        ? { kind: 'parts', parts: parts.take(key) }
        : { kind: 'value', value: serialized(values.serialize(value)) };
    },
    valueOf: (key, { newest }) => {
      if (newest === null) return null;
      // A release may have kept the value in another way than this one: its serde is no longer named, or not yet.
      const row =
        newest === undefined || (newest.kind === 'value' && values === undefined)
          ? from.row(key)
          : newest.kind === 'parts'
            ? parts.make(key, newest.parts)
            : { value: readStored(values as Serde<unknown>, Buffer.from(newest.value)) };
      return row?.value ?? null;
    },
  };
}

/** A row that is handed on belongs to no record any more. A failure of user code is of this row alone. */
function attempt({ name }: SuppressNode, runtime: TaskRuntime, handOn: () => void): void {
  runtime.attempt(() => {
    runtime.current = NO_RECORD;
    try {
      handOn();
    } catch (error) {
      throw failedAt(name, error);
    }
  });
}

const IN_ORDER = Buffer.from([0]);
const BY_KEY = Buffer.from([1]);

function byKey(keyBytes: Buffer): Buffer {
  return Buffer.concat([BY_KEY, keyBytes]);
}

function closingKey(key: unknown, keyBytes: Buffer): Buffer {
  return encodeWindowKey((key as Windowed<unknown>).endMs, keyBytes);
}

/** The row as it was handed on last. */
function lastRowOf({ value: values }: SuppressNode): (held: HeldRow) => TableRow | undefined {
  return ({ last }) =>
    last === null || values === undefined
      ? undefined
      : { value: values.deserialize(Buffer.from(last.value)), timestampMs: last.timestampMs };
}
