import { hostname } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { type ApiUnderTest, eventually, startApiUnderTest } from '../../../tests/support/api-under-test.ts';
import { OpenHttp } from '../../../tests/support/open-http.ts';

let api: ApiUnderTest;
let port: string;
const clients: OpenHttp[] = [];
beforeAll(async () => {
  api = await startApiUnderTest({ allowedHosts: ['logins.example.com'] });
  ({ port } = new URL(api.url));
});
afterEach(() => {
  for (const client of clients.splice(0)) client.hangUp();
});
afterAll(() => api.server.stop());

async function answer(...head: string[]): Promise<{ readonly status: number; readonly text: string }> {
  const client = await OpenHttp.to(api.url, ...head);
  clients.push(client);
  await eventually(
    () =>
      client.statuses.length > 0 &&
      (client.closed || client.ended || client.statuses[0] === 101 || /\r\n\r\n[\s\S]/.test(client.heard)),
  );
  return { status: client.statuses[0] ?? 0, text: client.heard };
}

const QUERY = '{"query":"{ __typename }"}';
const asked = (...lines: string[]) =>
  answer(
    'POST /graphql HTTP/1.1',
    ...lines,
    'Content-Type: application/json',
    `Content-Length: ${QUERY.length + 2}`,
    'Connection: close',
    '',
    QUERY,
  );
const shaken = (...lines: string[]) =>
  answer(
    'GET /graphql HTTP/1.1',
    ...lines,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol: graphql-transport-ws',
    '',
  );
const got = (path: string, ...lines: string[]) => answer(`GET ${path} HTTP/1.1`, ...lines, 'Connection: close', '');

describe('a name that is not ours is answered with 421, which says what mends it', () => {
  test.each([
    'evil.example',
    'evil.example:4000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'logins.example.com.evil.example',
    'evillocalhost',
    'a b',
    '@',
    '[::1',
    'evil@127.0.0.1',
  ])('%s', async (host) => {
    const refused = await asked(`Host: ${host}`, `Origin: http://${host}`);
    expect([refused.status, refused.text.includes('ALLOWED_HOSTS')]).toEqual([421, true]);
    expect((await shaken(`Host: ${host}`, `Origin: http://${host}`)).status).toBe(421);
  });

  test.each([
    '/',
    '/data',
    '/insights',
    '/metrics',
    '/health',
    '/ready',
    '/graphiql/graphiql.js',
    '/graphql?query=%7B__typename%7D',
  ])('at %s', async (path) => {
    expect((await got(path, 'Host: evil.example')).status).toBe(421);
  });
});

test.each([
  '127.0.0.1',
  '127.0.0.1:4000',
  '10.1.2.3:8080',
  '[::1]',
  '[::1]:4000',
  'localhost',
  'LOCALHOST:1',
  'localhost.',
  'api.localhost',
  'logins.example.com',
  'Logins.Example.com:443',
  'logins.example.com.',
  hostname(),
])('%s is ours', async (host) => {
  expect((await asked(`Host: ${host}`)).status).toBe(200);
  expect((await shaken(`Host: ${host}`)).status).toBe(101);
  expect((await got('/ready', `Host: ${host}`)).status).toBe(200);
});

test('a probe in HTTP/1.0 that names no host passes', async () => {
  expect((await answer('GET /health HTTP/1.0', '')).status).toBe(200);
});

describe('an origin is compared with its scheme, and with the port that stands for it', () => {
  test.each<[boolean, string, string, string?]>([
    [true, 'logins.example.com', 'https://logins.example.com'],
    [true, 'logins.example.com', 'http://logins.example.com'],
    [true, 'logins.example.com:443', 'https://logins.example.com'],
    [true, 'logins.example.com:80', 'http://logins.example.com'],
    [false, 'logins.example.com:443', 'http://logins.example.com'],
    [false, 'logins.example.com:80', 'https://logins.example.com'],
    [true, '127.0.0.1:4000', 'http://127.0.0.1:4000'],
    [false, '127.0.0.1:4000', 'https://127.0.0.1:4000'],
    [true, 'logins.example.com:8443', 'https://logins.example.com:8443', 'https'],
    [false, 'logins.example.com:8443', 'http://logins.example.com:8443', 'https'],
    [true, 'logins.example.com:443', 'https://logins.example.com', 'https, http'],
    [false, 'logins.example.com', 'http://logins.example.com', 'https'],
    [true, 'logins.example.com', 'https://logins.example.com', 'wss'],
    [false, 'logins.example.com', 'ftp://logins.example.com', 'ftps'],
    [false, 'logins.example.com:443', 'https://logins.example.com:4443'],
    [false, 'logins.example.com', 'null'],
  ])('%s: host %s, origin %s, by %s', async (passes, host, origin, forwarded = '') => {
    const lines = [
      `Host: ${host}`,
      `Origin: ${origin}`,
      ...(forwarded === '' ? [] : [`X-Forwarded-Proto: ${forwarded}`]),
    ];
    expect((await asked(...lines)).status).toBe(passes ? 200 : 403);
    expect((await shaken(...lines)).status).toBe(passes ? 101 : 403);
  });
});

test.each(['/data', '/insights', '/metrics'])(
  '%s is closed to pages of other sites, and open to a visit',
  async (path) => {
    expect((await got(path, `Host: 127.0.0.1:${port}`, 'Origin: https://evil.example')).status).toBe(403);
    expect(
      (await got(path, `Host: 127.0.0.1:${port}`, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors')).status,
    ).toBe(403);
    expect(
      (await got(path, `Host: 127.0.0.1:${port}`, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate')).status,
    ).toBe(200);
    expect((await got(path, `Host: 127.0.0.1:${port}`, 'Origin: https://friend.example')).status).toBe(200);
  },
);

describe('an offered upgrade that is none to a WebSocket is ignored', () => {
  test.each([
    ['h2c', 'Upgrade, HTTP2-Settings'],
    ['TLS/1.2', 'Upgrade'],
    ['foo, h2c', 'upgrade'],
  ])('%s', async (upgrade, connection) => {
    const offer = [
      `Host: 127.0.0.1:${port}`,
      `Connection: ${connection}`,
      `Upgrade: ${upgrade}`,
      'HTTP2-Settings: AAMAAABkAAQAAP__',
    ];
    const posted = await answer(
      'POST /graphql HTTP/1.1',
      ...offer,
      'Content-Type: application/json',
      `Content-Length: ${QUERY.length + 2}`,
      '',
      QUERY,
    );
    expect([posted.status, posted.text.includes('"__typename":"Query"')]).toEqual([200, true]);
    expect((await answer('GET /data HTTP/1.1', ...offer, '')).status).toBe(200);
    expect((await answer('GET /nothing HTTP/1.1', ...offer, '')).status).toBe(404);
  });
});
