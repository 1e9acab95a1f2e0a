import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';

import { eventually, postGraphql } from '../../../tests/support/api-under-test.ts';
import { RawSocket } from '../../../tests/support/raw-socket.ts';
import { type SmallApi, smallApi } from '../../../tests/support/small-api.ts';
import { ApiHandlers } from './api-handlers.ts';
import { listenWith } from './api-server.ts';

// A server of a user's own, with paths of its own, that hands the others to the API.

let api: SmallApi;
let handlers: ApiHandlers;
let server: Server;
let url: string;

async function serve(before: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>): Promise<void> {
  api = smallApi({ allowedHosts: ['shop.example'] });
  handlers = new ApiHandlers(api.options);
  server = createServer((request, response) => {
    before(request, response).then(
      (done) => done || handlers.handler(request, response),
      () => response.destroy(),
    );
  });
  server.on('upgrade', (request, socket, head) => handlers.upgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

const withPathOfItsOwn = (): Promise<void> =>
  serve(async ({ url: path }, response) => {
    if (path !== '/own') return false;
    response.end('own');
    return true;
  });

afterEach(async () => {
  await handlers.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('queries, event streams, sockets, pages, probes and metrics are served beside its own paths', async () => {
  await withPathOfItsOwn();
  expect(await (await fetch(`${url}/own`)).text()).toBe('own');
  expect((await postGraphql(url, { query: '{ who }' })).data).toEqual({ who: 'null' });
  const page = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });
  expect([page.status, page.headers.get('x-frame-options')]).toEqual([200, 'DENY']);
  const socket = await new RawSocket(url).ready();
  socket.subscribe('1', 'subscription { ticks { count } }');
  await eventually(() => api.subscribers === 1);
  api.push({ count: 7 });
  expect(await socket.of('1')).toMatchObject({ payload: { data: { ticks: { count: 7 } } } });
  expect([(await fetch(`${url}/health`)).status, (await fetch(`${url}/ready`)).status]).toEqual([200, 200]);
  expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/tributary_api_http_requests_total\{path="\/graphql"/);
  socket.close();
  await eventually(() => api.subscribers === 0);
});

test('the doors are those of a server of the API', async () => {
  await withPathOfItsOwn();
  for (const [headers, status] of [
    [{ origin: 'https://evil.example' }, 403],
    [{ 'content-type': 'text/plain' }, 415],
  ] as const)
    expect((await postGraphql(url, { query: '{ who }' }, headers)).status).toBe(status);
  const refused = await new RawSocket(url, { headers: { host: 'evil.example' } }).handshake();
  const named = new RawSocket(url, { headers: { host: 'shop.example' } });
  expect([refused, await named.handshake()]).toEqual([421, 101]);
  named.close();
  expect(await new RawSocket(url, { headers: { origin: 'https://evil.example' } }).handshake()).toBe(403);
});

test('closing ends what is open and answers NOT_READY from then on; the server is not its own to close', async () => {
  await withPathOfItsOwn();
  const socket = await new RawSocket(url).ready();
  const events = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: 'subscription { ticks { count } }' }),
  });
  await eventually(() => api.subscribers === 1);
  const closed = [handlers.close(), handlers.close()];
  expect(await socket.closed).toBe(1001);
  await expect(events.text()).rejects.toThrow();
  await Promise.all(closed);
  expect(api.subscribers).toBe(0);
  const { status, codes } = await postGraphql(url, { query: '{ who }' });
  expect([status, codes]).toEqual([503, ['NOT_READY']]);
  expect(await new RawSocket(url).handshake()).toBe(503);
  expect(await (await fetch(`${url}/own`)).text()).toBe('own');
  expect([(await fetch(`${url}/health`)).status, (await fetch(`${url}/ready`)).status]).toEqual([200, 503]);
});

test('a body that something before the API has read is an error that says so, and nothing that waits', async () => {
  await serve(async (request) => {
    for await (const chunk of request) void chunk;
    return false;
  });
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ who }"}',
  });
  expect(response.status).toBe(500);
  expect(api.logged.join()).toMatch(/error a request failed.*call the handler before anything that parses bodies/);
});

test('a server of the API beside it shares everything, and closes it', async () => {
  await withPathOfItsOwn();
  const listening = await listenWith(handlers, { host: '127.0.0.1', port: 0 });
  const socket = await new RawSocket(url).ready();
  expect((await postGraphql(listening.url, { query: '{ who }' })).data).toEqual({ who: 'null' });
  await listening.stop();
  expect(await socket.closed).toBe(1001);
  expect((await postGraphql(url, { query: '{ who }' })).codes).toEqual(['NOT_READY']);
});
