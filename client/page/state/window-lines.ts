/** The rows of a table of windows as lines over time: a figure of each row, over the start of its window. */
import { isNumeric, valueAt } from './values.ts';
import { startOf } from './row-order.ts';
import type { Columns } from '../../shared/state/columns.ts';
import type { Row } from '../api/answers.ts';
import type { PageField, PageTable } from '../api/model.ts';

/** A number that a row has, and where. */
export interface Figure {
  /** Empty: how many rows there are. */
  readonly path: readonly string[];
  /** The path with dots. */
  readonly name: string;
}

/** A chart tells this many lines apart. */
export const MOST_LINES = 5;
const ROWS: Figure = { path: [], name: 'rows' };

/** The figures of a table's rows, those inside an object as well; only their number where they have none. */
export function figuresOf({ fields }: PageTable): readonly [Figure, ...Figure[]] {
  const found = figuresIn(fields, []);
  const [first, ...rest] = found;
  return first === undefined ? [ROWS] : [first, ...rest];
}

function figuresIn(fields: readonly PageField[], path: readonly string[]): Figure[] {
  return fields.flatMap(({ name, type, list }) => {
    if (list) return [];
    const own = [...path, name];
    if (isNumeric(type)) return [{ path: own, name: own.join('.') }];
    return type.kind === 'object' && path.length === 0 ? figuresIn(type.fields, own) : [];
  });
}

function figureOf(row: Row, { path }: Figure): number | null {
  if (path.length === 0) return 1;
  const value = valueAt(row, path);
  if (value === null || value === undefined) return null;
  const figure = Number(value);
  return Number.isFinite(figure) ? figure : null;
}

interface WindowLine {
  /** The key that it is of; all of them, added up, have none. */
  readonly name: string;
  /** One for each window; null where there is no row. */
  readonly values: readonly (number | null)[];
}

export interface ShownWindow {
  /** Epoch milliseconds. */
  readonly start: number;
  readonly end: number;
  /** The clock has not passed its end: more may come. */
  readonly isOpen: boolean;
}

export interface WindowLines {
  readonly windows: readonly ShownWindow[];
  readonly lines: readonly WindowLine[];
  /** Keys that have rows and no line. */
  readonly otherKeys: number;
}

interface WindowLinesInput {
  readonly table: PageTable;
  readonly rows: Iterable<Row>;
  readonly figure: Figure;
  /** One line for all keys together. */
  readonly summed: boolean;
  /** Keys to draw; none: those with the largest figures. */
  readonly keys: readonly string[];
  /** Windows to show, up to the newest that has a row. */
  readonly count: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

const ALL_KEYS = 'All keys';

/** Lines over the newest windows. Windows without rows are in between; figures of equal windows and keys are added. */
export function windowLines(input: WindowLinesInput): WindowLines {
  const { table, figure, summed, keys, count, now } = input;
  const { shape, key } = table;
  if (shape.kind !== 'window') return { windows: [], lines: [], otherKeys: 0 };
  const sums = new Map<string, Map<number, number>>();
  let newest = Number.NEGATIVE_INFINITY;
  const seen = new Set<string>();
  for (const row of input.rows) {
    const start = startOf(row);
    newest = Math.max(newest, start);
    const name = String(row[key.field]);
    seen.add(name);
    const value = figureOf(row, figure);
    if (value === null) continue;
    const line = summed ? ALL_KEYS : name;
    const points = sums.get(line) ?? new Map<number, number>();
    points.set(start, (points.get(start) ?? 0) + value);
    sums.set(line, points);
  }
  if (newest === Number.NEGATIVE_INFINITY) return { windows: [], lines: [], otherKeys: 0 };
  const { advanceMs, sizeMs } = shape;
  const windows = Array.from({ length: count }, (_, index) => {
    const start = newest - (count - 1 - index) * advanceMs;
    return { start, end: start + sizeMs, isOpen: start + sizeMs > now };
  });
  const names = summed ? [ALL_KEYS] : keys.length > 0 ? keys.slice(0, MOST_LINES) : largest(sums, windows);
  return {
    windows,
    lines: names.map((name) => ({ name, values: windows.map(({ start }) => sums.get(name)?.get(start) ?? null) })),
    otherKeys: summed ? 0 : [...seen].filter((name) => !names.includes(name)).length,
  };
}

/** The keys with the most over the windows that are shown, the largest first. */
function largest(
  sums: ReadonlyMap<string, ReadonlyMap<number, number>>,
  windows: readonly ShownWindow[],
): readonly string[] {
  const starts = new Set(windows.map(({ start }) => start));
  return [...sums]
    .map(([name, points]) => {
      let sum = 0;
      for (const [start, value] of points) if (starts.has(start)) sum += Math.abs(value);
      return { name, sum };
    })
    .sort((a, b) => b.sum - a.sum || (a.name < b.name ? -1 : 1))
    .slice(0, MOST_LINES)
    .map(({ name }) => name);
}

/**
 * A column for each line's closed windows, then one for each line's open ones: joined to the others, an unfinished
 * window would be read as a fall.
 */
export function columnsOf({ windows, lines }: WindowLines): Columns {
  const part = (open: boolean): (number | null)[][] =>
    lines.map(({ values }) => values.map((value, index) => (windows[index]?.isOpen === open ? value : null)));
  return [windows.map(({ start }) => start / 1000), ...part(false), ...part(true)];
}

/** Ends of the value axis, with a little air: from 0 unless there is something below it. */
export function valueRange({ lines }: WindowLines): [low: number, high: number] {
  let [low, high] = [0, 0];
  for (const { values } of lines) {
    for (const value of values) {
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return low === 0 && high === 0 ? [0, 1] : [low * 1.08, high * 1.08];
}
