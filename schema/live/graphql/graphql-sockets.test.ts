import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { type ApiUnderTest, eventually, startApiUnderTest } from '../../../tests/support/api-under-test.ts';
import { codesIn, RawSocket } from '../../../tests/support/raw-socket.ts';
import { until } from '../../../tests/support/until.ts';

// Servers and sockets on a busy machine take their time.
let api: ApiUnderTest;
const opened: RawSocket[] = [];

function socket(options?: ConstructorParameters<typeof RawSocket>[1]): RawSocket {
  const one = new RawSocket(api.url, options);
  opened.push(one);
  return one;
}

beforeAll(async () => {
  api = await startApiUnderTest();
});
afterEach(async () => {
  for (const one of opened.splice(0)) one.socket.terminate();
  await eventually(() => api.fed.model.hub.listenerCount === 0);
});
afterAll(() => api.server.stop());

const TOTALS = '{ states { totals { total } } }';
const LIVE = 'subscription { states(intervalMs: 50) { kind states { code devices { ios } } } }';

describe('the protocol', () => {
  test('no subprotocol: 4406', async () => {
    expect(await socket({ protocol: '' }).closed).toBe(4406);
  });

  test('a handshake that is never followed by connection_init: 4408', async () => {
    expect(await (await socket().opened()).closed).toBe(4408);
  });

  test.each([
    ['no JSON', '{"type":', 4400],
    ['an unknown type', { type: 'hello' }, 4400],
    ['a message that only servers send', { type: 'next', id: '1', payload: { data: null } }, 4400],
    ['an operation without a query', { type: 'subscribe', id: '1', payload: {} }, 4400],
    ['a second connection_init', { type: 'connection_init' }, 4429],
  ])('%s', async (_, message, code) => {
    const one = await socket().ready();
    one.send(message);
    expect(await one.closed).toBe(code);
  });

  test('an operation before connection_init: 4401', async () => {
    const one = await socket().opened();
    one.subscribe('1', TOTALS);
    expect(await one.closed).toBe(4401);
  });

  test('an id that is in use: 4409', async () => {
    const one = await socket().ready();
    one.subscribe('1', LIVE);
    await one.of('1');
    one.subscribe('1', LIVE);
    expect(await one.closed).toBe(4409);
  });

  test('a ping is answered with its payload', async () => {
    const one = await socket().ready();
    one.send({ type: 'ping', payload: { n: 1 } });
    expect(await one.next(({ type }) => type === 'pong')).toEqual({ type: 'pong', payload: { n: 1 } });
  });

  test('a query: next, then complete', async () => {
    const one = await socket().ready();
    one.subscribe('q', TOTALS);
    expect(await one.of('q')).toMatchObject({
      type: 'next',
      payload: { data: { states: { totals: { total: expect.any(Number) } } } },
    });
    expect(await one.of('q')).toEqual({ type: 'complete', id: 'q' });
  });

  test('a subscription: a snapshot, then deltas', async () => {
    const one = await socket().ready();
    one.subscribe('s', LIVE);
    expect(await one.of('s')).toMatchObject({ type: 'next', payload: { data: { states: { kind: 'SNAPSHOT' } } } });
    api.fed.feed(api.fed.results.state('WY', { ios: 7 }));
    expect(await one.of('s')).toMatchObject({
      payload: { data: { states: { kind: 'DELTA', states: [{ code: 'WY', devices: { ios: 7 } }] } } },
    });
  });

  test('an id may be used again as soon as its operation was completed, in the same packet too', async () => {
    const one = await socket().ready();
    one.subscribe('s', LIVE);
    await one.of('s');
    one.socket.send(JSON.stringify({ type: 'complete', id: 's' }));
    one.subscribe('s', LIVE);
    expect(await one.of('s')).toMatchObject({ type: 'next', payload: { data: { states: { kind: 'SNAPSHOT' } } } });
    api.fed.feed(api.fed.results.state('WY', { ios: 8 }));
    expect(await one.of('s')).toMatchObject({ type: 'next', payload: { data: { states: { kind: 'DELTA' } } } });
  });
});

describe('one bad operation never closes the socket', () => {
  test.each([
    ['a syntax error', '{ states ', undefined, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{ nothing }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
    ['too many tokens', `{ ${'__typename '.repeat(1_000)} }`, undefined, 'QUERY_TOO_LARGE'],
    ['too deep', `${'{ ... on Query '.repeat(8)}{ __typename }${' }'.repeat(8)}`, undefined, 'QUERY_TOO_LARGE'],
    [
      'too many aliases',
      `{ ${Array.from({ length: 16 }, (_, index) => `a${index}: __typename`).join(' ')} }`,
      undefined,
      'QUERY_TOO_LARGE',
    ],
    ['a variable that does not fit', 'query($c: StateCode!) { state(code: $c) { id } }', { c: 'XX' }, 'BAD_USER_INPUT'],
    ['an argument out of range', '{ states(first: 0) { totals { ios } } }', undefined, 'BAD_USER_INPUT'],
    [
      'a subscription with an argument out of range',
      'subscription { states(intervalMs: 60001) { kind } }',
      undefined,
      'BAD_USER_INPUT',
    ],
    ['a mutation', 'mutation { a }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
    ['several operations and no name', 'query A { __typename } query B { __typename }', undefined, 'BAD_USER_INPUT'],
  ])('%s', async (_, query, variables, code) => {
    const one = await socket().ready();
    one.subscribe('live', LIVE);
    await one.of('live');
    one.subscribe('bad', query, variables);
    const answer = await one.of('bad');
    expect(codesIn(answer)).toEqual([code]);
    expect(JSON.stringify(answer)).not.toMatch(/"http"|stack/);
    one.subscribe('good', TOTALS);
    expect(await one.of('good')).toMatchObject({ type: 'next' });
    api.fed.feed(api.fed.results.state('NY', { ios: Math.floor(performance.now()) }));
    expect(await one.of('live')).toMatchObject({ payload: { data: { states: { kind: 'DELTA' } } } });
  });

  test('a failure within a running subscription is masked, and ends only that one', async () => {
    const one = await socket().ready();
    one.subscribe('live', 'subscription { timeSeries(intervalMs: 50) { kind } }');
    await one.of('live');
    one.subscribe('failing', LIVE);
    await one.of('failing');
    const { states } = api.fed.model.tables;
    const get = states.get;
    states.get = () => {
      throw new Error('secret-detail');
    };
    try {
      api.fed.feed(api.fed.results.state('OH', { ios: 1 }));
      const answer = await one.of('failing');
      expect(codesIn(answer)).toEqual(['INTERNAL_SERVER_ERROR']);
      expect(JSON.stringify(answer)).not.toContain('secret-detail');
    } finally {
      states.get = get;
    }
    api.fed.feed(api.fed.results.minute(Date.UTC(2026, 0, 2, 12, 5), 'CA', { ios: 1 }));
    expect(await one.of('live')).toMatchObject({ payload: { data: { timeSeries: { kind: 'DELTA' } } } });
  });
});

describe('limits', () => {
  test('20 operations a socket; one that ends makes room', async () => {
    const one = await socket().ready();
    for (let index = 0; index < 20; index++) {
      one.subscribe(`s${index}`, LIVE);
      expect(await one.of(`s${index}`)).toMatchObject({ type: 'next' });
    }
    one.subscribe('more', LIVE);
    const refused = await one.of('more');
    expect([refused.type, codesIn(refused)]).toEqual(['error', ['TOO_MANY_SUBSCRIPTIONS']]);
    one.send({ type: 'complete', id: 's0' });
    one.subscribe('again', LIVE);
    expect(await one.of('again')).toMatchObject({ type: 'next' });
  });

  test('a frame of more than 64 kB: 1009', async () => {
    const one = await socket().ready();
    const shell = JSON.stringify({ type: 'ping', payload: { pad: '' } }).length;
    one.send({ type: 'ping', payload: { pad: 'x'.repeat(65_536 - shell) } });
    await one.next(({ type }) => type === 'pong');
    one.send({ type: 'ping', payload: { pad: 'x'.repeat(65_537 - shell) } });
    expect(await one.closed).toBe(1009);
  });

  test('200 sockets an instance; the next handshake gets 503, and one that closes makes room', async () => {
    const all = Array.from({ length: 200 }, () => socket());
    // One that is only open is closed again when a busy machine takes long: it never sent its connection_init.
    await Promise.all(all.map((one) => one.ready()));
    expect(await socket().handshake()).toBe(503);
    all[0]?.close();
    await all[0]?.closed;
    await eventually(async () => (await socket().handshake()) === 101);
  });
});

describe('leaving', () => {
  test('subscriptions that wait in a quiet hour are freed at once, by complete and by a lost connection', async () => {
    const one = await socket().ready();
    for (let index = 0; index < 10; index++) {
      one.subscribe(`i${index}`, 'subscription { insights(intervalMs: 60000) { sentences } }');
      await one.of(`i${index}`);
    }
    expect(api.fed.model.hub.listenerCount).toBe(10);
    for (let index = 0; index < 5; index++) one.send({ type: 'complete', id: `i${index}` });
    await eventually(() => api.fed.model.hub.listenerCount === 5);
    one.socket.terminate();
    await eventually(() => api.fed.model.hub.listenerCount === 0);
  });

  test('subscriptions that wait hold nothing of what they were sent', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heapMiB = (): number => {
      collect();
      return process.memoryUsage().heapUsed / 1_048_576;
    };
    const one = await socket().ready();
    const subscribe = async (id: string) => {
      one.subscribe(
        id,
        `subscription { ${id}: timeSeries(windows: 1500, intervalMs: 60000) { points { start devices { ios ` +
          `total } } } }`,
      );
      await one.of(id);
    };
    await subscribe('first');
    const before = heapMiB();
    for (let i = 1; i < 20; i += 1) await subscribe(`s${i}`);
    // Each was sent 1,500 points, some 0.5 MiB.
    await until(
      () => heapMiB() - before < 4,
      () => `nothing is kept of them: ${(heapMiB() - before).toFixed(1)} MiB more in use`,
    );
  });

  test('a subscriber that stops reading costs no memory and gets the newest when it reads again', async () => {
    const one = await socket().ready();
    one.subscribe('s', LIVE);
    await one.of('s');
    one.socket.pause();
    for (let count = 1; count <= 2_000; count++) api.fed.feed(api.fed.results.state('CA', { ios: count }));
    // By then the one that stalls would have been sent it too.
    const other = await socket().ready();
    other.subscribe('s', LIVE);
    await other.next(({ payload }) => JSON.stringify(payload).includes('"ios":2000'));
    one.socket.resume();
    const newest = await one.next(({ payload }) => JSON.stringify(payload).includes('"ios":2000'));
    expect(newest.id).toBe('s');
  });
});

describe('a socket that closes in the middle of things leaves nothing behind, and nothing in the log', () => {
  const noFault = () => expect(api.logged.filter((line) => /could not|unexpectedly|Error/.test(line))).toEqual([]);
  const allFreed = () =>
    eventually(
      async () =>
        api.fed.model.hub.listenerCount === 0 &&
        /tributary_api_sockets 0\n/.test(await (await fetch(`${api.url}/metrics`)).text()) &&
        !/tributary_api_subscriptions\{[^}]*\} [1-9]/.test(await (await fetch(`${api.url}/metrics`)).text()),
    );

  test.each<[string, (one: RawSocket) => void]>([
    ['before the operation has begun', (one) => one.subscribe('s', LIVE)],
    [
      'with a query that is not answered yet',
      (one) => Array.from({ length: 15 }, (_, index) => one.subscribe(`q${index}`, TOTALS)),
    ],
    [
      'with one that was completed in the same packet',
      (one) => [one.subscribe('s', LIVE), one.send({ type: 'complete', id: 's' })],
    ],
    ['with a message that is no message', (one) => [one.subscribe('s', LIVE), one.send('nonsense')]],
    ['with an operation that is refused', (one) => one.subscribe('s', '{ nothing }')],
  ])('%s', async (_, say) => {
    api.logged.length = 0;
    for (const leave of ['close', 'terminate'] as const) {
      const one = await socket().ready();
      say(one);
      one.socket[leave]();
      await one.closed;
    }
    await allFreed();
    noFault();
  });

  test('while updates are on their way to it', async () => {
    api.logged.length = 0;
    const one = await socket().ready();
    for (let index = 0; index < 20; index++) one.subscribe(`s${index}`, LIVE);
    await one.of('s19');
    for (let count = 0; count < 50; count++) api.fed.feed(api.fed.results.state('CA', { ios: 10_000 + count }));
    one.socket.terminate();
    for (let count = 0; count < 50; count++) api.fed.feed(api.fed.results.state('CA', { ios: 20_000 + count }));
    await allFreed();
    noFault();
  });

  test('what is completed before it began never sends, and its id is free', async () => {
    const one = await socket().ready();
    one.subscribe('s', LIVE);
    one.send({ type: 'complete', id: 's' });
    one.send({ type: 'complete', id: 'never-begun' });
    one.subscribe('q', TOTALS);
    expect(await one.of('q')).toMatchObject({ type: 'next' });
    await eventually(() => api.fed.model.hub.listenerCount === 0);
  });
});

describe('the handshake', () => {
  test('without an Origin, with our own and with an allowed one it passes; with any other it is 403', async () => {
    expect(await socket().handshake()).toBe(101);
    expect(await socket({ headers: { origin: api.url } }).handshake()).toBe(101);
    expect(await socket({ headers: { origin: 'https://friend.example' } }).handshake()).toBe(101);
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', 'https://friend.example:444']) {
      expect([origin, await socket({ headers: { origin } }).handshake()]).toEqual([origin, 403]);
    }
  });

  test('API_TOKEN: by connectionParams or header; without it 4403', async () => {
    const guarded = await startApiUnderTest({ apiToken: 'right-token' });
    try {
      for (const payload of [undefined, { token: 'wrong' }, { token: ['right-token'] }]) {
        const one = await new RawSocket(guarded.url).opened();
        one.send({ type: 'connection_init', payload });
        expect(await one.closed).toBe(4403);
      }
      const byParams = await new RawSocket(guarded.url).ready({ token: 'right-token' });
      byParams.subscribe('1', TOTALS);
      expect(await byParams.of('1')).toMatchObject({ type: 'next' });
      await new RawSocket(guarded.url, { headers: { authorization: 'Bearer right-token' } }).ready();
    } finally {
      await guarded.server.stop();
    }
  });
});
