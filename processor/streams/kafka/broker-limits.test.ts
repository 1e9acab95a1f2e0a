import { expect, test } from '@jest/globals';
import { asBrokerLimit } from './broker-limits.ts';

const ASKED = { groupId: 'app', transactionTimeoutMs: 15_000, sessionTimeoutMs: 8_000 };
const refusal = (code: number): Error => Object.assign(new Error(`refused with ${String(code)}`), { code });
const settings = (values: Record<string, string>) => ({ brokerSettings: async () => new Map(Object.entries(values)) });

test.each([
  [
    50,
    { 'transaction.max.timeout.ms': '10000' },
    /^the brokers take no .* of 15000 ms \(.*=10000\): set transactionTimeoutMs .* Kafka says: refused with 50$/,
  ],
  [
    26,
    { 'group.min.session.timeout.ms': '9000', 'group.max.session.timeout.ms': '60000' },
    /^the group app takes no session time-out of 8000 ms \(.*=9000, .*=60000\): set sessionTimeoutMs/,
  ],
  [
    81,
    { 'group.max.size': '4' },
    /^the group app is full \(group\.max\.size=4\): run fewer threads .*numStreamThreads/,
  ],
  [12, { 'offset.metadata.max.bytes': '10' }, /offset\.metadata\.max\.bytes=10/],
  [23, {}, /^the group app has members of another kind: .*applicationId/],
])('a refusal with %i names the limit of the brokers and the setting', async (code, values, words) => {
  const error = await asBrokerLimit(refusal(code), settings(values), ASKED);
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', reaction: 'exit', message: expect.stringMatching(words) });
});

test('where the limits may not be read their names are told', async () => {
  const hidden = {
    brokerSettings: async (): Promise<Map<string, string>> => Promise.reject(new Error('not authorized')),
  };
  expect((await asBrokerLimit(refusal(50), hidden, ASKED))?.message).toContain('(transaction.max.timeout.ms): set');
  expect((await asBrokerLimit(refusal(26), {}, ASKED))?.message).toContain(
    '(group.min.session.timeout.ms, group.max.session.timeout.ms): set',
  );
});

test('any other refusal is none of its business', async () => {
  expect(await asBrokerLimit(refusal(16), settings({}), ASKED)).toBeUndefined();
  expect(await asBrokerLimit(new Error('no code'), settings({}), ASKED)).toBeUndefined();
});
