import { describe, expect, test } from '@jest/globals';

import { attackedShop, type AttackedShop } from './attacked-shop.ts';
import { closeBehindEachTest } from '../support/asked-api.ts';

closeBehindEachTest();

const ask = 'query ($c: Cursor) { skus(sku: "a", atLeast: $c) { sku } }';
const watch = 'subscription ($c: Cursor) { skus(after: $c, intervalMs: 50) { kind cursor removed rows { sku } } }';

async function cursorOf(shop: AttackedShop): Promise<string> {
  return (await shop.data<{ skusPage: { cursor: string } }>('{ skusPage { cursor } }')).skusPage.cursor;
}

function forged(cursor: string, change: object): string {
  const content = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as object;
  return Buffer.from(JSON.stringify({ ...content, ...change })).toString('base64url');
}

describe('cursors that this table has not given', () => {
  const cases: Readonly<Record<string, (good: string) => string>> = {
    'no text': () => '',
    'no cursor': () => 'x',
    'of 70,000 letters': () => 'x'.repeat(70_000),
    'cut short': (good) => good.slice(0, -4),
    'of another application': (good) => forged(good, { a: 'other' }),
    'of another table': (good) => forged(good, { s: 'hours' }),
    'of another format': (good) => forged(good, { f: 2 }),
    'of an invented partition': (good) => forged(good, { p: { 0: 1, 7: 5 } }),
    'of a thousand invented ones': (good) =>
      forged(good, { p: Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [at + 1, 9])) }),
    'of a partition that is no number': (good) => forged(good, { p: { x: 1 } }),
    'of a part of an offset': (good) => forged(good, { p: { 0: 1.5 } }),
    'of an offset below zero': (good) => forged(good, { p: { 0: -1 } }),
    'with a time that is none': (good) => forged(good, { w: 1e300 }),
    'with a list in the place of offsets': (good) => forged(good, { p: [] }),
  };

  test.each(Object.entries(cases))(
    '%s: BAD_USER_INPUT for a query, a SNAPSHOT for a subscription',
    async (_what, make) => {
      const shop = attackedShop();
      shop.sku('a', {});
      const c = make(await cursorOf(shop));
      expect(await shop.errors(ask, { c })).toEqual([{ code: 'BAD_USER_INPUT', argument: 'atLeast' }]);
      const next = await shop.watch(watch, { c });
      expect(await next()).toMatchObject({ data: { skus: { kind: 'SNAPSHOT', removed: [], rows: [{ sku: 'a' }] } } });
    },
  );

  test.each([
    ['no text', ''],
    ['of an update', 'update'],
    ['of 100,000 letters', 'x'.repeat(100_000)],
    ['a list', Buffer.from('[]').toString('base64url')],
    ['of another table', Buffer.from('["hours","cents","DESC","a",0,0,1]').toString('base64url')],
    ['of no table', Buffer.from('["cents","DESC","a",0,0,1]').toString('base64url')],
    ['of another order', Buffer.from('["skus","cents","ASC","a",0,0,1]').toString('base64url')],
    ['with a value of another kind', Buffer.from('["skus","cents","DESC","a",0,0,"1"]').toString('base64url')],
    ['with an object as value', Buffer.from('["skus","cents","DESC","a",0,0,{"n":"x"}]').toString('base64url')],
    ['with times that are none', Buffer.from('["skus","cents","DESC","a",1.5,0,1]').toString('base64url')],
    ['with an end that is none', Buffer.from('["skus","cents","DESC","a",0,1.5,1]').toString('base64url')],
    ['of one field more', Buffer.from('["skus","cents","DESC","a",0,0,1,1]').toString('base64url')],
  ])('for the next page %s: BAD_USER_INPUT', async (what, after) => {
    const shop = attackedShop();
    shop.sku('a', {});
    const given = what === 'of an update' ? await cursorOf(shop) : after;
    const source = 'query ($after: String) { skusPage(after: $after, orderBy: { field: CENTS }) { cursor } }';
    expect(await shop.errors(source, { after: given })).toEqual([{ code: 'BAD_USER_INPUT', argument: 'after' }]);
  });
});

test("a page's cursor goes on with its own table alone, though both are ordered by text", async () => {
  const shop = attackedShop();
  for (const key of ['a', 'b']) shop.sku(key, {});
  shop.hour('b', 0, { orders: 1 });
  const page = 'first: 1) { nodes { sku } pageInfo { endCursor } }';
  const { skusPage } = await shop.data<{ skusPage: { pageInfo: { endCursor: string } } }>(`{ skusPage(${page} }`);
  const after = skusPage.pageInfo.endCursor;
  expect(await shop.data(`query ($after: String) { skusPage(after: $after, ${page} }`, { after })).toMatchObject({
    skusPage: { nodes: [{ sku: 'b' }] },
  });
  const foreign = 'query ($after: String) { hoursPage(after: $after) { totalCount } }';
  expect(await shop.errors(foreign, { after })).toEqual([{ code: 'BAD_USER_INPUT', argument: 'after' }]);
});

describe('cursors that are ahead', () => {
  test('many queries wait with few looks at the positions, and none goes on before what it waits for', async () => {
    const shop = attackedShop();
    shop.sku('a', {});
    const c = forged(await cursorOf(shop), { p: { 0: 3, '00': 2 } });
    let looks = 0;
    shop.model.followPositions(() => {
      looks += 1;
      return new Map([['shop-skus-changelog-0', 0]]);
    });
    let answered = 0;
    const aliases = Array.from({ length: 15 }, (_, at) => `a${at}: skus(sku: "c", atLeast: $c) { sku }`);
    const answers = Array.from({ length: 20 }, async () => {
      const data = await shop.data(`query ($c: Cursor) { ${aliases.join(' ')} }`, { c });
      answered += 1;
      return data;
    });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    for (let at = 0; at < 5; at++) await turn();
    looks = 0;
    shop.sku('b', {});
    for (let at = 0; at < 5; at++) await turn();
    expect(answered).toBe(0);
    // 300 fields wait.
    expect(looks).toBeLessThan(20);
    shop.sku('c', {});
    const [first] = await Promise.all(answers);
    expect(first).toMatchObject({ a0: { sku: 'c' }, a14: { sku: 'c' } });
  });
});

test('100 subscriptions with a filter each hold what a query gives, through 200 changes', async () => {
  const shop = attackedShop();
  const filters = Array.from({ length: 100 }, (_, at) => {
    const of = [
      { orders: { eq: at % 7 } },
      { cents: { gt: at % 11 } },
      { note: { isNull: at % 2 === 0 } },
      { sku: { prefix: `k${at % 5}` } },
      { not: { orders: { in: [at % 7, at % 3] } } },
      { or: [{ cents: { lt: at % 4 } }, { note: { contains: String(at % 9) } }] },
      { units: { gte: String(at) } },
    ];
    return of[at % of.length];
  });
  const fields = 'id sku orders cents note units';
  const source = `subscription ($filter: SkusFilter) {
    skus(filter: $filter, intervalMs: 50) { kind removed rows { ${fields} } cursor }
  }`;
  interface Rows {
    readonly skus: { kind: string; cursor: string; removed: string[]; rows: { id: string }[] };
  }
  const held = await Promise.all(
    filters.map(async (filter) => ({
      filter,
      next: await shop.watch(source, { filter }),
      rows: new Map<string, object>(),
      cursor: '',
    })),
  );
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  const change = (): void => {
    const key = `k${random(40)}`;
    if (random(4) === 0) return shop.sku(key, null);
    shop.sku(key, {
      orders: random(7),
      cents: random(12),
      ...(random(2) === 0 ? { note: String(random(100)) } : {}),
      ...(random(2) === 0 ? { units: String(random(100)) } : {}),
    });
  };
  const follow = async (one: (typeof held)[number]): Promise<void> => {
    const { skus } = (await one.next()).data as unknown as Rows;
    if (skus.kind === 'SNAPSHOT') one.rows.clear();
    for (const id of skus.removed) expect(one.rows.delete(id)).toBe(true);
    for (const row of skus.rows) one.rows.set(row.id, row);
    one.cursor = skus.cursor;
  };
  await Promise.all(held.map(follow));
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < 100; at++) change();
    const page = `query ($filter: SkusFilter) {
      skusPage(first: 100, filter: $filter) { cursor nodes { ${fields} } }
    }`;
    for (const one of held) {
      const { skusPage } = await shop.data<{ skusPage: { cursor: string; nodes: object[] } }>(page, {
        filter: one.filter,
      });
      const { nodes: all, cursor: state } = skusPage;
      const differs = JSON.stringify(sorted([...one.rows.values()])) !== JSON.stringify(sorted(all));
      if (differs) await follow(one);
      expect(sorted([...one.rows.values()])).toEqual(sorted(all));
      if (differs) expect(one.cursor).toBe(state);
    }
  }
});

function sorted(rows: object[]): object[] {
  return rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
