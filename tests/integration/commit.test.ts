import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';

/*
 * The commit, killed between any two of its steps, and the take, killed in its restore and in a rebalance: the oracle of
 * tests/support/oracle.ts replays every output record by record. SEED repeats a run, CHAOS_ROUNDS makes it longer.
 */

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const rounds = Number(process.env['CHAOS_ROUNDS'] ?? 1);
let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker({ properties: CHAOS_BROKER });
}, 60_000);
afterAll(() => broker.stop(), 60_000);

test('without any fault every output is the replay of its input', async () => {
  const run = await EchoRun.open({ connection: broker.connection, name: 'calm', seed });
  try {
    await run.publish(10_000);
    await run.start();
    const flow = run.flow();
    await sleep(1_000);
    await flow.stop();
    expect(await run.verdict()).toEqual([]);
  } finally {
    await run.close();
  }
}, 60_000);

for (const at of ['afterProduce', 'afterCommit', 'afterBatch'] as const) {
  test(`killed ${at}, three times at different commits: nothing lost, doubled or out of order (seed ${String(seed)})`, async () => {
    for (let round = 0; round < rounds; round += 1) {
      const run = await EchoRun.open({ connection: broker.connection, name: `${at}-${String(round)}`, seed: seed + round });
      try {
        const flow = run.flow();
        // The first commits of a task, and one in full flow: a commit of a process is one of its tasks.
        for (const after of [1, 2 + run.random.below(4), 10 + run.random.below(20)]) await run.crash(at, after);
        await flow.stop();
        await run.start();
        expect({ seed: seed + round, problems: await run.verdict() }).toEqual({ seed: seed + round, problems: [] });
      } finally {
        await run.close();
      }
    }
  }, 60_000 * rounds);
}
