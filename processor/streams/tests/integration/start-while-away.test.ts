import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { StreamsBuilder } from '@tributary/streams';
import { createKafka, isBrokerAway, KafkaCluster } from '@tributary/streams/operations';
import { prepareTopics } from '../../topics/prepare-topics.ts';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { until } from '../../../../tests/support/until.ts';
import { ApiKey, startProxiedBroker, type ProxiedBroker } from '../../../../tests/support/wire-proxy.ts';

let cluster: ProxiedBroker;
beforeAll(async () => {
  cluster = await startProxiedBroker();
});
afterAll(() => cluster.stop());

/** Prepares the topics of a small application; answers what it throws. */
async function prepare(clientId: string): Promise<unknown> {
  const builder = new StreamsBuilder();
  builder
    .stream('words', { decode: ({ value }) => String(value) })
    .groupBy((word) => word, { name: 'by-word' })
    .count({ store: 'counts' });
  const topics = new KafkaCluster({ ...cluster.connection, clientId }, quietLogger);
  try {
    await prepareTopics({
      kafka: createKafka({ ...cluster.connection, clientId }, quietLogger),
      cluster: topics,
      topology: builder.build(),
      applicationId: clientId,
      creatable: { words: { partitions: 1 } },
      hasLocalState: false,
      exactlyOnce: true,
      replicationFactor: undefined,
      logger: quietLogger,
    });
  } catch (error) {
    return error;
  } finally {
    await topics.disconnect();
  }
  return undefined;
}

function requestName(apiKey: number | undefined): string {
  return Object.entries(ApiKey).find(([, key]) => key === apiKey)?.[0] ?? String(apiKey);
}

test('a broker that goes away in the middle of a start is waited for, whichever request it leaves open', async () => {
  await cluster.broker.createTopics('words');
  // A new cluster's coordinators take a moment.
  await until(async () => (await prepare('warm-up')) === undefined, 'the coordinators answer');
  expect(await prepare('undisturbed')).toBeUndefined();
  const requests = cluster.proxy.frames.filter(
    ({ clientId, direction }) => clientId === 'undisturbed' && direction === 'request',
  ).length;
  expect(requests).toBeGreaterThan(8);
  const passed: string[] = [];
  for (let nth = 0; nth < requests; nth += 1) {
    const clientId = `cut-${String(nth)}`;
    let seen = -1;
    const away = cluster.proxy.cut({
      direction: 'request',
      when: (frame) => {
        if (frame.clientId === clientId) seen += 1;
        return frame.clientId === clientId && seen >= nth;
      },
    });
    const error = await prepare(clientId);
    away.end();
    if (error !== undefined && !isBrokerAway(error))
      passed.push(`request ${String(nth)} (${requestName(away.taken[0]?.apiKey)}): ${String(error)}`);
  }
  expect(passed).toEqual([]);
});
