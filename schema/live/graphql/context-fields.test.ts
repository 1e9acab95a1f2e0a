import { afterEach, describe, expect, test } from '@jest/globals';
import { buildSchema, parse } from 'graphql';

import { eventually } from '../../../tests/support/api-under-test.ts';
import { RawSocket } from '../../../tests/support/raw-socket.ts';
import { type SmallApi, smallApi } from '../../../tests/support/small-api.ts';
import { type ApiServer, startApiServer } from '../server/api-server.ts';
import { ContextFields, fieldsWithContext } from './context-fields.ts';

const someone = (): string => 'someone';

test('what an application resolves may ask for the context, but its subscriptions that take none', () => {
  const itself = (update: unknown): unknown => update;
  const withContext = (_update: unknown, _given: unknown, context: unknown): unknown => context;
  const subscribe = withContext;
  const names = fieldsWithContext({
    Query: { mine: itself },
    Customer: { risk: itself, orders: { resolve: someone }, plain: { description: 'no resolver' } },
    Node: { __resolveType: someone },
    Colour: { RED: 1 },
    Subscription: {
      counts: { subscribe, resolve: itself },
      bare: { subscribe },
      alerts: { subscribe, resolve: withContext },
    },
    Nothing: undefined,
  });
  expect([...names]).toEqual([
    'Query.mine',
    'Customer.risk',
    'Customer.orders',
    'Node.__resolveType',
    'Subscription.alerts',
  ]);
});

describe('an operation selects such a field', () => {
  const fields = new ContextFields(
    buildSchema(`
      interface Owned { count: Int mine: String }
      type Tick implements Owned { count: Int mine: String inside: Inside owned: Owned either: Either told: Told }
      type Other implements Owned { count: Int mine: String }
      type Inside { count: Int mine: String }
      union Either = Inside | Other
      type Typed { count: Int }
      union Told = Typed
      type Query { tick: Tick }
      type Subscription { tick: Tick owned: Owned }
    `),
    new Set(['Tick.mine', 'Inside.mine', 'Told.__resolveType']),
  );
  test.each([
    [true, 'subscription { tick { mine } }'],
    [true, 'subscription { tick { mine: count theirs: mine } }'],
    [false, 'subscription { tick { mine: count } }'],
    [false, 'subscription { tick { inside { count } owned { count } __typename } }'],
    [true, 'subscription { tick { inside { mine } } }'],
    [true, 'subscription { owned { mine } }'],
    [true, 'subscription { owned { ... on Tick { mine } } }'],
    [false, 'subscription { owned { ... on Other { mine } } }'],
    [true, 'subscription { owned { ... on Owned { ... { mine } } } }'],
    [true, 'subscription { tick { either { ... on Inside { mine } } } }'],
    [false, 'subscription { tick { either { ... on Other { mine } } } }'],
    [true, 'subscription { ...F } fragment F on Subscription { tick { ...G } } fragment G on Tick { mine }'],
    [true, 'subscription($all: Boolean!) { tick { mine @include(if: $all) } }'],
    [true, 'subscription { tick { told { __typename } } }'],
  ])('%s: %s', (expected, query) => {
    const document = parse(query);
    expect(fields.selectedBy(document, null)).toBe(expected);
    expect(fields.selectedBy(document, null)).toBe(expected);
  });

  test('each by itself, where a document has several', () => {
    const document = parse('subscription A { tick { mine } } subscription B { tick { count } }');
    expect(['A', 'B', 'C'].map((name) => fields.selectedBy(document, name))).toEqual([true, false, false]);
    expect(fields.selectedBy(parse('subscription Alone { tick { mine } }'), undefined)).toBe(true);
  });
});

describe('a subscription', () => {
  let api: SmallApi;
  let server: ApiServer;
  const opened: RawSocket[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) one.socket.terminate();
    await server.stop();
  });

  /** One socket for each user, subscribed to `query`. */
  async function subscribed(query: string, ...users: string[]): Promise<RawSocket[]> {
    api = smallApi({
      viewer: ({ connectionParams }) => connectionParams?.['user'],
      contextFields: new Set(['Tick.mine', 'Inside.mine', 'Subscription.owners']),
    });
    server = await startApiServer(api.options);
    const sockets = await Promise.all(users.map((user) => new RawSocket(server.url).ready({ user })));
    opened.push(...sockets);
    for (const one of sockets) one.subscribe('s', query);
    await eventually(() => api.subscribers === users.length);
    return sockets;
  }
  const told = (sockets: readonly RawSocket[]): Promise<unknown[]> =>
    Promise.all(sockets.map(async (one) => (await one.of('s')).payload));
  const seen = (user: string): string => JSON.stringify(user);

  test('with a field of the application is each subscriber’s own, over the same updates', async () => {
    const users = ['a', 'b', 'a'];
    const sockets = await subscribed('subscription { ticks { count mine inside { mine } } }', ...users);
    for (const count of [1, 2]) {
      api.push({ count });
      expect(await told(sockets)).toEqual(
        users.map((user) => ({ data: { ticks: { count, mine: seen(user), inside: { mine: seen(user) } } } })),
      );
    }
    expect(api.reads).toBe(6);
  });

  test('whose own field asks who it is for is told, too', async () => {
    const sockets = await subscribed('subscription { owners }', 'a', 'b');
    api.push({ count: 1 });
    expect(await told(sockets)).toEqual([{ data: { owners: seen('a') } }, { data: { owners: seen('b') } }]);
  });

  test('without such a field is made once for all, and for nobody', async () => {
    const sockets = await subscribed('subscription { ticks { count whose } }', 'a', 'b', 'c');
    api.push({ count: 1 });
    const data = { ticks: { count: 1, whose: '"nobody asks"' } };
    expect(await told(sockets)).toEqual([{ data }, { data }, { data }]);
    expect(api.reads).toBe(1);
  });

  test('whose updates are no objects has its own as well', async () => {
    const sockets = await subscribed('subscription { numbers }', 'a', 'b');
    for (const count of [1, 2, 2]) {
      api.push({ count });
      expect(await told(sockets)).toEqual([{ data: { numbers: count } }, { data: { numbers: count } }]);
    }
  });

  test('over an event stream knows its viewer', async () => {
    await subscribed('subscription { ticks { count } }', 'a');
    const leaving = new AbortController();
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', user: 'nobody' },
      body: JSON.stringify({ query: 'subscription { ticks { mine } }' }),
      signal: leaving.signal,
    });
    await eventually(() => api.subscribers === 2);
    api.push({ count: 1 });
    const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    let text = '';
    while (!text.includes('mine')) text += (await reader.read()).value ?? '';
    expect(text).toContain('data: {"data":{"ticks":{"mine":"null"}}}');
    leaving.abort();
  });
});
