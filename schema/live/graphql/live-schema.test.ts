import { readFileSync } from 'node:fs';
import { diff } from '@graphql-inspector/core';
import { describe, expect, test } from '@jest/globals';
import { buildSchema, execute, GraphQLScalarType, parse, printType, subscribe } from 'graphql';
import { z } from 'zod';

import { declareTables } from '../tables/declare-tables.ts';
import { table, type TableDeclaration } from '../tables/table.ts';
import { createLiveSchema, type LiveSchema } from './live-schema.ts';
import type { Resolvers } from './merged-resolvers.ts';

const Value = z.object({
  cents: z.int().min(0),
  at: z.iso.datetime().optional(),
  pay: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('card'), last4: z.string() }),
      z.object({ kind: z.literal('bank'), iban: z.string() }),
    ])
    .optional(),
  big: z.bigint().optional(),
  more: z.unknown(),
});
const base = { store: 'totals', key: { sku: z.string() }, value: Value };

interface Given {
  readonly tables?: Record<string, TableDeclaration>;
  readonly resolvers?: Resolvers;
  readonly extend?: unknown;
}

function made(given: Given = {}): { readonly live: LiveSchema | undefined; readonly problems: readonly string[] } {
  const { tables = { skuTotals: table({ ...base, orderBy: ['cents'] }) }, resolvers = {}, extend } = given;
  const problems: string[] = [];
  const declared = declareTables(tables, problems);
  return { live: createLiveSchema({ tables: declared, resolvers, extend }, problems), problems };
}

function liveOf(given: Given): LiveSchema {
  const { live, problems } = made(given);
  expect(problems).toEqual([]);
  if (live === undefined) throw new Error('there is no schema');
  return live;
}

const noQuery = { Query: { extra: () => 'own' } };

describe('the schema of tables', () => {
  test('is printed as it is, in the order of definition', () => {
    const { schema, sdl } = liveOf({});
    const printed = Object.values(buildSchema(sdl).getTypeMap()).filter(({ name }) => sdl.includes(` ${name} `));
    for (const type of printed) expect(printType(type)).toBe(printType(schema.getType(type.name) ?? type));
    expect(sdl).toMatch(/^"""An instant in UTC/);
    expect(sdl.indexOf('type SkuTotals ')).toBeLessThan(sdl.indexOf('type Query '));
    expect(liveOf({}).sdl).toBe(sdl);
  });

  test('answers by the resolvers that it is given; scalars and unions of values have theirs', async () => {
    const values: Record<string, object> = {
      a: { cents: 1, at: '2026-01-31T14:00:00+02:00', pay: { kind: 'bank', iban: 'DE' }, big: 12n, more: { a: [1] } },
      b: { cents: 2, pay: { kind: 'card', last4: '1234' } },
    };
    const { schema } = liveOf({
      resolvers: { Query: { skuTotals: (_: unknown, { sku }: { readonly sku: string }) => values[sku] } },
    });
    const document = parse(`{
      a: skuTotals(sku: "a") { cents at big more pay { __typename ... on SkuTotalsPayBank { iban } } }
      b: skuTotals(sku: "b") { at pay { ... on SkuTotalsPayCard { kind last4 } } }
    }`);
    expect(JSON.parse(JSON.stringify(await execute({ schema, document })))).toEqual({
      data: {
        a: {
          ...{ cents: 1, at: '2026-01-31T12:00:00.000Z', big: '12', more: { a: [1] } },
          pay: { __typename: 'SkuTotalsPayBank', iban: 'DE' },
        },
        b: { at: null, pay: { kind: 'card', last4: '1234' } },
      },
    });
  });

  test('leaves out resolvers for what is not in it', () => {
    const resolvers = { Nothing: { a: () => 1 }, Query: { nothing: () => 1 }, JSON: {}, SkuTotals: { x: () => 1 } };
    expect(made({ resolvers }).problems).toEqual([]);
  });
});

describe('extend', () => {
  test('adds fields and roots', async () => {
    const { schema, sdl } = liveOf({
      resolvers: { Query: { skuTotals: () => ({ cents: 2 }) } },
      extend: {
        typeDefs: [
          '"More." type Extra { a: JSON, day: Date }',
          'extend type Query { extra: Extra! } extend type SkuTotals { euros: Float! } type Mutation { set: Boolean }',
          '',
        ],
        resolvers: {
          Query: { extra: () => ({ a: { b: 1 }, day: '2026-01-31' }) },
          SkuTotals: { euros: ({ cents }: { readonly cents: number }) => cents / 100 },
          Mutation: { set: { resolve: () => true } },
        },
      },
    });
    const document = parse('{ extra { a day } skuTotals(sku: "a") { euros } }');
    expect(JSON.parse(JSON.stringify(await execute({ schema, document })))).toEqual({
      data: { extra: { a: { b: 1 }, day: '2026-01-31' }, skuTotals: { euros: 0.02 } },
    });
    expect(sdl.indexOf('type Query ')).toBeLessThan(sdl.indexOf('type Extra '));
    expect(sdl).toContain('extra: Extra!');
  });

  test('adds subscriptions', async () => {
    const { schema } = liveOf({
      extend: {
        typeDefs: 'extend type Subscription { ticks: Int! }',
        resolvers: {
          Subscription: {
            ticks: {
              async *subscribe() {
                yield { ticks: 1 };
              },
            },
          },
        },
      },
    });
    const updates = await subscribe({ schema, document: parse('subscription { ticks }') });
    expect(Symbol.asyncIterator in updates).toBe(true);
  });

  test('puts its own in the place of what is generated, with all that only that led to', () => {
    const { sdl } = liveOf({
      extend: {
        typeDefs: 'type Query { extra: Freshness } type Subscription { extra: Int } type Freshness { own: Boolean }',
        resolvers: { ...noQuery, Subscription: { extra: { subscribe: () => undefined } } },
      },
    });
    const lines = ['type Query {', '  extra: Freshness', '}', '', 'type Subscription {', '  extra: Int', '}', ''];
    expect(sdl).toBe([...lines, 'type Freshness {', '  own: Boolean', '}', ''].join('\n'));
  });

  test('keeps the rows that its own node leads to', () => {
    const { sdl } = liveOf({
      extend: {
        typeDefs: 'type Query { node(id: ID!): Node } type Subscription { processor: Processor! }',
        resolvers: { Query: { node: () => null }, Subscription: { processor: { subscribe: () => undefined } } },
      },
    });
    expect(sdl).toContain('type SkuTotals implements Node');
    expect(sdl).not.toContain('SkuTotalsConnection');
    expect(sdl).toContain('type Instance');
  });

  test('has its own resolvers win, field by field, and those that are generated serve its own types', async () => {
    const { schema } = liveOf({
      resolvers: {
        Query: { tables: () => [{ name: 'generated' }], processor: () => ({ applicationId: 'generated' }) },
        Cursor: new GraphQLScalarType({ name: 'Cursor' }),
      },
      extend: {
        typeDefs: 'type Query { tables: [TableStatus!]! processor: Processor! }',
        resolvers: { Query: { tables: () => [{ name: 'own' }] } },
      },
    });
    const document = parse('{ tables { name } processor { applicationId } }');
    expect(JSON.parse(JSON.stringify(await execute({ schema, document })))).toEqual({
      data: { tables: [{ name: 'own' }], processor: { applicationId: 'generated' } },
    });
  });

  test('can bring scalars, enums, unions, interfaces and directives', () => {
    const { sdl, schema } = liveOf({
      extend: {
        typeDefs: `
          "Tells." directive @tells(what: String) on FIELD_DEFINITION
          "An own one." scalar DateTime
          enum Size { S M }
          interface Thing { name: String! }
          type Ball implements Thing { name: String! size: Size }
          union Any = Ball | SkuTotals
          extend type Query { extra: Any @tells thing: Thing }`,
        resolvers: {
          DateTime: new GraphQLScalarType({ name: 'DateTime', description: 'Another one.', serialize: String }),
          Size: { S: 1, M: 2 },
          Thing: { __resolveType: () => 'Ball' },
          Any: { __resolveType: () => 'Ball' },
          Ball: { __isTypeOf: () => true },
          Query: { extra: () => null, thing: () => null },
        },
      },
    });
    expect(sdl).toContain('directive @tells');
    expect(schema.getType('DateTime')?.description).toBe('An own one.');
    expect(sdl.split('scalar DateTime')).toHaveLength(2);
  });
});

describe('what is wrong with extend is said in a line each', () => {
  test.each<[string, unknown, readonly (string | RegExp)[]]>([
    ['no object', 'type A', ['extend is { typeDefs, resolvers }, not "type A"']],
    ['an unknown option', { typeDef: '' }, ['extend has no option "typeDef": did you mean "typeDefs"?']],
    ['typeDefs of another kind', { typeDefs: 3 }, ['extend.typeDefs is SDL as text, not 3']],
    [
      'one of them of another kind',
      { typeDefs: ['type A { a: Int }', parse('type B { b: Int }')] },
      ['extend.typeDefs[1] is SDL as text, not an object'],
    ],
    [
      'syntax',
      { typeDefs: 'type A {\n  a: \n}' },
      ['extend.typeDefs, line 3: Syntax Error: Expected Name, found "}".'],
    ],
    [
      'syntax of one of several',
      { typeDefs: ['', 'type A {'] },
      [/^extend\.typeDefs\[1\], line 1: Syntax Error: Expected Name, found <EOF>/],
    ],
    ['a query', { typeDefs: '\nquery { a }' }, [/^extend\.typeDefs, line 2, has an operation/]],
    ['a schema', { typeDefs: 'schema { query: Query }' }, [/^extend\.typeDefs, line 1, has a schema definition/]],
    [
      'an unknown type',
      { typeDefs: 'extend type SkuTotals { a: Moneys, b: Countt }' },
      [/^extend\.typeDefs: Unknown type "Moneys"/, /^extend\.typeDefs: Unknown type "Countt"\. Did you mean "Count"/],
    ],
    [
      'an extension of nothing',
      { typeDefs: 'extend type SkuTotal { a: Int }' },
      ['extend.typeDefs extends "SkuTotal", which is no type: did you mean "SkuTotals"?'],
    ],
    [
      'a field that is there',
      { typeDefs: 'extend type SkuTotals { cents: Int, more: Int }' },
      [
        'extend.typeDefs adds "cents" to "SkuTotals", which has it',
        'extend.typeDefs adds "more" to "SkuTotals", which has it',
      ],
    ],
    [
      'a value that is there',
      { typeDefs: 'extend enum UpdateKind { DELTA }' },
      ['extend.typeDefs adds "DELTA" to "UpdateKind", which has it'],
    ],
    [
      'another kind of extension',
      { typeDefs: 'extend input SkuTotals { a: Int }' },
      [/^extend\.typeDefs: Cannot extend non-input object type "SkuTotals"/],
    ],
    ['two of one name', { typeDefs: 'type A { a: Int } type A { b: Int }' }, [/only one type named "A"/]],
    [
      'an interface that is not kept to',
      { typeDefs: 'interface I { a: Int } type A implements I { b: Int }' },
      [/^extend\.typeDefs: Interface field I\.a expected but A does not provide it/],
    ],
    ['a type without a field', { typeDefs: 'type A' }, [/Type A must define one or more fields/]],
    ['resolvers that are none', { resolvers: [] }, ['extend.resolvers is an object of resolvers by type, not a list']],
    [
      'resolvers of no type',
      { resolvers: { SkuTotal: {} } },
      ['extend.resolvers.SkuTotal is for no type: did you mean "SkuTotals"?'],
    ],
    ['resolvers of an input', { resolvers: { KeyRange: {} } }, [/KeyRange is for an input/]],
    [
      'resolvers that are a function',
      { resolvers: { Query: () => 1 } },
      ['extend.resolvers.Query is an object, not a function'],
    ],
    [
      'a resolver of no field',
      { resolvers: { Query: { skuTotalPage: () => 1 } } },
      ['extend.resolvers.Query.skuTotalPage is for no field of "Query": did you mean "skuTotalsPage"?'],
    ],
    [
      'a value of no enum',
      { resolvers: { UpdateKind: { DELTAS: 1 } } },
      ['extend.resolvers.UpdateKind.DELTAS is for no value of "UpdateKind": did you mean "DELTA"?'],
    ],
    ['a resolver that is text', { resolvers: { Query: { node: 'x' } } }, [/Query\.node is a function, not "x"/]],
    [
      'a resolver with another part',
      { resolvers: { Query: { node: { resolver: () => 1 } } } },
      ['extend.resolvers.Query.node has "resolver": it can have resolve and subscribe'],
    ],
    [
      'a part that is text',
      { resolvers: { Query: { node: { resolve: 1 } } } },
      [/Query\.node has resolve, which is a/],
    ],
    [
      'roots that nobody answers',
      {
        typeDefs: 'extend type Query { a: Int } extend type Subscription { b: Int } type Mutation { constructor: Int }',
      },
      [
        'extend.resolvers.Query.a is missing: extend.typeDefs defines this root',
        'extend.resolvers.Subscription.b is missing: a subscription needs { subscribe }',
        'extend.resolvers.Mutation.constructor is missing: extend.typeDefs defines this root',
      ],
    ],
  ])('%s', (_what, extend, lines) => {
    const { live, problems } = made({ extend });
    expect(live).toBeUndefined();
    expect(problems).toHaveLength(lines.length);
    for (const [index, line] of lines.entries())
      if (typeof line === 'string') expect(problems[index]).toBe(line);
      else expect(problems[index]).toMatch(line);
    for (const problem of problems) expect(problem).not.toMatch(/\n| {4}at /);
  });
});

test("the logins' schema, brought by extend, is printed as it is, with nothing generated beside it", async () => {
  const typeDefs = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
  const own = buildSchema(typeDefs);
  const answering = (root: 'Query' | 'Subscription', resolver: unknown): object =>
    Object.fromEntries(
      Object.keys((own.getType(root) as never as { getFields(): object }).getFields()).map((name) => [name, resolver]),
    );
  const { sdl } = liveOf({
    tables: { counts: table({ ...base, served: false }) },
    resolvers: { Query: { tables: () => [] } },
    extend: {
      typeDefs,
      resolvers: {
        Query: answering('Query', () => null),
        Subscription: answering('Subscription', { subscribe: () => undefined }),
      },
    },
  });
  expect(await diff(own, buildSchema(sdl))).toEqual([]);
  expect(sdl).not.toMatch(/Connection|TableStatus|PageInfo|Window\b/);
});
