import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import {
  bigint64Serde,
  booleanSerde,
  bytesSerde,
  float64Serde,
  int32Serde,
  int64Serde,
  sessionWindowedSerde,
  stringSerde,
  timeWindowedSerde,
  uuidSerde,
  zodSerde,
  type Serde,
} from '../index.ts';

const UUID_TEXT = '067e6162-3b6f-4ae2-a171-2470b63dff00';
const hexOfText = (text: string): string => Buffer.from(text).toString('hex');

/*
 * The bytes of Java's serializers, by their definitions in apache/kafka, package org.apache.kafka.common.serialization:
 * BooleanSerializer (one byte), IntegerSerializer and LongSerializer (big-endian, most significant byte first),
 * DoubleSerializer (Double.doubleToLongBits, big-endian), UUIDSerializer (UUID.toString in UTF-8); and of
 * o.a.k.streams.state.internals: WindowKeySchema.toBinary (key, start), SessionKeySchema.toBinary (key, end, start).
 */
test.each<[string, Serde<unknown>, unknown, string]>([
  ['boolean', booleanSerde, true, '01'],
  ['boolean', booleanSerde, false, '00'],
  ['int32', int32Serde, 1, '00000001'],
  ['int32', int32Serde, -2_147_483_648, '80000000'],
  ['int32', int32Serde, 2_147_483_647, '7fffffff'],
  ['int64', int64Serde, 0, '0000000000000000'],
  ['int64', int64Serde, -1, 'ffffffffffffffff'],
  ['int64', int64Serde, 1_700_000_000_000, '0000018bcfe56800'],
  ['int64', int64Serde, -4_294_967_297, 'fffffffeffffffff'],
  ['int64', int64Serde, Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
  ['int64', int64Serde, Number.MIN_SAFE_INTEGER, 'ffe0000000000001'],
  ['bigint64', bigint64Serde, 2n ** 63n - 1n, '7fffffffffffffff'],
  ['bigint64', bigint64Serde, -(2n ** 63n), '8000000000000000'],
  ['float64', float64Serde, 1, '3ff0000000000000'],
  ['float64', float64Serde, -0.1, 'bfb999999999999a'],
  ['float64', float64Serde, Infinity, '7ff0000000000000'],
  ['float64', float64Serde, Number.NaN, '7ff8000000000000'],
  ['uuid', uuidSerde, UUID_TEXT, hexOfText(UUID_TEXT)],
  ['bytes', bytesSerde, Buffer.from('00ff', 'hex'), '00ff'],
  ['text', stringSerde, 'Zürich', '5ac3bc72696368'],
  [
    'a window',
    timeWindowedSerde(stringSerde, 60_000),
    { key: 'CA', startMs: 1_700_000_040_000, endMs: 1_700_000_100_000 },
    '4341' + '0000018bcfe60440',
  ],
  [
    'a window of int64',
    timeWindowedSerde(int64Serde, 5),
    { key: 7, startMs: 10, endMs: 15 },
    '0000000000000007' + '000000000000000a',
  ],
  [
    'a session',
    sessionWindowedSerde(stringSerde),
    { key: 'CA', startMs: 1, endMs: 256 },
    '4341' + '0000000000000100' + '0000000000000001',
  ],
  [
    'a window without end',
    timeWindowedSerde(stringSerde, Infinity),
    { key: '', startMs: 0, endMs: Infinity },
    '0000000000000000',
  ],
])('%s %#: the bytes of Java, and back', (_, serde, value, hex) => {
  expect(serde.serialize(value).toString('hex')).toBe(hex);
  expect(serde.deserialize(Buffer.from(hex, 'hex'))).toEqual(value);
});

test.each<[string, Serde<unknown>, unknown, string]>([
  ['boolean', booleanSerde, 1, 'the serde takes true or false, not 1'],
  ['boolean', booleanSerde, null, 'not null'],
  ['int32', int32Serde, 2_147_483_648, 'a whole number of 32 bits, not 2147483648'],
  ['int32', int32Serde, 1.5, 'not 1.5'],
  ['int64', int64Serde, 2 ** 53, 'a whole number below 2^53, not 9007199254740992'],
  ['int64', int64Serde, '7', 'not a string'],
  ['int64', int64Serde, 7n, 'not a bigint'],
  ['bigint64', bigint64Serde, 7, 'a bigint of 64 bits, not 7'],
  ['bigint64', bigint64Serde, 2n ** 63n, 'a bigint of 64 bits'],
  ['float64', float64Serde, '7', 'a number, not a string'],
  ['uuid', uuidSerde, 'no uuid', 'a UUID as text, not a string'],
  ['bytes', bytesSerde, 'text', 'bytes, not a string'],
  ['bytes', bytesSerde, undefined, 'bytes, not undefined'],
  ['a window', timeWindowedSerde(stringSerde, 5), { key: 'a', startMs: -1, endMs: 4 }, 'startMs of a window'],
  ['a window', timeWindowedSerde(stringSerde, 5), 'a', '{ key, startMs, endMs }'],
  ['a session', sessionWindowedSerde(stringSerde), { key: 'a', startMs: 1, endMs: 1.5 }, 'endMs of a window'],
])('%s refuses a value of another kind %#', (_, serde, value, message) => {
  expect(() => serde.serialize(value)).toThrow(message);
});

test.each<[string, Serde<unknown>, string, string]>([
  ['boolean', booleanSerde, '0101', 'a boolean has 1 byte, not 2'],
  ['boolean', booleanSerde, '02', '0 or 1'],
  ['int32', int32Serde, '', 'an int32 has 4 bytes, not 0'],
  ['int64', int64Serde, '00000001', 'an int64 has 8 bytes, not 4'],
  ['int64', int64Serde, '0020000000000000', 'read it with bigint64Serde'],
  ['int64', int64Serde, 'ffe0000000000000', 'read it with bigint64Serde'],
  ['bigint64', bigint64Serde, '00', 'has 8 bytes'],
  ['float64', float64Serde, '00', 'has 8 bytes'],
  ['uuid', uuidSerde, '00'.repeat(36), 'the 36 bytes are not the text of a UUID'],
  ['a window', timeWindowedSerde(stringSerde, 5), '00', '8 bytes of time, not 1 in all'],
  ['a window', timeWindowedSerde(stringSerde, 5), 'ffffffffffffffff', 'no time of a window'],
  ['a session', sessionWindowedSerde(stringSerde), '00'.repeat(15), '16 bytes of time'],
])('%s refuses bytes that are none %#', (_, serde, hex, message) => {
  expect(() => serde.deserialize(Buffer.from(hex, 'hex'))).toThrow(message);
});

test('every value comes back, and equal keys are equal bytes', () => {
  const sessions = sessionWindowedSerde(uuidSerde);
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.double(), (int, big, float) => {
      expect(int64Serde.deserialize(int64Serde.serialize(int))).toBe(int === 0 ? 0 : int);
      expect(bigint64Serde.deserialize(int64Serde.serialize(int))).toBe(BigInt(int));
      expect(bigint64Serde.deserialize(bigint64Serde.serialize(big))).toBe(big);
      expect(float64Serde.deserialize(float64Serde.serialize(float))).toBe(float);
    }),
  );
  fc.assert(
    fc.property(fc.uuid(), fc.nat(), fc.nat(), (key, startMs, more) => {
      const session = { key, startMs, endMs: startMs + more };
      expect(sessions.deserialize(sessions.serialize(session))).toEqual(session);
      expect(uuidSerde.serialize(key.toUpperCase())).toEqual(uuidSerde.serialize(key));
    }),
  );
});

test('bytes are copies both ways', () => {
  const bytes = Buffer.from('abc');
  const [written, read] = [bytesSerde.serialize(bytes), bytesSerde.deserialize(bytes)];
  bytes[0] = 0;
  expect([String(written), String(read)]).toEqual(['abc', 'abc']);
});

test('zodSerde checks what it reads, and says where it does not fit', () => {
  const serde = zodSerde(z.object({ id: z.string(), counts: z.array(z.number()) }));
  const value: { id: string; counts: number[] } = serde.deserialize(Buffer.from('{"id":"a","counts":[1]}'));
  expect(serde.deserialize(serde.serialize(value))).toEqual({ id: 'a', counts: [1] });
  expect(() => serde.deserialize(Buffer.from('{"id":"a","counts":["secret"]}'))).toThrow(/schema: counts\.0: /);
  expect(() => serde.deserialize(Buffer.from('{"id":"a","counts":["secret"]}'))).not.toThrow(/secret/);
  expect(() => serde.deserialize(Buffer.from('no json'))).toThrow();
  expect(() => zodSerde({} as never)).toThrow('a schema of zod');
});

test('a size of windows that cannot be, and a serde that is none, are refused', () => {
  expect(() => timeWindowedSerde(stringSerde, -1)).toThrow('the size of its windows');
  expect(() => timeWindowedSerde({} as never, 1)).toThrow('timeWindowedSerde takes the serde of its keys');
  expect(() => sessionWindowedSerde(undefined as never)).toThrow('sessionWindowedSerde takes the serde of its keys');
});

test('each has a format, which names the same bytes by the same word', () => {
  const serdes = [bytesSerde, booleanSerde, int32Serde, int64Serde, bigint64Serde, float64Serde, uuidSerde];
  expect(serdes.map(({ format }) => format)).toEqual([
    'bytes',
    'boolean',
    'int32',
    'int64',
    'int64',
    'float64',
    'uuid',
  ]);
  expect(timeWindowedSerde(int32Serde, 5).format).toBe('int32 in windows of 5 ms');
  expect(sessionWindowedSerde(stringSerde).format).toBe('utf8 in sessions');
  expect(sessionWindowedSerde({ serialize: () => Buffer.alloc(0), deserialize: () => 0 }).format).toBeUndefined();
});
