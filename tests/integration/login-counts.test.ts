import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { createLiveApi, table } from '@tributary/graphql';
import { z } from 'zod';
import { postGraphql, SILENT_LOGGER } from '../support/api-under-test.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { killAll, type AppProcess } from '../support/app-process.ts';
import { sized } from '../support/chaos.ts';
import { LoginRun } from '../support/login-run.ts';
import { changelogTopic, COUNTS_BY_STATE } from '../../processor/logins/names.ts';
import { readTopic } from '../support/topic-reader.ts';
import { found as foundWhen, until } from '../support/until.ts';
import { changelogRecords } from '../support/changelog-sizes.ts';
import type { LoginNumbers } from '../support/login-results.ts';
import { expectedAnswers, servedNumbers } from '../support/served-numbers.ts';

/*
 * 200,000 seeded logins (60,000 under a fault inside `npm test`), dirty ones of every kind among them, under random
 * keys over four partitions: every number that is committed equals an independent recount, whatever became of the
 * processors meanwhile.
 */

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const COUNT = 200_000;
/** Under a fault: at a pace that has it strike in the middle. */
const FLOW = sized({ short: { count: 60_000, perSecond: 20_000 }, full: { count: COUNT, perSecond: 25_000 } });
/** Of QUERY_LISTENER_TOKEN. */
const TOKEN = 'of-the-test-and-its-processors';
/** Logins that come after a kill. */
const MORE = 1_000;
let broker: SharedBroker;
const apis: AppProcess[] = [];

beforeAll(async () => {
  broker = await sharedBroker();
});
afterAll(async () => {
  await killAll(apis);
  await broker.leave();
});

async function inRun(
  name: string,
  work: (run: LoginRun) => Promise<void>,
  after?: (run: LoginRun, expected: LoginNumbers) => Promise<void>,
): Promise<void> {
  const run = await LoginRun.open({ connection: broker.connection, name });
  try {
    await work(run);
    const { expected, found, late, deadLetterProblems } = await run.outcome();
    expect(expected.consumed).toBeGreaterThanOrEqual(FLOW.count);
    expect({ seed, ...found }).toEqual({ seed, ...expected });
    expect(found.consumed).toBe(found.counted + found.deadLettered);
    expect(late).toBe(0);
    expect(deadLetterProblems).toEqual([]);
    await after?.(run, expected);
  } finally {
    await run.close();
  }
}

/** What an API says of how much waits, and how much is counted. */
async function waiting(
  api: AppProcess,
): Promise<{ readonly lag: number | null; readonly consumed: number; readonly reports: string }> {
  const answer = await fetch(`http://127.0.0.1:${String(api.port)}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({
      query: '{ dataQuality { consumed freshness { lag } } processor { instances { reportedAt } } }',
    }),
  });
  const {
    data: { dataQuality, processor },
  } = (await answer.json()) as {
    data: { dataQuality: { consumed: number; freshness: { lag: number | null } }; processor: { instances: unknown[] } };
  };
  return {
    lag: dataQuality.freshness.lag,
    consumed: dataQuality.consumed,
    reports: JSON.stringify(processor.instances),
  };
}

/**
 * Between the commit of a source and the next fetch behind the shuffle nobody knows of what is in between: on a busy
 * machine that is a report or two. What is wrong goes on.
 */
const REPORTS_OF_CALM = 3;

/** Asks until all is counted; answers how much was when it went on being said that nothing waits, and something did. */
async function falseCalm(api: AppProcess, count: number): Promise<number[]> {
  const found: number[] = [];
  let calm = new Set<string>();
  await api.until(
    async () => {
      const { lag, consumed, reports } = await waiting(api);
      if (lag === 0 && consumed < count) calm.add(reports);
      else calm = new Set();
      if (calm.size > REPORTS_OF_CALM) {
        found.push(consumed);
        calm = new Set();
      }
      return consumed === count && lag === 0;
    },
    `all ${String(count)} are counted, and it is said so`,
  );
  return found;
}

/** What processors with a query listener say of each state, by the API of another application. */
async function askedOfOwners(run: LoginRun): Promise<Record<string, unknown>> {
  const count = z.int();
  const value = z.object({ ios: count, android: count, other: count, lastLoginAtMs: z.number().nullable() });
  const states = table({ store: COUNTS_BY_STATE, key: { state: z.string() }, value, held: 'owner' });
  const api = createLiveApi({
    applicationId: run.applicationId,
    connection: broker.connection,
    logger: SILENT_LOGGER,
    tables: { states },
    owner: { token: TOKEN, allowStale: false },
  });
  try {
    const { url } = await api.listen();
    const query =
      '{ statesPage(first: 100) { nodes { state ios android other lastLoginAtMs } freshness { partial } } }';
    let said: unknown;
    const rows = await foundWhen(
      async () => {
        const answer = await postGraphql(url, { query });
        said = answer;
        const page = answer.data?.['statesPage'] as
          | {
              readonly nodes: readonly { readonly state: string }[];
              readonly freshness: { readonly partial: unknown[] };
            }
          | undefined;
        return page === undefined || page.freshness.partial.length > 0 ? undefined : page.nodes;
      },
      () => `all owners answer: ${JSON.stringify(said)}`,
    );
    return Object.fromEntries(rows.map(({ state, ...counts }) => [state, counts]));
  } finally {
    await api.close();
  }
}

/** Offsets of the changelogs that a process restored before its tasks ran. */
function restoredOffsets(app: AppProcess): number {
  return app.logged('restored the store').reduce((sum, line) => sum + Number(line['offsets']), 0);
}

/** Each task of the stores has committed something. */
async function untilStoresHaveRows(run: LoginRun): Promise<void> {
  await until(
    async () =>
      (await readTopic(broker.connection, changelogTopic(run.applicationId, COUNTS_BY_STATE))).partitions.every(
        (records) => records.length > 0,
      ),
    'each task has rows',
  );
}

test(`a backlog: every number is the recount's (seed ${String(seed)})`, async () => {
  await inRun(
    'backlog',
    async (run) => {
      // Its topics are there when the backlog comes: an API serves, and no processor runs.
      const first = await run.start();
      await run.settled();
      await first.stop();
      await run.publish({ seed, count: COUNT });
      await run.publishRaw([
        { key: null, value: Buffer.from('no JSON'), headers: { trace: Buffer.from('kept'), empty: Buffer.alloc(0) } },
        { key: 'k', value: null, headers: { trace: Buffer.from([0, 255]) } },
      ]);
      const api = await run.startApi();
      apis.push(api);
      const counted = run.start({ NUM_STREAM_THREADS: '2' });
      expect(await falseCalm(api, COUNT + 2)).toEqual([]);
      await (await counted).kill();
      await run.publish({ seed: seed + 1, count: MORE });
      // Nobody works on any of it: what the dead one said last does not hold for long.
      await api.until(async () => (await waiting(api)).lag !== 0, 'it is not said that nothing waits');
      await run.start({ NUM_STREAM_THREADS: '2', QUERY_LISTENER_PORT: '0', QUERY_LISTENER_TOKEN: TOKEN });
      expect(await falseCalm(api, COUNT + 2 + MORE)).toEqual([]);
    },
    async (run, expected) => {
      const [api] = apis.splice(0);
      try {
        expect(await askedOfOwners(run)).toEqual(expected.states);
        expect(await servedNumbers(`http://127.0.0.1:${String(api?.port)}`, expected)).toEqual(
          expectedAnswers(expected),
        );
      } finally {
        await api?.kill();
      }
    },
  );
});

test('killed in the middle: the same numbers, from its own disk', async () => {
  await inRun('killed', async (run) => {
    const publishing = run.publish({ seed, count: FLOW.count, ratePerSecond: FLOW.perSecond });
    const first = await run.start();
    await run.untilCommitted(FLOW.count / 3);
    await untilStoresHaveRows(run);
    await first.kill();
    const second = await run.start();
    await publishing;
    await second.untilReady();
    // What a store lacks of its last commit, or of one that was aborted, is restored; all else it has, and it is sound.
    // How much at which moment of the commit: tests/chaos/kill-points.test.ts.
    const kept = second.logged('it matches its digest').map(({ taskId, entries }) => [taskId, Number(entries) > 0]);
    expect(Object.fromEntries(kept)).toMatchObject({ '1_0': true, '1_1': true, '1_2': true, '1_3': true });
    expect(second.logged('cannot be trusted')).toEqual([]);
  });
});

test('the state directory deleted in the middle: the same numbers, from the changelogs', async () => {
  await inRun('deleted', async (run) => {
    const publishing = run.publish({ seed, count: FLOW.count, ratePerSecond: FLOW.perSecond });
    const first = await run.start();
    await run.untilCommitted(FLOW.count / 3);
    await first.kill();
    await rm(run.stateDir, { recursive: true });
    const records = await changelogRecords(broker.connection, run.applicationId);
    const second = await run.start();
    await publishing;
    await second.untilReady();
    expect(restoredOffsets(second)).toBeGreaterThanOrEqual(records);
  });
});

test('a second and a third processor join and leave in the middle: the same numbers', async () => {
  await inRun('scaled', async (run) => {
    const publishing = run.publish({ seed, count: FLOW.count, ratePerSecond: FLOW.perSecond });
    await run.start();
    await run.untilCommitted(FLOW.count / 8);
    const second = await run.start();
    const third = await run.start();
    const share = async (app: AppProcess): Promise<number> => (await app.lags())?.size ?? 0;
    await third.until(
      async () => (await share(second)) > 0 && (await share(third)) > 0,
      'both have a share of the tasks',
    );
    expect((await second.stop()).code).toBe(0);
    await third.kill();
    await publishing;
  });
});
