import { expect, test } from '@jest/globals';

import { forbidden, notSeen, tableTooLarge, unauthenticated } from './api-error.ts';
import { clientError } from './client-errors.ts';

test.each([
  [notSeen(), 'NOT_READY', /"atLeast"/],
  [tableTooLarge('skuTotals', 200_000), 'TABLE_TOO_LARGE', /skuTotals.* 200000 rows.*maxRows.*held: 'owner'/],
  [forbidden('customers.email'), 'FORBIDDEN', /customers\.email/],
  [unauthenticated(), 'UNAUTHENTICATED', /credentials/],
])('%s reaches a client as it is', (error, code, message) => {
  expect(clientError(error)).toBe(error);
  expect(error.extensions['code']).toBe(code);
  expect(error.message).toMatch(message);
});
