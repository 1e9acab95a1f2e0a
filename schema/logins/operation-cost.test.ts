import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  parse,
  print,
} from 'graphql';

import { type ApiUnderTest, eventually, postGraphql, startApiUnderTest } from '../../tests/support/api-under-test.ts';
import { OpenHttp } from '../../tests/support/open-http.ts';
import { codesIn, RawSocket } from '../../tests/support/raw-socket.ts';
import { createApiSchema } from './resolvers/api-schema.ts';
import { GRAPHIQL_EXAMPLES } from './graphiql-examples.ts';
import { loginCosts } from './login-costs.ts';
import { operationCost, REQUEST_LIMITS } from '@tributary/graphql';

let api: ApiUnderTest;
const opened: { hangUp(): void }[] = [];
beforeAll(async () => {
  api = await startApiUnderTest();
});
afterEach(() => {
  for (const one of opened.splice(0)) one.hangUp();
});
afterAll(() => api.server.stop());

const DAY = 'from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z"';
const HALF_OF_THE_STATES = 'AL AK AZ AR CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO';
const STATE_NODES =
  'nodes { id code name leader lastLoginAt gdp { year millionsUsd class } devices { ios android other total } }';
const INTROSPECTION =
  '__schema { types { kind name description fields { name description args { name description } ' +
  'type { kind name } } enumValues { name description } } }';
const POINTS = '{ points { start devices { ios android other total } } }';
const aliased = (count: number, field: string, from = 0) =>
  Array.from({ length: count }, (_, index) => `a${from + index}: ${field}`).join(' ');
const SERIES = `timeSeries(${DAY}) ${POINTS}`;

describe('an operation that would give too much is refused, though it is short', () => {
  const cases: readonly (readonly [string, string, Record<string, unknown>?])[] = [
    ['the same long series, by aliases', `{ ${aliased(15, SERIES)} }`],
    [
      'in fragments',
      `{ ...A ...B } fragment A on Query { ${aliased(2, SERIES)} } fragment B on Query { ... on Query { ` +
        `${aliased(2, SERIES, 2)} } }`,
    ],
    [
      'by variables',
      `query($from: DateTime, $to: DateTime) { ${aliased(3, `timeSeries(from: $from, to: $to) ${POINTS}`)} }`,
      { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' },
    ],
    [
      'by defaults of variables',
      `query($from: DateTime = "2026-01-01T00:00:00Z", $to: DateTime = "2026-01-02T00:00:00Z") { ` +
        `${aliased(3, `timeSeries(from: $from, to: $to) ${POINTS}`)} }`,
    ],
    ['without an end', `{ ${aliased(3, `timeSeries(from: "2026-01-01T12:00:00Z") ${POINTS}`)} }`],
    [
      'series of many states, of which nothing is taken',
      `{ ${aliased(15, `timeSeries(${DAY}, states: [${HALF_OF_THE_STATES}]) { to }`)} }`,
    ],
    ['by aliases further down', `{ timeSeries(${DAY}) { ${aliased(14, 'points { start devices { ios } }')} } }`],
    [
      'states in states',
      `{ ${Array.from({ length: 3 }, (_, index) => `s${index}: states { ${aliased(11, STATE_NODES, 20 * index)} }`)
        .slice(0, 1)
        .join(' ')} ${aliased(3, `timeSeries(${DAY}) { points { start } }`, 90)} ${SERIES} }`,
    ],
    [
      'under a name that is written with each point',
      `{ timeSeries(${DAY}) { points { ${'a'.repeat(6_000)}: start } } }`,
    ],
    [
      'under long names, in a fragment',
      `{ timeSeries(${DAY}) { points { ...P } } } fragment P on TimeSeriesPoint { ` +
        `${Array.from({ length: 14 }, (_, index) => `${'a'.repeat(200)}${index}: __typename`).join(' ')} }`,
    ],
    ['the schema, by aliases', `{ ${aliased(15, INTROSPECTION)} }`],
  ];
  test.each(cases.map(([name, query, variables = {}]) => [name, query, variables] as const))(
    '%s',
    async (_, query, variables) => {
      const refused = await postGraphql(api.url, { query, variables });
      expect(refused.codes).toEqual(['QUERY_TOO_LARGE']);
      expect(refused.errors?.[0]?.message).toContain(`${REQUEST_LIMITS.values} are given at once`);
      const socket = await new RawSocket(api.url).ready();
      opened.push({ hangUp: () => socket.socket.terminate() });
      socket.subscribe('1', query, variables);
      expect(codesIn(await socket.of('1'))).toEqual(['QUERY_TOO_LARGE']);
    },
  );

  test('a subscription, over WebSocket and as an event stream', async () => {
    const query = `subscription { timeSeries(windows: 1500) { ${aliased(4, 'points { start devices { ios } }')} } }`;
    const socket = await new RawSocket(api.url).ready();
    opened.push({ hangUp: () => socket.socket.terminate() });
    socket.subscribe('1', query);
    expect(codesIn(await socket.of('1'))).toEqual(['QUERY_TOO_LARGE']);
    const stream = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query }),
    });
    expect(await stream.text()).toContain('QUERY_TOO_LARGE');
    expect(api.fed.model.hub.listenerCount).toBe(0);
  });

  test('what is skipped costs nothing, and an argument out of range is still told as that', async () => {
    expect(
      (
        await postGraphql(api.url, {
          query: `query($no: Boolean = false) { __typename ... on Query @include(if: $no) { ${aliased(14, SERIES)} } }`,
        })
      ).codes,
    ).toEqual([]);
    expect(
      (await postGraphql(api.url, { query: '{ timeSeries(from: "2020-01-01T00:00:00Z") { points { start } } }' }))
        .codes,
    ).toEqual(['BAD_USER_INPUT']);
  });

  test('lists are as long as they are: tasks of a large application, reasons of dead letters', async () => {
    const large = await startApiUnderTest();
    try {
      await refusesLongLists(large);
    } finally {
      await large.server.stop();
    }
  });

  async function refusesLongLists(large: ApiUnderTest): Promise<void> {
    const { results } = large.fed;
    const tasks = Array.from({ length: 5_000 }, (_, index) => ({
      id: `0_${index}`,
      role: 'ACTIVE' as const,
      state: 'RUNNING' as const,
      inputs: ['in-0'],
      lag: 1,
    }));
    large.fed.feed(
      results.status({
        id: 'p',
        applicationId: 'test-logins',
        guarantee: 'exactly_once',
        topology: '',
        host: 'h',
        startedAtMs: Date.now(),
        reportedAtMs: Date.now(),
        threads: 1,
        recordsPerSecond: 0,
        tasks,
      }),
    );
    large.fed.feed(
      results.quality(0, {
        missing: {},
        invalid: {},
        late: 0,
        deadLettered: Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`R${index}`, 1])),
      }),
    );
    const { instances } = ((
      await postGraphql(large.url, {
        query:
          '{ processor { instances { id tasks { id role state inputs lag restore { restored ' +
          'total remainingMs } } } } }',
      })
    ).data?.['processor'] ?? {}) as { readonly instances?: readonly { readonly tasks: readonly unknown[] }[] };
    expect(instances?.[0]?.tasks.length).toBe(5_000);
    for (const query of [
      `{ ${aliased(8, 'processor { instances { tasks { id inputs } } }')} }`,
      `{ ${aliased(15, 'dataQuality { deadLetters { reason count } }')} }`,
    ])
      expect((await postGraphql(large.url, { query })).codes).toEqual(['QUERY_TOO_LARGE']);
  }

  test('it is counted', async () => {
    await postGraphql(api.url, { query: `{ ${aliased(15, SERIES)} }` });
    expect(await (await fetch(`${api.url}/metrics`)).text()).toMatch(
      /tributary_api_errors_total\{code="QUERY_TOO_LARGE"\} [1-9]/,
    );
  });
});

describe('what there is reason to ask passes with room', () => {
  const schema = () => createApiSchema(api.fed.model, { guarantee: 'exactly_once', topology: '' });
  const costOf = (
    query: string,
    variableValues: Record<string, unknown> = {},
    operationName: string | null = null,
  ): number => {
    const made = schema();
    return operationCost(
      { schema: made, document: parse(query), variableValues, operationName },
      loginCosts(made, api.fed.model),
    );
  };

  test(
    'each operation of the dashboard, each tab of GraphiQL, each line of the ' +
      'documentation: below half of the limit',
    () => {
      const dashboard = parse(
        readFileSync(new URL('../../client/src/api/operations.graphql', import.meta.url), 'utf8'),
      );
      const asked = dashboard.definitions.flatMap((definition) =>
        definition.kind === 'OperationDefinition' ? [definition.name?.value ?? ''] : [],
      );
      const costs = asked.map((name): [string, number] => [
        name,
        costOf(print(dashboard), { resolution: 'MINUTE', windows: 1_500, after: 'x' }, name),
      ]);
      const documents = ['../../docs/api.md', '../../README.md'].flatMap((path) =>
        [...readFileSync(new URL(path, import.meta.url), 'utf8').matchAll(/"query":"((?:[^"\\]|\\.)*)"/g)].map(
          ([, query = '']) => JSON.parse(`"${query}"`) as string,
        ),
      );
      costs.push(
        ...[...GRAPHIQL_EXAMPLES, ...documents].map((query): [string, number] => [
          query,
          costOf(query, { code: 'CA' }),
        ]),
      );
      expect(costs.length).toBeGreaterThan(12);
      expect(
        costs.filter(
          ([name, cost]) => cost === 0 || cost > REQUEST_LIMITS.values * (name === 'TimeSeriesLive' ? 0.6 : 0.5),
        ),
      ).toEqual([]);
    },
  );

  test('the longest series of all states, and the introspection', async () => {
    const states =
      'AL AK AZ AR CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV ' +
      'NY OH OK OR PA RI SC SD TN TX UT VA VT WA WI WV WY';
    for (const query of [
      `{ timeSeries(from: "2026-01-01T11:01:00Z", states: [${states}]) { from to resolution points { start ` +
        `devices { ios android other total } } freshness { asOf complete lag } } }`,
      getIntrospectionQuery(),
    ]) {
      expect((await postGraphql(api.url, { query })).codes).toEqual([]);
    }
  });

  test('each list of the schema has a length', () => {
    const made = schema();
    const { lists } = loginCosts(made, api.fed.model);
    const all = Object.values(made.getTypeMap()).flatMap((type) =>
      isObjectType(type) || isInterfaceType(type)
        ? Object.values(type.getFields()).flatMap((field) =>
            isListType(getNullableType(field.type))
              ? [[type.name, field.name, isCompositeType(getNamedType(field.type))].slice(0, 2).join('.')]
              : [],
          )
        : [],
    );
    expect(all.filter((name) => lists[name] === undefined)).toEqual([]);
  });
});

const post = (query: string): string[] => {
  const body = JSON.stringify({ query });
  return [
    'POST /graphql HTTP/1.1',
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    `Content-Length: ${body.length + 2}`,
    '',
    body,
  ];
};
/** Heavy, and yet no more than a busy machine gives sixty times. */
const FOUR_HOURS = `timeSeries(from: "2026-01-01T20:00:00Z", to: "2026-01-02T00:00:00Z") ${POINTS}`;
const HEALTH = ['GET /health HTTP/1.1', 'Host: 127.0.0.1', ''];

async function client(): Promise<OpenHttp> {
  const one = await OpenHttp.to(api.url);
  opened.push(one);
  return one;
}

/** How many operations had been executed when /health was answered. */
async function operationsBeforeHealth(all: number): Promise<number> {
  const lines = () =>
    api.logged
      .map((line) =>
        line.startsWith('["operation"') ? 'operation' : line.includes('"path":"/health"') ? 'health' : '',
      )
      .filter((kind) => kind !== '');
  await eventually(() => lines().length === all + 1);
  return lines().indexOf('health');
}

describe('/health waits for one of them and not for all', () => {
  test('60 requests of one connection, sent at once', async () => {
    const [many, other] = [await client(), await client()];
    api.logged.length = 0;
    many.say(...Array.from({ length: 60 }, () => post(`{ ${FOUR_HOURS} }`)).flat());
    other.say(...HEALTH);
    expect(await operationsBeforeHealth(60)).toBeLessThan(10);
    await eventually(() => many.statuses.length === 60);
    expect(new Set(many.statuses)).toEqual(new Set([200]));
  });

  test('a request of each of 30 connections, and 10 operations of each of 3 sockets', async () => {
    const all = await Promise.all(Array.from({ length: 30 }, () => client()));
    const sockets = await Promise.all(Array.from({ length: 3 }, () => new RawSocket(api.url).ready()));
    opened.push(...sockets.map(({ socket }) => ({ hangUp: () => socket.terminate() })));
    const other = await client();
    api.logged.length = 0;
    for (const one of all) one.say(...post(`{ ${FOUR_HOURS} }`));
    for (const one of sockets) for (let index = 0; index < 10; index++) one.subscribe(`s${index}`, `{ ${FOUR_HOURS} }`);
    other.say(...HEALTH);
    expect(await operationsBeforeHealth(60)).toBeLessThan(15);
  });
});

test('requests sent ahead are answered in their order, and far too many of them end the connection', async () => {
  const one = await client();
  one.say(
    ...post('{ a: __typename }'),
    ...HEALTH,
    ...post('{ b: __typename }'),
    'GET /nothing HTTP/1.1',
    'Host: 127.0.0.1',
    '',
  );
  await eventually(() => one.statuses.length === 4);
  expect(one.statuses).toEqual([200, 200, 200, 404]);
  expect(one.heard).toMatch(/"a":"Query"[\s\S]*"status":"ok"[\s\S]*"b":"Query"/);

  const flood = await client();
  for (let index = 0; index < 50 && !flood.closed; index++)
    flood.socket.write('GET /health HTTP/1.1\r\nHost:a\r\n\r\n'.repeat(100));
  await eventually(() => flood.closed || flood.statuses.length === 5_000);
  expect((await fetch(`${api.url}/health`)).status).toBe(200);
});
