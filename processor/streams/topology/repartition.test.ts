import { expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import { stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';

const texts = { value: stringSerde };

test('a repartition topic has as many partitions as it is given, else as many as its input', async () => {
  const builder = new StreamsBuilder();
  const words = builder.stream('in', texts).selectKey((word) => word);
  words.repartition({ name: 'five', partitions: 5 }).groupByKey().count({ store: 'five' });
  words.repartition({ name: 'as-before' }).to('out');
  const driver = new TopologyTestDriver(builder.build(), { partitions: { in: 2 } });
  expect(driver.partitionsOf('test-five-repartition')).toBe(5);
  expect(driver.partitionsOf('test-as-before-repartition')).toBe(2);
  await driver.pipe('in', { value: 'a' }, { value: 'b' }, { value: 'a' });
  expect(driver.rows('five')).toEqual([
    { key: 'a', value: 2 },
    { key: 'b', value: 1 },
  ]);
});

test.each([0, 1.5, -1, '3'])('%p partitions are refused', (partitions) => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', texts)
    .repartition({ name: 'x', partitions: partitions as number })
    .to('out');
  expect(() => builder.build()).toThrow('partitions of the repartition "x" is a whole number above 0');
});

test('a repartition that is declared twice is refused, naming both: records of one would go to the other', () => {
  const builder = new StreamsBuilder();
  for (const topic of ['a', 'b']) builder.stream(topic, texts).repartition({ name: 'x' }).to('out');
  expect(() => builder.build()).toThrow(
    /the repartition "x" is declared twice, by KSTREAM-REPARTITION-\d+ and by KSTREAM/,
  );
});

test('records without a key go through where a left join follows, and only there', async () => {
  const builder = new StreamsBuilder();
  const table = builder.table('rows', { value: stringSerde, store: 'rows' });
  const unkeyed = builder.stream('in', texts).selectKey((word) => (word === 'none' ? null : word));
  unkeyed
    .repartition({ name: 'joined' })
    .filter(() => true)
    .leftJoin(table, (word, row) => `${word} ${String(row)}`)
    .to('left', { value: stringSerde });
  unkeyed.repartition({ name: 'plain' }).to('plain');
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('rows', { key: 'a', value: 'A' });
  await driver.pipe('in', { value: 'a' }, { value: 'none' });
  expect(driver.output('left').map(({ key, value }) => [key?.toString() ?? null, String(value)])).toEqual([
    ['a', 'a A'],
    [null, 'none null'],
  ]);
  expect(driver.output('plain').map(({ value }) => String(value))).toEqual(['a']);
  expect(driver.dropped()).toEqual({ 'null-key': 1 });
});

test('headers of the runtime stay inside: a count behind a shuffle is written without any', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', texts)
    .groupBy((word) => word, { name: 'by-word' })
    .count({ store: 'counts' })
    .toStream()
    .to('out');
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { value: 'a', headers: { h: Buffer.from('x') } }, { value: 'a' });
  expect(driver.output('out').map(({ headers }) => headers)).toEqual([{}]);
});
