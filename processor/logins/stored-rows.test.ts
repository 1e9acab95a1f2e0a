import { describe, expect, test } from '@jest/globals';
import { dataQuality } from './data-quality.ts';
import { loginCounts } from './login-counts.ts';
import { encodeWindowKey } from '../streams/store/window-key.ts';
import type { StoreSpec } from '../streams/store/typed-store.ts';
import { countAggregate } from '../streams/topology/aggregate.ts';
import { rowCheckOf } from '../streams/reading/row-check.ts';

const specs = [
  { name: 'counts', kind: 'key-value', serde: countAggregate.serde },
  { name: 'minutes', kind: 'window', serde: loginCounts.serde, windowSizeMs: 60_000, retentionMs: 60_000 },
  { name: 'quality', kind: 'key-value', serde: dataQuality.serde },
] as unknown as readonly StoreSpec<unknown>[];
const check = rowCheckOf(specs);
const look = (store: string, key: string | Buffer | null, value: string | Buffer | null): void =>
  check(store, {
    topic: `app-${store}-changelog`,
    partition: 2,
    offset: 71,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  });
const atMinute = encodeWindowKey(60_000, 'CA');
const logins = (more: object): string => JSON.stringify({ ios: 1, android: 0, other: 0, lastLoginAtMs: null, ...more });

describe('a row of a changelog', () => {
  test.each<[string, string | Buffer, string | null]>([
    ['counts', 'CA', '0'],
    ['counts', 'CA', null],
    ['minutes', atMinute, logins({ lastLoginAtMs: 5, added: 'later' })],
    ['minutes', '!stream-time', '{"streamTimeMs":-1,"sources":{"0_0":{"streamTimeMs":7,"caughtUp":true}}}'],
    ['quality', 'quality', '{"missing":{"ip":1},"invalid":{},"deadLettered":{"NOT_JSON":2},"late":0}'],
    ['of-another-task', '', 'anything'],
  ])('that %s wrote passes', (store, key, value) => {
    expect(() => look(store, key, value)).not.toThrow();
  });

  test.each<[string, string | Buffer | null, string | Buffer, string]>([
    ['counts', 'CA', 'no json', 'a row that cannot be read'],
    ['counts', 'CA', '', 'a row that cannot be read'],
    ['counts', 'CA', 'null', 'a count is null'],
    ['counts', 'CA', '-1', 'a count is -1'],
    ['counts', 'CA', '1.5', 'a count is 1.5'],
    ['counts', 'CA', '1e300', 'no whole number'],
    ['counts', 'CA', '"7"', 'no whole number'],
    ['counts', Buffer.from([0xff]), '1', 'a key that is no text'],
    ['counts', null, '1', 'a row without a key'],
    ['minutes', 'short', logins({}), 'a key that begins with no time of a window'],
    ['minutes', Buffer.alloc(12, 0xff), logins({}), 'a key that begins with no time of a window'],
    ['minutes', Buffer.concat([atMinute, Buffer.from([0x80])]), logins({}), 'a key that is no text'],
    ['minutes', atMinute, 'null', 'ios is undefined'],
    ['minutes', atMinute, logins({ other: -5 }), 'other is -5'],
    ['minutes', atMinute, logins({ ios: 2 ** 60 }), 'ios is'],
    ['minutes', atMinute, logins({ lastLoginAtMs: 1e20 }), 'no time'],
    ['minutes', atMinute, logins({}).slice(0, -2), 'a row that cannot be read'],
    ['minutes', '!stream-time', '{"streamTimeMs":1e300,"sources":{}}', 'a stream time that cannot be read'],
    ['minutes', '!stream-time', 'null', 'a stream time that cannot be read'],
    [
      'quality',
      'quality',
      '{"missing":{},"invalid":{},"deadLettered":{"NOT_JSON":"many"},"late":0}',
      'deadLettered NOT_JSON is "many"',
    ],
    ['quality', 'quality', '{}', 'missing is undefined'],
  ])('that %s did not write is named: %p %p', (store, key, value, problem) => {
    expect(() => look(store, key, value)).toThrow(
      expect.objectContaining({
        code: 'INTERNAL_TOPIC_INVALID',
        message: expect.stringContaining(`app-${store}-changelog-2 offset 71 holds `),
      }),
    );
    expect(() => look(store, key, value)).toThrow(problem);
  });
});
