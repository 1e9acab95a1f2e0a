import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { echoTopic } from '../support/echo-topology.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';
import { missingEchoes } from '../support/oracle.ts';
import { readTopic } from '../support/topic-reader.ts';

/*
 * at_least_once: nothing is lost, whatever happens. Without a fault nothing is doubled either, and after a kill between
 * the records and the offsets something must be, or this test would show nothing.
 */

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
let broker: SharedBroker;

beforeAll(async () => {
  broker = await sharedBroker({ properties: CHAOS_BROKER });
});
afterAll(() => broker.leave());

const MOST_CRASHES = 12;

/** Some record has been echoed twice by now. */
async function hasDoubles(run: EchoRun): Promise<boolean> {
  const echoes = (await readTopic(broker.connection, echoTopic(run.input))).partitions
    .flat()
    .map(({ key, value }) => `${String(key)}=${String(value)}`);
  return new Set(echoes).size < echoes.length;
}

const open = (name: string): Promise<EchoRun> =>
  EchoRun.open({ connection: broker.connection, name, seed, config: { processingGuarantee: 'at_least_once' } });

test(`without a fault each output is the replay of its input, restarts too (seed ${String(seed)})`, async () => {
  const run = await open('alos-calm');
  try {
    const flow = run.flow();
    const first = await run.start();
    await run.goesOn();
    expect((await first.stop()).code).toBe(0);
    await run.start();
    await run.goesOn();
    await flow.stop();
    expect(await run.verdict()).toEqual([]);
  } finally {
    await run.close();
  }
});

test(`killed between any two steps of the commit: nothing lost (seed ${String(seed)})`, async () => {
  const run = await open('alos-killed');
  try {
    const flow = run.flow();
    for (const at of ['afterProduce', 'afterCommit', 'afterBatch']) await run.crash(at, 3 + run.random.below(6));
    // Not every commit echoes: each sub-topology has its own. Until one that did was cut short, the fault proves
    // nothing.
    for (let more = 0; more < MOST_CRASHES && !(await hasDoubles(run)); more += 1)
      await run.crash('afterProduce', 3 + run.random.below(6));
    await run.start();
    await flow.stop();
    await run.settled();
    const [input, echo] = await Promise.all([
      readTopic(broker.connection, run.input),
      readTopic(broker.connection, echoTopic(run.input)),
    ]);
    expect(missingEchoes(input, echo)).toEqual([]);
    expect(echo.partitions.flat().length).toBeGreaterThan(input.partitions.flat().length);
  } finally {
    await run.close();
  }
});
