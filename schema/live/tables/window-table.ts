import { decodeWindowKey, type TableChange } from '@tributary/streams';
import { AppliedPositions } from './applied-positions.ts';
import type { LiveTable, RowOrigin } from './live-table.ts';

/**
 * The most windows that one result may hold. Expired windows are kept as empty for as long, so that a running
 * subscription learns that they are zero now.
 */
export const MAX_WINDOWS = 1_500;

/** So many changes are kept one by one; a subscriber whose last update is older looks at all windows. */
const KEPT_CHANGES = 4_096;

interface Change<Key> {
  readonly version: number;
  readonly startMs: number;
  /** Null: rows were removed, and their keys are not known. */
  readonly key: Key | null;
}

/** A row of one window. */
export interface WindowRow extends RowOrigin {
  /** Newest event time in the row, epoch milliseconds; 0 when it holds nothing. */
  readonly newestEventMs: number;
}

/** What a window holds of all its rows together. `Row` can stand where a sum does. */
export interface Sums<Sum> {
  none(): Sum;
  add(into: Sum, row: Readonly<Sum>): void;
  subtract(from: Sum, row: Readonly<Sum>): void;
  isZero(sum: Readonly<Sum>): boolean;
}

export interface WindowTableOptions<Key extends string, Row extends WindowRow & Sum, Sum> {
  readonly sizeMs: number;
  /** A window is kept until its end is so far behind the newest event. */
  readonly retentionMs: number;
  /** Which keys are rows of the table; others are passed over. */
  readonly isKey: (text: string) => text is Key;
  /** The row as of a change. Throws on what the processor cannot have written. */
  readonly rowOf: (change: TableChange, version: number) => Row;
  readonly sums: Sums<Sum>;
}

/** One window. An expired or emptied one has no rows. */
export interface Window<Key, Row, Sum> {
  readonly startMs: number;
  readonly rows: ReadonlyMap<Key, Row>;
  /** Of the rows, kept up to date. */
  readonly sum: Readonly<Sum>;
  readonly newestEventMs: number;
  readonly version: number;
  /** The version at which rows were last removed, which no remaining row shows; 0 if none ever was. */
  readonly removedAtVersion: number;
}

interface MutableWindow<Key, Row, Sum> extends Window<Key, Row, Sum> {
  readonly rows: Map<Key, Row>;
  sum: Sum;
  newestEventMs: number;
  version: number;
  removedAtVersion: number;
}

/**
 * This instance's copy of a window store. It is bounded by itself: a window whose end is the retention or more behind
 * the newest event time here counts as zero, also before the processor's tombstone for it arrives.
 */
export class WindowTable<Key extends string, Row extends WindowRow & Sum, Sum> implements LiveTable {
  readonly sizeMs: number;
  readonly retentionMs: number;
  readonly positions = new AppliedPositions();
  readonly #options: WindowTableOptions<Key, Row, Sum>;
  readonly #sums: Sums<Sum>;
  readonly #windows = new Map<number, MutableWindow<Key, Row, Sum>>();
  #newestEventMs = 0;
  /** Newest last. */
  readonly #changes: Change<Key>[] = [];
  /** Changes after this version are all kept. */
  #keptFrom = 0;
  /** Newest event time by key; a key that is not in it has to be looked up. */
  readonly #newestByKey = new Map<Key, number>();
  #newestStartMs: number | null = null;
  #sweptAtEventMs = 0;
  #version = 0;
  #epoch = 0;

  constructor(options: WindowTableOptions<Key, Row, Sum>) {
    this.#options = options;
    this.#sums = options.sums;
    this.sizeMs = options.sizeMs;
    this.retentionMs = options.retentionMs;
  }

  get version(): number {
    return this.#version;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Start of the newest window that holds something; null before the first. */
  get newestStartMs(): number | null {
    return this.#newestStartMs;
  }

  get windowCount(): number {
    return this.#windows.size;
  }

  /** Throws on a value that cannot be read, and then keeps the row as it was. */
  apply(change: TableChange, version: number): void {
    if (change.key.length > 8) {
      const { windowStartMs, key } = decodeWindowKey(change.key);
      if (this.#options.isKey(key)) this.#set(windowStartMs, key, change, version);
    }
    this.positions.advance(change);
  }

  #set(startMs: number, key: Key, change: TableChange, version: number): void {
    if (change.value === null) {
      const window = this.#windows.get(startMs);
      if (window === undefined) this.#keepEmpty(startMs, version);
      else if (window.rows.has(key)) this.#removeRow(window, key, version);
      return;
    }
    const { sizeMs } = this;
    if (startMs % sizeMs !== 0) throw new TypeError(`no window begins at ${startMs}`);
    const row = this.#options.rowOf(change, version);
    const { newestEventMs } = row;
    if (newestEventMs !== 0 && (newestEventMs < startMs || newestEventMs >= startMs + sizeMs))
      throw new TypeError(`the newest event of a window is not in it: ${newestEventMs} from ${startMs} on`);
    if (row.newestEventMs > this.#newestEventMs) this.#newestEventMs = row.newestEventMs;
    let window = this.#windows.get(startMs);
    if (window === undefined) {
      if (startMs < this.#newestEventMs - this.#reachMs) return;
      window = { startMs, rows: new Map(), sum: this.#sums.none(), newestEventMs: 0, version, removedAtVersion: 0 };
      this.#windows.set(startMs, window);
    }
    if (this.#isExpired(startMs)) return this.#empty(window, version);
    const old = window.rows.get(key);
    if (old !== undefined) this.#sums.subtract(window.sum, old);
    this.#sums.add(window.sum, row);
    window.rows.set(key, row);
    window.newestEventMs = Math.max(window.newestEventMs, row.newestEventMs);
    window.version = version;
    this.#version = version;
    this.#recordChange(version, startMs, key);
    const newestMs = this.#newestByKey.get(key);
    if (newestMs !== undefined) {
      if (row.newestEventMs >= newestMs) this.#newestByKey.set(key, row.newestEventMs);
      else if (old?.newestEventMs === newestMs) this.#newestByKey.delete(key);
    }
    if (!this.#sums.isZero(row) && (this.#newestStartMs === null || startMs > this.#newestStartMs))
      this.#newestStartMs = startMs;
  }

  /** All that the topic still has of a window is its tombstone: subscribers of another instance may still count it. */
  #keepEmpty(startMs: number, version: number): void {
    if (startMs < this.#newestEventMs - this.#reachMs) return;
    this.#windows.set(startMs, {
      startMs,
      rows: new Map(),
      sum: this.#sums.none(),
      newestEventMs: 0,
      version,
      removedAtVersion: version,
    });
    this.#version = version;
    this.#recordChange(version, startMs, null);
  }

  #recordChange(version: number, startMs: number, key: Key | null): void {
    this.#changes.push({ version, startMs, key });
    if (this.#changes.length < 2 * KEPT_CHANGES) return;
    const dropped = this.#changes.splice(0, KEPT_CHANGES);
    this.#keptFrom = dropped.at(-1)?.version ?? version;
  }

  /**
   * Starts of windows in which a row of `keys` (null: any) changed, or any was removed, after `version`; null where
   * that is too long ago to be known without looking at all windows.
   */
  changedSince(version: number, keys: readonly Key[] | null): Set<number> | null {
    if (version < this.#keptFrom) return null;
    const starts = new Set<number>();
    for (let index = this.#changes.length - 1; index >= 0; index--) {
      const change = this.#changes[index] as Change<Key>;
      if (change.version <= version) break;
      const isOne = keys === null || change.key === null || keys.includes(change.key);
      if (isOne && this.#windows.has(change.startMs)) starts.add(change.startMs);
    }
    return starts;
  }

  /** Newest event time counted for `key`; 0 when there is none. */
  newestOf(key: Key): number {
    const known = this.#newestByKey.get(key);
    if (known !== undefined) return known;
    let newestMs = 0;
    for (const { rows } of this.#windows.values()) newestMs = Math.max(newestMs, rows.get(key)?.newestEventMs ?? 0);
    this.#newestByKey.set(key, newestMs);
    return newestMs;
  }

  #removeRow(window: MutableWindow<Key, Row, Sum>, key: Key, version: number): void {
    const row = window.rows.get(key);
    if (row === undefined) return;
    this.#sums.subtract(window.sum, row);
    window.rows.delete(key);
    this.#dropNewest(key, row);
    this.#recordChange(version, window.startMs, null);
    window.newestEventMs = 0;
    for (const left of window.rows.values()) window.newestEventMs = Math.max(window.newestEventMs, left.newestEventMs);
    window.version = version;
    window.removedAtVersion = version;
    this.#version = version;
    if (row.newestEventMs === this.#newestEventMs) this.#findNewestEvent();
    if (window.startMs === this.#newestStartMs && this.#sums.isZero(window.sum)) this.#findNewest();
  }

  /** No result goes further back than this behind the newest event. */
  get #reachMs(): number {
    return Math.max(MAX_WINDOWS * this.sizeMs, this.retentionMs) + this.sizeMs;
  }

  /**
   * Starts of windows that are past the retention now, and were not yet when the newest window began at
   * `newestStartMs`.
   */
  expiredSince(newestStartMs: number): number[] {
    const { sizeMs, retentionMs } = this;
    const starts: number[] = [];
    const firstMs = Math.max(newestStartMs - retentionMs, this.#newestEventMs - this.#reachMs);
    for (let startMs = Math.floor(firstMs / sizeMs) * sizeMs; this.#isExpired(startMs); startMs += sizeMs)
      starts.push(startMs);
    return starts;
  }

  #isExpired(startMs: number): boolean {
    return startMs + this.sizeMs <= this.#newestEventMs - this.retentionMs;
  }

  /**
   * Empties what has expired and drops what no result can reach any more. To be called after each batch of changes.
   */
  expire(version: number): void {
    if (this.#newestEventMs === this.#sweptAtEventMs) return;
    this.#sweptAtEventMs = this.#newestEventMs;
    for (const window of this.#windows.values()) {
      if (window.startMs < this.#newestEventMs - this.#reachMs) {
        for (const [key, row] of window.rows) this.#dropNewest(key, row);
        this.#windows.delete(window.startMs);
      } else if (this.#isExpired(window.startMs)) this.#empty(window, version);
    }
  }

  /** Leaves an expired window behind as one that is known to be zero. */
  #empty(window: MutableWindow<Key, Row, Sum>, version: number): void {
    if (window.removedAtVersion > 0 && window.rows.size === 0) return;
    for (const [key, row] of window.rows) this.#dropNewest(key, row);
    window.rows.clear();
    this.#recordChange(version, window.startMs, null);
    window.sum = this.#sums.none();
    window.newestEventMs = 0;
    window.version = version;
    window.removedAtVersion = version;
    this.#version = version;
  }

  #dropNewest(key: Key, { newestEventMs }: Row): void {
    if (this.#newestByKey.get(key) === newestEventMs) this.#newestByKey.delete(key);
  }

  reset(partition: number, version: number): void {
    for (const window of this.#windows.values()) {
      for (const [key, row] of window.rows) if (row.partition === partition) this.#removeRow(window, key, version);
    }
    this.positions.remove(partition);
    this.#version = version;
    this.#epoch += 1;
    this.#findNewestEvent();
    this.#findNewest();
  }

  #findNewestEvent(): void {
    this.#newestEventMs = 0;
    for (const window of this.#windows.values())
      this.#newestEventMs = Math.max(this.#newestEventMs, window.newestEventMs);
  }

  #findNewest(): void {
    this.#newestStartMs = null;
    for (const window of this.#windows.values()) {
      if (!this.#sums.isZero(window.sum) && (this.#newestStartMs === null || window.startMs > this.#newestStartMs)) {
        this.#newestStartMs = window.startMs;
      }
    }
  }

  get(startMs: number): Window<Key, Row, Sum> | undefined {
    return this.#windows.get(startMs);
  }

  windows(): Iterable<Window<Key, Row, Sum>> {
    return this.#windows.values();
  }
}
