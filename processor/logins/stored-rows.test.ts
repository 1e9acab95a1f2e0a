import { expect, test } from '@jest/globals';
import { dataQuality } from './data-quality.ts';
import { loginCounts } from './login-counts.ts';

const logins = (more: object): string => JSON.stringify({ ios: 1, android: 0, other: 0, lastLoginAtMs: null, ...more });

test.each([
  ['counts', loginCounts, logins({ lastLoginAtMs: 5, added: 'later' })],
  ['quality', dataQuality, '{"missing":{"ip":1},"invalid":{},"deadLettered":{"NOT_JSON":2},"late":0}'],
])('%s that were stored are read, also with a field that a later release added', (_name, { serde }, text) => {
  expect(() => serde.deserialize(Buffer.from(text))).not.toThrow();
});

test.each([
  ['null', 'ios is undefined'],
  [logins({ other: -5 }), 'other is -5'],
  [logins({ ios: 2 ** 60 }), 'ios is'],
  [logins({ lastLoginAtMs: 1e20 }), 'no time'],
  [logins({}).slice(0, -2), 'JSON'],
])('counts that the application cannot have stored are refused: %s', (text, problem) => {
  expect(() => loginCounts.serde.deserialize(Buffer.from(text))).toThrow(problem);
});

test.each([
  ['{"missing":{},"invalid":{},"deadLettered":{"NOT_JSON":"many"},"late":0}', 'deadLettered NOT_JSON is "many"'],
  ['{}', 'missing is undefined'],
])('data quality that the application cannot have stored is refused: %s', (text, problem) => {
  expect(() => dataQuality.serde.deserialize(Buffer.from(text))).toThrow(problem);
});
