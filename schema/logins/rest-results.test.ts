import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { type ApiUnderTest, NEWEST_LOGIN_MS, startApiUnderTest } from '../../tests/support/api-under-test.ts';

// Servers and sockets on a busy machine take their time.
let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApiUnderTest();
});
afterAll(() => api.server.stop());

const get = (path: string, init: RequestInit = {}) => fetch(api.url + path, init);

describe('GET /data', () => {
  test('gives states with a login, by code', async () => {
    const response = await get('/data');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      CA: { gdp: 'high', ios: 3, android: 1, others: 0, total: 4 },
      TX: { gdp: 'high', ios: 1, android: 4, others: 0, total: 5 },
    });
    api.fed.feed(
      api.fed.results.state('AK', { other: 2, lastLoginAtMs: NEWEST_LOGIN_MS }),
      api.fed.results.state('WY', {}),
    );
    expect(await (await get('/data')).text()).toBe(
      `{"AK":{"gdp":"low","ios":0,"android":0,"others":2,"total":2},${text.slice(1)}`,
    );
  });

  test('HEAD gives the same headers and no body', async () => {
    const [whole, head] = [await get('/data'), await get('/data', { method: 'HEAD' })];
    for (const name of ['content-type', 'content-length', 'etag'])
      expect(head.headers.get(name)).toBe(whole.headers.get(name));
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('an ETag spares the body until something changes', async () => {
    const etag = (await get('/data')).headers.get('etag') as string;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get('/data', { headers: { 'if-none-match': known } });
      expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
    }
    api.fed.feed(api.fed.results.state('CA', { ios: 4, android: 1 }));
    expect((await get('/data', { headers: { 'if-none-match': etag } })).status).toBe(200);
  });

  test.each(['/data', '/insights', '/health', '/ready', '/metrics'])(
    '%s takes GET and HEAD only, and says so',
    async (path) => {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        const response = await get(path, { method });
        expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'GET, HEAD']);
      }
    },
  );

  test('gives JSON or 406', async () => {
    for (const accept of ['text/html', 'application/xml', 'application/json;q=0', 'application/json;q=0, text/html'])
      expect([accept, (await get('/data', { headers: { accept } })).status]).toEqual([accept, 406]);
    for (const accept of [
      'application/json',
      'application/*',
      '*/*',
      'text/html, */*;q=0.1',
      'TEXT/HTML, Application/JSON',
    ])
      expect([accept, (await get('/data', { headers: { accept } })).status]).toEqual([accept, 200]);
  });

  test('an allowed origin may read it, others may not', async () => {
    expect(
      (await get('/data', { headers: { origin: 'https://friend.example' } })).headers.get(
        'access-control-allow-origin',
      ),
    ).toBe('https://friend.example');
    expect(
      (await get('/data', { headers: { origin: 'https://evil.example' } })).headers.get('access-control-allow-origin'),
    ).toBeNull();
    expect(
      (await get('/data', { method: 'OPTIONS', headers: { origin: 'https://friend.example' } })).headers.get(
        'access-control-allow-methods',
      ),
    ).toBe('GET, HEAD');
  });
});

test('GET /insights gives sentences: the top state, more iOS, more Android, GDP classes', async () => {
  const sentences = (await (await get('/insights')).json()) as string[];
  expect(sentences).toHaveLength(4);
  expect(sentences.every((sentence) => typeof sentence === 'string')).toBe(true);
  expect(sentences[0]).toMatch(/most/);
});

describe('probes', () => {
  test('before there is a copy: alive, not ready, and no results', async () => {
    const starting = await startApiUnderTest({ caughtUp: false });
    try {
      starting.fed.model.setTableState({
        caughtUpOnce: false,
        complete: false,
        reason: 'waiting for the topic test-logins-status',
      });
      expect((await fetch(`${starting.url}/health`)).status).toBe(200);
      const ready = await fetch(`${starting.url}/ready`);
      expect([ready.status, await ready.json()]).toEqual([
        503,
        { status: 'not ready', reason: 'waiting for the topic test-logins-status' },
      ]);
      for (const path of ['/data', '/insights']) {
        const response = await fetch(starting.url + path);
        expect([response.status, await response.json()]).toMatchObject([
          503,
          { errors: [{ extensions: { code: 'NOT_READY' } }] },
        ]);
      }
      starting.fed.model.setTableState({ caughtUpOnce: true, complete: true, reason: null });
      expect((await fetch(`${starting.url}/ready`)).status).toBe(200);
      expect((await fetch(`${starting.url}/data`)).status).toBe(200);
      starting.fed.model.setTableState({ caughtUpOnce: true, complete: false, reason: 'Kafka is away' });
      expect((await fetch(`${starting.url}/ready`)).status).toBe(503);
      expect((await fetch(`${starting.url}/data`)).status).toBe(200);
    } finally {
      await starting.server.stop();
    }
  });

  test('/metrics is in the text format of Prometheus, with labels of our own only', async () => {
    await get('/no-such-path-canary');
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain');
    const text = await response.text();
    expect(text).toMatch(/^tributary_api_complete 1$/m);
    expect(text).toMatch(/^tributary_api_http_requests_total\{path="\/data",method="GET",status="200"\} \d+$/m);
    expect(text).not.toContain('canary');
  });
});
