/*
 * More of everything than the API takes: readers that do not read, sockets, subscriptions, bytes, and senders that
 * never get to the end. It stays within its limits and goes on serving. The API is a process of its own, so that its
 * memory can be seen.
 */
import type { Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';

import { AttackedApi, openTcp, percentile, watchHealth } from '../support/api-attack.ts';
import { eventually, postGraphql } from '../support/api-under-test.ts';
import { codesIn, RawSocket } from '../support/raw-socket.ts';
import { expectWithin } from '../support/speed.ts';

const MB = 1_048_576;
const MEMORY_MAY_GROW_MB = 50;
const LIVE = 'subscription { states(intervalMs: 50) { kind states { code devices { ios } } } }';
/** Some 150 kB an update, so that the system's own buffers between the two processes are full within a second. */
const STATE_FIELDS = 'id name gdp { year millionsUsd class } devices { ios android other total }';
const COSTLY = `subscription { insights(intervalMs: 50) { ${Array.from(
  { length: 15 },
  (_, index) => `m${index}: moreIos { ${STATE_FIELDS} }`,
).join(' ')} } }`;

let api: AttackedApi;
const sockets: RawSocket[] = [];
const connections: Socket[] = [];

afterEach(async () => {
  for (const { socket } of sockets.splice(0)) socket.terminate();
  for (const connection of connections.splice(0)) connection.destroy();
  await api.stop();
});

function open(): RawSocket {
  const one = new RawSocket(api.url);
  sockets.push(one);
  return one;
}

async function tcp(text: string): Promise<Socket> {
  const one = await openTcp(api.port, text);
  connections.push(one);
  return one;
}

const eventStream = (query: string) => {
  const body = JSON.stringify({ query });
  return (
    `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:${api.port}\r\naccept: text/event-stream\r\ncontent-type: ` +
    `application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  );
};

async function memoryMb(): Promise<number> {
  return (await api.vitals()).rssBytes / MB;
}

async function iosOfCalifornia(): Promise<number> {
  const { data } = await postGraphql(api.url, { query: '{ state(code: CA) { devices { ios } } }' });
  return (data as { state: { devices: { ios: number } } }).state.devices.ios;
}

test('readers that stop reading, 200,000 updates, 10,000 in one turn: no memory, and others are current', async () => {
  api = await AttackedApi.start();
  const reader = await open().ready();
  reader.subscribe('live', LIVE);
  await reader.of('live');
  const warm = await open().ready();
  warm.subscribe('costly', COSTLY);
  await warm.of('costly');
  await api.feed({ feed: 20_000, perTurn: 100 });
  warm.socket.terminate();
  // What is in use after a collection: what made the updates is garbage that the process keeps room for.
  const usedMb = async () => (await api.vitals()).usedBytes / MB;
  const before = await usedMb();
  for (let index = 0; index < 20; index++) {
    const stalled = await open().ready();
    stalled.subscribe('live', LIVE);
    stalled.subscribe('costly', COSTLY);
    await stalled.of('live');
    stalled.socket.pause();
    await tcp(eventStream(COSTLY));
  }
  await eventually(async () => (await api.vitals()).subscribers === 61);
  let most = before;
  // Until what the system holds for the stalled ones is full, and then as fast as can be.
  for (let index = 0; index < 60; index++) {
    await api.feed({ feed: 10, perTurn: 1 });
    await new Promise((resolve) => setTimeout(resolve, 60));
    most = Math.max(most, await usedMb());
  }
  const resident = await memoryMb();
  for (let index = 0; index < 19; index++) {
    await api.feed({ feed: 10_000, perTurn: 100 });
    most = Math.max(most, await usedMb());
  }
  const newest = await api.feed({ feed: 10_000, perTurn: 10_000 });
  const fedAt = performance.now();
  await reader.next(({ payload }) => JSON.stringify(payload).includes(`"ios":${newest}}`));
  const behindMs = performance.now() - fedAt;
  const grownMb = Math.max(most, await usedMb()) - before;
  const residentGrownMb = (await memoryMb()) - resident;
  process.stdout.write(
    `stalled readers: memory at most ${grownMb.toFixed(1)} MB more in use through 200,000 updates, ` +
      `${residentGrownMb.toFixed(1)} MB more resident since their buffers were full; the other reader had the ` +
      `newest after ${behindMs.toFixed(0)} ms\n`,
  );
  expect(api.alive).toBe(true);
  expect(Math.max(grownMb, residentGrownMb)).toBeLessThan(MEMORY_MAY_GROW_MB);
  expectWithin(behindMs, 1_000);
  expect(await iosOfCalifornia()).toBe(newest);
});

test(
  'a reader that stays stalled is ended, over SSE and WebSocket, and its subscriptions with it; one that only ' +
    'rests is not',
  async () => {
    api = await AttackedApi.start({ stalledAfterMs: 2_000 });
    const resting = await open().ready();
    resting.subscribe('live', LIVE);
    await resting.of('live');
    resting.socket.pause();
    const stalled = await open().ready();
    stalled.subscribe('costly', COSTLY);
    await stalled.of('costly');
    stalled.socket.pause();
    await tcp(eventStream(COSTLY));
    await eventually(async () => (await api.vitals()).subscribers === 3);
    await eventually(async () => {
      await api.feed({ feed: 1, perTurn: 1 });
      // It rests again and again, and between answers the pings that it was sent: a busy machine needs longer to fill
      // the buffers of the others than a socket may be silent.
      resting.socket.resume();
      await new Promise((resolve) => setImmediate(resolve));
      resting.socket.pause();
      return (await api.vitals()).subscribers === 1;
    });
    expect(await (await fetch(`${api.url}/metrics`)).text()).toMatch(/tributary_api_stalled_readers_total 2\n/);
    const newest = await iosOfCalifornia();
    resting.socket.resume();
    await resting.next(({ payload }) => JSON.stringify(payload).includes(`"ios":${newest}}`));
  },
);

test('who reads no answers is not read either: pings of the protocol and of WebSocket, and operations', async () => {
  api = await AttackedApi.start();
  const before = await memoryMb();
  const flood = await open().ready();
  const { socket } = flood;
  socket.pause();
  const ping = JSON.stringify({ type: 'ping', payload: { pad: 'x'.repeat(65_000) } });
  // The sender's own memory: what its system does not take yet waits in the test.
  for (let sent = 0; sent < 3_000; sent++) {
    socket.send(ping);
    socket.ping('x'.repeat(120));
    if (sent % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const grownMb = (await memoryMb()) - before;
  process.stdout.write(`pings of 190 MB whose answers nobody reads: memory ${grownMb.toFixed(1)} MB\n`);
  expect(grownMb).toBeLessThan(MEMORY_MAY_GROW_MB);
  expect((await fetch(`${api.url}/health`)).status).toBe(200);
  socket.resume();
  await flood.next(({ type }) => type === 'pong');
});

test('1,500 sockets and 5,000 subscriptions: 200 and 4,000 are served; leaving makes room', async () => {
  api = await AttackedApi.start();
  const health = watchHealth(api.url);
  const accepted: RawSocket[] = [];
  let refused = 0;
  for (let batch = 0; batch < 15; batch++) {
    // Each begins as soon as it is open: a socket that says nothing for a while is closed.
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const one = new RawSocket(api.url);
        const status = await one.handshake();
        if (status === 101) {
          accepted.push(one);
          one.send({ type: 'connection_init' });
        } else if (status === 503) refused += 1;
      }),
    );
  }
  sockets.push(...accepted);
  expect([accepted.length, refused]).toEqual([200, 1_300]);

  let tooMany = 0;
  await Promise.all(
    accepted.map(async (one) => {
      await one.next(({ type }) => type === 'connection_ack');
      for (let index = 0; index < 25; index++)
        one.subscribe(`s${index}`, 'subscription { insights(intervalMs: 60000) { sentences } }');
      for (let index = 0; index < 25; index++) {
        const answer = await one.next(({ id }) => id === `s${index}`);
        if (codesIn(answer)[0] === 'TOO_MANY_SUBSCRIPTIONS') tooMany += 1;
      }
    }),
  );
  expect([tooMany, (await api.vitals()).subscribers]).toEqual([1_000, 4_000]);
  expect((await postGraphql(api.url, { query: '{ __typename }' })).codes).toEqual([]);
  process.stdout.write(
    `1,500 sockets: ${accepted.length} served, ${refused} refused; 5,000 subscriptions: ${5_000 - tooMany} ` +
      `served, ${tooMany} refused; /health p99 ${percentile(await health.stop(), 0.99).toFixed(0)} ms\n`,
  );
  for (const { socket } of sockets.splice(0)) socket.terminate();
  await eventually(async () => (await api.vitals()).subscribers === 0);
  await open().ready();
});

test('a frame of 50 MB and a body of 10 MB are refused unread', async () => {
  api = await AttackedApi.start();
  const attack = async () => {
    const one = await open().ready();
    one.socket.send('x'.repeat(50 * MB));
    expect(await one.closed).toBe(1009);
    const refused = await postGraphql(
      api.url,
      `{"query":"{ __typename }","extensions":{"pad":"${'x'.repeat(10 * MB)}"}}`,
    );
    expect([refused.status, refused.codes]).toEqual([413, ['QUERY_TOO_LARGE']]);
  };
  const before = (await api.vitals()).usedBytes;
  for (let times = 0; times < 3; times++) await attack();
  expect(((await api.vitals()).usedBytes - before) / MB).toBeLessThan(MEMORY_MAY_GROW_MB);
  expect((await postGraphql(api.url, { query: '{ __typename }' })).codes).toEqual([]);
});

test('500 senders that never finish, and 100 that never begin, are cut off, and nobody waits for them', async () => {
  api = await AttackedApi.start();
  const health = watchHealth(api.url);
  const slow = await Promise.all(
    Array.from({ length: 600 }, (_, index) =>
      tcp(
        index < 300
          ? 'GET /data HTTP/1.1\r\nhost: a\r\n'
          : index < 500
            ? `POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\nx-a: `
            : '',
      ),
    ),
  );
  const startedAt = performance.now();
  const dripping = setInterval(() => {
    for (const one of slow.slice(0, 500)) if (!one.destroyed) one.write('x');
  }, 1_000);
  let ended = 0;
  for (const one of slow) {
    one.resume();
    one.once('close', () => (ended += 1));
  }
  await eventually(() => ended === 600);
  clearInterval(dripping);
  const tookMs = performance.now() - startedAt;
  const times = await health.stop();
  process.stdout.write(
    `600 slow senders: cut off after ${(tookMs / 1_000).toFixed(1)} s; /health p99 ` +
      `${percentile(times, 0.99).toFixed(0)} ms\n`,
  );
  expectWithin(tookMs, 15_000);
  expectWithin(times.at(-1) as number, 5_000);
  // All were answered: a look that failed is Infinity.
  expect(times).not.toContain(Infinity);
});
