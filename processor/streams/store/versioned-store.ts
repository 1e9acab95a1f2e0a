import { serialized, settled } from '../topology/user-code.ts';
import type { Serde } from '../topology/serdes.ts';
import { CompositeIds, numberText, type DiskLayout } from './composite-ids.ts';
import { KeyIndex } from './key-index.ts';
import { noCache, type StoreCache } from './record-cache.ts';
import { RowBuffer } from './row-buffer.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { storeKeys } from './store-keys.ts';
import { asTime, timeTextAfter } from './time-bounds.ts';
import type { LiveVersionedStore, StoreSpec, TableRow, Version, VersionedStore, VersionPut } from './typed-store.ts';

const LENGTH_BYTES = 4;

/** On disk 4 bytes of the key's length, the key, then 8 bytes of the time from which the version is valid. */
export const VERSIONED_LAYOUT: DiskLayout = {
  numbers: 1,
  join: (key, numbers) => {
    const length = Buffer.allocUnsafe(LENGTH_BYTES);
    length.writeUInt32BE(key.length, 0);
    return length.toString('latin1') + key + numbers;
  },
  split: (bytes) => ({ key: bytes.slice(LENGTH_BYTES, -8), numbers: bytes.slice(-8) }),
};

const DELETED = 0;
const VALUE = 1;

/** A version on disk: one byte that says whether there is a value, then the value. */
function versionSerde<V>(inner: Serde<V>): Serde<V | null> {
  return {
    serialize: (value) =>
      value === null
        ? Buffer.from([DELETED])
        : Buffer.concat([Buffer.from([VALUE]), serialized(inner.serialize(settled(value)))]),
    deserialize: (bytes) => {
      const value = versionValue(bytes);
      return value === null ? null : inner.deserialize(value);
    },
  };
}

/**
 * The bytes of a version's value, a view; null: from this version on the key is deleted.
 * @throws TypeError for what is no version.
 */
export function versionValue(bytes: Buffer): Buffer | null {
  if (isDeletedVersion(bytes)) return null;
  if (bytes[0] !== VALUE) throw new TypeError('the first byte of a version is 0, alone, or 1');
  return bytes.subarray(1);
}

/** The serde of what a store keeps as its values. */
export function storedSerde<V, K>({ kind, serde }: StoreSpec<V, K>): Serde<V | null> {
  return kind === 'versioned' ? versionSerde(serde) : (serde as Serde<V | null>);
}

export function isDeletedVersion(bytes: Buffer): boolean {
  return bytes.length === 1 && bytes[0] === DELETED;
}

/** The versions of a store that is opened. */
export class VersionIndex extends KeyIndex {
  /** Those that say that there is no value. */
  readonly deleted: ReadonlySet<string>;

  constructor(keys: string[] = [], deleted: ReadonlySet<string> = new Set()) {
    super(keys);
    this.deleted = deleted;
  }
}

/**
 * A versioned store over the committed state of its task. `onDropped`: told of each put that was older than the
 * history.
 * @throws TypeError when the name is illegal or `historyMs` is missing or below 0.
 */
export function createVersionedStore<V, K = string>(
  spec: StoreSpec<V, K>,
  committed: StateStore,
  index: VersionIndex,
  onDropped: () => void = () => undefined,
  cache: StoreCache = noCache(),
): LiveVersionedStore<K, V> {
  const { historyMs } = spec;
  if (historyMs === undefined || !(historyMs >= 0))
    throw new TypeError(`versioned store "${spec.name}" needs a historyMs of 0 or more`);
  return new OpenVersionedStore({ ...spec, historyMs }, committed, index, onDropped, cache);
}

class OpenVersionedStore<K, V> implements LiveVersionedStore<K, V> {
  readonly name: string;
  /** Of the versions that are not valid any more. */
  readonly retentionMs: number;
  readonly idOf: (key: K) => string;
  readonly #ids: CompositeIds<K>;
  readonly #rows: RowBuffer<V | null>;
  readonly #keys: KeyIndex;
  readonly #onDropped: () => void;
  /** When each version stops to matter, then its id. The newest of a key matters for ever, unless it has no value. */
  readonly #ends: KeyIndex;
  /** The newest time of all puts. */
  #newestMs = -1;

  constructor(
    spec: StoreSpec<V, K> & { readonly historyMs: number },
    committed: StateStore,
    index: VersionIndex,
    onDropped: () => void,
    cache: StoreCache,
  ) {
    const { name } = spec;
    const keys = storeKeys(spec.key);
    this.name = name;
    this.retentionMs = spec.historyMs;
    this.idOf = keys.idOf;
    this.#onDropped = onDropped;
    this.#ids = new CompositeIds(keys, VERSIONED_LAYOUT);
    this.#keys = index;
    this.#rows = new RowBuffer({ name, serde: storedSerde(spec) }, committed, this.#ids, index, cache);
    this.#ends = new KeyIndex(this.#endsOf(undefined, (id) => index.deleted.has(id)));
    this.#findNewest();
  }

  put(key: K, value: V | null, timestampMs: number): VersionPut {
    return this.#put(key, timestampMs, (id) => this.#rows.put(id, value));
  }

  row(key: K, asOfMs?: number): Version<V> | undefined {
    return this.#version(key, asOfMs, (id) => this.#rows.get(id));
  }

  committedRow(key: K): TableRow<V> | undefined {
    const start = this.#ids.startOf(key);
    for (const id of this.#keys.reverseRange(start, `${start}\u00ff`)) {
      const row = this.#rows.committedRow(id);
      if (row === undefined) continue;
      return row.value === null ? undefined : { value: row.value, timestampMs: this.#ids.numberOf(id, 0) };
    }
    return undefined;
  }

  ownView(): VersionedStore<K, V> {
    const rows = this.#rows;
    const put = (key: K, value: V | null, timestampMs: number): void => {
      const done = this.#put(key, timestampMs, (id) => rows.putOwn(id, value, 0));
      if (done === 'dropped') this.#onDropped();
    };
    const version = (key: K, asOfMs?: number): Version<V> | undefined =>
      this.#version(key, asOfMs === undefined ? undefined : asTime(this.name, asOfMs), (id) => rows.getOwn(id));
    return {
      name: this.name,
      put,
      get: (key, asOfMs) => version(key, asOfMs)?.value,
      version,
      delete: (key, timestampMs) => {
        const before = this.#isBeforeHistory(timestampMs) ? undefined : version(key, timestampMs)?.value;
        put(key, null, timestampMs);
        return before;
      },
    };
  }

  flush(): StoreChange[] {
    return this.#rows.flush();
  }

  committed(): void {
    this.#forget(() => this.#rows.committed());
  }

  clear(): void {
    this.#forget(() => this.#rows.clear());
  }

  close(): void {
    this.#rows.close();
  }

  /** @param forgotten forgets the uncommitted writes; true: they are undone. */
  #forget(forgotten: () => boolean): void {
    const starts = new Set([...this.#rows.dirtyIds()].map((id) => this.#startOf(id)));
    const ends = [...starts].flatMap((start) => this.#endsOf(start));
    const isUndone = forgotten();
    // If they are undone, versions of these keys end as they did before.
    for (const end of ends) this.#ends.delete(end);
    for (const start of starts) for (const end of this.#endsOf(start)) this.#ends.add(end);
    if (isUndone) this.#findNewest();
  }

  /** Deletes versions that nobody can ask for any more. Of the history that counts, not only of stream time. */
  async expireBefore(horizonMs: number, limit: number): Promise<StoreChange[]> {
    const horizon = Math.min(horizonMs, this.#newestMs - this.retentionMs);
    if (horizon < 0) return [];
    const due: string[] = [];
    for (const end of this.#ends.range(undefined, timeTextAfter(horizon))) {
      if (due.length >= limit) break;
      due.push(end);
    }
    return due.map((end) => {
      const id = end.slice(END_LENGTH);
      this.#ends.delete(end);
      this.#rows.delete(id);
      return { store: this.name, key: this.#ids.bytesOf(id), value: null };
    });
  }

  #put(key: K, timestampMs: number, write: (id: string) => void): VersionPut {
    const id = this.#ids.textOf(this.#ids.idOf(key, timestampMs));
    if (this.#isBeforeHistory(timestampMs)) return 'dropped';
    if (timestampMs > this.#newestMs) this.#newestMs = timestampMs;
    const start = this.#startOf(id);
    const before = this.#last(start, id);
    const next = this.#next(start, id);
    if (before !== undefined) {
      this.#ends.delete(this.#endOf(before, next));
      this.#ends.add(this.#endOf(before, id));
    }
    this.#ends.delete(this.#endOf(id, next));
    write(id);
    if (next !== undefined || this.#rows.get(id) === null) this.#ends.add(this.#endOf(id, next));
    return next === undefined ? 'newest' : 'older';
  }

  #version(key: K, asOfMs: number | undefined, get: (id: string) => V | null | undefined): Version<V> | undefined {
    const start = this.#ids.startOf(key);
    const id = this.#last(start, asOfMs === undefined ? `${start}\u00ff` : start + timeTextAfter(asOfMs));
    if (id === undefined) return undefined;
    const value = get(id);
    if (value === null || value === undefined) return undefined;
    const next = this.#next(start, id);
    // The newest version is never too old to be asked for.
    if (next !== undefined && asOfMs !== undefined && this.#isBeforeHistory(asOfMs)) return undefined;
    return {
      value,
      timestampMs: this.#ids.numberOf(id, 0),
      validToMs: next === undefined ? null : this.#ids.numberOf(next, 0),
    };
  }

  #isBeforeHistory(timestampMs: number): boolean {
    return timestampMs < this.#newestMs - this.retentionMs;
  }

  /** The last version of a key before `end`, exclusive. */
  #last(start: string, end: string): string | undefined {
    for (const id of this.#keys.reverseRange(start, end)) return id;
    return undefined;
  }

  /** The version of a key that follows on one. */
  #next(start: string, id: string): string | undefined {
    for (const next of this.#keys.range(`${id}\0`, `${start}\u00ff`)) return next;
    return undefined;
  }

  #startOf(id: string): string {
    return id.slice(0, -END_LENGTH);
  }

  /** A version without a follower ends with itself: it is listed only where it says that there is no value. */
  #endOf(id: string, next: string | undefined): string {
    return (next ?? id).slice(-END_LENGTH) + id;
  }

  /** What `#ends` has of one key, or of all. */
  #endsOf(start: string | undefined, isDeleted = (id: string) => this.#rows.get(id) === null): string[] {
    const ends: string[] = [];
    const ids = this.#keys.range(start, start === undefined ? undefined : `${start}\u00ff`);
    let last: string | undefined;
    for (const id of ids) {
      if (last !== undefined && this.#startOf(last) === this.#startOf(id)) ends.push(this.#endOf(last, id));
      else if (last !== undefined && isDeleted(last)) ends.push(this.#endOf(last, undefined));
      last = id;
    }
    if (last !== undefined && isDeleted(last)) ends.push(this.#endOf(last, undefined));
    return ends;
  }

  #findNewest(): void {
    this.#newestMs = -1;
    for (const id of this.#keys.range(undefined, undefined))
      this.#newestMs = Math.max(this.#newestMs, this.#ids.numberOf(id, 0));
  }
}

/** Of a time in front of an id. */
const END_LENGTH = numberText(0).length;
