import type { KafkaConnectionConfig } from '@tributary/streams';
import { createKafka } from '@tributary/streams/operations';
import { newClusterId } from '../../tools/local-kafka/local-kafka.ts';
import { kafkaClassPath } from '../../tools/local-kafka/local-kafka-jars.ts';
import { testPort } from './test-port.ts';
import { startTestBroker, type TestBroker } from './broker.ts';
import { quietLogger } from './quiet-logger.ts';
import { until } from './until.ts';

/** Three nodes, each of them broker and controller, on ports and in directories of their own. */
export interface TestBrokerCluster {
  readonly connection: KafkaConnectionConfig;
  /** Each can be killed and restarted alone: two of three go on. */
  readonly nodes: readonly TestBroker[];
  /**
   * Every replica of every partition, Kafka's own topics included, is in sync, and its first replica leads. @throws
   * when not in time.
   */
  untilWhole(): Promise<void>;
  /** The end: stops the nodes and removes their directories. */
  stop(): Promise<void>;
}

const NODE_IDS = [1, 2, 3] as const;

/** What is lost with one node is nowhere the only copy, and what two nodes have taken is acknowledged. */
const REPLICATED: Readonly<Record<string, string>> = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'share.coordinator.state.topic.replication.factor': '3',
  'share.coordinator.state.topic.min.isr': '2',
  // Kafka misses a dead broker after 9 s, and until then nobody leads its partitions: that wait says nothing about a
  // client.
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  // Who comes back leads again at once, so that leaders move away from living brokers too.
  'leader.imbalance.check.interval.seconds': '1',
  'leader.imbalance.per.broker.percentage': '0',
};

/** @param properties of every node; they win over the usual ones. */
export async function startTestBrokerCluster(
  properties: Readonly<Record<string, string>> = {},
): Promise<TestBrokerCluster> {
  // Three nodes at once would start Maven thrice in a fresh checkout, each writing the same files.
  await kafkaClassPath(quietLogger);
  const clusterId = newClusterId();
  const controllerPorts = new Map<number, number>();
  for (const id of NODE_IDS) controllerPorts.set(id, await testPort());
  // Side by side: a node alone waits for the vote of another.
  const starts = await Promise.allSettled(
    NODE_IDS.map((id) =>
      startTestBroker({
        heap: '256m',
        node: { id, clusterId, controllerPorts },
        properties: { ...REPLICATED, ...properties },
      }),
    ),
  );
  const nodes = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  const failed = starts.find((start) => start.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const connection = { brokers: nodes.flatMap((node) => node.brokers), clientId: 'test' };
  return { connection, nodes, untilWhole: () => untilWhole(connection), stop };
}

async function untilWhole(connection: KafkaConnectionConfig): Promise<void> {
  const admin = createKafka({ ...connection, clientId: 'test-admin' }, quietLogger).admin();
  await admin.connect();
  try {
    let wanting: string[] = [];
    const whole = async (): Promise<boolean> => {
      wanting = await admin.fetchTopicMetadata().then(
        ({ topics }) =>
          topics.flatMap(({ name, partitions }) =>
            partitions.flatMap(({ partitionId, isr, leader, replicas }) =>
              isr.length < replicas.length || leader !== replicas[0] ? [`${name}-${String(partitionId)}`] : [],
            ),
          ),
        (error: unknown) => [String(error)],
      );
      return wanting.length === 0;
    };
    await until(whole, () => `in sync, and led by the first replica: ${wanting.join(', ')}`);
  } finally {
    await admin.disconnect();
  }
}
