import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { produce } from '../../writing/produce.ts';
import { NO_INPUT } from '../../writing/streams-producer.ts';
import { toTopicOffsets, TransactionalProducer } from '../../writing/transactional-producer.ts';
import { COORDINATOR_OF_GROUP, COORDINATOR_OF_TRANSACTION, type TransactionIdentity } from '../../kafka/broker.ts';
import { KafkaCluster } from '../../kafka/kafka-cluster.ts';
import { describeTransaction } from '../../kafka/describe-transaction.ts';
import { markerKey, redrivenTopic } from '../../../../tools/dead-letters/dead-letters-topic.ts';
import type { TestBroker } from '../../../../tests/support/broker.ts';
import { committedOffsets } from '../../../../tests/support/group-progress.ts';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { runTool } from '../../../../tests/support/tool-run.ts';
import { HangingTransactionError, readTopic } from '../../../../tests/support/topic-reader.ts';
import { found } from '../../../../tests/support/until.ts';
import {
  ApiKey,
  startProxiedBroker,
  type ProxiedBroker,
  type WireProxy,
} from '../../../../tests/support/wire-proxy.ts';

/*
 * A broker that is killed and started again may count a transaction as complete without having written its markers
 * (KAFKA-20734). The same is brought about here by writing to partitions that the coordinator was not told of: its
 * markers never get there. The next owner must end what hangs, the way the transaction itself ended.
 */

let proxied: ProxiedBroker;
let broker: TestBroker;
let proxy: WireProxy;
let cluster: KafkaCluster;

beforeAll(async () => {
  proxied = await startProxiedBroker({ properties: { 'transaction.partition.verification.enable': 'false' } });
  ({ broker, proxy } = proxied);
  cluster = new KafkaCluster({ ...broker.connection, clientId: 'old-owner' }, quietLogger);
});
afterAll(async () => {
  await cluster.disconnect();
  await proxied.stop();
});

const record = (topic: string, partition: number, value: string) => ({
  topic,
  partition,
  key: Buffer.from('k'),
  value: Buffer.from(value),
});
const values = async (topic: string): Promise<string[]> =>
  (await readTopic(broker.connection, topic)).partitions.flat().map(({ value }) => String(value));

/**
 * An owner whose transaction reaches partition 0 as it should, and partition 1 and the group behind the coordinator's
 * back.
 */
async function leaveHanging(id: string, topic: string, outcome: 'commit' | 'abort' | 'none'): Promise<void> {
  const coordinator = await retried(() => cluster.coordinator(COORDINATOR_OF_TRANSACTION, id));
  const answer = await retried(() => coordinator.initProducerId({ transactionalId: id, transactionTimeout: 60_000 }));
  const identity: TransactionIdentity = { transactionalId: id, ...answer };
  await cluster.track([topic]);
  const sequences = new Map<string, number>();
  if (outcome !== 'none') {
    await coordinator.addPartitionsToTxn({ ...identity, topics: [{ topic, partitions: [0] }] });
    await produce(cluster, [record(topic, 0, 'told')], { identity, sequences });
  }
  await produce(cluster, [record(topic, 1, 'untold')], { identity, sequences });
  const group = await retried(() => cluster.coordinator(COORDINATOR_OF_GROUP, id));
  await retried(() =>
    group.txnOffsetCommit({
      ...identity,
      groupId: id,
      topics: toTopicOffsets({ offsets: new Map([[`${topic}-0`, 7]]), metadata: null }),
    }),
  );
  if (outcome !== 'none') await coordinator.endTxn({ ...identity, transactionResult: outcome === 'commit' });
}

/** A new cluster's coordinators need a moment. */
const retried = async <T>(request: () => Promise<T>): Promise<T> =>
  (await found(async () => ({ answer: await request() }), 'the coordinators answer')).answer;

async function takeOver(id: string, topic: string): Promise<void> {
  const own = new KafkaCluster({ ...broker.connection, clientId: 'new-owner' }, quietLogger);
  const producer = new TransactionalProducer(own, {
    transactionalId: id,
    groupId: id,
    transactionTimeoutMs: 60_000,
    outputs: [0, 1].map((partition) => ({ topic, partition })),
  });
  await producer.init(new AbortController().signal);
  await producer.send([record(topic, 1, 'next')]);
  await producer.commit(NO_INPUT);
  await producer.close();
}

test('what hangs of a committed transaction is committed, its offsets too', async () => {
  await broker.createTopics({ topic: 'committed', partitions: 2 });
  await leaveHanging('committed', 'committed', 'commit');
  await expect(readTopic(broker.connection, 'committed', 1_000)).rejects.toThrow(HangingTransactionError);
  expect(await committedOffsets(broker.connection, 'committed')).toEqual(new Map());
  await takeOver('committed', 'committed');
  expect(await values('committed')).toEqual(['told', 'untold', 'next']);
  expect(await committedOffsets(broker.connection, 'committed')).toEqual(new Map([['committed-0', 7]]));
});

/**
 * Each request between the fence and the end, and the fence itself, as it fares when the broker dies with the answer.
 */
test.each(['InitProducerId', 'ListOffsets', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'EndTxn'] as const)(
  'what hangs of a committed transaction is committed, also when the answer to %s is lost',
  async (request) => {
    const id = `lost-${request}`;
    await broker.createTopics({ topic: id, partitions: 2 });
    await leaveHanging(id, id, 'commit');
    const lost = proxy.cut({ direction: 'response', apiKey: ApiKey[request], clientId: 'new-owner', times: 1 });
    await takeOver(id, id);
    expect(lost.taken.length).toBe(1);
    expect(await values(id)).toEqual(['told', 'untold', 'next']);
    expect(await committedOffsets(broker.connection, id)).toEqual(new Map([[`${id}-0`, 7]]));
  },
);

test('what hangs of an aborted transaction is aborted: the next commit does not bring it back', async () => {
  await broker.createTopics({ topic: 'aborted', partitions: 2 });
  await leaveHanging('aborted', 'aborted', 'abort');
  await takeOver('aborted', 'aborted');
  expect(await values('aborted')).toEqual(['next']);
  expect(await committedOffsets(broker.connection, 'aborted')).toEqual(new Map());
});

test('what hangs of a transaction that nobody knows of any more is aborted', async () => {
  await broker.createTopics({ topic: 'forgotten', partitions: 2 });
  await leaveHanging('forgotten', 'forgotten', 'none');
  const coordinator = await cluster.coordinator(COORDINATOR_OF_TRANSACTION, 'forgotten');
  expect(await describeTransaction(coordinator, 'forgotten')).toBe('Empty');
  expect(await describeTransaction(coordinator, 'never-heard-of')).toBe('none');
  await takeOver('forgotten', 'forgotten');
  expect(await values('forgotten')).toEqual(['next']);
});

test('what hangs of a redrive is ended by the next one, which sees its markers: all is sent once', async () => {
  const [input, letters] = ['redriven', 'redriven-dlq'];
  const markers = redrivenTopic(letters);
  await broker.createTopics(input, letters, 'redriven-told', {
    topic: markers,
    configs: { 'cleanup.policy': 'compact' },
  });
  const headers = { exception: 'NOT_JSON', topic: input, partition: '0', offset: '0' };
  const letter = {
    ...record(letters, 0, 'letter'),
    headers: Object.entries(headers).map(([name, value]) => [`__streams.errors.${name}`, Buffer.from(value)] as const),
  };
  await cluster.track([input, letters, markers, 'redriven-told']);
  await produce(cluster, [letter], { identity: undefined, sequences: new Map() });
  const [written] = (await readTopic(broker.connection, letters)).partitions.flat();
  if (written === undefined) throw new Error('no dead letter');

  const id = `${letters}-redrive`;
  const coordinator = await retried(() => cluster.coordinator(COORDINATOR_OF_TRANSACTION, id));
  const identity: TransactionIdentity = {
    transactionalId: id,
    ...(await retried(() => coordinator.initProducerId({ transactionalId: id, transactionTimeout: 60_000 }))),
  };
  const sequences = new Map<string, number>();
  await coordinator.addPartitionsToTxn({ ...identity, topics: [{ topic: 'redriven-told', partitions: [0] }] });
  await produce(
    cluster,
    [
      record('redriven-told', 0, 'told'),
      record(input, 0, 'letter'),
      { topic: markers, partition: 0, key: Buffer.from(markerKey(written)), value: Buffer.from('{}') },
    ],
    { identity, sequences },
  );
  await coordinator.endTxn({ ...identity, transactionResult: true });

  const env = {
    KAFKA_BROKERS: broker.connection.brokers.join(','),
    INPUT_TOPIC: input,
    DEAD_LETTER_TOPIC: letters,
    APPLICATION_ID: 'redriven',
  };
  expect(await runTool('tools/dead-letters/dead-letters.ts', ['redrive', '--all', '--yes'], env)).toMatchObject({
    code: 0,
    errors: '',
  });
  expect(await values(input)).toEqual(['letter']);
});
