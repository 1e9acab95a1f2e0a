import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Admin } from 'kafkajs';
import { changelogTopic } from '../../processor/streams/topology/topology.ts';
import { createKafka } from '../../processor/streams/consumer/kafka-cluster.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { RUNNING } from '../support/echo-topology.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';
import { committedOffsets } from '../support/group-progress.ts';
import { quietLogger } from '../support/quiet-logger.ts';

/*
 * When the cluster and the store contradict each other, a processor refuses: it exits non-zero within ten seconds, with a
 * stable code, the name of the thing and the remedy, and changes no offset.
 */

const EXIT_WITHIN_MS = 10_000;
let broker: TestBroker;
let admin: Admin;

beforeAll(async () => {
  broker = await startTestBroker({ properties: CHAOS_BROKER });
  admin = createKafka(broker.connection, quietLogger).admin();
  await admin.connect();
}, 60_000);
afterAll(async () => {
  await admin.disconnect();
  await broker.stop();
}, 60_000);

/** Lets an application process something and stop cleanly, changes the world, and starts it again. */
async function restartAfter(name: string, change: (run: EchoRun) => Promise<void>): Promise<{ code: number | null; line: string; offsetsUnchanged: boolean; afterMs: number; run: EchoRun }> {
  const run = await EchoRun.open({ connection: broker.connection, name, seed: 1, partitions: 1 });
  try {
    await run.publish(1_000);
    const first = await run.start();
    await run.settled();
    expect((await first.stop()).code).toBe(0);
    await change(run);
    const before = await committedOffsets(broker.connection, run.applicationId);
    const second = await run.start();
    second.expectEnd();
    const timer = setTimeout(() => void second.kill(), 2 * EXIT_WITHIN_MS);
    const { code, afterMs } = await second.exited;
    clearTimeout(timer);
    const after = await committedOffsets(broker.connection, run.applicationId);
    const line = second.lines.findLast(({ level }) => Number(level) >= 50)?.msg ?? second.log();
    return { code, line, afterMs, offsetsUnchanged: JSON.stringify([...before].sort()) === JSON.stringify([...after].sort()), run };
  } finally {
    await run.close();
  }
}

function refusal(name: string, expected: { code: RegExp; names: (run: EchoRun) => string }, change: (run: EchoRun) => Promise<void>): void {
  test(name, async () => {
    const { code, line, offsetsUnchanged, afterMs, run } = await restartAfter(name.replaceAll(/[^a-z]+/gi, '-'), change);
    expect(line).toMatch(expected.code);
    expect(line).toContain(expected.names(run));
    expect(line).toMatch(/reset|Restore|go back/);
    expect(code).toBe(1);
    expect(afterMs).toBeLessThan(EXIT_WITHIN_MS);
    expect(offsetsUnchanged).toBe(true);
  }, 60_000);
}

const inputPartition = ({ input }: EchoRun): string => `${input}-0`;

refusal('offsets moved back by hand', { code: /^STORE_AHEAD_OF_GROUP/, names: inputPartition }, async (run) => {
  await admin.setOffsets({ groupId: run.applicationId, topic: run.input, partitions: [{ partition: 0, offset: '10' }] });
});

refusal('offsets deleted', { code: /^OFFSETS_MISSING/, names: inputPartition }, async (run) => {
  await admin.deleteGroups([run.applicationId]);
});

refusal('offsets past the end', { code: /^OFFSET_OUT_OF_RANGE/, names: inputPartition }, async (run) => {
  await admin.setOffsets({ groupId: run.applicationId, topic: run.input, partitions: [{ partition: 0, offset: '5000' }] });
});

refusal('records deleted before they were processed', { code: /^OFFSET_OUT_OF_RANGE/, names: inputPartition }, async (run) => {
  await run.publish(500);
  await admin.deleteTopicRecords({ topic: run.input, partitions: [{ partition: 0, offset: '1200' }] });
});

refusal('a changelog deleted', { code: /^INTERNAL_TOPIC_INVALID/, names: (run) => changelogTopic(run.applicationId, RUNNING) }, async (run) => {
  await admin.deleteTopics({ topics: [changelogTopic(run.applicationId, RUNNING)] });
});

refusal('a changelog recreated, empty', { code: /^INTERNAL_TOPIC_INVALID/, names: (run) => changelogTopic(run.applicationId, RUNNING) }, async (run) => {
  const topic = changelogTopic(run.applicationId, RUNNING);
  await admin.deleteTopics({ topics: [topic] });
  await broker.createTopics({ topic, partitions: 1, configs: { 'cleanup.policy': 'compact' } });
});

refusal('the input topic deleted', { code: /^SOURCE_TOPIC_MISSING/, names: ({ input }) => input }, async (run) => {
  await admin.deleteTopics({ topics: [run.input] });
});

refusal('the input topic recreated', { code: /^(OFFSETS_MISSING|OFFSET_OUT_OF_RANGE|STORE_AHEAD_OF_GROUP)/, names: ({ input }) => input }, async (run) => {
  await admin.deleteTopics({ topics: [run.input] });
  await broker.createTopics(run.input);
  await run.publish(2_000);
});

refusal('a partition added to the input', { code: /^PARTITIONS_CHANGED/, names: (run) => run.applicationId }, async (run) => {
  await admin.createPartitions({ topicPartitions: [{ topic: run.input, count: 2 }] });
});

test('a record that user code cannot take: the thread is replaced ten times, then the process gives up', async () => {
  const run = await EchoRun.open({ connection: broker.connection, name: 'throws', seed: 1, partitions: 1, throwAt: '0/700/poison' });
  try {
    await run.publish(700);
    const app = await run.start();
    app.expectEnd();
    await app.until(async () => (await committedOffsets(broker.connection, run.applicationId).catch(() => new Map<string, number>())).get(`${run.input}-0`) === 700, 'it has committed what comes before');
    const producer = createKafka(broker.connection, quietLogger).producer();
    await producer.connect();
    await producer.send({ topic: run.input, messages: [{ key: 'key', value: '0/700/poison' }] });
    await producer.disconnect();
    const { code } = await app.exited;
    expect(app.logged('stream thread failed, replacing it')).toHaveLength(10);
    expect(app.lines.findLast(({ level }) => Number(level) >= 50)?.msg).toMatch(/^THREADS_EXHAUSTED: .*0_0 failed at .*-input-0 offset 700: the topology was told to throw/);
    expect(code).toBe(1);
    expect((await committedOffsets(broker.connection, run.applicationId)).get(`${run.input}-0`)).toBe(700);
  } finally {
    await run.close();
  }
}, 120_000);

test('a damaged store is set aside and restored, and the outcome is exact', async () => {
  const run = await EchoRun.open({ connection: broker.connection, name: 'damaged', seed: 1, partitions: 1 });
  try {
    await run.publish(2_000);
    const first = await run.start();
    await run.settled();
    await first.kill();
    const slot = join(run.stateDir, run.applicationId, '0');
    for (const name of await readdir(join(slot, '0_0'))) if (name === 'CURRENT') await rm(join(slot, '0_0', name));
    await run.publish(500);
    const second = await run.start();
    await run.settled();
    expect(second.logged('cannot be trusted')).toHaveLength(1);
    expect(await run.verdict()).toEqual([]);
    expect((await readdir(slot)).some((name) => name.startsWith('0_0.set-aside-'))).toBe(true);
  } finally {
    await run.close();
  }
}, 60_000);
