import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import {
  type ApiUnderTest,
  eventually,
  postGraphql,
  startApiUnderTest,
} from '../../../tests/support/api-under-test.ts';
import { OpenHttp } from '../../../tests/support/open-http.ts';
import { RawSocket } from '../../../tests/support/raw-socket.ts';

let api: ApiUnderTest;
const opened: { hangUp(): void }[] = [];
beforeAll(async () => {
  api = await startApiUnderTest();
});
afterEach(() => {
  for (const one of opened.splice(0)) one.hangUp();
});
afterAll(() => api.server.stop());

const QUERY = JSON.stringify({ query: '{ __typename }' });

async function send(packing: string, body: Buffer): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': packing },
    body: new Uint8Array(body),
  });
  return { status: response.status, text: await response.text() };
}

describe('a packed body', () => {
  test.each<[string, (text: string) => Buffer]>([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', Buffer.from],
  ])('%s is read', async (packing, pack) => {
    expect(await send(packing, pack(QUERY))).toMatchObject({ status: 200, text: expect.stringContaining('"Query"') });
  });

  test('that is packed otherwise, twice, or not at all is refused, and says so', async () => {
    expect(await send('zstd', Buffer.from(QUERY))).toMatchObject({
      status: 415,
      text: expect.stringContaining('gzip, deflate, br'),
    });
    expect((await send('gzip, br', gzipSync(QUERY))).status).toBe(415);
    expect(await send('gzip', Buffer.from(QUERY))).toMatchObject({
      status: 400,
      text: expect.stringContaining('content-encoding'),
    });
  });

  test('that unpacks to more than a body may have is refused', async () => {
    expect(await send('gzip', gzipSync(' '.repeat(80_000_000)))).toMatchObject({
      status: 413,
      text: expect.stringContaining('QUERY_TOO_LARGE'),
    });
  });
});

test('a body begins with a byte-order mark or not, is UTF-8, and is said to be nothing else', async () => {
  const post = async (type: string, body: Buffer) => {
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: new Uint8Array(body),
    });
    return [response.status, /"message":"([^"]*)/.exec(await response.text())?.[1]];
  };
  for (const type of [
    'application/json',
    'application/json; charset=UTF-8',
    'application/json;charset="utf-8"',
    'application/json; charset=utf8',
  ]) {
    expect([type, await post(type, Buffer.from(`\ufeff${QUERY}`))]).toEqual([type, [200, undefined]]);
  }
  expect(await post('application/json', Buffer.from([0x7b, 0xff, 0x7d]))).toEqual([400, 'The body is not UTF-8.']);
  for (const [charset, encoding] of [
    ['utf-16le', 'utf16le'],
    ['iso-8859-1', 'latin1'],
  ] as const) {
    expect(await post(`application/json; charset=${charset}`, Buffer.from(QUERY, encoding))).toEqual([
      415,
      expect.stringContaining('UTF-8'),
    ]);
  }
});

test('an empty operation name is none, over HTTP and WebSocket', async () => {
  expect((await postGraphql(api.url, { query: '{ __typename }', operationName: '' })).codes).toEqual([]);
  const socket = await new RawSocket(api.url).ready();
  opened.push({ hangUp: () => socket.socket.terminate() });
  socket.send({ type: 'subscribe', id: '1', payload: { query: '{ __typename }', operationName: '' } });
  expect(await socket.of('1')).toMatchObject({ type: 'next' });
});

test('an absolute target is served, by the host in it', async () => {
  for (const [target, status] of [
    [`${api.url}/health`, 200],
    ['http://evil.example/health', 421],
    [`${api.url}/nothing`, 404],
    [`${api.url}`, 404],
  ] as const) {
    const client = await OpenHttp.to(api.url, `GET ${target} HTTP/1.1`, 'Host: 127.0.0.1', '');
    opened.push(client);
    await eventually(() => client.statuses.length === 1);
    expect([target, client.statuses]).toEqual([target, [status]]);
  }
});

const HANDSHAKE = [
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: graphql-transport-ws',
  '',
];

test('a handshake whose target is a whole URL, and one that was sent ahead: it waits its turn', async () => {
  const whole = await OpenHttp.to(api.url, `GET ${api.url.replace('http', 'ws')}/graphql HTTP/1.1`, ...HANDSHAKE);
  opened.push(whole);
  await eventually(() => whole.statuses.length === 1);
  expect(whole.statuses).toEqual([101]);
  for (const [path, status] of [
    ['/graphql', 101],
    ['/nothing', 404],
  ] as const) {
    const asked = [
      'POST /graphql HTTP/1.1',
      'Host: 127.0.0.1',
      'Content-Type: application/json',
      `Content-Length: ${QUERY.length}`,
      '',
      `${QUERY}GET /health HTTP/1.1`,
      'Host: 127.0.0.1',
      '',
    ];
    const ahead = await OpenHttp.to(api.url, ...asked, `GET ${path} HTTP/1.1`, ...HANDSHAKE);
    opened.push(ahead);
    await eventually(() => ahead.statuses.length === 3);
    expect([path, ahead.statuses]).toEqual([path, [200, 200, status]]);
  }
});

test('a connection is kept for longer than a minute, and an answer says so', async () => {
  const client = await OpenHttp.to(api.url, 'GET /health HTTP/1.1', 'Host: 127.0.0.1', '');
  opened.push(client);
  await eventually(() => client.statuses.length === 1);
  expect(Number(/keep-alive: timeout=(\d+)/i.exec(client.heard)?.[1])).toBeGreaterThan(60);
});

test('an id of an operation that is longer than any client makes one closes the socket', async () => {
  const socket = await new RawSocket(api.url).ready();
  opened.push({ hangUp: () => socket.socket.terminate() });
  socket.subscribe('x'.repeat(256), '{ __typename }');
  expect(await socket.of('x'.repeat(256))).toMatchObject({ type: 'next' });
  socket.subscribe('x'.repeat(257), 'subscription { states { kind } }');
  expect(await socket.closed).toBe(4400);
  expect(api.fed.model.hub.listenerCount).toBe(0);
});

test(
  'an app that accepts event streams for its queries is answered while all streams are ' +
    'taken; a stream is not buffered',
  async () => {
    const accept = 'application/graphql-response+json, application/json, text/event-stream';
    const post = (query: string, leaving?: AbortSignal) =>
      fetch(`${api.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: leaving === undefined ? accept : 'text/event-stream' },
        body: JSON.stringify({ query }),
        signal: leaving ?? null,
      });
    const leaving = new AbortController();
    const streams = await Promise.all(
      Array.from({ length: 200 }, () =>
        post('subscription { insights(intervalMs: 60000) { sentences } }', leaving.signal),
      ),
    );
    expect(new Set(streams.map(({ headers }) => headers.get('x-accel-buffering')))).toEqual(new Set(['no']));
    expect((await post('{ __typename }')).status).toBe(200);
    expect((await post('subscription { insights { sentences } }')).status).toBe(503);
    leaving.abort();
    await eventually(() => api.fed.model.hub.listenerCount === 0);
  },
);
