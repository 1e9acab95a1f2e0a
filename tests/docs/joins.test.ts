/** What docs/streams/joins.md says, run through the TopologyTestDriver. */
import { expect, test } from '@jest/globals';
import { joinWindows, jsonSerde, StreamsBuilder, TopologyTestDriver, type Topology } from '@tributary/streams';

interface Click {
  readonly user: string;
  readonly ad: string;
}

interface User {
  readonly country: string;
}

interface View {
  readonly page: string;
}

/** Which views of an ad led to a click within a minute, and which did not. */
function viewsAndClicks(): Topology {
  const builder = new StreamsBuilder();
  const views = builder.stream('views', { value: jsonSerde<View>() });
  const clicks = builder.stream('clicks', { value: jsonSerde<Click>() });
  views
    .leftJoin(clicks, ({ page }, click) => ({ page, clicked: click !== null }), {
      windows: joinWindows({ beforeMs: 0, afterMs: 60_000, graceMs: 10_000 }),
      name: 'views-clicks',
    })
    .to('views-clicked', { value: jsonSerde() });
  return builder.build();
}

interface Ad {
  readonly campaign: string;
}

/** Clicks with the campaign of their ad, whatever the keys. */
function clicksByCampaign(): Topology {
  const builder = new StreamsBuilder();
  const clicks = builder.stream('clicks', { value: jsonSerde<Click>() });
  const ads = builder.globalTable('ads', { value: jsonSerde<Ad>() });
  clicks
    .join(ads, ({ user }, { campaign }) => ({ user, campaign }), { key: ({ ad }) => ad })
    .to('clicks-by-campaign', { value: jsonSerde() });
  return builder.build();
}

/** Clicks with the country that their user lives in at that moment. */
function clicksByCountry(): Topology {
  const builder = new StreamsBuilder();
  const clicks = builder.stream('clicks', { value: jsonSerde<Click>() });
  const users = builder.table('users', { value: jsonSerde<User>() });
  clicks
    .selectKey(({ user }) => user)
    .leftJoin(users, ({ ad }, user) => ({ ad, country: user?.country ?? 'unknown' }), { name: 'clicks-by-user' })
    .to('clicks-by-country', { value: jsonSerde() });
  return builder.build();
}

test('clicks by the country of their users', async () => {
  const driver = new TopologyTestDriver(clicksByCountry(), { partitions: { clicks: 4, users: 3 } });
  const clicks = driver.inputTopic('clicks', { value: jsonSerde<Click>() });
  const users = driver.inputTopic('users', { value: jsonSerde<User>() });
  const out = driver.outputTopic('clicks-by-country', { value: jsonSerde() });
  await clicks.pipe({ value: { user: 'u', ad: 'shoes' } });
  await users.pipe({ key: 'u', value: { country: 'DE' } });
  await clicks.pipe({ value: { user: 'u', ad: 'hats' } });
  expect(out.read().map(({ key, value }) => ({ key, value }))).toEqual([
    { key: 'u', value: { ad: 'shoes', country: 'unknown' } },
    { key: 'u', value: { ad: 'hats', country: 'DE' } },
  ]);
});

test('views with and without a click', async () => {
  const driver = new TopologyTestDriver(viewsAndClicks());
  const views = driver.inputTopic('views', { value: jsonSerde<View>() });
  const clicks = driver.inputTopic('clicks', { value: jsonSerde<Click>() });
  const out = driver.outputTopic('views-clicked', { value: jsonSerde() });
  await views.pipe({ key: 'a', value: { page: 'home' }, timestampMs: 0 });
  await views.pipe({ key: 'b', value: { page: 'help' }, timestampMs: 1_000 });
  await clicks.pipe({ key: 'a', value: { user: 'u', ad: 'shoes' }, timestampMs: 60_000 });
  expect(out.read().map(({ key, value }) => ({ key, value }))).toEqual([
    { key: 'a', value: { page: 'home', clicked: true } },
  ]);
  await clicks.pipe({ key: 'c', value: { user: 'u', ad: 'shoes' }, timestampMs: 71_001 });
  expect(out.read().map(({ key, value, timestampMs }) => ({ key, value, timestampMs }))).toEqual([
    { key: 'b', value: { page: 'help', clicked: false }, timestampMs: 1_000 },
  ]);
});

test('clicks by the campaign of their ads', async () => {
  const driver = new TopologyTestDriver(clicksByCampaign(), { partitions: { clicks: 4, ads: 3 } });
  const clicks = driver.inputTopic('clicks', { value: jsonSerde<Click>() });
  const ads = driver.inputTopic('ads', { value: jsonSerde<Ad>() });
  await ads.pipe({ key: 'shoes', value: { campaign: 'spring' } });
  await clicks.pipe({ value: { user: 'u', ad: 'shoes' } }, { value: { user: 'u', ad: 'hats' } });
  const out = driver.outputTopic('clicks-by-campaign', { value: jsonSerde() }).read();
  expect(out.map(({ value }) => value)).toEqual([{ user: 'u', campaign: 'spring' }]);
});

test('orders and payments, whichever is missing', async () => {
  const builder = new StreamsBuilder();
  const orders = builder.stream('orders', { value: jsonSerde<number>() });
  const payments = builder.stream('payments', { value: jsonSerde<number>() });
  orders
    .outerJoin(payments, (order, paid) => ({ open: (order ?? 0) - (paid ?? 0) }), {
      windows: joinWindows({ differenceMs: 10_000, graceMs: 0 }),
      name: 'orders-payments',
    })
    .filter(({ open }) => open !== 0)
    .to('open-sums', { value: jsonSerde() });

  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('orders', { key: 'a', value: '5', timestampMs: 0 }, { key: 'b', value: '7', timestampMs: 1_000 });
  // Out of order, and in time: within 10 seconds of order a.
  await driver.pipe(
    'payments',
    { key: 'c', value: '1', timestampMs: 10_000 },
    { key: 'a', value: '5', timestampMs: 9_000 },
  );
  await driver.pipe('orders', { key: 'd', value: '1', timestampMs: 20_001 });
  const sums = driver.output('open-sums').map(({ key, value }) => `${String(key)} ${String(value)}`);
  expect(sums).toEqual(['b {"open":7}', 'c {"open":-1}']);
  expect(['left', 'right', 'outer'].map((side) => driver.rows(`orders-payments-${side}`).length)).toEqual([2, 2, 1]);
});
