import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery, printSchema } from 'graphql';
import { serverAudits } from 'graphql-http';

import {
  type ApiUnderTest,
  eventually,
  postGraphql,
  startApiUnderTest,
} from '../../../tests/support/api-under-test.ts';

// Servers and sockets on a busy machine take their time.
let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApiUnderTest();
});
afterAll(() => api.server.stop());

const TOTALS = '{ states { totals { total } } }';
const BAD_USER_INPUT = { code: 'BAD_USER_INPUT' };

describe('the GraphQL-over-HTTP audits', () => {
  const audits = serverAudits({ url: () => `${api.url}/graphql` });
  test('are all there', () => expect(audits).toHaveLength(61));
  test.each(audits.map((audit) => [`${audit.id} ${audit.name}`, audit] as const))('%s', async (_, audit) => {
    expect(await audit.fn()).toMatchObject({ status: 'ok' });
  });
});

describe('errors carry a code', () => {
  const cases: readonly (readonly [string, unknown, string, string | undefined])[] = [
    ['a syntax error', { query: '{ states ' }, 'GRAPHQL_PARSE_FAILED', undefined],
    ['an unknown field', { query: '{ nothing }' }, 'GRAPHQL_VALIDATION_FAILED', undefined],
    ['an unknown state', { query: '{ state(code: XX) { id } }' }, 'GRAPHQL_VALIDATION_FAILED', undefined],
    ['an argument out of range', { query: '{ states(first: 99) { totals { ios } } }' }, 'BAD_USER_INPUT', 'first'],
    [
      'a variable that does not fit',
      { query: 'query($code: StateCode!) { state(code: $code) { id } }', variables: { code: 'XX' } },
      'BAD_USER_INPUT',
      'code',
    ],
    [
      'a variable that is missing',
      { query: 'query($code: StateCode!) { state(code: $code) { id } }' },
      'BAD_USER_INPUT',
      'code',
    ],
    [
      'an instant in a variable that is none',
      { query: 'query($from: DateTime) { timeSeries(from: $from) { to } }', variables: { from: 'now' } },
      'BAD_USER_INPUT',
      'from',
    ],
    [
      'an operation that is not there',
      { query: 'query A { __typename }', operationName: 'B' },
      'BAD_USER_INPUT',
      'operationName',
    ],
    ['no operation', { notquery: 1 }, 'BAD_USER_INPUT', undefined],
    ['no JSON', '{"query":', 'BAD_USER_INPUT', undefined],
    ['a list of operations', [{ query: TOTALS }], 'BAD_USER_INPUT', undefined],
    ['a mutation', { query: 'mutation { a }' }, 'GRAPHQL_VALIDATION_FAILED', undefined],
  ];
  test.each(cases)('%s', async (_, body, code, argument) => {
    const { codes, errors } = await postGraphql(api.url, body);
    expect(codes.slice(0, 1)).toEqual([code]);
    if (argument !== undefined) {
      expect(errors?.[0]?.extensions?.['argument']).toBe(argument);
      expect(errors?.[0]?.message).toContain(argument);
    }
    expect(JSON.stringify(errors)).not.toMatch(/"http"|stack|originalError|node_modules/);
  });

  test('an unexpected one is masked, and what happened is in the log only', async () => {
    const { states } = api.fed.model.tables;
    const get = states.get;
    states.get = () => {
      throw new Error('secret-detail-of-the-failure');
    };
    try {
      const { codes, errors, status } = await postGraphql(api.url, { query: '{ state(code: CA) { id } }' });
      expect([codes, status]).toEqual([['INTERNAL_SERVER_ERROR'], 200]);
      expect(JSON.stringify(errors)).not.toContain('secret-detail');
      expect(api.logged.join()).toContain('secret-detail');
    } finally {
      states.get = get;
    }
  });

  test('variables are in no log line', async () => {
    await postGraphql(api.url, {
      query: 'query Canary($id: ID!) { node(id: $id) { id } }',
      variables: { id: 'canary-value-1' },
    });
    await postGraphql(api.url, {
      query: 'query Canary($first: Int) { states(first: $first) { totals { ios } } }',
      variables: { first: 'canary-value-2' },
    });
    await eventually(() => api.logged.some((line) => line.includes('Canary')));
    expect(api.logged.join()).not.toContain('canary-value');
  });
});

describe('limits', () => {
  const fields = (count: number, make: (index: number) => string) =>
    `{ ${Array.from({ length: count }, (_, index) => make(index)).join(' ')} }`;
  const nested = (levels: number) => `${'{ ... on Query '.repeat(levels - 1)}{ __typename }${' }'.repeat(levels - 1)}`;
  const cases: readonly (readonly [string, string, string])[] = [
    [
      'tokens of a list',
      `{ timeSeries(states: [${'CA '.repeat(988)}]) { to } }`,
      `{ timeSeries(states: [${'CA '.repeat(989)}]) { to } }`,
    ],
    ['the same field again', fields(16, () => '__typename'), fields(17, () => '__typename')],
    ['depth', nested(8), nested(9)],
    ['aliases', fields(15, (index) => `a${index}: __typename`), fields(16, (index) => `a${index}: __typename`)],
    [
      'aliases in fragments',
      `{ a: __typename ...F } fragment F on Query { ${fields(14, (index) => `b${index}: __typename`).slice(1, -1)} }`,
      `{ ...F ...F } fragment F on Query { ${fields(8, (index) => `b${index}: __typename`).slice(1, -1)} }`,
    ],
    [
      'directives',
      fields(10, () => '__typename @include(if: true)'),
      fields(11, () => '__typename @include(if: true)'),
    ],
  ];
  test.each(cases)('%s', async (_, within, beyond) => {
    expect((await postGraphql(api.url, { query: within })).codes).toEqual([]);
    const refused = await postGraphql(api.url, { query: beyond });
    expect(refused.codes).toEqual(['QUERY_TOO_LARGE']);
    expect((await postGraphql(api.url, { query: beyond })).codes).toEqual(['QUERY_TOO_LARGE']);
  });

  test('depth counts through named fragments', async () => {
    const chain = Array.from(
      { length: 9 },
      (_, index) => `fragment F${index} on Query { a { ...F${index + 1} } }`,
    ).join(' ');
    expect((await postGraphql(api.url, { query: `{ ...F0 } ${chain} fragment F9 on Query { a }` })).codes).toEqual([
      'QUERY_TOO_LARGE',
    ]);
  });

  test('fragments that spread each other end', async () => {
    expect(
      (
        await postGraphql(api.url, {
          query: '{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }',
        })
      ).codes,
    ).toContain('GRAPHQL_VALIDATION_FAILED');
  });

  // Exponential time would be longer than any deadline.
  test('fragments that double at each level are refused, and take no exponential time', async () => {
    const doubling = Array.from(
      { length: 60 },
      (_, index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`,
    ).join(' ');
    expect(
      (await postGraphql(api.url, { query: `{ ...F0 } ${doubling} fragment F60 on Query { a: __typename }` })).codes,
    ).toEqual(['QUERY_TOO_LARGE']);
  });

  test('nesting without end does not end the parser', async () => {
    expect((await postGraphql(api.url, { query: `{ a(b: ${'['.repeat(40_000)}` })).codes).toEqual(['QUERY_TOO_LARGE']);
  });

  test('the introspection that tools use passes', async () => {
    const { data, codes } = await postGraphql(api.url, {
      query: getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true, specifiedByUrl: true }),
    });
    expect(codes).toEqual([]);
    expect(printSchema(buildClientSchema(data as unknown as IntrospectionQuery))).toContain('type StatesUpdate');
  });

  test('a body of more than 100 kB is refused, by its declared and by its true length', async () => {
    const query = (length: number) => {
      const shell = JSON.stringify({ query: TOTALS, operationName: null, extensions: { pad: '' } });
      return JSON.stringify({
        query: TOTALS,
        operationName: null,
        extensions: { pad: 'x'.repeat(length - shell.length) },
      });
    };
    expect((await postGraphql(api.url, query(100_000))).status).toBe(200);
    const refused = await postGraphql(api.url, query(100_001));
    expect([refused.status, refused.codes]).toEqual([413, ['QUERY_TOO_LARGE']]);
    const chunked = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Blob([query(150_000)]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(413);
    await chunked.body?.cancel();
  });
});

describe('other sites', () => {
  const get = (headers: Record<string, string>) =>
    fetch(`${api.url}/graphql?query=${encodeURIComponent(TOTALS)}`, { headers });

  test('nothing that a page can make a browser send unasked is executed', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/graphql',
      'text/plain; application/json',
    ]) {
      const response = await fetch(`${api.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: JSON.stringify({ query: TOTALS }),
      });
      expect([type, response.status]).toEqual([type, 415]);
      expect(await response.text()).not.toContain('totals');
    }

    expect((await get({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status).toBe(403);
    expect((await get({ 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' })).status).toBe(200);
  });

  test('a foreign origin is refused, and named in no allow header', async () => {
    for (const origin of [
      'https://evil.example',
      'null',
      'http://127.0.0.1:1',
      'https://friend.example.evil.example',
    ]) {
      const { status, headers, data } = await postGraphql(api.url, { query: TOTALS }, { origin });
      expect([origin, status, data, headers.get('access-control-allow-origin')]).toEqual([
        origin,
        403,
        undefined,
        null,
      ]);
      const preflight = await fetch(`${api.url}/graphql`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
      expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    }
  });

  test('an allowed origin may read, without credentials; so may our own', async () => {
    const friend = await postGraphql(api.url, { query: TOTALS }, { origin: 'https://friend.example' });
    expect([
      friend.status,
      friend.headers.get('access-control-allow-origin'),
      friend.headers.get('access-control-allow-credentials'),
    ]).toEqual([200, 'https://friend.example', null]);
    expect(friend.headers.get('vary')).toContain('Origin');
    const preflight = await fetch(`${api.url}/graphql`, {
      method: 'OPTIONS',
      headers: { origin: 'https://friend.example', 'access-control-request-method': 'POST' },
    });
    expect([
      preflight.status,
      preflight.headers.get('access-control-allow-methods'),
      preflight.headers.get('access-control-allow-headers'),
    ]).toEqual([204, 'GET, POST', expect.stringContaining('content-type')]);
    expect((await postGraphql(api.url, { query: TOTALS }, { origin: api.url })).status).toBe(200);
  });
});

describe('subscriptions over SSE', () => {
  async function open(
    query: string,
  ): Promise<{ response: Response; reader: ReadableStreamDefaultReader<string>; leave: () => void }> {
    const leaving = new AbortController();
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query }),
      signal: leaving.signal,
    });
    const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    return { response, reader, leave: () => leaving.abort() };
  }

  async function readUntil(reader: ReadableStreamDefaultReader<string>, text: string): Promise<string> {
    let all = '';
    while (!all.includes(text)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`ended before ${text}: ${all}`);
      all += value;
    }
    return all;
  }

  test('send a snapshot, then what changes', async () => {
    const { response, reader, leave } = await open(
      'subscription { states(intervalMs: 50) { kind states { code devices { ios } } } }',
    );
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(await readUntil(reader, 'SNAPSHOT')).toContain('event: next');
    api.fed.feed(api.fed.results.state('WY', { ios: 7 }));
    expect(await readUntil(reader, 'DELTA')).toContain('{"code":"WY","devices":{"ios":7}}');
    leave();
  });

  test('one that waits in a quiet hour is freed at once when its client leaves', async () => {
    await eventually(() => api.fed.model.hub.listenerCount === 0);
    const opened = await Promise.all(
      Array.from({ length: 10 }, () => open('subscription { insights(intervalMs: 60000) { sentences } }')),
    );
    await Promise.all(opened.map(({ reader }) => readUntil(reader, 'sentences')));
    expect(api.fed.model.hub.listenerCount).toBe(10);
    for (const { leave } of opened) leave();
    await eventually(() => api.fed.model.hub.listenerCount === 0);
  });

  test('one whose client takes no event stream is refused and freed', async () => {
    await eventually(() => api.fed.model.hub.listenerCount === 0);
    for (const accept of ['application/json', 'application/graphql-response+json', 'multipart/mixed']) {
      const response = await fetch(`${api.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body: JSON.stringify({ query: 'subscription { states { kind } }' }),
      });
      expect([accept, response.status]).toEqual([accept, 406]);
      expect(await response.json()).toEqual({
        errors: [
          { message: expect.stringContaining('a subscription as text/event-stream'), extensions: BAD_USER_INPUT },
        ],
      });
    }
    await eventually(() => api.fed.model.hub.listenerCount === 0);
  });

  test('200 streams an instance', async () => {
    const opened = await Promise.all(
      Array.from({ length: 200 }, () => open('subscription { insights(intervalMs: 60000) { sentences } }')),
    );
    const more = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { insights { sentences } }' }),
    });
    expect([
      more.status,
      ((await more.json()) as { errors: { extensions: { code: string } }[] }).errors[0]?.extensions.code,
    ]).toEqual([503, 'TOO_MANY_SUBSCRIPTIONS']);
    // Accepting anything, one gets a stream too; this one ends with the error.
    const anything = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: '*/*' },
      body: JSON.stringify({ query: 'subscription { insights { sentences } }' }),
    });
    expect(await anything.text()).toContain('TOO_MANY_SUBSCRIPTIONS');
    expect(api.fed.model.hub.listenerCount).toBe(200);
    for (const { leave } of opened) leave();
    await eventually(() => api.fed.model.hub.listenerCount === 0);
    const { reader, leave } = await open('subscription { insights { sentences } }');
    await readUntil(reader, 'sentences');
    leave();
  });

  test('one with a bad argument ends with its error', async () => {
    const { reader } = await open('subscription { states(intervalMs: 49) { kind } }');
    const all = await readUntil(reader, 'event: complete');
    expect(all).toContain('"code":"BAD_USER_INPUT"');
    expect(all).toContain('"argument":"intervalMs"');
  });
});

describe('closed', () => {
  test('GRAPHIQL=false: no introspection, no suggestions, no page', async () => {
    const closed = await startApiUnderTest({ graphiql: false });
    try {
      for (const query of ['{ __schema { types { name } } }', '{ __type(name: "State") { name } }'])
        expect((await postGraphql(closed.url, { query })).codes).toContain('GRAPHQL_VALIDATION_FAILED');
      for (const body of [
        { query: '{ stats }' },
        { query: '{ state(code: CAA) { id } }' },
        { query: 'query($c: StateCode!) { state(code: $c) { id } }', variables: { c: 'CAA' } },
      ]) {
        const { errors, codes } = await postGraphql(closed.url, body);
        expect(codes).toHaveLength(1);
        expect(errors?.[0]?.message).not.toMatch(/did you mean|states/i);
      }
      expect((await postGraphql(closed.url, { query: `{ __typename ${TOTALS.slice(1)}` })).codes).toEqual([]);
      const page = await fetch(`${closed.url}/graphql`, { headers: { accept: 'text/html' } });
      expect(await page.text()).not.toContain('<script');
      expect((await fetch(`${closed.url}/graphiql/graphiql.js`)).status).toBe(404);
    } finally {
      await closed.server.stop();
    }
  });

  test('API_TOKEN: needed for the results, not for the probes', async () => {
    const guarded = await startApiUnderTest({ apiToken: 'right-token' });
    try {
      const authorization = 'Bearer right-token';
      for (const wrong of [
        {},
        { authorization: 'Bearer wrong' },
        { authorization: 'right-token' },
        { authorization: 'Bearer right-token-and-more' },
      ]) {
        const { status, codes, headers } = await postGraphql(guarded.url, { query: TOTALS }, wrong);
        expect([status, codes, headers.get('www-authenticate')]).toEqual([
          401,
          ['UNAUTHENTICATED'],
          expect.stringContaining('Bearer'),
        ]);
        expect((await fetch(`${guarded.url}/data`, { headers: wrong })).status).toBe(401);
        expect((await fetch(`${guarded.url}/insights`, { headers: wrong })).status).toBe(401);
      }
      expect((await postGraphql(guarded.url, { query: TOTALS }, { authorization })).data).toEqual({
        states: { totals: { total: 9 } },
      });
      expect((await fetch(`${guarded.url}/data`, { headers: { authorization } })).status).toBe(200);
      for (const path of ['/health', '/ready', '/metrics']) expect((await fetch(guarded.url + path)).status).toBe(200);
      expect(guarded.logged.join()).not.toMatch(/right-token|wrong/);
    } finally {
      await guarded.server.stop();
    }
  });
});
