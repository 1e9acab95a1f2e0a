import { expect, test } from '@jest/globals';
import { statesCsv } from './csv.ts';
import { nextSort, rowsOf } from './table-rows.ts';
import type { GdpClass, State, StateCode } from '../api/types.ts';

function state(
  code: StateCode,
  name: string,
  millionsUsd: number,
  gdpClass: GdpClass,
  ios: number,
  android: number,
): State {
  return {
    code,
    name,
    gdp: { year: 2024, millionsUsd, class: gdpClass },
    devices: { ios, android, other: 0, total: ios + android },
    lastLoginAt: null,
  };
}

const states = [
  state('TX', 'Texas', 2_770_000, 'HIGH', 5, 5),
  state('CA', 'California', 4_050_000, 'HIGH', 8, 2),
  state('WY', 'Wyoming', 51_000, 'LOW', 0, 0),
  state('VA', 'Virginia', 760_000, 'HIGH', 1, 9),
  state('WV', 'West Virginia', 107_000, 'LOW', 2, 1),
];
const everything = { text: '', gdpClass: null };
const codes = (rows: readonly State[]): string => rows.map((row) => row.code).join(' ');

test('ties are by code, ascending, whatever the direction', () => {
  expect(codes(rowsOf(states, everything, { field: 'total', descending: true }))).toBe('CA TX VA WV WY');
  expect(codes(rowsOf(states, everything, { field: 'total', descending: false }))).toBe('WY WV CA TX VA');
});

test('sorts by name, GDP and share; a share of nothing is least', () => {
  expect(codes(rowsOf(states, everything, { field: 'name', descending: false }))).toBe('CA TX VA WV WY');
  expect(codes(rowsOf(states, everything, { field: 'gdp', descending: true }))).toBe('CA TX VA WV WY');
  expect(codes(rowsOf(states, everything, { field: 'share', descending: false }))).toBe('WY VA TX WV CA');
});

test('filters by part of a name, a whole code, and GDP class', () => {
  const byTotal = { field: 'total', descending: true } as const;
  expect(codes(rowsOf(states, { text: ' virginia', gdpClass: null }, byTotal))).toBe('VA WV');
  expect(codes(rowsOf(states, { text: 'wy', gdpClass: null }, byTotal))).toBe('WY');
  expect(codes(rowsOf(states, { text: 'virginia', gdpClass: 'LOW' }, byTotal))).toBe('WV');
});

test('a column clicked again turns round', () => {
  expect(nextSort({ field: 'total', descending: true }, 'total')).toEqual({ field: 'total', descending: false });
  expect(nextSort({ field: 'total', descending: true }, 'ios')).toEqual({ field: 'ios', descending: true });
  expect(nextSort({ field: 'total', descending: true }, 'name')).toEqual({ field: 'name', descending: false });
});

test('the CSV file holds the rows shown, exactly, with what needs quoting quoted', () => {
  const odd = {
    ...state('CA', 'Cali, "fornia"', 4_050_000, 'HIGH', 12_345_678, 2),
    lastLoginAt: '2026-01-01T00:00:00.000Z',
  };
  const lines = statesCsv([odd, state('TX', '=1+1', 1, 'LOW', 0, 0)]).split('\r\n');
  expect(lines[1]).toBe('CA,"Cali, ""fornia""",HIGH,4050000,2024,12345678,2,0,12345680,2026-01-01T00:00:00.000Z');
  expect(lines[2]).toBe("TX,'=1+1,LOW,1,2024,0,0,0,0,");
  expect(lines[3]).toBe('');
});
