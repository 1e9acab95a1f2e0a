import { expect, test } from '@jest/globals';
import { formatGdp, formatGdpShort } from './names.ts';

test('GDP in words', () => {
  expect([4_048_084, 711_900, 46_000].map(formatGdp)).toEqual(['$4.05 trillion', '$712 billion', '$46 billion']);
  expect([4_048_084, 711_900, 46_000].map(formatGdpShort)).toEqual(['$4.0T', '$712B', '$46B']);
});
