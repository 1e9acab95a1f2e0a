import { isInRange, type KeyTextRange, rowsOfKey, rowsOfRange } from '../tables/key-range.ts';
import type { RowTest } from '../tables/row-filter.ts';
import type { RowOrder, RowTable } from '../tables/row-table.ts';
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
    const { first, last, table, order } = this.#options;
    const { index, isReversed } = table.index(order);
    const sign = isReversed ? -1 : 1;
    const byOrder = (a: Row, b: Row): number => sign * index.compare(a, b);
    const laidOver = [...overlay.values()].filter((row) => row !== null && this.takes(row, windows)) as Row[];
    const wanted = (row: Row): boolean => !overlay.has(row.name) && this.takes(row, windows);
    if (last !== null && table.declared.shape.kind === 'session') {
      const { byTime } = table;
      const newest = [...taken(this.#few() ?? byTime.rows(), wanted, this.#few() === null ? last : null), ...laidOver];
      newest.sort(byTime.compare);
      return newest
        .slice(0, last)
        .sort(byOrder)
        .slice(0, first ?? last);
    }
    if (first === null) return [...taken(this.#candidates(windows), wanted, null), ...laidOver].sort(byOrder);
    const few = this.#few();
    const ordered = few ?? (isReversed ? index.reversed() : index.rows());
    return [...taken(ordered, wanted, few === null ? first : null), ...laidOver].sort(byOrder).slice(0, first);
  }

  /** The rows of a few keys, where they are all that can be selected. */
  #few(): Iterable<Row> | null {
    const { keys, table } = this.#options;
    return keys === null ? null : rowsOfKeys(table, keys);
  }

  /** Rows among which all that are selected are. */
  #candidates(windows: StartRange): Iterable<Row> {
    const { table, range } = this.#options;
    const few = this.#few();
    if (few !== null) return few;
    if (range !== null || windows.toMs === Infinity) return rowsOfRange(table.byKey, range);
    return table.inTime(windows);
  }

  /** Rows that a move of the windows lets in or out, as they are now. */
  *moved(before: StartRange, now: StartRange): IterableIterator<Row> {
    if (before.fromMs === now.fromMs && before.toMs === now.toMs) return;
    const { table } = this.#options;
    yield* table.inTime({ fromMs: Math.min(before.fromMs, now.fromMs), toMs: Math.max(before.fromMs, now.fromMs) });
    const toMs = Math.max(before.toMs, now.toMs);
    if (before.toMs !== now.toMs) yield* table.inTime({ fromMs: Math.min(before.toMs, now.toMs), toMs });
  }
}

function* rowsOfKeys(table: RowTable, keys: ReadonlySet<string>): IterableIterator<Row> {
  for (const keyText of keys) yield* rowsOfKey(table.byKey, keyText);
}

/** Those that pass, up to `most` of them; null: all. */
function* taken(rows: Iterable<Row>, test: (row: Row) => boolean, most: number | null): IterableIterator<Row> {
  let count = 0;
  for (const row of rows) {
    if (count === most) return;
    if (!test(row)) continue;
    count += 1;
    yield row;
  }
}
