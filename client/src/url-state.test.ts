import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RANGE_NAMES } from './state/ranges.ts';
import { DEVICES } from './state/series-ring.ts';
import { MEASURES } from './state/shading.ts';
import { SORT_FIELDS } from './state/table-rows.ts';
import { TILES } from './state/tiles.ts';
import { DEFAULTS, readUrl, writeUrl } from './url-state.ts';
import type { Preferences } from './url-state.ts';

const preferences: fc.Arbitrary<Preferences> = fc.record({
  view: fc.constantFrom('overview', 'operations'),
  range: fc.constantFrom(...RANGE_NAMES),
  mode: fc.constantFrom('counts', 'share'),
  hidden: fc.subarray([...DEVICES]),
  atNewest: fc.boolean(),
  measure: fc.constantFrom(...MEASURES),
  state: fc.option(fc.constantFrom(...TILES.map((tile) => tile.code))),
  sort: fc.record({ field: fc.constantFrom(...SORT_FIELDS), descending: fc.boolean() }),
  filterText: fc.string(),
  filterGdp: fc.option(fc.constantFrom('HIGH', 'MEDIUM', 'LOW')),
  theme: fc.constantFrom('system', 'light', 'dark'),
  wall: fc.boolean(),
});

test('a link reproduces every preference', () => {
  fc.assert(fc.property(preferences, (chosen) => expect(readUrl(writeUrl(chosen))).toEqual(chosen)));
});

test('defaults leave the address clean', () => {
  expect(writeUrl(DEFAULTS)).toBe('');
  expect(writeUrl({ ...DEFAULTS, state: 'CA' })).toBe('?state=CA');
});

test('what is not understood is as if it were not there', () => {
  expect(readUrl('?range=7y&measure=blue&state=XX&sort=-secret&theme=pink&hide=ios,tv&gdp=tiny&view=admin')).toEqual({
    ...DEFAULTS,
    hidden: ['ios'],
  });
  expect(readUrl('?state=ca').state).toBe('CA');
});
