import { expect, test } from '@jest/globals';
import {
  int64Serde,
  jsonSerde,
  KafkaStreams,
  keyValueStore,
  StreamsBuilder,
  tumbling,
  type Topology,
} from '@tributary/streams';
import { TopologyTestDriver } from '@tributary/streams/testing';
import type { Consumer, EachMessageHandler, EachMessagePayload, Message, Producer } from 'kafkajs';
import { quietLogger as logger } from '../support/quiet-logger.ts';

/* The code of docs/from-kafkajs.md, the one of before and the one of after. */

interface Order {
  readonly customer: string;
  readonly cents: number;
}

/** What a customer has spent, kept in a Map. */
async function before(consumer: Consumer, producer: Producer): Promise<void> {
  const totals = new Map<string, number>();

  await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const { customer, cents } = JSON.parse(message.value?.toString() ?? '') as Order;
      const total = (totals.get(customer) ?? 0) + cents;
      totals.set(customer, total);
      await producer.send({ topic: 'totals', messages: [{ key: customer, value: String(total) }] });
    },
  });
}

/** The same as a topology. */
function buildTopology(): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream('orders', { value: jsonSerde<Order>(), deadLetterTopic: 'orders-dlq' })
    .groupBy(({ customer }) => customer, { name: 'by-customer' })
    .aggregate(
      {
        empty: () => 0,
        add: (total, { cents }) => total + cents,
        merge: (a, b) => a + b,
        serde: jsonSerde<number>(),
      },
      { store: 'totals' },
    )
    .toStream()
    .to('totals');
  return builder.build();
}

/** A Map that is emptied by a timer is a window. */
function lastHour(): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream('orders', { value: jsonSerde<Order>() })
    .groupBy(({ customer }) => customer, { name: 'by-customer' })
    .windowedBy(tumbling({ sizeMs: 3_600_000, graceMs: 60_000 }), { emit: 'on-close' })
    .count({ store: 'orders-by-hour' })
    .toStream((_orders, { key }) => key)
    .to('orders-by-hour', { value: int64Serde });
  return builder.build();
}

/** A Map that is read and changed at will is a store of a processor; a timer of it is a punctuator. */
function withReminders(): Topology {
  const DAY_MS = 24 * 3_600_000;
  const carts = keyValueStore('carts', { value: jsonSerde<{ items: number; changedAtMs: number }>() });
  const builder = new StreamsBuilder();
  builder
    .stream('cart-items', { value: int64Serde })
    .process<string, string>(
      (context) => {
        const rows = context.store(carts);
        context.schedule({ everyMs: 60_000, clock: 'wall-clock' }, (nowMs) => {
          for (const [customer, { changedAtMs }] of [...rows.all()]) {
            if (nowMs - changedAtMs < DAY_MS) continue;
            context.forward(customer, 'your cart is waiting');
            rows.delete(customer);
          }
        });
        return (items, customer, { timestampMs }) => {
          if (customer === null) return;
          rows.put(customer, { items: (rows.get(customer)?.items ?? 0) + items, changedAtMs: timestampMs });
        };
      },
      { stores: [carts] },
    )
    .to('reminders', { value: jsonSerde() });
  return builder.build();
}

/** A kafkajs whose messages come from the test. */
async function startedBefore() {
  const sent: Message[] = [];
  let handler: EachMessageHandler = async () => undefined;
  const consumer = {
    subscribe: async () => undefined,
    run: async ({ eachMessage }: { eachMessage: EachMessageHandler }) => void (handler = eachMessage),
  };
  const producer = { send: async ({ messages }: { messages: Message[] }) => void sent.push(...messages) };
  await before(consumer as unknown as Consumer, producer as unknown as Producer);
  return {
    sent,
    receive: async (order: Order | string): Promise<void> => {
      const value = Buffer.from(typeof order === 'string' ? order : JSON.stringify(order));
      await handler({ message: { value } } as unknown as EachMessagePayload);
    },
  };
}

const order = (customer: string, cents: number): Order => ({ customer, cents });

test('the Map counts, until it is restarted, shared, or given what it cannot read', async () => {
  const one = await startedBefore();
  await one.receive(order('ann', 100));
  await one.receive(order('ann', 50));
  expect(one.sent).toEqual([
    { key: 'ann', value: '100' },
    { key: 'ann', value: '150' },
  ]);
  // Started again, or beside the first: it knows nothing of what came before.
  const other = await startedBefore();
  await other.receive(order('ann', 50));
  expect(other.sent).toEqual([{ key: 'ann', value: '50' }]);
  await expect(other.receive('no JSON')).rejects.toThrow(SyntaxError);
});

test('orders become totals', async () => {
  const driver = new TopologyTestDriver(buildTopology(), { partitions: { orders: 3 } });
  const orders = driver.inputTopic('orders', { value: jsonSerde<Order>() });
  const totals = driver.outputTopic('totals', { value: jsonSerde<number>() });

  await orders.pipe(
    { value: { customer: 'ann', cents: 100 }, partition: 0 },
    { value: { customer: 'ann', cents: 50 }, partition: 2 },
  );
  expect(totals.read()).toMatchObject([{ key: 'ann', value: 150 }]);
  expect(driver.store('totals')).toEqual(new Map([['ann', 150]]));

  await driver.pipe('orders', { value: 'no JSON' });
  expect(driver.output('orders-dlq')).toHaveLength(1);
});

test('an hour is told once, when it is over', async () => {
  const driver = new TopologyTestDriver(lastHour());
  const orders = driver.inputTopic('orders', { value: jsonSerde<Order>() });
  const hours = driver.outputTopic('orders-by-hour', { value: int64Serde });
  await orders.pipe({ value: order('ann', 1), timestampMs: 0 }, { value: order('ann', 2), timestampMs: 3_599_999 });
  expect(hours.read()).toEqual([]);
  await orders.pipe({ value: order('bob', 1), timestampMs: 3_660_000 });
  expect(hours.read()).toMatchObject([{ key: 'ann', value: 2 }]);
});

test('who has left a cart alone for a day is reminded, once', async () => {
  const driver = new TopologyTestDriver(withReminders(), { nowMs: () => 0 });
  const items = driver.inputTopic('cart-items', { value: int64Serde });
  const reminders = driver.outputTopic('reminders', { value: jsonSerde<string>() });
  await items.pipe({ key: 'ann', value: 2 }, { key: 'bob', value: 1, timestampMs: 3_600_000 });
  await driver.advanceWallClock(24 * 3_600_000);
  expect(reminders.read()).toMatchObject([{ key: 'ann', value: 'your cart is waiting' }]);
  await driver.advanceWallClock(60_000);
  expect(reminders.read()).toEqual([]);
  expect(driver.rows('carts')).toMatchObject([{ key: 'bob' }]);
});

test('an application that is made, and reads of what it keeps', async () => {
  const streams = new KafkaStreams({
    topologyModule: new URL('./totals-topology.ts', import.meta.url),
    connection: { brokers: ['localhost:9092'], clientId: 'totals' },
    config: { applicationId: 'totals', stateDir: '/var/lib/totals' },
    creatableTopics: {
      totals: { partitions: 3, config: { 'cleanup.policy': 'compact' } },
      'orders-dlq': { partitions: 1 },
    },
    logger,
  });
  expect(streams.state).toBe('CREATED');
  const total = async (customer: string) => (await streams.store<number>('totals').get(customer)) ?? 0;
  await expect(total('ann')).rejects.toMatchObject({ code: 'STORE_NOT_HERE' });
});
