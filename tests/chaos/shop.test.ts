import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { recount, type ShopNumbers } from '../../examples/shop/recount.ts';
import { seededRandom } from '../../tools/producer/seeded-random.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { reportFigure, seed, sized, timeLimit } from '../support/chaos.ts';
import { CHAOS_BROKER } from '../support/echo-run.ts';
import { HeldRows } from '../support/held-rows.ts';
import { numbersOf, SHOP_FIELDS, ShopRun } from '../support/shop-run.ts';
import { until } from '../support/until.ts';

/*
 * The shop of examples/ while its processors and its API are killed: what its tables hold in the end, what the API
 * serves, and what a client holds that has resumed its subscriptions all along, is what an independent recount makes of
 * its topics.
 */

const { kills, events } = sized({ short: { kills: 3, events: 6_000 }, full: { kills: 20, events: 100_000 } });
const LONGEST_PAUSE_MS = 2_500;
const EVENTS_AT_ONCE = 250;
/** Among the processes. */
const API = 2;
let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker({ properties: CHAOS_BROKER });
});
afterAll(() => broker.stop());

/** What a client has of each table, however often the API goes away. */
function heldTables(url: string) {
  const { customerTotals, skuTotals, countryHours, unpaidOrders } = SHOP_FIELDS;
  const tables = {
    customerTotals: new HeldRows(url, 'customerTotals', customerTotals),
    skuTotals: new HeldRows(url, 'skuTotals', skuTotals),
    countryHours: new HeldRows(url, 'countryHours', countryHours, 'last: 1500'),
    unpaidOrders: new HeldRows(url, 'unpaidOrders', unpaidOrders),
  };
  return {
    numbers: () =>
      numbersOf({
        customerTotals: tables.customerTotals.rows.values(),
        skuTotals: tables.skuTotals.rows.values(),
        countryHours: tables.countryHours.rows.values(),
        unpaidOrders: tables.unpaidOrders.rows.values(),
      }),
    hasBegun: () => Object.values(tables).every(({ begun }) => begun.anew > 0),
    /** How often it went on with what had changed. */
    resumed: () => Object.values(tables).reduce((sum, { begun }) => sum + begun.resumed, 0),
    close: () => Promise.all(Object.values(tables).map((held) => held.close())),
  };
}

/** @throws with the differences when the one deadline is over. */
async function isReached(what: string, look: () => Promise<ShopNumbers>, expected: ShopNumbers): Promise<void> {
  await until(async () => isDeepStrictEqual(await look().catch(() => undefined), expected), what).catch(async () =>
    expect({ seed, what, ...(await look()) }).toEqual({ seed, what, ...expected }),
  );
}

test(
  `${String(kills)} kill -9 of processors and API, ${String(events)} events: every number is the recount ` +
    `(seed ${String(seed)})`,
  async () => {
    const run = await ShopRun.open(broker.connection, seed);
    const held = heldTables(run.url);
    try {
      const random = seededRandom(seed);
      const apps = [await run.processor(), await run.processor(), await run.api()];
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
        const victim = kill % apps.length;
        // So that there is something to resume.
        if (victim === API) await until(held.hasBegun, 'the client has had something of each table');
        await apps[victim]?.kill();
        apps[victim] = await (victim === API ? run.api() : run.processor());
      }
      await telling;
      const endMs = await run.end();
      const expected = recount(await run.events(), endMs);
      await isReached('the tables hold what the recount says', () => run.stored(), expected);
      await isReached('the API serves it', () => run.served(), expected);
      await isReached('a client holds it', async () => held.numbers(), expected);
      expect(held.resumed()).toBeGreaterThan(0);
      reportFigure({
        fault: `${String(kills)} kill -9 of the shop's processors and API under ${String(told)} events`,
        asked: 'every number in stores, in the API and at a client is the recount of its topics',
        measured:
          `0 differences in ${String(Object.values(expected).flatMap(Object.keys).length)} rows; the client resumed ` +
          `its four subscriptions ${String(held.resumed())} times`,
      });
    } finally {
      await held.close();
      await run.close();
    }
  },
  timeLimit(900_000),
);
