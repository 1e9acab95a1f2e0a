import type { Producer } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { TableChange } from '@tributary/streams';
import { eventually, postGraphql } from '../support/api-under-test.ts';
import { AppProcess, killAll } from '../support/app-process.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { HandFedResults, instanceStatus, TEST_PARTITIONS } from '../support/hand-fed-results.ts';
import { RawSocket, type SocketMessage } from '../support/raw-socket.ts';
import { expectWithin } from '../support/speed.ts';
import { testProducer } from '../support/test-producer.ts';

const MINUTE = 60_000;
const LIVE =
  'subscription($after: Cursor) { states(after: $after, intervalMs: 50) { kind cursor states { code devices { ' +
  'ios } } totals { total } } }';

let broker: TestBroker;
let producer: Producer;
const apis: AppProcess[] = [];
let results: HandFedResults;
let applications = 0;

beforeAll(async () => {
  broker = await startTestBroker();
  producer = await testProducer(broker.connection);
});
beforeEach(() => {
  results = new HandFedResults(`api-${++applications}`);
});
afterEach(() => killAll(apis.splice(0)));
afterAll(async () => {
  await producer?.disconnect();
  await broker?.stop();
});

async function startApi(env: Record<string, string> = {}): Promise<AppProcess> {
  const api = await AppProcess.start({
    main: 'schema/logins/main.ts',
    env: { KAFKA_BROKERS: broker.brokers.join(), APPLICATION_ID: results.applicationId, ...env },
  });
  apis.push(api);
  return api;
}

const urlOf = (api: AppProcess) => `http://127.0.0.1:${api.port}`;

const TOPICS = [
  'counts-by-state-changelog',
  'counts-by-state-minute-changelog',
  'counts-by-state-hour-changelog',
  'data-quality-changelog',
  'status',
];

async function createTopics(): Promise<void> {
  const configs = { 'cleanup.policy': 'compact' };
  await broker.createTopics(
    ...TOPICS.map((name) => ({
      topic: `${results.applicationId}-${name}`,
      partitions: name === 'status' ? 1 : TEST_PARTITIONS,
      configs,
    })),
  );
}

async function publish(...changes: TableChange[]): Promise<void> {
  for (const { topic, partition, key, value } of changes)
    await producer.send({ topic, messages: [{ partition, key, value }] });
}

const totals = async (api: AppProcess) =>
  (await postGraphql(urlOf(api), { query: '{ states { totals { ios } freshness { complete } } }' })).data?.['states'];

async function live(api: AppProcess, after: string | null = null): Promise<RawSocket> {
  const socket = await new RawSocket(urlOf(api)).ready();
  socket.subscribe('live', LIVE, { after });
  return socket;
}

interface Update {
  readonly kind: string;
  readonly cursor: string;
  readonly states: readonly { readonly code: string }[];
  readonly totals: { readonly total: number };
}

function updateIn({ payload }: SocketMessage): Update {
  return (payload as { data: { states: Update } }).data.states;
}

test('an API that starts before its topics waits for them, then has everything that is in them', async () => {
  const api = await startApi();
  await api.until(async () => (await api.ready()).reason.includes('waiting for the topic'), 'waiting for the topics');
  expect((await fetch(`${urlOf(api)}/health`)).status).toBe(200);
  expect((await postGraphql(urlOf(api), { query: '{ states { totals { ios } } }' })).codes).toEqual(['NOT_READY']);
  expect((await fetch(`${urlOf(api)}/data`)).status).toBe(503);

  await createTopics();
  const startMs = Math.floor(Date.now() / MINUTE) * MINUTE - 10 * MINUTE;
  await publish(
    results.state('CA', { ios: 1, lastLoginAtMs: startMs }),
    results.state('CA', { ios: 5, android: 2, lastLoginAtMs: startMs + 1 }),
    results.state('UNATTRIBUTED', { other: 4, lastLoginAtMs: startMs }),
    results.minute(startMs, 'CA', { ios: 5, android: 2 }),
    results.hour(Math.floor(startMs / (60 * MINUTE)) * 60 * MINUTE, 'CA', { ios: 5 }),
    results.quality(1, { missing: { locale: 4 }, invalid: {}, deadLettered: { NOT_JSON: 3 }, late: 0 }),
    results.status(instanceStatus('one', { applicationId: results.applicationId, reportedAtMs: Date.now() })),
  );
  await api.untilReady();
  await eventually(async () => {
    const { data } = await postGraphql(urlOf(api), {
      query:
        '{ dataQuality { consumed } processor { lag instances { id alive } } timeSeries { points { devices { ' +
        'total } } } }',
    });
    return JSON.stringify(data).includes('"alive":true') && JSON.stringify(data).includes('{"total":7}');
  });
  expect(await (await fetch(`${urlOf(api)}/data`)).json()).toEqual({
    CA: { gdp: 'high', ios: 5, android: 2, others: 0, total: 7 },
  });
  const { data } = await postGraphql(urlOf(api), {
    query: '{ dataQuality { consumed counted deadLettered } processor { lag } states { unattributed { total } } }',
  });
  expect(data).toEqual({
    dataQuality: { consumed: 14, counted: 11, deadLettered: 3 },
    processor: { lag: 0 },
    states: { unattributed: { total: 4 } },
  });
});

test('only what is committed is served, at once, and never what was aborted', async () => {
  await createTopics();
  await publish(results.state('CA', { ios: 1 }));
  const api = await startApi();
  await api.untilReady();
  const socket = await live(api);
  expect(updateIn(await socket.of('live'))).toMatchObject({ kind: 'SNAPSHOT', totals: { total: 1 } });

  const transactional = await testProducer(broker.connection, { transactionalId: `${results.applicationId}-writer` });
  try {
    for (const [ios, end] of [
      [100, 'abort'],
      [2, 'commit'],
    ] as const) {
      const transaction = await transactional.transaction();
      const { topic, partition, key, value } = results.state('CA', { ios });
      await transaction.send({ topic, messages: [{ partition, key, value }] });
      await transaction[end]();
    }
  } finally {
    await transactional.disconnect();
  }
  expect(updateIn(await socket.of('live'))).toMatchObject({
    kind: 'DELTA',
    states: [{ code: 'CA', devices: { ios: 2 } }],
    totals: { total: 2 },
  });
  socket.close();
});

test('a cursor of one instance is resumed on another; a stop sends its clients there', async () => {
  await createTopics();
  await publish(...['CA', 'TX', 'NY', 'WY', 'OH'].map((code) => results.state(code, { ios: 1 })));
  const [first, second] = [await startApi(), await startApi()];
  await Promise.all([first.untilReady(), second.untilReady()]);
  const answers = await Promise.all(
    [first, second].map(async (api) => {
      const [data, insights] = await Promise.all(['/data', '/insights'].map((path) => fetch(urlOf(api) + path)));
      const { data: states } = await postGraphql(urlOf(api), {
        query: '{ states { nodes { code devices { total } } totals { total } freshness { asOf complete } } }',
      });
      return [
        await data?.text(),
        data?.headers.get('etag'),
        await insights?.text(),
        insights?.headers.get('etag'),
        states,
      ];
    }),
  );
  expect(answers[0]).toEqual(answers[1]);
  const before = await live(first);
  const { kind, cursor } = updateIn(await before.of('live'));
  expect(kind).toBe('SNAPSHOT');

  const stopped = performance.now();
  const exit = first.stop();
  expect(await before.closed).toBe(1001);
  expect((await exit).code).toBe(0);
  expectWithin(performance.now() - stopped, 5_000);

  await publish(results.state('NY', { ios: 7 }));
  await eventually(async () => JSON.stringify(await totals(second)).includes('"ios":11'));
  const after = await live(second, cursor);
  expect(updateIn(await after.of('live'))).toMatchObject({
    kind: 'DELTA',
    states: [{ code: 'NY', devices: { ios: 7 } }],
    totals: { total: 11 },
  });

  // And on an instance that was not there at all when the cursor was given.
  const third = await startApi();
  await third.untilReady();
  const later = await live(third, cursor);
  expect(updateIn(await later.of('live'))).toMatchObject({ kind: 'DELTA', states: [{ code: 'NY' }] });
  after.close();
  later.close();
});

test('while Kafka is away the copy is served, and says that it may be behind', async () => {
  await createTopics();
  await publish(results.state('CA', { ios: 3 }));
  const api = await startApi();
  await api.untilReady();
  await broker.kill();
  try {
    await api.until(async () => !(await api.ready()).ok, 'not ready');
    expect(await totals(api)).toEqual({ totals: { ios: 3 }, freshness: { complete: false } });
    expect((await fetch(`${urlOf(api)}/data`)).status).toBe(200);
  } finally {
    await broker.restart();
  }
  const backAt = performance.now();
  await publish(results.state('CA', { ios: 4 }));
  await eventually(
    async () => JSON.stringify(await totals(api)) === '{"totals":{"ios":4},"freshness":{"complete":true}}',
  );
  await api.untilReady();
  const recoveredMs = performance.now() - backAt;
  process.stdout.write(`Kafka back: everything served and complete after ${recoveredMs.toFixed(0)} ms\n`);
  expectWithin(recoveredMs, 5_000);
});

test('a broker that hangs is not taken for one with no news; lag is unknown when processors are silent', async () => {
  await createTopics();
  await publish(results.state('CA', { ios: 3 }));
  const api = await startApi();
  await api.untilReady();
  const freshness = async () =>
    (
      (await postGraphql(urlOf(api), { query: '{ states { freshness { complete lag } } }' })).data as {
        states: { freshness: unknown };
      }
    ).states.freshness;
  // The processor goes on reporting until it has been heard: an old report is none.
  await eventually(async () => {
    await publish(
      results.status(instanceStatus('one', { applicationId: results.applicationId, reportedAtMs: Date.now() })),
    );
    return JSON.stringify(await freshness()) === '{"complete":true,"lag":0}';
  });
  broker.freeze();
  const frozenAt = performance.now();
  try {
    await eventually(async () => JSON.stringify(await freshness()).includes('"complete":false'));
    expectWithin(performance.now() - frozenAt, 6_000);
    expect((await api.ready()).reason).toContain('Kafka has not answered');
    await eventually(async () => JSON.stringify(await freshness()) === '{"complete":false,"lag":null}');
  } finally {
    broker.thaw();
  }
  const thawedAt = performance.now();
  await eventually(async () => JSON.stringify(await freshness()).includes('"complete":true'));
  process.stdout.write(`Kafka thawed: complete after ${(performance.now() - thawedAt).toFixed(0)} ms\n`);
  expectWithin(performance.now() - thawedAt, 5_000);
});

test('a start that cannot be: one clear line, and an exit code that says whether to try again', async () => {
  const other = await startApi();
  await other.until(async () => (await fetch(`${urlOf(other)}/health`).catch(() => null))?.ok === true, 'listening');
  const cases = [
    [{ PORT: String(other.port) }, 1, `Port ${other.port} of 127.0.0.1 is in use: set PORT`],
    [{ HOST: '192.0.2.1' }, 1, 'HOST="192.0.2.1" is no address of this machine'],
    [{ KAFKA_BROKERS: 'no-such-host.invalid:9092' }, 1, 'the name no-such-host.invalid does not resolve'],
    [{ PORT: 'x' }, 2, 'PORT="x" cannot be used'],
    [{ ALLOWED_ORIGINS: '*' }, 2, 'ALLOWED_ORIGINS'],
  ] as const;
  for (const [env, code, line] of cases) {
    const api = await startApi(env);
    expect([env, (await api.exited).code]).toEqual([env, code]);
    expect(api.lines.map(({ msg }) => msg)).toEqual([expect.stringContaining(line)]);
  }
});
