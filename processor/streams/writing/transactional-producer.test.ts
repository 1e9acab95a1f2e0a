import { describe, expect, test } from '@jest/globals';
import kafkajs from '#kafkajs';
import type { TransactionState } from '../kafka/describe-transaction.ts';
import type { Broker } from '../kafka/broker.ts';
import { messageOf, StreamsError } from '../errors.ts';
import { refusal } from '../kafka/kafka-errors.ts';
import { NO_INPUT, UNKNOWN_PARTITION, type OutgoingRecord } from './streams-producer.ts';
import { TransactionalProducer, type TransactionCluster } from './transactional-producer.ts';
import { stays } from '../../../tests/support/until.ts';

const DESCRIBE_TRANSACTIONS = 65;
const STEPS = [
  'describe',
  'initProducerId',
  'track',
  'withOpenTransactions',
  'addPartitionsToTxn',
  'addOffsetsToTxn',
  'endTxn',
] as const;
type Step = (typeof STEPS)[number];

/** A coordinator that has left partition 1 hanging; what it does at `dies` is done, and its answer lost once. */
class HangingCoordinator {
  state: TransactionState;
  hanging = true;
  /** How it was told to end what hangs: true is a commit. */
  readonly outcomes: boolean[] = [];
  #dies: Step | undefined;

  constructor(state: TransactionState, dies?: Step) {
    this.state = state;
    this.#dies = dies;
  }

  cluster(): TransactionCluster {
    const broker: Pick<
      Broker,
      'versions' | 'connectionPool' | 'initProducerId' | 'addPartitionsToTxn' | 'addOffsetsToTxn' | 'endTxn'
    > = {
      versions: { [DESCRIBE_TRANSACTIONS]: { minVersion: 0, maxVersion: 0 } },
      connectionPool: { send: async () => this.#answer('describe', this.state) },
      initProducerId: async () => {
        // What is open is aborted; what is complete is forgotten.
        this.state = this.state === 'Ongoing' ? 'CompleteAbort' : 'Empty';
        return this.#answer('initProducerId', { producerId: '1', producerEpoch: 1 });
      },
      addPartitionsToTxn: async () => {
        this.state = 'Ongoing';
        return this.#answer('addPartitionsToTxn', {});
      },
      addOffsetsToTxn: async () => {
        this.state = 'Ongoing';
        return this.#answer('addOffsetsToTxn', {});
      },
      endTxn: async ({ transactionResult }) => {
        this.outcomes.push(transactionResult);
        this.state = transactionResult ? 'CompleteCommit' : 'CompleteAbort';
        this.hanging = false;
        return this.#answer('endTxn', {});
      },
    };
    return {
      connect: async () => undefined,
      coordinator: async () => broker as Broker,
      forgetCoordinator: () => undefined,
      track: async () => this.#answer('track', undefined),
      refresh: async () => undefined,
      withOpenTransactions: async (partitions) =>
        this.#answer('withOpenTransactions', this.hanging ? partitions.slice(1) : []),
      partitionCount: () => 1,
      leader: () => 1,
      broker: async () => broker as Broker,
      disconnect: async () => undefined,
    };
  }

  #answer<T>(step: Step, answer: T): T {
    if (this.#dies !== step) return answer;
    this.#dies = undefined;
    throw new kafkajs.KafkaJSConnectionError('Closed connection', { broker: 'b' });
  }
}

async function fence(coordinator: HangingCoordinator): Promise<void> {
  const outputs = [0, 1].map((partition) => ({ topic: 'out', partition }));
  const producer = new TransactionalProducer(coordinator.cluster(), {
    transactionalId: 'app-0_0',
    groupId: 'app',
    transactionTimeoutMs: 10_000,
    outputs,
  });
  await producer.init(new AbortController().signal);
}

test.each(STEPS)(
  'what hangs of a committed transaction is committed, also when the broker dies at %s',
  async (dies) => {
    for (const state of ['PrepareCommit', 'CompleteCommit'] as const) {
      const coordinator = new HangingCoordinator(state, dies);
      await fence(coordinator);
      expect(coordinator.hanging).toBe(false);
      expect(new Set(coordinator.outcomes)).toEqual(new Set([true]));
    }
  },
);

test.each(STEPS)('what hangs of an aborted one is aborted, also when the broker dies at %s', async (dies) => {
  for (const state of ['Ongoing', 'CompleteAbort', 'Empty'] as const) {
    const coordinator = new HangingCoordinator(state, dies);
    await fence(coordinator);
    expect(coordinator.hanging).toBe(false);
    expect(new Set(coordinator.outcomes)).toEqual(new Set([false]));
  }
});

test('its client asks for a topic of its own first, not for all that the brokers have', async () => {
  const steps: string[] = [];
  const cluster = new HangingCoordinator('Empty').cluster();
  const producer = new TransactionalProducer(
    {
      ...cluster,
      withOpenTransactions: async () => [],
      connect: async () => void steps.push('all topics'),
      track: async (topics) => void steps.push(topics.join()),
      coordinator: async (type, id) => {
        steps.push('coordinator');
        return cluster.coordinator(type, id);
      },
    },
    {
      transactionalId: 'app-0_0',
      groupId: 'app',
      transactionTimeoutMs: 10_000,
      probe: { topic: 'app-status', partition: 0 },
    },
  );
  await producer.init(new AbortController().signal);
  expect(steps.slice(0, 2)).toEqual(['app-status', 'coordinator']);
  expect(steps).not.toContain('all topics');
});

test('it stops asking when the task is lost meanwhile', async () => {
  const coordinator = new HangingCoordinator('CompleteCommit');
  const cluster = coordinator.cluster();
  const life = new AbortController();
  const producer = new TransactionalProducer(
    { ...cluster, withOpenTransactions: () => Promise.reject(new kafkajs.KafkaJSConnectionError('refused')) },
    { transactionalId: 'app-0_0', groupId: 'app', transactionTimeoutMs: 10_000 },
  );
  const ended = expect(producer.init(life.signal)).rejects.toThrow(/settling failed/);
  await stays(() => true, 'it asks a few times', 50);
  life.abort();
  await ended;
  expect(coordinator.outcomes).toEqual([]);
});

test('it says why it asks again: a broker that does not end a transaction would be waited for in silence', async () => {
  const told: string[] = [];
  const answers = [new kafkajs.KafkaJSConnectionError('refused'), refusal(51), refusal(14)];
  const cluster = new HangingCoordinator('Empty').cluster();
  const broker = await cluster.coordinator(1, 'app-0_0');
  const producer = new TransactionalProducer(
    {
      ...cluster,
      withOpenTransactions: async () => [],
      coordinator: async () => ({
        ...broker,
        initProducerId: async (request) => {
          const answer = answers.shift();
          if (answer !== undefined) throw answer;
          return broker.initProducerId(request);
        },
      }),
    },
    {
      transactionalId: 'app-0_0',
      groupId: 'app',
      transactionTimeoutMs: 10_000,
      onUnanswered: (error) => told.push(messageOf(error)),
    },
  );
  await producer.init(new AbortController().signal);
  expect(told).toEqual([
    'refused',
    expect.stringContaining('concurrent'),
    expect.stringContaining('loading'),
    'undefined',
  ]);
});

test('a partition that is chosen late is taken into the transaction before it is written to', async () => {
  const steps: unknown[] = [];
  const coordinator: Pick<
    Broker,
    'connectionPool' | 'initProducerId' | 'addPartitionsToTxn' | 'endTxn' | 'addOffsetsToTxn'
  > = {
    connectionPool: { send: async () => undefined },
    initProducerId: async () => ({ producerId: '1', producerEpoch: 1 }),
    addOffsetsToTxn: async () => ({}),
    addPartitionsToTxn: async ({ topics }) => steps.push(['add', topics]),
    endTxn: async ({ transactionResult }) => steps.push(['end', transactionResult]),
  };
  const cluster: TransactionCluster = {
    ...new HangingCoordinator('Empty').cluster(),
    coordinator: async () => coordinator as Broker,
    track: async (topics) => void steps.push(['track', topics]),
    withOpenTransactions: async () => [],
    partitionCount: () => 3,
    // Each partition has a leader of its own, which is known by it.
    leader: (_topic, partition) => partition,
    broker: async (partition) => {
      const send = async (): Promise<unknown> => {
        steps.push(['write', partition]);
        return { topics: [{ topicName: 'out', partitions: [{ partition, errorCode: 0, baseOffset: '41' }] }] };
      };
      return { connectionPool: { send } } as Pick<Broker, 'connectionPool'> as Broker;
    },
  };
  const producer = new TransactionalProducer(cluster, {
    transactionalId: 'app-0_0',
    groupId: 'app',
    transactionTimeoutMs: 10_000,
  });
  await producer.init(new AbortController().signal);
  const record = (choosePartition: (count: number) => number): OutgoingRecord => ({
    topic: 'out',
    partition: UNKNOWN_PARTITION,
    key: null,
    value: null,
    choosePartition,
  });
  const refused: OutgoingRecord[] = [];
  const none = record(() => {
    throw new StreamsError('USER_CODE_FAILED', 'no partition');
  });
  const sent = await producer.send(
    [record((count) => count - 1), { ...none, origin: null }, record((count) => count - 1)],
    NO_INPUT,
    (one) => {
      refused.push(one);
      return [];
    },
  );
  await producer.commit(NO_INPUT);
  expect(refused).toEqual([{ ...none, origin: null }]);
  expect(sent).toEqual(new Map([['out-2', 43]]));
  expect(steps).toEqual([
    ['track', ['out']],
    ['add', [{ topic: 'out', partitions: [2] }]],
    ['write', 2],
    ['end', true],
  ]);
});

describe('the offsets that a group has committed', () => {
  /**
   * Two brokers that both take themselves for the group's coordinator; only the second one is, and knows the newest
   * offset.
   */
  function twoCoordinators(): { cluster: TransactionCluster; asked: string[]; ended: boolean[] } {
    const asked: string[] = [];
    const ended: boolean[] = [];
    const broker = (name: string, leads: boolean, offset: number): Broker => {
      const known: Pick<
        Broker,
        | 'versions'
        | 'connectionPool'
        | 'initProducerId'
        | 'addOffsetsToTxn'
        | 'txnOffsetCommit'
        | 'offsetFetch'
        | 'endTxn'
      > = {
        versions: { [DESCRIBE_TRANSACTIONS]: { minVersion: 0, maxVersion: 0 } },
        connectionPool: { send: async () => 'Empty' },
        initProducerId: async () => ({ producerId: '1', producerEpoch: 1 }),
        addOffsetsToTxn: async () => ({}),
        txnOffsetCommit: async () => {
          asked.push(name);
          // Its replicas follow another leader: nobody acknowledges what it writes.
          if (!leads)
            throw Object.assign(new Error('not the coordinator'), {
              name: 'KafkaJSProtocolError',
              type: 'NOT_COORDINATOR',
              code: 16,
            });
        },
        offsetFetch: async () => ({
          responses: [{ topic: 'in', partitions: [{ partition: 0, offset: String(offset), metadata: 'note' }] }],
        }),
        endTxn: async ({ transactionResult }) => ended.push(transactionResult),
      };
      return known as Broker;
    };
    const [old, current] = [broker('old', false, 5), broker('current', true, 9)];
    let believed = old;
    const cluster: TransactionCluster = {
      connect: async () => undefined,
      coordinator: async () => believed,
      forgetCoordinator: () => {
        believed = current;
      },
      track: async () => undefined,
      refresh: async () => undefined,
      withOpenTransactions: async () => [],
      partitionCount: () => 1,
      leader: () => 1,
      broker: async () => believed,
      disconnect: async () => undefined,
    };
    return { cluster, asked, ended };
  }

  test('are those of a coordinator that has shown that it is one, and the proof is taken back', async () => {
    const { cluster, asked, ended } = twoCoordinators();
    const producer = new TransactionalProducer(cluster, {
      transactionalId: 'app-0_0',
      groupId: 'app',
      transactionTimeoutMs: 10_000,
      probe: { topic: 'app-status', partition: 0 },
    });
    const { signal } = new AbortController();
    await producer.init(signal);
    expect(
      await producer.committed(
        [
          { topic: 'in', partition: 0 },
          { topic: 'in', partition: 1 },
        ],
        signal,
      ),
    ).toEqual([
      { offset: 9, metadata: 'note' },
      { offset: -1, metadata: null },
    ]);
    expect([asked, ended]).toEqual([['old', 'current'], [false]]);
  });
});
