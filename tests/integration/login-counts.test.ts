import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import type { AppProcess } from '../support/app-process.ts';
import { LoginRun } from '../support/login-run.ts';
import { changelogEnds } from '../support/changelog-sizes.ts';
import type { LoginNumbers } from '../support/login-results.ts';
import { expectedAnswers, servedNumbers } from '../support/served-numbers.ts';

/*
 * 200,000 seeded logins, dirty ones of every kind among them, under random keys over four partitions: every number that is
 * committed equals an independent recount, whatever became of the processors meanwhile.
 */

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const COUNT = 200_000;
/** Slow enough that a fault strikes in the middle. */
const FLOW_PER_SECOND = 25_000;
let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.stop());

async function inRun(name: string, work: (run: LoginRun) => Promise<void>, after?: (run: LoginRun, expected: LoginNumbers) => Promise<void>): Promise<void> {
  const run = await LoginRun.open({ connection: broker.connection, name });
  try {
    await work(run);
    const { expected, found, late, deadLetterProblems } = await run.outcome();
    expect(expected.consumed).toBeGreaterThanOrEqual(COUNT);
    expect({ seed, ...found }).toEqual({ seed, ...expected });
    expect(found.consumed).toBe(found.counted + found.deadLettered);
    expect(late).toBe(0);
    expect(deadLetterProblems).toEqual([]);
    await after?.(run, expected);
  } finally {
    await run.close();
  }
}

/** Offsets of the changelogs that a process restored before its tasks ran. */
function restoredOffsets(app: AppProcess): number {
  return app.logged('restored the store').reduce((sum, line) => sum + Number(line['offsets']), 0);
}

test(`a backlog: every number is the recount's (seed ${String(seed)})`, async () => {
  await inRun('backlog', async (run) => {
    await run.publish({ seed, count: COUNT });
    await run.publishRaw([
      { key: null, value: Buffer.from('no JSON'), headers: { trace: Buffer.from('kept'), empty: Buffer.alloc(0) } },
      { key: 'k', value: null, headers: { trace: Buffer.from([0, 255]) } },
    ]);
    await run.start({ NUM_STREAM_THREADS: '2' });
  }, async (run, expected) => {
    const api = await run.startApi();
    try {
      expect(await servedNumbers(`http://127.0.0.1:${String(api.port)}`, expected)).toEqual(expectedAnswers(expected));
    } finally {
      await api.kill();
    }
  });
});

test('killed in the middle: the same numbers, from its own disk', async () => {
  await inRun('killed', async (run) => {
    const publishing = run.publish({ seed, count: COUNT, ratePerSecond: FLOW_PER_SECOND });
    const first = await run.start();
    await run.untilCommitted(COUNT / 3);
    await first.kill();
    const { records, largestCommit } = await changelogEnds(broker.connection, run.applicationId);
    const second = await run.start();
    await publishing;
    await second.untilReady();
    // The store batch follows each commit: what may be missing is the last commit of each task, and its marker.
    // On a busy machine the first commit, of all that waited, may be most of what there is: then the second bound says little, and holds.
    expect(records).toBeGreaterThan(largestCommit);
    expect(restoredOffsets(second)).toBeLessThanOrEqual(largestCommit);
  });
});

test('the state directory deleted in the middle: the same numbers, from the changelogs', async () => {
  await inRun('deleted', async (run) => {
    const publishing = run.publish({ seed, count: COUNT, ratePerSecond: FLOW_PER_SECOND });
    const first = await run.start();
    await run.untilCommitted(COUNT / 3);
    await first.kill();
    await rm(run.stateDir, { recursive: true });
    const { records } = await changelogEnds(broker.connection, run.applicationId);
    const second = await run.start();
    await publishing;
    await second.untilReady();
    expect(restoredOffsets(second)).toBeGreaterThanOrEqual(records);
  });
});

test('a second and a third processor join and leave in the middle: the same numbers', async () => {
  await inRun('scaled', async (run) => {
    const publishing = run.publish({ seed, count: COUNT, ratePerSecond: FLOW_PER_SECOND });
    await run.start();
    await run.untilCommitted(COUNT / 8);
    const second = await run.start();
    const third = await run.start();
    const share = async (app: AppProcess): Promise<number> => (await app.lags())?.size ?? 0;
    await third.until(async () => (await share(second)) > 0 && (await share(third)) > 0, 'both have a share of the tasks');
    expect((await second.stop()).code).toBe(0);
    await third.kill();
    await publishing;
  });
});
