import { expect, test } from '@jest/globals';

import { stringSerde, type Serde } from '@tributary/streams';
import type { PageModel as PageModelAsRead } from '../../../client/page/api/model.ts';
import type { DeclaredTable } from '../tables/declared-table.ts';
import type { FieldType, ObjectType, PlainField, TypedField } from '../types/type-model.ts';
import { pageModel } from './page-model.ts';

const text = { kind: 'scalar', name: 'String' } as const;
const field = (name: string, type: FieldType, more: Partial<TypedField> = {}): TypedField => ({
  name,
  type,
  nullable: false,
  ...more,
});
const object = (name: string, fields: readonly TypedField[]): ObjectType => ({ kind: 'object', name, fields });
const key: PlainField = { name: 'sku', type: text, nullable: false };

function declared(more: Partial<DeclaredTable>): DeclaredTable {
  return {
    name: 'skus',
    typeName: 'Sku',
    source: { kind: 'store', store: 'skus' },
    shape: { kind: 'key-value' },
    key: { ...key, nullable: false, type: text, serde: stringSerde as Serde<unknown>, isText: true },
    fields: [],
    filterFields: [key],
    orderFields: [key],
    plainFields: [key],
    held: 'everywhere',
    maxRows: 200_000,
    served: true,
    readValue: () => ({}),
    ...more,
  };
}

test('a table is told with its shape, its key, and what it can be filtered and ordered by', () => {
  const cents: PlainField = { name: 'cents', type: { kind: 'scalar', name: 'Count' }, nullable: false };
  const shape = { kind: 'window', sizeMs: 3_600_000, advanceMs: 3_600_000, retentionMs: 86_400_000 } as const;
  const table = declared({
    description: 'Sold by hour.',
    shape,
    fields: [{ ...cents, description: 'Money.' }],
    filterFields: [key, cents],
    orderFields: [key, cents],
  });
  expect(pageModel('shop', [table])).toEqual({
    applicationId: 'shop',
    tables: [
      {
        name: 'skus',
        typeName: 'Sku',
        description: 'Sold by hour.',
        held: 'everywhere',
        shape,
        key: { name: 'sku', field: 'sku', type: text, isText: true },
        fields: [{ name: 'cents', type: cents.type, nullable: false, list: false, description: 'Money.' }],
        filterFields: ['sku', 'cents'],
        orderFields: ['sku', 'cents'],
      },
    ],
  });
});

test('the field of a key called id is named otherwise in rows, which have an id of their own', () => {
  const id = {
    ...key,
    name: 'id',
    nullable: false,
    type: text,
    serde: stringSerde as Serde<unknown>,
    isText: true,
  } as const;
  expect(pageModel('shop', [declared({ key: id })]).tables[0]?.key).toMatchObject({ name: 'id', field: 'key' });
});

test('the page reads it as it is written', () => {
  const read: PageModelAsRead = pageModel('shop', [declared({})]);
  expect(read.tables.map(({ name }) => name)).toEqual(['skus']);
});

test('a table that is not served is not told of', () => {
  expect(pageModel('shop', [declared({ served: false })]).tables).toEqual([]);
});

test('enums bring their values, lists their items, objects their fields, unions each member', () => {
  const colour = { kind: 'enum', name: 'Colour', values: ['RED', 'BLUE'] } as const;
  const list = (of: FieldType): FieldType => ({ kind: 'list', of, nullableItems: false });
  const card = object('Card', [field('last4', text)]);
  const cash = object('Cash', []);
  const [table] = pageModel('shop', [
    declared({
      fields: [
        field('colours', list(list(colour)), { nullable: true }),
        field('size', object('Size', [field('unit', text), field('tags', list(text))])),
        field('paid', {
          kind: 'union',
          name: 'Paid',
          discriminator: 'by',
          members: [
            { values: ['card'], type: card },
            { values: ['cash'], type: cash },
          ],
        }),
      ],
    }),
  ]).tables;
  const plain = (name: string, list_ = false) => ({
    name,
    type: text,
    nullable: false,
    list: list_,
    description: null,
  });
  expect(table?.fields).toEqual([
    { name: 'colours', type: colour, nullable: true, list: true, description: null },
    {
      name: 'size',
      type: { kind: 'object', name: 'Size', fields: [plain('unit'), plain('tags', true)] },
      nullable: false,
      list: false,
      description: null,
    },
    {
      name: 'paid',
      type: {
        kind: 'union',
        name: 'Paid',
        members: [
          { name: 'Card', fields: [plain('last4')] },
          { name: 'Cash', fields: [] },
        ],
      },
      nullable: false,
      list: false,
      description: null,
    },
  ]);
});

test('what lies deeper than an operation may reach is left out', () => {
  let type = object('Level8', [field('leaf', text)]);
  for (let level = 7; level > 0; level -= 1)
    type = object(`Level${String(level)}`, [field('leaf', text), field('next', type)]);
  const names = (fields: readonly { name: string; type: object }[]): string => {
    const next = fields.find(({ name }) => name === 'next');
    const inside = next?.type as { fields?: { name: string; type: object }[] } | undefined;
    return `${fields.map(({ name }) => name).join('+')}${inside?.fields ? ` ${names(inside.fields)}` : ''}`;
  };
  const [table] = pageModel('shop', [declared({ fields: [field('next', type)] })]).tables;
  expect(names(table?.fields ?? [])).toBe('next leaf+next leaf+next leaf+next leaf+next leaf');
});
