import { expect, test } from '@jest/globals';
import { jsonSerde, session, StreamsBuilder, type Aggregate } from '@tributary/streams';
import { TopologyTestDriver } from '@tributary/streams/testing';

/* The code of docs/streams.md about windows and several streams in one table. */

interface Visit {
  readonly page: string;
}

test('sessions are told once, when they are closed', async () => {
  const builder = new StreamsBuilder();
  const visits = builder.stream('visits', { value: jsonSerde<Visit>() });
  visits
    .groupByKey()
    .windowedBy(session({ gapMs: 30_000, graceMs: 5_000 }), { emit: 'on-close' })
    .count({ store: 'pages-by-session' })
    .toStream((_count, { key, startMs, endMs }) => `${key} ${String(startMs)}-${String(endMs)}`)
    .to('sessions', { value: jsonSerde<number>() });
  const driver = new TopologyTestDriver(builder.build());
  const visit = (key: string, timestampMs: number): { key: string; value: string; timestampMs: number } => ({
    key,
    value: '{"page":"/"}',
    timestampMs,
  });
  await driver.pipe('visits', visit('ann', 0), visit('ann', 20_000), visit('bob', 50_000), visit('ann', 90_000));
  const told = driver.output('sessions').map(({ key, value }) => [String(key), String(value)]);
  expect(told).toEqual([
    ['ann 0-20000', '2'],
    ['bob 50000-50000', '1'],
  ]);
});

test('orders and refunds are one balance', async () => {
  const balance = { empty: () => 0, serde: jsonSerde<number>() } satisfies Partial<Aggregate<number, number>>;
  const builder = new StreamsBuilder();
  const orders = builder.stream('orders', { value: jsonSerde<number>() });
  const refunds = builder.stream('refunds', { value: jsonSerde<number>() });
  orders
    .groupByKey()
    .cogroup({ ...balance, add: (sum: number, amount: number) => sum + amount })
    .cogroup(refunds.groupByKey(), { ...balance, add: (sum: number, amount: number) => sum - amount })
    .aggregate({ store: 'balances' });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('orders', { key: 'ann', value: '10' }, { key: 'ann', value: '5' });
  await driver.pipe('refunds', { key: 'ann', value: '3' });
  expect(driver.rows('balances')).toEqual([{ key: 'ann', value: 12 }]);
});
