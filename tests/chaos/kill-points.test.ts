import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { reportFigure, seed, sized, timeLimit } from '../support/chaos.ts';
import { CHAOS_BROKER, EchoRun, type EchoRunOptions } from '../support/echo-run.ts';
import { until } from '../support/until.ts';

/*
 * The commit, killed between any two of its steps, and the take, killed in its restore, in the load of a store
 * and in a rebalance: the oracle of tests/support/oracle.ts replays every output record by record.
 */

const TIMES = sized({ short: 2, full: 5 });
let broker: SharedBroker;

beforeAll(async () => {
  broker = await sharedBroker({ properties: CHAOS_BROKER });
});
afterAll(() => broker.leave());

async function inRun(
  name: string,
  options: Partial<EchoRunOptions>,
  work: (run: EchoRun) => Promise<void>,
): Promise<void> {
  const run = await EchoRun.open({ connection: broker.connection, name, seed, ...options });
  try {
    await work(run);
    await run.start();
    expect({ seed, problems: await run.verdict() }).toEqual({ seed, problems: [] });
  } finally {
    await run.close();
  }
}

const report = (at: string): void =>
  reportFigure({
    fault: `killed ${at}`,
    asked: `${String(TIMES)} times: nothing lost, doubled, out of order or hanging`,
    measured: `${String(TIMES)} times, 0 anomalies`,
  });

test.concurrent('without any fault every output is the replay of its input', async () => {
  await inRun('calm', {}, async (run) => {
    await run.publish(10_000);
    const flow = run.flow();
    await until(() => run.publishedRecords > 11_000, 'records flow');
    await flow.stop();
  });
});

test.concurrent.each(['afterProduce', 'afterCommit', 'afterBatch'])(
  `killed %s, ${String(TIMES)} times at different commits (seed ${String(seed)})`,
  async (at) => {
    await inRun(at, {}, async (run) => {
      const flow = run.flow();
      // The first commit of a task, and ever later ones in full flow: a commit of a process is one of its tasks.
      for (let time = 0; time < TIMES; time += 1) await run.crash(at, 1 + run.random.below(1 + 10 * time));
      await flow.stop();
    });
    report(at);
  },
  timeLimit(30_000 * TIMES),
);

test.concurrent(
  `killed inRestore, ${String(TIMES)} times, each on an empty disk (seed ${String(seed)})`,
  async () => {
    await inRun('in-restore', {}, async (run) => {
      const flow = run.flow();
      const app = await run.start();
      await app.until(() => run.publishedRecords > 1_000, 'there is something to restore');
      await run.goesOn();
      await app.kill();
      for (let time = 0; time < TIMES; time += 1) {
        await rm(run.stateDir, { recursive: true });
        await run.crash('inRestore', 1 + run.random.below(3));
      }
      await flow.stop();
    });
    report('inRestore');
  },
  timeLimit(30_000 * TIMES),
);

test.concurrent(
  `killed inRebalance, ${String(TIMES)} times, beside a processor that goes on (seed ${String(seed)})`,
  async () => {
    await inRun('in-rebalance', {}, async (run) => {
      const flow = run.flow();
      await run.start();
      for (let time = 0; time < TIMES; time += 1) await run.crash('inRebalance', 1);
      await flow.stop();
    });
    report('inRebalance');
  },
  timeLimit(30_000 * TIMES),
);

test.concurrent.each(['beforeSwitch', 'afterSwitch'])(
  `killed %s of a store to the tables that it is loaded with, ${String(TIMES)} times, each on an empty disk`,
  async (at) => {
    // So many that a load makes tables of its own.
    await inRun(at.toLowerCase(), { keys: 12_000 }, async (run) => {
      await run.publish(30_000);
      const app = await run.start();
      await run.goesOn();
      await run.settled();
      await app.kill();
      const flow = run.flow();
      for (let time = 0; time < TIMES; time += 1) {
        await rm(run.stateDir, { recursive: true });
        await run.crash(at, 1 + run.random.below(3));
        // And what it has left behind is gone on with.
        await run.crash('afterBatch', 1);
      }
      await flow.stop();
    });
    report(at);
  },
  timeLimit(60_000 * TIMES),
);
