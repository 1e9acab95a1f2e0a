import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { repartitionTopic } from '@tributary/streams/operations';
import { startTestBrokerCluster, type TestBrokerCluster } from '../support/broker-cluster.ts';
import { reportFigure, seed, sized, timeLimit } from '../support/chaos.ts';
import { CommitWatch } from '../support/commit-watch.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';
import { BY_BUCKET } from '../support/echo-topology.ts';
import { expectWithin } from '../support/speed.ts';

/*
 * Three brokers, every topic on all of them. Each in turn is killed with -9, stays away, and comes back; the leaders of
 * its partitions, and the coordinators of groups and transactions, move away from it and back to it, while two
 * processors work. The oracle replays every output.
 */

const { kills, records, keys } = sized({
  short: { kills: 1, records: 20_000, keys: 2_000 },
  full: { kills: 6, records: 200_000, keys: 20_000 },
});
const LONGEST_STANDSTILL_MS = 10_000;
const AWAY_MS = 5_000;
let cluster: TestBrokerCluster;

beforeAll(async () => {
  cluster = await startTestBrokerCluster(CHAOS_BROKER);
});
afterAll(() => cluster.stop());

test(
  `${String(kills)} kills over three brokers in turn, ${String(records)} records (seed ${String(seed)})`,
  async () => {
    const run = await EchoRun.open({ connection: cluster.connection, name: 'broker-cluster', seed, keys, replicas: 3 });
    const inputs = [run.input, repartitionTopic(run.applicationId, BY_BUCKET)].flatMap((topic) =>
      Array.from({ length: run.partitions }, (_, partition) => ({ topic, partition })),
    );
    const watch = new CommitWatch(cluster.connection, run.applicationId, inputs);
    try {
      const apps = [await run.start(), await run.start()];
      const flow = run.flow();
      await Promise.all(apps.map((app) => app.untilReady()));
      await watch.allMoved();
      watch.reset();
      const first = run.random.below(cluster.nodes.length);
      for (let kill = 0; kill < kills; kill += 1) {
        const victim = cluster.nodes[(first + kill) % cluster.nodes.length];
        await sleep(run.random.below(1_000));
        await victim?.kill();
        await sleep(AWAY_MS);
        await victim?.restart();
        await cluster.untilWhole();
        await watch.allMoved();
      }
      await flow.stop();
      await run.publish(Math.max(0, records - run.publishedRecords));
      expect({ seed, problems: await run.verdict() }).toEqual({ seed, problems: [] });
      expect(apps.flatMap((app) => app.logged('stream thread failed'))).toEqual([]);
      const { ms, name } = watch.longest;
      reportFigure({
        fault:
          `three brokers (256 MB each), replication 3, min.insync.replicas 2: ${String(kills)} kill -9 in turn, ` +
          `each back after ${String(AWAY_MS / 1_000)} s, two processors`,
        asked: `0 lost, 0 doubled; resumed within ${String(LONGEST_STANDSTILL_MS / 1_000)} s`,
        measured:
          `0 anomalies in ${String(run.publishedRecords)} records; longest time without a commit of one of ` +
          `${String(inputs.length)} tasks ${(ms / 1_000).toFixed(1)} s (${name})`,
      });
      expectWithin(ms, LONGEST_STANDSTILL_MS);
    } finally {
      await watch.stop();
      await run.close();
    }
  },
  timeLimit(600_000),
);
