import { expect, test } from '@jest/globals';
import { parse } from 'graphql';

import { REQUEST_LIMITS, variablesLimitError } from './request-limits.ts';

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? { not: value } : [value];
  return value;
}

const document = parse('query ($filter: F) { page(filter: $filter) }');

test('variables are nested as deeply as is needed, and no deeper; what is not declared is read by nobody', () => {
  const { variableLevels } = REQUEST_LIMITS;
  expect(variablesLimitError({ document, variableValues: { filter: nested(variableLevels - 1) } })).toBeNull();
  for (const levels of [variableLevels, 10_000, 100_000])
    expect(variablesLimitError({ document, variableValues: { filter: nested(levels) } })?.extensions).toMatchObject({
      code: 'QUERY_TOO_LARGE',
      limit: variableLevels,
    });
  expect(variablesLimitError({ document, variableValues: { other: nested(10_000) } })).toBeNull();
  expect(variablesLimitError({ document })).toBeNull();
});
