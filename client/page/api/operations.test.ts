import { buildSchema, parse, validate } from 'graphql';
import { expect, test } from '@jest/globals';
import { field, HOURS, scalar, table } from '../state/test-tables.ts';
import { COPIES_NOW, PROCESSOR_LIVE, PROCESSOR_NOW, rowsPage, rowsSubscription } from './operations.ts';
import { fieldLabel, selectionOf } from './selection.ts';
import type { PageTable } from './model.ts';

const SIZE = {
  kind: 'object',
  name: 'Size',
  fields: [field('unit', 'String'), field('tags', 'String', { list: true })],
} as const;
const PAID = {
  kind: 'union',
  name: 'Paid',
  members: [
    {
      name: 'Card',
      fields: [field('by', { kind: 'enum', name: 'CardBy', values: ['CARD'] }), field('last4', 'String')],
    },
    { name: 'Cash', fields: [field('by', { kind: 'enum', name: 'CashBy', values: ['CASH'] })] },
  ],
} as const;

const skus = table({
  fields: [field('cents', 'SafeInt'), field('size', SIZE), field('paid', PAID, { nullable: true })],
});
const hours = table({
  name: 'hours',
  typeName: 'Hours',
  shape: HOURS,
  key: { name: 'country', field: 'country', type: scalar('String'), isText: true },
  fields: [field('cents', 'SafeInt')],
  filterFields: ['country'],
  orderFields: ['country'],
});
const byNumber = table({
  name: 'numbers',
  typeName: 'Numbers',
  key: { name: 'id', field: 'key', type: scalar('Int'), isText: false },
  fields: [field('cents', 'SafeInt')],
});

/** The shapes that /work's contract gives every API, for the tables above. */
const schema = buildSchema(`
  scalar Cursor scalar SafeInt scalar Count scalar DateTime scalar BigInt
  enum UpdateKind { SNAPSHOT DELTA }
  type Freshness { asOf: DateTime complete: Boolean! lag: Count cursor: Cursor! partial: [Int!]! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type Window { start: DateTime! end: DateTime! }
  input KeyRange { prefix: String from: String to: String }
  enum CardBy { CARD } enum CashBy { CASH }
  type Card { by: CardBy! last4: String! }
  type Cash { by: CashBy! }
  union Paid = Card | Cash
  type Size { unit: String! tags: [String!]! }
  type Sku { id: ID! sku: String! cents: SafeInt! size: Size! paid: Paid }
  type Hours { id: ID! country: String! window: Window! cents: SafeInt! }
  type Numbers { id: ID! key: Int! cents: SafeInt! }
  ${['Sku', 'Hours', 'Numbers']
    .map(
      (name) => `
        input ${name}Filter { and: [${name}Filter!] }
        input ${name}Order { field: String }
        type ${name}Connection { nodes: [${name}!]! totalCount: Count pageInfo: PageInfo! freshness: Freshness! }
        type ${name}Update {
          kind: UpdateKind! cursor: Cursor! rows: [${name}!]! removed: [ID!]! more: Boolean! freshness: Freshness!
        }`,
    )
    .join('\n')}
  enum TaskRole { ACTIVE } enum TaskState { RUNNING }
  type Restore { restored: Count! total: Count! remainingMs: Count }
  type Task { id: ID! role: TaskRole! state: TaskState! inputs: [String!]! lag: Count! restore: Restore }
  type Instance {
    id: ID! host: String! startedAt: DateTime! reportedAt: DateTime! alive: Boolean! threads: Int!
    recordsPerSecond: Float! tasks: [Task!]!
  }
  type Processor { applicationId: String! guarantee: String! topology: String! lag: Count instances: [Instance!]! }
  type TableStatus { name: String! rows: Count! bytes: Count! complete: Boolean! unreadable: Count! }
  type Query {
    skusPage(first: Int = 50, after: String, keys: KeyRange, filter: SkuFilter, orderBy: SkuOrder): SkuConnection!
    hoursPage(
      country: String, from: DateTime, to: DateTime, first: Int = 50, after: String, filter: HoursFilter,
      orderBy: HoursOrder
    ): HoursConnection!
    numbersPage(first: Int = 50, after: String, filter: NumbersFilter, orderBy: NumbersOrder): NumbersConnection!
    processor: Processor!
    tables: [TableStatus!]!
  }
  type Subscription {
    skus(
      keys: [String!], range: KeyRange, filter: SkuFilter, orderBy: SkuOrder, first: Int, after: Cursor, intervalMs: Int
    ): SkuUpdate!
    hours(
      country: String, last: Int = 24, filter: HoursFilter, orderBy: HoursOrder, first: Int, after: Cursor,
      intervalMs: Int
    ): HoursUpdate!
    numbers(filter: NumbersFilter, orderBy: NumbersOrder, first: Int, after: Cursor, intervalMs: Int): NumbersUpdate!
    processor(intervalMs: Int): Processor!
  }
`);

const written = (of: PageTable): string[] => [rowsSubscription(of), rowsPage(of, true), rowsPage(of, false)];

test.each([...written(skus), ...written(hours), ...written(byNumber), PROCESSOR_LIVE, PROCESSOR_NOW, COPIES_NOW])(
  'an API takes %s',
  (text) => {
    expect(validate(schema, parse(text)).map(({ message }) => message)).toEqual([]);
  },
);

test('all that a row has is selected, fields of one name and two types apart', () => {
  expect(selectionOf(skus)).toMatchObject({
    text:
      'id sku cents size { unit tags } ' + 'paid { __typename ... on Card { by last4 } ... on Cash { Cash__by: by } }',
    left: [],
  });
  expect(['Cash__by', 'by', '__typename'].map(fieldLabel)).toEqual(['by', 'by', '__typename']);
  expect(selectionOf(hours).text).toBe('id country window { start end } cents');
});

test('what one operation has no room for is left out and named', () => {
  const wide = table({ fields: Array.from({ length: 200 }, (_, index) => field(`f${index}`, 'Int')) });
  const { left } = selectionOf(wide);
  expect([left.length, left[0], left.at(-1)]).toEqual([96, 'f104', 'f199']);
  const members = Array.from({ length: 20 }, (_, index) => ({
    name: `M${index}`,
    fields: [field('by', { kind: 'enum', name: `By${index}`, values: ['X'] })],
  }));
  const many = selectionOf(table({ fields: [field('paid', { kind: 'union', name: 'Many', members })] }));
  expect([many.left, many.text.match(/: by/g)?.length]).toEqual([
    ['paid.M15.by', 'paid.M16.by', 'paid.M17.by', 'paid.M18.by', 'paid.M19.by'],
    14,
  ]);
});

test('a list counts as often as it may have items, lists within each other more', () => {
  const inner = {
    kind: 'object',
    name: 'Inner',
    fields: [field('a', 'Int'), field('b', 'Int', { list: true })],
  } as const;
  const item = { kind: 'object', name: 'Item', fields: [field('sku', 'String'), field('inner', inner)] } as const;
  const { text, left } = selectionOf(table({ fields: [field('items', item, { list: true }), field('last', 'Int')] }));
  expect([text, left]).toEqual(['id sku items { sku inner { a } } last', ['items.inner.b']]);
});
