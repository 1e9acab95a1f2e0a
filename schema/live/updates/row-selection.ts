import { isInRange, type KeyTextRange, walkKey, walkRange } from '../tables/key-range.ts';
import type { RowTest } from '../tables/row-filter.ts';
import { firstRows } from '../tables/row-page.ts';
import type { RowOrder } from '../tables/row-indexes.ts';
import type { RowTable } from '../tables/row-table.ts';
import type { Row, RowName, StartRange } from '../tables/row.ts';

export interface RowSelectionOptions {
  readonly table: RowTable;
  /** The bytes of keys as latin1; null: any. */
  readonly keys: ReadonlySet<string> | null;
  readonly range: KeyTextRange | null;
  /** What filter and rights say of a row. */
  readonly test: RowTest;
  readonly order: RowOrder;
  /** Only so many, by `order`; null: all. */
  readonly first: number | null;
  /** Of windows the newest, of sessions the newest of those that are selected; null for other tables. */
  readonly last: number | null;
}

/** Rows of the past by name: in their place, those of today are left out. Null: there was none. */
export type Overlay = ReadonlyMap<RowName, Row | null>;

const NOTHING_LAID_OVER: Overlay = new Map();

/** The rows that a subscriber has asked for. */
export class RowSelection {
  readonly #options: RowSelectionOptions;

  constructor(options: RowSelectionOptions) {
    this.#options = options;
  }

  get table(): RowTable {
    return this.#options.table;
  }

  get last(): number | null {
    return this.#options.last;
  }

  /** Whether a row may leave because another one takes its place. */
  get isBounded(): boolean {
    const { first, last, table } = this.#options;
    return first !== null || (last !== null && table.declared.shape.kind === 'session');
  }

  /** Whether a row that is selected, but not sent, may leave room for another one: the first of the newest sessions. */
  get isBoundedTwice(): boolean {
    const { first, last, table } = this.#options;
    return first !== null && last !== null && table.declared.shape.kind === 'session';
  }

  /** Whether a row is one of them, as long as there are not too many. */
  takes(row: Row, windows: StartRange): boolean {
    const { keys, range, test } = this.#options;
    return (
      row.startMs >= windows.fromMs &&
      row.startMs < windows.toMs &&
      (keys === null || keys.has(row.keyText)) &&
      (range === null || isInRange(range, row)) &&
      test(row)
    );
  }

  /** All of them, in the order that was asked for. `overlay`: as they were when those rows were so. */
  rows(windows: StartRange, overlay: Overlay = NOTHING_LAID_OVER): Row[] {
    const { first, last, table, order, keys } = this.#options;
    const { compare } = table.indexes.in(order);
    const isOfSessions = last !== null && table.declared.shape.kind === 'session';
    const rows: Row[] = [...overlay.values()].filter((row) => row !== null && this.takes(row, windows)) as Row[];
    const isWanted = (row: Row): boolean => !overlay.has(row.name) && this.takes(row, windows);
    const visit = (row: Row): boolean => {
      if (isWanted(row)) rows.push(row);
      return true;
    };
    if (keys !== null) for (const keyText of keys) walkKey(table.indexes.byKey, keyText, visit);
    else if (isOfSessions) rows.push(...firstRows(table, table.indexes.byTime, last, isWanted));
    else if (first !== null) rows.push(...firstRows(table, table.indexes.in(order), first, isWanted));
    else this.#walk(windows, visit);
    if (isOfSessions) rows.sort(table.indexes.byTime.compare).splice(last);
    rows.sort(compare);
    return first === null ? rows : rows.slice(0, first);
  }

  /** Rows among which all that are selected are. */
  #walk(windows: StartRange, visit: (row: Row) => boolean): void {
    const { table, range } = this.#options;
    if (range !== null || windows.toMs === Number.POSITIVE_INFINITY) walkRange(table.indexes.byKey, range, visit);
    else table.indexes.walkTime(windows, visit);
  }

  /** Rows that a move of the windows lets in or out, as they are now. */
  moved(before: StartRange, now: StartRange): Row[] {
    const rows: Row[] = [];
    const { table } = this.#options;
    for (const end of ['fromMs', 'toMs'] as const) {
      const [fromMs, toMs] = [Math.min(before[end], now[end]), Math.max(before[end], now[end])];
      if (fromMs !== toMs) table.indexes.walkTime({ fromMs, toMs }, (row) => rows.push(row) > 0);
    }
    return rows;
  }
}
