import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { seed, sized, timeLimit } from '../support/chaos.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';

/*
 * What comes back after a death of the disk or of the broker. The oracle replays every output.
 */

const rounds = sized({ short: 1, full: 3 });
let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker({ properties: CHAOS_BROKER });
});
afterAll(() => broker.stop());

function faultTest(name: string, fault: (run: EchoRun) => Promise<void>): void {
  test(
    `${name} (seed ${String(seed)})`,
    async () => {
      for (let round = 0; round < rounds; round += 1) {
        const run = await EchoRun.open({
          connection: broker.connection,
          name: `${name.replaceAll(/[^a-z]+/gi, '-')}-${String(round)}`,
          seed: seed + round,
        });
        try {
          const flow = run.flow();
          await fault(run);
          await flow.stop();
          expect({ seed: seed + round, problems: await run.verdict() }).toEqual({ seed: seed + round, problems: [] });
        } finally {
          await run.close();
        }
      }
    },
    timeLimit(90_000 * rounds),
  );
}

faultTest('the disk lost while one of two processors runs on', async (run) => {
  await run.start();
  const second = await run.start();
  await second.until(async () => ((await second.lags())?.size ?? 0) > 0, 'it has tasks');
  await run.goesOn();
  await second.kill();
  await run.start();
});

faultTest('the broker killed and started again, twice', async (run) => {
  const app = await run.start();
  await app.untilReady();
  for (let kill = 0; kill < 2; kill += 1) {
    await run.goesOn();
    await sleep(run.random.below(700));
    await broker.kill();
    await sleep(run.random.below(1_500));
    await broker.restart();
  }
  await app.untilReady();
});

faultTest('the broker hung for longer than sessions and transactions live', async (run) => {
  const app = await run.start();
  await run.goesOn();
  broker.freeze();
  await sleep(5_000);
  broker.thaw();
  await app.untilReady();
});
