import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { DEFAULTS, readUrl, ROWS_OF_PAGE, writeUrl } from './url-state.ts';
import type { Preferences } from './url-state.ts';

const name = fc.stringMatching(/^[A-Za-z_]\w{0,9}$/);
const preferences: fc.Arbitrary<Preferences> = fc.record({
  view: fc.constantFrom('tables', 'operations'),
  table: fc.option(name),
  order: fc.option(fc.record({ field: name, descending: fc.boolean() })),
  prefix: fc.string(),
  conditions: fc.array(
    fc.record({ field: name, operator: fc.constantFrom('eq', 'in', 'prefix', 'empty'), text: fc.string() }),
    { maxLength: 4 },
  ),
  rowsOfPage: fc.constantFrom(...ROWS_OF_PAGE),
  figure: fc.option(name),
  lines: fc.constantFrom('sum', 'keys'),
  keys: fc.array(fc.string(), { maxLength: 3 }),
  windows: fc.integer({ min: 1, max: 1_500 }),
  theme: fc.constantFrom('system', 'light', 'dark'),
});

test('a link gives back all that was chosen', () => {
  fc.assert(fc.property(preferences, (chosen) => expect(readUrl(writeUrl(chosen))).toEqual(chosen)));
});

test('what is at its default is not in the address; what is not understood is as if it were not there', () => {
  expect(writeUrl(DEFAULTS)).toBe('');
  expect(readUrl('?view=x&order=-&where=cents&where=.eq.1&where=cents.like.1&rows=7&windows=0&theme=pink')).toEqual(
    DEFAULTS,
  );
});
