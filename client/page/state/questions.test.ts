import { expect, test } from '@jest/globals';
import { initialState } from './page-state.ts';
import { chartQuestion, isFollowed, orderName, rowsLiveQuestion, rowsQuestion } from './questions.ts';
import { HOURS, scalar, table } from './test-tables.ts';
import { DEFAULTS } from './url-state.ts';
import type { PageState } from './page-state.ts';
import type { PageTable } from '../api/model.ts';
import type { Preferences } from './url-state.ts';

const hours = table({ name: 'hours', shape: HOURS });
const chosen: Preferences = {
  ...DEFAULTS,
  order: { field: 'cents', descending: true },
  prefix: 'a',
  conditions: [{ field: 'cents', operator: 'gt', text: '5' }],
};

test('rows are asked for by a range of keys, a filter, an order', () => {
  expect(rowsQuestion(table(), chosen, 'after').variables).toEqual({
    first: 50,
    filter: { and: [{ cents: { gt: 5 } }] },
    orderBy: { field: 'CENTS', direction: 'DESC' },
    range: { prefix: 'a' },
    after: 'after',
  });
  expect(rowsLiveQuestion(table(), DEFAULTS).variables).toEqual({ first: 50 });
});

test('of a table of windows all windows are followed', () => {
  expect(rowsLiveQuestion(hours, chosen).variables).toEqual({
    first: 50,
    filter: { and: [{ cents: { gt: 5 } }] },
    range: { prefix: 'a' },
    orderBy: { field: 'CENTS', direction: 'DESC' },
    last: 1_500,
  });
});

test('an order that the table does not have is not asked for; other questions have other keys', () => {
  const odd = { ...DEFAULTS, order: { field: 'orders', descending: true } };
  expect(rowsQuestion(table(), odd, null).variables).toEqual({ first: 50 });
  const keys = [
    rowsQuestion(table(), DEFAULTS, null),
    rowsQuestion(hours, DEFAULTS, null),
    rowsQuestion(table(), chosen, null),
    rowsQuestion(table(), DEFAULTS, 'x'),
  ].map(({ key }) => key);
  expect(new Set(keys).size).toBe(4);
});

test('names of orders are those of the API', () => {
  expect(['cents', 'lastSeenAt', 'sku2'].map(orderName)).toEqual(['CENTS', 'LASTSEENAT', 'SKU2']);
});

test('of a table that processors hold, only a range of keys is followed', () => {
  const owned: PageTable = table({ held: 'owner' });
  expect([isFollowed(owned, DEFAULTS), isFollowed(owned, chosen), isFollowed(table(), DEFAULTS)]).toEqual([
    false,
    true,
    true,
  ]);
});

test('a chart draws all rows while they are not too many, and else those of the keys that were named', () => {
  const withRows = (rows?: number | null, keys: readonly string[] = []): PageState => {
    const state = initialState({ ...DEFAULTS, keys }, 0);
    const copy = { name: 'hours', rows: rows ?? null, bytes: 0, complete: true, unreadable: 0 };
    return rows === undefined ? state : { ...state, data: { ...state.data, copies: new Map([['hours', copy]]) } };
  };
  expect(chartQuestion(hours, withRows(100))?.variables).toEqual({ last: 24 });
  expect(chartQuestion(hours, withRows(1_000_000))).toBeNull();
  expect(chartQuestion(hours, withRows())).toBeNull();
  expect(chartQuestion(hours, withRows(null))?.variables).toEqual({ last: 24 });
  expect(chartQuestion(hours, withRows(1_000_000, ['DE', 'FR']))?.variables).toEqual({
    last: 24,
    filter: { sku: { in: ['DE', 'FR'] } },
  });
  expect(chartQuestion(table(), withRows(100))).toBeNull();
  const numbered = { ...hours, key: { ...hours.key, type: scalar('Int'), isText: false } };
  expect(chartQuestion(numbered, withRows(1, ['7', 'x']))?.variables).toMatchObject({ filter: { sku: { in: [7] } } });
});
