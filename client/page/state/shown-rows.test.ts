import { expect, test } from '@jest/globals';
import { rowsLiveQuestion, rowsQuestion } from './questions.ts';
import { rowsCsv } from './rows-csv.ts';
import { applyRowsUpdate } from './rows.ts';
import { shownRows } from './shown-rows.ts';
import { field, HOURS, table } from './test-tables.ts';
import { DEFAULTS } from './url-state.ts';
import type { Row, RowsPage } from '../api/answers.ts';

const freshness = { asOf: null, complete: true, lag: 0, cursor: 'c', partial: [] };
const row = (sku: string, cents: number): Row => ({ id: sku, sku, orders: 1, cents });
const rows = applyRowsUpdate(
  null,
  rowsLiveQuestion(table(), DEFAULTS).key,
  { kind: 'SNAPSHOT', cursor: 'c', rows: [row('b', 1), row('a', 2)], removed: [], more: false, freshness },
  true,
);
const page = (after: string | null, more: Partial<RowsPage>) => ({
  key: rowsQuestion(table(), DEFAULTS, after).key,
  value: { totalCount: 120, pageInfo: { hasNextPage: true, endCursor: 'e' }, freshness, ...more },
});

test('the first page is what the subscription holds, in order, with what the page says of the rest', () => {
  const shown = shownRows({ preferences: DEFAULTS, afters: [], shown: { rows, page: page(null, {}) } }, table());
  expect(shown).toMatchObject({ isLive: true, total: 120, next: 'e', partial: [] });
  expect(shown.rows?.map(({ id }) => id)).toEqual(['a', 'b']);
});

test('other pages are as they were answered; an answer to another question is not shown', () => {
  const state = { preferences: DEFAULTS, afters: ['x'], shown: { rows, page: page('x', { nodes: [row('c', 3)] }) } };
  expect(shownRows(state, table())).toMatchObject({ isLive: false, rows: [row('c', 3)] });
  expect(shownRows({ ...state, afters: ['x', 'y'] }, table())).toMatchObject({ rows: null, total: null, next: null });
  const other = { ...DEFAULTS, prefix: 'b' };
  expect(shownRows({ ...state, preferences: other, afters: [] }, table()).rows).toBeNull();
});

test('a file holds exact values, windows, and nested ones as JSON', () => {
  const nested = { kind: 'object', name: 'Size', fields: [field('unit', 'String')] } as const;
  const hours = table({ shape: HOURS, fields: [field('cents', 'BigInt'), field('size', nested)] });
  const window = { start: '2026-01-31T12:00:00.000Z', end: '2026-01-31T13:00:00.000Z' };
  expect(rowsCsv(hours, [{ id: '1', sku: '=a', cents: '12345', size: { unit: 'kg' }, window }])).toBe(
    'sku,cents,size,window_start,window_end\r\n' +
      '\'=a,12345,"{""unit"":""kg""}",2026-01-31T12:00:00.000Z,2026-01-31T13:00:00.000Z\r\n',
  );
});
