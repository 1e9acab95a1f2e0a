import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { reportFigure, seed, sized, timeLimit } from '../support/chaos.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';

/*
 * kill -9 at random moments, of a random one of three processors with standbys, while records flow under tens of
 * thousands of keys. Each victim comes back at once, on its own disk. The oracle replays every output.
 */

const { kills, records, keys } = sized({
  short: { kills: 5, records: 20_000, keys: 2_000 },
  full: { kills: 20, records: 200_000, keys: 20_000 },
});
const LONGEST_PAUSE_MS = 2_500;
let broker: SharedBroker;

beforeAll(async () => {
  broker = await sharedBroker({ properties: CHAOS_BROKER });
});
afterAll(() => broker.leave());

test(
  `${String(kills)} random kills over three processors, ${String(records)} records, ${String(keys)} keys (seed ` +
    `${String(seed)})`,
  async () => {
    const run = await EchoRun.open({
      connection: broker.connection,
      name: 'random-kills',
      seed,
      keys,
      config: { numStandbyReplicas: 1 },
    });
    try {
      const apps = [await run.start(), await run.start(), await run.start()];
      const flow = run.flow({ records, overMs: (kills * LONGEST_PAUSE_MS) / 2 });
      for (let kill = 0; kill < kills; kill += 1) {
        await sleep(run.random.below(LONGEST_PAUSE_MS));
        const victim = run.random.below(apps.length);
        await apps[victim]?.kill();
        apps[victim] = await run.start();
      }
      await flow.done;
      expect({ seed, problems: await run.verdict() }).toEqual({ seed, problems: [] });
      expect(run.publishedRecords).toBeGreaterThanOrEqual(records);
      reportFigure({
        fault:
          `${String(kills)} random kill -9 over three processors, ${String(records)} ` +
          `records, ${String(keys)} keys`,
        asked: '0 lost, 0 doubled, 0 out of order, 0 hanging transactions',
        measured: `0 anomalies in ${String(run.publishedRecords)} records`,
      });
    } finally {
      await run.close();
    }
  },
  timeLimit(600_000),
);
