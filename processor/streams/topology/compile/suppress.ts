import type { LiveKeyValueStore } from '../../store/typed-store.ts';
import { encodeWindowKey, WINDOW_START_BYTES, windowStartOf } from '../../store/window-key.ts';
import type { HeldRow, SuppressNode } from '../graph.ts';
import type { CurrentRecord } from '../record.ts';
import type { ChangeEmit, TableRow, TableView, TaskRuntime } from '../task-runtime.ts';
import { failedAt, keyBytesOf, serialized } from '../user-code.ts';
import type { Windowed } from '../windowed-serdes.ts';
import { closesMs } from '../windows.ts';

/*
 * What a table hands on is held back. The rows themselves stay in the table that is read: a row that is handed on has
 * what it has by then. Kept is which rows are held, in the order in which they are due, in a store of the node's own:
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
  { from, next }: Tables,
): ChangeEmit {
  const held = heldRowsOf(node, runtime);
  const times = stores.map((store) => runtime.stepTimeOf(store));
  const { key: keys } = node;
  runtime.onFlush(() => {
    const due: Buffer[] = [];
    const streamTimeMs = Math.min(...times.map(({ nowMs }) => nowMs));
    for (const [rowKey] of held.all()) {
      // mutant: told-when-closed
      if (closesMs(windows, windowStartOf(rowKey)) > streamTimeMs) break;
      due.push(rowKey);
    }
    for (const rowKey of due) {
      held.delete(rowKey);
      const key = keys.deserialize(Buffer.from(rowKey.subarray(WINDOW_START_BYTES)));
      const row = from.row(key);
      if (row === undefined) continue;
      runtime.current = NO_RECORD;
      next?.({ key, ...row, before: () => undefined });
    }
  });
  return ({ key, value, timestampMs }) => {
    const rowKey = closingKey(key, keyBytesOf(keys, key));
    // A session that has become part of another one: it is no window any more.
    if (value !== null) held.put(rowKey, { timestampMs, last: null });
    else if (held.get(rowKey) !== undefined) held.delete(rowKey);
  };
}

function holdUntilTimeLimit(
  node: SuppressNode,
  { limitMs, maxRows }: Until<'time-limit'>,
  runtime: TaskRuntime,
  { from, next }: Tables,
): ChangeEmit {
  const held = heldRowsOf(node, runtime);
  const size = held.ownView();
  const time = runtime.stepTimeOf(node.held.name);
  const { key: keys, value: values } = node;
  const lastOf = lastRowOf(node);
  const handOn = (rowKey: Buffer, { timestampMs, last }: HeldRow): void => {
    const keyBytes = rowKey.subarray(1 + WINDOW_START_BYTES);
    held.delete(rowKey);
    held.delete(byKey(keyBytes));
    const key = keys.deserialize(Buffer.from(keyBytes));
    const row = from.row(key);
    runtime.current = NO_RECORD;
    next?.({
      key,
      value: row === undefined ? null : row.value,
      timestampMs,
      before: () => lastOf({ timestampMs, last }),
    });
  };
  runtime.onFlush(() => {
    let excess = size.approximateSize() / 2 - maxRows;
    const due: [Buffer, HeldRow][] = [];
    for (const [rowKey, row] of held.prefix(IN_ORDER)) {
      if (windowStartOf(rowKey.subarray(1)) + limitMs > time.nowMs && excess <= 0) break;
      excess -= 1;
      due.push([rowKey, row]);
    }
    for (const [rowKey, row] of due) handOn(rowKey, row);
  });
  return ({ key, timestampMs, times = { firstMs: timestampMs, newestMs: timestampMs } }) => {
    time.reached(times.newestMs);
    const keyBytes = keyBytesOf(keys, key);
    const known = held.get(byKey(keyBytes));
    const firstMs = known?.timestampMs ?? times.firstMs;
    const rowKey = Buffer.concat([IN_ORDER, encodeWindowKey(firstMs, keyBytes)]);
    const before = known === undefined ? from.before(key) : undefined;
    const last =
      known === undefined
        ? before === undefined || values === undefined
          ? null
          : { value: serialized(values.serialize(before.value)), timestampMs: before.timestampMs }
        : known.last;
    held.put(rowKey, { timestampMs, last });
    if (known === undefined) held.put(byKey(keyBytes), { timestampMs: firstMs, last });
  };
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
