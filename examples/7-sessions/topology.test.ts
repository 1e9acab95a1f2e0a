import { expect, test } from '@jest/globals';
import { jsonSerde } from '@tributary/streams';
import { TopologyTestDriver } from '@tributary/streams/testing';
import { buildTopology, type PageView, type Visit } from './topology.ts';

const MINUTE_MS = 60_000;

function driven() {
  const driver = new TopologyTestDriver(buildTopology({ input: 'views', output: 'visits', gapMs: 30 * MINUTE_MS }));
  const views = driver.inputTopic('views', { value: jsonSerde<PageView>() });
  const visits = driver.outputTopic('visits', { value: jsonSerde<Visit>() });
  return {
    driver,
    view: (visitor: string, page: string, minute: number) =>
      views.pipe({ key: visitor, value: { page }, timestampMs: minute * MINUTE_MS }),
    visits: () => visits.read().map(({ key, value }) => ({ key, ...value })),
  };
}

test('a visit is told once, when it is over', async () => {
  const { view, visits } = driven();
  await view('ann', '/', 0);
  await view('ann', '/shoes', 20);
  await view('ann', '/cart', 45);
  expect(visits()).toEqual([]);
  await view('bob', '/', 76);
  expect(visits()).toEqual([{ key: 'ann', startMs: 0, lengthMs: 45 * MINUTE_MS, pages: 3, entry: '/', exit: '/cart' }]);
});

test('a view that comes between two visits makes them one', async () => {
  const { driver, view, visits } = driven();
  await view('ann', '/', 0);
  await view('ann', '/cart', 29);
  await view('bob', '/', 40);
  await view('bob', '/cart', 9.95);
  expect(driver.rows('visits')).toHaveLength(3);
  await view('bob', '/shoes', 20);
  expect(driver.rows('visits')).toMatchObject([
    { key: 'ann' },
    { key: 'bob', startMs: 9.95 * MINUTE_MS, endMs: 40 * MINUTE_MS },
  ]);
  await view('eve', '/', 100);
  expect(visits()).toMatchObject([
    { key: 'ann', pages: 2 },
    { key: 'bob', pages: 3 },
  ]);
});
