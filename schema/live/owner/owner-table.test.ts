import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';

import { createFedLiveApi, createFilledLiveApi } from '../live-api.ts';
import { createLiveModel } from '../tables/create-live-model.ts';
import { table } from '../tables/table.ts';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { codesOf, ownedShop, STORE } from '../tests/owned-tables/owned-shop.ts';
import { closeBehindEachTest } from '../tests/support/asked-api.ts';

closeBehindEachTest();

const row = (orders: number, cents = orders): object => ({ orders, cents });
const FRESH = 'freshness { complete partial cursor }';

describe('queries', () => {
  test('one row, rows by keys in their order with one round trip, node', async () => {
    const api = ownedShop();
    api.commit({ a: row(1), b: row(2), c: row(3), d: row(4) });
    expect(await api.data('{ totals(sku: "a") { id orders } none: totals(sku: "x") { id } }')).toEqual({
      totals: { id: 'Totals:a', orders: 1 },
      none: null,
    });
    const before = api.owners.asked.length;
    expect(await api.data('{ totalsByKeys(keys: ["d", "x", "a", "b", "d"]) { sku } }')).toEqual({
      totalsByKeys: [{ sku: 'd' }, null, { sku: 'a' }, { sku: 'b' }, { sku: 'd' }],
    });
    expect(api.owners.asked.length).toBe(before + 1);
    expect(await api.data('{ node(id: "Totals:b") { id } none: node(id: "Totals:x") { id } }')).toEqual({
      node: { id: 'Totals:b' },
      none: null,
    });
  });

  test('rows that lie elsewhere than their keys say are found, and followed', async () => {
    const api = ownedShop({}, { partitions: 3 });
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    const elsewhere = (key: string): number => (api.partitionOf(key) + 1) % 3;
    for (const [at, key] of keys.entries()) api.commitAt(elsewhere(key), { [key]: row(at) });
    expect(await api.data('{ totalsByKeys(keys: ["a", "x", "f"]) { sku orders } }')).toEqual({
      totalsByKeys: [{ sku: 'a', orders: 0 }, null, { sku: 'f', orders: 5 }],
    });
    const next = await api.watch(
      'subscription { totals(keys: ["b", "x"], intervalMs: 50) { removed rows { sku orders } } }',
    );
    expect(await next()).toEqual({ data: { totals: { removed: [], rows: [{ sku: 'b', orders: 1 }] } } });
    // A key of another partition is deleted there: this row stays.
    api.commitAt((elsewhere('b') + 1) % 3, { b: null });
    api.commitAt(elsewhere('x'), { x: row(9) });
    expect(await next()).toEqual({ data: { totals: { removed: [], rows: [{ sku: 'x', orders: 9 }] } } });
    api.commitAt(elsewhere('b'), { b: null });
    expect(await next()).toEqual({ data: { totals: { removed: ['Totals:b'], rows: [] } } });
  });

  test('rows of another place that come after a subscription has begun are followed, too', async () => {
    const api = ownedShop({}, { partitions: 3 });
    const next = await api.watch('subscription { totals(keys: ["a", "b"], intervalMs: 50) { kind rows { sku } } }');
    expect(await next()).toEqual({ data: { totals: { kind: 'SNAPSHOT', rows: [] } } });
    const [home, other] = [api.partitionOf('a'), (api.partitionOf('a') + 1) % 3];
    api.commitAt(other, { a: row(1) });
    const lost = ['b', 'c', 'd', 'e'].find((key) => api.partitionOf(key) !== home) ?? '';
    api.commitAt(home, { [lost]: row(1) });
    const { data } = await next();
    expect(data).toMatchObject({ totals: { kind: 'SNAPSHOT', rows: expect.arrayContaining([{ sku: 'a' }]) } });
  });

  test('pages by key over all partitions, in both directions, of ranges, and no count', async () => {
    const api = ownedShop({}, { partitions: 3 });
    const keys = Array.from({ length: 12 }, (_, at) => `k${String(at).padStart(2, '0')}`);
    api.commit(Object.fromEntries(keys.map((key, at) => [key, row(at, at % 4)])));
    const walk = async (args: string): Promise<string[]> => {
      const found: string[] = [];
      for (let after: string | null = null, page = 0; page < 20; page++) {
        const { totalsPage } = (await api.data(
          `query ($after: String) { totalsPage(first: 5, after: $after ${args}) {
            totalCount nodes { sku } pageInfo { hasNextPage endCursor } ${FRESH} } }`,
          { after },
        )) as {
          totalsPage: {
            nodes: { sku: string }[];
            totalCount: null;
            pageInfo: { hasNextPage: boolean; endCursor: string };
          };
        };
        expect(totalsPage).toMatchObject({ totalCount: null, freshness: { complete: true, partial: [] } });
        found.push(...totalsPage.nodes.map(({ sku }) => sku));
        if (!totalsPage.pageInfo.hasNextPage) return found;
        after = totalsPage.pageInfo.endCursor;
      }
      return found;
    };
    expect(await walk('')).toEqual(keys);
    expect(await walk(', orderBy: { field: SKU }')).toEqual([...keys].reverse());
    expect(await walk(', keys: { prefix: "k0" }')).toEqual(keys.slice(0, 10));
    expect(await walk(', keys: { from: "k03", to: "k07" }')).toEqual(keys.slice(3, 8));
    expect(await walk(', keys: { from: "k03", to: "k07" }, orderBy: { field: SKU }')).toEqual(
      keys.slice(3, 8).reverse(),
    );
    expect(await walk(', keys: { from: "k07", to: "k03" }')).toEqual([]);
    expect(await walk(', filter: { orders: { gte: 4 } }')).toEqual(keys.slice(4));
    // By a value: ties go by key, ascending, in either direction.
    const byCents = (from: number, sign: 1 | -1): string[] =>
      keys.slice(from).toSorted((a, b) => sign * ((keys.indexOf(a) % 4) - (keys.indexOf(b) % 4)));
    expect(await walk(', orderBy: { field: CENTS }')).toEqual(byCents(0, -1));
    expect(await walk(', orderBy: { field: CENTS, direction: ASC }')).toEqual(byCents(0, 1));
    expect(await walk(', orderBy: { field: CENTS }, filter: { orders: { gte: 4 } }')).toEqual(byCents(4, -1));
    expect(await walk(', orderBy: { field: CENTS }, keys: { from: "k09" }')).toEqual(byCents(9, -1));
    expect(await walk(', orderBy: { field: CENTS }, keys: { from: "k07", to: "k03" }')).toEqual([]);
  });

  test("another table's cursor of a page is refused", async () => {
    const value = z.object({ orders: z.int(), cents: z.int() });
    const of = table({ store: STORE, key: { sku: z.string() }, value, held: 'owner' });
    const api = ownedShop({ tables: { totals: of, others: of } });
    api.commit({ a: row(1), b: row(2) });
    type Page = Readonly<Record<'othersPage', { readonly pageInfo: { readonly endCursor: string } }>>;
    const { othersPage } = await api.data<Page>('{ othersPage(first: 1) { pageInfo { endCursor } } }');
    const after = othersPage.pageInfo.endCursor;
    const next = (root: string): string => `query ($after: String) { ${root}(after: $after) { nodes { sku } } }`;
    expect(await api.data(next('othersPage'), { after })).toEqual({ othersPage: { nodes: [{ sku: 'b' }] } });
    expect(codesOf(await api.ask(next('totalsPage'), { after }))).toEqual([
      { code: 'BAD_USER_INPUT', argument: 'after' },
    ]);
  });

  test('a filter that takes too few of all rows is refused', async () => {
    const api = ownedShop({}, { partitions: 1 });
    let at = 0;
    api.owners.ask = async () => {
      const rows = Array.from({ length: 1_000 }, () => [
        Buffer.from(`k${String(at++).padStart(6, '0')}`),
        Buffer.from('{"orders":1,"cents":1}'),
      ]) as [Buffer, Buffer][];
      return [{ kind: 'range', position: 1, stale: false, timed: false, rows, next: Buffer.from(`k${at}`) }];
    };
    const none = '{ totalsPage(filter: { orders: { lt: 0 } }) { cursor } }';
    expect(codesOf(await api.ask(none))).toEqual([{ code: 'BAD_USER_INPUT', argument: 'filter' }]);
    expect(at).toBe(20_000);
  });

  test.each([
    ['key', 'first: 50'],
    ['value', 'orderBy: { field: CENTS }'],
  ])(
    'a page by %s ends early rather than go on in rows of another commit; the next goes on behind it',
    async (_, by) => {
      const api = ownedShop({}, { partitions: 1 });
      const keys = Array.from({ length: 1_500 }, (_row, at) => `k${String(at).padStart(4, '0')}`);
      api.commit(Object.fromEntries(keys.map((key, at) => [key, row(at % 500, 1_500 - at)])));
      let commits = 0;
      const commit = (): void => {
        const note = String((commits += 1));
        const changed = [7, 507, 1_007].map((at) => [keys[at], { ...row(7, 1_500 - at), note }]);
        api.commit(Object.fromEntries(changed) as Record<string, unknown>);
      };
      commit();
      const ask = api.owners.ask.bind(api.owners);
      api.owners.ask = async (questions, waitMs) => {
        const answers = await ask(questions, waitMs);
        commit();
        return answers;
      };
      const found: string[] = [];
      const page = `query ($after: String) { totalsPage(after: $after, filter: { orders: { eq: 7 } }, ${by}) {
        nodes { sku note } pageInfo { hasNextPage endCursor } } }`;
      interface Page {
        readonly totalsPage: {
          readonly nodes: readonly { readonly sku: string; readonly note: string }[];
          readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
        };
      }
      for (let after: string | null = null; after !== '';) {
        const { totalsPage }: Page = await api.data<Page>(page, { after });
        // All rows of a page are of one commit.
        expect(new Set(totalsPage.nodes.map(({ note }) => note)).size).toBeLessThanOrEqual(1);
        found.push(...totalsPage.nodes.map(({ sku }) => sku));
        after = totalsPage.pageInfo.hasNextPage ? totalsPage.pageInfo.endCursor : '';
      }
      expect(found).toEqual(['k0007', 'k0507', 'k1007']);
    },
  );

  test('a standby answers and is not complete; a partition that does not answer is partial, or NOT_READY', async () => {
    const api = ownedShop();
    api.commit({ a: row(1), b: row(2), c: row(3), d: row(4) });
    const gone = api.partitionOf('a');
    api.owners.follow(STORE, gone);
    api.commit({ a: row(9) });
    api.owners.hold(STORE, gone, 'standby');
    expect(await api.data(`{ totals(sku: "a") { orders ${FRESH} } }`)).toMatchObject({
      totals: { orders: 1, freshness: { complete: false, partial: [] } },
    });
    api.owners.hold(STORE, gone, 'nobody');
    const ask = api.owners.ask.bind(api.owners);
    api.owners.ask = (questions) => ask(questions, 10);
    expect(codesOf(await api.ask('{ totals(sku: "a") { orders } }'))).toEqual([
      { code: 'NOT_READY', retryAfterMs: 1_000, table: 'totals', partitions: [gone] },
    ]);
    const there = ['a', 'b', 'c', 'd'].filter((key) => api.partitionOf(key) !== gone);
    expect(await api.data(`{ totalsPage { nodes { sku } ${FRESH} } tables { name rows complete } }`)).toMatchObject({
      totalsPage: { nodes: there.map((sku) => ({ sku })), freshness: { complete: false, partial: [gone] } },
      tables: [{ name: 'totals', rows: null, complete: false }],
    });
  });

  test('atLeast: what the cursor has seen is in the answer; one of nothing is refused', async () => {
    const api = ownedShop();
    api.commit({ a: row(1) });
    const { totals } = (await api.data(`{ totals(sku: "a") { ${FRESH} } }`)) as {
      totals: { freshness: { cursor: string } };
    };
    const partition = api.partitionOf('a');
    api.owners.follow(STORE, partition);
    api.commit({ a: row(2) });
    const { cursor } = (
      (await api.data(`{ totals(sku: "a") { ${FRESH} } }`)) as { totals: { freshness: { cursor: string } } }
    ).totals.freshness;
    expect(cursor).not.toBe(totals.freshness.cursor);
    api.owners.hold(STORE, partition, 'standby');
    const late = api.data('query ($c: Cursor) { totals(sku: "a", atLeast: $c) { orders } }', { c: cursor });
    api.owners.follow(STORE, partition);
    expect(await late).toEqual({ totals: { orders: 2 } });
    expect(codesOf(await api.ask('{ totals(sku: "a", atLeast: "x") { orders } }'))).toEqual([
      { code: 'BAD_USER_INPUT', argument: 'atLeast' },
    ]);
  });

  test('a value that its type refuses is left out and counted, until it is another one', async () => {
    const api = ownedShop();
    api.commit({ a: { orders: -1, cents: 1 } });
    for (let time = 0; time < 2; time++)
      expect(await api.data('{ totals(sku: "a") { id } totalsPage { nodes { id } } }')).toEqual({
        totals: null,
        totalsPage: { nodes: [] },
      });
    expect(await api.data('{ tables { unreadable } }')).toEqual({ tables: [{ unreadable: 1 }] });
    api.commit({ a: row(1) });
    expect(await api.data('{ totals(sku: "a") { orders } }')).toEqual({ totals: { orders: 1 } });
    expect(await api.data('{ tables { unreadable } }')).toEqual({ tables: [{ unreadable: 0 }] });
  });

  test('rights: rows and fields of a viewer, as of a copied table', async () => {
    const api = ownedShop({
      allow: {
        totals: (viewer) => (viewer === 'none' ? false : viewer === 'few' ? { orders: { lte: 1 } } : true),
        'totals.note': (viewer) => viewer === 'all',
      },
    });
    api.commit({ a: { ...row(1), note: 'x' }, b: row(2) });
    const source = '{ totals(sku: "b") { sku } totalsPage { nodes { sku } } node(id: "Totals:b") { id } }';
    expect(await api.ask(source, {}, 'few')).toEqual({
      data: { totals: null, totalsPage: { nodes: [{ sku: 'a' }] }, node: null },
    });
    expect(codesOf(await api.ask('{ totals(sku: "a") { sku note } }', {}, 'few'))).toEqual([{ code: 'FORBIDDEN' }]);
    expect(codesOf(await api.ask('{ totalsPage { cursor } }', {}, 'none'))).toEqual([{ code: 'FORBIDDEN' }]);
  });
});

describe('options', () => {
  const of = (held: object) =>
    table({ key: { k: z.string() }, value: z.object({ n: z.int() }), ...held, held: 'owner' });
  const base = { applicationId: 'shop', connection: { brokers: ['127.0.0.1:9'], clientId: 'test' } };

  test.each([
    ['without a token', { store: 's' }, undefined, /table one: held: 'owner' needs the option owner: \{ token \}/],
    ['an empty token', { store: 's' }, { token: '' }, /owner\.token: must be/],
    ['an unknown option', { store: 's' }, { token: 't', allowStal: true }, /owner has no allowStal: .*allowStale/],
    [
      'stale that is no boolean',
      { store: 's' },
      { token: 't', allowStale: 1 },
      /owner\.allowStale: must be true or false/,
    ],
    ['a topic', { topic: 's' }, { token: 't' }, /table one: held: 'owner' goes with store/],
    [
      'sessions',
      { store: 's', session: {} },
      { token: 't' },
      /table one: held: 'owner' is for stores without sessions/,
    ],
  ])('%s is refused', (_, held, owner, message) => {
    const options = { ...base, tables: { one: of(held) }, ...(owner === undefined ? {} : { owner }) };
    expect(() =>
      createFedLiveApi(
        options as never,
        () => ({ close: async () => undefined }),
        () => never(),
      ),
    ).toThrow(message);
  });

  test('an API that its application fills has no owners to ask', () => {
    const model = createLiveModel({ applicationId: 'shop', logger: quietLogger, tables: {} });
    expect(() =>
      createFilledLiveApi(model as never, {
        applicationId: 'shop',
        tables: { one: of({ store: 's' }) },
        owner: { token: 't' },
      }),
    ).toThrow(/table one: held: 'owner' is for createLiveApi/);
  });
});

function never(): never {
  throw new Error('nobody is asked');
}
