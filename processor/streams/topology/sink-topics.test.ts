import { expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import { stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';
import type { Topology } from './topology.ts';

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

const chooser = (): StreamsBuilder => {
  const builder = new StreamsBuilder();
  const texts = builder.stream('in', { decode: ({ value }) => String(value), deadLetterTopic: 'dlq' });
  texts.groupByKey({ name: 'g', value: stringSerde }).count({ store: 'counts' });
  texts
    .selectKey((value) => value)
    .groupByKey({ name: 'k', value: stringSerde })
    .count({ store: 'c' });
  texts.to((value) => value, { value: stringSerde });
  return builder;
};

test.each([
  ['app-counts-changelog', "is the application's own"],
  ['app-k-repartition', "is the application's own"],
  ['app-status', "is the application's own"],
  ['app-offsets', "is the application's own"],
  ['no name', 'is no name of a topic'],
  ['..', 'is no name of a topic'],
  ['', 'is no name of a topic'],
])('a function that chooses the topic "%s" has failed, and nothing is written', async (topic, words) => {
  const driver = new TopologyTestDriver(chooser().build(), { applicationId: 'app' });
  await expect(driver.pipe('in', { key: 'k', value: topic })).rejects.toMatchObject({
    code: 'USER_CODE_FAILED',
    message: expect.stringContaining(`"${topic}" ${words}`),
  });
  expect(driver.rows('counts')).toEqual([]);
});

test('it is for onProductionError to decide about', async () => {
  const driver = new TopologyTestDriver(chooser().build(), {
    applicationId: 'app',
    onProductionError: () => 'dead-letter',
  });
  await driver.pipe('in', { key: 'k', value: 'app-counts-changelog' }, { key: 'k', value: 'fine' });
  expect(driver.output('fine')).toMatchObject([{ value: Buffer.from('fine') }]);
  expect(driver.output('dlq')).toMatchObject([{ value: Buffer.from('app-counts-changelog') }]);
  expect(driver.rows('counts')).toMatchObject([{ key: 'k', value: 2 }]);
});

/** The size of a topic that a function chooses is asked for when the record goes out. */
test('a partitioner that fails for such a topic is named, or decided about', async () => {
  const build = (): Topology => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', { decode: ({ value }) => String(value), deadLetterTopic: 'dlq' })
      .to((value) => `to-${value}`, { value: stringSerde, partitioner: (_key, value) => (value === 'bad' ? 7 : 0) });
    return builder.build();
  };
  const strict = new TopologyTestDriver(build());
  await expect(strict.pipe('in', { value: 'bad' })).rejects.toMatchObject({
    code: 'USER_CODE_FAILED',
    message: expect.stringMatching(/^task 0_0 failed at .*in.*no partition 7 of to-bad, which has 1 partitions/),
  });
  const asked: unknown[] = [];
  const lenient = new TopologyTestDriver(build(), {
    onProductionError: (error, { topic, partition }) => {
      asked.push([error.code, topic, partition]);
      return 'dead-letter';
    },
  });
  await lenient.pipe('in', { value: 'bad' }, { value: 'good' });
  expect(asked).toEqual([['USER_CODE_FAILED', 'to-bad', undefined]]);
  expect(lenient.output('to-good')).toMatchObject([{ value: Buffer.from('good') }]);
  expect(lenient.output('dlq')).toMatchObject([{ value: Buffer.from('bad') }]);
  expect(lenient.dropped()).toEqual({ 'production-error': 1 });
});
