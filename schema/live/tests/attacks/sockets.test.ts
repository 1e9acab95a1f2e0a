import { describe, expect, test } from '@jest/globals';
import { postGraphql } from '../../../../tests/support/api-under-test.ts';
import { codesIn, RawSocket } from '../../../../tests/support/raw-socket.ts';
import { until } from '../../../../tests/support/until.ts';
import type { LiveApiOptions } from '../../live-api-options.ts';
import { largeSnapshotsOf } from '../../updates/large-snapshots.ts';
import { attackedShop, type AttackedShop } from './attacked-shop.ts';
import { atTheEnd, closeBehindEachTest } from '../support/asked-api.ts';

closeBehindEachTest();

const MIB = 1_048_576;
const WHOLE = 'subscription { skus(intervalMs: 50) { kind more removed rows { id sku orders cents note } } }';

/** An API that is listened to, with so many rows. */
async function listening(rows: number, options: Partial<LiveApiOptions> = {}, noteLength = 200) {
  const shop = attackedShop(options);
  const note = 'x'.repeat(noteLength);
  for (let at = 0; at < rows; at += 1) shop.sku(`k${String(at).padStart(6, '0')}`, { note, cents: at });
  const { url } = await shop.api.listen();
  const socket = async (connectionParams?: Record<string, unknown>): Promise<RawSocket> => {
    const one = await new RawSocket(url).ready(connectionParams);
    atTheEnd(() => one.socket.terminate());
    return one;
  };
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? NaN);
  };
  return { shop, url, socket, metric };
}

/** The rows that a subscriber holds, update by update, until `isDone`. */
async function follow(
  one: RawSocket,
  id: string,
  isDone: (rows: ReadonlyMap<string, unknown>, more: boolean) => boolean,
): Promise<ReadonlyMap<string, unknown>> {
  const rows = new Map<string, unknown>();
  for (;;) {
    const { payload } = await one.of(id);
    const { skus } = (payload as { data: { skus: { more: boolean; removed: string[]; rows: { id: string }[] } } }).data;
    for (const row of skus.rows) rows.set(row.id, row);
    for (const gone of skus.removed) rows.delete(gone);
    if (isDone(rows, skus.more)) return rows;
  }
}

describe('readers that take a large snapshot and do not read', () => {
  test('hold no more than the bound together; one that reads has every row, and what changes', async () => {
    const { shop, socket, metric } = await listening(2_000, { limits: { maxUnsentBytes: 16 * MIB } }, 6_000);
    const slow: RawSocket[] = [];
    // Each is sent some 12 MiB, of which the system holds a part.
    for (let at = 0; at < 8; at += 1) {
      const one = await socket();
      one.socket.pause();
      one.subscribe('whole', WHOLE);
      slow.push(one);
    }
    await until(async () => (await metric('tributary_api_unsent_bytes')) > 0, 'something waits');
    const reader = await socket();
    reader.subscribe('whole', WHOLE);
    const rows = await follow(reader, 'whole', (_, more) => !more);
    expect(rows.size).toBe(2_000);
    // All of the slow ones have been sent theirs before.
    expect(await metric('tributary_api_unsent_bytes')).toBeLessThanOrEqual(16 * MIB);
    expect(await metric('tributary_api_stalled_readers_total')).toBeGreaterThan(0);
    shop.sku('k000007', { orders: 9 });
    const changed = await follow(reader, 'whole', (some) => some.has('Skus:k000007'));
    expect(changed.get('Skus:k000007')).toMatchObject({ orders: 9 });
    expect(slow.length).toBe(8);
  });

  test('are cut off after their time by either way, and their subscriptions are free', async () => {
    const { shop, url, socket, metric } = await listening(12_000, { limits: { stalledAfterMs: 200 } }, 2_000);
    for (let at = 0; at < 3; at += 1) {
      const one = await socket();
      one.socket.pause();
      for (let id = 0; id < 5; id += 1) one.subscribe(String(id), WHOLE);
    }
    const leaving = new AbortController();
    atTheEnd(() => leaving.abort());
    // Its body is not read.
    await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: WHOLE }),
      signal: leaving.signal,
    });
    await until(async () => (await metric('tributary_api_stalled_readers_total')) >= 4, 'all are cut off');
    await until(() => shop.model.hub.listenerCount === 0, 'nothing is subscribed any more');
  });
});

test('what is kept of snapshots in parts is free when they are left, and when all has been sent', async () => {
  const { shop, socket } = await listening(12_000);
  const snapshots = largeSnapshotsOf(shop.model);
  const watch = (least: number): string =>
    `subscription { skus(filter: { cents: { gte: ${String(least)} } }, intervalMs: 50) {
      kind more removed rows { id sku } } }`;
  const [leaving, reading] = [await shop.watch(watch(1)), await socket()];
  expect(await leaving()).toMatchObject({ data: { skus: { more: true } } });
  expect(snapshots.rows).toBe(11_999);
  await leaving.close();
  expect(snapshots.rows).toBe(0);
  reading.subscribe('whole', watch(2));
  expect((await follow(reading, 'whole', (_, more) => !more)).size).toBe(11_998);
  expect(snapshots.rows).toBe(0);
});

test('invented cursors that are asked with again and again leave no subscription behind', async () => {
  const { shop, socket } = await listening(10);
  const one = await socket();
  const { skusPage } = await shop.data<{ skusPage: { cursor: string } }>('{ skusPage { cursor } }');
  const content = JSON.parse(Buffer.from(skusPage.cursor, 'base64url').toString()) as object;
  const after = Buffer.from(JSON.stringify({ ...content, p: { 0: 1e15 } })).toString('base64url');
  const source = 'subscription ($after: Cursor) { skus(after: $after, intervalMs: 50) { kind rows { sku } } }';
  for (let at = 0; at < 20; at += 1) {
    one.subscribe(`s${String(at)}`, source, { after });
    one.send({ type: 'complete', id: `s${String(at)}` });
  }
  await until(() => shop.model.hub.listenerCount === 0, 'nothing is subscribed any more');
  one.subscribe('good', source);
  expect(await one.of('good')).toMatchObject({ payload: { data: { skus: { kind: 'SNAPSHOT' } } } });
});

describe('operations that cost more than they look', () => {
  const row = '{ id sku orders cents note at day units more }';
  const page = `skusPage(first: 100) { nodes ${row} edges { cursor node ${row} } }`;
  const fragment = (at: number): string => {
    const next = `...f${String(at + 1)}`;
    return `fragment f${String(at)} on Query { ${next} ${next} }`;
  };
  const times = (count: number, text: (at: number) => string): string =>
    Array.from({ length: count }, (_, at) => text(at)).join(' ');
  const keys = '"k", '.repeat(101);
  const costly: Readonly<Record<string, readonly [query: string, code: string | undefined]>> = {
    'many pages under aliases': [`{ ${times(15, (at) => `a${String(at)}: ${page}`)} }`, 'QUERY_TOO_LARGE'],
    'a field many times': [`{ ${page.repeat(400)} }`, 'QUERY_TOO_LARGE'],
    'introspection in depth': [
      `{ __schema { types { ${'fields { type { '.repeat(12)} name ${'} } '.repeat(12)} } } }`,
      'GRAPHQL_VALIDATION_FAILED',
    ],
    'too many keys': [`{ skusByKeys(keys: [${keys}]) { sku } }`, 'BAD_USER_INPUT'],
    'many lists of keys': [
      `{ ${times(15, (at) => `a${String(at)}: skusByKeys(keys: [${keys}]) { sku }`)} }`,
      'QUERY_TOO_LARGE',
    ],
    // 2 to the power of 40 paths lead to one field.
    'fragments of fragments': [`{ ...f0 } ${times(40, fragment)} fragment f40 on Query { __typename }`, undefined],
  };
  test.each(Object.entries(costly))('%s: the same by either way, and the socket goes on', async (_what, given) => {
    const [query, code] = given;
    const { url, socket } = await listening(300);
    const one = await socket();
    one.subscribe('costly', query);
    const answer = await one.of('costly');
    const { codes } = await postGraphql(url, { query });
    expect([codesIn(answer)[0], codes[0]]).toEqual([code, code]);
    one.subscribe('cheap', '{ skus(sku: "k000001") { sku } }');
    expect(await one.of('cheap')).toMatchObject({ payload: { data: { skus: { sku: 'k000001' } } } });
  });
});

describe('a viewer whose time is over, while rows change', () => {
  const start = (lifeMs: number): ReturnType<typeof listening> =>
    listening(100, { viewer: () => ({ expiresAt: new Date(Date.now() + lifeMs) }) });
  const feed = (shop: AttackedShop): (() => void) => {
    let count = 0;
    const timer = setInterval(() => shop.sku('k000001', { orders: ++count }), 5);
    atTheEnd(() => clearInterval(timer));
    return () => clearInterval(timer);
  };

  test('has his socket closed with 4403, and nothing is subscribed any more', async () => {
    const { shop, socket } = await start(2_000);
    feed(shop);
    const one = await socket();
    for (let id = 0; id < 10; id += 1) one.subscribe(String(id), WHOLE);
    expect(await one.closed).toBe(4403);
    await until(() => shop.model.hub.listenerCount === 0, 'nothing is subscribed any more');
  });

  test('has his event stream ended with UNAUTHENTICATED behind the last update', async () => {
    const { shop, url } = await start(2_000);
    feed(shop);
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: WHOLE }),
    });
    const events = (await response.text()).split('\n\n').filter((event) => event.includes('data: {'));
    expect(events.at(-1)).toContain('UNAUTHENTICATED');
    await until(() => shop.model.hub.listenerCount === 0, 'nothing is subscribed any more');
  });
});
