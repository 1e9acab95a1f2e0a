import { describe, expect, test } from '@jest/globals';
import { bigint64Serde, float64Serde, jsonSerde, type Serde, uuidSerde } from '@tributary/streams';
import { z } from 'zod';

import { table } from '../../tables/table.ts';
import { attackedShop } from './attacked-shop.ts';
import { closeBehindEachTest } from '../support/asked-api.ts';

closeBehindEachTest();

const Value = z.object({ n: z.int() });
const of = <T>(name: string, type: z.core.$ZodType<T>, serde: Serde<T>) =>
  table({ topic: name, key: { k: { type, serde: serde as Serde<unknown> } }, value: Value });

interface Page {
  readonly nodes: readonly Readonly<Record<string, unknown>>[];
}

describe('keys of text', () => {
  const odd = [
    '',
    ' ',
    'a',
    'a\0b',
    '\0',
    '\n',
    ':',
    'a:1',
    '\ufeffa',
    '\uffff',
    '😀',
    'ä'.repeat(500),
    '"',
    '\\u0000',
  ];
  const ofObjects = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'null', 'true', '0', '-0', 'NaN'];

  test.each([...odd, ...ofObjects])('%j is one row, by each way to it', async (k) => {
    const shop = attackedShop();
    for (const key of [...odd, ...ofObjects]) shop.sku(key, { note: `of ${key}` });
    const answer = await shop.data(
      `query ($k: String!, $id: ID!) {
        skus(sku: $k) { id sku note } skusByKeys(keys: [$k]) { sku } node(id: $id) { id }
        range: skusPage(keys: { from: $k, to: $k }) { nodes { sku } }
        filtered: skusPage(filter: { sku: { eq: $k } }) { totalCount }
      }`,
      { k, id: `Skus:${k}` },
    );
    expect(answer).toEqual({
      skus: { id: `Skus:${k}`, sku: k, note: `of ${k}` },
      skusByKeys: [{ sku: k }],
      node: { id: `Skus:${k}` },
      range: { nodes: [{ sku: k }] },
      filtered: { totalCount: 1 },
    });
    const next = await shop.watch(
      'subscription ($k: [String!]) { skus(keys: $k, intervalMs: 50) { removed rows { sku } } }',
      {
        k: [k],
      },
    );
    expect(await next()).toEqual({ data: { skus: { removed: [], rows: [{ sku: k }] } } });
    shop.sku(k, null);
    expect(await next()).toEqual({ data: { skus: { removed: [`Skus:${k}`], rows: [] } } });
  });

  test('half of a surrogate pair is refused wherever a key is asked for, and is no other key', async () => {
    const shop = attackedShop();
    shop.sku('\ufffd', {});
    const k = '\ud83d';
    for (const [root, argument] of [
      ['skus(sku: $k) { id }', 'sku'],
      ['skusByKeys(keys: ["a", $k]) { id }', 'keys'],
      ['skusPage(keys: { from: $k }) { cursor }', 'keys'],
      ['skusPage(keys: { to: $k }) { cursor }', 'keys'],
      ['skusPage(keys: { prefix: $k }) { cursor }', 'keys'],
    ] as const)
      expect(await shop.errors(`query ($k: String!) { ${root} }`, { k })).toEqual([
        { code: 'BAD_USER_INPUT', argument },
      ]);
    for (const given of ['keys: [$k]', 'range: { prefix: $k }', 'range: { from: $k }'])
      await expect(shop.watch(`subscription ($k: String!) { skus(${given}) { kind } }`, { k })).rejects.toThrow(
        'BAD_USER_INPUT',
      );
    expect(await shop.data('query ($id: ID!) { node(id: $id) { id } }', { id: `Skus:${k}` })).toEqual({ node: null });
  });

  test('bytes that are not UTF-8 are no row, and a tombstone ends what was said of them', async () => {
    const shop = attackedShop();
    for (const bytes of [[0xff], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0x61, 0xc3]])
      shop.put('shop-skus-changelog', Buffer.from(bytes), { orders: 1, cents: 1 });
    const told = '{ skusPage { totalCount } tables { unreadable } }';
    expect(await shop.data(told)).toMatchObject({
      skusPage: { totalCount: 0 },
      tables: [{ unreadable: 4 }, {}, {}, {}],
    });
    shop.put('shop-skus-changelog', Buffer.from([0xff]), null);
    expect(await shop.data(told)).toMatchObject({ tables: [{ unreadable: 3 }, {}, {}, {}] });
  });
});

describe('keys of windows and sessions', () => {
  const told = '{ tables { name rows unreadable } }';
  const tellsOf = (name: string, rows: number, unreadable: number) => ({
    tables: expect.arrayContaining([{ name, rows, unreadable }]),
  });

  test.each([
    ['hours', 'of no bytes', Buffer.alloc(0)],
    ['hours', 'too short for a time', Buffer.from('DE')],
    ['hours', 'of a time that no Date has', Buffer.concat([Buffer.alloc(8, 0x7f), Buffer.from('DE')])],
    ['visits', 'of no bytes', Buffer.alloc(0)],
    ['visits', 'with one time of two', Buffer.alloc(8)],
    ['visits', 'that end before they start', Buffer.concat([bigint64Serde.serialize(1n), bigint64Serde.serialize(2n)])],
  ])('%s: one %s is counted until its tombstone, and keeps no other from being served', async (name, _what, key) => {
    const shop = attackedShop();
    shop.hour('DE', 3_600_000, { orders: 1 });
    shop.visit('ann', 5, 9, { pages: 1 });
    const topic = `shop-${name}-changelog`;
    for (let time = 0; time < 2; time++) shop.put(topic, key, { orders: 1, pages: 1 });
    expect(await shop.data(told)).toMatchObject(tellsOf(name, 1, 1));
    shop.put(topic, key, null);
    expect(await shop.data(told)).toMatchObject(tellsOf(name, 1, 0));
    expect(shop.model.unreadable).toBe(2);
  });
});

describe('ranges', () => {
  // In the order of their bytes, which is not the one of UTF-16.
  const inOrder = ['', '\0', 'a', 'a\0', 'ab', 'b', 'ä', '\uffff', '😀'];

  test.each([
    [{}, inOrder],
    [{ prefix: '' }, inOrder],
    [{ prefix: 'a' }, ['a', 'a\0', 'ab']],
    [{ prefix: 'a', from: 'a\0' }, ['a\0', 'ab']],
    [{ prefix: 'a', to: 'a\0' }, ['a', 'a\0']],
    [{ prefix: 'a', from: 'b' }, []],
    [{ prefix: 'b', to: 'a' }, []],
    [{ prefix: 'b', from: 'a' }, ['b']],
    [{ prefix: 'ab', from: 'a', to: 'c' }, ['ab']],
    [{ from: 'b', to: 'a' }, []],
    [{ from: 'b', to: 'b' }, ['b']],
    [{ from: '\uffff' }, ['\uffff', '😀']],
    [{ to: '\uffff' }, inOrder.slice(0, -1)],
    [{ prefix: '\ud83d\ude00' }, ['😀']],
    [{ from: null, prefix: null, to: '' }, ['']],
  ])('%j, in both directions, page by page', async (keys, expected) => {
    const shop = attackedShop();
    for (const sku of inOrder.toReversed()) shop.sku(sku, {});
    for (const direction of ['ASC', 'DESC']) {
      const seen: unknown[] = [];
      for (let after: string | null | undefined = null; after !== undefined;) {
        const {
          skusPage,
        }: { skusPage: Page & { totalCount: number; pageInfo: { hasNextPage: boolean; endCursor: string } } } =
          await shop.data(
            `query ($keys: KeyRange, $after: String) {
              skusPage(first: 2, keys: $keys, after: $after, orderBy: { field: SKU, direction: ${direction} }) {
                totalCount nodes { sku } pageInfo { hasNextPage endCursor } } }`,
            { keys, after },
          );
        expect(skusPage.totalCount).toBe(expected.length);
        seen.push(...skusPage.nodes.map(({ sku }) => sku));
        after = skusPage.pageInfo.hasNextPage ? skusPage.pageInfo.endCursor : undefined;
      }
      expect(seen).toEqual(direction === 'ASC' ? expected : expected.toReversed());
    }
    const next = await shop.watch('subscription ($range: KeyRange) { skus(range: $range) { rows { sku } } }', {
      range: keys,
    });
    expect(await next()).toEqual({ data: { skus: { rows: expected.map((sku) => ({ sku })) } } });
  });
});

describe('keys that are no text', () => {
  test('bigints at both ends, in the order of their bytes, and none beyond', async () => {
    const shop = attackedShop();
    const ends = [0n, 1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), -1n];
    for (const at of ends) shop.put('numbers', bigint64Serde.serialize(at), { amount: String(at ** 9n) });
    const { numbersPage } = await shop.data<{ numbersPage: Page }>('{ numbersPage { nodes { id at amount } } }');
    expect(numbersPage.nodes).toEqual(
      ends.map((at) => ({ id: `Numbers:${at}`, at: String(at), amount: String(at ** 9n) })),
    );
    for (const at of ends) {
      const answer = await shop.data(
        'query ($at: BigInt!, $id: ID!) { numbers(at: $at) { at } node(id: $id) { id } }',
        {
          at: String(at),
          id: `Numbers:${at}`,
        },
      );
      expect(answer).toEqual({ numbers: { at: String(at) }, node: { id: `Numbers:${at}` } });
    }
    const ordered = await shop.data<{ numbersPage: Page }>(
      '{ numbersPage(orderBy: { field: AMOUNT, direction: ASC }) { nodes { at } } }',
    );
    expect(ordered.numbersPage.nodes.map(({ at }) => at)).toEqual(
      ends.toSorted((a, b) => (a < b ? -1 : 1)).map((at) => String(at)),
    );
    for (const [root, argument] of [
      ['numbers(at: $at) { at }', 'at'],
      ['numbersByKeys(keys: [$at]) { at }', 'keys'],
      ['numbersPage(keys: { from: $at }) { cursor }', 'keys'],
    ] as const)
      for (const at of [2n ** 63n, -(2n ** 63n) - 1n, 10n ** 999n])
        expect(await shop.errors(`query ($at: BigInt!) { ${root} }`, { at: String(at) })).toEqual([
          { code: 'BAD_USER_INPUT', argument },
        ]);
  });

  test('two zeros are two keys with an id each', async () => {
    const shop = attackedShop({ tables: { floats: of('floats', z.number(), float64Serde) } });
    shop.put('floats', float64Serde.serialize(0), { n: 1 });
    shop.put('floats', float64Serde.serialize(-0), { n: 2 });
    expect(
      await shop.data(
        `{ floatsPage { nodes { id n } } zero: node(id: "Floats:0") { ... on Floats { n } }
           minus: node(id: "Floats:-0") { ... on Floats { n } } }`,
      ),
    ).toEqual({
      floatsPage: {
        nodes: [
          { id: 'Floats:0', n: 1 },
          { id: 'Floats:-0', n: 2 },
        ],
      },
      zero: { n: 1 },
      minus: { n: 2 },
    });
  });

  test('bytes that the serde of the key would write otherwise are no row: two rows would have one id', async () => {
    const shop = attackedShop({
      tables: { texts: of('texts', z.string(), jsonSerde()), uuids: of('uuids', z.string(), uuidSerde) },
    });
    const uuid = 'abcdef01-2345-6789-abcd-ef0123456789';
    for (const [n, bytes] of ['"a"', '"\\u0061"', ' "a"'].entries()) shop.put('texts', Buffer.from(bytes), { n });
    for (const [n, bytes] of [uuid, uuid.toUpperCase()].entries()) shop.put('uuids', Buffer.from(bytes), { n });
    expect(
      await shop.data(
        `{ textsPage { nodes { id n } } texts(k: "a") { n } uuidsPage { nodes { id n } }
           byPrefix: uuidsPage(keys: { prefix: "ABC" }) { totalCount }
           uuids(k: "${uuid.toUpperCase()}") { n } tables { unreadable } }`,
      ),
    ).toEqual({
      textsPage: { nodes: [{ id: 'Texts:a', n: 0 }] },
      texts: { n: 0 },
      uuidsPage: { nodes: [{ id: `Uuids:${uuid}`, n: 0 }] },
      byPrefix: { totalCount: 1 },
      uuids: { n: 0 },
      tables: [{ unreadable: 2 }, { unreadable: 1 }],
    });
  });
});

test('ids that only look like those of rows name nothing', async () => {
  const shop = attackedShop();
  shop.sku('a', {});
  shop.hour('DE', 3_600_000, { orders: 1 });
  shop.visit('ann', 5, 9, { pages: 1 });
  shop.put('numbers', bigint64Serde.serialize(5n), { amount: '1' });
  const found = ['Skus:a', 'Hours:3600000:DE', 'Visits:5:9:ann', 'Numbers:5'];
  const not = ['Skus', ':', '', 'skus:a', 'Skus:a ', 'Node:a', 'Query:a', '__proto__:a', 'constructor:a', 'Hours:DE'];
  const windows = [
    'Hours:03600000:DE',
    'Hours:3600000.0:DE',
    'Hours:-1:DE',
    `Hours:${'9'.repeat(17)}:DE`,
    'Visits:5:ann',
  ];
  const numbers = ['Numbers:05', 'Numbers:+5', 'Numbers:5n', 'Numbers: 5', `Numbers:${'9'.repeat(5_000)}`, 'Numbers:'];
  for (const id of [...found, ...not, ...windows, ...numbers])
    expect(await shop.data('query ($id: ID!) { node(id: $id) { id } }', { id })).toEqual({
      node: found.includes(id) ? { id } : null,
    });
});
