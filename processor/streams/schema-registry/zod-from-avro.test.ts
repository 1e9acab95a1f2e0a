import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { avroSerde, schemaRegistry, zodFromAvro } from '../schema-registry.ts';

const there = (schema: object | string, value: unknown, longs: 'number' | 'bigint' = 'number'): unknown => {
  const serde = avroSerde(schemaRegistry({ url: 'mock://zod' }), { subject: 's', schema, longs });
  return zodFromAvro(schema, { longs }).parse(serde.deserialize(serde.serialize(value)));
};

const TREE = {
  type: 'record',
  name: 'Tree',
  namespace: 'shop',
  fields: [
    { name: 'value', type: 'int' },
    { name: 'left', type: ['null', 'Tree'] },
    { name: 'right', type: ['null', 'shop.Tree'] },
  ],
};

describe('what avroSerde reads fits', () => {
  test.each<[object | string, unknown]>([
    ['string', 'a'],
    ['"long"', 5],
    [{ type: 'long', logicalType: 'timestamp-millis' }, 5],
    [{ type: 'bytes' }, Buffer.from('a')],
    [['null', 'string'], null],
    [['null', 'string', 'int'], 5],
    [['int', 'long'], { long: 5 }],
    [['null', { type: 'enum', name: 'E', symbols: ['A'] }, 'string'], { E: 'A' }],
    [{ type: 'array', items: 'double' }, [0.5]],
    [{ type: 'map', values: 'boolean' }, { a: true }],
    [TREE, { value: 1, left: { value: 2, left: null, right: null }, right: null }],
  ])('%j', (schema, value) => {
    expect(there(schema, value)).toEqual(value);
  });

  test('with bigints', () => {
    expect(there(['int', 'long'], 5n, 'bigint')).toBe(5n);
    expect(there({ type: 'long' }, 2n ** 62n, 'bigint')).toBe(2n ** 62n);
  });

  test('of a whole record', () => {
    const text = readFileSync(new URL('../tests/vectors/schema-registry/order.avsc', import.meta.url), 'utf8');
    const full = zodFromAvro<{ readonly status: string }>(text);
    const order = {
      ...{ id: 'a', cents: 1, count: 1, share: 0.5, weight: 1, gift: true, mark: Buffer.alloc(0) },
      ...{ code: Buffer.from('ab'), status: 'PAID', tags: [], counts: {}, coupon: null, either: { int: 1 }, at: 0 },
      place: null,
    };
    expect(there(text, order)).toEqual(order);
    expect(full.parse(order).status).toBe('PAID');
    expect(full.safeParse({ ...order, status: 'GONE' }).success).toBe(false);
    expect(full.safeParse({ ...order, count: 2 ** 31 }).success).toBe(false);
  });
});

test.each<[unknown, RegExp]>([
  ['nobody', /"nobody" is no type of one/],
  [{ type: 'record', name: 'R' }, /"R" is no type of one/],
  [5, /5 is no type of one/],
])('what is no schema of Avro is refused: %j', (schema, why) => {
  expect(() => zodFromAvro(schema as string)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(why) }),
  );
});
