import { expect, test } from '@jest/globals';
import { field, HOURS, scalar, table } from '../state/test-tables.ts';
import { fieldLabel, selectionOf } from './selection.ts';

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
