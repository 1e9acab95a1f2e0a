import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { repartitionTopic } from '@tributary/streams/operations';
import type { AppProcess } from '../support/app-process.ts';
import { reportFigure, seconds, seed, sized, timeLimit } from '../support/chaos.ts';
import { CommitWatch, type WatchedPartition } from '../support/commit-watch.ts';
import { EchoRun } from '../support/echo-run.ts';
import { BY_BUCKET, bucketsTopic, echoTopic, runningTopic } from '../support/echo-topology.ts';
import { watchOffsets } from '../support/offset-watch.ts';
import { sharedTwice } from '../support/owner-watch.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { expectWithin } from '../support/speed.ts';

/*
 * A StatefulSet's rolling update, with processes: three processors with the time-outs that users have, standbys on, are
 * told to stop one by one, and the next one only when the one before is back on its disk and ready.
 */

const { rounds, records, keys } = sized({
  short: { rounds: 1, records: 20_000, keys: 2_000 },
  full: { rounds: 5, records: 300_000, keys: 20_000 },
});
const PROCESSORS = 3;
const LONGEST_STANDSTILL_MS = 3_000;
/** deploy/kubernetes/processors.yaml gives them 30 s. */
const GRACE_MS = 30_000;
let broker: SharedBroker;

beforeAll(async () => {
  broker = await sharedBroker();
});
afterAll(() => broker.leave());

test(
  `${String(PROCESSORS)} processors are replaced one by one, ${String(rounds)} times, under load ` +
    `(seed ${String(seed)})`,
  async () => {
    const run = await EchoRun.open({
      connection: broker.connection,
      name: 'rolling-update',
      seed,
      keys,
      productionDefaults: true,
      config: { numStandbyReplicas: 1 },
    });
    const partitionsOf = (...topics: string[]): WatchedPartition[] =>
      topics.flatMap((topic) => Array.from({ length: run.partitions }, (_, partition) => ({ topic, partition })));
    const inputs = partitionsOf(run.input, repartitionTopic(run.applicationId, BY_BUCKET));
    // What whoever reads the results sees: a key whose records pass two tasks may wait for both.
    const outputs = partitionsOf(echoTopic(run.input), runningTopic(run.input), bucketsTopic(run.input));
    const offsets = watchOffsets(broker.connection, run.applicationId);
    const watch = new CommitWatch(broker.connection, run.applicationId, inputs, outputs);
    try {
      const apps: AppProcess[] = [];
      for (let index = 0; index < PROCESSORS; index += 1) {
        const app = await run.start();
        await app.untilReady();
        apps.push(app);
      }
      // What they hold is worth following, and takes time to be restored.
      await run.publish(records);
      await run.settled();
      const flow = run.flow();
      await watch.allMoved();
      watch.reset();
      const stoppedMs: number[] = [];
      for (let round = 0; round < rounds; round += 1)
        // From the highest number down, as a StatefulSet does.
        for (let index = PROCESSORS - 1; index >= 0; index -= 1) {
          const before = performance.now();
          expect((await apps[index]?.stop())?.code).toBe(0);
          stoppedMs.push(performance.now() - before);
          const next = await run.start();
          await next.untilReady();
          apps[index] = next;
          await watch.allMoved();
        }
      await flow.stop();
      const { ms, name } = watch.longest;
      expect({
        seed,
        problems: await run.verdict(),
        regressions: offsets.regressions,
        twice: sharedTwice(run.apps),
      }).toEqual({ seed, problems: [], regressions: [], twice: [] });
      reportFigure({
        fault:
          `rolling update: ${String(PROCESSORS)} processors with standbys stopped and started one by one, ` +
          `${String(rounds)} times, under load`,
        asked: `0 lost, 0 doubled; no partition stands for ${seconds(LONGEST_STANDSTILL_MS)}`,
        measured:
          `0 anomalies in ${String(run.publishedRecords)} records; longest time without a commit of one of ` +
          `${String(inputs.length)} input partitions, or a new result in one of ${String(outputs.length)} output ` +
          `partitions, ${seconds(ms)} (${name}); stopping took ` +
          `${seconds(Math.max(...stoppedMs))} at most`,
      });
      expectWithin(ms, LONGEST_STANDSTILL_MS);
      expectWithin(Math.max(...stoppedMs), GRACE_MS);
    } finally {
      await watch.stop();
      await offsets.stop();
      await run.close();
    }
  },
  timeLimit(600_000),
);
