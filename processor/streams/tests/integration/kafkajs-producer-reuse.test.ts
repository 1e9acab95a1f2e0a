import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { READ_UNCOMMITTED } from '../../kafka/broker.ts';
import { RawKafka } from '../support/raw-kafka.ts';
import { until } from '../../../../tests/support/until.ts';
import {
  ApiKey,
  deliver,
  startProxiedBroker,
  type Frame,
  type ProxiedBroker,
} from '../../../../tests/support/wire-proxy.ts';

/*
 * Why a transactional producer is thrown away after any error. kafkajs rolls its sequence number back when a send
 * fails, though the broker may still get the batch, and its protocol versions have no epoch of their own for each
 * transaction (KIP-890): a late Produce of an aborted transaction is then taken for the first batch of the next one.
 */

let cluster: ProxiedBroker;
let raw: RawKafka;
const producers: Producer[] = [];

beforeAll(async () => {
  cluster = await startProxiedBroker();
  raw = await RawKafka.open(cluster.broker.connection);
});
afterAll(async () => {
  await Promise.all([raw.close(), ...producers.map((producer) => producer.disconnect())]);
  await cluster.stop();
});

/** kafkajs asks a transactional producer to try twice at least. */
const attempts = 2;

const newProducer = async (transactionalId: string): Promise<Producer> => {
  const retry = { retries: attempts - 1, initialRetryTime: 50 };
  const kafka = new Kafka({
    brokers: [...cluster.connection.brokers],
    clientId: transactionalId,
    requestTimeout: 2_000,
    logLevel: logLevel.NOTHING,
    retry,
  });
  const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1, retry });
  producers.push(producer);
  await producer.connect();
  return producer;
};

/** The next transaction is refused (CONCURRENT_TRANSACTIONS) until the markers of the last one are written. */
const untilMarker = async (topic: string): Promise<void> => {
  await until(async () => (await raw.range(topic, READ_UNCOMMITTED)).end > 0, 'the marker is written');
};

/** Transaction 1 sends a record that the network keeps; its send times out and it is aborted. */
const abortWithLateProduce = async (producer: Producer, topic: string) => {
  const late = cluster.proxy.hold({ direction: 'request', apiKey: ApiKey.Produce, clientId: topic });
  const transaction = await producer.transaction();
  await expect(transaction.send({ topic, messages: [{ key: 'k', value: 'aborted' }] })).rejects.toThrow();
  await transaction.abort();
  await untilMarker(topic);
  return late;
};

test(
  'a kafkajs producer that is used again after a failed send commits the aborted record and loses the ' +
    'acknowledged one',
  async () => {
    const topic = 'reused';
    await cluster.broker.createTopics(topic);
    const producer = await newProducer('reused');
    const late = await abortWithLateProduce(producer, topic);

    const transaction = await producer.transaction();
    const sent = transaction.send({ topic, messages: [{ key: 'k', value: 'committed' }] });
    await late.reached(attempts + 1);
    // Each request is held on a connection of its own: of those that are released at once any may be the first.
    await deliver((late.taken[0] as Frame).bytes, cluster.broker.port);
    late.release();
    await sent;
    await transaction.commit();

    expect(await raw.readAll(topic)).toEqual(['aborted']);
  },
);

test('a new producer with the same transactional id fences the late record off', async () => {
  const topic = 'replaced';
  await cluster.broker.createTopics(topic);
  const broken = await newProducer('replaced');
  const late = await abortWithLateProduce(broken, topic);

  const producer = await newProducer('replaced');
  const transaction = await producer.transaction();
  const sent = transaction.send({ topic, messages: [{ key: 'k', value: 'committed' }] });
  await late.reached(attempts + 1);
  late.release();
  await sent;
  await transaction.commit();

  expect(await raw.readAll(topic)).toEqual(['committed']);
});
