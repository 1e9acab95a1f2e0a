/*
 * What belongs to people or opens doors, put wherever the system takes something in and then through every way in which
 * that can fail: it is found again in no log, no metric, no error and no header of a dead letter, but only where it
 * belongs, in the dead letter's own bytes. (A wrong SASL password has its place in secured-kafka.test.ts.)
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { postGraphql } from '../support/api-under-test.ts';
import { AppProcess, LOGIN_PROCESSOR } from '../support/app-process.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { readTopic } from '../support/topic-reader.ts';
import { publishOnce } from '../support/test-producer.ts';

const CANARIES = {
  userId: 'c4nary00-1111-4222-8333-abcdefabcdef',
  ipv4: '198.51.100.77',
  ipv6: '2001:db8::c4:4a:97',
  password: 'c4naryPassw0rd',
  token: 'c4naryT0ken',
  queryToken: 'c4naryQueryT0kenOfOwners',
};
const BATTERY = Object.values(CANARIES);

let broker: TestBroker;
let folder: string;
const apps: AppProcess[] = [];

beforeAll(async () => {
  broker = await startTestBroker();
  folder = await mkdtemp(join(tmpdir(), 'tributary-canaries-'));
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.kill()));
  await broker?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(main: string, env: Readonly<Record<string, string>> = {}): Promise<AppProcess> {
  const app = await AppProcess.start({
    main,
    env: {
      KAFKA_BROKERS: broker.brokers.join(),
      APPLICATION_ID: 'canaries',
      INPUT_PARTITIONS: '2',
      STATE_DIR: join(folder, 'state'),
      LOG_LEVEL: 'trace',
      API_TOKEN: CANARIES.token,
      QUERY_LISTENER_PORT: '0',
      QUERY_LISTENER_TOKEN: CANARIES.queryToken,
      ...env,
    },
  });
  apps.push(app);
  return app;
}

function found(text: string): string[] {
  return BATTERY.filter(
    (canary) => text.includes(canary) || text.includes(Buffer.from(canary).toString('base64').slice(0, -3)),
  );
}

const login = (more: object) =>
  JSON.stringify({
    user_id: CANARIES.userId,
    ip: CANARIES.ipv4,
    device_id: CANARIES.ipv6,
    device_type: 'ios',
    locale: 'CA',
    timestamp: Math.floor(Date.now() / 1_000),
    ...more,
  });
const all = BATTERY.join(' ');

/** Good, flawed and unreadable records, each full of canaries. */
const records: readonly (Buffer | null)[] = [
  Buffer.from(login({})),
  Buffer.from(login({ locale: all, device_type: { [all]: all }, timestamp: all, [all]: [all] })),
  Buffer.from(login({}).slice(0, -1)),
  Buffer.from(`${all} is no JSON`),
  Buffer.from(JSON.stringify(all)),
  Buffer.from(JSON.stringify([all])),
  Buffer.concat([Buffer.from(login({})), Buffer.from([0xff, 0xfe])]),
  Buffer.from(`{"user_id":"${all}","timestamp":1e400}`),
  null,
];
const DEAD = 6;

test('canaries through every error path are found nowhere', async () => {
  const processor = await start(LOGIN_PROCESSOR);
  await processor.untilReady();
  const api = await start('schema/logins/main.ts');
  await api.untilReady();
  await publishOnce(broker.connection, {
    topic: 'user-login',
    messages: records.map((value) => ({ key: all, value })),
  });
  const url = `http://127.0.0.1:${String(api.port)}`;
  const authorization = `Bearer ${CANARIES.token}`;
  const counted = async () =>
    JSON.stringify(
      (await postGraphql(url, { query: '{ dataQuality { counted deadLettered } }' }, { authorization })).data,
    );
  await api.until(
    async () => (await counted()) === `{"dataQuality":{"counted":${records.length - DEAD},"deadLettered":${DEAD}}}`,
    'all are counted',
  );

  // A dead letter keeps its own bytes and key; what was added to it says nothing of them.
  const letters = (await readTopic(broker.connection, 'user-login-dlq')).partitions.flat();
  expect(letters).toHaveLength(DEAD);
  for (const { headers } of letters)
    expect(found(JSON.stringify(Object.entries(headers).map(([name, value]) => [name, String(value)])))).toEqual([]);

  // The API: refused for each of its reasons, with canaries wherever a client can put something.
  const answers: string[] = [];
  const ask = async (body: unknown, headers: Record<string, string> = { authorization }) => {
    const { errors, headers: answered } = await postGraphql(url, body, {
      'user-agent': all,
      'x-forwarded-for': CANARIES.ipv4,
      referer: `http://x/${CANARIES.userId}`,
      ...headers,
    });
    answers.push(JSON.stringify(errors ?? []), JSON.stringify([...answered]));
  };
  const variables = { code: all, id: all, first: all, from: all, after: all };
  await ask({ query: 'query($code: StateCode!) { state(code: $code) { id } }', variables });
  await ask({ query: 'query($first: Int) { states(first: $first) { totals { ios } } }', variables });
  await ask({ query: 'query($from: DateTime) { timeSeries(from: $from) { to } }', variables });
  await ask({
    query: 'query($order: StateOrder) { states(orderBy: $order) { totals { ios } } }',
    variables: { order: { field: all, direction: all } },
  });
  await ask({
    query: 'query($order: StateOrder) { states(orderBy: $order) { totals { ios } } }',
    variables: { order: { [all]: all } },
  });
  await ask({ query: 'query($id: ID!) { node(id: $id) { id } }', variables });
  await ask({ query: '{ __typename }', operationName: all });
  await ask({ query: '{ __typename }', extensions: { persistedQuery: all }, documentId: all });
  await ask({ documentId: all });
  await ask(`{"query": "${all}`);
  await ask({ query: '{ __typename }', variables: all });
  await ask({ query: '{ __typename }', pad: all.repeat(2_000) });
  await ask({ query: '{ __typename }' }, { authorization: `Bearer ${CANARIES.password}` });
  await ask({ query: '{ __typename }' }, { authorization, origin: `https://${CANARIES.userId}.example` });
  answers.push(await (await fetch(`${url}/${CANARIES.userId}?token=${CANARIES.token}`)).text());
  answers.push(
    await (
      await fetch(`${url}/data?ip=${CANARIES.ipv4}`, { headers: { authorization: `Bearer ${CANARIES.password}` } })
    ).text(),
  );
  const socket = await new RawSocket(url, { headers: { 'user-agent': all } }).ready({
    token: CANARIES.token,
    password: CANARIES.password,
  });
  socket.subscribe('live', 'subscription($after: Cursor) { states(after: $after) { kind } }', variables);
  await socket.of('live');
  socket.subscribe('bad', 'query($code: StateCode!) { state(code: $code) { id } }', variables);
  answers.push(JSON.stringify(await socket.of('bad')));
  socket.send({ type: all });
  await socket.closed;
  const stranger = await new RawSocket(url).opened();
  stranger.send({ type: 'connection_init', payload: { token: CANARIES.password } });
  expect(await stranger.closed).toBe(4403);
  expect(answers.filter((answer) => found(answer).length > 0)).toEqual([]);

  // Kafka away and back, a record that no topic takes, and the ends.
  await broker.kill();
  await api.until(async () => !(await api.ready()).ok, 'not ready without Kafka');
  const notReady = [(await api.ready()).reason, (await processor.ready()).reason];
  await broker.restart();
  await api.untilReady(60_000);
  const metrics = await Promise.all(
    [api, processor].map(async ({ port }) => (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text()),
  );
  for (const app of [api, processor]) expect((await app.stop()).code).toBe(0);
  const badlySet = [
    await start('schema/logins/main.ts', { API_TOKEN: `${CANARIES.token} with blanks` }),
    await start(LOGIN_PROCESSOR, { KAFKA_SASL_PASSWORD: CANARIES.password }),
  ];
  for (const app of badlySet) expect((await app.exited).code).toBe(2);

  expect(apps.reduce((lines, app) => lines + app.lines.length, 0)).toBeGreaterThan(100);
  expect(
    apps
      .flatMap(({ lines }) => lines)
      .map((line) => JSON.stringify(line))
      .filter((line) => found(line).length > 0),
  ).toEqual([]);
  expect([...metrics, ...notReady].filter((text) => found(text).length > 0)).toEqual([]);
});
