import { expect, test } from '@jest/globals';
import { leadsOf, shareScale, widestOf } from './findings.ts';
import type { GdpClass, Insights, State, StateCode } from '../api/types.ts';
import type { StatesModel } from './states-model.ts';

function state(code: StateCode, ios: number, android: number, other = 0): State {
  return {
    code,
    name: code,
    gdp: { year: 2024, millionsUsd: 1, class: 'LOW' },
    devices: { ios, android, other, total: ios + android + other },
    lastLoginAt: null,
  };
}

function model(...states: State[]): StatesModel {
  const counts = { ios: 0, android: 0, other: 0, total: states.reduce((sum, { devices }) => sum + devices.total, 0) };
  return {
    cursor: 'c',
    byCode: new Map(states.map((entry) => [entry.code, entry])),
    totals: counts,
    unattributed: counts,
    freshness: { asOf: null, complete: true, lag: 0 },
  };
}

function classes(...shares: readonly (readonly [ios: number, android: number])[]): Insights['byGdpClass'] {
  const names: readonly GdpClass[] = ['HIGH', 'MEDIUM', 'LOW'];
  return shares.map(([ios, android], index) => ({
    class: names[index] ?? 'LOW',
    states: 1,
    leader: null,
    devices: { ios, android, other: 1_000 - ios - android, total: 1_000 },
  }));
}

test('leads are ordered by the margin of shares, ties by code; a state not on the page is left out', () => {
  const found = [{ code: 'CA' }, { code: 'TX' }, { code: 'AL' }, { code: 'WY' }] as const;
  const leads = leadsOf(model(state('CA', 60, 40), state('TX', 6, 3, 1), state('AL', 8, 5, 2)), found);
  expect(leads.map(({ state: { code }, by, margin }) => [code, by, margin])).toEqual([
    ['TX', 'ios', 0.3],
    ['AL', 'ios', 0.2],
    ['CA', 'ios', 0.2],
  ]);
  expect(leadsOf(model(state('CA', 1, 3)), [{ code: 'CA' }])[0]).toMatchObject({ by: 'android', margin: 0.5 });
});

test('a wide lead of next to nothing is no finding while there is another', () => {
  const states = model(state('DC', 5, 0), state('CA', 60, 40), state('TX', 55, 45));
  const found = [{ code: 'DC' }, { code: 'CA' }, { code: 'TX' }] as const;
  expect(widestOf(states, leadsOf(states, found))?.state.code).toBe('CA');
  expect(widestOf(states, leadsOf(states, [{ code: 'DC' }]))?.state.code).toBe('DC');
  expect(widestOf(states, [])).toBeUndefined();
});

test('the scale of shares holds all of them with air, and is never finer than four percent', () => {
  expect(shareScale(classes([474, 475], [474, 472], [478, 470]))).toEqual([0.46, 0.5]);
  expect(shareScale(classes([600, 300], [500, 400]))).toEqual([0.29, 0.61]);
  expect(shareScale(classes([0, 1_000]))).toEqual([0, 1]);
  expect(shareScale([])).toEqual([0, 1]);
});
