import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startLocalKafka, type LocalKafkaOptions } from '../../tools/local-kafka/local-kafka.ts';
import { testPort } from '../support/test-port.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { publishOnce } from '../support/test-producer.ts';
import { found } from '../support/until.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const topic = 'kept';
const { LC_ALL: locale } = process.env;
let broker: TestBroker;

beforeAll(async () => {
  // Java would read the directory's name in the locale's encoding, and a properties file as Latin-1.
  process.env['LC_ALL'] = 'C';
  broker = await startTestBroker({ directoryPrefix: 'tri büt#ary 100% \\ ' });
});
afterAll(async () => {
  if (locale === undefined) delete process.env['LC_ALL'];
  else process.env['LC_ALL'] = locale;
  await broker.stop();
});

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
  await publishOnce(broker.connection, { topic, messages: [{ value: 'one' }] });
  await broker.shutDown();
  await broker.restart();
  expect(await found(endOffset, 'the topic answers')).toBe('1');
  await publishOnce(broker.connection, { topic, messages: [{ value: 'two' }] });
  await broker.kill();
  await broker.restart();
  expect(await found(endOffset, 'the topic answers')).toBe('2');
  // In the directory that was asked for, whatever is in its name.
  expect(await readdir(join(dirname(broker.logFile), 'log'))).toContain('kept-0');
});

test('a directory in use is refused with its holder and the remedy, and the holder goes on', async () => {
  const dataDir = dirname(dirname(broker.logFile));
  expect(await refusal({ dataDir, port: await testPort() })).toMatchObject({
    code: 'DATA_DIR_IN_USE',
    message: expect.stringMatching(new RegExp(`${process.pid}.*DATA_DIR`)),
  });
  expect(await found(endOffset, 'the topic answers')).toBe('2');
});

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
});
