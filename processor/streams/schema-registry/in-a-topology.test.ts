import { expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { jsonSerde, StreamsBuilder, stringSerde, TopologyTestDriver, type Serde } from '../index.ts';
import { avroSerde, schemaRegistry } from '../schema-registry.ts';

const ORDER = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'cents', type: 'long' },
  ],
};
interface Order {
  readonly id: string;
  readonly cents: number;
}

/** Orders in, sums of cents in a store and out. */
function driverOf(url: string): { driver: TopologyTestDriver; orders: Serde<Order>; sums: Serde<number> } {
  const registry = schemaRegistry({ url, timeoutMs: 100 });
  const orders = avroSerde<Order>(registry, { topic: 'orders', schema: ORDER });
  const sums = avroSerde<number>(registry, { topic: 'sums', schema: 'long' });
  const builder = new StreamsBuilder();
  builder
    .stream('orders', {
      key: avroSerde<string>(registry, { topic: 'orders', isKey: true, schema: 'string' }),
      value: orders,
      deadLetterTopic: 'dead',
    })
    .mapValues(({ cents }) => cents)
    .groupByKey({ value: jsonSerde<number>() })
    .reduce((a, b) => a + b, { store: 'sums', value: sums })
    .toStream()
    .to('sums', { key: stringSerde, value: sums });
  return { driver: new TopologyTestDriver(builder.build()), orders, sums };
}

test('orders of a registry are read, kept and written; what has an unknown schema is a dead letter', async () => {
  const { driver, orders, sums } = driverOf('mock://topology');
  const input = driver.inputTopic('orders', {
    key: avroSerde<string>(schemaRegistry({ url: 'mock://topology' }), {
      topic: 'orders',
      isKey: true,
      schema: 'string',
    }),
    value: orders,
  });
  await input.pipe({ key: 'a', value: { id: '1', cents: 5 } }, { key: 'a', value: { id: '2', cents: 6 } });
  await driver.pipe(
    'orders',
    { value: Buffer.from('000000006300', 'hex') },
    { value: '{"id":"3"}' },
    { key: Buffer.from('0000000064', 'hex'), value: orders.serialize({ id: '4', cents: 1 }) },
  );
  expect(driver.rows('sums')).toEqual([{ key: 'a', value: 11 }]);
  expect(
    driver
      .outputTopic('sums', { key: stringSerde, value: sums })
      .read()
      .map(({ value }) => value),
  ).toEqual([11]);
  const letters = driver
    .output('dead')
    .map(({ headers }) => [
      String(headers?.['__streams.errors.exception']),
      String(headers?.['__streams.errors.message']),
    ]);
  expect(letters).toEqual([
    ['DESERIALIZATION_FAILED', expect.stringMatching(/does not know the schema 99: .*"orders-value"/)],
    ['DESERIALIZATION_FAILED', expect.stringMatching(/begins with the byte 123/)],
    ['DESERIALIZATION_FAILED', expect.stringMatching(/The key cannot be read: .*schema 100: .*"orders-key"/)],
  ]);
});

test('a registry that is away makes no dead letter: the task waits', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as { readonly port: number };
  closed.close();
  await once(closed, 'close');
  const { driver } = driverOf(`http://127.0.0.1:${String(port)}`);
  await expect(driver.pipe('orders', { value: Buffer.from('000000006300', 'hex') })).rejects.toMatchObject({
    code: 'SCHEMA_REGISTRY_AWAY',
    reaction: 'wait',
  });
  expect(driver.output('dead')).toEqual([]);
});
