import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppProcess } from '../support/app-process.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { seed, sized } from '../support/chaos.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';

/*
 * Who has which task, while processors come, go, and come back from the dead.
 */

const rounds = sized({ short: 1, full: 3 });
const PARTITIONS = 3;
const TASKS = 2 * PARTITIONS;
let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker({ properties: CHAOS_BROKER });
}, 60_000);
afterAll(() => broker.stop(), 60_000);

async function withRun(name: string, round: number, work: (run: EchoRun) => Promise<void>): Promise<void> {
  const run = await EchoRun.open({ connection: broker.connection, name: `${name}-${String(round)}`, seed: seed + round, partitions: PARTITIONS });
  try {
    const flow = run.flow();
    await work(run);
    await flow.stop();
    expect({ seed: seed + round, problems: await run.verdict() }).toEqual({ seed: seed + round, problems: [] });
  } finally {
    await run.close();
  }
}

/** Resolves when the tasks are spread over these processes as said, each run by one of them. */
async function untilShared(apps: readonly AppProcess[], share: readonly number[]): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const lags = await Promise.all(apps.map((app) => app.lags()));
    const tasks = lags.flatMap((each) => [...(each?.keys() ?? [])]);
    const sizes = lags.map((each) => each?.size ?? 0).sort((a, b) => b - a);
    if (new Set(tasks).size === TASKS && tasks.length === TASKS && JSON.stringify(sizes) === JSON.stringify(share)) return;
    if (performance.now() > deadline) throw new Error(`the tasks are not shared as ${JSON.stringify(share)}: ${JSON.stringify(lags.map((each) => [...(each?.keys() ?? [])]))}\n${apps.map((app) => app.log(20)).join('\n---\n')}`);
    await sleep(100);
  }
}

test(`processors join and leave: each task has one owner, shares are even (seed ${String(seed)})`, async () => {
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
}, 90_000 * rounds);

test(`a processor that stood still past its session and its transactions wakes up as nobody's owner (seed ${String(seed)})`, async () => {
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
      await untilShared([sleeper, other], [3, 3]);
    });
  }
}, 90_000 * rounds);

test(`both processors stand still, one after the other, at random moments (seed ${String(seed)})`, async () => {
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
}, 90_000 * rounds);
