/** What docs/streams.md says of tables, run through the TopologyTestDriver. */
import { expect, test } from '@jest/globals';
import { jsonSerde, StreamsBuilder, TopologyTestDriver, type Topology } from '@tributary/streams';

interface Order {
  readonly customer: string;
  readonly amount: number;
}

interface Customer {
  readonly name: string;
  readonly country: string;
}

/** What is ordered in each country, as customers move and orders change. */
function revenue(): Topology {
  const builder = new StreamsBuilder();
  const orders = builder.table('orders', { value: jsonSerde<Order>() });
  const customers = builder.table('customers', { value: jsonSerde<Customer>() });
  orders
    .join(customers, ({ amount }, { country }) => ({ amount, country }), {
      foreignKey: ({ customer }) => customer,
      name: 'orders-customers',
      store: 'orders-by-country',
      value: jsonSerde<{ amount: number; country: string }>(),
    })
    .groupBy(({ amount, country }) => ({ key: country, value: amount }), {
      name: 'by-country',
      value: jsonSerde<number>(),
    })
    .reduce({ add: (sum, amount) => sum + amount, subtract: (sum, amount) => sum - amount }, { store: 'revenue' });
  return builder.build();
}

test('orders by the country of their customers: both sides may change', async () => {
  const driver = new TopologyTestDriver(revenue(), { partitions: { orders: 3, customers: 2 } });
  const orders = driver.inputTopic('orders', { value: jsonSerde<Order>() });
  const customers = driver.inputTopic('customers', { value: jsonSerde<Customer>() });
  await customers.pipe({ key: 'c', value: { name: 'Chen', country: 'DE' } });
  await orders.pipe(
    { key: '1', value: { customer: 'c', amount: 10 } },
    { key: '2', value: { customer: 'c', amount: 5 } },
  );
  expect(driver.rows('revenue')).toEqual([{ key: 'DE', value: 15 }]);
  await customers.pipe({ key: 'c', value: { name: 'Chen', country: 'FR' } });
  await orders.pipe({ key: '2', value: null });
  expect(driver.rows('revenue')).toEqual([
    { key: 'DE', value: 0 },
    { key: 'FR', value: 10 },
  ]);
});
