import type { Filter, Order, Paged, Range, Watched } from './asked.ts';
import type { Sort } from './fields.ts';
import { comparedFields, type ComparedField, keyField, type RandomTable } from './random-table.ts';
import type { WrittenRow } from './records.ts';
import type { Topic } from './topic.ts';

/*
 * What tables hold and answer, said a second time and in the plainest way: all of the topic is read, all rows are
 * looked at, nothing is kept. It shares no code with the API.
 */

export type Positions = Readonly<Record<number, number>>;

export interface RecountedRow extends Omit<WrittenRow, 'value'> {
  readonly value: Readonly<Record<string, unknown>>;
}

const DEFAULT_LAST = 24;

/** The rows that the records before `positions` have left, of windows only those that are kept. */
export function recounted(table: RandomTable, topic: Topic, positions: Positions, nowMs: number): RecountedRow[] {
  const rows = new Map<string, WrittenRow>();
  for (const { change, written } of topic.all) {
    const { row } = written;
    if (row === null || change.offset >= (positions[change.partition] ?? 0)) continue;
    const name = `${row.key.bytes.toString('hex')} ${row.startMs} ${row.endMs}`;
    const before = rows.get(name);
    if (before === undefined || before.versionMs <= row.versionMs) rows.set(name, row);
  }
  const there = [...rows.values()].filter(
    (row): row is RecountedRow => row.value !== null && row.value !== 'unreadable',
  );
  const { layout } = table;
  if (layout.kind !== 'window') return there;
  const newestMs = newestShownMs(table, there, nowMs);
  return there.filter(({ endMs }) => endMs > newestMs - layout.retentionMs);
}

function newestShownMs({ layout }: RandomTable, rows: readonly RecountedRow[], nowMs: number): number {
  const advanceMs = layout.kind === 'window' ? layout.advanceMs : 1;
  return Math.min(nowMs - (nowMs % advanceMs), Math.max(...rows.map(({ startMs }) => startMs)));
}

function compareBytes(a: RecountedRow, b: RecountedRow): number {
  return Buffer.compare(a.key.bytes, b.key.bytes);
}

function compareTimes(a: RecountedRow, b: RecountedRow): number {
  return a.startMs - b.startMs || a.endMs - b.endMs;
}

type Compare = (a: RecountedRow, b: RecountedRow) => number;

function sortOf(table: RandomTable, field: ComparedField, row: RecountedRow): Sort {
  return field.name === table.keyName ? row.key.sort : field.sort(row.value[field.name]);
}

function inOrder(table: RandomTable, order: Order | undefined): Compare {
  if (order === undefined) return (a, b) => compareBytes(a, b) || compareTimes(a, b);
  const sign = order.direction === 'ASC' ? 1 : -1;
  const field = comparedFields(table, table.orderBy).find(({ name }) => name.toUpperCase() === order.field);
  if (field === undefined) throw new Error(`no order by ${order.field}`);
  if (field.name === table.keyName) return (a, b) => sign * compareBytes(a, b) || compareTimes(a, b);
  return (a, b) => {
    const left = sortOf(table, field, a);
    const right = sortOf(table, field, b);
    const ties = compareBytes(a, b) || compareTimes(a, b);
    if (left === right) return ties;
    if (left === null) return 1;
    if (right === null) return -1;
    return left < right ? -sign : left > right ? sign : ties;
  };
}

function isInRange(table: RandomTable, { prefix, from, to }: Range, { key }: RecountedRow): boolean {
  const bytesOf = (shown: unknown): Buffer => table.key.keys.find((one) => one.shown === shown)?.bytes ?? key.bytes;
  if (from !== undefined && Buffer.compare(key.bytes, bytesOf(from)) < 0) return false;
  if (to !== undefined && Buffer.compare(key.bytes, bytesOf(to)) > 0) return false;
  return prefix === undefined || key.text.startsWith(prefix);
}

function passes(table: RandomTable, filter: Filter, row: RecountedRow): boolean {
  return Object.entries(filter).every(([name, part]) => {
    if (name === 'and') return (part as readonly Filter[]).every((one) => passes(table, one, row));
    if (name === 'or') return (part as readonly Filter[]).some((one) => passes(table, one, row));
    if (name === 'not') return !passes(table, part as Filter, row);
    const field = comparedFields(table, [...table.filter, ...table.orderBy]).find((one) => one.name === name);
    if (field === undefined) throw new Error(`no filter by ${name}`);
    const value = sortOf(table, field, row);
    return Object.entries(part as Filter).every(
      ([operator, given]) => given === null || holds(operator, value, given, field.sortGiven),
    );
  });
}

function holds(operator: string, value: Sort, given: unknown, sortGiven: (given: unknown) => Sort): boolean {
  if (operator === 'isNull') return (value === null) === given;
  if (value === null) return false;
  if (operator === 'in') return (given as readonly unknown[]).some((one) => sortGiven(one) === value);
  const wanted = sortGiven(given) as NonNullable<Sort>;
  switch (operator) {
    case 'eq':
      return value === wanted;
    case 'lt':
      return value < wanted;
    case 'lte':
      return value <= wanted;
    case 'gt':
      return value > wanted;
    case 'gte':
      return value >= wanted;
    case 'prefix':
      return String(value).startsWith(String(wanted));
    default:
      return String(value).includes(String(wanted));
  }
}

/** The rows that a subscription holds. */
export function watched(
  table: RandomTable,
  rows: readonly RecountedRow[],
  { key, keys, range, filter, orderBy, first, last = DEFAULT_LAST }: Watched,
  nowMs: number,
): RecountedRow[] {
  const { layout } = table;
  let chosen = rows.filter(
    (row) =>
      (key === undefined || row.key.shown === key) &&
      (keys === undefined || keys.includes(row.key.shown)) &&
      (range === undefined || isInRange(table, range, row)) &&
      (filter === undefined || passes(table, filter, row)),
  );
  if (layout.kind === 'window') {
    const newestMs = newestShownMs(table, rows, nowMs);
    chosen = chosen.filter(({ startMs }) => startMs <= newestMs && startMs > newestMs - last * layout.advanceMs);
  }
  if (layout.kind === 'session')
    chosen = chosen.sort((a, b) => b.endMs - a.endMs || b.startMs - a.startMs || compareBytes(a, b)).slice(0, last);
  return first === undefined ? chosen : chosen.sort(inOrder(table, orderBy)).slice(0, first);
}

/** The rows of all pages, in their order. */
export function paged(
  table: RandomTable,
  rows: readonly RecountedRow[],
  { key, range, filter, orderBy, from, to }: Omit<Paged, 'first'>,
): RecountedRow[] {
  const { layout } = table;
  const advanceMs = layout.kind === 'window' ? layout.advanceMs : 1;
  const fromMs = from === undefined ? 0 : Math.floor(from / advanceMs) * advanceMs;
  const toMs = to === undefined ? Number.POSITIVE_INFINITY : Math.ceil(to / advanceMs) * advanceMs;
  return rows
    .filter(
      (row) =>
        (key === undefined || row.key.shown === key) &&
        (range === undefined || isInRange(table, range, row)) &&
        (filter === undefined || passes(table, filter, row)) &&
        row.startMs < toMs &&
        (layout.kind === 'session' ? row.endMs >= fromMs : row.startMs >= fromMs),
    )
    .sort(inOrder(table, orderBy));
}

/** A row as a client sees it, whole. */
export function shownRow(table: RandomTable, row: RecountedRow): Record<string, unknown> {
  const { layout, fields } = table;
  const { key, startMs, endMs, value } = row;
  const window = layout.kind === 'window' ? `${startMs}:` : layout.kind === 'session' ? `${startMs}:${endMs}:` : '';
  const at = (ms: number): string => new Date(ms).toISOString();
  return {
    id: `Things:${window}${key.text}`,
    [keyField(table)]: key.shown,
    ...Object.fromEntries(fields.map(({ name, shown }) => [name, shown(value[name])])),
    ...(window === '' ? {} : { window: { start: at(startMs), end: at(endMs) } }),
  };
}
