import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AppProcess } from '../support/app-process.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { reportFigure, seed, sized, timeLimit } from '../support/chaos.ts';
import { FailingWrites, SmallDisk } from '../support/disk-faults.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';
import { stays } from '../support/until.ts';

/*
 * A disk that fills up, or fails, under the stores while records flow. It is waited for, however long it takes; then
 * the stores are opened, checked and brought up from their changelogs. The oracle replays every output.
 */

const RED_WITHIN_MS = 5_000;
const READY_WITHIN_MS = 10_000;
/** Longer than all replacements of a thread would take, one straight after the other. */
const { holdMs, threadReplacements } = sized({
  short: { holdMs: 4_000, threadReplacements: 2 },
  full: { holdMs: 90_000, threadReplacements: 10 },
});
const DISK_BYTES = 64 << 20;
let broker: SharedBroker;

beforeAll(async () => {
  broker = await sharedBroker({ properties: CHAOS_BROKER });
});
afterAll(() => broker.leave());

function faultTest(name: string, refusal: string | null, fault: () => Promise<void>): void {
  if (refusal !== null) process.stderr.write(`SKIPPED, ${refusal}: ${name}\n`);
  (refusal === null ? test : test.skip)(`${name} (seed ${String(seed)})`, fault, timeLimit(60_000 + 2 * holdMs));
}

/** Milliseconds until /ready is red, and what it says. */
/** `what`: of the reason. In its first moments an application may be red for others. */
async function untilRed(app: AppProcess, what: string): Promise<{ redAfterMs: number; reason: string }> {
  const since = performance.now();
  let reason = '';
  await app.until(
    async () => {
      const answer = await app.ready();
      reason = answer.reason;
      return !answer.ok && reason.includes(what);
    },
    `red: ${what}`,
    RED_WITHIN_MS,
  );
  return { redAfterMs: Math.round(performance.now() - since), reason };
}

async function untilReady(app: AppProcess): Promise<number> {
  const since = performance.now();
  await app.untilReady(READY_WITHIN_MS);
  return Math.round(performance.now() - since);
}

faultTest(
  `a disk full for ${String(holdMs / 1_000)} s while records flow, then a start on it`,
  SmallDisk.refusal(),
  async () => {
    const disk = SmallDisk.mount(DISK_BYTES);
    const run = await EchoRun.open({
      connection: broker.connection,
      name: 'disk-full',
      seed,
      partitions: 2,
      stateDir: disk.path,
      config: { threadReplacements, threadReplaceBackoffMs: 1 },
    });
    try {
      const app = await run.start();
      await app.untilReady();
      const flow = run.flow();
      await run.goesOn();

      await disk.fill();
      const { redAfterMs, reason } = await untilRed(app, 'the disk is full: free some space');
      expect(reason).toContain('STATE_DIR');
      await stays(
        async () => {
          expect(await app.ready()).toMatchObject({ ok: false, reason: expect.stringContaining('the disk is full') });
          expect(await app.health()).toMatchObject({ ok: true, reason: expect.stringContaining('the disk is full') });
          return true;
        },
        'it waits for the disk',
        holdMs,
      );
      expect([...(await app.taskStates()).values()]).toContain('SUSPENDED');
      expect(app.logged('replacing it')).toEqual([]);
      expect(app.logged('waiting for the disk')).toHaveLength(Math.ceil(holdMs / 60_000));

      await app.kill();
      const restarted = await run.start();
      await restarted.until(
        async () => (await restarted.ready()).reason.includes('the disk is full'),
        'waiting for the disk, like the one before',
        READY_WITHIN_MS,
      );

      await disk.free();
      const readyAfterMs = await untilReady(restarted);
      await run.goesOn();
      await flow.stop();
      expect({ seed, problems: await run.verdict() }).toEqual({ seed, problems: [] });
      reportFigure({
        fault: `disk full for ${String(holdMs / 1_000)} s, tmpfs of ${String(DISK_BYTES >> 20)} MiB`,
        asked: `/ready red within ${String(RED_WITHIN_MS)} ms, nothing lost, ready by itself`,
        measured:
          `red after ${String(redAfterMs)} ms, ready ${String(readyAfterMs)} ms after there was space, 0 ` +
          `anomalies in ${String(run.publishedRecords)} records`,
      });
    } finally {
      await run.close();
      disk.unmount();
    }
  },
);

faultTest('input/output errors under one store, while the others go on', FailingWrites.refusal(), async () => {
  const run = await EchoRun.open({ connection: broker.connection, name: 'disk-eio', seed, partitions: 2 });
  let failing: FailingWrites | undefined;
  try {
    const app = await run.start();
    await app.untilReady();
    const flow = run.flow();
    await run.goesOn();

    const directory = join(run.stateDir, run.applicationId, '0', '0_0');
    const log = (await readdir(directory)).find((name) => name.endsWith('.log')) as string;
    failing = await FailingWrites.of(app.pid as number, [join(directory, log), join(directory, 'disk-probe')]);
    const { redAfterMs } = await untilRed(app, 'the disk reports an input/output error');
    await stays(async () => !(await app.ready()).ok, 'it waits for the disk', 1_000);
    const states = await app.taskStates();
    expect([...states].filter(([, state]) => state === 'SUSPENDED')).toEqual([['0_0', 'SUSPENDED']]);
    expect([...states].filter(([, state]) => state === 'RUNNING')).toHaveLength(2 * run.partitions - 1);

    await failing.end();
    const readyAfterMs = await untilReady(app);
    await run.goesOn();
    await flow.stop();
    expect(app.logged('replacing it')).toEqual([]);
    expect({ seed, problems: await run.verdict() }).toEqual({ seed, problems: [] });
    reportFigure({
      fault: 'EIO from each write of one store',
      asked: `/ready red within ${String(RED_WITHIN_MS)} ms, the other tasks go on, nothing lost`,
      measured:
        `red after ${String(redAfterMs)} ms, ready ${String(readyAfterMs)} ms after the last error, 0 anomalies ` +
        `in ${String(run.publishedRecords)} records`,
    });
  } finally {
    await failing?.end();
    await run.close();
  }
});
