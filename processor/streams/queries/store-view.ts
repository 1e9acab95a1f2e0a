import { messageOf, StreamsError } from '../errors.ts';
import { textOf } from '../options.ts';
import { asTime } from '../store/time-bounds.ts';
import { encodeWindowKey, WINDOW_START_BYTES } from '../store/window-key.ts';
import { storeKeys, type StoreKeys } from '../store/store-keys.ts';
import { readRow } from '../store/stored-row.ts';
import { untimed } from '../store/timed-row.ts';
import { storedSerde } from '../store/versioned-store.ts';
import type { StoreSpec, Version } from '../store/typed-store.ts';
import type { TaskId } from '../task/task-id.ts';
import type { GlobalTableNode } from '../topology/graph.ts';
import type { Serde } from '../topology/serdes.ts';
import type { Windowed } from '../topology/windowed-serdes.ts';
import type { KeyRange } from './key-range.ts';

/*
 * Read-only views of the stores of a running application, for its main thread: the committed rows that this instance
 * has. Every read asks the stream thread that has the task. Rows come partition by partition, within one by the bytes
 * of their keys; a long read sees each page of rows as of its own moment.
 */

/** Of a key-value store. `range` is inclusive at both ends. */
export interface KeyValueStoreView<K, V> {
  readonly name: string;
  get(key: K): Promise<V | undefined>;
  range(from?: K | null, to?: K | null): AsyncIterableIterator<[K, V]>;
  /** All rows whose key's bytes begin with these, or with those of this text in UTF-8. */
  prefix(prefix: Uint8Array | string): AsyncIterableIterator<[K, V]>;
  all(): AsyncIterableIterator<[K, V]>;
  approximateSize(): Promise<number>;
}

/** Of a window store. Times are window starts; ranges are inclusive at both ends. */
export interface WindowStoreView<K, V> {
  readonly name: string;
  get(key: K, windowStartMs: number): Promise<V | undefined>;
  fetch(key: K, fromMs: number, toMs: number): AsyncIterableIterator<[Windowed<K>, V]>;
  fetchAll(fromMs: number, toMs: number): AsyncIterableIterator<[Windowed<K>, V]>;
  all(): AsyncIterableIterator<[Windowed<K>, V]>;
}

/** Of a session store. Both bounds of a session are inclusive. */
export interface SessionStoreView<K, V> {
  readonly name: string;
  get(key: K, startMs: number, endMs: number): Promise<V | undefined>;
  /** The sessions that end at `fromMs` or later and start at `toMs` or earlier. */
  find(key: K, fromMs: number, toMs: number): AsyncIterableIterator<[Windowed<K>, V]>;
  all(): AsyncIterableIterator<[Windowed<K>, V]>;
}

/** Of a versioned store. */
export interface VersionedStoreView<K, V> {
  readonly name: string;
  /** The newest value or, with `asOfMs`, the one that was valid then. */
  get(key: K, asOfMs?: number): Promise<V | undefined>;
  /** The same with its times. */
  version(key: K, asOfMs?: number): Promise<Version<V> | undefined>;
}

/** How the rows of one store are reached. All of it @throws StreamsError STORE_NOT_HERE. */
export interface StoreAccess {
  /** The task that has the rows of this key, here or in another instance. */
  taskOf(keyBytes: Buffer): TaskId;
  /** The tasks whose rows this instance has. */
  tasksHere(): Promise<readonly TaskId[]>;
  get(task: TaskId, rowKey: Buffer): Promise<Buffer | undefined>;
  scan(task: TaskId, range: KeyRange): AsyncIterable<readonly [Buffer, Buffer]>;
  count(task: TaskId): Promise<number>;
}

/** Of any kind: which one is known at run time. */
export type StoreView<K, V> =
  KeyValueStoreView<K, V> | WindowStoreView<K, V> | SessionStoreView<K, V> | VersionedStoreView<K, V>;

/** In front of a versioned store's keys. */
const KEY_LENGTH_BYTES = 4;
const SESSION_BOUNDS_BYTES = 2 * WINDOW_START_BYTES;

export function storeView<K, V>(spec: StoreSpec<V, K>, access: StoreAccess): StoreView<K, V> {
  const rows = new Rows(spec, access);
  switch (spec.kind) {
    case 'key-value':
      return keyValueView(rows);
    case 'window':
      return windowView(rows);
    case 'session':
      return sessionView(rows);
    case 'versioned':
      return versionedView(rows);
  }
}

/** @throws StreamsError CONFIG_INVALID for a key that the store cannot have. */
export function keyBytesOf<K>(store: string, keys: StoreKeys<K>, key: K): Buffer {
  try {
    if (keys.isText && typeof key !== 'string') throw new TypeError(`its keys are text`);
    return keys.bytesOf(keys.idOf(key));
  } catch (error) {
    throw new StreamsError('CONFIG_INVALID', `${textOf(key)} is no key of the store "${store}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The rows of one store in the terms of its serdes. */
class Rows<K, V> {
  readonly spec: StoreSpec<V, K>;
  readonly access: StoreAccess;
  readonly #keys;

  constructor(spec: StoreSpec<V, K>, access: StoreAccess) {
    this.spec = spec;
    this.access = access;
    this.#keys = storeKeys(spec.key);
  }

  bytesOf(key: K): Buffer {
    return keyBytesOf(this.spec.name, this.#keys, key);
  }

  keyOf(bytes: Buffer): K {
    return this.#keys.keyOf(bytes);
  }

  valueOf(rowKey: Buffer, row: Buffer): V {
    const { name, serde, timed = false } = this.spec;
    return readRow(name, serde, rowKey.toString('utf8'), timed ? untimed(row) : row);
  }

  async get(key: K, rowKeyOf: (keyBytes: Buffer) => Buffer): Promise<V | undefined> {
    const keyBytes = this.bytesOf(key);
    const rowKey = rowKeyOf(keyBytes);
    const row = await this.access.get(this.access.taskOf(keyBytes), rowKey);
    return row === undefined ? undefined : this.valueOf(rowKey, row);
  }

  /** Of one task, or of all that are here. */
  async *scan<R>(
    task: TaskId | undefined,
    range: KeyRange,
    read: (rowKey: Buffer) => R | undefined,
  ): AsyncIterableIterator<[R, V]> {
    for (const id of task === undefined ? await this.access.tasksHere() : [task]) {
      for await (const [rowKey, row] of this.access.scan(id, range)) {
        const key = read(rowKey);
        if (key !== undefined) yield [key, this.valueOf(rowKey, row)];
      }
    }
  }
}

function keyValueView<K, V>(rows: Rows<K, V>): KeyValueStoreView<K, V> {
  const read = (rowKey: Buffer): K => rows.keyOf(rowKey);
  const bytesOr = (key: K | null | undefined): Buffer | undefined =>
    key === null || key === undefined ? undefined : rows.bytesOf(key);
  return {
    name: rows.spec.name,
    get: (key) => rows.get(key, (keyBytes) => keyBytes),
    range: (from, to) => {
      const last = bytesOr(to);
      return rows.scan(undefined, { from: bytesOr(from), to: last === undefined ? undefined : after(last) }, read);
    },
    prefix: (prefix) => {
      const from = Buffer.from(prefix as string);
      return rows.scan(undefined, { from, to: behindPrefix(from) }, read);
    },
    all: () => rows.scan(undefined, {}, read),
    approximateSize: async () => {
      let size = 0;
      for (const id of await rows.access.tasksHere()) size += await rows.access.count(id);
      return size;
    },
  };
}

function windowView<K, V>(rows: Rows<K, V>): WindowStoreView<K, V> {
  const { name, windowSizeMs = 0, retainDuplicates = false } = rows.spec;
  // Rows of one key and start are told apart by a number behind the key.
  const tail = retainDuplicates ? WINDOW_START_BYTES : 0;
  const read = (rowKey: Buffer): Windowed<K> | undefined => {
    const startMs = timeAt(rowKey, 0);
    if (startMs === undefined) return undefined;
    const key = rows.keyOf(rowKey.subarray(WINDOW_START_BYTES, rowKey.length - tail));
    return { key, startMs, endMs: startMs + windowSizeMs };
  };
  const fetch = (key: K, fromMs: number, toMs: number): AsyncIterableIterator<[Windowed<K>, V]> => {
    const keyBytes = rows.bytesOf(key);
    const rest = { at: WINDOW_START_BYTES, tail, bytes: new Uint8Array(keyBytes) };
    return rows.scan(rows.access.taskOf(keyBytes), { ...timesBetween(name, fromMs, toMs), rest }, read);
  };
  const first = async (found: AsyncIterable<[unknown, V]>): Promise<V | undefined> => {
    for await (const [, value] of found) return value;
    return undefined;
  };
  return {
    name,
    get: (key, windowStartMs) =>
      tail === 0
        ? rows.get(key, (keyBytes) => encodeWindowKey(windowStartMs, keyBytes))
        : first(fetch(key, windowStartMs, windowStartMs)),
    fetch,
    fetchAll: (fromMs, toMs) => rows.scan(undefined, timesBetween(name, fromMs, toMs), read),
    all: () => rows.scan(undefined, {}, read),
  };
}

function sessionView<K, V>(rows: Rows<K, V>): SessionStoreView<K, V> {
  const { name } = rows.spec;
  const read = (rowKey: Buffer): Windowed<K> | undefined => {
    const [endMs, startMs] = [timeAt(rowKey, 0), timeAt(rowKey, WINDOW_START_BYTES)];
    if (endMs === undefined || startMs === undefined) return undefined;
    return { key: rows.keyOf(rowKey.subarray(SESSION_BOUNDS_BYTES)), startMs, endMs };
  };
  return {
    name,
    get: (key, startMs, endMs) =>
      rows.get(key, (keyBytes) => encodeWindowKey(endMs, encodeWindowKey(startMs, keyBytes))),
    find: (key, fromMs, toMs) => {
      const latestMs = timeOf(name, toMs);
      const keyBytes = rows.bytesOf(key);
      const rest = { at: SESSION_BOUNDS_BYTES, bytes: new Uint8Array(keyBytes) };
      return rows.scan(rows.access.taskOf(keyBytes), { ...timesBetween(name, fromMs, Infinity), rest }, (rowKey) => {
        const session = read(rowKey);
        return session === undefined || session.startMs > latestMs ? undefined : session;
      });
    },
    all: () => rows.scan(undefined, {}, read),
  };
}

function versionedView<K, V>(rows: Rows<K, V>): VersionedStoreView<K, V> {
  const { name } = rows.spec;
  const serde = storedSerde(rows.spec);
  const versionOf = (row: Buffer, timestampMs: number, validToMs: number | null): Version<V> | undefined => {
    const value = readRow(name, serde, 'of a version', row);
    return value === null ? undefined : { value, timestampMs, validToMs };
  };
  const version = async (key: K, asOfMs = Infinity): Promise<Version<V> | undefined> => {
    timeOf(name, asOfMs);
    const keyBytes = rows.bytesOf(key);
    const from = Buffer.concat([Buffer.alloc(KEY_LENGTH_BYTES), keyBytes]);
    from.writeUInt32BE(keyBytes.length, 0);
    let valid: { readonly row: Buffer; readonly timestampMs: number } | undefined;
    for await (const [rowKey, row] of rows.access.scan(rows.access.taskOf(keyBytes), {
      from,
      to: behindPrefix(from),
    })) {
      const timestampMs = timeAt(rowKey, from.length) ?? 0;
      if (timestampMs > asOfMs)
        return valid === undefined ? undefined : versionOf(valid.row, valid.timestampMs, timestampMs);
      valid = { row, timestampMs };
    }
    return valid === undefined ? undefined : versionOf(valid.row, valid.timestampMs, null);
  };
  return { name, version, get: async (key, asOfMs) => (await version(key, asOfMs))?.value };
}

/** The rows of a global table, which every instance has. */
export function globalTableView<K, V>(
  { table, key: serde }: GlobalTableNode,
  read: (key?: Uint8Array) => Promise<readonly (readonly [Buffer, unknown])[]>,
): KeyValueStoreView<K, V> {
  const keys = storeKeys(serde as Serde<K>);
  const bytesOf = (key: K): Buffer => keyBytesOf(table, keys, key);
  async function* rows(isWanted: (keyBytes: Buffer) => boolean): AsyncIterableIterator<[K, V]> {
    const found = [...(await read())].sort(([a], [b]) => a.compare(b));
    for (const [keyBytes, value] of found) if (isWanted(keyBytes)) yield [keys.keyOf(keyBytes), value as V];
  }
  return {
    name: table,
    get: async (key) => (await read(new Uint8Array(bytesOf(key))))[0]?.[1] as V | undefined,
    range: (from, to) => {
      const first = from === null || from === undefined ? undefined : bytesOf(from);
      const last = to === null || to === undefined ? undefined : bytesOf(to);
      return rows(
        (key) => (first === undefined || key.compare(first) >= 0) && (last === undefined || key.compare(last) <= 0),
      );
    },
    prefix: (prefix) => {
      const wanted = Buffer.from(prefix as string);
      return rows((key) => key.subarray(0, wanted.length).equals(wanted));
    },
    all: () => rows(() => true),
    approximateSize: async () => (await read()).length,
  };
}

/** The first key after this one. */
function after(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.from([0])]);
}

/** The first key after all that begin so; undefined: there is none. */
function behindPrefix(prefix: Buffer): Buffer | undefined {
  const end = Buffer.from(prefix);
  for (let at = end.length - 1; at >= 0; at -= 1) {
    if (end[at] === 0xff) continue;
    end[at] = (end[at] as number) + 1;
    return end.subarray(0, at + 1);
  }
  return undefined;
}

/** @throws StreamsError CONFIG_INVALID for what is no time. */
function timeOf(store: string, timeMs: number): number {
  try {
    return asTime(store, timeMs);
  } catch (error) {
    throw new StreamsError('CONFIG_INVALID', messageOf(error), { cause: error });
  }
}

/** Rows whose first time is in this range, both ends inclusive. */
function timesBetween(store: string, fromMs: number, toMs: number): KeyRange {
  for (const timeMs of [fromMs, toMs]) timeOf(store, timeMs);
  const bytesOf = (timeMs: number): Buffer => encodeWindowKey(timeMs, Buffer.alloc(0));
  return {
    from: bytesOf(Math.max(0, Math.ceil(fromMs))),
    to: toMs < Number.MAX_SAFE_INTEGER ? bytesOf(Math.max(0, Math.floor(toMs) + 1)) : undefined,
  };
}

/** Undefined: rows of the runtime's own that former releases have left. */
function timeAt(rowKey: Buffer, at: number): number | undefined {
  const timeMs = Number(rowKey.readBigUInt64BE(at));
  return Number.isSafeInteger(timeMs) ? timeMs : undefined;
}
