import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ConsumerRecord } from '@tributary/streams';
import { changelogTopic, repartitionTopic } from '@tributary/streams/operations';
import { BUCKETS, BY_BUCKET, echoTopic, RUNNING, type Running } from '../support/echo-topology.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';
import { committedOffsets } from '../support/group-progress.ts';
import { missingEchoes } from '../support/oracle.ts';
import { readTopic } from '../support/topic-reader.ts';
import { until } from '../support/until.ts';
import { ApiKey, startProxiedBroker, type Frame, type ProxiedBroker } from '../support/wire-proxy.ts';

/*
 * at_least_once: records may be counted twice where a process dies or is cut off between sending and committing. None
 * is ever left out, and a task that changes hands in peace is not even counted twice.
 */

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
let cluster: ProxiedBroker;
/** The end of the client ids of the task that a second process is given: the one that counts by bucket. */
const MOVES = '-1_0';

beforeAll(async () => {
  cluster = await startProxiedBroker({ properties: CHAOS_BROKER });
});
afterAll(() => cluster.stop());

const open = (name: string, partitions: number): Promise<EchoRun> =>
  EchoRun.open({
    connection: cluster.connection,
    name,
    seed,
    partitions,
    config: { processingGuarantee: 'at_least_once', sessionTimeoutMs: 10_000 },
  });

/** Rows of a changelog's newest state, their counts added up. */
function counted(records: readonly ConsumerRecord[]): number {
  const rows = new Map<string, number>();
  for (const { key, value } of records) {
    if (value === null) rows.delete(String(key));
    else rows.set(String(key), (JSON.parse(String(value)) as Running).count);
  }
  return [...rows.values()].reduce((sum, count) => sum + count, 0);
}

/** How many records went in, were echoed, and are counted on either side of the repartition. */
async function numbers(
  run: EchoRun,
): Promise<{ published: number; missing: string[]; running: number; buckets: number }> {
  const read = (topic: string): ReturnType<typeof readTopic> => readTopic(cluster.connection, topic);
  const [input, echo, running, buckets] = await Promise.all([
    read(run.input),
    read(echoTopic(run.input)),
    read(changelogTopic(run.applicationId, RUNNING)),
    read(changelogTopic(run.applicationId, BUCKETS)),
  ]);
  return {
    published: input.partitions.flat().length,
    missing: missingEchoes(input, echo).slice(0, 3),
    running: counted(running.partitions.flat()),
    buckets: counted(buckets.partitions.flat()),
  };
}

test(`tasks that move between processes in peace count each record once (seed ${String(seed)})`, async () => {
  const run = await open('peaceful', 3);
  try {
    const flow = run.flow();
    const first = await run.start();
    await first.untilReady();
    const second = await run.start();
    await second.untilReady();
    await run.goesOn();
    const third = await run.start();
    await third.untilReady();
    expect((await second.stop()).code).toBe(0);
    await third.untilReady();
    await run.goesOn();
    await flow.stop();
    await run.settled();
    for (const app of run.wanted()) await app.stop();
    const { published, missing, running, buckets } = await numbers(run);
    expect({ seed, missing, running, buckets }).toEqual({ seed, missing: [], running: published, buckets: published });
  } finally {
    await run.close();
  }
});

test(
  `a last commit of the old owner that arrives while the new one restores leaves out no record (seed ` +
    `${String(seed)})`,
  async () => {
    const run = await open('overlap', 1);
    try {
      const flow = run.flow();
      const old = await run.start();
      // The new owner restores only what was written: the task that is to move has committed something.
      const moving = `${repartitionTopic(run.applicationId, BY_BUCKET)}-0`;
      await old.until(
        async () =>
          ((await committedOffsets(cluster.connection, run.applicationId).catch(() => new Map<string, number>())).get(
            moving,
          ) ?? 0) > 0,
        `${moving} is committed`,
      );
      const oldClients = new Set(cluster.proxy.frames.map(({ clientId }) => clientId));
      const ofNew = ({ clientId }: Frame): boolean =>
        clientId.startsWith(`${run.applicationId}-`) && !oldClients.has(clientId);
      const isRestore = (frame: Frame): boolean =>
        ofNew(frame) &&
        frame.clientId.endsWith('-restore') &&
        (frame.apiKey === ApiKey.ListOffsets || frame.apiKey === ApiKey.Fetch) &&
        frame.bytes.includes('-changelog');

      // The old owner's commit of the task that is to move is on its way when the group goes on without waiting for it
      // ...
      const commit = cluster.proxy.hold({
        direction: 'request',
        apiKey: ApiKey.Produce,
        when: ({ clientId }) => oldClients.has(clientId) && clientId.endsWith(MOVES),
      });
      await commit.reached(1);
      await run.start();
      // ... it arrives when the new owner knows where the changelog ends ...
      const offsets = cluster.proxy.hold({
        direction: 'request',
        apiKey: ApiKey.OffsetFetch,
        when: (frame) => ofNew(frame) && frame.clientId.endsWith(MOVES) && cluster.proxy.frames.some(isRestore),
      });
      await until(
        () => cluster.proxy.frames.some((frame) => frame.apiKey === ApiKey.Fetch && isRestore(frame)),
        () => `the new owner restores\n${run.apps.map((app) => app.log(20)).join('\n---\n')}`,
      );
      const late = new Set(commit.taken.map(({ correlationId, clientId }) => `${clientId} ${String(correlationId)}`));
      commit.release();
      const answered = (): number =>
        cluster.proxy.frames.filter(
          ({ direction, apiKey, clientId, correlationId }) =>
            direction === 'response' && apiKey === ApiKey.Produce && late.has(`${clientId} ${String(correlationId)}`),
        ).length;
      await until(() => answered() >= late.size, 'the broker has taken what was late');
      // ... and before the new owner asks for the committed offsets, if it asks that late.
      offsets.release();

      await flow.stop();
      await run.settled();
      for (const app of run.wanted()) await app.stop();
      const { published, missing, running, buckets } = await numbers(run);
      expect({
        seed,
        missing,
        runningLeftOut: Math.max(0, published - running),
        bucketsLeftOut: Math.max(0, published - buckets),
      }).toEqual({ seed, missing: [], runningLeftOut: 0, bucketsLeftOut: 0 });
    } finally {
      await run.close();
    }
  },
);
