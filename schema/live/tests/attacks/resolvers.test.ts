import { describe, expect, test } from '@jest/globals';

import type { TableAccess } from '../../tables/tables-context.ts';
import { closeBehindEachTest } from '../support/asked-api.ts';
import { ownedShop } from '../owned-tables/owned-shop.ts';
import { attackedShop, HOUR_MS } from './attacked-shop.ts';

closeBehindEachTest();

type Tables = Readonly<Record<'skus' | 'hours' | 'visits' | 'totals', TableAccess>>;
type Asked = (tables: Tables) => Promise<unknown>;

const extendedBy = (ask: Asked) => ({
  typeDefs: 'extend type Query { "What the application says." told: JSON }',
  resolvers: { Query: { told: (_: unknown, __: unknown, { tables }: { tables: Tables }) => ask(tables) } },
});

/** What a resolver of the application is told: its data, or of an error the argument and the message. */
async function told(ask: Asked): Promise<unknown> {
  const shop = attackedShop({ extend: extendedBy(ask) });
  for (const [sku, cents] of Object.entries({ a: 3, b: 1 })) shop.sku(sku, { cents });
  for (const country of ['DE', 'FR']) shop.hour(country, HOUR_MS, { orders: 1 });
  shop.visit('p', HOUR_MS, HOUR_MS + 1, { pages: 1 });
  const { data, errors } = await shop.ask('{ told }');
  return errors === undefined ? data?.['told'] : errors.map(({ message, extensions }) => [extensions, message]);
}

const odd = (request: object): never => request as never;

describe('what a resolver asks of a table', () => {
  test.each<[string, Asked, RegExp | string]>([
    [
      'an option of pages',
      ({ skus }) => skus.page(odd({ frist: 1 })),
      /page\(\) of the table skus .*did you mean "first"/,
    ],
    [
      'an option of changes',
      ({ skus }) => skus.watch(odd({ interval: 50 })),
      /watch\(\) of the table skus has no option/,
    ],
    ['no options', ({ skus }) => skus.page(odd([])), /page\(\) of the table skus takes an object/],
    ['windows of a table without', ({ skus }) => skus.page({ from: 1 }), /no "from": its rows are of no windows/],
    ['the last of a table without', ({ skus }) => skus.watch({ last: 1 }), /no "last": its rows are of no windows/],
    ['a value without comparison', ({ skus }) => skus.page({ filter: { cents: 1 } }), /"cents" without saying how/],
    ['another comparison', ({ skus }) => skus.page({ filter: { cents: { is: 1 } } }), /"cents" by "is"/],
    ['another field', ({ skus }) => skus.page({ filter: { cent: { eq: 1 } } }), /"cent", which is no field/],
    [
      'a value of another type',
      ({ skus }) => skus.page({ filter: { cents: { eq: '1' } } }),
      /"cents" by "eq" with no value/,
    ],
    ['one of them in a list', ({ skus }) => skus.page({ filter: { cents: { in: [1, '1'] } } }), /"cents" by "in" with/],
    [
      'a value in the place of a list',
      ({ skus }) => skus.watch({ filter: { cents: { in: 1 } } }),
      /"cents" by "in" with/,
    ],
    ['a text to be null', ({ skus }) => skus.page({ filter: { note: { isNull: 'no' } } }), /"note" by "isNull" with/],
    ['the beginning of a number', ({ skus }) => skus.page({ filter: { cents: { prefix: 1 } } }), /"cents" by "prefix"/],
    ['a list as filter', ({ skus }) => skus.page({ filter: odd([{ cents: { eq: 1 } }]) }), /the filter is no object/],
    [
      'a filter in the place of a list',
      ({ skus }) => skus.page({ filter: { or: {} } }),
      /"or" of the filter take lists/,
    ],
    ['keys that are no range', ({ skus }) => skus.page({ keys: odd(['a']) }), 'keys'],
    ['a list as range', ({ skus }) => skus.page({ keys: odd([]) }), 'keys'],
    ['another end of a range', ({ skus }) => skus.page({ keys: odd({ form: 'b' }) }), 'keys'],
    ['another end of what is watched', ({ skus }) => skus.watch({ range: odd({ form: 'b' }) }), 'range'],
    ['a key as keys', ({ skus }) => skus.watch({ keys: odd(Object('ab') as object) }), 'keys'],
    ['a key as many', ({ skus }) => skus.getMany('ab' as never), 'keys'],
    ['a field as order', ({ skus }) => skus.page({ orderBy: 'cents' as never }), 'orderBy'],
    ['a list as order', ({ skus }) => skus.page({ orderBy: odd([]) }), 'orderBy'],
    [
      'another part of an order that is watched',
      ({ skus }) => skus.watch({ first: 1, orderBy: odd({ field: 'cents', dir: 'ASC' }) }),
      'orderBy',
    ],
    ['another part of an order', ({ skus }) => skus.page({ orderBy: odd({ field: 'cents', dir: 'ASC' }) }), 'orderBy'],
    ['another direction', ({ skus }) => skus.page({ orderBy: odd({ field: 'cents', direction: 'asc' }) }), 'orderBy'],
    ['an instant as text', ({ hours }) => hours.page({ from: '1970-01-01T00:00:00Z' as never }), 'from'],
    ['no instant', ({ hours }) => hours.page({ to: Number.NaN }), 'to'],
    ['no date', ({ hours }) => hours.page({ to: new Date('x') }), 'to'],
  ])('%s is an error, and nothing else is shown', async (_what, ask, said) => {
    expect(await told(ask)).toEqual([
      typeof said === 'string'
        ? [{ code: 'BAD_USER_INPUT', argument: said }, expect.any(String)]
        : [undefined, expect.stringMatching(said)],
    ]);
  });

  const keysOf =
    (name: string) =>
    ({ rows }: { readonly rows: readonly object[] }): unknown[] =>
      rows.map((row) => (row as Readonly<Record<string, unknown>>)[name]);

  test('the key may be given as such, or by its own name', async () => {
    const keys = keysOf('country');
    expect(await told(async ({ hours }) => keys(await hours.page({ key: 'FR' })))).toEqual(['FR']);
    expect(await told(async ({ hours }) => keys(await hours.page(odd({ country: 'FR' }))))).toEqual(['FR']);
    expect(await told(async ({ hours }) => keys(await hours.page({ key: null })))).toEqual(['DE', 'FR']);
    const both = odd({ key: 'FR', country: null });
    expect(await told(async ({ hours }) => keys(await hours.page(both)))).toEqual(['FR']);
    expect(await told(async ({ skus }) => keysOf('sku')(await skus.page({ from: null, to: null })))).toEqual([
      'a',
      'b',
    ]);
  });

  test('instants may be dates or numbers', async () => {
    const keys = keysOf('country');
    const [from, to] = [HOUR_MS, 2 * HOUR_MS];
    expect(await told(async ({ hours }) => keys(await hours.page({ from, to })))).toEqual(['DE', 'FR']);
    const dates = { from: new Date(from), to: new Date(to) };
    expect(await told(async ({ hours }) => keys(await hours.page(dates)))).toEqual(['DE', 'FR']);
    expect(await told(async ({ visits }) => keys(await visits.page({ from: new Date(to) })))).toEqual([]);
  });

  test('changes are gone through at once, or awaited first; who leaves is let go', async () => {
    const first: Asked = async ({ skus }) => {
      for await (const { kind, rows } of skus.watch({ key: 'b' })) return [kind, rows];
      return null;
    };
    const b = ['SNAPSHOT', [{ sku: 'b', orders: 1, cents: 1 }]];
    expect(await told(first)).toEqual(b);
    const awaited: Asked = async ({ skus }) => {
      for await (const { kind, rows } of await skus.watch({ keys: ['b'] })) return [kind, rows];
      return null;
    };
    expect(await told(awaited)).toEqual(b);
    const refused: Asked = async ({ skus }) => {
      for await (const { kind } of skus.watch({ first: 0 })) return kind;
      return null;
    };
    expect(await told(refused)).toEqual([[{ code: 'BAD_USER_INPUT', argument: 'first' }, expect.any(String)]]);
  });

  test('of a table that processors hold, a page of one key has that key alone', async () => {
    const shop = ownedShop({
      extend: extendedBy(async ({ totals }) => {
        const pages = await Promise.all([totals.page({ key: 'b' }), totals.page({ key: 'b', keys: { from: 'c' } })]);
        return pages.map(keysOf('sku'));
      }),
    });
    shop.commit({ a: { orders: 1, cents: 1 }, b: { orders: 2, cents: 2 }, c: { orders: 3, cents: 3 } });
    expect(await shop.data('{ told }')).toEqual({ told: [['b'], []] });
  });
});
