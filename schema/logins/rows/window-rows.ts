import type { WindowDefinition } from '../../../processor/logins/names.ts';
import { decodeWindowKey } from '../../../processor/streams/store/window-key.ts';
import type { TableChange } from '../../../processor/streams/table/global-table-types.ts';
import { AppliedPositions } from '../../live/tables/applied-positions.ts';
import {
  addCounts,
  type CountRow,
  type Counts,
  isRowKey,
  noCounts,
  type RowKey,
  rowOf,
  subtractCounts,
  totalOf,
} from './count-row.ts';

/** The most windows that one answer may hold; expired windows are remembered as empty for as long, so that a running
 * subscription learns that they are zero now. */
export const MAX_WINDOWS = 1_500;

/** So many changes are remembered one by one; who was told before them looks at all windows. */
const REMEMBERED_CHANGES = 4_096;

interface Change {
  readonly version: number;
  readonly startMs: number;
  /** Null: rows went away, and whose they were is not known. */
  readonly key: RowKey | null;
}

/** One window. An expired or emptied one has no rows. */
export interface Window {
  readonly startMs: number;
  readonly rows: ReadonlyMap<RowKey, CountRow>;
  /** Sum of the rows, kept up to date. */
  readonly totals: Readonly<Counts>;
  readonly lastLoginAtMs: number;
  readonly version: number;
  /** The version at which rows last went away, which no remaining row can tell of; 0 if none ever did. */
  readonly removedAtVersion: number;
}

interface MutableWindow extends Window {
  readonly rows: Map<RowKey, CountRow>;
  readonly totals: Counts;
  lastLoginAtMs: number;
  version: number;
  removedAtVersion: number;
}

/**
 * This instance's copy of a window store. It is bounded by itself: a window whose end is the retention or more behind
 * the newest event time here counts as zero, also before the processor's tombstone for it arrives.
 */
export class WindowRows {
  readonly definition: WindowDefinition;
  readonly positions = new AppliedPositions();
  readonly #windows = new Map<number, MutableWindow>();
  #newestEventMs = 0;
  /** Newest last. */
  readonly #changes: Change[] = [];
  /** Changes after this version are all remembered. */
  #rememberedFrom = 0;
  /** Newest event time by key; a key that is not in it has to be looked up. */
  readonly #newestByKey = new Map<RowKey, number>();
  #newestStartMs: number | null = null;
  #sweptAtEventMs = 0;
  #version = 0;
  #epoch = 0;

  constructor(definition: WindowDefinition) {
    this.definition = definition;
  }

  get version(): number {
    return this.#version;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Start of the newest window with a login; null before the first. */
  get newestStartMs(): number | null {
    return this.#newestStartMs;
  }

  get size(): number {
    return this.#windows.size;
  }

  /** Throws on a value that cannot be read, and then keeps the row as it was. */
  apply(change: TableChange, version: number): void {
    if (change.key.length > 8) {
      const { windowStartMs, key } = decodeWindowKey(change.key);
      if (isRowKey(key)) this.#set(windowStartMs, key, change, version);
    }
    this.positions.note(change);
  }

  #set(startMs: number, key: RowKey, change: TableChange, version: number): void {
    if (change.value === null) {
      const window = this.#windows.get(startMs);
      if (window === undefined) this.#rememberEmpty(startMs, version);
      else if (window.rows.has(key)) this.#removeRow(window, key, version);
      return;
    }
    const { sizeMs } = this.definition;
    if (startMs % sizeMs !== 0) throw new TypeError(`no window begins at ${startMs}`);
    const row = rowOf(change, version);
    const { lastLoginAtMs } = row;
    if (lastLoginAtMs !== 0 && (lastLoginAtMs < startMs || lastLoginAtMs >= startMs + sizeMs))
      throw new TypeError(`the newest login of a window is not in it: ${lastLoginAtMs} from ${startMs} on`);
    if (row.lastLoginAtMs > this.#newestEventMs) this.#newestEventMs = row.lastLoginAtMs;
    let window = this.#windows.get(startMs);
    if (window === undefined) {
      if (startMs < this.#newestEventMs - this.#reachMs) return;
      window = { startMs, rows: new Map(), totals: noCounts(), lastLoginAtMs: 0, version, removedAtVersion: 0 };
      this.#windows.set(startMs, window);
    }
    if (this.#isExpired(startMs)) return this.#empty(window, version);
    const old = window.rows.get(key);
    if (old !== undefined) subtractCounts(window.totals, old);
    addCounts(window.totals, row);
    window.rows.set(key, row);
    window.lastLoginAtMs = Math.max(window.lastLoginAtMs, row.lastLoginAtMs);
    window.version = version;
    this.#version = version;
    this.#noteChange(version, startMs, key);
    const newestMs = this.#newestByKey.get(key);
    if (newestMs !== undefined) {
      if (row.lastLoginAtMs >= newestMs) this.#newestByKey.set(key, row.lastLoginAtMs);
      else if (old?.lastLoginAtMs === newestMs) this.#newestByKey.delete(key);
    }
    if (totalOf(row) > 0 && (this.#newestStartMs === null || startMs > this.#newestStartMs))
      this.#newestStartMs = startMs;
  }

  /** All that is left of a window in the topic is that it went away: subscribers from elsewhere may still count it. */
  #rememberEmpty(startMs: number, version: number): void {
    if (startMs < this.#newestEventMs - this.#reachMs) return;
    this.#windows.set(startMs, {
      startMs,
      rows: new Map(),
      totals: noCounts(),
      lastLoginAtMs: 0,
      version,
      removedAtVersion: version,
    });
    this.#version = version;
    this.#noteChange(version, startMs, null);
  }

  #noteChange(version: number, startMs: number, key: RowKey | null): void {
    this.#changes.push({ version, startMs, key });
    if (this.#changes.length < 2 * REMEMBERED_CHANGES) return;
    const forgotten = this.#changes.splice(0, REMEMBERED_CHANGES);
    this.#rememberedFrom = forgotten.at(-1)?.version ?? version;
  }

  /**
   * Starts of windows in which a row of `keys` (null: any) changed, or any went away, after `version`; null where that
   * is too long ago to be told without looking at all windows.
   */
  changedSince(version: number, keys: readonly RowKey[] | null): Set<number> | null {
    if (version < this.#rememberedFrom) return null;
    const starts = new Set<number>();
    for (let index = this.#changes.length - 1; index >= 0; index--) {
      const change = this.#changes[index] as Change;
      if (change.version <= version) break;
      const isOne = keys === null || change.key === null || keys.includes(change.key);
      if (isOne && this.#windows.has(change.startMs)) starts.add(change.startMs);
    }
    return starts;
  }

  /** Newest event time counted for `key`; 0 when there is none. */
  newestOf(key: RowKey): number {
    const known = this.#newestByKey.get(key);
    if (known !== undefined) return known;
    let newestMs = 0;
    for (const { rows } of this.#windows.values()) newestMs = Math.max(newestMs, rows.get(key)?.lastLoginAtMs ?? 0);
    this.#newestByKey.set(key, newestMs);
    return newestMs;
  }

  #removeRow(window: MutableWindow, key: RowKey, version: number): void {
    const row = window.rows.get(key);
    if (row === undefined) return;
    subtractCounts(window.totals, row);
    window.rows.delete(key);
    this.#forgetNewest(key, row);
    this.#noteChange(version, window.startMs, null);
    window.lastLoginAtMs = 0;
    for (const left of window.rows.values()) window.lastLoginAtMs = Math.max(window.lastLoginAtMs, left.lastLoginAtMs);
    window.version = version;
    window.removedAtVersion = version;
    this.#version = version;
    if (row.lastLoginAtMs === this.#newestEventMs) this.#findNewestEvent();
    if (window.startMs === this.#newestStartMs && totalOf(window.totals) === 0) this.#findNewest();
  }

  /** No answer goes further back than this behind the newest event. */
  get #reachMs(): number {
    return Math.max(MAX_WINDOWS * this.definition.sizeMs, this.definition.retentionMs) + this.definition.sizeMs;
  }

  /**
   * Starts of windows that are past the retention now, and were not yet when the newest window began at
   * `newestStartMs`.
   */
  expiredSince(newestStartMs: number): number[] {
    const { sizeMs, retentionMs } = this.definition;
    const starts: number[] = [];
    const firstMs = Math.max(newestStartMs - retentionMs, this.#newestEventMs - this.#reachMs);
    for (let startMs = Math.floor(firstMs / sizeMs) * sizeMs; this.#isExpired(startMs); startMs += sizeMs)
      starts.push(startMs);
    return starts;
  }

  #isExpired(startMs: number): boolean {
    return startMs + this.definition.sizeMs <= this.#newestEventMs - this.definition.retentionMs;
  }

  /**
   * Empties what has expired and forgets what no answer can reach any more. To be called after each batch of changes.
   */
  expire(version: number): void {
    if (this.#newestEventMs === this.#sweptAtEventMs) return;
    this.#sweptAtEventMs = this.#newestEventMs;
    for (const window of this.#windows.values()) {
      if (window.startMs < this.#newestEventMs - this.#reachMs) {
        for (const [key, row] of window.rows) this.#forgetNewest(key, row);
        this.#windows.delete(window.startMs);
      } else if (this.#isExpired(window.startMs)) this.#empty(window, version);
    }
  }

  /** Leaves an expired window behind as one that is known to be zero. */
  #empty(window: MutableWindow, version: number): void {
    if (window.removedAtVersion > 0 && window.rows.size === 0) return;
    for (const [key, row] of window.rows) this.#forgetNewest(key, row);
    window.rows.clear();
    this.#noteChange(version, window.startMs, null);
    Object.assign(window.totals, noCounts());
    window.lastLoginAtMs = 0;
    window.version = version;
    window.removedAtVersion = version;
    this.#version = version;
  }

  #forgetNewest(key: RowKey, { lastLoginAtMs }: CountRow): void {
    if (this.#newestByKey.get(key) === lastLoginAtMs) this.#newestByKey.delete(key);
  }

  reset(partition: number, version: number): void {
    for (const window of this.#windows.values()) {
      for (const [key, row] of window.rows) if (row.partition === partition) this.#removeRow(window, key, version);
    }
    this.positions.forget(partition);
    this.#version = version;
    this.#epoch += 1;
    this.#findNewestEvent();
    this.#findNewest();
  }

  #findNewestEvent(): void {
    this.#newestEventMs = 0;
    for (const window of this.#windows.values())
      this.#newestEventMs = Math.max(this.#newestEventMs, window.lastLoginAtMs);
  }

  #findNewest(): void {
    this.#newestStartMs = null;
    for (const window of this.#windows.values()) {
      if (totalOf(window.totals) > 0 && (this.#newestStartMs === null || window.startMs > this.#newestStartMs)) {
        this.#newestStartMs = window.startMs;
      }
    }
  }

  get(startMs: number): Window | undefined {
    return this.#windows.get(startMs);
  }

  windows(): Iterable<Window> {
    return this.#windows.values();
  }
}
