import { describe, expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import { GlobalTables } from '../task/global-tables.ts';
import { internalTopics } from '../topics/internal-topics.ts';
import { jsonSerde, stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';

const numbers = jsonSerde<number>();

describe('global tables', () => {
  test('have the rows of all partitions; null deletes, records without a key are passed over', async () => {
    const builder = new StreamsBuilder();
    const table = builder.globalTable('prices', { value: numbers });
    builder.globalTable('by-number', { key: numbers, value: stringSerde, store: 'names' });
    builder.stream('in', { value: stringSerde }).to('out');
    const topology = builder.build();
    expect(table.store).toBe('prices-store');
    const driver = new TopologyTestDriver(topology, { partitions: { prices: 3, in: 2 } });
    await driver.pipe(
      'prices',
      { key: 'b', value: '1' },
      { key: 'a', value: '2', partition: 2 },
      { key: null, value: '3' },
    );
    expect(driver.rows('prices-store')).toEqual([
      { key: 'a', value: 2 },
      { key: 'b', value: 1 },
    ]);
    await driver.pipe('prices', { key: 'b', value: null }, { key: 'c', value: '4' });
    expect(driver.rows('prices-store')).toEqual([
      { key: 'a', value: 2 },
      { key: 'c', value: 4 },
    ]);
    expect(driver.store('prices-store').get('c')).toBe(4);
    await driver.inputTopic('by-number', { key: numbers, value: stringSerde }).pipe({ key: 7, value: 'seven' });
    expect(driver.rows('names')).toEqual([{ key: 7, value: 'seven' }]);
    const byTopic = {
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('"names" is a global table: its rows come by its topic'),
    };
    await expect(driver.seed('names', [{ key: '7', value: 'seven' }])).rejects.toMatchObject(byTopic);
    await expect(driver.entries('names')).rejects.toMatchObject(byTopic);
  });

  test('belong to no task: no changelog, no partition count of theirs decides', () => {
    const builder = new StreamsBuilder();
    builder.globalTable('prices', { value: numbers });
    builder.stream('in', { value: stringSerde }).groupByKey().count({ store: 'counts' });
    const topology = builder.build();
    expect(topology.subTopologies).toHaveLength(1);
    expect(
      internalTopics(topology, 'app', { in: 2, prices: 7 }).map(({ topic, partitions }) => [topic, partitions]),
    ).toEqual([
      ['app-counts-changelog', 2],
      ['app-offsets', 2],
      ['app-status', 1],
    ]);
    expect(topology.describe('app')).toContain(
      '   Sub-topology: 1 for global store (will not generate tasks)\n' +
        '    Source: KTABLE-GLOBALTABLE-0000000000 (topics: [prices])\n      --> none',
    );
  });

  test('what the topology itself writes to their topic is in them', async () => {
    const builder = new StreamsBuilder();
    builder.globalTable('prices', { value: stringSerde });
    builder.stream('in', { value: stringSerde }).to('prices');
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { key: 'a', value: 'x' });
    expect(driver.rows('prices-store')).toEqual([{ key: 'a', value: 'x' }]);
  });

  test('a record that cannot be read is an error that names it', async () => {
    const builder = new StreamsBuilder();
    builder.globalTable('prices', { value: numbers });
    builder.stream('in', { value: stringSerde }).to('out');
    const driver = new TopologyTestDriver(builder.build());
    await expect(driver.pipe('prices', { key: 'a', value: 'no JSON' })).rejects.toMatchObject({
      code: 'USER_CODE_FAILED',
      message: expect.stringMatching(/"prices-store" cannot take prices-0 offset 0: DESERIALIZATION_FAILED/),
    });
  });

  test('who looks at a row has a value of its own; a partition that is made anew is forgotten', () => {
    const builder = new StreamsBuilder();
    builder.globalTable('prices', { value: jsonSerde<{ price: number }>(), store: 'prices' });
    builder.stream('in', { value: stringSerde }).to('out');
    const tables = new GlobalTables(builder.build().globalTables);
    const record = { topic: 'prices', offset: 0, timestampMs: 5, headers: {} };
    tables.apply({ ...record, partition: 0, key: Buffer.from('a'), value: Buffer.from('{"price":1}') }, 0);
    tables.apply({ ...record, partition: 1, key: Buffer.from('b'), value: Buffer.from('{"price":2}') }, 0);
    const view = tables.viewOf('prices');
    const found = view?.row('a') as { value: { price: number } };
    found.value.price = 9;
    expect(view?.row('a')).toEqual({ value: { price: 1 }, timestampMs: 5 });
    tables.forget('prices', 1);
    expect([view?.row('a'), view?.row('b')]).toEqual([{ value: { price: 1 }, timestampMs: 5 }, undefined]);
  });

  test('what cannot be is refused', () => {
    const twice = new StreamsBuilder();
    twice.globalTable('prices', { value: numbers, store: 'counts' });
    twice.stream('in', { value: stringSerde }).groupByKey().count({ store: 'counts' });
    expect(() => twice.build()).toThrow(/"counts" is declared twice, by KTABLE-GLOBALTABLE-0000000000 and by/);
    const none = new StreamsBuilder();
    none.globalTable('prices', {} as never);
    none.stream('in', { value: stringSerde }).to('out');
    expect(() => none.build()).toThrow(/globalTable\("prices"\) takes either a serde/);
  });
});
