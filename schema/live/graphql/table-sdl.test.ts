import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  assertValidSchema,
  buildSchema,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  parse,
  printType,
} from 'graphql';
import { z } from 'zod';

import { declareTables } from '../tables/declare-tables.ts';
import { table, type TableDeclaration } from '../tables/table.ts';
import { OWN_TYPES } from '../types/generated-names.ts';
import { definitionName, isNamedDefinition } from './sdl-definitions.ts';
import { tableDefinitions, tablesSdl } from './table-sdl.ts';

const Totals = z.object({ orders: z.int().min(0), cents: z.int().min(0).describe('Of all orders.') });
const base = { store: 'totals', key: { sku: z.string() }, value: Totals };

function sdlOf(tables: Record<string, TableDeclaration>): string {
  const problems: string[] = [];
  const declared = declareTables(tables, problems);
  expect(problems).toEqual([]);
  return tablesSdl(declared);
}

function schemaOf(tables: Record<string, TableDeclaration>): GraphQLSchema {
  const schema = buildSchema(sdlOf(tables));
  assertValidSchema(schema);
  return schema;
}

/** Without descriptions, each part on a line. */
function typeOf(schema: GraphQLSchema, name: string): string {
  const type = schema.getType(name);
  if (type === undefined) return 'none';
  return printType(type)
    .replaceAll(/^ *"""[\s\S]*?"""\n/gm, '')
    .replaceAll(/\n+/g, '\n');
}

/** Everything that has a name and says nothing of itself. */
function silentParts(schema: GraphQLSchema): readonly string[] {
  const silent: string[] = [];
  const check = (place: string, { description }: { readonly description?: string | null | undefined }): void => {
    if ((description ?? '').trim() === '') silent.push(place);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || isSpecifiedScalarType(type)) continue;
    check(type.name, type);
    if (isEnumType(type)) for (const value of type.getValues()) check(`${type.name}.${value.name}`, value);
    if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      check(`${type.name}.${field.name}`, field);
      if ('args' in field) for (const arg of field.args) check(`${type.name}.${field.name}(${arg.name})`, arg);
    }
  }
  return silent;
}

describe('a key-value table', () => {
  const schema = schemaOf({ skuTotals: table({ ...base, orderBy: ['cents'], description: 'Sums of an article.' }) });

  test.each<[string, string]>([
    [
      'SkuTotals',
      `type SkuTotals implements Node {
  id: ID!
  sku: String!
  orders: Count!
  cents: Count!
  freshness: Freshness!
}`,
    ],
    ['SkuTotalsEdge', 'type SkuTotalsEdge {\n  cursor: String!\n  node: SkuTotals!\n}'],
    [
      'SkuTotalsConnection',
      `type SkuTotalsConnection {
  nodes: [SkuTotals!]!
  edges: [SkuTotalsEdge!]!
  pageInfo: PageInfo!
  totalCount: Count
  cursor: Cursor!
  freshness: Freshness!
}`,
    ],
    [
      'SkuTotalsUpdate',
      `type SkuTotalsUpdate {
  kind: UpdateKind!
  cursor: Cursor!
  rows: [SkuTotals!]!
  removed: [ID!]!
  more: Boolean!
  freshness: Freshness!
}`,
    ],
    [
      'SkuTotalsFilter',
      `input SkuTotalsFilter {
  sku: StringFilter
  cents: CountFilter
  and: [SkuTotalsFilter!]
  or: [SkuTotalsFilter!]
  not: SkuTotalsFilter
}`,
    ],
    ['SkuTotalsOrderField', 'enum SkuTotalsOrderField {\n  SKU\n  CENTS\n}'],
    ['SkuTotalsOrder', 'input SkuTotalsOrder {\n  field: SkuTotalsOrderField!\n  direction: OrderDirection! = DESC\n}'],
    ['KeyRange', 'input KeyRange {\n  prefix: String\n  from: String\n  to: String\n}'],
    [
      'StringFilter',
      `input StringFilter {
  eq: String
  in: [String!]
  prefix: String
  contains: String
  gt: String
  gte: String
  lt: String
  lte: String
  isNull: Boolean
}`,
    ],
    [
      'CountFilter',
      `input CountFilter {
  eq: Count
  in: [Count!]
  lt: Count
  lte: Count
  gt: Count
  gte: Count
  isNull: Boolean
}`,
    ],
    [
      'Query',
      `type Query {
  node(
    id: ID!
  ): Node
  skuTotals(
    sku: String!
    atLeast: Cursor
  ): SkuTotals
  skuTotalsByKeys(
    keys: [String!]!
    atLeast: Cursor
  ): [SkuTotals]!
  skuTotalsPage(
    first: Int = 50
    after: String
    keys: KeyRange
    filter: SkuTotalsFilter
    orderBy: SkuTotalsOrder
    atLeast: Cursor
  ): SkuTotalsConnection!
  tables: [TableStatus!]!
  processor: Processor!
}`,
    ],
    [
      'Subscription',
      `type Subscription {
  skuTotals(
    keys: [String!]
    range: KeyRange
    filter: SkuTotalsFilter
    orderBy: SkuTotalsOrder
    first: Int
    after: Cursor
    intervalMs: Int = 250
  ): SkuTotalsUpdate!
  tables(
    intervalMs: Int = 1000
  ): [TableStatus!]!
  processor(
    intervalMs: Int = 1000
  ): Processor!
}`,
    ],
    [
      'PageInfo',
      `type PageInfo {
  hasNextPage: Boolean!
  hasPreviousPage: Boolean!
  startCursor: String
  endCursor: String
}`,
    ],
    [
      'Freshness',
      'type Freshness {\n  asOf: DateTime\n  complete: Boolean!\n  lag: Count\n  cursor: Cursor\n  partial: [Int!]!\n}',
    ],
    [
      'TableStatus',
      `type TableStatus {
  name: String!
  rows: Count
  bytes: Count
  complete: Boolean!
  unreadable: Count!
}`,
    ],
    ['Window', 'none'],
    ['JSON', 'none'],
  ])('%s', (name, text) => expect(typeOf(schema, name)).toBe(text));

  test('says what it was told, and that answers are committed ones', () => {
    const type = schema.getType('SkuTotals');
    expect(type?.description).toBe('Sums of an article.');
    expect(isObjectType(type) && type.getFields()['cents']?.description).toBe('Of all orders.');
    const roots = [schema.getQueryType(), schema.getSubscriptionType()].flatMap((root) => [
      ...Object.values(root?.getFields() ?? {}).filter(({ name }) => name.startsWith('sku')),
    ]);
    expect(roots).toHaveLength(4);
    for (const { description } of roots) expect(description).toContain('Committed results only.');
  });
});

describe.each(['window', 'session'])('a %s table', (kind) => {
  const option = kind === 'window' ? { window: { sizeMs: 60, retentionMs: 600 } } : { session: {} };
  const schema = schemaOf({ hours: table({ ...base, key: { country: z.enum(['DE', 'FR']) }, ...option }) });

  test.each<[string, string]>([
    [
      'Hours',
      `type Hours implements Node {
  id: ID!
  country: HoursCountry!
  orders: Count!
  cents: Count!
  window: Window!
  freshness: Freshness!
}`,
    ],
    ['Window', 'type Window {\n  start: DateTime!\n  end: DateTime!\n}'],
    ['HoursCountryKeyRange', 'input HoursCountryKeyRange {\n  from: HoursCountry\n  to: HoursCountry\n}'],
    [
      'HoursCountryFilter',
      'input HoursCountryFilter {\n  eq: HoursCountry\n  in: [HoursCountry!]\n  isNull: Boolean\n}',
    ],
    [
      'Query',
      `type Query {
  node(
    id: ID!
  ): Node
  hours(
    country: HoursCountry!
    from: DateTime!
    to: DateTime!
    atLeast: Cursor
  ): [Hours!]!
  hoursPage(
    country: HoursCountry
    from: DateTime
    to: DateTime
    first: Int = 50
    after: String
    keys: HoursCountryKeyRange
    filter: HoursFilter
    orderBy: HoursOrder
    atLeast: Cursor
  ): HoursConnection!
  tables: [TableStatus!]!
  processor: Processor!
}`,
    ],
    [
      'Subscription',
      `type Subscription {
  hours(
    country: HoursCountry
    keys: [HoursCountry!]
    range: HoursCountryKeyRange
    filter: HoursFilter
    orderBy: HoursOrder
    first: Int
    last: Int = 24
    after: Cursor
    intervalMs: Int = 250
  ): HoursUpdate!
  tables(
    intervalMs: Int = 1000
  ): [TableStatus!]!
  processor(
    intervalMs: Int = 1000
  ): Processor!
}`,
    ],
  ])('%s', (name, text) => expect(typeOf(schema, name)).toBe(text));
});

describe('odd values', () => {
  const sdl = (value: z.ZodObject, more: object = {}): GraphQLSchema =>
    schemaOf({ orders: table({ ...base, value, ...more } as never) });

  test('nested, in lists that may be null and hold nulls', () => {
    const schema = sdl(
      z.object({
        lines: z.array(z.object({ price: z.object({ cents: z.bigint() }).nullable() }).nullable()).optional(),
        grid: z.array(z.array(z.int32().nullable()).optional()),
      }),
    );
    expect(typeOf(schema, 'Orders')).toContain('lines: [OrdersLines]\n  grid: [[Int]]!');
    expect(typeOf(schema, 'OrdersLines')).toBe('type OrdersLines {\n  price: OrdersLinesPrice\n}');
    expect(typeOf(schema, 'OrdersLinesPrice')).toBe('type OrdersLinesPrice {\n  cents: BigInt!\n}');
  });

  test('a union', () => {
    const schema = sdl(
      z.object({
        pay: z.discriminatedUnion('kind', [
          z.object({ kind: z.literal('card'), last4: z.string() }).meta({ id: 'Card', description: 'By card.' }),
          z.object({ kind: z.literal('bank'), iban: z.string() }),
        ]),
      }),
    );
    expect(typeOf(schema, 'Orders')).toContain('pay: OrdersPay!');
    expect(typeOf(schema, 'OrdersPay')).toBe('union OrdersPay = Card | OrdersPayBank');
    expect(typeOf(schema, 'Card')).toBe('type Card {\n  kind: CardKind!\n  last4: String!\n}');
    expect(schema.getType('Card')?.description).toBe('By card.');
    expect(typeOf(schema, 'OrdersPayBankKind')).toBe('enum OrdersPayBankKind {\n  bank\n}');
  });

  test('every scalar, each with its filter', () => {
    const schema = sdl(
      z.object({
        text: z.string().optional(),
        int: z.int32(),
        count: z.int().min(0),
        safe: z.int(),
        float: z.number(),
        big: z.bigint(),
        flag: z.boolean(),
        at: z.iso.datetime(),
        on: z.iso.date(),
        more: z.unknown(),
        state: z.enum(['a', 'B', '_c']),
      }),
      { filter: ['text', 'int', 'count', 'safe', 'float', 'big', 'flag', 'at', 'on', 'state'] },
    );
    expect(typeOf(schema, 'OrdersFilter')).toBe(`input OrdersFilter {
  sku: StringFilter
  text: StringFilter
  int: IntFilter
  count: CountFilter
  safe: SafeIntFilter
  float: FloatFilter
  big: BigIntFilter
  flag: BooleanFilter
  at: DateTimeFilter
  on: DateFilter
  state: OrdersStateFilter
  and: [OrdersFilter!]
  or: [OrdersFilter!]
  not: OrdersFilter
}`);
    expect(typeOf(schema, 'BooleanFilter')).toBe('input BooleanFilter {\n  eq: Boolean\n  isNull: Boolean\n}');
    expect(typeOf(schema, 'OrdersState')).toBe('enum OrdersState {\n  a\n  B\n  _c\n}');
    expect(silentParts(schema)).toEqual([]);
  });

  test('records', () => {
    expect(typeOf(sdl(z.object({ tags: z.record(z.string(), z.int()).optional() })), 'Orders')).toContain(
      'tags: JSON\n',
    );
  });

  test('descriptions of any text', () => {
    const odd = 'Says """this""", "that" and \\ more,\non two lines.\n\u0007\u{1f600}\ud800';
    const schema = sdl(z.object({ a: z.string().describe(odd) }).describe(odd));
    expect(schema.getType('Orders')?.description).toBe(odd.toWellFormed());
  });

  test('fields of the names that objects of JavaScript have', () => {
    const schema = sdl(z.object({ constructor: z.string(), toString: z.int() }), { filter: ['constructor'] });
    expect(typeOf(schema, 'Orders')).toContain('constructor: String!\n  toString: SafeInt!');
  });

  test('nothing but a key', () => {
    expect(typeOf(sdl(z.object({})), 'Orders')).toBe(
      'type Orders implements Node {\n  id: ID!\n  sku: String!\n  freshness: Freshness!\n}',
    );
  });
});

describe('keys', () => {
  test('of other types than text', () => {
    const schema = schemaOf({ a: table({ ...base, key: { n: z.int32() } }) });
    expect(typeOf(schema, 'IntKeyRange')).toBe('input IntKeyRange {\n  from: Int\n  to: Int\n}');
    expect(typeOf(schema, 'Query')).toMatch(/ a\(\n {4}n: Int!\n[^)]*\): A\n {2}aByKeys\(\n {4}keys: \[Int!\]!\n/);
  });

  test('of the name id are a field of another name, for every row has a global id', () => {
    const schema = schemaOf({ a: table({ ...base, key: { id: z.int32() } }) });
    expect(typeOf(schema, 'A')).toContain('id: ID!\n  key: Int!');
    expect(typeOf(schema, 'AFilter')).toContain('id: IntFilter');
    expect(typeOf(schema, 'Query')).toMatch(/ a\(\n {4}id: Int!\n[^)]*\): A\n/);
  });
});

test('tables come in the order of their declaration, and types that they share come once', () => {
  const state = z.enum(['a']).meta({ id: 'State' });
  const value = z.object({ state, where: z.object({ x: z.string() }).meta({ id: 'Place' }) });
  const sdl = sdlOf({
    b: table({ ...base, value, filter: ['state'] }),
    a: table({ ...base, value, filter: ['state'] }),
  });
  expect(sdl.indexOf('type B implements')).toBeLessThan(sdl.indexOf('type A implements'));
  for (const text of ['enum State ', 'type Place ', 'input StateFilter ', 'input KeyRange '])
    expect(sdl.split(text)).toHaveLength(2);
});

test('tables that are not served are not in it', () => {
  const sdl = sdlOf({ a: table({ ...base, served: false }) });
  expect(sdl).not.toMatch(/type A\b|PageInfo|Freshness|KeyRange/);
  expect(sdl).toMatch(/^scalar (DateTime|Count|Cursor)/m);
  assertValidSchema(buildSchema(sdl));
});

test('everything says what it is', () => {
  const value = Totals.extend({ state: z.enum(['x']), deep: z.object({ a: z.array(z.object({ b: z.unknown() })) }) });
  const schema = schemaOf({
    a: table({ ...base, value, orderBy: ['state'] }),
    b: table({ ...base, value, key: { n: z.bigint() }, session: {} }),
  });
  expect(silentParts(schema)).toEqual([]);
});

test("the processor's types are those of the logins' API", () => {
  const own = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));
  const schema = schemaOf({ a: table(base) });
  for (const name of [
    'Processor',
    'Instance',
    'Task',
    'TaskRole',
    'TaskState',
    'RestoreProgress',
    'Count',
    'DateTime',
  ]) {
    const [type, ownType] = [schema.getType(name), own.getType(name)];
    expect(type && printType(type)).toBe(ownType && printType(ownType));
  }
});

test('every name that an API can have of its own is kept from tables', () => {
  const names = tableDefinitions([]).map(definitionName);
  expect(names.filter((name) => !OWN_TYPES.includes(name))).toEqual([]);
  expect(parse(tablesSdl([])).definitions.every(isNamedDefinition)).toBe(true);
});

describe('random tables', () => {
  const scalar = fc.constantFrom(
    ...[z.string(), z.int32(), z.int().min(0), z.int(), z.number(), z.bigint(), z.boolean(), z.iso.datetime()],
    ...[z.iso.date(), z.unknown(), z.record(z.string(), z.number()), z.enum(['a', 'b']), z.literal('one')],
  );
  const name = fc.stringMatching(/^_?[a-zA-Z][a-zA-Z0-9_]{0,6}$/);
  const shape = (of: fc.Arbitrary<z.ZodType>, minLength = 1): fc.Arbitrary<z.ZodObject> =>
    fc
      .uniqueArray(fc.tuple(name, of), { minLength, maxLength: 4, selector: ([field]) => field.toUpperCase() })
      .map((fields) => z.object(Object.fromEntries(fields)));
  const { type } = fc.letrec<{ type: z.ZodType }>((tie) => ({
    type: fc.oneof(
      { maxDepth: 3 },
      scalar,
      tie('type').map((of) => of.optional()),
      tie('type').map((of) => of.nullable().readonly()),
      tie('type').map((of) => z.array(of)),
      shape(tie('type')),
      fc
        .tuple(shape(tie('type')), shape(tie('type')))
        .map(([a, b]) =>
          z.discriminatedUnion('of', [a.extend({ of: z.literal('a') }), b.extend({ of: z.literal('b') })]),
        ),
    ),
  }));
  const declaration = fc
    .record({
      key: fc.constantFrom(z.string(), z.int32(), z.bigint(), z.enum(['k', 'l']), z.iso.date()),
      keyName: name,
      value: shape(type, 0),
      kind: fc.constantFrom({}, { session: {} }, { window: { sizeMs: 1, retentionMs: 1 } }),
      served: fc.boolean(),
    })
    .map(({ key, keyName, value, kind, served }) => ({
      ...{ store: 's', key: { [keyName]: key }, value, served, ...kind },
      orderBy: Object.keys(value.shape).filter((field) =>
        ['int', 'bigint', 'boolean'].includes(value.shape[field].type),
      ),
    }));

  test('that can be declared make a valid schema, always the same', () => {
    let valid = 0;
    fc.assert(
      fc.property(fc.dictionary(name, declaration, { minKeys: 1, maxKeys: 3 }), (given) => {
        const tables = Object.fromEntries(Object.entries(given).map(([of, options]) => [of, table(options as never)]));
        const problems: string[] = [];
        const declared = declareTables(tables, problems);
        for (const problem of problems) expect(problem).toMatch(/^[^\n]*table "[^\n]+$/);
        if (problems.length > 0) return;
        valid += 1;
        const sdl = tablesSdl(declared);
        const schema = buildSchema(sdl);
        assertValidSchema(schema);
        expect(silentParts(schema)).toEqual([]);
        expect(tablesSdl(declareTables(tables, []))).toBe(sdl);
      }),
      { numRuns: 60, seed: 14 },
    );
    expect(valid).toBeGreaterThan(15);
  });
});
