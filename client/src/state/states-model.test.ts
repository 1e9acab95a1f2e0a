import { expect, test } from '@jest/globals';
import { applyStatesUpdate, rankOf } from './states-model.ts';
import type { State, StateCode, StatesUpdate } from '../api/types.ts';

function state(code: StateCode, ios: number): State {
  return {
    code,
    name: code,
    gdp: { year: 2024, millionsUsd: 1, class: 'LOW' },
    devices: { ios, android: 0, other: 0, total: ios },
    lastLoginAt: null,
  };
}

function update(kind: StatesUpdate['kind'], states: State[], total: number): StatesUpdate {
  const counts = { ios: total, android: 0, other: 0, total };
  return {
    kind,
    cursor: 'c',
    states,
    totals: counts,
    unattributed: { ...counts, ios: 0, total: 0 },
    freshness: { asOf: null, complete: true, lag: 0 },
  };
}

test('a snapshot replaces everything, a delta only its rows', () => {
  const first = applyStatesUpdate(null, update('SNAPSHOT', [state('CA', 1), state('TX', 2)], 3));
  const second = applyStatesUpdate(first, update('DELTA', [state('CA', 5)], 7));
  expect([...second.byCode.values()].map(({ code, devices }) => [code, devices.ios])).toEqual([
    ['CA', 5],
    ['TX', 2],
  ]);
  expect(second.totals.total).toBe(7);
  const third = applyStatesUpdate(second, update('SNAPSHOT', [state('NY', 9)], 9));
  expect([...third.byCode.keys()]).toEqual(['NY']);
});

test('a delta taken twice changes nothing, and never the model before it', () => {
  const first = applyStatesUpdate(null, update('SNAPSHOT', [state('CA', 1)], 1));
  const delta = update('DELTA', [state('CA', 2)], 2);
  const once = applyStatesUpdate(first, delta);
  expect(applyStatesUpdate(once, delta)).toEqual(once);
  expect(first.byCode.get('CA')?.devices.ios).toBe(1);
});

test('states of equal totals rank by code', () => {
  const model = applyStatesUpdate(null, update('SNAPSHOT', [state('TX', 4), state('CA', 4), state('NY', 9)], 17));
  expect((['NY', 'CA', 'TX'] as const).map((code) => rankOf(model, code))).toEqual([1, 2, 3]);
});
