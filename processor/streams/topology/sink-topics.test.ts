import { expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import { stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';

test('a function chooses the topic of each record, another its partition', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { value: stringSerde })
    .to((value, key, { timestampMs }) => `${value}-${String(key)}-${String(timestampMs)}`, {
      partitioner: (_key, value, partitions) => value.length % partitions,
    });
  const driver = new TopologyTestDriver(builder.build(), { partitions: { 'abc-k-1': 2 } });
  await driver.pipe('in', { key: 'k', value: 'abc', timestampMs: 1 }, { key: 'k', value: 'abcd', timestampMs: 2 });
  expect(driver.output('abc-k-1')).toMatchObject([{ partition: 1, timestampMs: 1 }]);
  expect(driver.output('abcd-k-2')).toMatchObject([{ partition: 0 }]);
  expect(driver.output('never')).toEqual([]);
});

test('a partition that the topic does not have is an error that names it', async () => {
  const builder = new StreamsBuilder();
  builder.stream('in', { value: stringSerde }).to('out', { partitioner: () => 3 });
  const driver = new TopologyTestDriver(builder.build());
  await expect(driver.pipe('in', { value: 'a' })).rejects.toThrow('no partition 3 of out, which has 1 partitions');
});
