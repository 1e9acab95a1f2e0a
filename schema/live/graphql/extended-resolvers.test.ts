import { expect, test } from '@jest/globals';
import { tablesOfContexts } from '../tables/tables-of-contexts.ts';
import type { TablesContext } from '../tables/tables-context.ts';
import { withTables } from './extended-resolvers.ts';

interface Context {
  readonly viewer: string;
  readonly tables?: { readonly of: unknown };
}

/** Whose tables a resolver finds in a context. */
function resolverOf(): (context: Context) => unknown {
  const contextOf = tablesOfContexts((viewer) => ({ tables: { of: viewer } }) as unknown as TablesContext);
  const resolvers = withTables(
    { Query: { of: (_source: unknown, _args: unknown, { tables }: Context) => tables?.of } },
    contextOf,
  ) as {
    readonly Query: { readonly of: (source: unknown, args: unknown, context: Context, info: unknown) => unknown };
  };
  return (context) => resolvers.Query.of({}, {}, context, {});
}

test('a copy of a context, and one that stands above it, have the tables of their own viewers', () => {
  const of = resolverOf();
  const ada: Context = { viewer: 'Ada' };
  expect(of(ada)).toBe('Ada');
  expect(of({ ...ada, viewer: 'Bob' })).toBe('Bob');
  expect(of(Object.assign(Object.create(ada) as Context, { viewer: 'Cleo' }))).toBe('Cleo');
  expect(of(ada)).toBe('Ada');
  expect(Object.keys(ada)).toEqual(['viewer']);
});

test('a context that cannot be written has tables, too', () => {
  const of = resolverOf();
  const frozen = Object.freeze({ viewer: 'Ada' });
  expect([of(frozen), of(frozen)]).toEqual(['Ada', 'Ada']);
});

test('tables that an application has put there itself stay', () => {
  const of = resolverOf();
  expect(of({ viewer: 'Ada', tables: { of: 'the application' } })).toBe('the application');
});
