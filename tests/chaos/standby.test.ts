import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { changelogTopic } from '@tributary/streams/operations';
import type { AppProcess, LogLine } from '../support/app-process.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { reportFigure, seed, seconds, sized } from '../support/chaos.ts';
import { EchoRun } from '../support/echo-run.ts';
import { BUCKET_WINDOWS, BUCKETS, RUNNING } from '../support/echo-topology.ts';
import { type OffsetWatch, watchOffsets } from '../support/offset-watch.ts';
import { expectWithin } from '../support/speed.ts';
import { until } from '../support/until.ts';
import { testAdmin } from '../support/test-admin.ts';

/*
 * A processor that is killed and stays away, where others follow its tasks: with the time-outs that users have.
 */

const { records, keys, slackMs } = sized({
  short: { records: 20_000, keys: 2_000, slackMs: Infinity },
  full: { records: 200_000, keys: 20_000, slackMs: 2_000 },
});
const SESSION_TIMEOUT_MS = 8_000;
const PARTITIONS = 3;
const TASKS = 2 * PARTITIONS;
/** As long as a standby may wait in a fetch, a commit and a report on top. */
const IN_FLIGHT_MS = 1_000;
let broker: SharedBroker;

beforeAll(async () => {
  broker = await sharedBroker();
});
afterAll(() => broker.leave());

/** Resolves when each task is run by one process and followed, without a lag where `caughtUp`, by another. */
async function untilFollowed(apps: readonly AppProcess[], caughtUp: boolean): Promise<void> {
  let active: [string, number][] = [];
  let standby: [string, number][] = [];
  await until(
    async () => {
      active = (await Promise.all(apps.map((app) => app.lags()))).flatMap((lags) => [...(lags ?? [])]);
      standby = (await Promise.all(apps.map((app) => app.standbyLags()))).flatMap((lags) => [...(lags ?? [])]);
      return (
        active.length === TASKS &&
        standby.length === TASKS &&
        (!caughtUp || [...active, ...standby].every(([, lag]) => lag === 0))
      );
    },
    () =>
      `every task is followed: ` +
      `${JSON.stringify({ active, standby })}\n${apps.map((app) => app.log(15)).join('\n---\n')}`,
  );
}

/** The sum of what all changelog partitions end at. */
async function changelogEnds(run: EchoRun): Promise<number> {
  const admin = await testAdmin(broker.connection);
  try {
    let sum = 0;
    for (const store of [RUNNING, BUCKETS, BUCKET_WINDOWS]) {
      const ends = await admin.fetchTopicOffsets(changelogTopic(run.applicationId, store));
      for (const { high } of ends) sum += Number(high);
    }
    return sum;
  } finally {
    await admin.disconnect();
  }
}

/**
 * Changelog offsets that survivors had to read before these tasks, the dead one's, ran again: of each store the first
 * restore after the kill, for on a busy machine a second rebalance may hand on what the first new owner has already
 * counted. The survivors' own tasks go on writing meanwhile, and may change places too.
 */
function restoredOf(run: EchoRun, lines: readonly LogLine[], tasks: readonly string[]): number {
  const changelogs = new Set(
    tasks.flatMap((task) => {
      const [subTopology, partition] = task.split('_');
      return (subTopology === '0' ? [RUNNING] : [BUCKETS, BUCKET_WINDOWS]).map(
        (store) => `${changelogTopic(run.applicationId, store)}-${String(partition)}`,
      );
    }),
  );
  const first = new Map<string, number>();
  for (const { changelogs: names, offsets } of lines.toSorted((a, b) =>
    String(a['time']).localeCompare(String(b['time'])),
  )) {
    const restored = names as readonly string[];
    const name = restored.join();
    if (restored.some((changelog) => changelogs.has(changelog)) && !first.has(name)) first.set(name, Number(offsets));
  }
  return [...first.values()].reduce((sum, offsets) => sum + offsets, 0);
}

const restores = (apps: readonly AppProcess[]): LogLine[] => apps.flatMap((app) => app.logged('restored the store'));

async function withProcessors(
  name: string,
  work: (run: EchoRun, apps: readonly AppProcess[], watch: OffsetWatch) => Promise<void>,
): Promise<void> {
  const run = await EchoRun.open({
    connection: broker.connection,
    name,
    seed,
    keys,
    partitions: PARTITIONS,
    productionDefaults: true,
    config: { numStandbyReplicas: 1 },
  });
  const watch = watchOffsets(broker.connection, run.applicationId);
  try {
    await run.publish(records);
    const apps: AppProcess[] = [];
    for (let index = 0; index < 3; index += 1) {
      apps.push(await run.start());
      await apps[index]?.untilReady();
    }
    await run.settled();
    await untilFollowed(apps, true);
    await work(run, apps, watch);
    expect({ seed, problems: await run.verdict(), regressions: watch.regressions }).toEqual({
      seed,
      problems: [],
      regressions: [],
    });
  } finally {
    await watch.stop();
    await run.close();
  }
}

/** Kills one of them; answers what was restored by the others and how long its input stood. */
async function killOne(
  run: EchoRun,
  apps: readonly AppProcess[],
  watch: OffsetWatch,
): Promise<{ restored: number; servedAfterMs: number }> {
  const victim = apps[run.random.below(apps.length)] as AppProcess;
  const survivors = apps.filter((app) => app !== victim);
  const tasks = [...((await victim.lags()) ?? new Map<string, number>()).keys()];
  expect(tasks.length).toBeGreaterThan(0);
  const before = new Set(restores(survivors));
  await victim.kill();
  const killedAt = performance.now();
  const flow = run.flow();
  await sleep(200);
  const moves = await watch.moved(
    tasks.map((task) => run.inputOf(task)),
    watch.now(),
  );
  const restored = restoredOf(
    run,
    restores(survivors).filter((line) => !before.has(line)),
    tasks,
  );
  await flow.stop();
  return { restored, servedAfterMs: (moves.at(-1) as number) - killedAt };
}

const QUIET = { name: 'standby-quiet', what: 'caught up', flowing: false };
const FLOWING = { name: 'standby-flow', what: 'in full flow', flowing: true };

test.each(sized({ short: [QUIET], full: [QUIET, FLOWING] }))(
  `a standby $what, its active task killed: only what was in flight is restored (seed ${String(seed)})`,
  async ({ name, what, flowing }) => {
    await withProcessors(name, async (run, apps, watch) => {
      const flow = flowing ? run.flow() : undefined;
      // What standbys say of themselves is a second old.
      await sleep(3_000);
      await untilFollowed(apps, !flowing);
      const before = await changelogEnds(run);
      await sleep(IN_FLIGHT_MS);
      const inFlight = (await changelogEnds(run)) - before;
      const { restored, servedAfterMs } = await killOne(run, apps, watch);
      await flow?.stop();
      reportFigure({
        fault: `standby ${what} (${String(keys)} keys, ${String(records)} records), active killed`,
        asked:
          `${flowing ? 'no more restored than was in flight' : '0 records restored'}; its keys served again ` +
          `within session time-out (8 s) + 2 s`,
        measured:
          `${String(restored)} restored, ${String(inFlight)} in flight; served again after ` +
          `${seconds(servedAfterMs)}`,
      });
      expect(inFlight > 0).toBe(flowing);
      expect(restored).toBeLessThanOrEqual(inFlight);
      expectWithin(servedAfterMs, SESSION_TIMEOUT_MS + slackMs);
    });
  },
);
