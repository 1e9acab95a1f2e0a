import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppProcess } from '../support/app-process.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { reportFigure, seconds, seed, sized, timeLimit } from '../support/chaos.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';
import { watchOffsets } from '../support/offset-watch.ts';
import { OwnerWatch, sharedTwice } from '../support/owner-watch.ts';
import { until } from '../support/until.ts';

/*
 * Who has which task, while processors come, go, and come back from the dead.
 */

const rounds = sized({ short: 1, full: 3 });
const { steps, records, keys } = sized({
  short: { steps: 4, records: 20_000, keys: 2_000 },
  full: { steps: 12, records: 300_000, keys: 20_000 },
});
const MOST_PROCESSORS = 4;
/** With a session of 1.5 s a step takes about three seconds, and four when somebody must be missed first. */
const STEP_MS = 3_500;
const PARTITIONS = 3;
const TASKS = 2 * PARTITIONS;
let broker: SharedBroker;

beforeAll(async () => {
  broker = await sharedBroker({ properties: CHAOS_BROKER });
});
afterAll(() => broker.leave());

async function withRun(
  name: string,
  round: number,
  work: (run: EchoRun) => Promise<void>,
  flowing = true,
): Promise<void> {
  const run = await EchoRun.open({
    connection: broker.connection,
    name: `${name}-${String(round)}`,
    seed: seed + round,
    partitions: PARTITIONS,
    keys,
  });
  const offsets = watchOffsets(broker.connection, run.applicationId);
  try {
    const flow = flowing ? run.flow() : undefined;
    await work(run);
    await flow?.stop();
    expect({
      seed: seed + round,
      problems: await run.verdict(),
      regressions: offsets.regressions,
      twice: sharedTwice(run.apps),
    }).toEqual({ seed: seed + round, problems: [], regressions: [], twice: [] });
    // A watch that never looked proves nothing.
    expect(offsets.looks).toBeGreaterThan(0);
  } finally {
    await offsets.stop();
    await run.close();
  }
}

/** Fair shares, the largest first. */
const fairShares = (members: number): number[] =>
  Array.from({ length: members }, (_, index) => Math.floor(TASKS / members) + (index < TASKS % members ? 1 : 0));

/** Resolves when the tasks are spread over these processes as said, each run by one of them. */
async function untilShared(apps: readonly AppProcess[], share: readonly number[]): Promise<void> {
  let lags: (Map<string, number> | undefined)[] = [];
  await until(
    async () => {
      lags = await Promise.all(apps.map((app) => app.lags()));
      const tasks = lags.flatMap((each) => [...(each?.keys() ?? [])]);
      const sizes = lags.map((each) => each?.size ?? 0).sort((a, b) => b - a);
      return new Set(tasks).size === TASKS && tasks.length === TASKS && JSON.stringify(sizes) === JSON.stringify(share);
    },
    () =>
      `the tasks are shared as ${JSON.stringify(share)}: ` +
      `${JSON.stringify(lags.map((each) => [...(each?.keys() ?? [])]))}\n` +
      apps.map((app) => app.log(20)).join('\n---\n'),
  );
}

test(
  `processors join and leave: each task has one owner, shares are even (seed ${String(seed)})`,
  async () => {
    for (let round = 0; round < rounds; round += 1) {
      await withRun('join-leave', round, async (run) => {
        const first = await run.start();
        await untilShared([first], [6]);
        const second = await run.start();
        await untilShared([first, second], [3, 3]);
        const third = await run.start();
        await untilShared([first, second, third], [2, 2, 2]);
        expect((await second.stop()).code).toBe(0);
        await untilShared([first, third], [3, 3]);
        await first.kill();
        await untilShared([third], [6]);
        const fourth = await run.start();
        await untilShared([third, fourth], [3, 3]);
      });
    }
  },
  timeLimit(90_000 * rounds),
);

test(
  `${String(steps)} joins and leaves, ${String(records)} records, up to ${String(MOST_PROCESSORS)} processors ` +
    `(seed ${String(seed)})`,
  async () => {
    await withRun(
      'joins-leaves',
      0,
      async (run) => {
        const owners = new OwnerWatch(() => run.wanted());
        try {
          let apps: AppProcess[] = [await run.start()];
          await untilShared(apps, fairShares(1));
          const flow = run.flow({ records, overMs: steps * STEP_MS });
          const taken: string[] = [];
          for (let step = 0; step < steps; step += 1) {
            // A walk between one processor and four, that leaves and joins as often.
            const joins = apps.length === 1 || (apps.length < MOST_PROCESSORS && run.random.below(2) === 0);
            if (joins) {
              apps.push(await run.start());
              taken.push('start');
            } else {
              const [leaver] = apps.splice(run.random.below(apps.length), 1);
              const killed = run.random.below(2) === 0;
              if (killed) await leaver?.kill();
              else expect((await leaver?.stop())?.code).toBe(0);
              taken.push(killed ? 'kill -9' : 'SIGTERM');
            }
            apps = [...apps];
            // Fair shares are what "differ by at most one" means.
            await untilShared(apps, fairShares(apps.length));
          }
          await flow.done;
          expect({ seed, twice: owners.twice }).toEqual({ seed, twice: [] });
          expect(run.publishedRecords).toBeGreaterThanOrEqual(records);
          reportFigure({
            fault: `${String(steps)} joins and leaves (${taken.join(', ')}), ${String(records)} records`,
            asked:
              'no offset regresses, no task owned twice, counts exact; after each step tasks differ by at most ' +
              '1 between instances',
            measured:
              `0 regressions, 0 tasks owned twice in ${String(owners.looks)} looks and every generation, tasks ` +
              `even after each step; the oracle is content with ${String(run.publishedRecords)} records`,
          });
        } finally {
          await owners.stop();
        }
      },
      false,
    );
  },
  timeLimit(120_000 + 20_000 * steps),
);

test.concurrent(
  `a processor that stood still past its session and its transactions wakes up as nobody's owner (seed ` +
    `${String(seed)})`,
  async () => {
    const rejoinedMs: number[] = [];
    let refused = 0;
    for (let round = 0; round < rounds; round += 1) {
      await withRun('zombie', round, async (run) => {
        const sleeper = await run.start();
        await untilShared([sleeper], [6]);
        const other = await run.start();
        await untilShared([sleeper, other], [3, 3]);
        sleeper.freeze();
        await untilShared([other], [6]);
        await sleep(3_500);
        sleeper.thaw();
        const thawedAt = performance.now();
        await untilShared([sleeper, other], [3, 3]);
        rejoinedMs.push(performance.now() - thawedAt);
        const refusals = [
          ...sleeper.logged('commit failed').filter(({ code }) => code === 'TASK_FENCED'),
          ...sleeper.logged('the group went on without this member'),
        ];
        expect(refusals.length).toBeGreaterThan(0);
        expect(sleeper.lines.filter(({ level }) => Number(level) >= 50)).toEqual([]);
        refused += refusals.length;
      });
    }
    reportFigure({
      fault: `SIGSTOP past session and transaction time-outs, then SIGCONT, ${String(rounds)} times, records flowing`,
      asked: 'its commits refused, exact counts, it rejoins clean',
      measured:
        `${String(refused)} refusals in its log, 0 anomalies, its fair share again within ` +
        `${seconds(Math.max(...rejoinedMs))}`,
    });
  },
  timeLimit(90_000 * rounds),
);

test.concurrent(
  `both processors stand still, one after the other, at random moments (seed ${String(seed)})`,
  async () => {
    for (let round = 0; round < rounds; round += 1) {
      await withRun('zombies', round, async (run) => {
        const apps = [await run.start(), await run.start()] as const;
        await untilShared(apps, [3, 3]);
        for (const app of apps) {
          await sleep(run.random.below(800));
          app.freeze();
          await sleep(1_600 + run.random.below(2_500));
          app.thaw();
        }
        await untilShared(apps, [3, 3]);
      });
    }
  },
  timeLimit(90_000 * rounds),
);
