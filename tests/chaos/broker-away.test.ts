import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppProcess } from '../support/app-process.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { reportFigure, seconds, seed, sized } from '../support/chaos.ts';
import { EchoRun } from '../support/echo-run.ts';
import { type OffsetWatch, watchOffsets } from '../support/offset-watch.ts';

/*
 * A broker that is away for longer than sessions, transactions and request time-outs live: in the middle of the work, after a
 * clean shutdown and after kill -9, and while an application starts. The time runs from the moment the broker answers again.
 */

const { awayMs, withinMs } = sized({ short: { awayMs: 12_000, withinMs: 15_000 }, full: { awayMs: 75_000, withinMs: 10_000 } });
const CLEANLY = { how: 'after a clean shutdown', name: 'away-clean', takeAway: () => broker.shutDown() };
const KILLED = { how: 'after kill -9', name: 'away-killed', takeAway: () => broker.kill() };
let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker();
}, 60_000);
afterAll(() => broker.stop(), 60_000);

const errorsOf = (app: AppProcess): unknown[] => app.lines.filter(({ level }) => Number(level) >= 50).map(({ msg }) => msg);

async function inRun(name: string, work: (run: EchoRun, watch: OffsetWatch, inputs: readonly string[]) => Promise<AppProcess>): Promise<void> {
  const run = await EchoRun.open({ connection: broker.connection, name, seed, productionDefaults: true });
  const watch = watchOffsets(broker.connection, run.applicationId);
  try {
    const app = await work(run, watch, Array.from({ length: run.partitions }, (_, partition) => `${run.input}-${String(partition)}`));
    expect({ seed, problems: await run.verdict(), regressions: watch.regressions }).toEqual({ seed, problems: [], regressions: [] });
    expect(errorsOf(app)).toEqual([]);
  } finally {
    await watch.stop();
    await run.close();
  }
}

/** Starts the broker again; answers how long each partition took to its next commit, the fastest first. */
async function resumedAfter(watch: OffsetWatch, inputs: readonly string[]): Promise<number[]> {
  await broker.restart();
  const backAt = performance.now();
  return (await watch.moved(inputs, watch.now(), 60_000)).map((at) => at - backAt);
}

function report(fault: string, after: readonly number[]): void {
  reportFigure({ fault, asked: 'resumed within 10 s of its return', measured: `first new commit ${seconds(after[0] as number)} after its return, every partition ${seconds(after.at(-1) as number)}; no error logged, 0 anomalies` });
  expect(after.at(-1)).toBeLessThan(withinMs);
}

test.each(sized({ short: [KILLED], full: [CLEANLY, KILLED] }))(`the broker is away for ${seconds(awayMs)} $how: work resumes by itself, without an error (seed ${String(seed)})`, async ({ how, name, takeAway }) => {
  await inRun(name, async (run, watch, inputs) => {
    const app = await run.start();
    await app.untilReady();
    const flow = run.flow();
    await sleep(2_000);
    await takeAway();
    await sleep(awayMs);
    expect(await app.ready()).toMatchObject({ ok: false, reason: expect.stringMatching(/away|REBALANCING/) });
    const after = await resumedAfter(watch, inputs);
    await app.untilReady();
    await flow.stop();
    report(`broker away ${seconds(awayMs)} ${how}, records flowing`, after);
    return app;
  });
}, 2 * awayMs + 120_000);

test(`the broker is absent for the first ${seconds(awayMs)} of an application: it starts by itself (seed ${String(seed)})`, async () => {
  await inRun('away-at-start', async (run, watch, inputs) => {
    await run.publish(5_000);
    await broker.shutDown();
    const app = await run.start();
    await sleep(awayMs);
    expect(await app.ready()).toMatchObject({ ok: false, reason: expect.stringContaining('waiting for Kafka at') });
    const after = await resumedAfter(watch, inputs);
    await app.untilReady();
    report(`broker absent for the first ${seconds(awayMs)} of an application`, after);
    return app;
  });
}, 2 * awayMs + 120_000);
