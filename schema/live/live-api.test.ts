import { describe, expect, test } from '@jest/globals';
import { encodeWindowKey, int32Serde, int64Serde } from '@tributary/streams';
import type { ExecutionResult } from 'graphql';
import { z } from 'zod';

import { createFilledLiveApi, createLiveApi } from './live-api.ts';
import { atTheEnd, closeBehindEachTest, closedAfterwards } from './tests/support/asked-api.ts';
import { FedApi } from './tests/support/fed-api.ts';
import type { LiveApiOptions } from './live-api-options.ts';
import type { TablesModel } from './tables/table-reads.ts';
import { declareTables } from './tables/declare-tables.ts';
import { tableCosts } from './limits/table-costs.ts';
import { table } from './tables/table.ts';

closeBehindEachTest();

const HOUR_MS = 3_600_000;
const connection = { brokers: ['127.0.0.1:9'], clientId: 'test' };
const Totals = z.object({
  orders: z.int().min(0),
  cents: z.int().min(0),
  note: z.string().optional(),
  at: z.iso.datetime({ offset: true }).optional(),
  units: z.bigint().optional(),
});
const tables = {
  skuTotals: table({
    store: 'sku-totals',
    key: { sku: z.string() },
    value: Totals,
    orderBy: ['cents'],
    filter: ['orders', 'note', 'at', 'units'],
  }),
  countryHours: table({
    store: 'country-hours',
    key: { country: z.string() },
    value: Totals,
    window: { sizeMs: HOUR_MS, retentionMs: 24 * HOUR_MS },
    filter: ['cents'],
  }),
  visits: table({ store: 'visits', key: { person: z.string() }, value: z.object({ pages: z.int32() }), session: {} }),
  parts: table({
    topic: 'parts',
    key: { id: { type: z.int32(), serde: int32Serde } },
    value: z.object({
      price: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('FIXED'), cents: z.int() }).meta({ id: 'FixedPrice' }),
        z.object({ kind: z.literal('FREE') }).meta({ id: 'NoPrice' }),
      ]),
      tags: z.array(z.string().nullable()),
    }),
  }),
};

/** The API of the shop above. */
class ShopApi extends FedApi {
  constructor(options: Partial<LiveApiOptions> = {}) {
    super({ tables, ...options });
  }

  sku(key: string, value: unknown): void {
    this.put('shop-sku-totals-changelog', Buffer.from(key), value);
  }

  hour(country: string, startMs: number, value: unknown): void {
    this.put('shop-country-hours-changelog', encodeWindowKey(startMs, country), value);
  }

  visit(person: string, startMs: number, endMs: number, value: unknown): void {
    const times = Buffer.concat([int64Serde.serialize(endMs), int64Serde.serialize(startMs)]);
    this.put('shop-visits-changelog', Buffer.concat([times, Buffer.from(person)]), value);
  }

  part(id: number, value: unknown): void {
    this.put('parts', int32Serde.serialize(id), value);
  }
}

function fed(options: Partial<LiveApiOptions> = {}): ShopApi {
  return closedAfterwards(new ShopApi(options));
}

const errorsOf = ({ errors }: ExecutionResult) => errors?.map(({ extensions }) => extensions);

describe('queries', () => {
  test('one row, rows by keys in their order, null where there is none', async () => {
    const api = fed();
    api.sku('a', { orders: 1, cents: 100, units: '12345678901234567890' });
    api.sku('b', { orders: 2, cents: 50, at: '2026-01-01T01:00:00+01:00' });
    expect(
      await api.data(`{
        skuTotals(sku: "a") { id sku orders cents note units freshness { complete partial } }
        none: skuTotals(sku: "x") { id }
        skuTotalsByKeys(keys: ["b", "x", "a", "b"]) { sku at }
      }`),
    ).toEqual({
      skuTotals: {
        id: 'SkuTotals:a',
        sku: 'a',
        orders: 1,
        cents: 100,
        note: null,
        units: '12345678901234567890',
        freshness: { complete: true, partial: [] },
      },
      none: null,
      skuTotalsByKeys: [
        { sku: 'b', at: '2026-01-01T00:00:00.000Z' },
        null,
        { sku: 'a', at: null },
        { sku: 'b', at: '2026-01-01T00:00:00.000Z' },
      ],
    });
  });

  test('a page by order and filter, its pages after, and how many there are', async () => {
    const api = fed();
    for (let at = 0; at < 7; at++) api.sku(`s${at}`, { orders: at % 2, cents: at % 3 });
    const page = `query ($after: String) {
      skuTotalsPage(first: 3, after: $after, orderBy: { field: CENTS }, filter: { orders: { eq: 0 } }) {
        nodes { sku cents } edges { cursor node { sku } } totalCount cursor
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }`;
    const { skuTotalsPage: first } = (await api.data(page)) as { skuTotalsPage: Record<string, never> };
    expect(first).toMatchObject({
      nodes: [
        { sku: 's2', cents: 2 },
        { sku: 's4', cents: 1 },
        { sku: 's0', cents: 0 },
      ],
      totalCount: 4,
      pageInfo: { hasNextPage: true, hasPreviousPage: false },
    });
    const after = (first['pageInfo'] as unknown as { endCursor: string }).endCursor;
    const { skuTotalsPage: second } = (await api.data(page, { after })) as { skuTotalsPage: unknown };
    expect(second).toMatchObject({
      nodes: [{ sku: 's6', cents: 0 }],
      pageInfo: { hasNextPage: false, hasPreviousPage: true },
    });
  });

  test('windows of a key, from and to as bounds of windows, and pages over all keys', async () => {
    const api = fed();
    for (const hour of [10, 11, 12]) api.hour('DE', hour * HOUR_MS, { orders: hour, cents: 1 });
    api.hour('FR', 11 * HOUR_MS, { orders: 5, cents: 2 });
    const at = (ms: number): string => new Date(ms).toISOString();
    const { countryHours, countryHoursPage } = await api.data(
      `query ($from: DateTime!, $to: DateTime!) {
        countryHours(country: "DE", from: $from, to: $to) { id orders window { start end } }
        countryHoursPage(from: $from, to: $to) { totalCount nodes { country orders } }
      }`,
      { from: at(10 * HOUR_MS + 1), to: at(11 * HOUR_MS + 1) },
    );
    expect(countryHours).toEqual([
      { id: `CountryHours:${10 * HOUR_MS}:DE`, orders: 10, window: { start: at(10 * HOUR_MS), end: at(11 * HOUR_MS) } },
      { id: `CountryHours:${11 * HOUR_MS}:DE`, orders: 11, window: { start: at(11 * HOUR_MS), end: at(12 * HOUR_MS) } },
    ]);
    expect(countryHoursPage).toEqual({
      totalCount: 3,
      nodes: [
        { country: 'DE', orders: 10 },
        { country: 'DE', orders: 11 },
        { country: 'FR', orders: 5 },
      ],
    });
  });

  test('a window past the retention is not there, also before its tombstone comes', async () => {
    const api = fed();
    api.hour('DE', 10 * HOUR_MS, { orders: 1, cents: 1 });
    api.hour('DE', 35 * HOUR_MS, { orders: 1, cents: 1 });
    expect(await api.data('{ countryHoursPage { nodes { orders } totalCount } }')).toEqual({
      countryHoursPage: { nodes: [{ orders: 1 }], totalCount: 1 },
    });
  });

  test('sessions, and keys that are no text, unions and lists in values', async () => {
    const api = fed();
    api.visit('ann', 5, 9, { pages: 3 });
    api.part(-7, { price: { kind: 'FIXED', cents: 5 }, tags: ['a', null] });
    api.part(8, { price: { kind: 'FREE' }, tags: [] });
    expect(
      await api.data(`{
        visits(person: "ann", from: "1970-01-01T00:00:00.009Z", to: "1970-01-01T00:00:01Z") { id pages window { end } }
        parts(id: -7) { id key tags price { __typename ... on FixedPrice { cents } } }
        partsPage(keys: { from: 0 }) { nodes { key price { __typename } } }
        node(id: "Parts:8") { id ... on Parts { key } }
        session: node(id: "Visits:5:9:ann") { id }
        bad: node(id: "Visits:5:ann") { id }
      }`),
    ).toEqual({
      visits: [{ id: 'Visits:5:9:ann', pages: 3, window: { end: '1970-01-01T00:00:00.009Z' } }],
      parts: { id: 'Parts:-7', key: -7, tags: ['a', null], price: { __typename: 'FixedPrice', cents: 5 } },
      // By their bytes negative numbers are behind the others.
      partsPage: {
        nodes: [
          { key: 8, price: { __typename: 'NoPrice' } },
          { key: -7, price: { __typename: 'FixedPrice' } },
        ],
      },
      node: { id: 'Parts:8', key: 8 },
      session: { id: 'Visits:5:9:ann' },
      bad: null,
    });
  });

  test.each([
    ['{ skuTotalsPage(first: 0) { cursor } }', 'first'],
    ['{ skuTotalsPage(first: 101) { cursor } }', 'first'],
    ['{ skuTotalsPage(after: "x") { cursor } }', 'after'],
    ['{ skuTotals(sku: "a", atLeast: "x") { id } }', 'atLeast'],
    [`{ skuTotalsByKeys(keys: [${'"a",'.repeat(101)}]) { id } }`, 'keys'],
    [`{ skuTotalsPage(filter: { or: [${'{ orders: { gt: 1 } },'.repeat(11)}] }) { cursor } }`, 'filter'],
    ['{ countryHours(country: "DE", from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z") { id } }', 'from'],
    ['{ countryHours(country: "DE", from: "2025-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z") { id } }', 'from'],
  ])('%s is refused', async (source, argument) => {
    const errors = errorsOf(await fed().ask(source));
    expect(errors).toEqual([{ code: 'BAD_USER_INPUT', argument }]);
  });

  test('a key that no serde writes is refused', async () => {
    const source = 'query ($sku: String!) { skuTotals(sku: $sku) { id } }';
    expect(errorsOf(await fed().ask(source, { sku: 'a\ud800' }))).toEqual([
      { code: 'BAD_USER_INPUT', argument: 'sku' },
    ]);
  });

  test('atLeast waits for what this instance has not read', async () => {
    const api = fed();
    api.sku('a', { orders: 1, cents: 1 });
    const { skuTotals } = (await api.data('{ skuTotals(sku: "a") { freshness { cursor } } }')) as {
      skuTotals: { freshness: { cursor: string } };
    };
    const { cursor } = skuTotals.freshness;
    await api.api.close();
    const other = fed();
    other.sku('b', { orders: 1, cents: 1 });
    other.model.reset('shop-sku-totals-changelog', 0);
    other.model.followPositions(() => new Map([['shop-sku-totals-changelog-0', 0]]));
    const answer = other.data('query ($c: Cursor) { skuTotals(sku: "a", atLeast: $c) { orders } }', { c: cursor });
    other.model.apply([
      {
        topic: 'shop-sku-totals-changelog',
        partition: 0,
        offset: 0,
        timestampMs: 1,
        key: Buffer.from('a'),
        value: Buffer.from('{"orders":9,"cents":1}'),
      },
    ]);
    expect(await answer).toEqual({ skuTotals: { orders: 9 } });
  });

  test('a value that its type refuses is left out and counted', async () => {
    const api = fed();
    api.sku('a', { orders: 1, cents: 1 });
    api.sku('a', { orders: -1, cents: 1 });
    api.sku('b', { orders: 1, cents: 1 });
    expect(await api.data('{ skuTotalsPage { nodes { sku } } tables { name rows unreadable } }')).toMatchObject({
      skuTotalsPage: { nodes: [{ sku: 'b' }] },
      tables: [
        { name: 'skuTotals', rows: 1, unreadable: 1 },
        { name: 'countryHours', rows: 0, unreadable: 0 },
        { name: 'visits' },
        { name: 'parts' },
      ],
    });
    api.sku('a', { orders: 2, cents: 1 });
    expect(await api.data('{ tables { unreadable } }')).toMatchObject({ tables: [{ unreadable: 0 }, {}, {}, {}] });
  });

  test('a table with too many rows answers so, and the others go on', async () => {
    const api = fed({
      tables: {
        ...tables,
        few: table({ topic: 'few', key: { k: z.string() }, value: z.object({ n: z.int() }), maxRows: 1 }),
      },
    });
    api.sku('a', { orders: 1, cents: 1 });
    api.put('few', Buffer.from('a'), { n: 1 });
    expect(api.model.notReady).toBeNull();
    api.put('few', Buffer.from('b'), { n: 1 });
    expect(api.model.notReady).toMatch(/^TABLE_TOO_LARGE: the table few has more than 1 rows.*held: 'owner'/);
    expect(errorsOf(await api.ask('{ few(k: "a") { n } }'))).toMatchObject([{ code: 'TABLE_TOO_LARGE' }]);
    expect(await api.data('{ skuTotals(sku: "a") { orders } }')).toEqual({ skuTotals: { orders: 1 } });
  });
});

describe('subscriptions', () => {
  const update = 'kind cursor more removed rows { id orders } freshness { cursor }';

  test('a snapshot, changed rows, removed rows; the cursor is the one of a query', async () => {
    const api = fed();
    api.sku('a', { orders: 1, cents: 1 });
    api.sku('b', { orders: 2, cents: 2 });
    const next = await api.watch(`subscription { skuTotals(intervalMs: 50) { ${update} } }`);
    expect(await next()).toMatchObject({
      data: { skuTotals: { kind: 'SNAPSHOT', more: false, removed: [], rows: [{ id: 'SkuTotals:a' }, {}] } },
    });
    api.sku('a', null);
    api.sku('b', { orders: 3, cents: 2 });
    const { data } = (await next()) as unknown as { data: { skuTotals: { cursor: string } } };
    expect(data.skuTotals).toMatchObject({
      kind: 'DELTA',
      removed: ['SkuTotals:a'],
      rows: [{ id: 'SkuTotals:b', orders: 3 }],
    });
    expect(await api.data('{ skuTotalsPage { cursor } }')).toEqual({
      skuTotalsPage: { cursor: data.skuTotals.cursor },
    });
  });

  test('the first N by order, one of which another one drives out', async () => {
    const api = fed();
    for (const [key, cents] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const)
      api.sku(key, { orders: 0, cents });
    const next = await api.watch(
      `subscription { skuTotals(first: 2, orderBy: { field: CENTS }, intervalMs: 50) { ${update} } }`,
    );
    expect(await next()).toMatchObject({
      data: { skuTotals: { rows: [{ id: 'SkuTotals:c' }, { id: 'SkuTotals:b' }] } },
    });
    api.sku('a', { orders: 0, cents: 9 });
    expect(await next()).toMatchObject({
      data: { skuTotals: { kind: 'DELTA', rows: [{ id: 'SkuTotals:a' }], removed: ['SkuTotals:b'] } },
    });
  });

  test('the newest windows: an old one leaves when a new one comes', async () => {
    const api = fed();
    for (const hour of [10, 11]) api.hour('DE', hour * HOUR_MS, { orders: hour, cents: 1 });
    const next = await api.watch(`subscription { countryHours(last: 2, intervalMs: 50) { ${update} } }`);
    expect(await next()).toMatchObject({ data: { countryHours: { rows: [{ orders: 10 }, { orders: 11 }] } } });
    api.hour('FR', 12 * HOUR_MS, { orders: 12, cents: 1 });
    expect(await next()).toMatchObject({
      data: { countryHours: { kind: 'DELTA', rows: [{ orders: 12 }], removed: [`CountryHours:${10 * HOUR_MS}:DE`] } },
    });
  });

  test('one that is too large comes in parts, all of one state', async () => {
    const api = fed();
    for (let at = 0; at < 10_001; at++) api.sku(`s${at}`, { orders: 1, cents: 1 });
    const next = await api.watch(`subscription { skuTotals { ${update} } }`);
    const first = (await next()) as unknown as { data: { skuTotals: { rows: unknown[]; cursor: string } } };
    expect(first.data.skuTotals).toMatchObject({ kind: 'SNAPSHOT', more: true });
    expect(first.data.skuTotals.rows).toHaveLength(10_000);
    const second = (await next()) as unknown as { data: { skuTotals: { rows: unknown[] } } };
    expect(second.data.skuTotals).toMatchObject({ kind: 'SNAPSHOT', more: false });
    expect(second.data.skuTotals.rows).toHaveLength(1);
    // A part is no state to go on from.
    const again = await api.watch(`subscription ($after: Cursor) { skuTotals(after: $after) { kind more } }`, {
      after: first.data.skuTotals.cursor,
    });
    expect(await again()).toEqual({ data: { skuTotals: { kind: 'SNAPSHOT', more: true } } });
  });

  test('equal subscriptions get one update', async () => {
    const api = fed();
    api.sku('a', { orders: 1, cents: 1 });
    const source = 'subscription { skuTotals(filter: { orders: { gt: 0 } }, intervalMs: 50) { kind rows { sku } } }';
    const roots = await Promise.all(
      [0, 1].map(async () => {
        const field = api.api.schema.getSubscriptionType()?.getFields()['skuTotals'];
        const args = { filter: { orders: { gt: 0 } }, intervalMs: 50 };
        const updates = (await field?.subscribe?.(null, args, {}, {} as never)) as AsyncIterableIterator<object>;
        atTheEnd(() => updates.return?.());
        return (await updates.next()).value as object;
      }),
    );
    expect(source).toContain('skuTotals');
    expect(roots[0]).toBe(roots[1]);
  });
});

describe('what a table of its own keeps to itself', () => {
  test('an open subscription of a table that becomes too large ends, and is not shown an empty table', async () => {
    const few = table({ topic: 'few', key: { k: z.string() }, value: z.object({ n: z.int() }), maxRows: 1 });
    const api = fed({ tables: { few } });
    api.put('few', Buffer.from('a'), { n: 1 });
    const source = 'subscription { few(intervalMs: 50) { kind rows { k } } }';
    const next = await api.watch(source);
    expect(await next()).toEqual({ data: { few: { kind: 'SNAPSHOT', rows: [{ k: 'a' }] } } });
    api.put('few', Buffer.from('b'), { n: 1 });
    await expect(next()).rejects.toMatchObject({ extensions: { code: 'TABLE_TOO_LARGE' } });
  });

  test('what only reads like the id of a row names nothing', async () => {
    const api = fed();
    api.sku('', { orders: 1, cents: 1 });
    api.part(1, { price: { kind: 'FREE' }, tags: [] });
    api.visit('ann', 5, 9, { pages: 3 });
    const ids = ['SkuTotals:', 'SkuTotals', 'SkuTotalsX', 'Parts:1', 'Parts:0x1', 'Parts:01', 'Visits:05:9:ann', ''];
    const found = await Promise.all(
      ids.map(async (id) => [id, (await api.data('query ($id: ID!) { node(id: $id) { id } }', { id }))['node']]),
    );
    expect(found.filter(([, node]) => node !== null).map(([id]) => id)).toEqual(['SkuTotals:', 'Parts:1']);
  });

  test('a page goes on behind a key of any length, and a cursor may have many partitions', async () => {
    const api = fed();
    for (const letter of ['a', 'b']) api.sku('ä'.repeat(4_000) + letter, { orders: 1, cents: 1 });
    const page =
      'query ($after: String) { skuTotalsPage(first: 1, after: $after) { totalCount pageInfo { endCursor } } }';
    const { skuTotalsPage } = (await api.data(page)) as { skuTotalsPage: { pageInfo: { endCursor: string } } };
    await api.data(page, { after: skuTotalsPage.pageInfo.endCursor });
    api.model.tables['skuTotals']?.copied(new Map(Array.from({ length: 2_000 }, (_, at) => [at, 1_000_000])), 0);
    // What answers share is kept for one turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    const { cursor } = ((await api.data('{ skuTotalsPage { cursor } }')) as { skuTotalsPage: { cursor: string } })
      .skuTotalsPage;
    expect(cursor.length).toBeGreaterThan(30_000);
    await api.data('query ($at: Cursor) { skuTotalsPage(atLeast: $at) { cursor } }', { at: cursor });
  });
});

describe('rights', () => {
  const allow = {
    skuTotals: (viewer: unknown) => (viewer === 'none' ? false : viewer === 'few' ? { orders: { lte: 1 } } : true),
    'skuTotals.note': (viewer: unknown) => viewer === 'all',
  };

  test('rows outside of the filter of a viewer do not exist for him', async () => {
    const api = fed({ allow });
    api.sku('a', { orders: 1, cents: 1, note: 'x' });
    api.sku('b', { orders: 2, cents: 2 });
    const source =
      '{ skuTotals(sku: "b") { sku } skuTotalsPage { totalCount nodes { sku } } node(id: "SkuTotals:b") { id } }';
    expect(await api.ask(source, {}, 'few')).toEqual({
      data: { skuTotals: null, skuTotalsPage: { totalCount: 1, nodes: [{ sku: 'a' }] }, node: null },
    });
    expect((await api.ask(source, {}, 'all')).errors).toBeUndefined();
    const next = await api.watch('subscription { skuTotals(intervalMs: 50) { kind removed rows { sku } } }', {}, 'few');
    expect(await next()).toEqual({ data: { skuTotals: { kind: 'SNAPSHOT', removed: [], rows: [{ sku: 'a' }] } } });
    api.sku('b', null);
    api.sku('a', { orders: 2, cents: 1 });
    expect(await next()).toEqual({ data: { skuTotals: { kind: 'DELTA', removed: ['SkuTotals:a'], rows: [] } } });
  });

  test('a field or a table that a viewer may not see is FORBIDDEN, also to filter and to order by', async () => {
    const api = fed({ allow });
    api.sku('a', { orders: 1, cents: 1, note: 'x' });
    const field = await api.ask('{ skuTotals(sku: "a") { sku note } }', {}, 'few');
    expect(field.data).toEqual({ skuTotals: { sku: 'a', note: null } });
    expect(errorsOf(field)).toEqual([{ code: 'FORBIDDEN' }]);
    expect(errorsOf(await api.ask('{ skuTotalsPage(filter: { note: { eq: "x" } }) { cursor } }', {}, 'few'))).toEqual([
      { code: 'FORBIDDEN' },
    ]);
    expect(errorsOf(await api.ask('{ skuTotalsPage { cursor } }', {}, 'none'))).toEqual([{ code: 'FORBIDDEN' }]);
    expect(await api.ask('{ node(id: "SkuTotals:a") { id } }', {}, 'none')).toEqual({ data: { node: null } });
  });
});

test('how many rows there are is told to those who may see them all', async () => {
  const api = fed({
    allow: {
      skuTotals: (viewer) => viewer !== 'none',
      parts: (viewer) => (viewer === 'few' ? { id: { lt: 5 } } : true),
    },
  });
  const none = { rows: 0, bytes: 0 };
  const untold = { rows: null, bytes: null };
  const told = async (viewer: string): Promise<unknown> =>
    (await api.ask('{ tables { rows bytes } }', {}, viewer)).data?.['tables'];
  expect(await told('all')).toEqual([none, none, none, none]);
  expect(await told('none')).toEqual([untold, none, none, none]);
  expect(await told('few')).toEqual([none, none, none, untold]);
  const next = await api.watch('subscription { tables { name rows bytes } }', {}, 'few');
  expect(await next()).toMatchObject({ data: { tables: [none, none, none, { name: 'parts', ...untold }] } });
});

test('what an application adds reads the tables as the viewer may', async () => {
  interface Context {
    readonly tables: Readonly<Record<string, { get(key: unknown): Promise<unknown> }>>;
  }
  const api = fed({
    allow: { skuTotals: (viewer) => (viewer === 'few' ? { orders: { lte: 1 } } : true) },
    extend: {
      typeDefs: 'extend type Query { "How many orders there are of an article." ordersOf(sku: String!): Int }',
      resolvers: {
        Query: {
          ordersOf: async (_: unknown, { sku }: { sku: string }, { tables: all }: Context) =>
            ((await all['skuTotals']?.get(sku)) as { orders: number } | null)?.orders ?? null,
        },
      },
    },
  });
  api.sku('a', { orders: 1, cents: 1 });
  api.sku('b', { orders: 2, cents: 1 });
  const source = '{ a: ordersOf(sku: "a") b: ordersOf(sku: "b") }';
  expect(await api.ask(source, {}, 'few')).toEqual({ data: { a: 1, b: null } });
  expect(await api.ask(source, {}, 'all')).toEqual({ data: { a: 1, b: 2 } });
});

test('options that cannot be used are named all at once', () => {
  expect(() =>
    createLiveApi({
      applicationId: '',
      connection: { brokers: [], clientId: '' },
      tables: { a: table({ store: 's', key: { k: z.string() }, value: z.object({ d: z.date() }) }) },
      allow: { b: () => true },
      token: '',
      ...{ tabels: {} },
    }),
  ).toThrow(/options cannot be used:(\n- .*)*applicationId(.|\n)*tabels|tabels(.|\n)*applicationId/);
});

test('an API that its application fills is asked for no brokers, and takes none', () => {
  const given = { applicationId: 'shop', tables, ...{ connection } };
  expect(() => createFilledLiveApi(fed().model, given)).toThrow(/^createFilledLiveApi: there is no option connection/);
});

test('a page costs a walk over its table where a client or a rule filters, and nothing else', () => {
  const { api } = fed();
  const model = { tables: { skuTotals: { size: 200_000 } }, listInstances: () => [] } as unknown as TablesModel;
  const declared = declareTables(tables, []);
  const costs = (ruled: readonly string[]) => tableCosts(api.schema, model, declared, new Set(ruled)).work;
  const page = 'Query.skuTotalsPage';
  expect(costs([])[page]?.({ first: 100 })).toBe(0);
  expect(costs([])[page]?.({ filter: {} })).toBeGreaterThan(1_000);
  expect(costs(['skuTotals'])[page]?.({ first: 100 })).toBeGreaterThan(1_000);
});

describe('where it is listened for', () => {
  test.each<[string, unknown, RegExp]>([
    ['an option that there is not', { prot: 1 }, /listen has no option "prot": did you mean "port"/],
    ['a number', 4_000, /listen takes an object with options \(host, port\), not 4000/],
    ['nothing', null, /listen takes an object/],
    // For the system it is every address.
    ['an empty host', { host: '' }, /listen: host takes an address/],
    ['a host that is no text', { host: 127 }, /listen: host takes an address/],
    ['a port below 0', { port: -1 }, /listen: port takes a whole number from 0/],
    ['a port above all', { port: 65_536 }, /listen: port .*not 65536/],
    ['a port as text', { port: '4000' }, /listen: port .*not "4000"/],
  ])('%s is CONFIG_INVALID', async (_what, where, message) => {
    await expect(fed().api.listen(where as object)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });

  test('a closed API is listened for no more: it would answer of tables that nobody follows', async () => {
    const { api } = fed();
    const { close } = await api.listen({ host: undefined, port: undefined });
    await close();
    await expect(api.listen()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('closed'),
    });
  });
});

test('filters within each other without end are refused, whoever sends them', async () => {
  const { url } = await fed().api.listen();
  const filter = `${'{"not":'.repeat(10_000)}{}${'}'.repeat(10_000)}`;
  const query = 'query ($filter: SkuTotalsFilter) { skuTotalsPage(filter: $filter) { cursor } }';
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"query":${JSON.stringify(query)},"variables":{"filter":${filter}}}`,
  });
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'QUERY_TOO_LARGE' } }] });
});
