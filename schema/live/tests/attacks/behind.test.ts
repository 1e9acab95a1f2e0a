import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { attackedShop, HOUR_MS, type AttackedShop } from './attacked-shop.ts';
import { closeBehindEachTest } from '../support/asked-api.ts';

closeBehindEachTest();

/* Questions that this instance cannot answer yet, and rows of every kind by their ids. */

const BEGIN_MS = Date.UTC(2026, 0, 1);
/** Longer than a cursor is waited for. */
const LONG_MS = 2_500;

beforeEach(() => void jest.useFakeTimers({ now: BEGIN_MS }));
afterEach(() => void jest.useRealTimers());

async function ahead(shop: AttackedShop, table: string): Promise<string> {
  const data = await shop.data<Record<string, { cursor: string }>>(`{ ${table}Page { cursor } }`);
  const content = JSON.parse(Buffer.from(data[`${table}Page`]?.cursor ?? '', 'base64url').toString()) as object;
  return Buffer.from(JSON.stringify({ ...content, p: { 0: 5 } })).toString('base64url');
}

const FROM_TO = 'from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z"';

test.each([
  ['skus', 'skus(sku: "a", atLeast: $c) { sku }'],
  ['skus', 'skusByKeys(keys: ["a"], atLeast: $c) { sku }'],
  ['skus', 'skusPage(atLeast: $c) { cursor }'],
  ['hours', `hours(country: "DE", ${FROM_TO}, atLeast: $c) { country }`],
  ['hours', 'hoursPage(atLeast: $c) { cursor }'],
  ['visits', `visits(person: "p", ${FROM_TO}, atLeast: $c) { person }`],
  ['visits', 'visitsPage(atLeast: $c) { cursor }'],
])('%s: a cursor that this copy has not reached is waited for, and then NOT_READY: %s', async (table, root) => {
  const shop = attackedShop();
  shop.sku('a', {});
  shop.hour('DE', BEGIN_MS, { orders: 1 });
  shop.visit('p', BEGIN_MS, BEGIN_MS + 1, { pages: 1 });
  const c = await ahead(shop, table);
  const asked = shop.errors(`query ($c: Cursor) { ${root} }`, { c });
  await jest.advanceTimersByTimeAsync(LONG_MS);
  expect(await asked).toEqual([expect.objectContaining({ code: 'NOT_READY' })]);
});

test('many rows of all tables by their ids in one operation, those that are not there among them', async () => {
  const shop = attackedShop();
  for (const key of ['a', 'b', 'c']) shop.sku(key, { orders: key.charCodeAt(0) });
  for (let hour = 0; hour < 3; hour += 1) shop.hour('DE', BEGIN_MS + hour * HOUR_MS, { orders: hour });
  shop.visit('p', BEGIN_MS, BEGIN_MS + 7, { pages: 3 });
  const page = `{ skusPage { nodes { id } } hoursPage { nodes { id } } visitsPage { nodes { id } } }`;
  const found = await shop.data<Record<string, { nodes: { id: string }[] }>>(page);
  const ids = Object.values(found).flatMap(({ nodes }) => nodes.map(({ id }) => id));
  expect(ids).toHaveLength(7);
  const asked = [...ids, 'Skus:none', 'Hours:DE', 'nothing', ''];
  const fields = asked.map((id, at) => `n${String(at)}: node(id: ${JSON.stringify(id)}) { __typename id }`);
  const data = await shop.data(`{ ${fields.join(' ')} }`);
  expect(asked.map((_, at) => (data as Record<string, { id: string } | null>)[`n${String(at)}`]?.id ?? null)).toEqual([
    ...ids,
    ...[null, null, null, null],
  ]);
});

test('a session that grows into another one takes its place, for who follows and for who asks', async () => {
  const shop = attackedShop();
  shop.visit('p', BEGIN_MS, BEGIN_MS + 10, { pages: 1 });
  shop.visit('p', BEGIN_MS + 60, BEGIN_MS + 70, { pages: 2 });
  const next = await shop.watch('subscription { visits(intervalMs: 50) { kind removed rows { id pages } } }');
  const first = next();
  await jest.advanceTimersByTimeAsync(60);
  const { data } = (await first) as unknown as { data: { visits: { rows: { id: string }[] } } };
  const ids = data.visits.rows.map(({ id }) => id);
  expect(ids).toHaveLength(2);
  // As a session store writes it: the two are deleted, and one that has all comes.
  shop.visit('p', BEGIN_MS, BEGIN_MS + 10, null);
  shop.visit('p', BEGIN_MS + 60, BEGIN_MS + 70, null);
  shop.visit('p', BEGIN_MS, BEGIN_MS + 70, { pages: 4 });
  const second = next();
  await jest.advanceTimersByTimeAsync(60);
  const update = (await second) as unknown as { data: { visits: { removed: string[]; rows: { pages: number }[] } } };
  expect(update.data.visits.removed.toSorted()).toEqual(ids.toSorted());
  expect(update.data.visits.rows).toEqual([expect.objectContaining({ pages: 4 })]);
  expect(await shop.data('{ visitsPage { nodes { pages } } }')).toEqual({ visitsPage: { nodes: [{ pages: 4 }] } });
});
