import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isBrokerAway, KafkaCluster } from '@tributary/streams/operations';
import { sharedBroker, type SharedBroker } from '../../../../tests/support/shared-broker.ts';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';

let broker: SharedBroker;
beforeAll(async () => {
  broker = await sharedBroker();
});
afterAll(() => broker.leave());

test('a cluster that is disconnected stays so, whatever is under way: a process that has closed must end', async () => {
  const cluster = new KafkaCluster({ ...broker.connection, clientId: 'disconnected' }, quietLogger);
  await cluster.connect();
  const work = async (): Promise<never> => {
    for (;;) await cluster.refresh();
  };
  const [failure] = await Promise.allSettled([work(), cluster.disconnect()]);
  expect(failure).toMatchObject({ status: 'rejected' });
  expect(isBrokerAway((failure as PromiseRejectedResult).reason)).toBe(true);
  const again = await cluster.refresh().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(isBrokerAway(again)).toBe(true);
  await cluster.disconnect();
});
