import { expect, test } from '@jest/globals';
import { field, HOUR_MS, HOURS, table } from './test-tables.ts';
import { columnsOf, figuresOf, valueRange, windowLines } from './window-lines.ts';
import type { Row } from '../api/answers.ts';

const NESTED = { kind: 'object', name: 'Totals', fields: [field('orders', 'Count'), field('name', 'String')] } as const;
const hours = table({
  shape: HOURS,
  key: { name: 'country', field: 'country', type: { kind: 'scalar', name: 'String' }, isText: true },
  fields: [field('cents', 'SafeInt'), field('totals', NESTED), field('tags', 'Int', { list: true })],
});

function row(country: string, hour: number, cents: number | null): Row {
  const at = (ms: number): string => new Date(ms).toISOString();
  return {
    id: `${country} ${hour}`,
    country,
    cents,
    totals: { orders: 1 },
    window: { start: at(hour * HOUR_MS), end: at((hour + 1) * HOUR_MS) },
  };
}

const ROWS = [row('DE', 10, 5), row('FR', 10, 7), row('DE', 12, 1), row('FR', 12, null), row('IT', 9, 100)];
const [cents] = figuresOf(hours);
const base = { table: hours, rows: ROWS, figure: cents, keys: [], count: 3, now: 12.5 * HOUR_MS };

test('numbers are figures, also inside an object; a table without any has the number of its rows', () => {
  expect(figuresOf(hours).map(({ name }) => name)).toEqual(['cents', 'totals.orders']);
  const [rows] = figuresOf(table({ fields: [field('name', 'String')] }));
  expect(rows.name).toBe('rows');
  expect(windowLines({ ...base, figure: rows, summed: true }).lines[0]?.values).toEqual([2, null, 2]);
});

test('all keys added up, over the newest windows; a window without rows is a gap, one not over is open', () => {
  const shown = windowLines({ ...base, summed: true });
  expect(shown.windows).toEqual([
    { start: 10 * HOUR_MS, end: 11 * HOUR_MS, isOpen: false },
    { start: 11 * HOUR_MS, end: 12 * HOUR_MS, isOpen: false },
    { start: 12 * HOUR_MS, end: 13 * HOUR_MS, isOpen: true },
  ]);
  expect(shown.lines).toEqual([{ name: 'All keys', values: [12, null, 1] }]);
  expect(columnsOf(shown)).toEqual([[10, 11, 12].map((hour) => hour * 3_600), [12, null, null], [null, null, 1]]);
});

test('a line each for the keys with the most in what is shown, the largest first', () => {
  const many = Array.from({ length: 8 }, (_, index) => row(`K${index}`, 12, index));
  const shown = windowLines({ ...base, rows: [...many, row('IT', 2, 1_000)], summed: false });
  expect([shown.lines.map(({ name }) => name), shown.otherKeys]).toEqual([['K7', 'K6', 'K5', 'K4', 'K3'], 4]);
});

test('keys that were named are drawn, whether they have rows or not', () => {
  const shown = windowLines({ ...base, summed: false, keys: ['FR', 'XX'] });
  expect(shown.lines).toEqual([
    { name: 'FR', values: [7, null, null] },
    { name: 'XX', values: [null, null, null] },
  ]);
});

test('without rows there is nothing; the axis begins at 0 unless something is below', () => {
  expect(windowLines({ ...base, rows: [], summed: true }).windows).toEqual([]);
  expect(valueRange({ windows: [], lines: [], otherKeys: 0 })).toEqual([0, 1]);
  const [low, high] = valueRange({ windows: [], lines: [{ name: 'a', values: [-100, null, 50] }], otherKeys: 0 });
  expect([Math.round(low), Math.round(high)]).toEqual([-108, 54]);
});
