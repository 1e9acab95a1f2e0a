import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startLocalKafka, type LocalKafkaOptions } from '../../tools/local-kafka.ts';
import { freePort } from '../../tools/ports.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const topic = 'kept';
let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker();
}, 60_000);
afterAll(() => broker.stop(), 60_000);

function client(): Kafka {
  return new Kafka({ brokers: broker.brokers, clientId: 'local-kafka-test', logLevel: logLevel.NOTHING });
}

async function endOffset(): Promise<string | undefined> {
  const admin = client().admin();
  await admin.connect();
  try {
    return (await admin.fetchTopicOffsets(topic))[0]?.high;
  } finally {
    await admin.disconnect();
  }
}

async function send(value: string): Promise<void> {
  const producer = client().producer();
  await producer.connect();
  try {
    await producer.send({ topic, messages: [{ value }] });
  } finally {
    await producer.disconnect();
  }
}

async function restartMs(): Promise<number> {
  const started = performance.now();
  await broker.restart();
  return performance.now() - started;
}

/** Why a broker could not be started; one that starts nevertheless is stopped. */
async function refusal(options: Omit<LocalKafkaOptions, 'log'>): Promise<unknown> {
  try {
    const kafka = await startLocalKafka({ ...options, log: quiet });
    await kafka.stop();
  } catch (error) {
    return error;
  }
  throw new Error('the broker started');
}

test('what was acknowledged is there after a clean stop and after kill -9', async () => {
  await broker.createTopics({ topic, partitions: 1 });
  await send('one');
  await broker.shutDown();
  const afterCleanStopMs = await restartMs();
  expect(await endOffset()).toBe('1');
  await send('two');
  await broker.kill();
  // A killed broker must not wait for the 9 s session of its predecessor, on a slow machine either.
  expect((await restartMs()) - afterCleanStopMs).toBeLessThan(7_000);
  expect(await endOffset()).toBe('2');
}, 60_000);

test('a directory in use is refused with its holder and the remedy, and the holder goes on', async () => {
  const dataDir = dirname(dirname(broker.logFile));
  expect(await refusal({ dataDir, port: await freePort() })).toMatchObject({
    code: 'DATA_DIR_IN_USE',
    message: expect.stringMatching(new RegExp(`${process.pid}.*DATA_DIR`)),
  });
  expect(await endOffset()).toBe('2');
}, 60_000);

test('a port in use is named together with LOCAL_KAFKA_PORT', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'tributary-port-'));
  try {
    expect(await refusal({ dataDir, port: broker.port })).toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringMatching(new RegExp(`${broker.port}.*LOCAL_KAFKA_PORT`)),
    });
  } finally {
    await rm(dataDir, { recursive: true });
  }
}, 60_000);
