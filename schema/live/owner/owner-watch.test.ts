import { expect, test } from '@jest/globals';
import type { ExecutionResult } from 'graphql';

import { until } from '../../../tests/support/until.ts';
import { codesOf, ownedShop, STORE } from '../tests/owned-tables/owned-shop.ts';
import { closeBehindEachTest } from '../tests/support/asked-api.ts';

closeBehindEachTest();

const row = (orders: number, cents = orders): object => ({ orders, cents });
const UPDATE = 'kind cursor more removed rows { id orders } freshness { complete partial cursor }';
interface Update {
  readonly kind: string;
  readonly cursor: string;
  readonly more: boolean;
  readonly removed: string[];
  readonly rows: { readonly id: string; readonly orders: number }[];
}
const updateOf = ({ data }: ExecutionResult): Update => (data as unknown as { totals: Update }).totals;

test('by keys: a snapshot, changed and removed rows; the cursor is the one of a query', async () => {
  const api = ownedShop({}, { partitions: 1 });
  api.commit({ a: row(1), b: row(2), c: row(3) });
  const next = await api.watch(`subscription { totals(keys: ["a", "b", "x"], intervalMs: 50) { ${UPDATE} } }`);
  expect(updateOf(await next())).toMatchObject({
    kind: 'SNAPSHOT',
    more: false,
    removed: [],
    rows: [
      { id: 'Totals:a', orders: 1 },
      { id: 'Totals:b', orders: 2 },
    ],
    freshness: { complete: true, partial: [] },
  });
  api.commit({ a: null, b: row(7), c: row(8), x: row(9) });
  const update = updateOf(await next());
  expect(update).toMatchObject({
    kind: 'DELTA',
    removed: ['Totals:a'],
    rows: [
      { id: 'Totals:b', orders: 7 },
      { id: 'Totals:x', orders: 9 },
    ],
  });
  expect(await api.data('{ totalsPage { cursor } }')).toEqual({ totalsPage: { cursor: update.cursor } });
  // What is not subscribed wakes nobody, and is in no update.
  api.commit({ c: row(10) });
  api.commit({ a: row(11) });
  expect(updateOf(await next()).rows).toEqual([{ id: 'Totals:a', orders: 11 }]);
});

test('a range by order and first, out of which one row drives another, and a filter that one leaves', async () => {
  const api = ownedShop();
  api.commit({ ka: row(1), kb: row(2), kc: row(3), z: row(100) });
  const first = await api.watch(
    `subscription { totals(range: { prefix: "k" }, first: 2, orderBy: { field: CENTS }, intervalMs: 50) {
      ${UPDATE} } }`,
  );
  const filtered = await api.watch(
    `subscription { totals(range: { from: "ka", to: "kb" }, filter: { orders: { lt: 5 } }, intervalMs: 50) {
      ${UPDATE} } }`,
  );
  expect(updateOf(await first()).rows.map(({ id }) => id)).toEqual(['Totals:kc', 'Totals:kb']);
  expect(updateOf(await filtered()).rows.map(({ id }) => id)).toEqual(['Totals:ka', 'Totals:kb']);
  api.commit({ ka: row(9) });
  expect(updateOf(await first())).toMatchObject({ removed: ['Totals:kb'], rows: [{ id: 'Totals:ka' }] });
  expect(updateOf(await filtered())).toMatchObject({ removed: ['Totals:ka'], rows: [] });
});

test('a subscription to all rows is refused, and so is a range of too many', async () => {
  const api = ownedShop({}, { maxRows: 2 });
  api.commit({ a: row(1), b: row(2), c: row(3) });
  await expect(api.watch('subscription { totals { kind } }')).rejects.toThrow(/"argument":"keys"|keys.*range/);
  await expect(api.watch('subscription { totals(range: { from: "a" }) { kind } }')).rejects.toThrow(/maxRows/);
  const next = await api.watch('subscription { totals(range: { to: "b" }, intervalMs: 50) { kind } }');
  await next();
  api.commit({ aa: row(1) });
  await expect(next()).rejects.toMatchObject({ extensions: { code: 'TABLE_TOO_LARGE' } });
});

test('ranges of all subscribers are bounded together; who is refused or leaves holds nothing', async () => {
  const api = ownedShop({ limits: { maxFollowedBytes: 12_000 } }, { partitions: 1 });
  const large = { ...row(1), note: 'x'.repeat(2_000) };
  api.commit({ a1: large, a2: large, b1: large, b2: large });
  const range = (prefix: string): ReturnType<typeof api.watch> =>
    api.watch(`subscription { totals(range: { prefix: "${prefix}" }, intervalMs: 50) { ${UPDATE} } }`);
  const first = await range('a');
  await first();
  await expect(range('')).rejects.toThrow(/"code":"TOO_MANY_SUBSCRIPTIONS"/);
  const byKeys = await api.watch(`subscription { totals(keys: ["a1", "a2", "b1", "b2"], intervalMs: 50) { kind } }`);
  await byKeys();
  // Those that come into a range end the subscription that they are too many for, and no other.
  const second = await range('b');
  await second();
  api.commit({ a1: null, b1: { ...large, orders: 2 } });
  expect(updateOf(await second()).rows.map(({ orders }) => orders)).toEqual([2]);
  expect(updateOf(await first()).removed).toEqual(['Totals:a1']);
  api.commit({ a3: large, b3: large });
  await expect(second()).rejects.toMatchObject({ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } });
  expect(updateOf(await first()).rows.map(({ id }) => id)).toEqual(['Totals:a3']);
  await first.close();
  const third = await range('b');
  expect(updateOf(await third()).rows).toHaveLength(3);
});

test('each partition is read once for all who follow it, and no more after the last one', async () => {
  const api = ownedShop();
  api.commit({ a: row(1), b: row(2), c: row(3), d: row(4) });
  const key = await api.watch('subscription { totals(keys: ["a"], intervalMs: 50) { kind } }');
  await key();
  expect(api.tail.partitions).toEqual([api.partitionOf('a')]);
  const range = await api.watch('subscription { totals(range: { from: "a" }, intervalMs: 50) { kind } }');
  await range();
  expect([api.tails.length, api.tail.partitions]).toEqual([1, [0, 1]]);
  await range.close();
  expect(api.tail.partitions).toEqual([api.partitionOf('a')]);
  await key.close();
  await until(() => api.tail.isClosed, 'the end of the changelog');
});

test('what a changelog that others follow brings late is older than the snapshot, and changes nothing', async () => {
  const api = ownedShop({}, { partitions: 1 });
  api.commit({ a: row(1) });
  const first = await api.watch(`subscription { totals(keys: ["a"], intervalMs: 50) { ${UPDATE} } }`);
  await first();
  api.delivers = false;
  api.commit({ a: row(2) });
  api.commit({ a: row(3) });
  const second = await api.watch(`subscription { totals(keys: ["a"], intervalMs: 50) { ${UPDATE} } }`);
  expect(updateOf(await second()).rows).toEqual([{ id: 'Totals:a', orders: 3 }]);
  api.tail.deliver(0, 1);
  expect(updateOf(await first()).rows).toEqual([{ id: 'Totals:a', orders: 2 }]);
  api.tail.deliver(0);
  expect(updateOf(await first()).rows).toEqual([{ id: 'Totals:a', orders: 3 }]);
  api.delivers = true;
  api.commit({ a: row(4) });
  expect(updateOf(await second()).rows).toEqual([{ id: 'Totals:a', orders: 4 }]);
});

test('who resumes gets nothing that is older than his cursor', async () => {
  const api = ownedShop({}, { partitions: 1 });
  api.commit({ a: row(1) });
  api.owners.follow(STORE, 0);
  const next = await api.watch(`subscription { totals(keys: ["a"], intervalMs: 50) { ${UPDATE} } }`);
  await next();
  api.commit({ a: row(2) });
  const { cursor } = updateOf(await next());
  await next.close();
  api.owners.hold(STORE, 0, 'standby');
  const again = api.watch(`subscription ($after: Cursor) { totals(keys: ["a"], after: $after) { ${UPDATE} } }`, {
    after: cursor,
  });
  api.owners.follow(STORE, 0);
  expect(updateOf(await (await again)())).toMatchObject({ kind: 'SNAPSHOT', rows: [{ orders: 2 }] });
});

test('a changelog that has lost its place, or cannot be read, is begun anew with a snapshot', async () => {
  const api = ownedShop({}, { partitions: 1 });
  api.commit({ a: row(1), b: row(1) });
  const next = await api.watch(`subscription { totals(keys: ["a", "b"], intervalMs: 50) { ${UPDATE} } }`);
  await next();
  api.delivers = false;
  api.commit({ a: null, b: row(2) });
  api.tail.outOfRange(0);
  expect(updateOf(await next())).toMatchObject({ kind: 'SNAPSHOT', rows: [{ id: 'Totals:b', orders: 2 }] });
  api.delivers = true;
  api.commit({ a: row(3) });
  expect(updateOf(await next())).toMatchObject({ kind: 'DELTA', rows: [{ id: 'Totals:a', orders: 3 }] });
});

test('one that is too large comes in parts, and goes on with what changed since its first', async () => {
  const api = ownedShop({}, { partitions: 1, maxRows: 20_000 });
  const many = Array.from({ length: 10_001 }, (_, at) => [`k${String(at).padStart(5, '0')}`, row(at)]);
  api.commit(Object.fromEntries(many) as Record<string, unknown>);
  const next = await api.watch(`subscription { totals(range: { prefix: "k" }, intervalMs: 50) { ${UPDATE} } }`);
  const first = updateOf(await next());
  expect([first.kind, first.more, first.rows.length]).toEqual(['SNAPSHOT', true, 10_000]);
  api.commit({ k00000: row(77) });
  const second = updateOf(await next());
  expect([second.kind, second.more, second.rows.length]).toEqual(['SNAPSHOT', false, 1]);
  expect(updateOf(await next())).toMatchObject({ kind: 'DELTA', rows: [{ id: 'Totals:k00000', orders: 77 }] });
});

test('rights: what a viewer may not see is in no update', async () => {
  const api = ownedShop({ allow: { totals: (viewer) => (viewer === 'few' ? { orders: { lte: 1 } } : true) } });
  api.commit({ a: row(1), b: row(2) });
  const next = await api.watch(
    'subscription { totals(keys: ["a", "b"], intervalMs: 50) { removed rows { sku } } }',
    {},
    'few',
  );
  expect(await next()).toEqual({ data: { totals: { removed: [], rows: [{ sku: 'a' }] } } });
  api.commit({ b: null });
  api.commit({ a: row(2) });
  expect(await next()).toEqual({ data: { totals: { removed: ['Totals:a'], rows: [] } } });
  const ask = api.owners.ask.bind(api.owners);
  api.owners.ask = (questions) => ask(questions, 10);
  api.owners.hold(STORE, api.partitionOf('a'), 'nobody');
  await expect(api.watch('subscription { totals(keys: ["a"]) { kind } }')).rejects.toThrow(/No processor has answered/);
});

test('resolvers of an application read it as any other table', async () => {
  interface Context {
    readonly tables: Readonly<
      Record<string, { getMany(keys: string[]): Promise<({ orders: number } | null)[]>; page(): Promise<object> }>
    >;
  }
  const api = ownedShop({
    extend: {
      typeDefs:
        'extend type Query { "Orders of two articles." both(a: String!, b: String!): [Int]! "Rows." some: String }',
      resolvers: {
        Query: {
          both: async (_: unknown, { a, b }: { a: string; b: string }, { tables }: Context) =>
            (await tables['totals']?.getMany([a, b]))?.map((found) => found?.orders ?? null),
          some: async (_: unknown, __: unknown, { tables }: Context) => JSON.stringify(await tables['totals']?.page()),
        },
      },
    },
  });
  api.commit({ a: row(1), b: row(2) });
  const { both, some } = await api.data('{ both(a: "b", b: "x") some }');
  expect(both).toEqual([2, null]);
  expect(JSON.parse(String(some))).toMatchObject({
    totalCount: null,
    hasNextPage: false,
    rows: [{ sku: 'a' }, { sku: 'b' }],
  });
  expect(codesOf(await api.ask('{ totals(sku: "a") { sku } }'))).toBeUndefined();
});
