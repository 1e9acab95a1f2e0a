import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { type ApiUnderTest, eventually, startApiUnderTest } from '../../../tests/support/api-under-test.ts';
import { OpenHttp } from '../../../tests/support/open-http.ts';

const PLACES = 20;
const HANDSHAKE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: graphql-transport-ws',
];

let api: ApiUnderTest;
const clients: OpenHttp[] = [];
beforeEach(async () => {
  api = await startApiUnderTest({ maxConnections: PLACES });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.hangUp();
  await api.server.stop();
});

async function client(...said: string[]): Promise<OpenHttp> {
  const one = await OpenHttp.to(api.url, ...said);
  clients.push(one);
  return one;
}

/** Whether the other side is gone for good, and not only silent: what is said to it comes back as an error. */
async function hungUp(one: OpenHttp): Promise<void> {
  await eventually(() => {
    if (!one.closed && one.socket.writable) one.socket.write('x');
    return one.closed;
  });
}

describe('a handshake that is refused is hung up on, though its client stays', () => {
  test.each<[string, string[], number]>([
    ['a path of no WebSocket', ['GET /other HTTP/1.1', 'Host: 127.0.0.1', ...HANDSHAKE], 404],
    [
      'a foreign origin',
      ['GET /graphql HTTP/1.1', 'Host: 127.0.0.1', 'Origin: https://evil.example', ...HANDSHAKE],
      403,
    ],
    [
      'no key',
      [
        'GET /graphql HTTP/1.1',
        'Host: 127.0.0.1',
        ...HANDSHAKE.filter((line) => !line.startsWith('Sec-WebSocket-Key')),
      ],
      400,
    ],
    [
      'another version',
      ['GET /graphql HTTP/1.1', 'Host: 127.0.0.1', ...HANDSHAKE.map((line) => line.replace(' 13', ' 99'))],
      400,
    ],
    ['another method', ['POST /graphql HTTP/1.1', 'Host: 127.0.0.1', ...HANDSHAKE], 405],
  ])('%s', async (_, head, status) => {
    const one = await client(...head, '');
    await eventually(() => one.ended);
    expect(one.statuses).toEqual([status]);
    await hungUp(one);
  });
});

test('a WebSocket that was told why it closes is hung up on, though its client says nothing more', async () => {
  const one = await client('GET /graphql HTTP/1.1', 'Host: 127.0.0.1', ...HANDSHAKE, '');
  await eventually(() => one.heard.includes('101 Switching'));
  // A text frame, masked with zeros, that is no message of the protocol.
  one.socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]));
  await eventually(async () => /tributary_api_sockets 0\n/.test(await (await fetch(`${api.url}/metrics`)).text()));
  await hungUp(one);
});

describe('those that hold a connection and ask nothing shut nobody out', () => {
  test.each<[string, string[]]>([
    ['silent ones', []],
    ['half a head', ['GET /data HTTP/1.1', 'Host: 127.0.0.1']],
    [
      'half a body',
      ['POST /graphql HTTP/1.1', 'Host: 127.0.0.1', 'Content-Type: application/json', 'Content-Length: 100', '', '{'],
    ],
    ['kept-alive ones', ['GET /health HTTP/1.1', 'Host: 127.0.0.1', '']],
  ])('%s', async (_, said) => {
    for (let index = 0; index < PLACES + 5; index++) await client(...said);
    for (let index = 0; index < 3; index++) {
      const other = await client('GET /health HTTP/1.1', 'Host: 127.0.0.1', '');
      await eventually(() => other.statuses[0] === 200);
    }
    expect(clients.filter(({ closed, ended }) => closed || ended).length).toBeGreaterThan(0);
  });

  test('the one that has been without a response for longest makes room', async () => {
    const asked = ['GET /health HTTP/1.1', 'Host: 127.0.0.1', ''];
    for (let index = 0; index < PLACES; index++) {
      const one = await client(...asked);
      await eventually(() => one.statuses.length === 1);
    }
    const [first, second] = clients as [OpenHttp, OpenHttp];
    first.socket.write([...asked, ''].join('\r\n'));
    await eventually(() => first.statuses.length === 2);
    const more = await client(...asked);
    await eventually(() => more.statuses.length === 1 && (second.closed || second.ended));
    expect(clients.filter((one) => one.closed || one.ended)).toEqual([second]);
  });

  test('those that are served stay, and one more than there is room for is refused', async () => {
    for (let index = 0; index < PLACES; index++)
      await client('GET /graphql HTTP/1.1', 'Host: 127.0.0.1', ...HANDSHAKE, '');
    await eventually(() => clients.every(({ heard }) => heard.includes('101 Switching')));
    const more = await client('GET /health HTTP/1.1', 'Host: 127.0.0.1', '');
    await eventually(() => more.closed || more.ended);
    expect(clients.filter((one) => one !== more && (one.closed || one.ended))).toEqual([]);
  });
});
