import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import * as mini from 'zod/mini';
import { z as z3 } from 'zod/v3';

import { typeText } from './same-type.ts';
import type { FieldType, ObjectType, TypedField } from './type-model.ts';
import { ZodTypes } from './zod-type.ts';

const place = { table: 'orders', path: 'value' };

function readValue(schema: unknown): { readonly type: ObjectType | undefined; readonly problems: readonly string[] } {
  const problems: string[] = [];
  return { type: new ZodTypes(problems).readValue(schema, 'Orders', place), problems };
}

function fieldText({ name, type, nullable }: TypedField): string {
  return `${name}: ${typeText(type)}${nullable ? '' : '!'}`;
}

/** Every type with a name inside of a value, as a client would see it. */
function typesIn(schema: unknown): readonly string[] {
  const { type, problems } = readValue(schema);
  expect(problems).toEqual([]);
  const texts: string[] = [];
  const add = (one: FieldType): void => {
    if (one.kind === 'list') add(one.of);
    if (one.kind === 'enum') texts.push(`enum ${one.name} { ${one.values.join(' ')} }`);
    if (one.kind === 'union') {
      const members = one.members.map((member) => `${member.values.join('/')}=${member.type.name}`);
      texts.push(`union ${one.name} by ${one.discriminator}: ${members.join(' ')}`);
      for (const member of one.members) add(member.type);
    }
    if (one.kind !== 'object') return;
    texts.push(`type ${one.name} { ${one.fields.map(fieldText).join(', ')} }`);
    for (const field of one.fields) add(field.type);
  };
  if (type !== undefined) add(type);
  return texts;
}

/** The one field of a value, as a client would see it. */
function fieldOf(schema: unknown): string {
  const { type, problems } = readValue(z.object({ x: schema as z.ZodType }));
  return type === undefined ? problems.join('\n') : type.fields.map(fieldText).join('\n');
}

describe('plain values', () => {
  test.each<[string, unknown, string]>([
    ['text', z.string(), 'String!'],
    ['text with checks', z.string().min(1).trim().toLowerCase(), 'String!'],
    ['a UUID', z.uuid(), 'String!'],
    ['an address', z.email(), 'String!'],
    ['an instant', z.iso.datetime(), 'DateTime!'],
    ['an instant with an offset', z.iso.datetime({ offset: true }), 'DateTime!'],
    ['an instant, as a check', z.string().check(z.iso.datetime()), 'DateTime!'],
    ['a date', z.iso.date(), 'Date!'],
    ['a time of day', z.iso.time(), 'String!'],
    ['int32', z.int32(), 'Int!'],
    ['int32 from 0', z.int32().min(0), 'Int!'],
    ['uint32', z.uint32(), 'Count!'],
    ['int', z.int(), 'SafeInt!'],
    ['int from 0', z.int().min(0), 'Count!'],
    ['int above 0', z.int().positive(), 'Count!'],
    ['int above -1', z.int().gt(-1), 'Count!'],
    ['int from -1', z.int().min(-1), 'SafeInt!'],
    ['int up to 0', z.int().max(0), 'SafeInt!'],
    ['a number that is int', z.number().int(), 'SafeInt!'],
    ['a number that is int, from 0', z.number().int().nonnegative(), 'Count!'],
    ['a number from 0 that is int', z.number().nonnegative().int(), 'Count!'],
    ['the same of the small package', mini.number().check(mini.int(), mini.gte(0)), 'Count!'],
    ['a number', z.number(), 'Float!'],
    ['a number from 0', z.number().min(0), 'Float!'],
    ['float64', z.float64(), 'Float!'],
    ['a number from text', z.coerce.number(), 'Float!'],
    ['bigint', z.bigint(), 'BigInt!'],
    ['int64', z.int64(), 'BigInt!'],
    ['boolean', z.boolean(), 'Boolean!'],
    ['record', z.record(z.string(), z.number()), 'JSON!'],
    ['a record of anything', z.record(z.string(), z.json()), 'JSON!'],
    ['any', z.any(), 'JSON'],
    ['unknown', z.unknown(), 'JSON'],
    ['list', z.array(z.int32()), '[Int!]!'],
    ['list with nulls', z.array(z.int32().nullable()), '[Int]!'],
    ['list that may be absent', z.array(z.array(z.string())).optional(), '[[String!]!]'],
    ['tuple of one type', z.tuple([z.string(), z.string()], z.string()), '[String!]!'],
    ['list of anything', z.array(z.unknown()), '[JSON]!'],
  ])('%s', (_what, schema, type) => expect(fieldOf(schema)).toBe(`x: ${type}`));
});

describe('wrappers, in any order', () => {
  test.each<[string, unknown, string]>([
    ['optional', z.int32().optional(), 'Int'],
    ['nullable', z.int32().nullable(), 'Int'],
    ['nullish', z.int32().nullish(), 'Int'],
    ['default', z.int32().default(1), 'Int!'],
    ['default around optional', z.int32().optional().default(1), 'Int!'],
    ['optional around default', z.int32().default(1).optional(), 'Int'],
    ['default around nullable', z.int32().nullable().default(1), 'Int'],
    ['prefault', z.int32().optional().prefault(1), 'Int!'],
    ['catch', z.int32().catch(1), 'Int!'],
    ['catch around optional', z.int32().optional().catch(1), 'Int'],
    ['nonoptional', z.nonoptional(z.int32().optional()), 'Int!'],
    ['nonoptional around nullish', z.nonoptional(z.int32().nullish()), 'Int'],
    ['readonly, brand, refine, meta', z.int32().readonly().brand('a').refine(Boolean).meta({ title: 'a' }), 'Int!'],
    ['all of them around optional', z.int32().optional().readonly().refine(Boolean).describe('a'), 'Int'],
    ['optional of the small package', mini.optional(mini.readonly(mini.int32())), 'Int'],
  ])('%s', (_what, schema, type) => expect(fieldOf(schema)).toBe(`x: ${type}`));
});

describe('types with names', () => {
  test('objects in objects and lists are named by parent and field', () => {
    const price = z.object({ cents: z.int().min(0), currency: z.enum(['EUR', 'USD']) });
    expect(typesIn(z.object({ lines: z.array(z.object({ sku: z.string(), price })), total: price }))).toEqual([
      'type Orders { lines: [OrdersLines!]!, total: OrdersTotal! }',
      'type OrdersLines { sku: String!, price: OrdersLinesPrice! }',
      'type OrdersLinesPrice { cents: Count!, currency: OrdersLinesPriceCurrency! }',
      'enum OrdersLinesPriceCurrency { EUR USD }',
      'type OrdersTotal { cents: Count!, currency: OrdersTotalCurrency! }',
      'enum OrdersTotalCurrency { EUR USD }',
    ]);
  });

  test('an id names a type, wherever it stands among wrappers, descriptions and checks', () => {
    const named = z.object({ a: z.string() }).meta({ id: 'Address' });
    const { type, problems } = readValue(
      z.object({
        plain: named,
        wrapped: named.optional().readonly(),
        described: named.describe('Where it goes.').nullable(),
        checked: named.refine(() => true),
        outside: z.enum(['a']).optional().meta({ id: 'Letter' }),
      }),
    );
    expect(problems).toEqual([]);
    expect(type?.fields.map(fieldText)).toEqual([
      'plain: Address!',
      'wrapped: Address',
      'described: Address',
      'checked: Address!',
      'outside: Letter',
    ]);
    const [first, ...others] = type?.fields ?? [];
    expect(others.slice(0, 3).every((field) => field.type === first?.type)).toBe(true);
  });

  test('one id on two schemas is an error that names both places', () => {
    const { problems } = readValue(
      z.object({
        a: z.object({ x: z.string() }).meta({ id: 'Twice' }),
        b: z.array(z.enum(['y']).meta({ id: 'Twice' })),
      }),
    );
    expect(problems).toEqual([
      'table "orders": b[] has the id "Twice", which another schema has, a of table "orders": give each its own',
    ]);
  });

  test('an id that is no GraphQL name is an error', () => {
    expect(fieldOf(z.object({ a: z.string() }).meta({ id: 'my.Address' }))).toMatch(
      /^table "orders": x has the id "my\.Address", which is no GraphQL name/,
    );
  });

  test('descriptions are of the field, and of the type', () => {
    const address = z.object({ a: z.string() }).meta({ id: 'Address', description: 'A place.' });
    const { type } = readValue(
      z.object({
        own: address,
        there: address.optional().describe('Where it goes.'),
        n: z.int().describe('How many.'),
      }),
    );
    expect(type?.fields.map(({ description }) => description)).toEqual(['A place.', 'Where it goes.', 'How many.']);
    expect(type?.fields.map((field) => (field.type.kind === 'object' ? field.type.description : undefined))).toEqual([
      'A place.',
      'A place.',
      undefined,
    ]);
  });
});

describe('enums', () => {
  test('text literals are enums', () => {
    expect(typesIn(z.object({ kind: z.literal('order'), size: z.literal(['s', 'm', 's']) }))).toEqual([
      'type Orders { kind: OrdersKind!, size: OrdersSize! }',
      'enum OrdersKind { order }',
      'enum OrdersSize { s m }',
    ]);
  });

  test('values are as they are', () => {
    expect(typesIn(z.object({ s: z.enum({ Open: 'open', Shut: 'SHUT_2', Also: 'open' }) }))[1]).toBe(
      'enum OrdersS { open SHUT_2 }',
    );
  });

  test.each(['in-transit', '2nd', 'ünder', '', 'true', 'false', 'null', '__typename', 'a b'])(
    'the value "%s" is an error that names it',
    (value) =>
      expect(fieldOf(z.enum(['fine', value]))).toMatch(
        new RegExp(
          `^table "orders": x has the enum value ${JSON.stringify(value)}, which (is no GraphQL name|means|begins)`,
        ),
      ),
  );
});

describe('discriminated unions', () => {
  const card = z.object({ kind: z.literal('card'), last4: z.string() });
  const bank = z.object({ kind: z.enum(['bank', 'giro']), iban: z.string().optional() });

  test('are unions of types that are named by what tells them apart', () => {
    expect(typesIn(z.object({ payment: z.discriminatedUnion('kind', [card, bank]).nullable() }))).toEqual([
      'type Orders { payment: OrdersPayment }',
      'union OrdersPayment by kind: card=OrdersPaymentCard bank/giro=OrdersPaymentBank',
      'type OrdersPaymentCard { kind: OrdersPaymentCardKind!, last4: String! }',
      'enum OrdersPaymentCardKind { card }',
      'type OrdersPaymentBank { kind: OrdersPaymentBankKind!, iban: String }',
      'enum OrdersPaymentBankKind { bank giro }',
    ]);
  });

  test('of unions are one, and ids name unions and members', () => {
    const named = z.discriminatedUnion('kind', [card.meta({ id: 'Card' }), z.discriminatedUnion('kind', [bank])]);
    expect(typesIn(z.object({ p: z.array(named.meta({ id: 'Payment' })) })).slice(0, 2)).toEqual([
      'type Orders { p: [Payment!]! }',
      'union Payment by kind: card=Card bank/giro=PaymentBank',
    ]);
  });

  test.each<[string, unknown, RegExp]>([
    [
      'a number',
      z.discriminatedUnion('v', [z.object({ v: z.literal(1) })]),
      /x\.v has the value 1, a literal of number/,
    ],
    [
      'the same text twice',
      z.discriminatedUnion('kind', [card, card.extend({ more: z.string() })]),
      /x has two members for one value of "kind"/,
    ],
    [
      'something that may be absent',
      z.discriminatedUnion('kind', [z.object({ kind: z.literal('a').optional() })]),
      /x has a member that "kind" does not tell apart by text/,
    ],
  ])('told apart by %s are errors', (_what, schema, words) => expect(fieldOf(schema)).toMatch(words));
});

describe('what has no type is an error that names table, path, kind and remedy', () => {
  test.each<[string, unknown, RegExp]>([
    ['map', z.map(z.string(), z.string()), /a map, .*: use z\.record/],
    ['set', z.set(z.string()), /a set, .*: use z\.array/],
    ['date', z.date(), /a date, .*: use z\.iso\.datetime/],
    ['lazy', z.lazy(() => z.string()), /lazy, .*: use z\.unknown/],
    ['json', z.json(), /lazy, .*: use z\.unknown/],
    ['transform', z.string().transform(Number), /a transform, .*: declare what the topic holds/],
    ['preprocess', z.preprocess(String, z.string()), /a preprocess, .*transform/],
    ['codec', z.codec(z.string(), z.number(), { decode: Number, encode: String }), /a codec, /],
    ['stringbool', z.stringbool(), /a codec, /],
    ['pipe', z.string().pipe(z.email()), /a pipe, /],
    ['union', z.union([z.string(), z.number()]), /a union without a discriminator, .*discriminatedUnion/],
    ['intersection', z.intersection(z.object({}), z.object({})), /an intersection, .*extend/],
    ['tuple of several types', z.tuple([z.string(), z.int32()]), /a tuple of several types, .*z\.object/],
    ['empty tuple', z.tuple([]), /a tuple without an item/],
    ['null', z.null(), /null, .*nullable/],
    ['undefined', z.undefined(), /undefined, .*optional/],
    ['never', z.never(), /never, /],
    ['NaN', z.nan(), /NaN, /],
    ['symbol', z.symbol(), /a symbol, /],
    ['template literal', z.templateLiteral(['a', z.number()]), /a template literal, .*z\.string/],
    ['custom', z.custom<string>(), /a custom type, /],
    ['instance', z.instanceof(URL), /a custom type, /],
    ['literal', z.literal(1), /a literal of number, .*only text/],
    ['literal of true', z.literal(true), /a literal of boolean, /],
    ['literal of null', z.literal(['a', null]), /a literal of null, /],
    ['enum of numbers', z.enum({ a: 1 }), /a literal of number, /],
    [
      'record of bigint',
      z.record(z.string(), z.object({ a: z.bigint() })),
      /a record that holds a bigint, .*z\.string/,
    ],
    ['record of dates', z.record(z.string(), z.array(z.date())), /a record that holds a date, .*iso/],
    ['local time', z.iso.datetime({ local: true }), /a local time, .*offset: true/],
    ['time without seconds', z.iso.datetime({ precision: -1 }), /a time without seconds, /],
    ['object without a field', z.object({}), /an object without a field, .*z\.unknown/],
    ['schema of zod 3', z3.string(), /a schema of zod 3: make it with zod 4/],
    ['something else', 'text', /no zod schema/],
  ])('%s', (_what, schema, words) => {
    const { problems } = readValue(z.object({ lines: z.array(z.object({ price: schema as z.ZodType })) }));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^table "orders": lines\[\]\.price (is|has) .+$/);
    expect(problems[0]).toMatch(words);
  });

  test('recursion ends in an error, by a getter or by one that makes new schemas', () => {
    const category = z.object({
      name: z.string(),
      get children(): z.ZodArray<z.ZodType> {
        return z.array(category);
      },
    });
    expect(fieldOf(category)).toMatch(/^table "orders": x\.children\[\] is recursive.*z\.unknown/);
    const endless = (): z.ZodType =>
      z.object({
        get next(): z.ZodType {
          return endless();
        },
      });
    expect(fieldOf(endless())).toMatch(/^table "orders": x(\.next)+ is recursive/);
    expect(fieldOf(z.record(z.string(), endless()))).toBe('x: JSON!');
  });

  test('fields that are no GraphQL names', () => {
    const { problems } = readValue(
      z.object({ 'unit-price': z.string(), __x: z.string(), a: z.object({ '': z.int() }) }),
    );
    expect(problems).toEqual([
      'table "orders": "unit-price" is no GraphQL name: letters, digits and _, and no digit first',
      'table "orders": "__x" begins with __, which GraphQL keeps for itself',
      'table "orders": "a." is no GraphQL name: letters, digits and _, and no digit first',
    ]);
  });

  test('a field that may be absent, and that every object has', () => {
    expect(fieldOf(z.object({ constructor: z.string().optional() }))).toMatch(/^table "orders": x\.constructor may be/);
    expect(fieldOf(z.object({ constructor: z.string() }))).toBe('x: OrdersX!');
  });

  test('a getter that throws', () => {
    const late = z.object({
      get a(): z.ZodType {
        throw new ReferenceError('not yet\nthere');
      },
    });
    expect(fieldOf(late)).toBe('table "orders": x has a getter that throws: not yet there');
  });

  test('all at once', () => {
    expect(readValue(z.object({ a: z.date(), b: z.object({ c: z.set(z.string()) }) })).problems).toHaveLength(2);
  });
});

describe('a value', () => {
  test('may be wrapped', () => {
    expect(typesIn(z.object({ a: z.int32() }).readonly().meta({ id: 'Own' }))).toEqual(['type Orders { a: Int! }']);
  });

  test.each<[string, unknown, RegExp]>([
    [
      'a union',
      z.discriminatedUnion('k', [z.object({ k: z.literal('a') })]),
      /value is a union, and must be an object/,
    ],
    ['a number', z.number(), /value is number, and must be an object: .*serde/],
    ['null at times', z.object({}).nullable(), /value can be null/],
    ['of zod 3', z3.object({}), /value is a schema of zod 3/],
    ['nothing', null, /value is no zod schema/],
  ])('is not %s', (_what, schema, words) => expect(readValue(schema).problems.join()).toMatch(words));
});
