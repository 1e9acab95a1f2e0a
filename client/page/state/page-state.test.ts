import { expect, test } from '@jest/globals';
import { initialState, isBlocked, pause, resume, tableOf, withData } from './page-state.ts';
import { table } from './test-tables.ts';
import { DEFAULTS } from './url-state.ts';
import type { RowsModel } from './rows.ts';

const rows = (key: string, id: string): RowsModel => ({
  key,
  rows: new Map([[id, { id }]]),
  parts: null,
  cursor: '',
  freshness: { asOf: null, complete: true, lag: 0, cursor: '', partial: [] },
});
const shownId = (model: RowsModel | null): string | undefined => model?.rows.keys().next().value;

test('paused: rows stand still and news is counted; resumed: the newest is there at once', () => {
  let state = withData(initialState(DEFAULTS, 0), { rows: rows('k', 'a') });
  state = pause(state, 5);
  state = withData(withData(state, { rows: rows('k', 'b') }), { rows: rows('k', 'c') });
  expect([shownId(state.shown.rows), state.held, state.pausedAt]).toEqual(['a', 2, 5]);
  state = resume(state);
  expect([shownId(state.shown.rows), state.held, state.pausedAt]).toEqual(['c', 0, null]);
});

test('paused: a table or an order chosen now is shown once, and then stands still too', () => {
  let state = pause(withData(initialState(DEFAULTS, 0), { rows: rows('k', 'a') }), 5);
  state = withData(state, { rows: rows('other', 'b') });
  expect(shownId(state.shown.rows)).toBe('b');
  expect(shownId(withData(state, { rows: rows('other', 'c') }).shown.rows)).toBe('b');
});

test('the table is the one that was chosen, else the first; one that is not there is not made up', () => {
  const model = { applicationId: 'shop', tables: [table(), table({ name: 'hours' })] };
  const named = (name: string | null): string | undefined =>
    tableOf({ model, preferences: { ...DEFAULTS, table: name } })?.name;
  expect([named(null), named('hours'), named('gone')]).toEqual(['skus', 'hours', undefined]);
  expect(tableOf({ model: null, preferences: DEFAULTS })).toBeNull();
});

test('a page that never saw a table waits for the API; one that did shows what it has', () => {
  const state = initialState(DEFAULTS, 0);
  const live = { ...state, link: { phase: 'live', transport: 'websocket' } } as const;
  const refused = { ...live, link: { phase: 'unauthorised' } } as const;
  const known = { ...state, model: { applicationId: 'shop', tables: [] } };
  expect([state, live, refused, known].map(isBlocked)).toEqual([true, false, true, false]);
});
