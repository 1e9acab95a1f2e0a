import { expect, test } from '@jest/globals';
import {
  float64Serde,
  int32Serde,
  int64Serde,
  jsonSerde,
  StreamsBuilder,
  stringSerde,
  timeWindowedSerde,
  tumbling,
  type Serde,
} from '@tributary/streams';
import { TopologyTestDriver } from '@tributary/streams/testing';

/* The code of docs/streams/records.md: what a record is, and the steps that take one at a time. */

/** What a topic got, without headers and times. */
const plain = <K, V>(records: readonly { readonly key: K; readonly value: V }[]): unknown[] =>
  records.map(({ key, value }) => ({ key, value }));

test('keys of any type', async () => {
  const builder = new StreamsBuilder();
  interface Place {
    readonly site: number;
    readonly sensor: string;
  }
  const placeSerde: Serde<Place> = {
    format: 'place, site and sensor',
    serialize: ({ site, sensor }) => Buffer.concat([int32Serde.serialize(site), Buffer.from(sensor)]),
    deserialize: (bytes) => ({
      site: int32Serde.deserialize(bytes.subarray(0, 4)),
      sensor: bytes.subarray(4).toString('utf8'),
    }),
  };
  builder
    .stream('readings', { key: placeSerde, value: float64Serde })
    .groupBy((_celsius, place) => place?.site, { name: 'by-site', key: int32Serde, value: float64Serde })
    .reduce((a, b) => Math.max(a, b), { store: 'hottest', combine: true })
    .toStream()
    .to('hottest-by-site');

  const driver = new TopologyTestDriver(builder.build());
  const readings = driver.inputTopic('readings', { key: placeSerde, value: float64Serde });
  await readings.pipe(
    { key: { site: 7, sensor: 'a' }, value: 20.5 },
    { key: { site: 7, sensor: 'b' }, value: 21 },
    { key: { site: -1, sensor: 'a' }, value: 3 },
  );
  expect(driver.rows('hottest')).toEqual([
    { key: 7, value: 21 },
    { key: -1, value: 3 },
  ]);
  const hottest = driver.outputTopic('hottest-by-site', { key: int32Serde, value: float64Serde });
  expect(plain(hottest.read())).toEqual(
    expect.arrayContaining([
      { key: 7, value: 21 },
      { key: -1, value: 3 },
    ]),
  );
});

test('keys of windows', async () => {
  const builder = new StreamsBuilder();
  const visits = builder.stream('visits', { value: stringSerde });
  visits
    .groupByKey()
    .windowedBy(tumbling({ sizeMs: 60_000, graceMs: 0 }))
    .count({ store: 'visits-by-minute' })
    .toStream()
    .to('visits-by-minute', { key: timeWindowedSerde(stringSerde, 60_000), value: int64Serde });

  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('visits', { key: 'ann', value: '/', timestampMs: 61_000 });
  const minutes = driver.outputTopic('visits-by-minute', {
    key: timeWindowedSerde(stringSerde, 60_000),
    value: int64Serde,
  });
  expect(plain(minutes.read())).toEqual([{ key: { key: 'ann', startMs: 60_000, endMs: 120_000 }, value: 1 }]);
});

interface Order {
  readonly amount: number;
}

test('headers and the place of a record', async () => {
  const builder = new StreamsBuilder();
  const orders = builder.stream('orders', { value: jsonSerde<Order>() });
  orders
    .filter((_order, _key, { headers }) => headers['test'] === undefined)
    .mapValues(({ amount }, _key, { topic, partition, offset, timestampMs }) => ({
      amount,
      source: `${topic}-${String(partition)}@${String(offset)}`,
      at: new Date(timestampMs).toISOString(),
    }))
    .to('real-orders', { value: jsonSerde() });

  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe(
    'orders',
    { value: '{"amount":1}', headers: { test: Buffer.from('yes') } },
    { value: '{"amount":2}', headers: { trace: Buffer.from('t1') }, timestampMs: 1_000 },
  );
  const [order, ...others] = driver.outputTopic('real-orders', { value: jsonSerde() }).read();
  expect(others).toEqual([]);
  expect(order).toMatchObject({
    value: { amount: 2, source: 'orders-0@1', at: '1970-01-01T00:00:01.000Z' },
    timestampMs: 1_000,
  });
  expect(String(order?.headers['trace'])).toBe('t1');
});

interface Profile {
  readonly name: string;
  readonly email?: string;
}

test('null values', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('profiles', { value: jsonSerde<Profile>(), nulls: 'keep' })
    .mapValues((profile) => (profile === null ? null : { name: profile.name }))
    .to('public-profiles', { value: jsonSerde() });
  builder.stream('logins', { value: stringSerde }).to('logins-with-values');

  const driver = new TopologyTestDriver(builder.build());
  const profiles = driver.inputTopic('profiles', { value: jsonSerde<Profile>() });
  await profiles.pipe({ key: 'ann', value: { name: 'Ann', email: 'a@b.c' } }, { key: 'ann', value: null });
  await driver.pipe('logins', { key: 'ann', value: null }, { key: 'ann', value: 'web' });
  expect(plain(driver.outputTopic('public-profiles', { value: jsonSerde() }).read())).toEqual([
    { key: 'ann', value: { name: 'Ann' } },
    { key: 'ann', value: null },
  ]);
  expect(plain(driver.outputTopic('logins-with-values', { value: stringSerde }).read())).toEqual([
    { key: 'ann', value: 'web' },
  ]);
  expect(driver.dropped()).toEqual({ 'null-value': 1 });
});

test('event time of values, and where a group begins', async () => {
  interface Click {
    readonly page: string;
    readonly atMs: number;
  }
  const builder = new StreamsBuilder();
  const clicks = builder.stream(['clicks-eu', 'clicks-us'], {
    value: jsonSerde<Click>(),
    timestampMs: ({ atMs }) => atMs,
    deadLetterTopic: 'clicks-dlq',
    startAt: 'latest',
  });
  clicks.mapValues(({ page }) => page).to('pages', { value: stringSerde });

  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('clicks-eu', { value: '{"page":"/","atMs":5000}' }, { value: '{"page":"/","atMs":-1}' });
  await driver.pipe('clicks-us', { value: '{"page":"/us","atMs":4000}' }, { value: 'no json' });
  expect(driver.output('pages').map(({ value, timestampMs }) => [String(value), timestampMs])).toEqual([
    ['/', 5_000],
    ['/us', 4_000],
  ]);
  expect(driver.output('clicks-dlq').map(({ headers }) => String(headers?.['__streams.errors.exception']))).toEqual([
    'INVALID_TIMESTAMP',
    'DESERIALIZATION_FAILED',
  ]);
});

interface Payment {
  readonly account: string;
  readonly amount: number;
}

test('streams that part, and a table of a stream', async () => {
  const builder = new StreamsBuilder();
  const payments = builder.stream('payments', { value: jsonSerde<Payment>() });
  const { refunds, sales, nothing } = payments.split(
    { refunds: ({ amount }) => amount < 0, sales: ({ amount }) => amount > 0 },
    'nothing',
  );
  const [large, small] = sales.branch(
    ({ amount }) => amount >= 1_000,
    () => true,
  );
  sales
    .selectKey(({ account }) => account)
    .repartition({ name: 'sales-by-account', partitions: 3 })
    .toTable({ store: 'last-sale' });
  refunds.merge(nothing).to('to-look-at');
  large?.to('large-sales');
  small?.to('small-sales');

  const driver = new TopologyTestDriver(builder.build(), { partitions: { payments: 2 } });
  const input = driver.inputTopic('payments', { value: jsonSerde<Payment>() });
  await input.pipe(
    { value: { account: 'a', amount: 5 } },
    { value: { account: 'b', amount: -5 } },
    { value: { account: 'a', amount: 0 } },
    { value: { account: 'a', amount: 2_000 } },
  );
  const amounts = (topic: string): number[] =>
    driver
      .outputTopic(topic, { value: jsonSerde<Payment>() })
      .read()
      .map(({ value }) => value?.amount ?? NaN);
  expect(amounts('to-look-at')).toEqual([-5, 0]);
  expect(amounts('large-sales')).toEqual([2_000]);
  expect(amounts('small-sales')).toEqual([5]);
  expect(driver.rows('last-sale')).toEqual([{ key: 'a', value: { account: 'a', amount: 2_000 } }]);
  expect(driver.partitionsOf('test-sales-by-account-repartition')).toBe(3);
  expect(driver.partitionsOf('test-last-sale-changelog')).toBe(3);
});

test('a topic and a partition for each record', async () => {
  interface Event {
    readonly type: string;
  }
  const builder = new StreamsBuilder();
  const events = builder.stream('events', { value: jsonSerde<Event>() });
  events.to(({ type }) => `events-${type}`, {
    partitioner: (key, _value, partitions) => (key?.startsWith('vip-') === true ? 0 : partitions - 1),
  });

  const driver = new TopologyTestDriver(builder.build(), { partitions: { 'events-login': 3 } });
  await driver.pipe('events', { key: 'vip-1', value: '{"type":"login"}' }, { key: '2', value: '{"type":"login"}' });
  await driver.pipe('events', { key: '3', value: '{"type":"logout"}' });
  expect(driver.output('events-login').map(({ partition }) => partition)).toEqual([0, 2]);
  expect(driver.output('events-logout').map(({ key }) => String(key))).toEqual(['3']);
});
