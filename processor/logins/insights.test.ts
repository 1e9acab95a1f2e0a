import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gdpOf } from './gdp.ts';
import { type DeviceCounts, findInsights, insightSentences, leaderOf, totalDevices } from './insights.ts';
import { STATE_CODES } from './states.ts';

const counts = (entries: Record<string, [ios: number, android: number, other: number]>) =>
  new Map<string, DeviceCounts>(
    Object.entries(entries).map(([code, [ios, android, other]]) => [code, { ios, android, other }]),
  );

describe('before the first login', () => {
  const findings = findInsights(new Map());
  test('there is no top state, and every class is there with its states and zeros', () => {
    const none = { ios: 0, android: 0, other: 0 };
    expect(findings).toEqual({
      topState: null,
      moreIos: [],
      moreAndroid: [],
      byGdpClass: [
        { class: 'HIGH', states: 14, devices: none, leader: null },
        { class: 'MEDIUM', states: 19, devices: none, leader: null },
        { class: 'LOW', states: 18, devices: none, leader: null },
      ],
    });
  });
  test('the sentences say so', () => {
    expect(insightSentences(findings, new Map())).toEqual([
      'No state has a login yet.',
      'No state has more iOS than Android logins.',
      'No state has more Android than iOS logins.',
      "By the size of a state's economy: high-GDP states have no logins yet; medium-GDP states have no logins " +
        'yet; low-GDP states have no logins yet.',
    ]);
  });
});

describe('with logins', () => {
  const some = counts({
    WY: [1, 4, 0],
    CA: [700, 300, 234],
    TX: [5, 5, 0],
    AZ: [3, 2, 0],
    NY: [2, 3, 0],
    UNATTRIBUTED: [9000, 0, 0],
  });
  const findings = findInsights(some);
  test('findings', () => {
    expect(findings).toEqual({
      topState: 'CA',
      moreIos: ['CA', 'AZ'],
      moreAndroid: ['NY', 'WY'],
      byGdpClass: [
        { class: 'HIGH', states: 14, devices: { ios: 707, android: 308, other: 234 }, leader: 'IOS' },
        { class: 'MEDIUM', states: 19, devices: { ios: 3, android: 2, other: 0 }, leader: 'IOS' },
        { class: 'LOW', states: 18, devices: { ios: 1, android: 4, other: 0 }, leader: 'ANDROID' },
      ],
    });
  });
  test('sentences', () => {
    expect(insightSentences(findings, some)).toEqual([
      'The state with the most devices is California (CA), with 1,234 logins.',
      '2 states have more iOS than Android logins: CA, AZ.',
      '2 states have more Android than iOS logins: NY, WY.',
      "By the size of a state's economy: in high-GDP states iOS leads Android by 707 to 308 (56.6 % to 24.7 % " +
        'of logins); in medium-GDP states iOS leads Android by 3 to 2 (60.0 % to 40.0 % of logins); in low-GDP ' +
        'states Android leads iOS by 4 to 1 (80.0 % to 20.0 % of logins).',
    ]);
  });
  test('one of a kind, and a draw', () => {
    const few = counts({ MT: [0, 1, 0], CA: [2, 2, 1] });
    expect(insightSentences(findInsights(few), few)).toEqual([
      'The state with the most devices is California (CA), with 5 logins.',
      'No state has more iOS than Android logins.',
      '1 state has more Android than iOS logins: MT.',
      "By the size of a state's economy: in high-GDP states iOS and Android are level at 2 of 5 logins each; " +
        'medium-GDP states have no logins yet; in low-GDP states Android leads iOS by 1 to 0 ' +
        '(100.0 % to 0.0 % of logins).',
    ]);
  });
  test('ties go to the code that comes first', () => {
    expect(findInsights(counts({ WY: [2, 1, 0], AL: [2, 1, 0], AK: [0, 1, 2] }))).toMatchObject({
      topState: 'AK',
      moreIos: ['AL', 'WY'],
      moreAndroid: ['AK'],
    });
  });
  test('a state with nothing but other devices can be the top state and leads with neither', () => {
    expect(findInsights(counts({ VT: [0, 0, 1] }))).toMatchObject({ topState: 'VT', moreIos: [], moreAndroid: [] });
  });
});

test('for any counts: every state is in one list at most, lists descend, and the classes add up to all states', () => {
  const devices = fc.record({ ios: fc.nat(5), android: fc.nat(5), other: fc.nat(3) });
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...STATE_CODES), devices), (record) => {
      const map = new Map(Object.entries(record));
      const total = (code: string) => totalDevices(map.get(code) ?? { ios: 0, android: 0, other: 0 });
      const { topState, moreIos, moreAndroid, byGdpClass } = findInsights(map);
      const most = Math.max(0, ...STATE_CODES.map(total));
      expect(topState).toBe(most === 0 ? null : STATE_CODES.find((code) => total(code) === most));
      for (const [list, leader] of [
        [moreIos, 'IOS'],
        [moreAndroid, 'ANDROID'],
      ] as const) {
        expect([...list].sort()).toEqual(
          STATE_CODES.filter((code) => leaderOf(map.get(code) ?? { ios: 0, android: 0, other: 0 }) === leader),
        );
        for (let i = 1; i < list.length; i++) {
          const [before, after] = [list[i - 1] as string, list[i] as string];
          expect(total(before) > total(after) || (total(before) === total(after) && before < after)).toBe(true);
        }
      }
      expect(byGdpClass.map(({ class: c }) => c)).toEqual(['HIGH', 'MEDIUM', 'LOW']);
      expect(byGdpClass.reduce((sum, { devices: d }) => sum + totalDevices(d), 0)).toBe(
        STATE_CODES.reduce((sum, code) => sum + total(code), 0),
      );
      for (const { class: gdpClass, states } of byGdpClass)
        expect(states).toBe(STATE_CODES.filter((code) => gdpOf(code).class === gdpClass).length);
    }),
  );
});
