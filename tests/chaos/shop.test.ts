import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { recount } from '../../examples/shop/recount.ts';
import { seededRandom } from '../../tools/producer/seeded-random.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { reportFigure, seed, sized, timeLimit } from '../support/chaos.ts';
import { CHAOS_BROKER } from '../support/echo-run.ts';
import { ShopRun } from '../support/shop-run.ts';
import { until } from '../support/until.ts';

/*
 * The shop of examples/ while its processors are killed: what its tables hold in the end is what an independent recount
 * makes of its topics.
 */

const { kills, events } = sized({ short: { kills: 3, events: 6_000 }, full: { kills: 20, events: 100_000 } });
const LONGEST_PAUSE_MS = 2_500;
const EVENTS_AT_ONCE = 250;
let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker({ properties: CHAOS_BROKER });
});
afterAll(() => broker.stop());

test(
  `${String(kills)} kill -9 of processors, ${String(events)} events: every number is the recount (seed ${String(seed)})`,
  async () => {
    const run = await ShopRun.open(broker.connection, seed);
    try {
      const random = seededRandom(seed);
      const apps = [await run.processor(), await run.processor()];
      let told = 0;
      const telling = (async () => {
        // Over all of the kills, so that each strikes in the midst of it.
        const pauseMs = (kills * LONGEST_PAUSE_MS * EVENTS_AT_ONCE) / (2 * events);
        for (; told < events; told += EVENTS_AT_ONCE) {
          await run.tell(EVENTS_AT_ONCE);
          await sleep(pauseMs);
        }
      })();
      for (let kill = 0; kill < kills; kill += 1) {
        await sleep(random.below(LONGEST_PAUSE_MS));
        const victim = random.below(apps.length);
        await apps[victim]?.kill();
        apps[victim] = await run.processor();
      }
      await telling;
      const endMs = await run.end();
      const expected = recount(await run.events(), endMs);
      await until(
        async () => isDeepStrictEqual(await run.numbers(), expected),
        'the tables hold what the recount says',
      ).catch(async () => expect({ seed, ...(await run.numbers()) }).toEqual({ seed, ...expected }));
      reportFigure({
        fault: `${String(kills)} kill -9 of the shop's processors under ${String(told)} events`,
        asked: 'every number of its four tables is the recount of its topics',
        measured: `0 differences in ${String(Object.values(expected).flatMap(Object.keys).length)} rows`,
      });
    } finally {
      await run.close();
    }
  },
  timeLimit(900_000),
);
