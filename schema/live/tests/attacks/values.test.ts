import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';

import { table } from '../../tables/table.ts';
import { attackedShop } from './attacked-shop.ts';
import { closeBehindEachTest } from '../support/asked-api.ts';

closeBehindEachTest();

describe('JSON in values', () => {
  const given = z.object({ n: z.int(), free: z.unknown().optional(), record: z.record(z.string(), z.any()) });
  const shopOf = () =>
    attackedShop({ tables: { notes: table({ topic: 'notes', key: { k: z.string() }, value: given }) } });
  const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const page = '{ notesPage { nodes { k n free record } } tables { unreadable } }';

  test('that is nested without end is unreadable, and keeps nobody from the other rows', async () => {
    const shop = shopOf();
    const put = (k: string, free: string, record: string): void =>
      shop.put('notes', Buffer.from(k), Buffer.from(`{"n":1,"free":${free},"record":${record}}`));
    put('a', nested(50_000), '{}');
    put('b', '1', `{"deep":${nested(50_000)}}`);
    put('c', '1', `${'{"x":'.repeat(50_000)}1${'}'.repeat(50_000)}`);
    put('d', nested(99), '{"x":{"y":1}}');
    const { notesPage, tables } = await shop.data<{ notesPage: { nodes: object[] }; tables: unknown }>(page);
    expect(notesPage.nodes).toEqual([
      { k: 'd', n: 1, free: JSON.parse(nested(99)) as unknown, record: { x: { y: 1 } } },
    ]);
    expect(tables).toEqual([{ unreadable: 3 }]);
    put('a', '{}', '{}');
    expect(await shop.data(page)).toMatchObject({ tables: [{ unreadable: 2 }] });
  });

  test('with names that every object has is given as it is, and changes no other field', async () => {
    const shop = shopOf();
    const free = '{"__proto__":{"n":5},"constructor":1,"toString":null,"hasOwnProperty":"x"}';
    shop.put(
      'notes',
      Buffer.from('a'),
      Buffer.from(`{"__proto__":{"n":7},"n":1,"free":${free},"record":{"constructor":2}}`),
    );
    shop.put('notes', Buffer.from('b'), Buffer.from('{"__proto__":{"n":7,"record":{}},"free":1}'));
    const { notesPage, tables } = await shop.data<{ notesPage: { nodes: Record<string, unknown>[] }; tables: unknown }>(
      page,
    );
    expect(notesPage.nodes).toHaveLength(1);
    expect(JSON.stringify(notesPage.nodes[0])).toBe(`{"k":"a","n":1,"free":${free},"record":{"constructor":2}}`);
    expect(tables).toEqual([{ unreadable: 1 }]);
    expect({}).not.toHaveProperty('n');
  });
});

test('fields with names that every object has are fields like others', async () => {
  const value = z.object({ constructor: z.string(), toString: z.int(), valueOf: z.string() });
  const odd = table({ topic: 'odd', key: { k: z.string() }, value, orderBy: ['constructor', 'toString'] });
  const shop = attackedShop({ tables: { odd }, allow: { 'odd.valueOf': () => false } });
  for (const [k, n] of Object.entries({ a: 2, b: 1, c: 3 }))
    shop.put('odd', Buffer.from(k), { constructor: `of ${k}`, toString: n, valueOf: 'x' });
  shop.put('odd', Buffer.from('none'), { constructor: 'x', toString: 1 });
  const page = `query ($after: String) {
    oddPage(first: 2, after: $after, orderBy: { field: TOSTRING }, filter: { constructor: { prefix: "of" } }) {
      nodes { k constructor toString } pageInfo { endCursor }
    }
  }`;
  const { oddPage } = await shop.data<{ oddPage: { nodes: unknown; pageInfo: { endCursor: string } } }>(page);
  expect(oddPage.nodes).toEqual([
    { k: 'c', constructor: 'of c', toString: 3 },
    { k: 'a', constructor: 'of a', toString: 2 },
  ]);
  expect(await shop.data(page, { after: oddPage.pageInfo.endCursor })).toMatchObject({
    oddPage: { nodes: [{ k: 'b' }] },
  });
  expect(await shop.errors('{ odd(k: "a") { valueOf } }')).toEqual([{ code: 'FORBIDDEN' }]);
  expect(await shop.data('{ tables { unreadable } }')).toEqual({ tables: [{ unreadable: 1 }] });
});

describe('unions in values', () => {
  const shape = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('CIRCLE'), radius: z.bigint() }).meta({ id: 'AttackedCircle' }),
    z.object({ kind: z.enum(['SQUARE', 'RECT']), sides: z.array(z.number()) }).meta({ id: 'AttackedBox' }),
  ]);
  const shopOf = () =>
    attackedShop({
      tables: {
        drawings: table({
          topic: 'drawings',
          key: { k: z.string() },
          value: z.object({ main: shape, more: z.array(shape.nullable()).optional() }),
        }),
      },
    });
  const parts = '__typename ... on AttackedCircle { kind radius } ... on AttackedBox { box: kind sides }';
  const source = `{ drawingsPage { nodes { k main { ${parts} } more { ${parts} } } } tables { unreadable } }`;

  test('are told apart, also in lists with nulls; what is no member is unreadable', async () => {
    const shop = shopOf();
    const put = (k: string, value: unknown): void => shop.put('drawings', Buffer.from(k), value);
    const circle = { kind: 'CIRCLE', radius: '123456789012345678901234567890' };
    put('a', { main: circle, more: [null, { kind: 'RECT', sides: [1, 2.5] }, { kind: 'CIRCLE', radius: 7 }] });
    put('b', { main: { kind: 'SQUARE', sides: [] } });
    for (const [at, main] of [
      null,
      {},
      { kind: 'TRIANGLE' },
      { kind: '__proto__' },
      { ...circle, kind: 'RECT' },
    ].entries())
      put(`odd${at}`, { main });
    put('odd', { main: { kind: 'CIRCLE', radius: '1.5' } });
    expect(await shop.data(source)).toEqual({
      drawingsPage: {
        nodes: [
          {
            k: 'a',
            main: { __typename: 'AttackedCircle', ...circle },
            more: [
              null,
              { __typename: 'AttackedBox', box: 'RECT', sides: [1, 2.5] },
              { __typename: 'AttackedCircle', kind: 'CIRCLE', radius: '7' },
            ],
          },
          { k: 'b', main: { __typename: 'AttackedBox', box: 'SQUARE', sides: [] }, more: null },
        ],
      },
      tables: [{ unreadable: 6 }],
    });
  });
});

describe('times of records', () => {
  // In nanoseconds, as some clients write them; none; before 1970; far ahead.
  test.each([1.7e18, Number.MAX_SAFE_INTEGER, -1, 0, 8_640_000_000_000_000])(
    'of %d keep nobody from asOf, from atLeast and from resuming',
    async (timestampMs) => {
      const shop = attackedShop();
      shop.put('shop-skus-changelog', Buffer.from('a'), { orders: 1, cents: 1 }, timestampMs);
      const { skus } = await shop.data<{ skus: { freshness: { asOf: string | null; cursor: string } } }>(
        '{ skus(sku: "a") { freshness { asOf cursor } } }',
      );
      const { asOf, cursor } = skus.freshness;
      expect(asOf === null || Date.parse(asOf) > 0).toBe(true);
      await shop.data('query ($c: Cursor) { skus(sku: "a", atLeast: $c) { sku } }', { c: cursor });
      const next = await shop.watch('subscription ($c: Cursor) { skus(after: $c) { kind rows { sku } } }', {
        c: cursor,
      });
      shop.put('shop-skus-changelog', Buffer.from('b'), { orders: 1, cents: 1 }, timestampMs);
      expect(await next()).toEqual({ data: { skus: { kind: 'DELTA', rows: [{ sku: 'b' }] } } });
    },
  );
});
