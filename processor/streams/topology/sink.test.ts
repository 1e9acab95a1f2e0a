import { expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import { stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';

test('null through a sink is a tombstone, which the serde does not see', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { decode: ({ value }) => value?.toString() ?? '' })
    .mapValues((text) => (text === 'gone' ? null : text))
    .to('out', {
      value: { ...stringSerde, serialize: (text: string) => stringSerde.serialize(text.toUpperCase()) },
    });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'a', value: 'here' }, { key: 'a', value: 'gone' }, { key: null, value: 'gone' });
  expect(driver.output('out').map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null])).toEqual([
    ['a', 'HERE'],
    ['a', null],
    [null, null],
  ]);
});

test('what a sink writes has the event time as its Kafka timestamp, of a table that of the row', async () => {
  const builder = new StreamsBuilder();
  const words = builder.stream('in', {
    decode: ({ value }) => value?.toString() ?? '',
    timestampMs: (text) => Number(text),
  });
  words.to('out', { value: stringSerde });
  words
    .groupBy(() => 'all', { name: 'all' })
    .count({ store: 'counts' })
    .toStream()
    .mapValues(String)
    .to('counted', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', ...['70', '90', '80'].map((value) => ({ value, timestampMs: 5 })));
  expect(driver.output('out').map(({ value, timestampMs }) => [value?.toString(), timestampMs])).toEqual([
    ['70', 70],
    ['90', 90],
    ['80', 80],
  ]);
  expect(driver.output('counted').map(({ value, timestampMs }) => [value?.toString(), timestampMs])).toEqual([
    ['3', 90],
  ]);
  // Internal topics keep the wall clock: brokers refuse the future, and delete by these times.
  expect(driver.output('test-counts-changelog').map(({ timestampMs }) => timestampMs)).toEqual([driver.nowMs()]);
});
