import { describe, expect, test } from '@jest/globals';
import { stringSerde } from '@tributary/streams';

import type { DeclaredTable } from '../tables/declared-table.ts';
import { type AllowRule, ViewerRights } from './rights.ts';

const SKU = { name: 'sku', type: { kind: 'scalar', name: 'String' }, nullable: false } as const;
const ORDERS = { name: 'orders', type: { kind: 'scalar', name: 'Float' }, nullable: false } as const;
const AT = { name: 'at', type: { kind: 'scalar', name: 'DateTime' }, nullable: false } as const;
const STATE = {
  name: 'state',
  type: { kind: 'enum', name: 'State', values: ['OPEN', 'DONE'] },
  nullable: false,
} as const;

function tableNamed(name: string): DeclaredTable {
  return {
    name,
    typeName: 'Totals',
    source: { kind: 'topic', topic: 'totals' },
    shape: { kind: 'key-value' },
    key: { ...SKU, serde: stringSerde, isText: true },
    fields: [ORDERS, AT, STATE],
    filterFields: [SKU],
    orderFields: [SKU],
    plainFields: [SKU, ORDERS, AT, STATE],
    held: 'everywhere',
    maxRows: 10,
    served: true,
    readValue: () => ({}),
  };
}

function rightsBy(answer: unknown) {
  return new ViewerRights({ totals: (() => answer) as AllowRule }, null).of(tableNamed('totals'));
}

/*
 * A client that leaves a comparison out, or gives null, asks for all rows. A rule that does so has lost what it decides
 * by: read as a client's filter it would show everything.
 */
describe('a rule whose filter says less than it seems is an error, and shows nothing', () => {
  test.each<[string, unknown]>([
    ['a comparison with undefined', { sku: { eq: undefined } }],
    ['a comparison with null', { sku: { eq: null } }],
    ['a list that is missing', { sku: { in: undefined } }],
    ['a list with null in it', { sku: { in: ['a', null] } }],
    ['no comparison', { sku: {} }],
    ['a field that is undefined', { sku: undefined }],
    ['a field that is null', { sku: null }],
    ['a bare number', { orders: 5 }],
    ['a bare boolean', { state: true }],
    ['a bare text', { sku: '' }],
    ['a list', []],
    ['a date', new Date(0)],
    ['no parts of or', { or: undefined }],
    ['no parts of and', { and: null }],
    ['parts that are no list', { and: { sku: { eq: 'a' } } }],
    ['null among the parts', { or: [null] }],
    ['not of nothing', { not: undefined }],
    ['not of null', { not: null }],
    ['a field that is none', { nope: { eq: 'a' } }],
    ['a field that is none, and undefined', { nope: undefined }],
    ['a comparison that is none', { sku: { is: 'a' } }],
    ['text for a number', { orders: { eq: '5' } }],
    ['NaN', { orders: { eq: Number.NaN } }],
    ['an infinite number', { orders: { lt: Infinity } }],
    ['a number for text', { sku: { eq: 5 } }],
    ['text that is no instant', { at: { gt: 'soon' } }],
    ['a value that the enum has not', { state: { eq: 'GONE' } }],
    ['isNull of no boolean', { orders: { isNull: 'yes' } }],
    ['prefix of a number', { orders: { prefix: '5' } }],
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
  ])('%s', async (_, answer) => {
    await expect(rightsBy(answer)).rejects.toThrow(/^allow: the rule for totals answered /);
  });

  test('deep within others', async () => {
    await expect(rightsBy({ and: [{ or: [{ not: { sku: { eq: undefined } } }] }] })).rejects.toThrow(/sku\.eq/);
  });
});

test.each<[unknown]>([
  [true],
  [{}],
  [{ and: [] }],
  [{ or: [] }],
  [{ sku: { eq: '', prefix: 'a' }, orders: { gte: 0, lt: 5 } }],
  [{ not: { state: { in: ['OPEN'] } }, at: { gt: '2026-01-01T00:00:00Z' } }],
  [{ at: { lt: Date.UTC(2026, 0, 1) }, orders: { isNull: false } }],
])('%j is a rule’s answer', async (answer) => {
  await expect(rightsBy(answer)).resolves.toMatchObject({ forbiddenFields: new Set() });
});

test('rules that differ have keys that differ, and the order of their parts means nothing', async () => {
  const keyOf = async (answer: unknown): Promise<string> => (await rightsBy(answer)).key;
  expect(await keyOf({ sku: { eq: 'a' }, orders: { eq: 1 } })).toBe(
    await keyOf({ orders: { eq: 1 }, sku: { eq: 'a' } }),
  );
  const keys = await Promise.all(
    [true, {}, { or: [] }, { sku: { eq: '1' } }, { orders: { eq: 1 } }, { sku: { in: ['1'] } }].map(keyOf),
  );
  expect(new Set(keys).size).toBe(keys.length);
});

test('a rule that failed once is asked again', async () => {
  let asked = 0;
  const rights = new ViewerRights(
    {
      totals: () => {
        asked += 1;
        if (asked === 1) throw new Error('the store of rights is away');
        return true;
      },
    },
    null,
  );
  await expect(rights.of(tableNamed('totals'))).rejects.toThrow('away');
  await expect(rights.of(tableNamed('totals'))).resolves.toMatchObject({ test: null });
});

test('what every object has is no rule', async () => {
  const rights = new ViewerRights({}, null);
  await expect(rights.of(tableNamed('constructor'))).resolves.toMatchObject({ test: null });
});
