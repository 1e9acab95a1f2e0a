import { beforeEach, describe, expect, test } from '@jest/globals';
import { graphql, type GraphQLSchema } from 'graphql';

import { gdpOf } from '../../../processor/logins/gdp.ts';
import { STATE_CODES } from '../../../processor/logins/states.ts';
import type { InstanceStatus, TaskStateName } from '@tributary/streams';
import { type HandFedModel, handFedModel, instanceStatus } from '../../../tests/support/hand-fed-results.ts';
import { createApiSchema } from './api-schema.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOON = Date.UTC(2026, 0, 2, 12);
const at = (ms: number) => new Date(ms).toISOString();

let fed: HandFedModel;
let schema: GraphQLSchema;

beforeEach(() => {
  fed = handFedModel();
  schema = createApiSchema(fed.model, { guarantee: 'exactly_once', topology: 'Topologies:\n' });
});

async function ask(source: string, variableValues?: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { data, errors } = await graphql({
    schema,
    source,
    ...(variableValues === undefined ? {} : { variableValues }),
  });
  if (errors !== undefined) throw errors[0];
  return JSON.parse(JSON.stringify(data)) as Record<string, unknown>;
}

async function refusal(
  source: string,
  variableValues?: Record<string, unknown>,
): Promise<{ code: unknown; argument: unknown; message: string } | null> {
  const { errors } = await graphql({ schema, source, ...(variableValues === undefined ? {} : { variableValues }) });
  const [error] = errors ?? [];
  return error === undefined
    ? null
    : { code: error.extensions['code'], argument: error.extensions['argument'], message: error.message };
}

async function codes(argumentText: string): Promise<string[]> {
  const { states } = (await ask(`{ states${argumentText} { nodes { code } } }`)) as {
    states: { nodes: { code: string }[] };
  };
  return states.nodes.map(({ code }) => code);
}

function feedStates(): void {
  const { results } = fed;
  fed.feed(
    results.state('TX', { ios: 1, android: 4, other: 5, lastLoginAtMs: NOON }),
    results.state('CA', { ios: 6, android: 3, other: 1, lastLoginAtMs: NOON + 1 }),
    results.state('AK', { ios: 2, android: 2, other: 0, lastLoginAtMs: NOON - 1 }),
    results.state('UNATTRIBUTED', { ios: 1, android: 0, other: 2, lastLoginAtMs: NOON + 500 }),
  );
}

describe('states', () => {
  beforeEach(feedStates);

  test('lists all 51, most logins first, ties by code', async () => {
    const all = await codes('');
    expect(all).toHaveLength(51);
    expect(all.slice(0, 5)).toEqual(['CA', 'TX', 'AK', 'AL', 'AR']);
  });

  test('keeps ties alphabetical whatever the direction', async () => {
    const ascending = await codes('(orderBy: { field: TOTAL, direction: ASC })');
    expect(ascending.slice(0, 2)).toEqual(['AL', 'AR']);
    expect(ascending.slice(-3)).toEqual(['AK', 'CA', 'TX']);
    expect((await codes('(orderBy: { field: IOS })')).slice(0, 5)).toEqual(['CA', 'AK', 'TX', 'AL', 'AR']);
  });

  test('orders by code and by GDP', async () => {
    expect(await codes('(orderBy: { field: CODE, direction: ASC })')).toEqual([...STATE_CODES]);
    expect(await codes('(orderBy: { field: CODE })')).toEqual([...STATE_CODES].reverse());
    const byGdp = await codes('(orderBy: { field: GDP })');
    expect(byGdp.slice(0, 3)).toEqual(['CA', 'TX', 'NY']);
    expect(byGdp.at(-1)).toBe('VT');
  });

  test('narrows to a GDP class, and to the first ones', async () => {
    expect(await codes('(gdpClass: LOW, orderBy: { field: CODE, direction: ASC })')).toEqual(
      STATE_CODES.filter((code) => gdpOf(code).class === 'LOW'),
    );
    expect(await codes('(first: 1)')).toEqual(['CA']);
    expect(await codes('(first: 51)')).toHaveLength(51);
  });

  test('takes null for an argument as if it were not there', async () => {
    expect(await codes('(first: null, orderBy: null, gdpClass: null)')).toEqual(await codes(''));
  });

  test.each([0, 52, -1])('refuses first: %d and names the argument', async (first) => {
    expect(await refusal(`{ states(first: ${first}) { nodes { code } } }`)).toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: 'first',
      message: expect.stringContaining('"first"'),
    });
  });

  test('sums over all states and unattributed logins, however narrowed', async () => {
    const { states } = await ask(
      '{ states(first: 1, gdpClass: LOW) { totals { ios android other total } unattributed { ios total } ' +
        'freshness { asOf complete lag } } }',
    );
    expect(states).toEqual({
      totals: { ios: 10, android: 9, other: 8, total: 27 },
      unattributed: { ios: 1, total: 3 },
      freshness: { asOf: at(NOON + 500), complete: true, lag: null },
    });
  });

  test('a state tells its leader and its last login; one without has neither', async () => {
    const answer = await ask(
      '{ ca: state(code: CA) { id name leader lastLoginAt gdp { year millionsUsd class } devices { total } } ' +
        'ak: state(code: AK) { leader } wy: state(code: WY) { leader lastLoginAt devices { ios ' +
        'android other total } } }',
    );
    expect(answer).toEqual({
      ca: {
        id: 'State:CA',
        name: 'California',
        leader: 'IOS',
        lastLoginAt: at(NOON + 1),
        gdp: { year: 2024, millionsUsd: 4_048_108, class: 'HIGH' },
        devices: { total: 10 },
      },
      ak: { leader: null },
      wy: { leader: null, lastLoginAt: null, devices: { ios: 0, android: 0, other: 0, total: 0 } },
    });
  });

  test('node finds a state by its global id, and nothing by any other', async () => {
    expect(await ask('{ node(id: "State:TX") { __typename id ... on State { code } } }')).toEqual({
      node: { __typename: 'State', id: 'State:TX', code: 'TX' },
    });
    for (const id of ['State:XX', 'State:tx', 'TX', 'State:TXX', ''])
      expect(await ask(`{ node(id: "${id}") { id } }`)).toEqual({ node: null });
  });
});

describe('timeSeries', () => {
  const points = 'from to points { start devices { ios total } } freshness { asOf }';
  type Series = {
    from: string;
    to: string;
    points: { start: string; devices: { ios: number; total: number } }[];
    freshness: { asOf: string | null };
  };
  const series = async (argumentText: string): Promise<Series> =>
    ((await ask(`{ timeSeries${argumentText} { ${points} } }`)) as { timeSeries: Series }).timeSeries;

  test('before the first login ends with the current window by the clock', async () => {
    fed.nowMs = NOON + 30_000;
    const { from, to, points: all, freshness } = await series('');
    expect([from, to]).toEqual([at(NOON - 59 * MINUTE), at(NOON + MINUTE)]);
    expect(all).toHaveLength(60);
    expect(freshness.asOf).toBeNull();
    expect((await series('(resolution: HOUR)')).to).toBe(at(NOON + HOUR));
  });

  test('by default ends with the newest window that has a login, empty windows as zeros', async () => {
    const { results } = fed;
    fed.feed(
      results.minute(NOON, 'CA', { ios: 2 }),
      results.minute(NOON - 3 * MINUTE, 'UNATTRIBUTED', { ios: 1, other: 1 }),
      results.minute(NOON + MINUTE, 'TX', { ios: 0 }),
    );
    const { from, to, points: all } = await series('');
    expect([from, to]).toEqual([at(NOON - 59 * MINUTE), at(NOON + MINUTE)]);
    expect(all.at(-1)).toEqual({ start: at(NOON), devices: { ios: 2, total: 2 } });
    expect(all.at(-2)).toEqual({ start: at(NOON - MINUTE), devices: { ios: 0, total: 0 } });
    expect(all.at(-4)?.devices).toEqual({ ios: 1, total: 2 });
  });

  test('floors from and ceils to, and leaves bounds on windows as they are', async () => {
    const given = await series(`(from: "${at(NOON + 1)}", to: "${at(NOON + 2 * MINUTE + 1)}")`);
    expect([given.from, given.to, given.points.length]).toEqual([at(NOON), at(NOON + 3 * MINUTE), 3]);
    const exact = await series(`(from: "${at(NOON)}", to: "${at(NOON + MINUTE)}")`);
    expect([exact.from, exact.to, exact.points.length]).toEqual([at(NOON), at(NOON + MINUTE), 1]);
    const within = await series(`(from: "${at(NOON + 5)}", to: "${at(NOON + 5)}")`);
    expect(within.points).toHaveLength(1);
  });

  test('counts only the given states, without unattributed logins', async () => {
    const { results } = fed;
    fed.feed(
      results.minute(NOON, 'CA', { ios: 2 }),
      results.minute(NOON, 'TX', { ios: 4 }),
      results.minute(NOON, 'UNATTRIBUTED', { ios: 8 }),
    );
    const range = `from: "${at(NOON)}", to: "${at(NOON + MINUTE)}"`;
    const total = async (states: string) => (await series(`(${range}, states: ${states})`)).points[0]?.devices.ios;
    expect(await Promise.all(['null', '[CA]', '[CA, TX, CA]', '[]'].map(total))).toEqual([14, 2, 6, 0]);
  });

  test('windows beyond retention are zero, also while their rows are still there', async () => {
    const { results } = fed;
    const old = NOON - 24 * HOUR;
    fed.feed(
      results.minute(old - MINUTE, 'CA', { ios: 1 }),
      results.minute(old, 'CA', { ios: 2 }),
      results.hour(old, 'CA', { ios: 3 }),
    );
    const iosAt = async (ms: number, more = '') =>
      (await series(`(from: "${at(ms)}", to: "${at(ms + 1)}"${more})`)).points[0]?.devices.ios;
    expect(await iosAt(old - MINUTE)).toBe(1);
    fed.feed(results.minute(NOON, 'TX', { ios: 1, lastLoginAtMs: NOON }));
    expect(await iosAt(old - MINUTE)).toBe(0);
    expect(await iosAt(old)).toBe(2);
    expect(await iosAt(old, ', resolution: HOUR')).toBe(3);
    // Late, and behind: it changes nothing.
    fed.feed(results.minute(old - MINUTE, 'CA', { ios: 9 }));
    expect(await iosAt(old - MINUTE)).toBe(0);
  });

  test('gives 1 to 1,500 points', async () => {
    expect((await series(`(from: "${at(NOON)}", to: "${at(NOON + 1_500 * MINUTE)}")`)).points).toHaveLength(1_500);
    const refused = (argumentText: string) => refusal(`{ timeSeries(${argumentText}) { ${points} } }`);
    expect(await refused(`from: "${at(NOON)}", to: "${at(NOON + 1_500 * MINUTE + 1)}"`)).toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: 'from',
    });
    expect(await refused(`from: "${at(NOON)}", to: "${at(NOON)}"`)).toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: 'from',
    });
    expect(await refused(`from: "${at(NOON)}", to: "${at(NOON - MINUTE)}"`)).toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: 'from',
    });
    expect(await refused(`from: "${at(NOON + 2)}", to: "${at(NOON + 1)}"`)).toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: 'from',
    });
  });

  test('stays within what RFC 3339 can write', async () => {
    expect(await refusal('{ timeSeries(to: "9999-12-31T23:59:59Z") { to } }')).toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: 'to',
    });
    expect(await refusal('{ timeSeries(to: "0000-01-01T00:10:00Z") { from } }')).toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: 'to',
    });
    expect((await series('(from: "0000-01-01T00:00:00Z", to: "0000-01-01T00:10:00Z")')).from).toBe(
      '0000-01-01T00:00:00.000Z',
    );
  });

  test('a missing bound follows from the other, and null is a missing one', async () => {
    fed.feed(fed.results.minute(NOON, 'CA', { ios: 2 }));
    const onlyTo = await series(`(to: "${at(NOON)}", from: null, resolution: null, states: null)`);
    expect([onlyTo.from, onlyTo.to]).toEqual([at(NOON - 60 * MINUTE), at(NOON)]);
    const onlyFrom = await series(`(from: "${at(NOON - MINUTE)}", to: null)`);
    expect([onlyFrom.from, onlyFrom.to]).toEqual([at(NOON - MINUTE), at(NOON + MINUTE)]);
  });

  test('reads instants of any offset, and refuses what is none', async () => {
    const { from } = await series('(from: "2026-01-02T13:00:59.9999+01:00", to: "2026-01-02T12:02:00Z")');
    expect(from).toBe(at(NOON));
    for (const text of [
      'yesterday',
      '2026-01-02',
      '2026-02-30T00:00:00Z',
      '2026-01-02T24:00:00Z',
      '2026-01-02T12:00:00',
    ]) {
      expect(await refusal(`{ timeSeries(from: "${text}") { to } }`)).not.toBeNull();
    }
  });
});

describe('insights', () => {
  test('before the first login there is no top state, and every class is there', async () => {
    expect(
      await ask(
        '{ insights { topState { code } moreIos { code } moreAndroid { code } byGdpClass { class states leader ' +
          'devices { total } } freshness { asOf } } }',
      ),
    ).toEqual({
      insights: {
        topState: null,
        moreIos: [],
        moreAndroid: [],
        byGdpClass: ['HIGH', 'MEDIUM', 'LOW'].map((name) => ({
          class: name,
          states: STATE_CODES.filter((code) => gdpOf(code).class === name).length,
          leader: null,
          devices: { total: 0 },
        })),
        freshness: { asOf: null },
      },
    });
  });

  test('finds the top state and who leads where; the unattributed play no part', async () => {
    feedStates();
    fed.feed(fed.results.state('UNATTRIBUTED', { android: 1_000, lastLoginAtMs: NOON + 9_000 }));
    const { insights } = (await ask(
      '{ insights { topState { code } moreIos { code } moreAndroid { code } byGdpClass { class leader devices ' +
        '{ ios android other total } } sentences freshness { asOf } } }',
    )) as { insights: Record<string, unknown> };
    expect(insights).toMatchObject({
      topState: { code: 'CA' },
      moreIos: [{ code: 'CA' }],
      moreAndroid: [{ code: 'TX' }],
      byGdpClass: [
        { class: 'HIGH', leader: null, devices: { ios: 7, android: 7, other: 6, total: 20 } },
        { class: 'MEDIUM' },
        { class: 'LOW', devices: { total: 4 } },
      ],
      freshness: { asOf: at(NOON + 1) },
    });
    expect(insights['sentences']).toEqual(expect.arrayContaining([expect.stringContaining('California')]));
  });
});

test('dataQuality sums the rows of all partitions, and consumed = counted + deadLettered', async () => {
  feedStates();
  fed.feed(
    fed.results.quality(0, {
      missing: { device_type: 2 },
      invalid: { locale: 1 },
      deadLettered: { NOT_JSON: 3 },
      late: 0,
    }),
    fed.results.quality(2, {
      missing: { device_type: 1, ip: 4 },
      invalid: {},
      deadLettered: { NOT_JSON: 1, NO_VALUE: 2 },
      late: 5,
    }),
  );
  const { dataQuality } = (await ask(
    '{ dataQuality { consumed counted deadLettered deadLetters { reason count } missing { field count } ' +
      'invalid { field count } late } }',
  )) as {
    dataQuality: { deadLetters: { reason: string; count: number }[]; missing: { field: string; count: number }[] };
  };
  expect(dataQuality).toMatchObject({ consumed: 33, counted: 27, deadLettered: 6, late: 5 });
  expect(Object.fromEntries(dataQuality.deadLetters.map(({ reason, count }) => [reason, count]))).toEqual({
    NO_VALUE: 2,
    NOT_UTF8: 0,
    NOT_JSON: 4,
    NOT_OBJECT: 0,
  });
  expect(dataQuality.missing.map(({ field, count }) => `${field} ${count}`)).toEqual([
    'user_id 0',
    'app_version 0',
    'device_type 3',
    'ip 4',
    'locale 0',
    'device_id 0',
    'timestamp 0',
  ]);
});

describe('processor', () => {
  const PROCESSOR =
    '{ processor { applicationId guarantee topology lag instances { id host startedAt reportedAt alive threads ' +
    'recordsPerSecond tasks { id role state inputs lag restore { restored total remainingMs } } } } }';

  test('tells what it knows while nobody reports', async () => {
    expect(await ask(PROCESSOR)).toEqual({
      processor: {
        applicationId: 'test-logins',
        guarantee: 'exactly_once',
        topology: 'Topologies:\n',
        lag: null,
        instances: [],
      },
    });
  });

  test('lists instances and tasks; lag is of the active tasks of those alive, a moving task counted once', async () => {
    const { results } = fed;
    fed.feed(
      results.status(
        instanceStatus('old', {
          startedAtMs: 1,
          reportedAtMs: fed.nowMs - 2_000,
          tasks: [
            { id: '0_10', role: 'ACTIVE', state: 'SUSPENDED', inputs: ['user-login-10'], lag: 70 },
            { id: '0_2', role: 'ACTIVE', state: 'RUNNING', inputs: ['user-login-2'], lag: 5 },
          ],
        }),
      ),
      results.status(
        instanceStatus('new', {
          startedAtMs: 2,
          tasks: [
            {
              id: '0_10',
              role: 'ACTIVE',
              state: 'RESTORING',
              inputs: ['user-login-10'],
              lag: 7,
              restore: { restored: 1, total: 3, remainingMs: null },
            },
            { id: '1_0', role: 'STANDBY', state: 'RUNNING', inputs: ['x-changelog-0'], lag: 1_000 },
          ],
        }),
      ),
    );
    const { processor } = (await ask(PROCESSOR)) as {
      processor: { lag: number; instances: { id: string; tasks: { id: string; restore: unknown }[] }[] };
    };
    expect(processor.lag).toBe(12);
    expect(processor.instances.map(({ id }) => id)).toEqual(['old', 'new']);
    expect(processor.instances[0]?.tasks.map(({ id }) => id)).toEqual(['0_2', '0_10']);
    expect(processor.instances[1]?.tasks[0]?.restore).toEqual({ restored: 1, total: 3, remainingMs: null });
  });

  test('lag is over all tasks of the application: null while the lag of one is unknown', async () => {
    const lag = async () =>
      (await ask('{ processor { lag } states { freshness { lag } } }')) as {
        processor: { lag: number | null };
        states: { freshness: { lag: number | null } };
      };
    const report = async (id: string, more: Partial<InstanceStatus>): Promise<unknown> => {
      fed.feed(fed.results.status(instanceStatus(id, { reportedAtMs: fed.nowMs, ...more })));
      const { processor, states } = await lag();
      expect(states.freshness.lag).toBe(processor.lag);
      return processor.lag;
    };
    const task = (id: string, state: TaskStateName, waits: number, lagKnown?: false) => ({
      id,
      role: 'ACTIVE' as const,
      state,
      inputs: [],
      lag: waits,
      ...(lagKnown === undefined ? {} : { lagKnown }),
    });
    // A release of before, which does not say what tasks there are, and has none yet.
    expect(await report('a', { tasks: [] })).toBeNull();
    const allTasks = ['0_0', '0_1'];
    expect(await report('a', { tasks: [], allTasks })).toBeNull();
    expect(await report('a', { tasks: [], allTasks, waiting: { '0_0': 150_000, '0_1': 50_000 } })).toBe(200_000);
    expect(
      await report('a', { tasks: [task('0_0', 'RUNNING', 7), task('0_1', 'CREATED', 0, false)], allTasks }),
    ).toBeNull();
    expect(await report('a', { tasks: [task('0_0', 'RUNNING', 7), task('0_1', 'SUSPENDED', 90)], allTasks })).toBe(97);
    expect(await report('a', { tasks: [task('0_0', 'RUNNING', 7)], allTasks })).toBeNull();
    expect(await report('b', { tasks: [task('0_1', 'RUNNING', 0)], allTasks })).toBe(7);
    // Killed: until another one has its task nobody works on it, and somebody who looks may say what waits.
    fed.nowMs += 4_001;
    expect(await report('a', { tasks: [task('0_0', 'RUNNING', 7)], allTasks })).toBeNull();
    expect(await report('a', { tasks: [task('0_0', 'RUNNING', 7)], allTasks, waiting: { '0_1': 500 } })).toBe(507);
    // Also without a word of what tasks there are: the dead one's are known of itself.
    expect(await report('a', { tasks: [task('0_0', 'RUNNING', 7)] })).toBeNull();
    expect(await report('a', { tasks: [task('0_0', 'RUNNING', 7), task('0_1', 'RUNNING', 1)] })).toBe(8);
  });

  test(
    'a clock of this machine that is set back brings nobody back to life, and one that is ' +
      'set forward buries nobody',
    async () => {
      fed.feed(fed.results.status(instanceStatus('a')));
      const alive = async () =>
        ((await ask('{ processor { instances { id alive } } }')) as { processor: unknown }).processor;
      fed.setBackMs = -3_600_000;
      expect(await alive()).toEqual({ instances: [{ id: 'a', alive: true }] });
      fed.setBackMs = 3_600_000;
      fed.nowMs += 10_001;
      fed.model.tick();
      expect(await alive()).toEqual({ instances: [{ id: 'a', alive: false }] });
      fed.nowMs += 50_000;
      fed.model.tick();
      expect(await alive()).toEqual({ instances: [] });
    },
  );

  test('an instance without reports is dead after 10 s, and gone after a minute or a tombstone', async () => {
    const alive = async () =>
      ((await ask('{ processor { lag instances { id alive } } }')) as { processor: unknown }).processor;
    fed.feed(fed.results.status(instanceStatus('a')), fed.results.status(instanceStatus('b')));
    fed.nowMs += 4_000;
    fed.feed(fed.results.left('b'));
    expect(await alive()).toEqual({ lag: 0, instances: [{ id: 'a', alive: true }] });
    fed.nowMs += 6_000;
    // What it said so long ago is not what waits now.
    expect(await alive()).toEqual({ lag: null, instances: [{ id: 'a', alive: true }] });
    fed.nowMs += 1;
    expect(await alive()).toEqual({ lag: null, instances: [{ id: 'a', alive: false }] });
    fed.nowMs += 50_000;
    expect(await alive()).toEqual({ lag: null, instances: [] });
  });
});

test('NOT_READY only before there has been a copy; afterwards complete: false', async () => {
  fed = handFedModel({ caughtUp: false });
  schema = createApiSchema(fed.model, { guarantee: 'exactly_once', topology: '' });
  for (const query of [
    '{ states { totals { ios } } }',
    '{ state(code: CA) { id } }',
    '{ node(id: "State:CA") { id } }',
    '{ timeSeries { to } }',
    '{ insights { sentences } }',
    '{ dataQuality { late } }',
    '{ processor { lag } }',
  ]) {
    expect(await refusal(query)).toMatchObject({ code: 'NOT_READY' });
  }
  fed.model.setTableState({ caughtUpOnce: true, complete: false, reason: 'Kafka is away' });
  expect(await ask('{ states { freshness { complete } } }')).toEqual({ states: { freshness: { complete: false } } });
});
