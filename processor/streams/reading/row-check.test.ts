import { describe, expect, test } from '@jest/globals';
import { FetchedRecord } from '../kafka/fetched-record.ts';
import { formerStreamTimeKey, STREAM_TIME_KEY } from '../store/runtime-rows.ts';
import { encodeWindowKey } from '../store/window-key.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { countAggregate } from '../topology/aggregate.ts';
import { jsonSerde, type Serde } from '../topology/serdes.ts';
import { rowCheckOf } from './row-check.ts';

/** A serde that takes an object of whole numbers, as an application's does that looks at what it reads. */
const totals: Serde<Readonly<Record<string, number>>> = {
  ...jsonSerde<Readonly<Record<string, number>>>(),
  deserialize(bytes) {
    const value = jsonSerde<Readonly<Record<string, number>> | null>().deserialize(bytes);
    if (value === null) throw new TypeError('totals are null');
    for (const [name, total] of Object.entries(value))
      if (!Number.isSafeInteger(total) || total < 0) throw new TypeError(`${name} is ${JSON.stringify(total)}`);
    return value;
  },
};
const specs = [
  { name: 'counts', kind: 'key-value', serde: countAggregate.serde },
  { name: 'minutes', kind: 'window', serde: totals, windowSizeMs: 60_000, retentionMs: 60_000 },
] as unknown as readonly StoreSpec<unknown>[];
const check = rowCheckOf(specs);
const place = { offset: 71, partition: 2 };
const whole = (store: string, key: string | Buffer | null, value: string | Buffer | null): void =>
  check(store, {
    ...place,
    topic: `app-${store}-changelog`,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  });
/** The same row where it lies in its batch, between others. */
const fetched = (store: string, key: string | Buffer | null, value: string | Buffer | null): void => {
  const [keyBytes, valueBytes] = [key ?? '', value ?? ''].map((part) => Buffer.from(part)) as [Buffer, Buffer];
  const bytes = Buffer.concat([Buffer.from('7'), keyBytes, valueBytes, Buffer.from('7')]);
  const source = { topic: `app-${store}-changelog`, partition: place.partition, bytes, baseTimestampMs: 0, codec: 0 };
  const valueAt = 1 + keyBytes.length;
  const lengths = [key === null ? -1 : keyBytes.length, value === null ? -1 : valueBytes.length] as const;
  check(store, new FetchedRecord(source, place.offset, 0, 1, lengths[0], valueAt, lengths[1]));
};
const atMinute = encodeWindowKey(60_000, 'CA');
const some = (more: object): string => JSON.stringify({ first: 1, second: 0, ...more });

describe('a row of a changelog', () => {
  test.each<[string, string | Buffer, string | null]>([
    ['counts', 'CA', '0'],
    ['counts', 'CA', '123456789012345'],
    ['counts', 'CA', '9007199254740991'],
    ['counts', 'CA', null],
    ['minutes', atMinute, some({ added: 3 })],
    ['minutes', '!stream-time', '{"streamTimeMs":-1,"sources":{"0_0":{"streamTimeMs":7,"caughtUp":true}}}'],
    ['minutes', atMinute, null],
    ['minutes', STREAM_TIME_KEY, '{"streamTimeMs":7,"sources":{}}'],
    ['counts', STREAM_TIME_KEY, '{"streamTimeMs":7,"sources":{}}'],
    ['counts', STREAM_TIME_KEY, null],
    // Where the runtime's own row was once in such a store: it may be a user's.
    ['counts', formerStreamTimeKey('key-value'), '5'],
    ['of-another-task', '', 'anything'],
  ])('that %s wrote passes', (store, key, value) => {
    for (const look of [whole, fetched]) expect(() => look(store, key, value)).not.toThrow();
  });

  test.each<[string, string | Buffer | null, string | Buffer, string]>([
    ['counts', 'CA', 'no json', 'a row that cannot be read'],
    ['counts', 'CA', '', 'a row that cannot be read'],
    ['counts', 'CA', 'null', 'a count is null'],
    ['counts', 'CA', '-1', 'a count is -1'],
    ['counts', 'CA', '1.5', 'a count is 1.5'],
    ['counts', 'CA', '07', 'a row that cannot be read'],
    ['counts', 'CA', '7 7', 'a row that cannot be read'],
    ['counts', 'CA', '9007199254740993', 'no whole number'],
    ['counts', 'CA', '1e300', 'no whole number'],
    ['counts', 'CA', '"7"', 'no whole number'],
    ['counts', Buffer.from([0xff]), '1', 'a key that is no text'],
    ['counts', null, '1', 'a row without a key'],
    ['minutes', 'short', some({}), 'a key that begins with no time of a window'],
    ['minutes', Buffer.alloc(12, 0xff), some({}), 'a key that begins with no time of a window'],
    ['minutes', Buffer.concat([atMinute, Buffer.from([0x80])]), some({}), 'a key that is no text'],
    ['minutes', atMinute, 'null', 'totals are null'],
    ['minutes', atMinute, some({ second: -5 }), 'second is -5'],
    ['minutes', atMinute, some({ first: 2 ** 60 }), 'first is'],
    ['minutes', atMinute, some({}).slice(0, -2), 'a row that cannot be read'],
    ['minutes', '!stream-time', '{"streamTimeMs":1e300,"sources":{}}', 'a stream time that cannot be read'],
    ['minutes', '!stream-time', 'null', 'a stream time that cannot be read'],
    ['minutes', STREAM_TIME_KEY, 'null', 'a stream time that cannot be read'],
    ['counts', STREAM_TIME_KEY, '5', 'a stream time that cannot be read'],
    ['minutes', null, some({}), 'a row without a key'],
  ])('that %s did not write is named: %p %p', (store, key, value, problem) => {
    for (const look of [whole, fetched]) {
      expect(() => look(store, key, value)).toThrow(
        expect.objectContaining({
          code: 'INTERNAL_TOPIC_INVALID',
          message: expect.stringContaining(`app-${store}-changelog-2 offset 71 holds `),
        }),
      );
      expect(() => look(store, key, value)).toThrow(problem);
    }
  });
});
