/** What docs/streams/tables.md says, run through the TopologyTestDriver. */
import { expect, test } from '@jest/globals';
import {
  jsonSerde,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  versionedStore,
  type Topology,
} from '@tributary/streams';

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

const told = (driver: TopologyTestDriver, topic: string): string[] =>
  driver.output(topic).map(({ key, value }) => `${String(key)} ${String(value)}`);

test('operators, and what they hand on', async () => {
  const builder = new StreamsBuilder();
  const stock = builder.table('stock', { value: jsonSerde<number>(), store: 'stock' });
  const scarce = stock.filter((pieces) => pieces < 10, { store: 'scarce' });
  scarce
    .mapValues((pieces) => `only ${String(pieces)} left`)
    .toStream()
    .to('warnings', { value: stringSerde });

  const driver = new TopologyTestDriver(builder.build());
  const input = driver.inputTopic('stock', { value: jsonSerde<number>() });
  await input.pipe({ key: 'hats', value: 100 }, { key: 'shoes', value: 3 });
  // Neither "shoes" twice nor "hats": each changed row once a commit, with its newest value.
  await input.pipe({ key: 'shoes', value: 2 }, { key: 'shoes', value: 1 });
  expect(told(driver, 'warnings')).toEqual(['shoes only 3 left', 'shoes only 1 left']);
  await input.pipe({ key: 'shoes', value: 50 }, { key: 'hats', value: null });
  expect(told(driver, 'warnings')).toEqual(['shoes null']);
  expect(driver.rows('stock')).toEqual([{ key: 'shoes', value: 50 }]);
  expect(driver.rows('scarce')).toEqual([]);
});

interface Employee {
  readonly team: string | null;
  readonly salary: number;
}

test('a table that is grouped: rows move', async () => {
  const builder = new StreamsBuilder();
  const teams = builder
    .table('employees', { value: jsonSerde<Employee>() })
    .groupBy(({ team, salary }) => ({ key: team, value: salary }), { name: 'by-team', value: jsonSerde<number>() });
  teams.count({ store: 'heads' });
  teams.aggregate(
    {
      empty: () => ({ sum: 0, heads: 0 }),
      add: ({ sum, heads }, salary) => ({ sum: sum + salary, heads: heads + 1 }),
      subtract: ({ sum, heads }, salary) => ({ sum: sum - salary, heads: heads - 1 }),
      serde: jsonSerde<{ sum: number; heads: number }>(),
    },
    { store: 'salaries' },
  );

  const driver = new TopologyTestDriver(builder.build(), { partitions: { employees: 2 } });
  const input = driver.inputTopic('employees', { value: jsonSerde<Employee>() });
  await input.pipe(
    { key: 'ann', value: { team: 'red', salary: 10 } },
    { key: 'bob', value: { team: 'red', salary: 20 } },
    { key: 'eve', value: { team: null, salary: 30 } },
  );
  await input.pipe({ key: 'ann', value: { team: 'blue', salary: 15 } }, { key: 'bob', value: null });
  expect(driver.rows('heads')).toEqual([
    { key: 'blue', value: 1 },
    { key: 'red', value: 0 },
  ]);
  expect(driver.rows('salaries')).toEqual([
    { key: 'blue', value: { sum: 15, heads: 1 } },
    { key: 'red', value: { sum: 0, heads: 0 } },
  ]);
});

test('two tables by their keys', async () => {
  const builder = new StreamsBuilder();
  const prices = builder.table('prices', { value: jsonSerde<number>() });
  const stock = builder.table('stock', { value: jsonSerde<number>() });
  prices
    .outerJoin(stock, (price, pieces) => ({ price, pieces }), { store: 'offers', value: jsonSerde() })
    .toStream()
    .to('offers', { value: jsonSerde() });

  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('prices', { key: 'hats', value: '30', timestampMs: 5 });
  await driver.pipe('stock', { key: 'hats', value: '2', timestampMs: 3 });
  await driver.pipe('prices', { key: 'hats', value: null, timestampMs: 9 });
  await driver.pipe('stock', { key: 'hats', value: null, timestampMs: 10 });
  const offers = driver.output('offers').map(({ value, timestampMs }) => [String(value), timestampMs]);
  expect(offers).toEqual([
    ['{"price":30,"pieces":null}', 5],
    ['{"price":30,"pieces":2}', 5],
    ['{"price":null,"pieces":2}', 9],
    ['null', 10],
  ]);
});

test('a table that knows what was valid when', async () => {
  const builder = new StreamsBuilder();
  const rates = builder.table('rates', {
    store: versionedStore('rates', { value: jsonSerde<number>(), historyMs: 3_600_000 }),
  });
  builder
    .stream('payments', { value: jsonSerde<number>() })
    .join(rates, (amount, rate) => amount * rate, { name: 'payments-at-rates', graceMs: 60_000 })
    .to('euros', { value: jsonSerde() });

  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('rates', { key: 'USD', value: '2', timestampMs: 0 });
  await driver.pipe('payments', { key: 'USD', value: '10', timestampMs: 1_000 });
  expect(told(driver, 'euros')).toEqual([]);
  // A rate that comes after the payment, and was valid at its time.
  await driver.pipe(
    'rates',
    { key: 'USD', value: '3', timestampMs: 500 },
    { key: 'USD', value: '4', timestampMs: 2_000 },
  );
  await driver.pipe('payments', { key: 'USD', value: '1', timestampMs: 61_000 });
  expect(told(driver, 'euros')).toEqual(['USD 30']);
  expect(driver.rows('rates')).toEqual([{ key: 'USD', value: 4 }]);
});
