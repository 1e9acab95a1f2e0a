import { type DeclaredTable, DerivedTable, MAX_WINDOWS, type Row } from '@tributary/graphql';
import {
  addCounts,
  checkNotAhead,
  type CountRow,
  type Counts,
  countsOf,
  isRowKey,
  noCounts,
  type RowKey,
  subtractCounts,
  totalOf,
} from './count-row.ts';

/** One window: what is counted of each state in it, and of all together. */
export interface CountWindow {
  readonly startMs: number;
  readonly rows: { get(key: RowKey): CountRow | undefined };
  /** Of all rows, kept up to date. */
  readonly sum: Readonly<Counts>;
  /** Epoch milliseconds; 0 when nothing is counted. */
  readonly newestEventMs: number;
}

interface MutableWindow {
  readonly startMs: number;
  readonly sum: Counts;
  newestEventMs: number;
  rowCount: number;
}

/**
 * The sums of each window of a table of counts, and its newest events, each kept up to date by what changes. A window
 * whose end is the retention or more behind the newest event counts as zero, also before the processor's tombstones for
 * it arrive.
 */
export class CountWindows extends DerivedTable {
  readonly sizeMs: number;
  readonly #retentionMs: number;
  readonly #windows = new Map<number, MutableWindow>();
  /** Newest event time by key; a key that is not in it has to be looked up. */
  readonly #newestByKey = new Map<RowKey, number>();
  /** Null: they have to be looked up. */
  #newestEventMs: number | null = 0;
  #newestCounted: { readonly startMs: number | null } | null = { startMs: null };

  /** @throws TypeError for a table without windows. */
  constructor(declared: DeclaredTable) {
    super(declared);
    const { name, shape } = declared;
    if (shape.kind !== 'window') throw new TypeError(`the table ${name} has no windows`);
    this.sizeMs = shape.sizeMs;
    this.#retentionMs = shape.retentionMs;
    this.rowTable.observe({
      keepsLastValue: true,
      check: (row) => this.#check(row),
      changed: (before, after) => this.#changed(before, after),
    });
  }

  #check(row: Row): void {
    const { sizeMs } = this;
    const { startMs } = row;
    checkNotAhead(row);
    if (startMs % sizeMs !== 0) throw new TypeError(`no window begins at ${startMs}`);
    const { newestEventMs } = countsOf(row);
    if (newestEventMs !== 0 && (newestEventMs < startMs || newestEventMs >= startMs + sizeMs))
      throw new TypeError(`the newest event of a window is not in it: ${newestEventMs} from ${startMs} on`);
  }

  #changed(before: Row | null, after: Row | null): void {
    const row = after ?? before;
    if (row === null || !isRowKey(row.key)) return;
    const { startMs, key } = row;
    const window = this.#windows.get(startMs) ?? { startMs, sum: noCounts(), newestEventMs: 0, rowCount: 0 };
    const was = before === null ? null : countsOf(before);
    const is = after === null ? null : countsOf(after);
    if (was !== null) subtractCounts(window.sum, was);
    if (is !== null) addCounts(window.sum, is);
    window.rowCount += (is === null ? 0 : 1) - (was === null ? 0 : 1);
    if (window.rowCount === 0) this.#windows.delete(startMs);
    else this.#windows.set(startMs, window);
    this.#followNewest(window, key, was?.newestEventMs ?? 0, is?.newestEventMs ?? 0);
    this.#followNewestCounted(window);
  }

  /** `wasMs`, `isMs`: the newest event of a row of this window. */
  #followNewest(window: MutableWindow, key: RowKey, wasMs: number, isMs: number): void {
    if (isMs >= window.newestEventMs) window.newestEventMs = isMs;
    else if (wasMs === window.newestEventMs) window.newestEventMs = this.#newestOfWindow(window.startMs);
    if (this.#newestEventMs !== null) {
      if (isMs >= this.#newestEventMs) this.#newestEventMs = isMs;
      else if (wasMs === this.#newestEventMs) this.#lookUpNewest();
    }
    const knownMs = this.#newestByKey.get(key);
    if (knownMs === undefined) return;
    if (isMs >= knownMs) this.#newestByKey.set(key, isMs);
    else if (wasMs === knownMs) this.#newestByKey.delete(key);
  }

  #lookUpNewest(): void {
    this.#newestEventMs = null;
    // Windows that were too old for the event that is gone may count again.
    this.#newestCounted = null;
  }

  #newestOfWindow(startMs: number): number {
    let newestMs = 0;
    this.rowTable.indexes.walkTime({ fromMs: startMs, toMs: startMs + 1 }, (row) => {
      if (isRowKey(row.key)) newestMs = Math.max(newestMs, countsOf(row).newestEventMs);
      return true;
    });
    return newestMs;
  }

  #followNewestCounted({ startMs, sum }: MutableWindow): void {
    if (this.#newestCounted === null) return;
    const newestMs = this.#newestCounted.startMs;
    if (totalOf(sum) > 0) {
      if (newestMs === null || startMs > newestMs) this.#newestCounted = { startMs };
    } else if (startMs === newestMs) this.#newestCounted = null;
  }

  /** Start of the newest window that counts something; null before the first. */
  get newestStartMs(): number | null {
    this.#newestCounted ??= { startMs: this.#newestStart() };
    const { startMs } = this.#newestCounted;
    return startMs === null || this.#isExpired(startMs) ? null : startMs;
  }

  #newestStart(): number | null {
    let newestMs: number | null = null;
    for (const { startMs, sum } of this.windows())
      if (totalOf(sum) > 0 && (newestMs === null || startMs > newestMs)) newestMs = startMs;
    return newestMs;
  }

  get #newestMs(): number {
    if (this.#newestEventMs === null) {
      this.#newestEventMs = 0;
      for (const { newestEventMs } of this.windows())
        this.#newestEventMs = Math.max(this.#newestEventMs, newestEventMs);
    }
    return this.#newestEventMs;
  }

  /** Newest event time counted for `key`; 0 when there is none. */
  newestOf(key: RowKey): number {
    let newestMs = this.#newestByKey.get(key);
    if (newestMs === undefined) {
      newestMs = 0;
      for (const { startMs } of this.windows())
        newestMs = Math.max(newestMs, this.#rowOf(startMs, key)?.newestEventMs ?? 0);
      this.#newestByKey.set(key, newestMs);
    }
    return this.#isExpired(this.#startOf(newestMs)) ? 0 : newestMs;
  }

  #startOf(ms: number): number {
    return Math.floor(ms / this.sizeMs) * this.sizeMs;
  }

  #isExpired(startMs: number): boolean {
    return startMs < this.countedFromMs;
  }

  /** Start of the oldest window that the newest event leaves within the retention. */
  get countedFromMs(): number {
    return this.#startOf(this.#newestMs - this.#retentionMs);
  }

  /** Starts of windows that are past the retention now, and were not yet when the newest window began at `newestMs`. */
  expiredSince(newestMs: number): number[] {
    const { sizeMs } = this;
    // No result goes further back than this behind the newest event.
    const reachMs = Math.max(MAX_WINDOWS * sizeMs, this.#retentionMs) + sizeMs;
    const firstMs = Math.max(newestMs - this.#retentionMs, this.#newestMs - reachMs);
    const starts: number[] = [];
    for (let startMs = this.#startOf(firstMs); this.#isExpired(startMs); startMs += sizeMs) starts.push(startMs);
    return starts;
  }

  /**
   * Starts of windows in which a row of `keys` (null: any) changed after `version`, or that count since then or do so
   * no longer; null where that is too long ago to be known. `countedFromMs`: as it was at `version`.
   */
  changedAfter(version: number, countedFromMs: number, keys: readonly RowKey[] | null): Set<number> | null {
    const past = this.rowTable.changedAfter(version);
    if (past === null) return null;
    const nowFromMs = this.countedFromMs;
    const starts = this.#startsOf(past.keys(), Math.min(countedFromMs, nowFromMs), keys);
    if (nowFromMs !== countedFromMs)
      for (const startMs of this.#windows.keys())
        if (startMs >= countedFromMs !== startMs >= nowFromMs) starts.add(startMs);
    return starts;
  }

  /** The same of offsets; windows that are past the retention now are left out. */
  changedSince(positions: Readonly<Record<number, number>>, keys: readonly RowKey[] | null): Set<number> | null {
    const past = this.rowTable.changedSince(positions);
    return past === null ? null : this.#startsOf(past.keys(), this.countedFromMs, keys);
  }

  #startsOf(names: Iterable<string>, fromMs: number, keys: readonly RowKey[] | null): Set<number> {
    const starts = new Set<number>();
    for (const name of names) {
      const { startMs, keyText } = this.rowTable.placeOf(name);
      if (startMs >= fromMs && isRowKey(keyText) && (keys === null || keys.includes(keyText))) starts.add(startMs);
    }
    return starts;
  }

  /** The window that begins at `startMs`; undefined for one without logins, and for one past the retention. */
  get(startMs: number): CountWindow | undefined {
    const window = this.#windows.get(startMs);
    if (window === undefined || this.#isExpired(startMs)) return undefined;
    const { sum, newestEventMs } = window;
    return { startMs, sum, newestEventMs, rows: { get: (key) => this.#rowOf(startMs, key) } };
  }

  #rowOf(startMs: number, key: RowKey): CountRow | undefined {
    const row = this.rowTable.rowAt(key, startMs);
    return row === undefined ? undefined : countsOf(row);
  }

  /** All that have rows, also those past the retention. */
  windows(): Iterable<MutableWindow> {
    return this.#windows.values();
  }
}
