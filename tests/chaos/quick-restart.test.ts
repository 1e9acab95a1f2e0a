import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppProcess } from '../support/app-process.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { reportFigure, seed, sized, spread, timeLimit } from '../support/chaos.ts';
import { EchoRun } from '../support/echo-run.ts';
import { watchOffsets } from '../support/offset-watch.ts';
import { expectWithin } from '../support/speed.ts';
import { until } from '../support/until.ts';

/*
 * kill -9 and an immediate restart, at full length with the time-outs that users have (a session of 8 s), and records
 * flowing: the process gets back what it had, and nobody else notices.
 */

const { kills, withinMs, config } = sized({
  // On a busy machine a session of 8 s may end before the new process has begun.
  short: { kills: 2, withinMs: Infinity, config: { sessionTimeoutMs: 60_000 } },
  full: { kills: 8, withinMs: 3_000, config: {} },
});
const KEYS = 10_000;
const PARTITIONS = 3;
/** What the dead process had sent is decided by then, and no new one can have got so far. */
const SETTLED_AFTER_KILL_MS = 100;
let broker: SharedBroker;

beforeAll(async () => {
  broker = await sharedBroker();
});
afterAll(() => broker.leave());

/** The tasks of each process, once each task is run by exactly one of them. */
async function owners(apps: readonly AppProcess[]): Promise<string[][]> {
  let tasks: string[][] = [];
  await until(
    async () => {
      const lags = await Promise.all(apps.map((app) => app.lags()));
      tasks = lags.map((each) => [...(each?.keys() ?? [])].sort());
      return (
        new Set(tasks.flat()).size === 2 * PARTITIONS &&
        tasks.flat().length === 2 * PARTITIONS &&
        tasks.every((own) => own.length > 0)
      );
    },
    () => `every task has one owner: ${JSON.stringify(tasks)}\n${apps.map((app) => app.log(15)).join('\n---\n')}`,
  );
  return tasks;
}

const joins = (app: AppProcess): number =>
  app.logged('joined the group').length + app.logged('the group rebalances').length;

test.each(
  sized({
    short: [
      { processes: 1, threads: 2 },
      { processes: 3, threads: 1 },
    ],
    full: [
      { processes: 1, threads: 1 },
      { processes: 1, threads: 2 },
      { processes: 3, threads: 1 },
      { processes: 3, threads: 2 },
    ],
  }),
)(
  `kill -9 of one of $processes with $threads stream threads, restarted at once, ${String(kills)} times (seed ` +
    `${String(seed)})`,
  async ({ processes, threads }) => {
    const run = await EchoRun.open({
      connection: broker.connection,
      name: `quick-restart-${String(processes)}-${String(threads)}`,
      seed,
      keys: KEYS,
      partitions: PARTITIONS,
      productionDefaults: true,
      config: { numStreamThreads: threads, ...config },
    });
    const watch = watchOffsets(broker.connection, run.applicationId);
    try {
      await run.publish(3 * KEYS);
      const apps: AppProcess[] = [];
      for (let index = 0; index < processes; index += 1) {
        apps.push(await run.start());
        await owners(apps);
      }
      const flow = run.flow();
      const first: number[] = [];
      const all: number[] = [];
      for (let kill = 0; kill < kills; kill += 1) {
        await run.goesOn();
        await sleep(run.random.below(1_000));
        const before = await owners(apps);
        const victim = run.random.below(processes);
        const partitions = (before[victim] ?? []).map((task) => run.inputOf(task));
        const survivors = apps.filter((_, index) => index !== victim);
        const rebalances = survivors.map(joins);
        await apps[victim]?.kill();
        const restartedAt = performance.now();
        const restarted = await run.start();
        apps[victim] = restarted;
        await sleep(SETTLED_AFTER_KILL_MS);
        const moves = await watch.moved(partitions, watch.now());
        first.push((moves[0] ?? Infinity) - restartedAt);
        all.push((moves.at(-1) ?? Infinity) - restartedAt);
        expect(await owners(apps)).toEqual(before);
        expect(survivors.map(joins)).toEqual(rebalances);
      }
      await flow.stop();
      expect({ seed, problems: await run.verdict(), regressions: watch.regressions }).toEqual({
        seed,
        problems: [],
        regressions: [],
      });
      reportFigure({
        fault:
          `kill -9 of ${processes === 1 ? 'the only processor' : `one of ${String(processes)}`} ` +
          `(${String(threads)} stream threads), restarted at once, ${String(kills)} times`,
        asked: 'first new commit within 3 s of the restart, no task moved',
        measured: `first new commit: ${spread(first)}; every task: ${spread(all)}; 0 tasks moved`,
      });
      expectWithin(Math.max(...first), withinMs);
    } finally {
      await watch.stop();
      await run.close();
    }
  },
  timeLimit(60_000 + 20_000 * kills),
);
