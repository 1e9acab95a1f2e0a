import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';

import { table } from '../../tables/table.ts';
import { attackedShop, HOUR_MS, shopTables } from './attacked-shop.ts';
import { closeBehindEachTest } from '../support/asked-api.ts';

closeBehindEachTest();

const SECRETS = Array.from({ length: 12 }, (_, at) => `secret${at}`);
const vaults = table({
  topic: 'vaults',
  key: { k: z.string() },
  value: z.object({ ...Object.fromEntries(SECRETS.map((name) => [name, z.string().optional()])), pin: z.string() }),
});
const forbidSecrets = Object.fromEntries([...SECRETS, 'pin'].map((name) => [`vaults.${name}`, () => false]));

describe('fields that a viewer may not see', () => {
  const shopOf = (rows: number) => {
    const shop = attackedShop({ tables: { vaults }, allow: forbidSecrets });
    for (let at = 0; at < rows; at++) shop.put('vaults', Buffer.from(`k${at}`), { secret0: 'hush', pin: 'hush' });
    return shop;
  };
  const page = `vaultsPage(first: 100) { nodes { k ${SECRETS.join(' ')} } }`;

  test('are null in each row, with an error each for the first hundred', async () => {
    const { data, errors } = await shopOf(60).ask('{ vaultsPage(first: 100) { nodes { secret0 secret1 } } }');
    expect(data).toEqual({
      vaultsPage: { nodes: Array.from({ length: 60 }, () => ({ secret0: null, secret1: null })) },
    });
    expect(errors).toHaveLength(100);
    expect(new Set(errors?.map(({ path }) => path?.join('.'))).size).toBe(100);
    expect(errors?.every(({ extensions }) => extensions?.['code'] === 'FORBIDDEN')).toBe(true);
  });

  test('of thousands of nulls over HTTP a hundred are errors, and so with each update of a socket', async () => {
    const shop = shopOf(100);
    const { url } = await shop.api.listen();
    const query = `{ ${Array.from({ length: 14 }, (_, at) => `a${at}: ${page}`).join(' ')} }`;
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    const text = await response.text();
    expect(text).not.toContain('hush');
    const { errors, data } = JSON.parse(text) as { errors: unknown[]; data: Record<string, unknown> };
    expect(errors).toHaveLength(100);
    expect(Object.keys(data)).toHaveLength(14);

    const next = await shop.watch('subscription { vaults(intervalMs: 50) { rows { secret0 secret1 } } }');
    expect((await next()).errors).toHaveLength(100);
    shop.put('vaults', Buffer.from('k0'), { secret0: 'hush', pin: 'hush' });
    expect(await next()).toMatchObject({
      data: { vaults: { rows: [{ secret0: null, secret1: null }] } },
      errors: [{ path: ['vaults', 'rows', 0, 'secret0'] }, { path: ['vaults', 'rows', 0, 'secret1'] }],
    });
  });

  test('one that cannot be null takes what holds it with it, in one error', async () => {
    const shop = shopOf(60);
    const { data, errors } = await shop.ask('{ vaultsPage { nodes { pin } } other: vaults(k: "k1") { k } }');
    expect(data).toBeNull();
    expect(errors).toHaveLength(1);
    expect(await shop.ask('{ vaults(k: "k0") { k pin } other: vaults(k: "k1") { k } }')).toMatchObject({
      data: { vaults: null, other: { k: 'k1' } },
      errors: [{ path: ['vaults', 'pin'], extensions: { code: 'FORBIDDEN' } }],
    });
  });
});

describe('rows that a viewer may not see', () => {
  const allow = {
    skus: (viewer: unknown) => (viewer === 'few' ? { orders: { lte: 1 } } : viewer === 'all'),
    'skus.note': (viewer: unknown) => viewer === 'all',
    'skus.cents': (viewer: unknown) => viewer === 'all',
    hours: (viewer: unknown) => (viewer === 'few' ? { country: { eq: 'DE' } } : true),
  };
  const shopOf = () => {
    const shop = attackedShop({ allow });
    shop.sku('open', { orders: 1, cents: 5, note: 'x' });
    shop.sku('hidden', { orders: 2, cents: 9, note: 'secret' });
    for (const country of ['DE', 'FR']) shop.hour(country, HOUR_MS, { orders: country.length });
    return shop;
  };

  test('are nowhere: by key, keys, pages, counts, ids, filters, orders, windows', async () => {
    const answer = await shopOf().ask(
      `{
        one: skus(sku: "hidden") { sku } some: skusByKeys(keys: ["hidden", "open"]) { sku }
        page: skusPage { totalCount nodes { sku } pageInfo { hasNextPage } }
        filtered: skusPage(filter: { not: { orders: { lte: 1 } } }) { totalCount nodes { sku } }
        ranged: skusPage(keys: { prefix: "hid" }) { totalCount nodes { sku } pageInfo { endCursor } }
        ordered: skusPage(orderBy: { field: SKU }) { nodes { sku } }
        node(id: "Skus:hidden") { id } tables { name rows bytes }
        list: hours(country: "FR", from: "1970-01-01T00:00:00Z", to: "1970-01-02T00:00:00Z") { id }
        windows: hoursPage { totalCount nodes { country } } window: node(id: "Hours:3600000:FR") { id }
      }`,
      {},
      'few',
    );
    expect(answer).toMatchObject({
      data: {
        one: null,
        some: [null, { sku: 'open' }],
        page: { totalCount: 1, nodes: [{ sku: 'open' }], pageInfo: { hasNextPage: false } },
        filtered: { totalCount: 0, nodes: [] },
        ranged: { totalCount: 0, nodes: [], pageInfo: { endCursor: null } },
        ordered: { nodes: [{ sku: 'open' }] },
        node: null,
        list: [],
        windows: { totalCount: 1, nodes: [{ country: 'DE' }] },
        window: null,
      },
    });
    expect(JSON.stringify(answer)).not.toMatch(/hidden|secret|FR/);
    expect(answer).toMatchObject({ data: { tables: [{ rows: null, bytes: null }, {}, {}, {}] } });
  });

  test.each([
    ['an order', '{ skusPage(orderBy: { field: CENTS }) { totalCount } }'],
    ['a filter', '{ skusPage(filter: { note: { prefix: "s" } }) { totalCount } }'],
    ['a filter that compares nothing', '{ skusPage(filter: { note: {} }) { totalCount } }'],
    [
      'a filter deep inside',
      '{ skusPage(filter: { or: [{ and: [{ not: { note: { isNull: true } } }] }] }) { totalCount } }',
    ],
  ])('%s by a field that he may not see is FORBIDDEN, and says nothing of its values', async (_what, source) => {
    const shop = shopOf();
    const { data, errors } = await shop.ask(source, {}, 'few');
    expect(data).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    expect(JSON.stringify(errors)).not.toMatch(/secret|hidden/);
    const watched = source.replace('{ skusPage(', 'subscription { skus(').replace('totalCount', 'kind');
    await expect(shop.watch(watched.replace(') { kind } }', ', first: 5) { kind } }'), {}, 'few')).rejects.toThrow(
      'FORBIDDEN',
    );
  });

  test('are in no update: not as rows, not as removed, not as a wake-up; one that comes into sight is', async () => {
    const shop = shopOf();
    const source =
      'subscription ($after: Cursor) { skus(intervalMs: 50, after: $after) { kind cursor removed rows { sku } } }';
    const next = await shop.watch(source, {}, 'few');
    const { data } = (await next()) as { data: { skus: { cursor: string } } };
    expect(data.skus).toMatchObject({ kind: 'SNAPSHOT', rows: [{ sku: 'open' }] });
    shop.sku('hidden', { orders: 3 });
    shop.sku('hidden', null);
    shop.sku('hidden', { orders: 4 });
    shop.sku('seen', { orders: 0 });
    expect(await next()).toMatchObject({ data: { skus: { kind: 'DELTA', removed: [], rows: [{ sku: 'seen' }] } } });
    shop.sku('hidden', { orders: 1 });
    expect(await next()).toMatchObject({ data: { skus: { removed: [], rows: [{ sku: 'hidden' }] } } });
    shop.sku('hidden', { orders: 9 });
    expect(await next()).toMatchObject({ data: { skus: { removed: ['Skus:hidden'], rows: [] } } });
    const again = await shop.watch(source, { after: data.skus.cursor }, 'few');
    expect(await again()).toMatchObject({ data: { skus: { kind: 'DELTA', removed: [], rows: [{ sku: 'seen' }] } } });
  });

  test('a cursor of one who sees more gives one who sees less no more', async () => {
    const shop = shopOf();
    const pages =
      'query ($after: String) { skusPage(after: $after, first: 1) { nodes { sku } pageInfo { endCursor } } }';
    const { skusPage } = await shop.data<{ skusPage: { nodes: unknown[]; pageInfo: { endCursor: string } } }>(
      pages,
      {},
      'all',
    );
    expect(skusPage.nodes).toEqual([{ sku: 'hidden' }]);
    const { endCursor: after } = skusPage.pageInfo;
    expect(await shop.data(pages, { after }, 'few')).toMatchObject({ skusPage: { nodes: [{ sku: 'open' }] } });
    const source = 'subscription ($after: Cursor) { skus(after: $after) { kind removed rows { sku } } }';
    const snapshot = await shop.watch('subscription { skus { cursor } }', {}, 'all');
    const { data } = (await snapshot()) as { data: { skus: { cursor: string } } };
    shop.sku('hidden', null);
    const resumed = await shop.watch(source, { after: data.skus.cursor }, 'few');
    expect(await resumed()).toEqual({ data: { skus: { kind: 'DELTA', removed: [], rows: [] } } });
  });

  test('a viewer to whom no rule speaks sees nothing, and hears of no row', async () => {
    const shop = shopOf();
    for (const root of ['skus(sku: "open") { sku }', 'skusByKeys(keys: ["open"]) { sku }', 'skusPage { totalCount }'])
      expect(await shop.errors(`{ ${root} }`)).toEqual([{ code: 'FORBIDDEN' }]);
    expect(await shop.data('{ node(id: "Skus:open") { id } }')).toEqual({ node: null });
    await expect(shop.watch('subscription { skus { kind } }')).rejects.toThrow('FORBIDDEN');
  });
});

describe('what an application asks of its tables for a viewer', () => {
  interface Access {
    get(key: unknown): Promise<unknown>;
    getMany(keys: readonly unknown[]): Promise<unknown>;
    page(request?: object): Promise<{ rows: unknown[]; totalCount: number }>;
    watch(request?: object): Promise<AsyncIterableIterator<{ kind: string; rows: unknown[]; removed: string[] }>>;
  }
  type Asked = (tables: Readonly<Record<'skus' | 'hours' | 'visits', Access>>) => Promise<unknown>;

  const shopThat = (ask: Asked) =>
    attackedShop({
      tables: shopTables,
      allow: {
        skus: (viewer) => (viewer === 'none' ? false : viewer === 'few' ? { orders: { lte: 1 } } : true),
        'skus.note': (viewer) => viewer === 'all',
        hours: (viewer) => (viewer === 'few' ? { orders: { lt: 2 } } : true),
      },
      extend: {
        typeDefs: 'extend type Query { "What the application says." told: JSON }',
        resolvers: {
          Query: { told: (_: unknown, __: unknown, { tables }: { tables: Parameters<Asked>[0] }) => ask(tables) },
        },
      },
    });
  const told = async (ask: Asked, viewer: string): Promise<unknown> => {
    const shop = shopThat(ask);
    shop.sku('a', { orders: 1, note: 'secret' });
    shop.sku('b', { orders: 2, note: 'secret' });
    for (const hour of [1, 2, 3]) shop.hour('DE', hour * HOUR_MS, { orders: hour });
    const { data, errors } = await shop.ask('{ told }', {}, viewer);
    return errors === undefined ? data?.['told'] : errors.map(({ extensions }) => extensions);
  };
  const a = { sku: 'a', orders: 1, cents: 1 };

  test('get, getMany, page and watch give what he may see', async () => {
    const all: Asked = async ({ skus }) => {
      const { rows, totalCount } = await skus.page({ first: 10 });
      const updates = await skus.watch({ intervalMs: 50 });
      const { value } = (await updates.next()) as { value: { kind: string; rows: unknown[] } };
      await updates.return?.();
      return [await skus.get('a'), await skus.getMany(['b', 'a', 'x']), rows, totalCount, value.kind, value.rows];
    };
    expect(await told(all, 'few')).toEqual([a, [null, a, null], [a], 1, 'SNAPSHOT', [a]]);
    const [one, two] = [
      { ...a, note: 'secret' },
      { sku: 'b', orders: 2, cents: 1, note: 'secret' },
    ];
    expect(await told(all, 'all')).toEqual([one, [two, one, null], [one, two], 2, 'SNAPSHOT', [one, two]]);
  });

  test('of a table of windows the newest one that he may see', async () => {
    const newest: Asked = async ({ hours }) => [await hours.get('DE'), await hours.getMany(['FR', 'DE'])];
    const of = (hour: number) => ({
      country: 'DE',
      orders: hour,
      window: { start: hour * HOUR_MS, end: (hour + 1) * HOUR_MS },
    });
    expect(await told(newest, 'few')).toEqual([of(1), [null, of(1)]]);
    expect(await told(newest, 'all')).toEqual([of(3), [null, of(3)]]);
  });

  test.each<[string, Asked, unknown]>([
    ['a table', ({ skus }) => skus.get('a'), { code: 'FORBIDDEN' }],
    ['its pages', ({ skus }) => skus.page(), { code: 'FORBIDDEN' }],
    ['its changes', ({ skus }) => skus.watch(), { code: 'FORBIDDEN' }],
  ])('%s that he may not see is FORBIDDEN', async (_what, ask, error) => {
    expect(await told(ask, 'none')).toEqual([error]);
  });

  const many = (count: number): string[] => Array.from({ length: count }, (_, at) => `k${at}`);
  test.each<[string, Asked, unknown]>([
    ['a field to filter by', ({ skus }) => skus.page({ filter: { note: { eq: 'x' } } }), { code: 'FORBIDDEN' }],
    ['a field to order by', ({ skus }) => skus.watch({ orderBy: { field: 'note' }, first: 1 }), { code: 'FORBIDDEN' }],
    ['101 keys', ({ skus }) => skus.getMany(many(101)), { code: 'BAD_USER_INPUT', argument: 'keys' }],
    ['101 keys of windows', ({ hours }) => hours.getMany(many(101)), { code: 'BAD_USER_INPUT', argument: 'keys' }],
    ['101 rows', ({ skus }) => skus.page({ first: 101 }), { code: 'BAD_USER_INPUT', argument: 'first' }],
    ['a key that is none', ({ skus }) => skus.get('\ud800'), { code: 'BAD_USER_INPUT', argument: 'sku' }],
    ['no key', ({ skus }) => skus.get(undefined), { code: 'BAD_USER_INPUT', argument: 'sku' }],
    ['a number as key of windows', ({ hours }) => hours.get(5), { code: 'BAD_USER_INPUT', argument: 'country' }],
    [
      'an order that there is not',
      ({ skus }) => skus.page({ orderBy: { field: 'day' } }),
      { code: 'BAD_USER_INPUT', argument: 'orderBy' },
    ],
  ])('%s that cannot be asked for is an error', async (_what, ask, error) => {
    expect(await told(ask, 'few')).toEqual([error]);
  });
});
