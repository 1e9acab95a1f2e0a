import type { Windowed } from '../topology/windowed-serdes.ts';
import { CompositeIds, NUMBER_BYTES, type DiskLayout } from './composite-ids.ts';
import { KeyGroups } from './key-groups.ts';
import type { KeyIndex } from './key-index.ts';
import { noCache, type StoreCache } from './record-cache.ts';
import { RowBuffer } from './row-buffer.ts';
import { RowExpiry } from './row-expiry.ts';
import type { StateStore, StoreChange } from './state-store.ts';
import { storeKeys } from './store-keys.ts';
import { timeText } from './time-bounds.ts';
import { NO_TIME } from './timed-row.ts';
import type { LiveSessionStore, SessionRow, SessionStore, StoreSpec, TableRow } from './typed-store.ts';

/** On disk 8 bytes of the end, 8 of the start, then the key: what ended first is at the front. */
export const SESSION_LAYOUT: DiskLayout = {
  numbers: 2,
  join: (key, numbers) => numbers + key,
  split: (bytes) => ({ numbers: bytes.slice(0, 16), key: bytes.slice(16) }),
};

/**
 * A session store over the committed state of its task.
 * @throws TypeError when the name is illegal or `retentionMs` is missing or below 0.
 */
export function createSessionStore<V, K = string>(
  spec: StoreSpec<V, K>,
  committed: StateStore,
  index: KeyIndex,
  cache: StoreCache = noCache(),
): LiveSessionStore<K, V> {
  const { retentionMs } = spec;
  if (retentionMs === undefined || !(retentionMs >= 0))
    throw new TypeError(`session store "${spec.name}" needs a retentionMs of 0 or more`);
  return new OpenSessionStore({ ...spec, retentionMs }, committed, index, cache);
}

/** Behind all sessions of a key, of which this is the beginning. */
function endOf(start: string): string {
  return `${start}\u00ff`;
}

/** The index makes one piece of a text that it keeps. */
class SessionIds<K> extends CompositeIds<K> {
  override textOf(id: string): string {
    return id;
  }
}

class OpenSessionStore<K, V> implements LiveSessionStore<K, V> {
  readonly name: string;
  readonly retentionMs: number;
  readonly idOf: (key: K) => string;
  readonly #ids: CompositeIds<K>;
  readonly #rows: RowBuffer<V>;
  readonly #expiry: RowExpiry;

  constructor(
    spec: StoreSpec<V, K> & { readonly retentionMs: number },
    committed: StateStore,
    index: KeyIndex,
    cache: StoreCache,
  ) {
    const { name } = spec;
    const keys = storeKeys(spec.key);
    this.name = name;
    this.retentionMs = spec.retentionMs;
    this.idOf = keys.idOf;
    this.#ids = new SessionIds(keys, SESSION_LAYOUT);
    // Only sessions of one key are ever gone through.
    const groups = new KeyGroups(2 * NUMBER_BYTES, index.takeAll());
    this.#rows = new RowBuffer(spec, committed, this.#ids, groups, cache);
    this.#expiry = new RowExpiry({
      name,
      committed,
      rows: this.#rows,
      ids: this.#ids,
      timeOf: (id) => this.#endOf(id),
    });
  }

  get(key: K, startMs: number, endMs: number): V | undefined {
    return this.#rows.get(this.#idOf(key, startMs, endMs));
  }

  row(key: K, startMs: number, endMs: number): TableRow<V> | undefined {
    return this.#rows.row(this.#idOf(key, startMs, endMs));
  }

  committedRow(key: K, startMs: number, endMs: number): TableRow<V> | undefined {
    return this.#rows.committedRow(this.#idOf(key, startMs, endMs));
  }

  isChanged(key: K, startMs: number, endMs: number): boolean {
    return this.#rows.isDirty(this.#idOf(key, startMs, endMs));
  }

  put(key: K, startMs: number, endMs: number, value: V, timestampMs?: number): void {
    const id = this.#idOf(key, startMs, endMs);
    this.#rows.put(id, value, timestampMs);
    this.#expiry.put(id);
  }

  delete(key: K, startMs: number, endMs: number): void {
    this.#rows.delete(this.#idOf(key, startMs, endMs));
  }

  find(key: K, fromMs: number, toMs: number): SessionRow<V>[] {
    const found: SessionRow<V>[] = [];
    const start = this.#ids.startOf(key);
    for (const id of this.#rows.index.list(start + timeText(fromMs), endOf(start))) {
      const startMs = this.#startOf(id);
      if (startMs > toMs) continue;
      const row = this.#rows.row(id);
      if (row !== undefined)
        found.push({ value: row.value, timestampMs: row.timestampMs, startMs, endMs: this.#endOf(id) });
    }
    return found;
  }

  ownView(timeOf: () => number = () => NO_TIME): SessionStore<K, V> {
    const rows = this.#rows;
    const remove = ({ key, startMs, endMs }: Windowed<K>): V | undefined => {
      const id = this.#idOf(key, startMs, endMs);
      const before = rows.getOwn(id);
      rows.delete(id);
      return before;
    };
    return {
      name: this.name,
      get: (key, startMs, endMs) => rows.getOwn(this.#idOf(key, startMs, endMs)),
      find: (key, fromMs, toMs) => this.#ownRows(this.#found(key, fromMs, toMs, false)),
      backwardFind: (key, fromMs, toMs) => this.#ownRows(this.#found(key, fromMs, toMs, true)),
      put: (session, value) => {
        if (value === null) {
          remove(session);
          return;
        }
        const id = this.#idOf(session.key, session.startMs, session.endMs);
        rows.putOwn(id, value, timeOf());
        this.#expiry.put(id);
      },
      remove,
    };
  }

  flush(): StoreChange[] {
    return this.#rows.flush();
  }

  committed(): void {
    this.#rows.committed();
  }

  clear(): void {
    this.#expiry.clear();
    this.#rows.clear();
  }

  close(): void {
    this.#rows.close();
  }

  /** The end of a session is inclusive: one that ends at the horizon is kept. */
  expireBefore(horizonMs: number, limit: number): Promise<StoreChange[]> {
    return this.#expiry.expire(Math.ceil(horizonMs), limit);
  }

  #idOf(key: K, startMs: number, endMs: number): string {
    if (startMs > endMs)
      throw new RangeError(`a session that starts at ${String(startMs)} does not end at ${String(endMs)}`);
    return this.#ids.idOf(key, endMs, startMs);
  }

  #endOf(id: string): number {
    return this.#ids.numberOf(id, 0);
  }

  #startOf(id: string): number {
    return this.#ids.numberOf(id, 1);
  }

  *#found(key: K, fromMs: number, toMs: number, reverse: boolean): Generator<string, void> {
    const from = this.#ids.startOf(key);
    const ids = this.#rows.index.walk(from + timeText(fromMs), endOf(from), reverse);
    for (const id of ids) if (this.#startOf(id) <= toMs) yield id;
  }

  *#ownRows(ids: Iterable<string>): Generator<[Windowed<K>, V], void> {
    for (const id of ids) {
      const value = this.#rows.getOwn(id);
      if (value !== undefined)
        yield [{ key: this.#ids.keyOf(id), startMs: this.#startOf(id), endMs: this.#endOf(id) }, value];
    }
  }
}
