import { expect, test } from '@jest/globals';
import { unresolvableBrokers } from './broker-names.ts';

test('the names that do not resolve are told, in order; addresses do, with the brackets of IPv6', async () => {
  expect(await unresolvableBrokers(['one.invalid:9092', '127.0.0.1:9092', '[::1]:9092', 'two.invalid:1'])).toEqual([
    'one.invalid:9092',
    'two.invalid:1',
  ]);
});
