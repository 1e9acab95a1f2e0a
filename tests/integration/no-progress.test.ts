import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { serveHealth, type HealthServer } from '../../processor/logins/health-server.ts';
import { KafkaStreams } from '@tributary/streams';
import { statusTopic } from '@tributary/streams/operations';
import { InstanceList } from '@tributary/graphql';
import { bucketsTopic, RUNNING, type Running } from '../support/echo-topology.ts';
import { CHAOS_BROKER } from '../support/echo-run.ts';
import { committedOffsets } from '../support/group-progress.ts';
import { quietLogger } from '../support/quiet-logger.ts';
import { readTopic } from '../support/topic-reader.ts';
import { ApiKey, startProxiedBroker, type HoldRule, type ProxiedBroker } from '../support/wire-proxy.ts';
import { publishOnce } from '../support/test-producer.ts';
import { until } from '../support/until.ts';

/*
 * A broker that answers heartbeats and fetches and never a Produce: membership stands, records come in, nothing is
 * committed. Whoever only asks whether the process is up sees nothing of it.
 */

const APPLICATION = 'no-progress';
const INPUT = 'no-progress-input';
/** Longer than a thread that works is held up by whatever else has the cores. */
const NO_PROGRESS_MS = 4_000;

let cluster: ProxiedBroker;
let directory: string;
let streams: KafkaStreams;
let health: HealthServer;

beforeAll(async () => {
  cluster = await startProxiedBroker({ properties: CHAOS_BROKER });
  await cluster.broker.createTopics(INPUT, `${INPUT}-echo`, `${INPUT}-running`, `${INPUT}-buckets`);
  directory = await mkdtemp(join(tmpdir(), 'tributary-no-progress-'));
  streams = new KafkaStreams({
    topologyModule: new URL('../support/echo-topology.ts', import.meta.url),
    topologyOptions: { input: INPUT },
    connection: cluster.connection,
    config: {
      applicationId: APPLICATION,
      stateDir: directory,
      noProgressTimeoutMs: NO_PROGRESS_MS,
      statusIntervalMs: 200,
      threadReplacements: 2,
      threadReplaceBackoffMs: 50,
      sessionTimeoutMs: 3_000,
    },
    logger: quietLogger,
  });
  health = await serveHealth({ host: '127.0.0.1', port: 0, streams, log: quietLogger });
  await streams.start();
});
afterAll(async () => {
  await streams.close();
  await health.close();
  await cluster.stop();
  await rm(directory, { recursive: true, force: true });
});

async function ask(path: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${String(health.port)}${path}`);
  return { status: answer.status, text: await answer.text() };
}

async function publish(first: number, count: number): Promise<void> {
  await publishOnce(cluster.connection, {
    topic: INPUT,
    messages: Array.from({ length: count }, (_, index) => ({ key: 'key', value: `0/${String(first + index)}/1` })),
  });
}

const committed = async (): Promise<number> =>
  (await committedOffsets(cluster.connection, APPLICATION)).get(`${INPUT}-0`) ?? 0;
const holdCommits = (): HoldRule =>
  cluster.proxy.hold({
    direction: 'response',
    apiKey: ApiKey.Produce,
    when: ({ clientId }) => /-\d+_\d+$/.test(clientId),
  });

/**
 * Every state in which the API has ever shown a task of this processor that is behind: what it makes of each report in
 * turn.
 */
async function everShown(): Promise<Set<string>> {
  const { partitions } = await readTopic(cluster.connection, statusTopic(APPLICATION));
  const instances = new InstanceList();
  const shown = new Set<string>();
  for (const { topic, partition, offset, timestampMs, key, value } of partitions.flat()) {
    if (key === null) continue;
    instances.apply(
      { topic, partition, offset, timestampMs, key, value },
      1,
      { elapsedMs: performance.now(), nowMs: Date.now() },
      true,
    );
    for (const { status } of instances.list(performance.now()))
      for (const { id, state, lag } of status.tasks) if (lag > 0) shown.add(`${id} ${state}`);
  }
  return shown;
}

test('a group that makes no progress is found out, told, replaced, and in the end given up', async () => {
  await publish(0, 100);
  await until(async () => (await committed()) === 100, 'the first records are committed');
  // Behind the repartition too: a commit of that half that is held would be the first to be missed.
  await until(async () => (await runningCount()) === 100 && (await bucketsCounted()) === 100, 'and counted');
  expect((await ask('/health')).status).toBe(200);

  const once = holdCommits();
  await publish(100, 100);
  await until(async () => (await ask('/health')).status === 503, 'it is told');
  expect(JSON.parse((await ask('/health')).text)).toEqual({
    status: 'failing',
    state: expect.any(String),
    code: 'THREAD_FAILED',
    reason: expect.stringMatching(/StreamThread-1: it has committed nothing for \d+ ms although there is lag/),
  });
  expect(await ask('/ready')).toEqual({ status: 503, text: expect.stringContaining('although there is lag') });
  // At once: the thread that takes its place would make no progress either, and two of three lives would be gone.
  once.release();

  await until(async () => (await ask('/health')).status === 200, 'the thread that took its place works');
  await until(async () => (await committed()) === 200, 'what was held up is committed');
  await until(async () => (await everShown()).has('0_0 SUSPENDED'), 'the API has shown it');
  await until(async () => (await runningCount()) === 200, 'and counted once');

  const forEver = holdCommits();
  await publish(200, 1);
  await until(() => streams.state === 'ERROR', 'it gives up');
  expect(streams.failure).toMatchObject({
    code: 'THREADS_EXHAUSTED',
    message: expect.stringMatching(/failed 3 times without progress, last with: it has committed nothing/),
  });
  expect(JSON.parse((await ask('/health')).text)).toMatchObject({ status: 'failing', code: 'THREADS_EXHAUSTED' });
  expect(await committed()).toBe(200);
  forEver.discard();
});

async function runningCount(): Promise<number> {
  const { partitions } = await readTopic(cluster.connection, `${APPLICATION}-${RUNNING}-changelog`);
  const newest = partitions.flat().findLast(({ key }) => String(key) === 'key');
  return newest?.value == null ? 0 : (JSON.parse(newest.value.toString()) as Running).count;
}

async function bucketsCounted(): Promise<number> {
  const { partitions } = await readTopic(cluster.connection, bucketsTopic(INPUT));
  const newest = new Map(partitions.flat().map(({ key, value }) => [String(key), value]));
  return [...newest.values()].reduce(
    (sum, value) => sum + (value == null ? 0 : (JSON.parse(value.toString()) as Running).count),
    0,
  );
}
