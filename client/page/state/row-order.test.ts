import { expect, test } from '@jest/globals';
import { defaultOrder, inOrder, nextOrder, orderWords } from './row-order.ts';
import { field, HOURS, scalar, table } from './test-tables.ts';
import type { Row } from '../api/answers.ts';

const ordered = table({
  fields: [field('cents', 'SafeInt', { nullable: true }), field('big', 'BigInt'), field('at', 'DateTime')],
  orderFields: ['sku', 'cents', 'big', 'at'],
});
const rows: readonly Row[] = [
  { id: '1', sku: 'b', cents: 5, big: '9', at: '2026-01-01T10:00:00.000Z' },
  { id: '2', sku: 'a', cents: 5, big: '10', at: '2026-01-01T09:00:00+00:00' },
  { id: '3', sku: 'c', cents: null, big: '-100000000000000000001', at: '2026-01-01T11:30:00+01:00' },
  { id: '4', sku: 'd', cents: 12, big: '11', at: '2025-12-31T23:59:59Z' },
];
const ids = (name: string, descending: boolean): string =>
  inOrder(ordered, rows, { field: name, descending })
    .map(({ id }) => id)
    .join('');

test('numbers by size, however large, times by when they are, texts by their letters', () => {
  expect([ids('cents', true), ids('cents', false)]).toEqual(['4213', '2143']);
  expect([ids('big', false), ids('at', false)]).toEqual(['3124', '4213']);
  expect([ids('sku', false), ids('sku', true)]).toEqual(['2134', '4312']);
});

test('rows of one key go by when their windows begin', () => {
  const windowed = table({ shape: HOURS });
  const row = (id: string, sku: string, hour: number): Row => ({
    id,
    sku,
    cents: 1,
    window: { start: new Date(hour * 3_600_000).toISOString(), end: '' },
  });
  const sorted = inOrder(windowed, [row('1', 'a', 2), row('2', 'b', 1), row('3', 'a', 1)], {
    field: 'cents',
    descending: true,
  });
  expect(sorted.map(({ id }) => id)).toEqual(['3', '1', '2']);
});

test('a column begins with the largest number or the first name, and turns around', () => {
  const first = nextOrder(defaultOrder(ordered), 'cents', scalar('SafeInt'));
  expect(first).toEqual({ field: 'cents', descending: true });
  expect(nextOrder(first, 'cents', scalar('SafeInt'))).toEqual({ field: 'cents', descending: false });
  expect(nextOrder(first, 'sku', scalar('String'))).toEqual({ field: 'sku', descending: false });
});

test('an order in words, by what is ordered', () => {
  const words = (name: string, descending: boolean): string => orderWords(ordered, { field: name, descending });
  expect([words('cents', true), words('big', false), words('at', true), words('sku', false)]).toEqual([
    'by cents, largest first',
    'by big, smallest first',
    'by at, newest first',
    'by sku, A to Z',
  ]);
});
