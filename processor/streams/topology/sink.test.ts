import { expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import { stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';

test('null through a sink is a tombstone, which the serde does not see', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { decode: ({ value }) => value?.toString() ?? '' })
    .mapValues((text) => (text === 'gone' ? null : text))
    .to('out', { ...stringSerde, serialize: (text) => stringSerde.serialize(text.toUpperCase()) });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'a', value: 'here' }, { key: 'a', value: 'gone' }, { key: null, value: 'gone' });
  expect(driver.output('out').map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null])).toEqual([
    ['a', 'HERE'],
    ['a', null],
    [null, null],
  ]);
});
