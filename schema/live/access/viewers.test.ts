import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { eventually, postGraphql } from '../../../tests/support/api-under-test.ts';
import { OpenHttp } from '../../../tests/support/open-http.ts';
import { codesIn, RawSocket } from '../../../tests/support/raw-socket.ts';
import { type SmallApi, smallApi } from '../../../tests/support/small-api.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../server/api-server.ts';
import type { ViewerInput } from './viewers.ts';

let api: SmallApi;
let server: ApiServer;
const opened: RawSocket[] = [];

async function start(options: Partial<ApiServerOptions>): Promise<void> {
  api = smallApi(options);
  server = await startApiServer(api.options);
}

afterEach(async () => {
  for (const one of opened.splice(0)) one.socket.terminate();
  await server.stop();
});

/** Every viewer is whoever `user` says; nobody is refused but those without one. */
const byUser = ({ headers, connectionParams }: ViewerInput): unknown => {
  const user = connectionParams?.['user'] ?? headers['user'];
  if (user === undefined) throw new Error('secret-reason');
  return { user };
};

const WHO = { query: '{ who }' };
const who = (user: string): Promise<unknown> =>
  postGraphql(server.url, WHO, { user }).then(({ data, codes }) => data?.['who'] ?? codes);

async function socketOf(connectionParams?: Record<string, unknown>): Promise<RawSocket> {
  const one = await new RawSocket(server.url).ready(connectionParams);
  opened.push(one);
  return one;
}

/** Sent, and not waited for. */
async function initOf(connectionParams?: Record<string, unknown>): Promise<RawSocket> {
  const one = await new RawSocket(server.url).opened();
  opened.push(one);
  one.send({ type: 'connection_init', payload: connectionParams });
  return one;
}

async function whoOver(socket: RawSocket, id = 'q'): Promise<unknown> {
  socket.subscribe(id, WHO.query);
  return (await socket.of(id)).payload;
}

const EVENTS = { 'content-type': 'application/json', accept: 'text/event-stream' };
const events = (query: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> =>
  fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { ...EVENTS, ...headers },
    body: JSON.stringify({ query }),
    ...(signal === undefined ? {} : { signal }),
  });

/** A promise of another library. */
const thenable = new Proxy(
  {},
  { get: (_target, name) => (name === 'then' ? (tell: (value: string) => void) => tell('late') : undefined) },
);

describe('a viewer', () => {
  test('is asked once a request, with plain headers, and is in the context of each resolver', async () => {
    const asked: ViewerInput[] = [];
    await start({ viewer: (input) => asked.push(input) });
    const { data } = await postGraphql(
      server.url,
      { query: '{ a: who b: who }' },
      { 'X-Odd-CASE': 'Kept As It Is', constructor: 'own' },
    );
    expect(data).toEqual({ a: '1', b: '1' });
    expect(asked).toHaveLength(1);
    const [{ headers, connectionParams } = {} as ViewerInput] = asked;
    expect(connectionParams).toBeUndefined();
    expect(headers).toMatchObject({ 'x-odd-case': 'Kept As It Is', constructor: 'own', host: expect.any(String) });
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
    expect(
      Object.entries(headers).filter(([name, value]) => name !== name.toLowerCase() || typeof value !== 'string'),
    ).toEqual([]);
  });

  test('gets a header that came twice as one text, and of those that HTTP allows once the first', async () => {
    await start({ viewer: ({ headers }) => ({ user: headers['user'], authorization: headers['authorization'] }) });
    const body = JSON.stringify(WHO);
    const client = await OpenHttp.to(
      server.url,
      'POST /graphql HTTP/1.1',
      'Host: localhost',
      'Content-Type: application/json',
      'USER: a',
      'user: b',
      'Authorization: Bearer first',
      'authorization: Bearer second',
      `Content-Length: ${String(body.length + 2)}`,
      '',
      body,
    );
    await eventually(() => client.heard.includes('who'));
    client.hangUp();
    expect(client.heard).toContain(JSON.stringify('{"user":"a, b","authorization":"Bearer first"}'));
  });

  test('is asked once a socket, whose operations are all his', async () => {
    const asked: ViewerInput[] = [];
    await start({ viewer: (input) => byUser((asked.push(input), input)) });
    const one = await socketOf({ user: 'a' });
    const other = await socketOf({ user: 'b' });
    for (const id of ['1', '2']) {
      expect(await whoOver(one, id)).toEqual({ data: { who: '{"user":"a"}' } });
      expect(await whoOver(other, id)).toEqual({ data: { who: '{"user":"b"}' } });
    }
    expect(asked.map(({ connectionParams, headers }) => [connectionParams, headers['upgrade']])).toEqual([
      [{ user: 'a' }, 'websocket'],
      [{ user: 'b' }, 'websocket'],
    ]);
  });

  test.each([
    ['null', null, 'null'],
    ['undefined', undefined, 'null'],
    ['text', 'a', '"a"'],
    ['a promise', Promise.resolve({ user: 'a' }), '{"user":"a"}'],
    ['anything with then', thenable, '"late"'],
    ['an expiresAt that is left undefined', { expiresAt: undefined }, '{}'],
  ])('may be %s', async (_name, viewer, seen) => {
    await start({ viewer: () => viewer });
    expect((await postGraphql(server.url, WHO)).data).toEqual({ who: seen });
    expect(await whoOver(await socketOf())).toEqual({ data: { who: seen } });
  });

  test('is not asked for by pages, probes, metrics, preflights, and what is refused anyway', async () => {
    let asked = 0;
    await start({ viewer: () => (asked += 1), apiToken: 'token' });
    const visit = { headers: { accept: 'text/html' } };
    for (const path of ['/', '/graphql', '/graphiql/start.js', '/health', '/ready', '/metrics'])
      await (await fetch(server.url + path, visit)).text();
    await fetch(`${server.url}/graphql`, { method: 'OPTIONS' });
    expect((await postGraphql(server.url, WHO)).status).toBe(401);
    expect(await (await initOf()).closed).toBe(4403);
    expect(asked).toBe(0);
    const authorization = 'Bearer token';
    expect((await postGraphql(server.url, WHO, { authorization, 'content-type': 'text/plain' })).status).toBe(415);
    expect(asked).toBe(0);
    expect((await postGraphql(server.url, WHO, { authorization })).data).toEqual({ who: '1' });
  });

  test('is given what the application adds to the context, made once', async () => {
    let made = 0;
    await start({ viewer: byUser, context: (viewer) => ({ viewer: 'none', tables: [viewer, (made += 1)] }) });
    expect(await who('a')).toBe('{"user":"a"}');
    const socket = await socketOf({ user: 'b' });
    await whoOver(socket, '1');
    await whoOver(socket, '2');
    expect(made).toBe(2);
  });

  test('is given to results for clients without GraphQL, which are refused like any data', async () => {
    await start({ viewer: byUser, restResults: { '/mine': (viewer) => ({ viewer }) } });
    const mine = (headers: Record<string, string>) => fetch(`${server.url}/mine`, { headers });
    expect(await (await mine({ user: 'a' })).json()).toEqual({ viewer: { user: 'a' } });
    const refused = await mine({});
    expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining('UNAUTHENTICATED')]);
  });
});

describe('one who is refused', () => {
  const refusals: readonly (readonly [string, ApiServerOptions['viewer'], string])[] = [
    [
      'by a throw',
      () => {
        throw new Error('secret-reason');
      },
      'debug',
    ],
    ['by a rejection', () => Promise.reject(new Error('secret-reason')), 'debug'],
    ['by a rejection with nothing', () => Promise.reject(), 'debug'],
    ['since he has expired', () => ({ expiresAt: new Date(Date.now() - 1) }), 'debug'],
    ['since he expires now', () => ({ expiresAt: new Date() }), 'debug'],
    ['since his time is no time', () => ({ expiresAt: new Date(NaN) }), 'error'],
    ['since his time is a number', () => ({ expiresAt: Date.now() + 60_000 }), 'error'],
    ['since his time is text', () => ({ expiresAt: '2099-01-01T00:00:00Z' }), 'error'],
    ['since his time is null', () => ({ expiresAt: null }), 'error'],
  ];
  test.each(refusals)('%s gets 401 and 4403, and the reason is in the log only', async (_name, viewer, level) => {
    await start({ viewer });
    const { status, codes, errors, headers, data } = await postGraphql(server.url, { query: 'mutation { write }' });
    expect([status, codes, data, headers.get('www-authenticate')]).toEqual([
      401,
      ['UNAUTHENTICATED'],
      undefined,
      expect.stringContaining('Bearer'),
    ]);
    expect(JSON.stringify(errors)).not.toContain('secret');
    expect((await events('subscription { ticks { count } }')).status).toBe(401);
    expect(await (await initOf()).closed).toBe(4403);
    expect([api.writes, api.subscribers]).toEqual([0, 0]);
    expect(api.logged.filter((line) => line.startsWith(`${level} `) && line.includes('viewer'))).toHaveLength(3);
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain(
      'tributary_api_errors_total{code="UNAUTHENTICATED"} 3',
    );
  });

  test('since nobody says who he is in time, is refused, and the log says what was waited for', async () => {
    await start({ viewer: () => new Promise(() => undefined), viewerWithinMs: 50 });
    expect((await postGraphql(server.url, WHO)).status).toBe(401);
    expect(await (await initOf()).closed).toBe(4403);
    expect(api.logged.join()).toMatch(/error the option viewer did not answer in time/);
  });
});

describe('while it is asked who a socket is', () => {
  test('an operation closes it with 4401, and the answer that comes later changes nothing', async () => {
    const answer = Promise.withResolvers<unknown>();
    await start({ viewer: () => answer.promise });
    const socket = await initOf();
    socket.subscribe('1', 'mutation { write }');
    expect(await socket.closed).toBe(4401);
    answer.resolve({ user: 'late' });
    // Answered after that one, and by the same server.
    expect(await who('a')).toBe('{"user":"late"}');
    expect(api.writes).toBe(0);
    expect(api.logged.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  test('it may leave', async () => {
    const answer = Promise.withResolvers<unknown>();
    const asked: unknown[] = [];
    await start({ viewer: (input) => (asked.push(input), answer.promise) });
    const socket = await initOf();
    const leaving = new AbortController();
    const request = events('mutation { write }', {}, leaving.signal);
    await eventually(() => asked.length === 2);
    socket.socket.terminate();
    leaving.abort();
    await expect(request).rejects.toThrow();
    await eventually(async () => /tributary_api_sockets 0\n/.test(await (await fetch(`${server.url}/metrics`)).text()));
    answer.resolve({ expiresAt: new Date(Date.now() + 60_000) });
    expect((await postGraphql(server.url, { query: 'mutation { write }' })).data).toEqual({ write: 1 });
    expect(api.logged.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

describe('one who expires', () => {
  const LIFE_MS = 30_000;
  const viewer = () => ({ expiresAt: new Date(Date.now() + LIFE_MS) });
  beforeEach(() => {
    // The wall clock and its alarms alone are the test's.
    jest.useFakeTimers({
      doNotFake: [
        'hrtime',
        'nextTick',
        'performance',
        'queueMicrotask',
        'setImmediate',
        'clearImmediate',
        'setInterval',
        'clearInterval',
      ],
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });
  const soon = async (test: () => boolean): Promise<void> => {
    while (!test()) await new Promise((resolve) => setImmediate(resolve));
  };

  test('has his socket closed with 4403 at that time, his subscriptions freed', async () => {
    await start({ viewer });
    const socket = await socketOf();
    const reason = once(socket.socket, 'close').then(([, text]) => String(text));
    socket.subscribe('s', 'subscription { ticks { count } }');
    await soon(() => api.subscribers === 1);
    jest.advanceTimersByTime(LIFE_MS - 1);
    api.push({ count: 1 });
    expect(await socket.of('s')).toMatchObject({ payload: { data: { ticks: { count: 1 } } } });
    jest.advanceTimersByTime(1);
    expect([await socket.closed, await reason]).toEqual([4403, 'Expired']);
    await soon(() => api.subscribers === 0);
  });

  test('is served nothing more through a socket that he leaves half open', async () => {
    await start({ viewer });
    const socket = await socketOf();
    socket.subscribe('s', 'subscription { ticks { count } }');
    await soon(() => api.subscribers === 1);
    // Reads no farewell, and answers none.
    socket.socket.pause();
    jest.advanceTimersByTime(LIFE_MS);
    socket.subscribe('w', 'mutation { write }');
    api.push({ count: 1 });
    socket.socket.resume();
    expect(await socket.closed).toBe(4403);
    await soon(() => api.subscribers === 0);
    expect(api.writes).toBe(0);
  });

  test('is sent no update by the clock where the alarm is late', async () => {
    await start({ viewer });
    const socket = await socketOf();
    socket.subscribe('s', 'subscription { ticks { count } }');
    await soon(() => api.subscribers === 1);
    jest.setSystemTime(Date.now() + LIFE_MS);
    api.push({ count: 1 });
    expect(await socket.closed).toBe(4403);
    await soon(() => api.subscribers === 0);
    await expect(socket.of('s')).rejects.toThrow(/4403/);
  });

  test('is refused by the clock where the alarm is late', async () => {
    await start({ viewer });
    const socket = await socketOf();
    jest.setSystemTime(Date.now() + LIFE_MS);
    socket.subscribe('w', 'mutation { write }');
    expect(await socket.closed).toBe(4403);
    expect(api.writes).toBe(0);
  });

  test('has his event stream ended: UNAUTHENTICATED, then complete; what it held is free', async () => {
    await start({ viewer });
    const response = await events('subscription { ticks { count } }');
    await soon(() => api.subscribers === 1);
    api.push({ count: 5 });
    await soon(() => api.reads === 1);
    jest.advanceTimersByTime(LIFE_MS);
    const text = await response.text();
    const told = [...text.matchAll(/^event: (\w+)\ndata: ?(.*)$/gm)].map(([, event, data]) => [event, data]);
    expect(told).toEqual([
      ['next', '{"data":{"ticks":{"count":5}}}'],
      ['next', expect.stringContaining('"code":"UNAUTHENTICATED"')],
      ['complete', ''],
    ]);
    expect(api.subscribers).toBe(0);
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('{code="UNAUTHENTICATED"} 1');
  });

  test.each(['socket', 'event stream'])('and leaves before leaves no timer: by %s', async (how) => {
    await start({ viewer });
    const timers = jest.getTimerCount();
    const leaving = new AbortController();
    const socket = how === 'socket' ? await socketOf() : null;
    socket?.subscribe('s', 'subscription { ticks { count } }');
    if (socket === null) await events('subscription { ticks { count } }', {}, leaving.signal);
    await soon(() => api.subscribers === 1);
    expect(jest.getTimerCount()).toBeGreaterThan(timers);
    socket?.socket.terminate();
    leaving.abort();
    await soon(() => api.subscribers === 0 && jest.getTimerCount() === timers);
  });
});

test('without a viewer there is none, and nobody is refused', async () => {
  await start({});
  expect((await postGraphql(server.url, WHO)).data).toEqual({ who: 'null' });
  const socket = await socketOf();
  expect(await whoOver(socket)).toEqual({ data: { who: 'null' } });
  socket.subscribe('bad', '{ nothing }');
  expect(codesIn(await socket.of('bad'))).toEqual(['GRAPHQL_VALIDATION_FAILED']);
});
