import { describe, expect, test } from '@jest/globals';
import { int64Serde, jsonSerde, zodSerde } from '@tributary/streams';
import { z } from 'zod';

import { bigintConversion } from './bigint-conversion.ts';
import { valueReader } from './value-reader.ts';

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const read = (schema: z.ZodType, value: unknown): unknown => valueReader(schema)(bytesOf(value));

describe('values are read by their schema', () => {
  test('without what it does not know, and with its defaults', () => {
    const schema = z.object({ a: z.string(), n: z.int().default(3), deep: z.object({ b: z.boolean() }).optional() });
    expect(read(schema, { a: 'x', more: 1, deep: { b: true, c: 2 } })).toEqual({ a: 'x', n: 3, deep: { b: true } });
  });

  test('by a serde of the application', () => {
    const counts = {
      serialize: int64Serde.serialize,
      deserialize: (bytes: Buffer) => ({ n: int64Serde.deserialize(bytes) }),
    };
    expect(valueReader(z.object({ n: z.int() }), counts as never)(int64Serde.serialize(7))).toEqual({ n: 7 });
  });

  test('text of instants and dates stays as it is', () => {
    const value = { at: '2026-01-31T12:00:00.5+02:00', on: '2026-01-31' };
    expect(read(z.object({ at: z.iso.datetime({ offset: true }), on: z.iso.date() }), value)).toEqual(value);
  });
});

describe('bigint', () => {
  const most = '123456789012345678901234567890';
  const schema = z.object({
    one: z.bigint(),
    maybe: z.bigint().nullable().optional(),
    list: z.array(z.object({ n: z.bigint(), text: z.string() })),
    pair: z.tuple([z.bigint(), z.bigint()], z.bigint()),
    union: z
      .discriminatedUnion('k', [
        z.object({ k: z.literal('big'), n: z.bigint() }),
        z.object({ k: z.literal('text'), n: z.string() }),
      ])
      .default({ k: 'text', n: '1' })
      .readonly(),
  });

  test('is read from text and from whole numbers, wherever it is, and nothing else is changed', () => {
    const value = {
      one: most,
      maybe: null,
      list: [{ n: -5, text: '12' }],
      pair: ['1', 2, '-3'],
      union: { k: 'big', n: '7' },
    };
    expect(read(schema, value)).toEqual({
      one: BigInt(most),
      maybe: null,
      list: [{ n: -5n, text: '12' }],
      pair: [1n, 2n, -3n],
      union: { k: 'big', n: 7n },
    });
    expect(read(schema, { ...value, union: { k: 'text', n: '7' } })).toHaveProperty('union', { k: 'text', n: '7' });
  });

  test('is taken from a serde as it is, whose object is left alone', () => {
    const kept = { one: '1', list: [], pair: [1, 2n] };
    const serde = { serialize: () => Buffer.alloc(0), deserialize: (): unknown => kept };
    expect(valueReader(schema, serde)(Buffer.alloc(0))).toMatchObject({ one: 1n, pair: [1n, 2n] });
    expect(kept).toEqual({ one: '1', list: [], pair: [1, 2n] });
  });

  test.each(['1.5', '1e3', ' 1', '', '0x10', 'one', 1.5, 2 ** 53, true, {}, [1]])('is not read from %p', (value) => {
    expect(() => read(z.object({ n: z.bigint() }), { n: value })).toThrow(/^n is no bigint$/);
  });

  test('costs no walk where the schema has none', () => {
    expect(bigintConversion(z.object({ a: z.string(), b: z.array(z.object({ c: z.int() })) }))).toBeUndefined();
  });
});

describe('a value that does not fit is an error in one line, which names the place and not the value', () => {
  const schema = z.object({
    name: z.string().max(5),
    mail: z.email().optional(),
    lines: z.array(z.object({ price: z.int().min(0) })).optional(),
    bonus: z.record(z.string(), z.number()).optional(),
    size: z.enum(['s', 'm']).optional(),
    pay: z.discriminatedUnion('k', [z.object({ k: z.literal('card'), last4: z.string() })]).optional(),
    own: z
      .string()
      .refine((value) => value !== 'secret', { error: (issue) => `not ${String(issue.input)}` })
      .optional(),
  });
  test.each<[string, unknown, string]>([
    ['a missing field', {}, 'name is no string'],
    ['another type', { name: 3 }, 'name is no string'],
    ['too long', { name: 'secret' }, 'name is larger than 5'],
    ['another format', { name: 'a', mail: 'secret' }, 'mail is no email'],
    ['a place in a list', { name: 'a', lines: [{ price: 1 }, { price: -7 }] }, 'lines[1].price is smaller than 0'],
    ['a key of a record', { name: 'a', bonus: { 'secret@x.org': 'a' } }, 'bonus is no number'],
    ['another value', { name: 'a', size: 'secret' }, 'size is none of the values that it may have'],
    ['a member of a union', { name: 'a', pay: { k: 'card', last4: 1 } }, 'pay.last4 is no string'],
    ['no member of a union', { name: 'a', pay: { k: 'secret' } }, 'pay.k is no member of its union'],
    ['a message of its own', { name: 'a', own: 'secret' }, 'own is refused by a check of its schema'],
    ['several', { name: 3, lines: 1, size: 2 }, 'name is no string, and 2 more'],
    ['null', null, 'the value is no object'],
  ])('%s', (_what, value, words) => expect(() => read(schema, value)).toThrow(new TypeError(words)));

  test('a field that a strict object does not know', () => {
    expect(() => read(z.object({ a: z.strictObject({}) }), { a: { secret: 1 } })).toThrow(
      new TypeError('a has a field that its schema does not know'),
    );
  });

  test('bytes that cannot be read', () => {
    expect(() => valueReader(schema)(Buffer.from('secret'))).toThrow(
      new TypeError('the 6 bytes of the value are not JSON'),
    );
    expect(() => valueReader(schema, zodSerde(schema))(bytesOf({ name: 'secret' }))).toThrow(
      new TypeError('the serde of the value cannot read its 17 bytes'),
    );
    expect(() => valueReader(schema, jsonSerde<unknown>())(Buffer.from('{'))).toThrow(
      new TypeError('the serde of the value cannot read its 1 bytes'),
    );
  });

  test('checks that throw, or answer later', () => {
    const throwing = z.object({
      a: z.string().refine(() => {
        throw new Error('secret');
      }),
    });
    expect(() => read(throwing, { a: '' })).toThrow(new TypeError('a check of the schema has thrown'));
    expect(() => read(z.object({ a: z.string().refine(async () => true) }), { a: '' })).toThrow(
      new TypeError('a check of the schema is asynchronous: it must answer at once'),
    );
  });
});
