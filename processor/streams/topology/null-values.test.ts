import { expect, test } from '@jest/globals';
import { StreamsBuilder, stringSerde, TopologyTestDriver, tumbling, type Aggregate } from '../index.ts';

/*
 * As Kafka Streams: count, reduce and aggregate without windows skip null values; a windowed count counts them.
 */

const texts: Aggregate<string | null, string> = {
  empty: () => '',
  add: (acc, value) => acc + String(value),
  serde: stringSerde,
};
const INPUT = ['x', null, 'y', null, null].map((value, at) => ({ key: 'k', value, timestampMs: at * 10 }));

test.each([
  { where: 'in the task of the source', local: true },
  { where: 'behind a shuffle', local: false },
])('null values $where: tables without windows skip them, a windowed count counts them', async ({ local }) => {
  const stream = () => {
    const source = builder.stream('in', { value: stringSerde, nulls: 'keep' });
    return local ? source : source.selectKey((_value, key) => key);
  };
  const builder = new StreamsBuilder();
  const grouped = stream().groupByKey({ name: 'all', value: stringSerde });
  grouped.count({ store: 'count' });
  grouped.windowedBy(tumbling({ sizeMs: 100, graceMs: 0 })).count({ store: 'windowed' });
  // Alone, and with tables that take partials.
  stream().groupByKey({ name: 'alone', value: stringSerde }).count({ store: 'count-alone' });
  const words = stream().groupByKey({ name: 'words', value: stringSerde });
  words.aggregate(texts, { store: 'aggregate' });
  words.reduce((a, b) => `${String(a)}-${String(b)}`, { store: 'reduce' });
  words.reduce((a, b) => (String(a) > String(b) ? a : b), { store: 'combined', combine: true });
  const driver = new TopologyTestDriver(builder.build());
  for (const record of INPUT) await driver.pipe('in', record);
  const rows = (store: string) => driver.rows(store).map(({ value }) => value);
  expect({
    count: rows('count'),
    windowed: rows('windowed'),
    'count-alone': rows('count-alone'),
    aggregate: rows('aggregate'),
    reduce: rows('reduce'),
    combined: rows('combined'),
  }).toEqual({
    count: [2],
    windowed: [5],
    'count-alone': [2],
    aggregate: ['xy'],
    reduce: ['x-y'],
    combined: ['y'],
  });
  expect(driver.dropped()).toEqual({});
});

test('a key that has nothing but null values has no row; its window has one', async () => {
  const builder = new StreamsBuilder();
  const grouped = builder
    .stream('in', { value: stringSerde, nulls: 'keep' })
    .groupBy((_value, key) => key, { name: 'g' });
  grouped.count({ store: 'count' });
  grouped.windowedBy(tumbling({ sizeMs: 100, graceMs: 0 })).count({ store: 'windowed' });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'k', value: null, timestampMs: 5 });
  expect(driver.rows('count')).toEqual([]);
  expect(driver.rows('windowed')).toMatchObject([{ key: 'k', startMs: 0, value: 1 }]);
});
