import { describe, expect, test } from '@jest/globals';

import { compileFilter } from '../../tables/row-filter.ts';
import { attackedShop } from './attacked-shop.ts';
import { closeBehindEachTest } from '../support/asked-api.ts';

closeBehindEachTest();

const page = 'query ($filter: SkusFilter) { skusPage(filter: $filter, first: 100) { totalCount nodes { sku } } }';
const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

describe('parts of filters that compare nothing', () => {
  const options = { fields: [], keyName: 'sku', argument: 'filter' };
  const all = compileFilter({}, options);
  const none = compileFilter({ or: [] }, options);

  test.each([
    [{ and: many(30_000, {}) }, all],
    [{ or: many(30_000, { or: [] }) }, none],
    [{ and: many(30_000, { or: [{}] }) }, all],
    [{ not: { or: many(30_000, { and: many(1, { or: [] }) }) } }, all],
    [{ not: { and: [] } }, none],
    [{ and: [{}, { or: [] }] }, none],
    [{ or: [{ or: [] }, { not: { or: [] } }] }, all],
  ])('cost no row a test, however many they are', (filter, same) => {
    expect(compileFilter(filter, options)).toBe(same);
  });

  test('change nothing of what the others take', async () => {
    const shop = attackedShop();
    for (const [sku, orders] of Object.entries({ a: 1, b: 2, c: 3 })) shop.sku(sku, { orders });
    const taken = async (filter: unknown): Promise<string> =>
      (await shop.data<{ skusPage: { nodes: { sku: string }[] } }>(page, { filter })).skusPage.nodes
        .map(({ sku }) => sku)
        .join('');
    const two = { orders: { eq: 2 } };
    expect(await taken({ and: [{}, two, {}] })).toBe('b');
    expect(await taken({ or: [{ or: [] }, two] })).toBe('b');
    expect(await taken({ or: [two, {}] })).toBe('abc');
    expect(await taken({ not: { and: [two, { or: [] }] } })).toBe('abc');
    expect(await taken({ not: { or: [two, { sku: { eq: 'a' } }] }, and: [] })).toBe('c');
    expect(await taken({ and: [two], or: [] })).toBe('');
  });
});

describe('limits of filters', () => {
  const leaf = { orders: { gt: 0 } };
  const nested = (levels: number): unknown => (levels === 0 ? leaf : { not: nested(levels - 1) });

  test.each([
    ['ten comparisons', { and: many(10, leaf) }, undefined],
    ['an eleventh', { and: many(11, leaf) }, 'filter'],
    ['an eleventh in one field', { orders: { eq: 1, in: [1], lt: 2 }, or: many(8, leaf) }, 'filter'],
    ['an eleventh behind what takes all', { or: [{}, ...many(11, leaf)] }, 'filter'],
    ['twenty levels', nested(20), undefined],
    ['twenty-one', nested(21), 'filter'],
  ])('%s', async (_what, filter, argument) => {
    const refused = argument === undefined ? undefined : [{ code: 'BAD_USER_INPUT', argument }];
    const shop = attackedShop();
    expect(await shop.errors(page, { filter })).toEqual(refused);
    const watched = shop.watch('subscription ($filter: SkusFilter) { skus(filter: $filter) { kind } }', { filter });
    if (refused === undefined) await expect((await watched)()).resolves.toMatchObject({ data: {} });
    else await expect(watched).rejects.toThrow('"argument":"filter"');
  });

  test('a list of thousands to compare with is one comparison, and finds what it names', async () => {
    const shop = attackedShop();
    shop.sku('a', { orders: 7 });
    const filter = { orders: { in: Array.from({ length: 20_000 }, (_, at) => at) } };
    expect(await shop.data(page, { filter })).toEqual({ skusPage: { totalCount: 1, nodes: [{ sku: 'a' }] } });
  });
});

describe('null', () => {
  const rows = { some: { note: 'x', units: 5, day: '2026-01-31' }, none: {} };

  test.each([
    [{ note: { isNull: true } }, ['none']],
    [{ note: { isNull: false } }, ['some']],
    [{ note: { isNull: null } }, ['none', 'some']],
    [{ note: { eq: null } }, ['none', 'some']],
    [{ note: null }, ['none', 'some']],
    [{ note: {} }, ['none', 'some']],
    [{ note: { eq: 'x' } }, ['some']],
    [{ not: { note: { eq: 'x' } } }, ['none']],
    [{ not: { note: { eq: 'y' } } }, ['none', 'some']],
    [{ note: { gte: '' } }, ['some']],
    [{ note: { in: [] } }, []],
    [{ not: { note: { in: [] } } }, ['none', 'some']],
    [{ note: { prefix: '' } }, ['some']],
    [{ note: { contains: '' } }, ['some']],
    [{ units: { lt: '99999999999999999999' } }, ['some']],
    [{ units: { isNull: true, eq: 5 } }, []],
    [{ day: { gt: '2026-01-30', lt: '2026-02-01' } }, ['some']],
    [{ not: { day: { lt: '2026-01-01' } } }, ['none', 'some']],
    [{ sku: { isNull: true } }, []],
  ])('%j', async (filter, expected) => {
    const shop = attackedShop();
    for (const [sku, value] of Object.entries(rows)) shop.sku(sku, value);
    const { skusPage } = await shop.data<{ skusPage: { totalCount: number; nodes: { sku: string }[] } }>(page, {
      filter,
    });
    expect(skusPage.nodes.map(({ sku }) => sku)).toEqual(expected);
    expect(skusPage.totalCount).toBe(expected.length);
  });
});

describe('instants', () => {
  const written = {
    utc: '2026-01-01T00:00:00Z',
    east: '2026-01-01T01:00:00+01:00',
    west: '2025-12-31T19:00:00.000-05:00',
    fine: '2026-01-01T00:00:00.0009Z',
    later: '2026-01-01T00:00:00.001Z',
    early: '0001-01-01T00:00:00Z',
  };

  test('are compared by their time, in filters as in orders; equal ones go by key', async () => {
    const shop = attackedShop();
    for (const [sku, at] of Object.entries(written)) shop.sku(sku, { at });
    shop.sku('none', {});
    const ofFilter = (at: unknown) => shop.data(page, { filter: { at } });
    const same = ['east', 'fine', 'utc', 'west'].map((sku) => ({ sku }));
    expect(await ofFilter({ eq: '2026-01-01T02:00:00+02:00' })).toEqual({ skusPage: { totalCount: 4, nodes: same } });
    expect(await ofFilter({ in: ['2026-01-01T00:00:00.001Z', '0001-01-01T00:00:00Z'] })).toMatchObject({
      skusPage: { nodes: [{ sku: 'early' }, { sku: 'later' }] },
    });
    const orders = { ASC: ['early', 'east', 'fine', 'utc', 'west', 'later', 'none'] };
    for (const [direction, expected] of Object.entries({
      ...orders,
      DESC: ['later', ...same.map((one) => one.sku), 'early', 'none'],
    })) {
      const seen: string[] = [];
      let after: string | null = null;
      do {
        const answer: {
          skusPage: { nodes: { sku: string }[]; pageInfo: { endCursor: string; hasNextPage: boolean } };
        } = await shop.data(
          `query ($after: String) { skusPage(first: 1, after: $after, orderBy: { field: AT, direction: ${direction} }) {
              nodes { sku } pageInfo { endCursor hasNextPage } } }`,
          { after },
        );
        seen.push(...answer.skusPage.nodes.map(({ sku }) => sku));
        after = answer.skusPage.pageInfo.hasNextPage ? answer.skusPage.pageInfo.endCursor : null;
      } while (after !== null);
      expect(seen).toEqual(expected);
    }
  });
});
