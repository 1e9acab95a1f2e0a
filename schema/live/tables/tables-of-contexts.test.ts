import { expect, test } from '@jest/globals';

import type { TablesContext } from './tables-context.ts';
import { tablesOfContexts } from './tables-of-contexts.ts';

const tablesOf = () => {
  const viewers: unknown[] = [];
  const of = tablesOfContexts((viewer) => {
    viewers.push(viewer);
    return { viewer } as unknown as TablesContext;
  });
  return { of, viewers };
};

test('a context has the same tables each time, also one that cannot be written', () => {
  const { of, viewers } = tablesOf();
  for (const context of [{ viewer: 'Ada' }, Object.freeze({ viewer: 'Bob' })]) {
    expect(of(context)).toBe(of(context));
    expect(of(context)).toEqual({ viewer: context.viewer });
  }
  expect(viewers).toEqual(['Ada', 'Bob']);
});

test('a copy of a context has tables of its own: it may be of another viewer', () => {
  const { of } = tablesOf();
  const context = { viewer: 'Ada' };
  of(context);
  expect(of({ ...context, viewer: 'Bob' })).toEqual({ viewer: 'Bob' });
  expect(of(Object.assign({}, context, { viewer: 'Cleo' }))).toEqual({ viewer: 'Cleo' });
  expect(Reflect.ownKeys({ ...context })).toEqual(['viewer']);
});

test('so has an object above a context, and one that stands in front of it', () => {
  const { of } = tablesOf();
  const context = { viewer: 'Ada' };
  of(context);
  const above = Object.assign(Object.create(context) as { viewer: string }, { viewer: 'Bob' });
  const front = new Proxy(context, { get: (at, name) => (name === 'viewer' ? 'Cleo' : Reflect.get(at, name)) });
  for (const [one, viewer] of [
    [above, 'Bob'],
    [front, 'Cleo'],
    [context, 'Ada'],
  ] as const) {
    expect(of(one)).toEqual({ viewer });
    expect(of(one)).toBe(of(one));
  }
});

test('the tables of one API are not those of another one', () => {
  const [one, other] = [tablesOf(), tablesOf()];
  const context = { viewer: 'Ada' };
  expect(one.of(context)).not.toBe(other.of(context));
});

test('what is no context has no viewer', () => {
  const { of } = tablesOf();
  expect(of(undefined)).toEqual({ viewer: undefined });
  expect(of('a context')).toEqual({ viewer: undefined });
});
