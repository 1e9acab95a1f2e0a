import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHAOS_BROKER } from '../support/app-run.ts';
import { reportFigure, seed, sized, timeLimit } from '../support/chaos.ts';
import { OneOfEachRun, type OneOfEachRunOptions } from '../support/one-of-each-run.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';

/*
 * The application that has one of each: joins of all kinds, windows of all kinds, final results, retractions,
 * punctuators, processors' stores of all kinds. The oracle of tests/support/one-of-each-oracle.ts counts every result
 * anew.
 */

const { kills, times, keys, perRound } = sized({
  short: { kills: 3, times: 1, keys: 60, perRound: 300 },
  full: { kills: 20, times: 3, keys: 200, perRound: 600 },
});
/** Long enough for a round to come to its end between two of them, now and then. */
const LONGEST_PAUSE_MS = sized({ short: 2_500, full: 6_000 });
let broker: SharedBroker;

beforeAll(async () => {
  broker = await sharedBroker({ properties: CHAOS_BROKER });
});
afterAll(() => broker.leave());

async function inRun(
  options: Omit<OneOfEachRunOptions, 'connection' | 'seed'>,
  work: (run: OneOfEachRun) => Promise<void>,
): Promise<OneOfEachRun> {
  const run = await OneOfEachRun.open({ connection: broker.connection, seed, keys, perRound, ...options });
  try {
    await work(run);
    expect({ seed, problems: await run.verdict() }).toEqual({ seed, problems: [] });
    return run;
  } finally {
    await run.close();
  }
}

test.concurrent(
  `without any fault each result is the recount of the input (seed ${String(seed)})`,
  async () => {
    await inRun({ name: 'each-calm' }, async (run) => {
      await run.start();
      await run.publish(3);
    });
  },
  timeLimit(300_000),
);

test.concurrent(
  `${String(kills)} random kills, joins and leaves between them, with standbys (seed ${String(seed)})`,
  async () => {
    const taken: string[] = [];
    const run = await inRun({ name: 'each-kills', config: { numStandbyReplicas: 1 } }, async (run) => {
      const apps = [await run.start(), await run.start()];
      const flow = run.flow();
      for (let kill = 0; kill < kills; kill += 1) {
        await sleep(run.random.below(LONGEST_PAUSE_MS));
        const victim = run.random.below(apps.length);
        await apps[victim]?.kill();
        apps[victim] = await run.start();
        // A third one comes and goes in between.
        if (kill % 3 === 0) {
          apps.push(await run.start());
          taken.push('join');
        } else if (kill % 3 === 2) {
          const [leaver] = apps.splice(run.random.below(apps.length), 1);
          // Before that it has nothing that a signal could end well.
          await leaver?.untilReady();
          expect((await leaver?.stop())?.code).toBe(0);
          taken.push('leave');
        }
      }
      await flow.stop();
    });
    expect(run.publishedRounds).toBeGreaterThan(0);
    reportFigure({
      fault:
        `${String(kills)} random kill -9 and ${String(taken.length)} joins and leaves under an application of one ` +
        `of each, with standbys`,
      asked: 'every result is the recount of the input, every store the replay of its changelog',
      measured: `0 anomalies in ${String(run.publishedRecords)} records, ${String(run.publishedRounds)} rounds`,
    });
  },
  timeLimit(1_800_000),
);

test.concurrent(
  `killed afterProduce, afterCommit, afterBatch and inRestore, ${String(times)} times each (seed ${String(seed)})`,
  async () => {
    const run = await inRun({ name: 'each-points' }, async (run) => {
      const flow = run.flow();
      for (let time = 0; time < times; time += 1) {
        for (const at of ['afterProduce', 'afterCommit', 'afterBatch'])
          await run.crash(at, 1 + run.random.below(20 + 40 * time));
        const app = await run.start();
        await run.goesOn();
        await app.kill();
        await rm(run.stateDir, { recursive: true });
        await run.crash('inRestore', 1 + run.random.below(10));
      }
      await run.start();
      await flow.stop();
    });
    reportFigure({
      fault: `an application of one of each, killed in the commit and in the restore, ${String(4 * times)} times`,
      asked: 'every result is the recount of the input, every store the replay of its changelog',
      measured: `0 anomalies in ${String(run.publishedRecords)} records`,
    });
  },
  timeLimit(600_000),
);
