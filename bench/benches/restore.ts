import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createKafka, KafkaCluster } from '@tributary/streams/operations';
import { loginGenerator } from '../../tools/producer/login-generator.ts';
import { startTestBroker, type TestBroker } from '../../tests/support/broker.ts';
import { makeBacklog } from '../backlog.ts';
import { untilCounted } from '../group-progress.ts';
import { builtClassPath } from '../java-side.ts';
import type { BenchOptions } from '../options.ts';
import { quiet } from '../quiet.ts';
import { save, say, table } from '../report.ts';
import { median } from '../statistics.ts';
import { DEVICE_TOPIC, PARTITIONS, SIDES } from './high-cardinality.ts';

const POLL_MS = 10;
/** Counted after the kill: their commit ends a restart. */
const LOGINS_AFTER_KILL = 400;

interface Times {
  readonly restoreMs: number[];
  readonly restartMs: number[];
}

/**
 * With a million keys in the changelog: from process start to RUNNING on an empty directory; and, after kill -9 with
 * the disk intact, from process start to the first commit of a task with a store.
 */
export async function restore(options: BenchOptions): Promise<undefined> {
  await builtClassPath();
  const broker = await startTestBroker({ heap: '1g' });
  const times: Record<string, Times> = {};
  try {
    await makeBacklog({
      connection: broker.connection,
      topic: DEVICE_TOPIC,
      partitions: PARTITIONS,
      records: options.keys,
      devices: options.keys,
      everyDevice: true,
    });
    for (const [name, start] of Object.entries(SIDES)) {
      if (options.only.length > 0 && !options.only.some((part) => name.toLowerCase().includes(part.toLowerCase())))
        continue;
      const applicationId = `restore-${name.slice(0, 1)}`;
      const stateDir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
      const job = { broker, options, applicationId, stateDir };
      const mine: Times = { restoreMs: [], restartMs: [] };
      times[name] = mine;
      let contender = await start(job);
      try {
        await untilCounted(
          {
            connection: broker.connection,
            applicationId,
            topic: DEVICE_TOPIC,
            partitions: PARTITIONS,
            records: options.keys,
            grouping: 'by-key',
          },
          contender,
        );
        for (let round = 1; round <= options.rounds; round += 1) {
          await contender.stop();
          for (const entry of await readdir(stateDir))
            await rm(join(stateDir, entry), { recursive: true, force: true });
          contender = await start(job);
          await contender.message(({ state }) => state === 'RUNNING');
          mine.restoreMs.push(performance.now() - contender.startedAt);
          await publishSome(broker, round);
          await untilCommitted(broker, applicationId, await ends(broker));
          await contender.kill();
          await publishSome(broker, round + options.rounds);
          // Behind the repartition, where the store is: the tasks before it have nothing to check.
          const behind = `${applicationId}-by-key-repartition`;
          const before = await committed(broker, applicationId, behind);
          contender = await start(job);
          await untilCommitted(broker, applicationId, before + 1, behind, () => contender.throwIfEnded());
          mine.restartMs.push(performance.now() - contender.startedAt);
          say(
            `round ${String(round)}  ${name}: restore ${seconds(mine.restoreMs.at(-1))} s, restart after kill ` +
              `-9 ${seconds(mine.restartMs.at(-1))} s`,
          );
          await untilCommitted(broker, applicationId, await ends(broker));
        }
      } finally {
        await contender.kill();
        await rm(stateDir, { recursive: true, force: true });
      }
    }
  } finally {
    await broker.stop();
  }
  const summary = Object.entries(times).map(([name, t]) => ({
    name,
    restoreMs: Math.round(median(t.restoreMs)),
    restartMs: Math.round(median(t.restartMs)),
    ...{ rounds: t },
  }));
  table(
    ['count per device', 'restore s', 'restart after kill -9 s'],
    summary.map((s) => [s.name, s.restoreMs / 1_000, s.restartMs / 1_000]),
  );
  save('restore', { keys: options.keys, threads: options.threads, contenders: summary });
  return undefined;
}

function seconds(ms: number | undefined): string {
  return ((ms ?? NaN) / 1_000).toFixed(2);
}

async function publishSome(broker: TestBroker, seed: number): Promise<void> {
  const generate = loginGenerator({ seed });
  const producer = createKafka(broker.connection, quiet).producer();
  await producer.connect();
  await producer.send({
    topic: DEVICE_TOPIC,
    messages: Array.from({ length: LOGINS_AFTER_KILL }, (_, nth) => ({
      value: generate(Date.now()).value,
      partition: nth % PARTITIONS,
    })),
  });
  await producer.disconnect();
}

async function withCluster<T>(broker: TestBroker, ask: (cluster: KafkaCluster) => Promise<T>): Promise<T> {
  const cluster = new KafkaCluster({ ...broker.connection, clientId: 'bench' }, quiet);
  try {
    await cluster.track([DEVICE_TOPIC]);
    return await ask(cluster);
  } finally {
    await cluster.disconnect();
  }
}

const partitionsOf = (topic: string) => Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));

async function committed(broker: TestBroker, group: string, topic: string): Promise<number> {
  return withCluster(broker, async (cluster) =>
    (await cluster.committedOffsets(group, partitionsOf(topic))).reduce((sum, offset) => sum + Math.max(0, offset), 0),
  );
}

async function ends(broker: TestBroker): Promise<number> {
  return withCluster(broker, async (cluster) =>
    (
      await Promise.all(
        partitionsOf(DEVICE_TOPIC).map(({ topic, partition }) => cluster.offsetRange(topic, partition, 0)),
      )
    ).reduce((sum, { end }) => sum + end, 0),
  );
}

async function untilCommitted(
  broker: TestBroker,
  group: string,
  wanted: number,
  topic = DEVICE_TOPIC,
  check: () => void = () => undefined,
): Promise<void> {
  await withCluster(broker, async (cluster) => {
    while (
      (await cluster.committedOffsets(group, partitionsOf(topic))).reduce(
        (sum, offset) => sum + Math.max(0, offset),
        0,
      ) < wanted
    ) {
      check();
      await delay(POLL_MS);
    }
  });
}
