import { describe, expect, test } from '@jest/globals';
import { GDP_SOURCE, gdpOf } from './gdp.ts';
import { isStateCode, STATE_CODES, STATE_NAMES, stateOfLetters } from './states.ts';

test('fifty states and the District of Columbia, in order, each with a name', () => {
  expect(STATE_CODES).toHaveLength(51);
  expect([...STATE_CODES].sort()).toEqual(STATE_CODES);
  expect(new Set(STATE_CODES.map((code) => STATE_NAMES[code])).size).toBe(51);
  expect(STATE_NAMES.DC).toBe('District of Columbia');
  for (const other of ['PR', 'GU', 'VI', 'XX', 'ca', '', 'toString', '__proto__'])
    expect(isStateCode(other)).toBe(false);
});

test('of all pairs of characters, those that spell a code in any case are its state, and no other is', () => {
  const found = new Map<string, number>();
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) {
      const state = stateOfLetters(a, b);
      const text = String.fromCharCode(a, b);
      if (state === null) continue;
      expect(text.toUpperCase()).toBe(state);
      found.set(state, (found.get(state) ?? 0) + 1);
    }
  }
  expect([...found.keys()].sort()).toEqual(STATE_CODES);
  expect(new Set(found.values())).toEqual(new Set([4]));
  expect(stateOfLetters(NaN, NaN)).toBeNull();
  expect(stateOfLetters(0x143, 0x41)).toBeNull();
});

describe('GDP', () => {
  test.each([
    ['CA', 4_048_108, 'HIGH'],
    ['MI', 702_467, 'HIGH'],
    ['AZ', 570_089, 'MEDIUM'],
    ['KS', 230_522, 'MEDIUM'],
    ['NE', 189_243, 'LOW'],
    ['VT', 46_276, 'LOW'],
    ['AL', 325_345, 'MEDIUM'],
  ] as const)('%s: %d million dollars, %s', (code, millionsUsd, gdpClass) => {
    expect(gdpOf(code)).toEqual({ year: 2024, millionsUsd, class: gdpClass });
  });

  test('14 high, 19 medium, 18 low', () => {
    const of = (gdpClass: string) => STATE_CODES.filter((code) => gdpOf(code).class === gdpClass).length;
    expect([of('HIGH'), of('MEDIUM'), of('LOW')]).toEqual([14, 19, 18]);
  });

  test('the publisher is named', () => expect(GDP_SOURCE).toContain('U.S. Bureau of Economic Analysis'));
});
