/*
 * Kafka over SASL_SSL with SCRAM-SHA-512 and access lists. With the rights that docs/operations.md lists, and no more,
 * everything runs; whatever is wrong ends the process within ten seconds, names the cause, and shows no secret.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs, { type Admin } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { AppProcess, LOGIN_PROCESSOR } from '../support/app-process.ts';
import { postGraphql } from '../support/api-under-test.ts';
import { startSecuredBroker, type SecuredBroker } from '../support/secured-broker.ts';
import { expectWithin } from '../support/speed.ts';
import { publishOnce } from '../support/test-producer.ts';
import { readTopic } from '../support/topic-reader.ts';
import { until } from '../support/until.ts';
import { testAdmin } from '../support/test-admin.ts';

const { AclOperationTypes: May, AclPermissionTypes, AclResourceTypes: On, ResourcePatternTypes } = kafkajs;
const EXIT_WITHIN_MS = 10_000;
const LOGIN_API = 'schema/logins/main.ts';
/** What must be nowhere in what a process says. */
const SECRETS = { password: 'canary-Passw0rd-7f31', wrong: 'canary-Wr0ng-19c4' };

/** Of a request that gives its memory back when it is written: TLS has to have read it by then. */
const LONG = 'no JSON '.repeat(50_000);

type Right = readonly [on: number, name: string, pattern: number, ...may: number[]];

let secured: SecuredBroker;
let admin: Admin;
let folder: string;
const apps: AppProcess[] = [];

beforeAll(async () => {
  secured = await startSecuredBroker({ processor: SECRETS.password, api: SECRETS.password, bare: SECRETS.password });
  admin = await testAdmin(secured.broker.connection);
  folder = await mkdtemp(join(tmpdir(), 'tributary-secured-'));
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.kill()));
  await admin?.disconnect();
  await secured?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** As docs/operations.md lists them. */
function processorRights(id: string): Right[] {
  const { LITERAL, PREFIXED } = ResourcePatternTypes;
  return [
    [On.TOPIC, `in-${id}`, LITERAL, May.READ, May.CREATE],
    [On.TOPIC, `dlq-${id}`, LITERAL, May.WRITE, May.CREATE],
    [On.TOPIC, `${id}-`, PREFIXED, May.READ, May.WRITE, May.CREATE, May.DELETE],
    [On.GROUP, id, LITERAL, May.READ],
    [On.TRANSACTIONAL_ID, `${id}-`, PREFIXED, May.WRITE],
  ];
}

async function give(user: string, rights: readonly Right[]): Promise<void> {
  await admin.createAcls({
    acl: rights.flatMap(([resourceType, resourceName, resourcePatternType, ...operations]) =>
      operations.map((operation) => ({
        resourceType,
        resourceName,
        resourcePatternType,
        principal: `User:${user}`,
        host: '*',
        operation,
        permissionType: AclPermissionTypes.ALLOW,
      })),
    ),
  });
}

async function start(
  main: string,
  id: string,
  user: string,
  env: Readonly<Record<string, string>> = {},
): Promise<AppProcess> {
  const app = await AppProcess.start({
    main,
    env: {
      KAFKA_BROKERS: secured.secured,
      KAFKA_SSL: 'true',
      KAFKA_CA_FILE: secured.caFile,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: SECRETS.password,
      APPLICATION_ID: id,
      INPUT_TOPIC: `in-${id}`,
      DEAD_LETTER_TOPIC: `dlq-${id}`,
      INPUT_PARTITIONS: '2',
      STATE_DIR: join(folder, `${id}-${user}`),
      LOG_LEVEL: 'debug',
      ...env,
    },
  });
  apps.push(app);
  return app;
}

function expectNoSecret(app: AppProcess): void {
  const said = JSON.stringify(app.lines);
  for (const secret of Object.values(SECRETS)) expect(said).not.toContain(secret);
  expect(said).not.toContain(Buffer.from(SECRETS.password).toString('base64').slice(0, 16));
}

test(
  'with the right credentials and the listed rights, processor and API run; logins are ' +
    'counted, dead letters written',
  async () => {
    await give('processor', processorRights('right'));
    await give('api', [[On.TOPIC, 'right-', ResourcePatternTypes.PREFIXED, May.READ]]);
    const processor = await start(LOGIN_PROCESSOR, 'right', 'processor');
    await processor.untilReady();
    await publishOnce(secured.broker.connection, {
      topic: 'in-right',
      messages: [
        { value: JSON.stringify({ locale: 'CA', device_type: 'ios', timestamp: Math.floor(Date.now() / 1_000) }) },
        { value: 'no JSON' },
        { value: LONG },
      ],
    });
    const api = await start(LOGIN_API, 'right', 'api');
    await api.untilReady();
    await api.until(async () => {
      const { data } = await postGraphql(`http://127.0.0.1:${String(api.port)}`, {
        query: '{ dataQuality { counted deadLettered } }',
      });
      return JSON.stringify(data) === '{"dataQuality":{"counted":1,"deadLettered":2}}';
    }, 'all are counted');
    const { partitions } = await readTopic(secured.broker.connection, 'dlq-right');
    const letters = partitions.flat().map(({ value }) => value?.toString());
    expect(letters.toSorted()).toEqual(['no JSON', LONG]);
    for (const app of [processor, api]) {
      expect((await app.stop()).code).toBe(0);
      expectNoSecret(app);
    }
  },
);

const mistakes: readonly (readonly [
  string,
  Readonly<Record<string, string>>,
  () => Readonly<Record<string, string>>,
  RegExp,
])[] = [
  [
    'a wrong password',
    { KAFKA_SASL_PASSWORD: SECRETS.wrong },
    () => ({}),
    /^BROKER_AUTHENTICATION_FAILED.*KAFKA_SASL_PASSWORD/,
  ],
  [
    'a wrong mechanism',
    { KAFKA_SASL_MECHANISM: 'plain' },
    () => ({}),
    /^BROKER_AUTHENTICATION_FAILED.*KAFKA_SASL_MECHANISM/,
  ],
  [
    'an unknown authority',
    {},
    () => ({ KAFKA_CA_FILE: secured.strangersCaFile }),
    /^BROKER_TLS_FAILED.*certificate.*KAFKA_CA_FILE/,
  ],
  [
    'a wrong host name',
    {},
    () => ({ KAFKA_BROKERS: `127.0.0.1:${String(secured.port)}` }),
    /^BROKER_TLS_FAILED.*127\.0\.0\.1/,
  ],
];
for (const [name, env, more, line] of mistakes) {
  test(`${name}: processor and API exit within ten seconds and say so`, async () => {
    const [processor, api] = [
      await start(LOGIN_PROCESSOR, 'mistake', 'processor', { ...env, ...more() }),
      await start(LOGIN_API, 'mistake', 'api', { ...env, ...more() }),
    ];
    for (const app of [processor, api]) await expectEnd(app, line);
  });
}

async function expectEnd(app: AppProcess, line: RegExp): Promise<void> {
  app.expectEnd();
  await until(
    () => !app.running,
    () => `it ends\n${app.log()}`,
  );
  const { code, afterMs } = await app.exited;
  expectWithin(afterMs, EXIT_WITHIN_MS);
  const last = app.lines.filter(({ level }) => level === undefined || level >= 50).at(-1)?.msg ?? app.log();
  expect(last).toMatch(line);
  expect(code).toBe(1);
  expectNoSecret(app);
}

const MISSING: readonly (readonly [string, (rights: Right[]) => Right[], RegExp])[] = [
  [
    'to read the input',
    (rights) =>
      rights.map((right) =>
        right[1].startsWith('in-') ? [right[0], right[1], right[2], May.DESCRIBE, May.CREATE] : right,
      ),
    /in-less/,
  ],
  ['to see the input', (rights) => rights.filter((right) => !right[1].startsWith('in-')), /in-less/],
  ['of the group', (rights) => rights.filter((right) => right[0] !== On.GROUP), /group/i],
  [
    'of the transactional ids',
    (rights) => rights.filter((right) => right[0] !== On.TRANSACTIONAL_ID),
    /transactional/i,
  ],
  [
    'to make internal topics',
    (rights) =>
      rights.map((right) =>
        right[1].endsWith('-') && right[0] === On.TOPIC ? [right[0], right[1], right[2], May.READ, May.WRITE] : right,
      ),
    /-repartition|-changelog|-status/,
  ],
  [
    'to write internal topics',
    (rights) =>
      rights.map((right) =>
        right[1].endsWith('-') && right[0] === On.TOPIC ? [right[0], right[1], right[2], May.READ, May.CREATE] : right,
      ),
    /-repartition|-changelog|-status/,
  ],
];
for (const [index, [name, without, names]] of MISSING.entries()) {
  test(`without the right ${name} the processor exits within ten seconds and names it`, async () => {
    const id = `less${String(index)}`;
    await admin.createTopics({ topics: [{ topic: `in-${id}`, numPartitions: 2 }], waitForLeaders: true });
    await publishOnce(secured.broker.connection, {
      topic: `in-${id}`,
      messages: [{ value: JSON.stringify({ locale: 'CA' }) }],
    });
    // Rights are by application: those of one case are none of another's.
    await give('bare', without(processorRights(id)));
    await expectEnd(await start(LOGIN_PROCESSOR, id, 'bare'), new RegExp(`^BROKER_ACCESS_DENIED.*(${names.source})`));
  });
}

test('without the right to read the results the API exits within ten seconds and names it', async () => {
  await admin.createTopics({
    topics: [
      'counts-by-state-changelog',
      'counts-by-state-minute-changelog',
      'counts-by-state-hour-changelog',
      'data-quality-changelog',
      'status',
    ].map((name) => ({ topic: `blind-${name}`, numPartitions: 1 })),
    waitForLeaders: true,
  });
  await expectEnd(await start(LOGIN_API, 'blind', 'bare'), /^BROKER_ACCESS_DENIED.*blind-counts-by-state/);
  await give('bare', [[On.TOPIC, 'blind-', ResourcePatternTypes.PREFIXED, May.DESCRIBE]]);
  await expectEnd(await start(LOGIN_API, 'blind', 'bare'), /^BROKER_ACCESS_DENIED.*blind-counts-by-state/);
});
