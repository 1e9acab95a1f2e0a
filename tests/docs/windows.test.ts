import { expect, test } from '@jest/globals';
import {
  hopping,
  jsonSerde,
  session,
  sliding,
  StreamsBuilder,
  stringSerde,
  tumbling,
  unlimited,
  untilTimeLimit,
  untilWindowCloses,
  type Aggregate,
} from '@tributary/streams';
import { TopologyTestDriver } from '@tributary/streams/testing';

/* The code of docs/streams/windows.md, and of docs/streams/aggregates.md about several streams in one table. */

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

/** `key start-end value` of each row of a store. */
const windowsOf = (driver: TopologyTestDriver, store: string): string[] =>
  driver
    .rows(store)
    .map(({ key, startMs, endMs, value }) => `${key} ${String(startMs)}-${String(endMs)} ${String(value)}`);

test('windows of all kinds', async () => {
  const builder = new StreamsBuilder();
  const presses = builder.stream('presses', { value: stringSerde }).groupByKey();
  const graceMs = 1_000;
  presses.windowedBy(tumbling({ sizeMs: 10, graceMs })).count({ store: 'tumbling' });
  presses.windowedBy(hopping({ sizeMs: 10, advanceMs: 4, graceMs })).count({ store: 'hopping' });
  presses.windowedBy(sliding({ differenceMs: 10, graceMs })).count({ store: 'sliding' });
  presses.windowedBy(session({ gapMs: 10, graceMs })).count({ store: 'session' });
  presses.windowedBy(unlimited({ startMs: 5 })).count({ store: 'unlimited' });

  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('presses', ...[3, 12, 30].map((timestampMs) => ({ key: 'a', value: '', timestampMs })));
  expect(windowsOf(driver, 'tumbling')).toEqual(['a 0-10 1', 'a 10-20 1', 'a 30-40 1']);
  expect(windowsOf(driver, 'hopping')).toEqual([
    'a 0-10 1',
    'a 4-14 1',
    'a 8-18 1',
    'a 12-22 1',
    'a 24-34 1',
    'a 28-38 1',
  ]);
  expect(windowsOf(driver, 'sliding')).toEqual(['a 0-10 1', 'a 2-12 2', 'a 4-14 1', 'a 20-30 1']);
  expect(windowsOf(driver, 'session')).toEqual(['a 3-12 2', 'a 30-30 1']);
  expect(driver.rows('unlimited')).toMatchObject([{ key: 'a', startMs: 5, value: 2 }]);
});

test('what is late is counted and told', async () => {
  const builder = new StreamsBuilder();
  const minutes = builder
    .stream('sales', { value: jsonSerde<number>() })
    .groupByKey()
    .windowedBy(tumbling({ sizeMs: 60_000, graceMs: 30_000, retentionMs: 3_600_000 }))
    .reduce((a, b) => a + b, { store: 'sales-by-minute', combine: true });
  minutes.late().to('late-sales', { value: jsonSerde<number>() });

  const driver = new TopologyTestDriver(builder.build());
  const sales = driver.inputTopic('sales', { value: jsonSerde<number>() });
  await sales.pipe(
    { key: 'ann', value: 1, timestampMs: 10_000 },
    { key: 'bob', value: 1, timestampMs: 89_999 },
    // The first minute takes records as long as stream time is below 90,000.
    { key: 'ann', value: 2, timestampMs: 20_000 },
    { key: 'bob', value: 1, timestampMs: 90_000 },
    { key: 'ann', value: 4, timestampMs: 59_999 },
  );
  expect(windowsOf(driver, 'sales-by-minute')).toEqual(['ann 0-60000 3', 'bob 60000-120000 2']);
  expect(driver.output('late-sales').map(({ value }) => String(value))).toEqual(['4']);
  expect(driver.dropped()).toEqual({ late: 1 });
});

test('rows that are held back', async () => {
  const builder = new StreamsBuilder();
  const sales = builder.stream('sales', { value: jsonSerde<number>() }).groupByKey();
  sales
    .windowedBy(tumbling({ sizeMs: 60_000, graceMs: 0 }))
    .reduce((a, b) => a + b, { store: 'sales-by-minute', combine: true })
    .filter((sum) => sum >= 10)
    .suppress(untilWindowCloses(), { store: 'good-minutes-held' })
    .toStream((_sum, { key, startMs }) => `${key} ${String(startMs)}`)
    .to('good-minutes', { value: jsonSerde() });
  sales
    .reduce((a, b) => a + b, { store: 'sales-in-all', combine: true })
    .suppress(untilTimeLimit(5_000, { maxRows: 1_000 }))
    .toStream()
    .to('sales-in-all', { value: jsonSerde() });

  const driver = new TopologyTestDriver(builder.build());
  const input = driver.inputTopic('sales', { value: jsonSerde<number>() });
  const told = (topic: string): unknown[] =>
    driver.output(topic).map(({ key, value }) => `${String(key)} ${String(value)}`);
  await input.pipe({ key: 'ann', value: 6, timestampMs: 1_000 }, { key: 'bob', value: 3, timestampMs: 1_000 });
  await input.pipe({ key: 'ann', value: 7, timestampMs: 2_000 });
  expect([told('good-minutes'), told('sales-in-all')]).toEqual([[], []]);
  await input.pipe({ key: 'bob', value: 1, timestampMs: 60_000 });
  expect(told('good-minutes')).toEqual(['ann 0 13']);
  expect(told('sales-in-all').sort()).toEqual(['ann 13', 'bob 4']);
});
