import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'graphql';

import { type ApiUnderTest, eventually, startApiUnderTest } from '../../../tests/support/api-under-test.ts';
import { codesIn, RawSocket } from '../../../tests/support/raw-socket.ts';
import { operationKey } from './shared-execution.ts';
import { until } from '../../../tests/support/until.ts';

describe('the key of an operation', () => {
  const key = (document: string, variableValues?: Record<string, unknown>, operationName?: string) =>
    operationKey({
      document: parse(document),
      variableValues: variableValues ?? null,
      operationName: operationName ?? null,
    });
  const skipping =
    'subscription($after: Cursor, $bare: Boolean!) { states(after: $after) { kind totals ' +
    '@skip(if: $bare) { total } } }';

  test('is the same for the same text however it is spaced, and for any cursor', () => {
    expect(key('subscription{states{kind}}')).toBe(key('subscription { states { kind } }'));
    expect(key(skipping, { after: 'a', bare: true })).toBe(key(skipping, { after: 'b', bare: true }));
  });

  test('is another one for other selections, names, and variables that the selections use', () => {
    expect(key(skipping, { bare: true })).not.toBe(key(skipping, { bare: false }));
    expect(key('subscription { states { kind } }')).not.toBe(key('subscription { states { cursor } }'));
    const two = 'subscription A { states { kind } } subscription B { states { cursor } }';
    expect(key(two, {}, 'A')).not.toBe(key(two, {}, 'B'));
  });

  test('knows variables of directives on the subscribed field, in fragments, and in arguments further in', () => {
    const onField = 'subscription($v: Boolean!) { states @include(if: $v) { kind } }';
    const inFragment =
      'subscription($v: Boolean!) { states { ...F } } fragment F on StatesUpdate { kind @include(if: $v) }';
    const rootInFragment =
      'subscription($v: Cursor) { ...F } fragment F on Subscription { states(after: $v) { kind } }';
    const inner = 'subscription($v: Int) { states { kind(n: $v) } }';
    for (const document of [onField, inFragment, rootInFragment, inner])
      expect(key(document, { v: 1 })).not.toBe(key(document, { v: 2 }));
  });

  test('tells a variable that is null from one that is left out and has its default', () => {
    const document = 'subscription($toString: Boolean = true) { states { kind @skip(if: $toString) } }';
    expect(key(document, { toString: null })).not.toBe(key(document));
    expect(key(document, { toString: null })).not.toBe(key(document, {}));
  });
});

describe('many subscriptions', () => {
  let api: ApiUnderTest;
  const sockets: RawSocket[] = [];
  beforeAll(async () => {
    api = await startApiUnderTest();
  });
  afterAll(async () => {
    for (const { socket } of sockets.splice(0)) socket.terminate();
    await api.server.stop();
  });
  const open = async () => {
    const one = await new RawSocket(api.url).ready();
    sockets.push(one);
    return one;
  };

  test('get each its own frame of the same update, for which the rows are read once', async () => {
    const query = 'subscription { states(intervalMs: 100) { kind states { code devices { ios } } totals { total } } }';
    const all = await Promise.all(Array.from({ length: 5 }, open));
    const ids = ['a', 'quoted "id"', 'ü', '{"id":"x"}'];
    for (const one of all) {
      for (const id of ids) {
        one.subscribe(id, query);
        expect(await one.of(id)).toMatchObject({ type: 'next', payload: { data: { states: { kind: 'SNAPSHOT' } } } });
      }
    }
    // From wherever each began, one change later all have been told the same.
    api.fed.feed(api.fed.results.state('WY', { ios: 1 }));
    for (const one of all) for (const id of ids) await one.of(id);
    await new Promise((resolve) => setTimeout(resolve, 200));

    const { states } = api.fed.model.tables;
    const get = states.get;
    let read = 0;
    states.get = (code) => {
      if (code === 'WY') read += 1;
      return get.call(states, code);
    };
    /** What was read of the row for one update to all. */
    const readFor = async (ios: number): Promise<number> => {
      const before = read;
      api.fed.feed(api.fed.results.state('WY', { ios }));
      const data = {
        states: { kind: 'DELTA', states: [{ code: 'WY', devices: { ios } }], totals: { total: ios + 9 } },
      };
      for (const one of all)
        for (const id of ids) expect(await one.of(id)).toMatchObject({ type: 'next', payload: { data } });
      return read - before;
    };
    try {
      // Once to see that it changed, once to send its counts. A busy machine may be late for some of them, who are then
      // served by another turn: not each time.
      let ios = 12;
      while ((await readFor(ios)) !== 2 && ios < 200) ios += 1;
      expect(ios).toBeLessThan(200);
    } finally {
      states.get = get;
    }
  });

  test('under steady change are told together, though they came at different times', async () => {
    const both = [await open(), await open()];
    const query = 'subscription { states(intervalMs: 100) { cursor states { code devices { ios } } } }';
    for (let id = 0; id < 20; id += 1) {
      for (const one of both) one.subscribe(`s${id}`, query);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const { states } = api.fed.model.tables;
    const get = states.get;
    let [read, count, received] = [0, 0, 0];
    states.get = (code) => {
      if (code === 'CA') read += 1;
      return get.call(states, code);
    };
    for (const { socket } of both) socket.on('message', () => (received += 1));
    const feeding = setInterval(() => api.fed.feed(api.fed.results.state('CA', { ios: ++count })), 20);
    await until(() => received > 200, 'updates come');
    clearInterval(feeding);
    states.get = get;
    // An update reads the row twice. Subscribers of the same tenth of an interval share it: four of these.
    expect(read / 2).toBeLessThan(received / 2);
  });

  test('with other selections, of the same update, get what each asked for; over SSE too', async () => {
    const one = await open();
    one.subscribe('total', 'subscription { states { totals { total } } }');
    one.subscribe('codes', 'subscription($bare: Boolean!) { mine: states { kind @skip(if: $bare) states { code } } }', {
      bare: true,
    });
    one.subscribe('kinds', 'subscription($bare: Boolean!) { mine: states { kind @skip(if: $bare) states { code } } }', {
      bare: false,
    });
    expect(await one.of('total')).toMatchObject({
      payload: { data: { states: { totals: { total: expect.any(Number) } } } },
    });
    expect(JSON.stringify(await one.of('codes'))).not.toContain('SNAPSHOT');
    expect(await one.of('kinds')).toMatchObject({ payload: { data: { mine: { kind: 'SNAPSHOT' } } } });
    const leaving = new AbortController();
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { states { totals { total } } }' }),
      signal: leaving.signal,
    });
    const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    let text = '';
    while (!text.includes('"total"')) text += (await reader.read()).value;
    expect(text).toMatch(/event: next\ndata: \{"data":\{"states":\{"totals":\{"total":\d+\}\}\}\}\n\n/);
    leaving.abort();
  });

  test('of which one gives null for a variable do not give it what the default gives', async () => {
    const one = await open();
    const query = 'subscription($bare: Boolean = true) { states { cursor kind @skip(if: $bare) } }';
    one.subscribe('default', query);
    one.subscribe('null', query, { bare: null });
    expect(await one.of('default')).toMatchObject({ payload: { data: { states: { cursor: expect.any(String) } } } });
    expect(codesIn(await one.of('null'))).toEqual(['BAD_USER_INPUT']);
  });

  test('run and are freed whatever is sent for a variable that another operation declares', async () => {
    await eventually(() => api.fed.model.hub.listenerCount > 0);
    const before = api.fed.model.hub.listenerCount;
    const one = await open();
    const query = 'subscription A { states { kind } } subscription B($x: Cursor) { states(after: $x) { kind } }';
    const payload = JSON.stringify({ operationName: 'A', query }).slice(0, -1);
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    one.send(`{"type":"subscribe","id":"deep","payload":${payload},"variables":{"x":${deep}}}}`);
    expect(await one.of('deep')).toMatchObject({ payload: { data: { states: { kind: 'SNAPSHOT' } } } });
    one.socket.terminate();
    await eventually(() => api.fed.model.hub.listenerCount === before);
  });

  test('are all freed when they leave', async () => {
    for (const { socket } of sockets.splice(0)) socket.terminate();
    await eventually(() => api.fed.model.hub.listenerCount === 0);
  });
});
