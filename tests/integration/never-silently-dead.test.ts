import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createKafka } from '../../processor/streams/consumer/kafka-cluster.ts';
import { KafkaStreams } from '../../processor/streams/index.ts';
import type { Logger } from '../../processor/streams/logger.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { publishOnce } from '../support/test-producer.ts';
import { until } from '../support/until.ts';

const TOPIC = 'words';
let broker: TestBroker;
let directory: string;

beforeAll(async () => {
  broker = await startTestBroker();
  await broker.createTopics({ topic: TOPIC, partitions: 2 });
  directory = await mkdtemp(join(tmpdir(), 'tributary-hang-'));
});
afterAll(async () => {
  await broker.stop();
  await rm(directory, { recursive: true, force: true });
});

test('a thread that hangs in user code is found out and replaced, and every record is counted once', async () => {
  const errors: string[] = [];
  const logger: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: (_fields, message) => errors.push(message) };
  const streams = new KafkaStreams({
    topologyModule: new URL('../support/hanging-topology.ts', import.meta.url),
    topologyOptions: { topic: TOPIC, marker: join(directory, 'hung-once') },
    connection: broker.connection,
    config: { applicationId: 'hang', stateDir: directory, threadHangTimeoutMs: 4_000, sessionTimeoutMs: 6_000 },
    logger,
  });
  await streams.start();
  const words = Array.from({ length: 200 }, (_, nth) => ({ key: String(nth), value: nth === 100 ? 'hang' : 'word' }));
  await publishOnce(broker.connection, { topic: TOPIC, messages: words });

  const counts = await countsOf(streams, 200);
  expect(errors.join()).toContain('it hangs in user code');
  expect(counts).toEqual(new Map([['word', 199], ['hang', 1]]));
  await streams.close();
  expect(streams.state).toBe('NOT_RUNNING');
});

/** The newest counts of the changelog, once they add up to `total`. */
async function countsOf(streams: KafkaStreams, total: number): Promise<Map<string, number>> {
  const consumer = createKafka(broker.connection, { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }).consumer({ groupId: 'reader' });
  const counts = new Map<string, number>();
  await consumer.connect();
  await consumer.subscribe({ topic: 'hang-counts-changelog', fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      counts.set(String(message.key), Number(message.value));
    },
  });
  await until(() => streams.failure !== undefined || [...counts.values()].reduce((a, b) => a + b, 0) >= total, () => `all ${String(total)} are counted: ${JSON.stringify([...counts])}`);
  await consumer.disconnect();
  return counts;
}
