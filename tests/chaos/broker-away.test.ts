import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppProcess } from '../support/app-process.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { reportFigure, seconds, seed, sized, timeLimit } from '../support/chaos.ts';
import { EchoRun } from '../support/echo-run.ts';
import { type OffsetWatch, watchOffsets } from '../support/offset-watch.ts';
import { expectWithin } from '../support/speed.ts';

/*
 * A broker that is away for longer than sessions, transactions and request time-outs live, after a clean shutdown and
 * after kill -9: under an application in the middle of its work, and under one that is started meanwhile. The time runs
 * from the moment the broker answers again.
 */

const { awayMs, withinMs } = sized({
  short: { awayMs: 12_000, withinMs: Infinity },
  full: { awayMs: 75_000, withinMs: 10_000 },
});
const CLEANLY = { how: 'after a clean shutdown', name: 'away-clean', takeAway: () => broker.shutDown() };
const KILLED = { how: 'after kill -9', name: 'away-killed', takeAway: () => broker.kill() };
let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.stop());

const errorsOf = (app: AppProcess): unknown[] =>
  app.lines.filter(({ level }) => Number(level) >= 50).map(({ msg }) => msg);

/** An application, and what its group commits. */
interface Watched {
  readonly run: EchoRun;
  readonly watch: OffsetWatch;
}

async function open(name: string): Promise<Watched> {
  const run = await EchoRun.open({ connection: broker.connection, name, seed, productionDefaults: true });
  return { run, watch: watchOffsets(broker.connection, run.applicationId) };
}

async function close({ run, watch }: Watched): Promise<void> {
  await watch.stop();
  await run.close();
}

async function expectSound({ run, watch }: Watched): Promise<void> {
  expect({ seed, problems: await run.verdict(), regressions: watch.regressions }).toEqual({
    seed,
    problems: [],
    regressions: [],
  });
  expect(run.apps.flatMap(errorsOf)).toEqual([]);
}

/** How long each partition takes to its next commit, the fastest first. */
async function resumedAfter({ run, watch }: Watched, backAt: number): Promise<number[]> {
  const inputs = Array.from({ length: run.partitions }, (_, partition) => `${run.input}-${String(partition)}`);
  return (await watch.moved(inputs, watch.now())).map((at) => at - backAt);
}

function report(fault: string, after: readonly number[]): void {
  reportFigure({
    fault,
    asked: 'resumed within 10 s of its return',
    measured:
      `first new commit ${seconds(after[0] as number)} after its return, every partition ` +
      `${seconds(after.at(-1) as number)}; no error logged, 0 anomalies`,
  });
  expectWithin(after.at(-1) as number, withinMs);
}

test.each(sized({ short: [KILLED], full: [CLEANLY, KILLED] }))(
  `the broker is away for ${seconds(awayMs)} $how: work resumes, or begins, by itself, without an error (seed ` +
    `${String(seed)})`,
  async ({ how, name, takeAway }) => {
    const working = await open(name);
    const starting = await open(`${name}-at-start`);
    try {
      const app = await working.run.start();
      await app.untilReady();
      const flow = working.run.flow();
      await starting.run.publish(5_000);
      await working.run.goesOn();
      await takeAway();
      const started = await starting.run.start();
      await sleep(awayMs);
      expect(await app.ready()).toMatchObject({ ok: false, reason: expect.stringMatching(/away|REBALANCING/) });
      expect(await started.ready()).toMatchObject({
        ok: false,
        reason: expect.stringContaining('waiting for Kafka at'),
      });
      await broker.restart();
      const backAt = performance.now();
      const [resumed, begun] = await Promise.all([resumedAfter(working, backAt), resumedAfter(starting, backAt)]);
      await app.untilReady();
      await started.untilReady();
      await flow.stop();
      report(`broker away ${seconds(awayMs)} ${how}, records flowing`, resumed);
      report(`broker away ${seconds(awayMs)} ${how}, absent for the start of an application`, begun);
      await expectSound(working);
      await expectSound(starting);
    } finally {
      await close(working);
      await close(starting);
    }
  },
  timeLimit(2 * awayMs + 180_000),
);
